/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/room.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/error.h"

/* With the very last mapping the kernel refuses to let the heap grow, too; this is well before. */
#define MAPPINGS 8

static char *reserve(size_t bytes)
{
    void *room = mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return room == MAP_FAILED ? NULL : room;
}

bool bp__room_for_bytes(size_t bytes)
{
    char *room = reserve(bytes);
    return room && munmap(room, bytes) == 0;
}

/* Every other page is of another kind, so that each is a mapping of its own. */
static int split(char *room, size_t page)
{
    for (size_t i = 1; i < MAPPINGS; i += 2)
        if (mprotect(room + i * page, page, PROT_READ) != 0)
            return errno;
    return 0;
}

bp_status bp__room_for_mappings(bp_error *reterr)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *room = reserve(MAPPINGS * page);
    int failed = room ? split(room, page) : errno;
    if (room && munmap(room, MAPPINGS * page) != 0)
        failed = errno;
    if (!failed)
        return BP_OK;
    return bp__error_os(reterr, BP_ENOMEM, failed,
                        "the kernel gives no more mappings or addresses; raise vm.max_map_count or "
                        "RLIMIT_AS, or lower sandboxes_max");
}
