/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/instance.h"

#include <string.h>
#include <sys/mman.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "engine/core_dump.h"
#include "engine/linked.h"

_Static_assert(sizeof(bp__func) >= sizeof(wasmtime_func_t) &&
                   sizeof(bp__func) == sizeof(foundation_component_func),
               "functions are handed over as they are");

bp_status bp__instance_new(bp__engine *engine, void *host_data, bp__instance **ret,
                           bp_error *reterr)
{
    bp__instance *instance = bp__alloc_zeroed(1, sizeof *instance);
    if (!instance)
        return bp__error_oom(reterr, "making a sandbox");
    instance->engine = engine;
    instance->guest.host_data = host_data;
    bp_status status = bp__ticker_slot_take(engine->ticker, &instance->slot, reterr);
    if (status != BP_OK) {
        bp__free(instance);
        return status;
    }
    *ret = instance;
    return BP_OK;
}

void bp__instance_free(bp__instance *instance)
{
    if (!instance)
        return;
    bp__instance_close(instance);
    bp__ticker_slot_give(instance->engine->ticker, instance->slot);
    bp__buffer_done(&instance->report.backtrace);
    bp__free(instance);
}

void bp__instance_close(bp__instance *instance)
{
    foundation_guest_clear(&instance->guest);
    if (instance->store)
        wasmtime_store_delete(instance->store);
    instance->store = NULL;
    instance->context = NULL;
    instance->instantiated = false;
    instance->caller = NULL;
    instance->has_checkpoint = false;
    instance->memory_known = MEMORY_UNKNOWN;
    instance->memory_bytes = 0;
    instance->host_bytes = 0;
}

bool bp__instance_is_open(const bp__instance *instance)
{
    return instance->instantiated;
}

/* Runs in the guest's thread whenever the epoch moved while it ran: is it time to stop? */
static wasmtime_error_t *on_tick(wasmtime_context_t *context, void *data, uint64_t *delta,
                                 wasmtime_update_deadline_kind_t *kind)
{
    (void)context;
    bp__instance *instance = data;
    *delta = 1;
    *kind = WASMTIME_UPDATE_DEADLINE_CONTINUE;
    if (bp_cancel_triggered(instance->until.cancel))
        instance->interrupted = BP__ENDED_CANCELLED;
    else if (bp__now_ns() >= instance->until.by)
        instance->interrupted = BP__ENDED_DEADLINE;
    else
        return NULL;
    return wasmtime_error_new("interrupted");
}

/* Sums are the foundation's; the host's own bytes for this guest count with the memories. */
static foundation_grow_answer on_growth(void *data, foundation_grow_kind kind, uint64_t total,
                                        uint64_t total_wanted)
{
    (void)total;
    bp__instance *instance = data;
    const bp__instance_limits *limits = &instance->limits;
    bool is_memory = kind == FOUNDATION_GROW_MEMORY;
    uint64_t host_bytes = is_memory ? instance->host_bytes : 0;
    uint64_t limit = is_memory ? limits->memory_bytes : limits->table_elements;
    if (total_wanted <= limit && limit - total_wanted >= host_bytes) {
        if (is_memory)
            instance->memory_bytes = total_wanted;
        return FOUNDATION_GROW_ALLOW;
    }
    *(is_memory ? &instance->report.memory_refused : &instance->report.table_refused) = true;
    return limits->trap_on_grow_failure ? FOUNDATION_GROW_TRAP : FOUNDATION_GROW_REFUSE;
}

void bp__run_begin(bp__instance *instance, bp__until until)
{
    instance->until = until;
    instance->interrupted = BP__ENDED_RETURNED;
    instance->guest.stopped = false;
    instance->report.memory_refused = false;
    instance->report.table_refused = false;
    bp__engine_kind kind = instance->engine->kind;
    if (__builtin_expect(kind == BP__ENGINE_FAST, 0))
        return;
    if (__builtin_expect(kind == BP__ENGINE_METERED, 0))
        (void)wasmtime_context_set_fuel(instance->context, until.fuel);
    wasmtime_context_set_epoch_deadline(instance->context, 1);
    bp__ticker_enter(instance->engine->ticker, instance->slot);
}

