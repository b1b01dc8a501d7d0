/* A command in C; the same as go/main.go and rust/src/main.rs. SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int runs = 0;

/* Standard input to standard output, so many bytes at a time. */
static int copy(size_t chunk)
{
    char *bytes = malloc(chunk);
    ssize_t got = -1;
    while (bytes && (got = read(0, bytes, chunk)) > 0)
        if (fwrite(bytes, 1, (size_t)got, stdout) != (size_t)got)
            return 1;
    free(bytes);
    return got < 0;
}

static int list(int count, char **texts)
{
    for (int i = 0; i < count; i++)
        puts(texts[i]);
    return 0;
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "copy";
    const char *value = argc > 2 ? argv[2] : "";
    runs++;
    if (strcmp(what, "args") == 0)
        return list(argc - 2, argv + 2);
    if (strcmp(what, "name") == 0)
        return puts(argv[0]) < 0;
    if (strcmp(what, "env") == 0)
        return puts(getenv(value) ? getenv(value) : "none") < 0;
    if (strcmp(what, "runs") == 0)
        return printf("%d\n", runs) < 0;
    if (strcmp(what, "complain") == 0) {
        printf("said before");
        fprintf(stderr, "it went wrong\n");
        return atoi(value);
    }
    return copy(*value ? (size_t)atoi(value) : 4096);
}
