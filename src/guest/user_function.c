/* SPDX-License-Identifier: Apache-2.0 */
#include "guest/user_function.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/text.h"
#include "guest/extism/functions.h"
#include "guest/sandbox.h"

/* ---- what bounds the calls that a host function makes ---- */

static _Thread_local bp__bound bound = {.by = UINT64_MAX};

bp__bound bp__user_function_bound(void)
{
    return bound;
}

/* ---- memory for results ---- */

struct bp__user_scratch {
    bp__user_scratch *next;
    _Alignas(max_align_t) char bytes[];
};

void *bp_host_call_alloc(const bp_host_call *call, size_t size)
{
    bp__user_scratch **list = call->private_;
    if (size > SIZE_MAX - sizeof(bp__user_scratch))
        return NULL;
    bp__user_scratch *made = bp__alloc(sizeof *made + size);
    if (!made)
        return NULL;
    made->next = *list;
    *list = made;
    return made->bytes;
}

void bp__user_scratch_free(bp__user_scratch *scratch)
{
    while (scratch) {
        bp__user_scratch *next = scratch->next;
        bp__free(scratch);
        scratch = next;
    }
}

/* ---- calling ---- */

bp_status bp__user_function_invoke(const bp__definition *function, bp__sandbox *sandbox,
                                   const bp_host_value *arguments, bp_host_value *results,
                                   bp__user_scratch **scratch, bp_error *reterr)
{
    const bp__host_state *host = &sandbox->host;
    bp_host_call call = {.size = sizeof call,
                         .data = function->data,
                         .function = function->name,
                         .plugin = sandbox->program->name,
                         .tenant = host->tenant,
                         .call_id = host->call_id,
                         .context = host->context,
                         .by = host->by,
                         .cancel = host->cancel,
                         .private_ = scratch};
    bp__bound outer = bound;
    bound = (bp__bound){host->by, host->cancel};
    bp_status status = function->call(&call, arguments, results, reterr);
    bound = outer;
    if (status != BP_OK && !*reterr->message)
        return bp_error_set(reterr, status, "%s", bp_status_text(status));
    return status;
}

/* ---- from Extism's memory and into it ---- */

/* One call of a host function. */
typedef struct entering {
    const bp__definition *function;
    bp__sandbox *sandbox;
    bp__user_scratch *scratch; /* for its results */
    bp_host_value arguments[BP_HOST_FUNCTION_VALUES_MAX], results[BP_HOST_FUNCTION_VALUES_MAX];
} entering;

/* ---- parameters ---- */

static bool is_bytes(uint8_t type)
{
    return type == BP__HOST_BYTES || type == BP__HOST_TEXT;
}

static bool load_bytes(entering *self, unsigned place, uint64_t handle)
{
    bp_bytes *to = &self->arguments[place].bytes;
    *to = (bp_bytes){"", 0};
    if (handle == 0)
        return true;
    bp_bytes found = bp__extism_get(&self->sandbox->memory, handle);
    if (!found.data)
        return bp__stop_refuse(&self->sandbox->host,
                               "argument %u: %llu is no block of Extism memory", place + 1,
                               (unsigned long long)handle);
    *to = found;
    if (self->function->parameters[place] == BP__HOST_TEXT &&
        !bp__utf8_valid(found.data, found.size))
        return bp__stop_refuse(&self->sandbox->host, "argument %u: the text is not UTF-8",
                               place + 1);
    return true;
}

static bool load(entering *self, const bp__value *values)
{
    for (unsigned i = 0; i < self->function->parameter_count; i++) {
        switch ((bp__host_type)self->function->parameters[i]) {
        case BP__HOST_I32:
            self->arguments[i].i32 = values[i].i32;
            break;
        case BP__HOST_I64:
            self->arguments[i].i64 = values[i].i64;
            break;
        case BP__HOST_F32:
            self->arguments[i].f32 = values[i].f32;
            break;
        case BP__HOST_F64:
            self->arguments[i].f64 = values[i].f64;
            break;
        case BP__HOST_BYTES:
        case BP__HOST_TEXT:
            if (!load_bytes(self, i, (uint64_t)values[i].i64))
                return false;
        }
    }
    return true;
}