bp__ended bp__run_conclude(bp__instance *instance, wasmtime_error_t *error, wasm_trap_t *trap)
{
    bp__trap_report *report = &instance->report;
    report->core_dump[0] = '\0';
    if (!instance->guest.stopped && instance->interrupted == BP__ENDED_RETURNED)
        bp__core_dump(instance, error, trap);
    bp__trap_report_fill(report, error, trap);
    if (instance->guest.stopped)
        return BP__ENDED_HOST;
    if (instance->interrupted != BP__ENDED_RETURNED)
        return instance->interrupted;
    if (report->trap_code == WASMTIME_TRAP_CODE_OUT_OF_FUEL)
        return BP__ENDED_FUEL;
    return report->memory_refused || report->table_refused ? BP__ENDED_MEMORY : BP__ENDED_TRAP;
}

static bool open_store(bp__instance *instance, const bp__instance_limits *limits)
{
    instance->store = wasmtime_store_new(instance->engine->wasm, instance, NULL);
    if (!instance->store)
        return false;
    instance->context = wasmtime_store_context(instance->store);
    instance->limits = *limits;
    instance->limiter = foundation_store_limiter_set(instance->store, on_growth, instance);
    wasmtime_store_epoch_deadline_callback(instance->store, on_tick, instance, NULL);
    return true;
}

static bool see_frame(void *data, const foundation_frame *frame)
{
    (void)frame;
    *(bool *)data = true;
    return false;
}

/* Whether guest code ran when it happened: a component's start function that hands nonsense to a
 * host function ends by an error that is no trap. */
static bool has_frames(const wasmtime_error_t *error)
{
    bool found = false;
    foundation_error_frames(error, see_frame, &found);
    return found;
}

/* No instance came of it, and no guest code is to blame: there was no room. */
static bool is_engine_failure(const bp__instance *instance, const wasmtime_error_t *error,
                              const wasm_trap_t *trap)
{
    if (trap || !error || instance->guest.stopped || instance->interrupted != BP__ENDED_RETURNED)
        return false;
    foundation_error_info info;
    foundation_error_inspect(error, &info);
    return info.kind != FOUNDATION_ERROR_TRAP && !has_frames(error);
}

static bp_status engine_failure(const bp__instance *instance, wasmtime_error_t *error,
                                bp_error *reterr)
{
    bp_status status = bp__engine_error(error, BP_EENGINE, reterr, "instantiate");
    const bp__trap_report *report = &instance->report;
    if (!report->memory_refused && !report->table_refused)
        return status;
    return bp_error_set(reterr, BP_ELIMIT,
                        "the plugin starts with more than its limit of %s allows",
                        report->memory_refused ? "memory_bytes" : "table_elements");
}

/* No instance came of it: the shell is empty again. */
static bp__ended fail_open(bp__instance *instance, wasmtime_error_t *error, wasm_trap_t *trap,
                           bp_error *reterr)
{
    bp__ended ended = BP__ENDED_ENGINE;
    if (is_engine_failure(instance, error, trap))
        engine_failure(instance, error, reterr);
    else
        ended = bp__run_conclude(instance, error, trap);
    bp__instance_close(instance);
    return ended;
}

static wasmtime_error_t *instantiate(bp__instance *instance, const bp__linked *linked,
                                     wasm_trap_t **trap)
{
    if (linked->core)
        return wasmtime_instance_pre_instantiate(linked->core, instance->context, &instance->wasm,
                                                 trap);
    return bp__component_instantiate(instance, linked->component);
}

