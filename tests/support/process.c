/* SPDX-License-Identifier: Apache-2.0 */
#include "support/process.h"

#include <dirent.h>
#include <stdio.h>
#include <unistd.h>

unsigned process_descriptors(void)
{
    unsigned count = 0;
    DIR *folder = opendir("/proc/self/fd");
    if (!folder)
        return 0;
    while (readdir(folder))
        count++;
    closedir(folder);
    return count - 3; /* ".", ".." and the folder itself */
}

unsigned process_mappings(void)
{
    unsigned lines = 0;
    FILE *maps = fopen("/proc/self/maps", "re");
    if (!maps)
        return 0;
    for (int c = getc(maps); c != EOF; c = getc(maps))
        lines += c == '\n';
    fclose(maps);
    return lines;
}

uint64_t process_resident_bytes(void)
{
    unsigned long long total = 0, resident = 0;
    FILE *statm = fopen("/proc/self/statm", "re");
    if (!statm)
        return 0;
    int fields = fscanf(statm, "%llu %llu", &total, &resident);
    fclose(statm);
    return fields == 2 ? resident * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}
