/* Bullpen: functions of the host's own that plugins may call. SPDX-License-Identifier: Apache-2.0
 */
#ifndef BULLPEN_HOST_FUNCTION_H
#define BULLPEN_HOST_FUNCTION_H

#include <bullpen/deadline.h>

BP_BEGIN_DECLS

/** Most parameters, and most results, of a function. */
#define BP_HOST_FUNCTION_VALUES_MAX 16
/** The module that plugins import a function from, unless its definition names another. */
#define BP_HOST_FUNCTION_MODULE "extism:host/user"
/** The interface that components import the same functions from. */
#define BP_HOST_FUNCTION_INTERFACE "bullpen:host/user"

/** A parameter or result; which member counts is what the signature says. */
typedef union bp_host_value {
    int32_t i32;
    int64_t i64;
    float f32;
    double f64;
    bp_bytes bytes; /**< of "bytes" and "text" */
} bp_host_value;

/** What a host function sees of the call that it is called in. Valid until it returns. */
typedef struct bp_host_call {
    uint32_t size;        /**< how much of this struct the library filled */
    void *data;           /**< the definition's */
    const char *function; /**< the definition's name */
    const char *plugin;   /**< name of the plugin that calls */
    bp_bytes tenant;      /**< of the call; empty: none */
    uint64_t call_id;     /**< as in bp_call_result; 0 while a sandbox is initialised */
    void *context;        /**< bp_call.context; NULL while a sandbox is initialised */
    bp_deadline by;    /**< the call's: return before it. bp_deadline_left_ns() says what is left */
    bp_cancel *cancel; /**< the call's, to be looked at or waited under; NULL: none */
    void *private_;    /**< the library's own */
} bp_host_call;

/**
 * A host function.
 *
 * Bytes that come in are borrowed until it returns. Bytes that go out are copied after it returned:
 * they may be what came in, static, or from bp_host_call_alloc(). Results begin as zero.
 *
 * Nothing can interrupt it. It has to keep to call->by and call->cancel itself; if it comes back
 * late, the plugin's call ends as timed_out there and then. It must return: neither an exception
 * nor longjmp() may pass through. It may call any plugin, this one too (another sandbox serves that
 * call), and what it calls ends with call->by and call->cancel at the latest. It must not end the
 * session that it is called in.
 *
 * @param call      borrowed.
 * @param arguments as many as the signature has parameters.
 * @param results   as many as it has results.
 * @param reterr    never NULL. When the function fails, its message is the result's.
 * @return BP_OK. Anything else ends the plugin's call as trapped, with the message of
 * bp_error_set(); a component that declares a result<T, string> gets the message instead.
 * @threads those that call the plugin and, while sandboxes are initialised, the runtime's helpers;
 *          many at once. No lock is held
 */
typedef bp_status (*bp_host_fn)(const bp_host_call *call, const bp_host_value *arguments,
                                bp_host_value *results, bp_error *reterr);

/**
 * Bytes for a result, that live until the results have been copied.
 * @return not zeroed; NULL without memory. @threads the one that the host function runs on
 */
BP_API void *bp_host_call_alloc(const bp_host_call *call, size_t size);

/** What bp_host_function_define() is told. Strings are copied. */
typedef struct bp_host_function {
    uint32_t size;         /**< set by BP_HOST_FUNCTION_INIT */
    const char *module;    /**< import module, or a component's interface: "my:app/things@1.0.0";
                              NULL: BP_HOST_FUNCTION_MODULE */
    const char *name;      /**< import name; components have '-' in place of each '_' */
    const char *signature; /**< "i64 text -> bytes": types of parameters, an arrow, types of
                              results. Of i32, i64, f32, f64, bytes and text (UTF-8, which is
                              checked). For bytes and text the plugin has an i64: a block of Extism
                              memory, 0 for no bytes. A block that it hands over is freed by the
                              call, one that it gets is its own. A component has s32 or u32, s64 or
                              u64, f32, f64, list<u8> and string; of several results a tuple; and
                              may declare result<T, string> in place of T: then it gets an error's
                              text, and goes on */
    bp_host_fn call;
    void *data;                    /**< handed to `call` */
    void (*free_data)(void *data); /**< called once when the set ends; NULL: nothing to do */
} bp_host_function;
#define BP_HOST_FUNCTION_INIT {.size = (uint32_t)sizeof(bp_host_function)}

/** A set of host functions, for a runtime (all its plugins) or for one plugin. */
typedef struct bp_host_functions bp_host_functions;

/** @param[out] ret owned: end it with bp_host_functions_unref(). @threads any */
BP_API BP_MUST_USE bp_status bp_host_functions_new(bp_host_functions **ret, bp_error *reterr);
/** @threads any */
BP_API bp_host_functions *bp_host_functions_ref(bp_host_functions *set);
/**
 * End one's use; NULL is fine. Runtimes and plugins that were given the set keep it.
 * @threads any; the last one calls every free_data
 */
BP_API void bp_host_functions_unref(bp_host_functions *set);
/**
 * Add a function.
 * @return BP_OK, BP_EINVAL (names what is wrong: a signature, a name, one that is there already, a
 *         module that is the library's own; or the set is in use), BP_ENOMEM. Then nothing was
 *         added, and free_data is not called. @threads one at a time, before the set is in use
 */
BP_API BP_MUST_USE bp_status bp_host_function_define(bp_host_functions *set,
                                                     const bp_host_function *function,
                                                     bp_error *reterr);

BP_END_DECLS

#endif