bp__ended bp__instance_open(bp__instance *instance, const bp__linked *linked,
                            const bp__instance_limits *limits, bp__until until, bp_error *reterr)
{
    bp__instance_close(instance);
    if (!open_store(instance, limits)) {
        bp__error_oom(reterr, "making a store");
        return BP__ENDED_ENGINE;
    }
    wasm_trap_t *trap = NULL;
    bp__run_begin(instance, until);
    wasmtime_error_t *error = instantiate(instance, linked, &trap);
    bp__run_end(instance);
    if (error || trap)
        return fail_open(instance, error, trap, reterr);
    instance->linked = linked;
    instance->instantiated = true;
    return BP__ENDED_RETURNED;
}

bp__ended bp__instance_reset(bp__instance *instance, const bp__linked *linked,
                             const bp__instance_limits *limits, bp__until until, bool *ret_done,
                             bp_error *reterr)
{
    *ret_done = false;
    if (!instance->instantiated || instance->linked != linked)
        return BP__ENDED_RETURNED;
    if (!linked->core && !instance->has_checkpoint)
        return BP__ENDED_RETURNED;
    instance->limits = *limits;
    /* A start function runs as it did at first: with its caller's handle (linker.c). */
    instance->instantiated = false;
    bp__run_begin(instance, until);
    wasmtime_error_t *error = linked->core
                                  ? foundation_instance_reset(instance->context, &instance->wasm,
                                                              instance->limiter, ret_done)
                                  : bp__component_reset(instance, ret_done);
    bp__run_end(instance);
    if (error) {
        *ret_done = true;
        return fail_open(instance, error, NULL, reterr);
    }
    instance->memory_bytes = foundation_limiter_memory_bytes(instance->limiter);
    instance->instantiated = true;
    return BP__ENDED_RETURNED;
}

/* Counts only: what matters is that a call fits into the values that it is given. */
static bool has_arity(bp__instance *instance, const wasmtime_func_t *function, size_t parameters,
                      size_t results)
{
    wasm_functype_t *type = wasmtime_func_type(instance->context, function);
    bool fits = wasm_functype_params(type)->size == parameters &&
                wasm_functype_results(type)->size == results;
    wasm_functype_delete(type);
    return fits;
}

bool bp__instance_func(bp__instance *instance, const char *name, size_t parameters, size_t results,
                       bp__func *ret)
{
    wasmtime_extern_t found;
    if (!wasmtime_instance_export_get(instance->context, &instance->wasm, name, strlen(name),
                                      &found))
        return false;
    if (found.kind != WASMTIME_EXTERN_FUNC ||
        !has_arity(instance, &found.of.func, parameters, results))
        return false;
    *ret = (bp__func){{0}};
    memcpy(ret, &found.of.func, sizeof found.of.func);
    return true;
}

bp__ended bp__instance_call(bp__instance *instance, const bp__func *function, bp__value *values,
                            size_t count, bp__until until)
{
    wasm_trap_t *trap = NULL;
    bp__run_begin(instance, until);
    wasmtime_error_t *error = wasmtime_func_call_unchecked(
        instance->context, (const wasmtime_func_t *)(const void *)function,
        (wasmtime_val_raw_t *)values, count, &trap);
    bp__run_end(instance);
    if (__builtin_expect(!error && !trap, 1))
        return BP__ENDED_RETURNED;
    return bp__run_conclude(instance, error, trap);
}

typedef struct state_reader {
    bp__guest_state_fn show;
    void *data;
    uint32_t counts[BP__GUEST_FLAG + 1]; /* of each kind, so far */
} state_reader;

/* `index` begins anew in each module of a component: what is told of them is counted here. */
static void show_state(void *data, foundation_state_kind kind, uint32_t index, const uint8_t *bytes,
                       size_t size)
{
    (void)index;
    state_reader *reader = data;
    static const bp__guest_state kinds[] = {[FOUNDATION_STATE_MEMORY] = BP__GUEST_MEMORY,
                                            [FOUNDATION_STATE_GLOBAL] = BP__GUEST_GLOBAL,
                                            [FOUNDATION_STATE_TABLE] = BP__GUEST_TABLE,
                                            [FOUNDATION_STATE_HANDLES] = BP__GUEST_HANDLES,
                                            [FOUNDATION_STATE_FLAG] = BP__GUEST_FLAG};
    uint32_t place = reader->counts[kinds[kind]]++;
    reader->show(reader->data, kinds[kind], place, (bp_bytes){bytes, size});
}

