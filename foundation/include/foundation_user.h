/**
 * @file foundation_user.h
 * Functions of the embedder's own, as components call them. Knows no Wasmtime.
 */
#ifndef BULLPEN_FOUNDATION_USER_H
#define BULLPEN_FOUNDATION_USER_H

#include <stdbool.h>
#include <stdint.h>

#include <foundation_slice.h>

/** A parameter or result. Laid out as bp_host_value is. */
typedef union {
    int32_t i32;
    int64_t i64;
    float f32;
    double f64;
    foundation_slice bytes; /**< of 'b' and 't' */
} foundation_user_value;

/** How a guest declared a function. */
typedef struct {
    void *env;       /**< the definition's */
    void *host_data; /**< the guest's */
    bool may_fail;   /**< the guest's result has a place for an error's text: result<T, string> */
    void *lent;      /**< the function's own: handed to `done` */
} foundation_user_call;

/**
 * A function. Arguments are borrowed until it returns, most of them from the guest's memory; text
 * is UTF-8. Results begin as zero; those that are text must be UTF-8.
 * @return OK, ERROR (with `reterr`; STOP if the guest may not have it), or STOP.
 */
typedef foundation_reply (*foundation_user_fn)(foundation_user_call *call,
                                               const foundation_user_value *arguments,
                                               foundation_user_value *results,
                                               foundation_slice *reterr);

typedef struct foundation_user_function {
    const char *interface; /**< that the guest imports it from: "my:app/things@1.0.0" */
    const char *name;      /**< in it: "get-user" */
    /** Letters of parameters, '>', letters of results: i and I (integers of 32 and 64 bits, signed
     * or not), f and d (f32, f64), b (list<u8>), t (string). At most 16 on each side. */
    const char *signature;
    foundation_user_fn call;
    /** Called once for each call of `call`, when its results have been copied. */
    void (*done)(foundation_user_call *call);
    void *env;
} foundation_user_function;

#endif
