/* The compiler program's side: one job, one answer. SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/engine.h"
#include "engine/helper_job.h"
#include "engine/module.h"

/* The compiler recurses over what strangers wrote; whatever `ulimit -s` says, it gets this. */
#define COMPILER_STACK_BYTES ((size_t)64 << 20)

typedef struct assignment {
    bp__helper_job job;
    const uint8_t *wasm; /* mapped */
    int result;
} assignment;

/* Before anything of the job is read. */
static void limit_self(void)
{
    const struct rlimit none = {0, 0};
    (void)setrlimit(RLIMIT_CORE, &none);
    (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
}

/* What can be written to, so not what is only reserved. Sanitizers map far more than they use. */
static void limit_memory(uint64_t bytes)
{
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    rlim_t most = bytes == BP_UNLIMITED ? RLIM_INFINITY : (rlim_t)bytes;
    const struct rlimit data = {most, most};
    (void)setrlimit(RLIMIT_DATA, &data);
#else
    (void)bytes;
#endif
}

/* True if there is a job, and it is for this program. */
static bool read_job(assignment *work)
{
    struct stat status;
    if (!bp__read_exactly(BP__HELPER_JOB_FD, &work->job, sizeof work->job, 0) ||
        memcmp(work->job.magic, BP__HELPER_MAGIC, sizeof work->job.magic) != 0 ||
        fstat(BP__HELPER_JOB_FD, &status) != 0 ||
        (uint64_t)status.st_size != sizeof work->job + work->job.wasm_size)
        return false;
    /* The host may have ended before this process asked to die with it. */
    if (getppid() != work->job.parent)
        return false;
    void *mapped = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, BP__HELPER_JOB_FD, 0);
    if (mapped == MAP_FAILED)
        return false;
    work->wasm = (const uint8_t *)mapped + sizeof work->job;
    return true;
}

/* Through a mapping: writing would be held to RLIMIT_FSIZE, which is the host's own matter. */
static int answer(const assignment *work, bp__code_kind kind, bp_status status, bp_bytes payload)
{
    bp__code_header header;
    size_t size = (size_t)work->job.result_size;
    if (payload.size > size - sizeof header)
        return BP__HELPER_BROKEN;
    if (bp__code_header_make(&header, &work->job.key, kind, status, payload, work->job.mac_key,
                             NULL) != BP_OK)
        return BP__HELPER_BROKEN;
    uint8_t *mapped = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, BP__HELPER_RESULT_FD, 0);
    if (mapped == MAP_FAILED)
        return BP__HELPER_BROKEN;
    memcpy(mapped + sizeof header, payload.data, payload.size);
    memcpy(mapped, &header, sizeof header);
    munmap(mapped, size);
    return BP__HELPER_ANSWERED;
}

static int answer_error(const assignment *work, bp_status status, const bp_error *error)
{
    return answer(work, BP__CODE_ERROR, status, bp_bytes_of(error->message));
}

static int compile(const assignment *work)
{
    const bp__helper_job *job = &work->job;
    bp_error error = BP_ERROR_INIT;
    bp__engine *engine = NULL;
    bp__code code = {0};
    if (job->result_size <= sizeof(bp__code_header) + BP_ERROR_MESSAGE_MAX ||
        job->engine_kind >= BP__ENGINE_KINDS)
        return BP__HELPER_REFUSED;
    bp_status status =
        bp__engine_new_compiler((bp__engine_kind)job->engine_kind, job->no_signals != 0,
                                job->memory_reservation, job->stack_bytes, &engine, &error);
    if (status != BP_OK)
        return answer_error(work, status, &error);
    if (memcmp(bp__engine_settings(engine), job->key.settings, BP__SHA256_SIZE) != 0)
        return BP__HELPER_REFUSED;
    bp_bytes wasm = {work->wasm, (size_t)job->wasm_size};
    status = bp__module_precompile(engine, wasm, &code, &error);
    if (status != BP_OK)
        return answer_error(work, status, &error);
    bp_bytes made = {code.data, code.size};
    if (made.size > job->result_size - sizeof(bp__code_header)) {
        bp_error_set(&error, BP_ELIMIT, "compile: %zu bytes of code come of it, %llu are allowed",
                     made.size, (unsigned long long)job->result_size);
        return answer_error(work, BP_ELIMIT, &error);
    }
    return answer(work, BP__CODE_NATIVE, BP_OK, made);
}

static void *run(void *data)
{
    assignment *work = data;
    work->result = compile(work);
    return NULL;
}

/* What was allocated ends with the process. */
int bp__helper_serve(void)
{
    assignment work = {.result = BP__HELPER_BROKEN};
    limit_self();
    if (!read_job(&work))
        return BP__HELPER_REFUSED;
    limit_memory(work.job.memory_bytes);
    pthread_t thread;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, COMPILER_STACK_BYTES);
    if (pthread_create(&thread, &attributes, run, &work) != 0)
        return BP__HELPER_BROKEN;
    pthread_join(thread, NULL);
    return work.result;
}
