/**
 * @file foundation_wasi.h
 * What WASI 0.2 asks of the host: a table of functions, all of policy's. The library has the types,
 * the handles and the bounds; whether something is granted, and what it gives, is decided here.
 *
 * Each function gets the host_data of the guest's foundation_guest, on the thread that runs the
 * guest, in the middle of its call: it must not use the store. Where one returns bool, false means
 * that the guest is unwound; the host knows why.
 */
#ifndef BULLPEN_FOUNDATION_WASI_H
#define BULLPEN_FOUNDATION_WASI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** How a function of files went: one of these, or a number of wasi:filesystem's error-code. */
enum {
    FOUNDATION_WASI_STOP = -2, /**< the guest is to be unwound */
    FOUNDATION_WASI_OK = -1,
    FOUNDATION_WASI_ACCESS = 0,
    FOUNDATION_WASI_WOULD_BLOCK = 1,
    FOUNDATION_WASI_BAD_DESCRIPTOR = 3,
    FOUNDATION_WASI_ILLEGAL_BYTE_SEQUENCE = 9,
    FOUNDATION_WASI_INVALID = 12,
    FOUNDATION_WASI_IO = 13,
    FOUNDATION_WASI_IS_DIRECTORY = 14,
    FOUNDATION_WASI_LOOP = 15,
    FOUNDATION_WASI_NAME_TOO_LONG = 18,
    FOUNDATION_WASI_NO_ENTRY = 20,
    FOUNDATION_WASI_INSUFFICIENT_MEMORY = 22,
    FOUNDATION_WASI_NOT_DIRECTORY = 24,
    FOUNDATION_WASI_UNSUPPORTED = 27,
    FOUNDATION_WASI_NOT_PERMITTED = 31,
    FOUNDATION_WASI_READ_ONLY = 33,
};

/** What a name stands for: the numbers of wasi:filesystem's descriptor-type. */
enum {
    FOUNDATION_WASI_UNKNOWN = 0,
    FOUNDATION_WASI_DIRECTORY = 3,
    FOUNDATION_WASI_SYMBOLIC_LINK = 5,
    FOUNDATION_WASI_REGULAR_FILE = 6,
};

/** How to open a file. */
enum {
    FOUNDATION_WASI_OPEN_DIRECTORY = 1, /**< nothing but a directory */
    FOUNDATION_WASI_OPEN_WRITE = 2,     /**< create, truncate, or write */
};

typedef enum {
    FOUNDATION_WASI_CLOCK_WALL,      /**< nanoseconds since 1970 */
    FOUNDATION_WASI_CLOCK_MONOTONIC, /**< the clock of foundation_wasi_host.moment */
} foundation_wasi_clock;

typedef struct {
    uint64_t size;
    uint64_t identity; /**< the same for the same file, and for no other */
    uint8_t type;
} foundation_wasi_stat;

/** A text that is handed out: UTF-8, borrowed for the call. */
typedef void (*foundation_wasi_text_fn)(void *data, const char *text, size_t size);
/** The same for what is in a directory. @return false: no more of them now */
typedef bool (*foundation_wasi_entry_fn)(void *data, uint8_t type, const char *name, size_t size);

typedef struct foundation_wasi_host {
    /** At the door of each function, with its name ("wasi:io/poll#poll"; static); @p leave at its
     * other door, unless the guest is unwound. */
    bool (*enter)(void *host_data, const char *function);
    void (*leave)(void *host_data);

    /** Each of them, in order; variables as "NAME=VALUE". */
    void (*arguments)(void *host_data, foundation_wasi_text_fn visit, void *data);
    void (*environment)(void *host_data, foundation_wasi_text_fn visit, void *data);
    /** The guest is unwound after it. */
    void (*exit)(void *host_data, int32_t code);

    /** @param fd  1: standard output, 2: standard error. */
    bool (*write)(void *host_data, int fd, const uint8_t *bytes, size_t size);
    /** Of standard input, up to @p size bytes; 0: it is at its end. */
    size_t (*read)(void *host_data, uint8_t *to, size_t size);

    /** Whether it may see a clock: without one it can sleep, but not find out how long it did. */
    bool (*has_clock)(void *host_data);
    bool (*clock_now)(void *host_data, foundation_wasi_clock clock, uint64_t *ret_ns);
    bool (*clock_resolution)(void *host_data, foundation_wasi_clock clock, uint64_t *ret_ns);
    /** The monotonic clock for what waits: guests do not see it. */
    uint64_t (*moment)(void *host_data);
    /** Sleeps until @p moment; false as soon as the call has to end. */
    bool (*wait)(void *host_data, uint64_t moment);

    /** Fills all of it. */
    bool (*random)(void *host_data, uint8_t *to, size_t size);
    /** What this guest's insecure random numbers begin with. */
    bool (*seed)(void *host_data, uint64_t ret[2]);

    /** The number of the directory that the guest has from the start, as "/"; 0: none. */
    uint32_t (*folder)(void *host_data);
    /**
     * A file or directory below one.
     * @param      path   UTF-8; it can have any length and any bytes in it.
     * @param[out] ret    ended by @p file_close, which may come late: after the host has closed all
     *                    files by itself, when foundation_guest_clear() ends the guest's handles.
     */
    int32_t (*file_open)(void *host_data, uint32_t directory, const char *path, size_t size,
                         uint32_t flags, uint32_t *ret, bool *ret_is_directory);
    /** Nothing for a number that is not open. */
    void (*file_close)(void *host_data, uint32_t file);
    /** @param[out] ret  how many bytes; 0 with OK: the file's end. */
    int32_t (*file_read)(void *host_data, uint32_t file, uint64_t offset, uint8_t *to, size_t size,
                         size_t *ret);
    int32_t (*file_stat)(void *host_data, uint32_t file, foundation_wasi_stat *ret);
    /** @param follow  a link is not what is meant, but what it leads to. */
    int32_t (*file_stat_at)(void *host_data, uint32_t directory, const char *path, size_t size,
                            bool follow, foundation_wasi_stat *ret);
    /** Always an error: where links lead is not told. */
    int32_t (*file_read_link)(void *host_data, uint32_t directory, const char *path, size_t size);
    /** What is in it but "." and "..", from entry @p from on, until @p visit has enough. */
    int32_t (*file_list)(void *host_data, uint32_t directory, uint64_t from,
                         foundation_wasi_entry_fn visit, void *data);
} foundation_wasi_host;

#endif
