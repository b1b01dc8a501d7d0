/* SPDX-License-Identifier: Apache-2.0 */
#include "wasi1_world.h"

static void output_becomes_log_records(void **state)
{
    world *w = *state;
    memcpy(w->memory.base + 1, "hello\nwor", 9);
    memcpy(w->memory.base + 50, "ld\n", 3);
    store_iovec(w, 101, 1, 9);
    store_iovec(w, 109, 4096, 0);
    store_iovec(w, 117, 50, 3);
    assert_int_equal(CALL(w, "fd_write", 1, 101, 3, 203), 0);
    assert_int_equal(load(w, 203, 4), 12);
    assert_string_equal(w->log, "hello|world|");
    assert_int_equal(w->level, BP_LOG_INFO);
    assert_int_equal(CALL(w, "fd_write", 2, 117, 1, 203), 0);
    assert_string_equal(w->log, "hello|world|ld|");
    assert_int_equal(w->level, BP_LOG_WARN);
    assert_int_equal(CALL(w, "fd_write", 1, 0, 0, 203), 0);
    assert_int_equal(load(w, 203, 4), 0);
}

static void bad_writes_do_nothing(void **state)
{
    world *w = *state;
    memcpy(w->memory.base, "text\n", 5);
    store_iovec(w, 100, 0, 5);
    store_iovec(w, 108, 4092, 5);
    assert_int_equal(CALL(w, "fd_write", 0, 100, 1, 200), EBADF_);
    assert_int_equal(CALL(w, "fd_write", 3, 100, 1, 200), EBADF_);
    assert_int_equal(CALL(w, "fd_write", UINT32_MAX, 100, 1, 200), EBADF_);
    assert_int_equal(CALL(w, "fd_write", 1, 100, 2, 200), EFAULT_); /* the second is outside */
    assert_int_equal(CALL(w, "fd_write", 1, 100, 1, 4093), EFAULT_);
    assert_int_equal(CALL(w, "fd_write", 1, 4090, 1, 200), EFAULT_);
    assert_int_equal(CALL(w, "fd_write", 1, 100, 1025, 200), EINVAL_);
    assert_int_equal(CALL(w, "fd_write", 1, 100, UINT32_MAX, 200), EINVAL_);
    assert_int_equal(w->records, 0);
    assert_int_equal(w->state.out.size, 0);
}

/* 1024 times 8 MiB of the same bytes: what is reported would not fit 32 bits. */
static void a_sum_past_32_bits_is_refused(void **state)
{
    world *w = *state;
    uint32_t size = 8 * 1024 * 1024;
    set_memory(w, size);
    for (uint32_t i = 0; i < 1024; i++)
        store_iovec(w, (size_t)i * 8, 0, size);
    assert_int_equal(CALL(w, "fd_write", 1, 0, 1024, size - 4), EINVAL_);
    assert_int_equal(w->records, 0);
}

static void the_log_limit_unwinds_a_writer(void **state)
{
    world *w = *state;
    w->state.log_left = 4;
    memcpy(w->memory.base, "text\n", 5);
    store_iovec(w, 100, 0, 5);
    assert_int_equal(CALL(w, "fd_write", 1, 100, 1, 200), STOPPED);
    assert_int_equal(w->state.stop, BP__STOP_LIMIT);
    assert_string_equal(w->state.limit, "log_bytes");
    assert_string_equal(w->state.host_function, "fd_write");
}

static void standard_input_is_at_its_end(void **state)
{
    world *w = *state;
    store_iovec(w, 100, 0, 50);
    store(w, 200, 4, 77);
    assert_int_equal(CALL(w, "fd_read", 0, 100, 1, 200), 0);
    assert_int_equal(load(w, 200, 4), 0);
    assert_int_equal(CALL(w, "fd_read", 1, 100, 1, 200), EBADF_);
    assert_int_equal(CALL(w, "fd_read", 5, 100, 1, 200), EBADF_);
    assert_int_equal(CALL(w, "fd_read", 0, 4095, 1, 200), EFAULT_);
    assert_int_equal(CALL(w, "fd_read", 0, 100, 1, 4095), EFAULT_);
}

static void descriptors_are_character_devices(void **state)
{
    world *w = *state;
    for (uint64_t fd = 0; fd < 3; fd++) {
        memset(w->memory.base, 0xAA, 100);
        assert_int_equal(CALL(w, "fd_fdstat_get", fd, 1), 0);
        assert_int_equal(load(w, 1, 1), 2);
        assert_int_equal(load(w, 3, 2), 0);
        uint64_t rights = load(w, 9, 8);
        assert_int_equal(rights >> 1 & 1, fd == 0);           /* read */
        assert_int_equal(rights >> 6 & 1, fd != 0);           /* write */
        assert_int_equal(rights & (1 << 2 | 1 << 5), 0);      /* neither seek nor tell */
        assert_int_equal(load(w, 17, 8), 0);                  /* nothing to inherit */
        assert_int_equal(load(w, 25, 8), 0xAAAAAAAAAAAAAAAA); /* not a byte too many */
    }
    assert_int_equal(CALL(w, "fd_fdstat_get", 3, 1), EBADF_);
    assert_int_equal(CALL(w, "fd_fdstat_get", 1, 4073), EFAULT_);
    assert_int_equal(CALL(w, "fd_fdstat_get", 1, 4072), 0);
}

