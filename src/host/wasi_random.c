/* WASI: randomness. SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <sys/random.h>

#include "host/wasi.h"

/* Between two of them randomness looks at the deadline; the kernel makes one in about 50 us. */
#define RANDOM_CHUNK ((uint64_t)16 * 1024)

/* Does not block: while a machine boots, the kernel has none, and nobody knows for how long. */
static uint32_t fill_random(uint8_t *to, uint64_t size)
{
    for (uint64_t done = 0; done < size;) {
        ssize_t got = getrandom(to + done, size - done, GRND_NONBLOCK);
        if (got < 0 && errno != EINTR)
            return errno == EAGAIN ? BP__WASI1_EAGAIN : BP__WASI1_EIO;
        if (got > 0)
            done += (uint64_t)got;
    }
    return BP__WASI1_SUCCESS;
}

bool bp__wasi_random(bp__host_state *state, uint8_t *to, uint64_t size, uint32_t *ret_error)
{
    *ret_error = BP__WASI1_SUCCESS;
    for (uint64_t at = 0; at < size && !*ret_error;) {
        uint64_t part = size - at < RANDOM_CHUNK ? size - at : RANDOM_CHUNK;
        *ret_error = fill_random(to + at, part);
        at += part;
        if (at < size && !bp__host_may_go_on(state))
            return false;
    }
    return true;
}