/* ---- results ---- */

/* Into a block of the guest's. The bytes may lie in another block, which moves when this one is
 * made. */
static bool store_bytes(entering *self, unsigned place, bp__value *value)
{
    bp__sandbox *sandbox = self->sandbox;
    bp__extism_memory *memory = &sandbox->memory;
    bp_bytes from = self->results[place].bytes;
    value->i64 = 0;
    if (from.size == 0)
        return true;
    if (!from.data)
        return bp__stop_refuse(&sandbox->host, "result %u: its data is NULL", place + 1);
    if (self->function->results[place] == BP__HOST_TEXT && !bp__utf8_valid(from.data, from.size))
        return bp__stop_refuse(&sandbox->host, "result %u: the text is not UTF-8", place + 1);
    uintptr_t offset = (uintptr_t)from.data - (uintptr_t)memory->data;
    bool is_within = memory->data && offset < memory->used;
    if (is_within && from.size > memory->used - offset)
        return bp__stop_refuse(&sandbox->host, "result %u: its bytes are not all there", place + 1);
    uint64_t handle = bp__extism_alloc(memory, from.size);
    if (!handle)
        return bp__stop_set(&sandbox->host, BP__STOP_MEMORY);
    memcpy(memory->data + handle, is_within ? memory->data + offset : from.data, from.size);
    value->i64 = (int64_t)handle;
    return true;
}

static bool store(entering *self, bp__value *values)
{
    for (unsigned i = 0; i < self->function->result_count; i++) {
        switch ((bp__host_type)self->function->results[i]) {
        case BP__HOST_I32:
            values[i].i32 = self->results[i].i32;
            break;
        case BP__HOST_I64:
            values[i].i64 = self->results[i].i64;
            break;
        case BP__HOST_F32:
            values[i].f32 = self->results[i].f32;
            break;
        case BP__HOST_F64:
            values[i].f64 = self->results[i].f64;
            break;
        case BP__HOST_BYTES:
        case BP__HOST_TEXT:
            if (!store_bytes(self, i, &values[i]))
                return false;
        }
    }
    return true;
}

/* ---- all together ---- */

/* What it handed over is the guest's no longer; a result may still be copied from it. */
static void consume(entering *self, const uint64_t *handles)
{
    for (unsigned i = 0; i < self->function->parameter_count; i++)
        if (is_bytes(self->function->parameters[i]))
            bp__extism_release(self->sandbox, handles[i]);
}

static bool invoke(entering *self)
{
    bp__host_state *host = &self->sandbox->host;
    bp_error error = BP_ERROR_INIT;
    bp_status status = bp__user_function_invoke(self->function, self->sandbox, self->arguments,
                                                self->results, &self->scratch, &error);
    if (status != BP_OK)
        return bp__stop_refuse(host, "%s", error.message);
    return bp__host_may_go_on(host); /* it may come back late */
}

static bool run(entering *self, bp__value *values)
{
    uint64_t handles[BP_HOST_FUNCTION_VALUES_MAX] = {0};
    for (unsigned i = 0; i < self->function->parameter_count; i++)
        handles[i] = (uint64_t)values[i].i64;
    if (!load(self, values) || !invoke(self) || !store(self, values))
        return false;
    consume(self, handles);
    return true;
}

bool bp__user_function_call(void *env, void *host_data, bp__value *values)
{
    entering self;
    self.function = env;
    self.sandbox = host_data;
    self.scratch = NULL;
    bp__host_state *host = &self.sandbox->host;
    if (!bp__host_enter(host, self.function->name))
        return false;
    memset(self.results, 0, self.function->result_count * sizeof *self.results);
    bool ok = run(&self, values);
    bp__user_scratch_free(self.scratch);
    return ok && bp__host_leave(host);
}