static void files_have_attributes(void **state)
{
    world *w = *state;
    memset(w->memory.base, 0xAA, 100);
    assert_int_equal(CALL(w, "fd_filestat_get", 2, 1), 0);
    assert_int_equal(load(w, 1, 8), 0);
    assert_int_equal(load(w, 9, 8), 2);
    assert_int_equal(load(w, 17, 8), 2);
    assert_int_equal(load(w, 25, 8), 1);
    assert_true(all_zero(w->memory.base + 33, 32));
    assert_int_equal(load(w, 65, 1), 0xAA);
    assert_int_equal(CALL(w, "fd_filestat_get", 4, 1), EBADF_);
    assert_int_equal(CALL(w, "fd_filestat_get", 0, 4033), EFAULT_);
}

static void closing_and_flags_have_no_effect(void **state)
{
    world *w = *state;
    assert_int_equal(CALL(w, "fd_close", 1), 0);
    assert_int_equal(CALL(w, "fd_close", 3), EBADF_);
    assert_int_equal(CALL(w, "fd_fdstat_set_flags", 1, 4), 0);
    assert_int_equal(CALL(w, "fd_fdstat_set_flags", 1, 32), EINVAL_);
    assert_int_equal(CALL(w, "fd_fdstat_set_flags", 3, 0), EBADF_);
    store_iovec(w, 100, 0, 0);
    assert_int_equal(CALL(w, "fd_write", 1, 100, 1, 200), 0);
}

/* What each of the others says for a descriptor that exists, and where it takes it. */
static const struct absent {
    const char *name;
    uint32_t error;
    size_t fd;
} absent[] = {
    {"fd_advise", ESPIPE_, 0},
    {"fd_allocate", ESPIPE_, 0},
    {"fd_datasync", EINVAL_, 0},
    {"fd_fdstat_set_rights", ENOTSUP_, 0},
    {"fd_filestat_set_size", EINVAL_, 0},
    {"fd_filestat_set_times", ENOTSUP_, 0},
    {"fd_pread", ESPIPE_, 0},
    {"fd_prestat_dir_name", EBADF_, 0},
    {"fd_prestat_get", EBADF_, 0},
    {"fd_pwrite", ESPIPE_, 0},
    {"fd_readdir", ENOTDIR_, 0},
    {"fd_renumber", ENOTSUP_, 0},
    {"fd_renumber", ENOTSUP_, 1},
    {"fd_seek", ESPIPE_, 0},
    {"fd_sync", EINVAL_, 0},
    {"fd_tell", ESPIPE_, 0},
    {"path_create_directory", ENOTDIR_, 0},
    {"path_filestat_get", ENOTDIR_, 0},
    {"path_filestat_set_times", ENOTDIR_, 0},
    {"path_link", ENOTDIR_, 0},
    {"path_open", ENOTDIR_, 0},
    {"path_readlink", ENOTDIR_, 0},
    {"path_remove_directory", ENOTDIR_, 0},
    {"path_rename", ENOTDIR_, 0},
    {"path_symlink", ENOTDIR_, 2},
    {"path_unlink_file", ENOTDIR_, 0},
    {"sock_accept", ENOTSOCK_, 0},
    {"sock_recv", ENOTSOCK_, 0},
    {"sock_send", ENOTSOCK_, 0},
    {"sock_shutdown", ENOTSOCK_, 0},
};

static void files_and_sockets_are_absent(void **state)
{
    world *w = *state;
    for (size_t i = 0; i < sizeof absent / sizeof *absent; i++) {
        uint64_t args[BP__WASI1_ARGS_MAX] = {0};
        for (uint64_t fd = 0; fd < 3; fd++) {
            args[absent[i].fd] = fd;
            assert_int_equal(invoke(w, find(absent[i].name), args), absent[i].error);
        }
        for (uint64_t fd = 3; fd < UINT32_MAX; fd = fd * 3) {
            args[absent[i].fd] = fd;
            assert_int_equal(invoke(w, find(absent[i].name), args), EBADF_);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(output_becomes_log_records),    TEST(bad_writes_do_nothing),
        TEST(a_sum_past_32_bits_is_refused), TEST(the_log_limit_unwinds_a_writer),
        TEST(standard_input_is_at_its_end),  TEST(descriptors_are_character_devices),
        TEST(files_have_attributes),         TEST(closing_and_flags_have_no_effect),
        TEST(files_and_sockets_are_absent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
