/* How short the machine, or our part of it, is of memory. SPDX-License-Identifier: Apache-2.0
 *
 * Three kinds of source, each skipped where it does not exist: pressure-stall information (of our
 * cgroup, else of the machine), the limits of cgroup v2, and the limit of cgroup v1. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "pool/pressure.h"

/* Share of the last 10 s in which every task waited for memory: 1.0 on our scale. */
#define STALL_LIMIT 10.0
#define LEVEL_LOW 0.9
#define LEVEL_CRITICAL 0.97

#define CGROUP_ROOT "/sys/fs/cgroup"
#define CGROUP_LIST "/proc/self/cgroup"

/* Before every absolute path below. Written by tests while nobody looks. */
static char prefix[128] = "";

void bp__pressure_root_set(const char *root)
{
    size_t length = strlen(root);
    /* "/" and "" are the same root: the paths below begin with the slash. */
    while (length > 0 && root[length - 1] == '/')
        length--;
    if (length >= sizeof prefix)
        length = 0;
    memcpy(prefix, root, length);
    prefix[length] = '\0';
}

/* Reads the beginning of a file, NUL-terminated. */
static bool read_start(const char *path, char *text, size_t capacity)
{
    bp_auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t got;
    do
        got = read(fd, text, capacity - 1);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return false;
    text[got] = '\0';
    return true;
}

/* A number of bytes; false for "max" and for the huge value that means the same in v1. */
static bool read_bytes(const char *path, double *ret)
{
    char text[64];
    if (!read_start(path, text, sizeof text) || text[0] < '0' || text[0] > '9')
        return false;
    double bytes = strtod(text, NULL);
    if (bytes >= 9e18)
        return false;
    *ret = bytes;
    return true;
}

/* The line "full avg10=1.23 …". */
static bool read_stall(const char *path, double *ret)
{
    char text[512];
    if (!read_start(path, text, sizeof text))
        return false;
    const char *full = strstr(text, "full avg10=");
    if (!full)
        return false;
    *ret = strtod(full + strlen("full avg10="), NULL) / STALL_LIMIT;
    return true;
}

/* Our cgroup's path for a controller: "0::/a/b" in v2, "4:memory:/a/b" in v1. */
static bool find_cgroup(const char *controller, char *path, size_t capacity)
{
    char text[4096], list[sizeof prefix + sizeof CGROUP_LIST];
    snprintf(list, sizeof list, "%s" CGROUP_LIST, prefix);
    if (!read_start(list, text, sizeof text))
        return false;
    char *rest = NULL;
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        char *names = strchr(line, ':');
        char *group = names ? strchr(names + 1, ':') : NULL;
        if (!group)
            continue;
        *group = '\0';
        if (strcmp(names + 1, controller) == 0)
            return snprintf(path, capacity, "%s", group + 1) < (int)capacity;
    }
    return false;
}

static void set_path(bp_memory_source *source, const char *root, const char *group,
                     const char *file)
{
    /* In a container our path may not be visible, while the root of the mount is our group. */
    int length =
        snprintf(source->path, sizeof source->path, "%s%s%s/%s", prefix, root, group, file);
    if (length < 0 || length >= (int)sizeof source->path || access(source->path, R_OK) != 0)
        snprintf(source->path, sizeof source->path, "%s%s/%s", prefix, root, file);
}

/* The usage file is the limit's neighbour. */
static bool read_neighbour(const char *path, const char *file, double *ret)
{
    char neighbour[320];
    const char *slash = strrchr(path, '/');
    if (!slash)
        return false;
    snprintf(neighbour, sizeof neighbour, "%.*s/%s", (int)(slash - path), path, file);
    return read_bytes(neighbour, ret);
}

/* Cached file pages that the kernel drops when it needs room: part of the usage, no pressure. */
static double read_droppable(const char *path)
{
    char neighbour[320], text[4096];
    const char *slash = strrchr(path, '/');
    snprintf(neighbour, sizeof neighbour, "%.*s/memory.stat", slash ? (int)(slash - path) : 0,
             path);
    if (!read_start(neighbour, text, sizeof text))
        return 0;
    const char *total = strstr(text, "total_inactive_file ");
    const char *line = total ? total + strlen("total_") : strstr(text, "inactive_file ");
    return line ? strtod(line + strlen("inactive_file "), NULL) : 0;
}

static void look_at_limit(bp_memory_source *source, const char *usage_file)
{
    double limit, usage;
    source->present = read_bytes(source->path, &limit) && limit > 0 &&
                      read_neighbour(source->path, usage_file, &usage);
    source->pressure = 0;
    if (!source->present)
        return;
    double needed = usage - read_droppable(source->path);
    source->pressure = needed > 0 ? needed / limit : 0;
}

static void look_at_stall(bp_memory_source *source)
{
    source->present = read_stall(source->path, &source->pressure);
    if (!source->present)
        source->pressure = 0;
}

typedef struct known_source {
    const char *name, *controller, *root, *file, *usage; /* usage NULL: a stall file */
} known_source;

static const known_source known[] = {
    {"psi", NULL, "/proc/pressure", "memory", NULL},
    {"cgroup2 memory.pressure", "", CGROUP_ROOT, "memory.pressure", NULL},
    {"cgroup2 memory.high", "", CGROUP_ROOT, "memory.high", "memory.current"},
    {"cgroup2 memory.max", "", CGROUP_ROOT, "memory.max", "memory.current"},
    {"cgroup1 memory.limit_in_bytes", "memory", CGROUP_ROOT "/memory", "memory.limit_in_bytes",
     "memory.usage_in_bytes"},
};
#define KNOWN (sizeof known / sizeof *known)

static void look(const known_source *from, bp_memory_source *ret)
{
    char group[200] = "";
    *ret = (bp_memory_source){.name = from->name};
    if (from->controller && !find_cgroup(from->controller, group, sizeof group))
        group[0] = '\0';
    if (strcmp(group, "/") == 0)
        group[0] = '\0';
    set_path(ret, from->root, group, from->file);
    if (from->usage)
        look_at_limit(ret, from->usage);
    else
        look_at_stall(ret);
}

size_t bp_memory_pressure_sources(bp_memory_source *ret, size_t capacity)
{
    for (size_t i = 0; ret && i < KNOWN && i < capacity; i++)
        look(&known[i], &ret[i]);
    return KNOWN;
}

bp_memory_level bp_memory_pressure_level(void)
{
    double worst = 0;
    for (size_t i = 0; i < KNOWN; i++) {
        bp_memory_source source;
        look(&known[i], &source);
        if (source.present && source.pressure > worst)
            worst = source.pressure;
    }
    return worst >= LEVEL_CRITICAL ? BP_MEMORY_CRITICAL
           : worst >= LEVEL_LOW    ? BP_MEMORY_LOW
                                   : BP_MEMORY_OK;
}
