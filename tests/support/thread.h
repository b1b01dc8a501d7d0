/* Threads that a test starts and ends. SPDX-License-Identifier: Apache-2.0 */
#ifndef BULLPEN_TESTS_SUPPORT_THREAD_H
#define BULLPEN_TESTS_SUPPORT_THREAD_H

#include <pthread.h>

/* With `stack_bytes` of stack; 0: the default. Assertions must not be made on it: they would jump
 * to the stack of another thread. */
pthread_t thread_start(size_t stack_bytes, void *(*run)(void *data), void *data);
void thread_join(pthread_t thread);

#endif
