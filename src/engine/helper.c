/* The library's side of bullpen-compile: a job in a memory file, an answer in another.
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/helper.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "engine/helper_job.h"
#include "engine/helper_process.h"

/* Room for the answer. Code is some times as large as what it is made of; what is never written
 * takes no memory. */
#define RESULT_BYTES_LEAST (UINT64_C(64) << 20)
#define RESULT_BYTES_PER_BYTE 32

/* Above the numbers that the helper gets them under, so that none is overwritten on the way. */
#define FD_LEAST 10

static uint64_t result_size(uint64_t wasm_size)
{
    uint64_t size = RESULT_BYTES_LEAST + RESULT_BYTES_PER_BYTE * wasm_size;
    return size < BP__CODE_BYTES_MAX ? size : BP__CODE_BYTES_MAX;
}

static int memory_file(const char *name)
{
    int low = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (low < 0)
        return -1;
    int fd = fcntl(low, F_DUPFD_CLOEXEC, FD_LEAST);
    close(low);
    return fd;
}

/* Of a size that the helper cannot change: not by writing more and more, nor by cutting it short
 * under a reader. */
static int make_result(uint64_t size)
{
    int fd = memory_file("bullpen-code");
    if (fd < 0)
        return -1;
    if (ftruncate(fd, (off_t)size) == 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK) == 0)
        return fd;
    close(fd);
    return -1;
}

static int make_job(const bp__helper_job *job, bp_bytes wasm)
{
    int fd = memory_file("bullpen-job");
    if (fd < 0)
        return -1;
    int failed = bp__write_all(fd, (bp_bytes){job, sizeof *job});
    if (!failed)
        failed = bp__write_all(fd, wasm);
    if (!failed)
        return fd;
    close(fd);
    errno = failed;
    return -1;
}

static bp_status fill_job(const bp__engine *engine, const bp__helper_ask *ask, bp__helper_job *ret,
                          bp_error *reterr)
{
    *ret = (bp__helper_job){
        .magic = BP__HELPER_MAGIC,
        .parent = getpid(),
        .engine_kind = bp__engine_get_kind(engine),
        .no_signals = bp__engine_no_signals(engine),
        .wasm_size = ask->wasm.size,
        .result_size = result_size(ask->wasm.size),
        .memory_reservation = bp__engine_memory_reservation(engine),
        .stack_bytes = bp__engine_stack_bytes(engine),
        .memory_bytes = ask->memory_bytes,
        .key = *ask->key,
    };
    if (!bp__file_size_allowed(ret->result_size))
        return bp_error_set(reterr, BP_EUNSUPPORTED, "RLIMIT_FSIZE leaves no room for its answer");
    if (!bp__random(ret->mac_key, sizeof ret->mac_key))
        return bp__error_os(reterr, BP_EUNSUPPORTED, errno, "random bytes from the kernel");
    return BP_OK;
}

/* ---- how it ended ---- */

static bp_status died(const bp__helper_ask *ask, const bp__helper_end *end, bp_error *reterr)
{
    if (end->signal) {
        const char *name = sigabbrev_np(end->signal);
        return bp_error_set(reterr, BP_EENGINE,
                            "compile: the compiler program '%s' was ended by SIG%s (%s): the "
                            "module makes it crash, or takes more than the %llu MiB that "
                            "compile_memory_bytes allows",
                            ask->program, name ? name : "?", sigdescr_np(end->signal),
                            (unsigned long long)(ask->memory_bytes >> 20));
    }
    return bp_error_set(reterr, BP_EENGINE, "compile: the compiler program '%s' ended with code %d",
                        ask->program, end->code);
}

static bp_status nonsense(const bp__helper_ask *ask, bp_error *reterr)
{
    return bp_error_set(reterr, BP_EENGINE,
                        "compile: the compiler program '%s' ended without an answer that is its "
                        "own: is it this version's bullpen-compile?",
                        ask->program);
}

static bp_status repeat_error(const bp__code_header *header, const uint8_t *text, bp_error *reterr)
{
    static const bp_status known[] = {BP_EFORMAT, BP_ELIMIT, BP_ENOMEM};
    bp_status status = BP_EENGINE;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (header->status == (uint32_t)known[i])
            status = known[i];
    bp_error_set(reterr, status, "%.*s", (int)header->payload_size, (const char *)text);
    if (reterr)
        bp__utf8_mend(reterr->message);
    return status;
}

/* Copied out first: its pages are shared with whatever the program may have left behind. */
static bp_status read_result(const bp__helper_ask *ask, const bp__helper_job *job, int result,
                             uint8_t **ret, size_t *ret_size, bp_error *reterr)
{
    bp__code_header header;
    if (!bp__read_exactly(result, &header, sizeof header, 0) ||
        bp__code_header_problem(&header, job->result_size - sizeof header) ||
        !bp__code_key_equal(&header.key, ask->key) ||
        (header.kind == BP__CODE_ERROR && header.payload_size >= BP_ERROR_MESSAGE_MAX))
        return nonsense(ask, reterr);
    size_t size = (size_t)header.payload_size;
    bp_auto_free uint8_t *payload = bp__alloc(size);
    if (!payload)
        return bp__error_oom(reterr, "compiling");
    if (!bp__read_exactly(result, payload, size, sizeof header) ||
        !bp__code_authentic(&header, (bp_bytes){payload, size}, job->mac_key))
        return nonsense(ask, reterr);
    if (header.kind == BP__CODE_ERROR)
        return repeat_error(&header, payload, reterr);
    *ret = bp_steal(&payload);
    *ret_size = size;
    return BP_OK;
}

static bp_status judge(const bp__helper_ask *ask, const bp__helper_end *end, bp_error *reterr)
{
    switch (end->how) {
    case BP__HELPER_TIMED_OUT:
        return bp_error_set(reterr, BP_ETIMEDOUT, "compile: took longer than %llu ms",
                            (unsigned long long)ask->time_ms);
    case BP__HELPER_CANCELLED:
        return bp_error_set(reterr, BP_ECANCELLED, "compile: cancelled");
    case BP__HELPER_UNKNOWN: /* somebody else took its status: its answer has to do */
        return BP_OK;
    case BP__HELPER_ENDED:
        break;
    }
    if (end->signal == 0 && end->code == BP__HELPER_REFUSED)
        return bp_error_set(reterr, BP_EUNSUPPORTED,
                            "'%s' is of another version, or its host has ended", ask->program);
    return end->signal || end->code != BP__HELPER_ANSWERED ? died(ask, end, reterr) : BP_OK;
}

bp_status bp__helper_compile(const bp__engine *engine, const bp__helper_ask *ask, uint8_t **ret,
                             size_t *ret_size, bp_error *reterr)
{
    bp__helper_job job;
    bp__helper_end end;
    bp_status status = fill_job(engine, ask, &job, reterr);
    if (status != BP_OK)
        return status;
    bp_auto_fd int job_fd = make_job(&job, ask->wasm);
    bp_auto_fd int result_fd = job_fd < 0 ? -1 : make_result(job.result_size);
    if (result_fd < 0)
        return bp__error_os(reterr, BP_EUNSUPPORTED, errno,
                            "memory files for the compiler program");
    status =
        bp__helper_run(ask->program, job_fd, result_fd, ask->time_ms, ask->cancel, &end, reterr);
    if (status == BP_OK)
        status = judge(ask, &end, reterr);
    if (status == BP_OK)
        status = read_result(ask, &job, result_fd, ret, ret_size, reterr);
    explicit_bzero(job.mac_key, sizeof job.mac_key);
    return status;
}
