/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/compile.h"

#include "base/alloc.h"
#include "base/error.h"
#include "engine/helper.h"

static void tell(bp__compiler *compiler, const char *why)
{
    if (atomic_exchange_explicit(&compiler->told, true, memory_order_relaxed))
        return;
    bp__log(&compiler->logger, BP_LOG_INFO, "engine", NULL,
            "modules are compiled in this process, without a limit on time: %s (said once)", why);
}

static bp_status compile_here(bp__engine *engine, bp_bytes wasm, bool with_code, bp__compiled *ret,
                              bp_error *reterr)
{
    bp_status status = bp__module_compile(engine, wasm, &ret->module, reterr);
    /* Code that cannot be had as bytes runs just as well; it is not kept, that is all. */
    if (status == BP_OK && with_code)
        (void)bp__module_serialize(ret->module, &ret->code, NULL);
    return status;
}

static bp_status compile_there(bp__compiler *compiler, bp__engine *engine, bp_bytes wasm,
                               const bp__code_key *key, bp_cancel *cancel, bp__compiled *ret,
                               bp_error *reterr)
{
    bp__helper_ask ask = {.program = compiler->program,
                          .wasm = wasm,
                          .key = key,
                          .time_ms = compiler->time_ms,
                          .memory_bytes = compiler->memory_bytes,
                          .cancel = cancel};
    bp_status status = bp__helper_compile(engine, &ask, &ret->code.data, &ret->code.size, reterr);
    if (status == BP_OK) {
        ret->code.is_ours = true;
        ret->by_helper = true;
        status = bp__module_load(engine, (bp_bytes){ret->code.data, ret->code.size}, &ret->module,
                                 reterr);
    }
    return status;
}

/* The size of a module bounds what its compilation takes; that of a component, whose parts can name
 * each other again and again, bounds nothing. */
static bool is_for_here(const bp__compiler *compiler, bp_bytes wasm)
{
    if (bp__wasm_is_component(wasm))
        return compiler->helper_bytes_min == BP_UNLIMITED;
    return wasm.size < compiler->helper_bytes_min;
}

bp_status bp__compile(bp__compiler *compiler, bp__engine *engine, bp_bytes wasm,
                      const bp__code_key *key, bool with_code, bp_cancel *cancel, bp__compiled *ret,
                      bp_error *reterr)
{
    bp_error error = BP_ERROR_INIT;
    *ret = (bp__compiled){0};
    if (is_for_here(compiler, wasm))
        return compile_here(engine, wasm, with_code, ret, reterr);
    if (!compiler->program) {
        tell(compiler, "bullpen-compile was not found (see BULLPEN_COMPILE)");
        return compile_here(engine, wasm, with_code, ret, reterr);
    }
    bp_status status = compile_there(compiler, engine, wasm, key, cancel, ret, &error);
    if (status == BP_OK)
        return BP_OK;
    bp__code_done(&ret->code);
    if (status == BP_EUNSUPPORTED) {
        tell(compiler, error.message);
        return compile_here(engine, wasm, with_code, ret, reterr);
    }
    if (reterr)
        *reterr = error;
    return status;
}