void bp__instance_state(bp__instance *instance, bp__guest_state_fn show, void *data)
{
    state_reader reader = {.show = show, .data = data};
    if (instance->linked->core)
        foundation_instance_state(instance->context, &instance->wasm, show_state, &reader);
    else
        foundation_component_state(instance->context, &instance->component, show_state, &reader);
}

/* To the end of what it could grow to: a reset leaves pages there that an earlier call had. */
static void give_memory_back(void *data, bp__guest_state kind, uint32_t index, bp_bytes bytes)
{
    (void)index;
    const bp__instance *instance = data;
    if (kind == BP__GUEST_MEMORY)
        (void)madvise((void *)(uintptr_t)bytes.data, instance->engine->memory_bytes_max,
                      MADV_DONTNEED);
}

void bp__instance_give_memory_back(bp__instance *instance)
{
    if (instance->instantiated)
        bp__instance_state(instance, give_memory_back, instance);
}

void bp__instance_set_limits(bp__instance *instance, const bp__instance_limits *limits)
{
    instance->limits = *limits;
    if (instance->instantiated && !instance->linked->core)
        bp__component_limit_copies(instance);
}

bool bp__instance_traps_on_growth(const bp__instance *instance)
{
    return instance->limits.trap_on_grow_failure;
}

uint64_t bp__instance_fuel_used(const bp__instance *instance)
{
    uint64_t left = 0;
    if (instance->engine->kind != BP__ENGINE_METERED || !instance->context)
        return 0;
    wasmtime_error_t *error = wasmtime_context_get_fuel(instance->context, &left);
    if (error)
        wasmtime_error_delete(error);
    return left < instance->until.fuel ? instance->until.fuel - left : 0;
}

const bp__trap_report *bp__instance_report(const bp__instance *instance)
{
    return &instance->report;
}

/* Looked up at the first need: most guests never make one. */
static bool own_memory(bp__instance *instance, wasmtime_memory_t *ret)
{
    wasmtime_extern_t found;
    if (instance->memory_known == MEMORY_UNKNOWN) {
        bool has =
            wasmtime_instance_export_get(instance->context, &instance->wasm, "memory", 6, &found) &&
            found.kind == WASMTIME_EXTERN_MEMORY;
        instance->memory_known = has ? MEMORY_THERE : MEMORY_ABSENT;
        if (has)
            instance->memory = found.of.memory;
    }
    *ret = instance->memory;
    return instance->memory_known == MEMORY_THERE;
}

static bool callers_memory(bp__instance *instance, wasmtime_memory_t *ret)
{
    wasmtime_extern_t found;
    if (!instance->caller || !wasmtime_caller_export_get(instance->caller, "memory", 6, &found))
        return false;
    *ret = found.of.memory;
    return found.kind == WASMTIME_EXTERN_MEMORY;
}

bool bp__instance_memory(bp__instance *instance, uint8_t **ret_base, size_t *ret_size)
{
    /* A start function runs before the instance is ours to look into; its caller handle is. */
    wasmtime_memory_t memory;
    if (instance->instantiated ? !own_memory(instance, &memory)
                               : !callers_memory(instance, &memory))
        return false;
    *ret_base = wasmtime_memory_data(instance->context, &memory);
    *ret_size = wasmtime_memory_data_size(instance->context, &memory);
    return true;
}

uint64_t bp__instance_memory_bytes(const bp__instance *instance)
{
    return instance->memory_bytes + instance->host_bytes;
}

bool bp__instance_charge(bp__instance *instance, uint64_t host_bytes)
{
    uint64_t limit = instance->limits.memory_bytes;
    if (instance->memory_bytes > limit || limit - instance->memory_bytes < host_bytes) {
        instance->report.memory_refused = true;
        return false;
    }
    instance->host_bytes = host_bytes;
    return true;
}
