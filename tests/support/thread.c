/* SPDX-License-Identifier: Apache-2.0 */
#include "support/thread.h"

#include "support/check.h"

pthread_t thread_start(size_t stack_bytes, void *(*run)(void *data), void *data)
{
    pthread_attr_t attributes;
    pthread_t thread;
    assert_int_equal(pthread_attr_init(&attributes), 0);
    if (stack_bytes)
        assert_int_equal(pthread_attr_setstacksize(&attributes, stack_bytes), 0);
    assert_int_equal(pthread_create(&thread, &attributes, run, data), 0);
    pthread_attr_destroy(&attributes);
    return thread;
}

void thread_join(pthread_t thread)
{
    assert_int_equal(pthread_join(thread, NULL), 0);
}
