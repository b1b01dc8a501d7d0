/**
 * @file foundation.h
 * What Wasmtime's C API lacks, or cannot do without ending the process.
 *
 * Part of the static library that tools/foundation-build makes; a declaration here and its
 * definition in foundation/src are one contract. Unless said otherwise: pointers are borrowed for
 * the call and not NULL, functions may be called from any thread, but two threads never use one
 * store at a time.
 */
#ifndef BULLPEN_FOUNDATION_H
#define BULLPEN_FOUNDATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <wasmtime.h>

#include <foundation_plugin.h>
#include <foundation_user.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Which Wasmtime this is, and what was changed in it. Static. */
const char *foundation_version(void);

/* ---- engines ---- */

/**
 * Make an engine. Unlike wasm_engine_new_with_config(), which aborts the process when there is no
 * room for the pool's slots or when options contradict each other, this returns the error.
 * @param      config  consumed, also on failure.
 * @param[out] ret     owned on success (end it with wasm_engine_delete()); untouched otherwise.
 * @return NULL, or an error owned by the caller.
 */
wasmtime_error_t *foundation_engine_new(wasm_config_t *config, wasm_engine_t **ret);

/**
 * Whether slots can be made pristine by copying only dirty pages back: the kernel has PAGEMAP_SCAN
 * (Linux 6.7) and lets this process use it. Wasmtime's own use of it misses dirty pages; that this
 * library carries our patch is certain, since it does not compile without.
 */
bool foundation_pagemap_scan_available(void);

/** Use PAGEMAP_SCAN (off unless set). Where it is not available, engine creation then fails. */
void foundation_pooling_pagemap_scan_set(wasmtime_pooling_allocation_config_t *config, bool on);

/**
 * Read DWARF sections, so that frames have files and lines. They are read when a module is compiled
 * and kept in memory; a module compiled with this off has none. Overrides the environment variable
 * WASMTIME_BACKTRACE_DETAILS.
 */
void foundation_config_backtrace_details_set(wasm_config_t *config, bool on);

/** Whether a trap takes hold of what a core dump is made from (off unless set). */
void foundation_config_core_dump_set(wasm_config_t *config, bool on);

/** What one instance of a module takes from the pool. What it imports does not count. */
typedef struct {
    uint32_t memories;
    uint32_t tables;
    uint32_t functions;
    uint64_t memory_bytes_initial;   /**< of the memory that starts largest */
    uint64_t table_elements_initial; /**< of the table that starts largest */
} foundation_module_needs;

/** @param[out] ret  what @p module needs. */
void foundation_module_resources(const wasmtime_module_t *module, foundation_module_needs *ret);

/* ---- compiled code as bytes ---- */

/**
 * Show everything that code depends on which an engine compiles, as bytes to be hashed: Wasmtime's
 * version, the target, the compiler's flags, and the options that change code. Code of one engine
 * runs in another exactly if both show the same. In pieces, in a fixed order; stable for one build
 * of this library.
 * @param visit  called several times, with bytes that are borrowed during the call.
 */
void foundation_engine_compile_settings(const wasm_engine_t *engine,
                                        void (*visit)(void *data, const uint8_t *bytes,
                                                      size_t size),
                                        void *data);

/**
 * Validate and compile a module (or the text of one) to bytes, without loading them. To load them
 * is wasmtime_module_deserialize(), and unsafe: it is native code, and no check there finds out
 * whether it is harmless. Only bytes that were authenticated may go there, from memory that nobody
 * else can write to.
 * @param[out] ret  owned on success (end it with wasm_byte_vec_delete()); untouched otherwise.
 * @return NULL, or an error owned by the caller.
 */
wasmtime_error_t *foundation_precompile(const wasm_engine_t *engine, const uint8_t *wasm,
                                        size_t size, wasm_byte_vec_t *ret);

/* ---- limits ---- */

/** What a store has, and whom it asks for more. */
typedef struct foundation_limiter foundation_limiter;

typedef enum { FOUNDATION_GROW_MEMORY, FOUNDATION_GROW_TABLE } foundation_grow_kind;

typedef enum {
    FOUNDATION_GROW_ALLOW,
    FOUNDATION_GROW_REFUSE, /**< memory.grow and table.grow return -1; instantiation fails */
    FOUNDATION_GROW_TRAP,   /**< the guest traps with WASMTIME_TRAP_CODE_ALLOCATION_TOO_LARGE */
} foundation_grow_answer;

/**
 * Asked before any memory or table of a store grows, the initial size of each included.
 * Runs on the thread that uses the store, in the middle of a call: it must not use the store.
 * @param data          as given to foundation_store_limiter_set().
 * @param total         what all memories (bytes) or all tables (elements) of the store have now.
 * @param total_wanted  what they would have. A growth that is allowed can still fail; then it is no
 *                      longer in the next question's @p total.
 * @return anything but ALLOW and TRAP counts as REFUSE.
 */
typedef foundation_grow_answer (*foundation_growing_fn)(void *data, foundation_grow_kind kind,
                                                        uint64_t total, uint64_t total_wanted);

/**
 * Limit a new store (memories made before do not count). Takes the place of
 * wasmtime_store_limiter(): a store has one of the two. The total is never too low; it stays too
 * high after an instance that could not be made for another reason, once its memories were counted.
 * @param growing  must stay valid until the store is deleted.
 * @param data     handed to @p growing; borrowed until the store is deleted.
 * @return the limiter; the store's.
 */
foundation_limiter *foundation_store_limiter_set(wasmtime_store_t *store,
                                                 foundation_growing_fn growing, void *data);

/** What all memories of the store have together. */
uint64_t foundation_limiter_memory_bytes(const foundation_limiter *limiter);

/* ---- instances that become pristine where they are ---- */

/**
 * Bring an instance back to what it was when it was made: memories, tables, globals and segments;
 * its start function, if any, runs again, as the guest code that it is. Functions, memories and
 * tables that were looked up stay valid. Much cheaper than another instance, and it touches nothing
 * that engines share, so that threads do not get into each other's way.
 *
 * Only for an instance that is the only one in its store, that owns all it has (no memory, table or
 * global is imported), and whose last call returned.
 * @param limiter  the store's.
 * @param ret      false: this instance cannot be reset (it is none of the pooling allocator, or its
 *                 store has a heap for references); it is as it was, and another one is needed.
 * @return NULL, or the error; then the store must not be used any more.
 */
wasmtime_error_t *foundation_instance_reset(wasmtime_context_t *store,
                                            const wasmtime_instance_t *instance,
                                            foundation_limiter *limiter, bool *ret);

typedef enum {
    FOUNDATION_STATE_MEMORY,
    FOUNDATION_STATE_GLOBAL,
    FOUNDATION_STATE_TABLE,
    FOUNDATION_STATE_HANDLES, /**< of a component: which handles guests have, as words */
    FOUNDATION_STATE_FLAG,    /**< of a component: what the component model keeps about it */
} foundation_state_kind;

/** @param index  among those of its kind that the module defines. @param bytes  for the call. */
typedef void (*foundation_state_fn)(void *data, foundation_state_kind kind, uint32_t index,
                                    const uint8_t *bytes, size_t size);

/** Show the bytes of everything that a guest can change about its instance, exported or not. Those
 * of a table of functions are pointers, the same one for the same function. */
void foundation_instance_state(wasmtime_context_t *store, const wasmtime_instance_t *instance,
                               foundation_state_fn visit, void *data);

/* ---- components ---- */

/*
 * A component is made by foundation_component_new() or foundation_component_deserialize(), linked
 * once to what it imports, and then instantiated often: each instance in a store of its own, made
 * by wasmtime_store_new(), whose data begins with a foundation_guest.
 */

/** Compiled code of a component. Immutable, thread-safe. */
typedef struct foundation_component foundation_component;

/** @param[out] ret  owned on success; untouched otherwise. */
wasmtime_error_t *foundation_component_new(const wasm_engine_t *engine, const uint8_t *wasm,
                                           size_t size, foundation_component **ret);
/** As foundation_precompile(), of a component. */
wasmtime_error_t *foundation_component_precompile(const wasm_engine_t *engine, const uint8_t *wasm,
                                                  size_t size, wasm_byte_vec_t *ret);
wasmtime_error_t *foundation_component_serialize(const foundation_component *component,
                                                 wasm_byte_vec_t *ret);
/** UNSAFE as wasmtime_module_deserialize() is: only for bytes that were authenticated. */
wasmtime_error_t *foundation_component_deserialize(const wasm_engine_t *engine, const uint8_t *code,
                                                   size_t size, foundation_component **ret);
/** NULL is fine. */
void foundation_component_delete(foundation_component *component);

/** Whether compiled code is that of a component. */
bool foundation_code_is_component(const uint8_t *code, size_t size);

/** What one instance of a component takes, all its modules together. */
typedef struct {
    uint32_t memories;
    uint32_t tables;
    uint64_t functions;
    uint64_t code_bytes;
    uint64_t memory_bytes_initial;   /**< of the memory that starts largest */
    uint64_t table_elements_initial; /**< of the table that starts largest */
} foundation_component_needs;
/** @return false: nobody can tell, since it imports a module or a component. */
bool foundation_component_resources(const foundation_component *component,
                                    foundation_component_needs *ret);

typedef enum {
    FOUNDATION_ITEM_FUNC,
    FOUNDATION_ITEM_INSTANCE,
    FOUNDATION_ITEM_TYPE,
    FOUNDATION_ITEM_OTHER,
} foundation_component_item_kind;

/** Types of functions that have a way of their own to be called. */
typedef enum {
    FOUNDATION_SHAPE_ANY,
    FOUNDATION_SHAPE_BYTES,   /**< func(list<u8>) -> result<list<u8>, string> */
    FOUNDATION_SHAPE_INIT,    /**< func() -> result<_, string> */
    FOUNDATION_SHAPE_RUN,     /**< func() -> result */
    FOUNDATION_SHAPE_NOTHING, /**< func() */
} foundation_component_shape;

/** Something that a component imports or exports. The name is UTF-8 without a NUL at its end:
 * "handle", "wasi:cli/run@0.2.0", and of what is in an instance "wasi:cli/run@0.2.0#run". */
typedef struct {
    const char *name;
    size_t name_size;
    foundation_component_item_kind kind;
    bool is_import;
    foundation_component_shape shape; /**< of a function */
} foundation_component_item;
/** Show all of them, imports first. @param visit  false ends it. @return whether all were shown */
bool foundation_component_visit(const foundation_component *component,
                                bool (*visit)(void *data, const foundation_component_item *item),
                                void *data);

/** What the handles of a guest stand for. */
typedef struct foundation_resources foundation_resources;

/** What the data of a store begins with in which a component runs; all else there is the host's. */
typedef struct {
    void *host_data;                 /**< goes to every host function */
    foundation_resources *resources; /**< the library's; NULL at first */
    bool stopped; /**< a host function answered false, so that the guest was unwound */
} foundation_guest;
/** Ends what its handles stand for. Before the store is deleted, and when its instance is to be
 * pristine. */
void foundation_guest_clear(foundation_guest *guest);

/** What components can import. */
typedef struct foundation_component_linker foundation_component_linker;
foundation_component_linker *foundation_component_linker_new(const wasm_engine_t *engine);
void foundation_component_linker_delete(foundation_component_linker *linker);

/** A component whose imports were found and checked. Immutable, thread-safe. */
typedef struct foundation_component_linked foundation_component_linked;
wasmtime_error_t *foundation_component_link(const foundation_component_linker *linker,
                                            const foundation_component *component,
                                            foundation_component_linked **ret);
void foundation_component_linked_delete(foundation_component_linked *linked);

/** An instance in a store; ends with it. */
typedef struct {
    uint64_t private_[2];
} foundation_component_instance;
wasmtime_error_t *foundation_component_instantiate(wasmtime_context_t *store,
                                                   const foundation_component_linked *linked,
                                                   foundation_component_instance *ret);

/** An export of an instance. */
typedef struct {
    uint64_t private_[3];
} foundation_component_func;
/**
 * @param path      as in foundation_component_item.
 * @param shape     how it is to be called: its type is checked for that.
 * @return false: there is no such function, or its type is another.
 */
bool foundation_component_get_func(wasmtime_context_t *store,
                                   const foundation_component_instance *instance, const char *path,
                                   size_t path_size, foundation_component_shape shape,
                                   foundation_component_func *ret);

/** Bytes on this library's heap; end them with foundation_bytes_free(). All zero: none. */
typedef struct {
    uint8_t *data;
    size_t size;
    size_t capacity;
} foundation_bytes;
void foundation_bytes_free(foundation_bytes *bytes);

/** What one crossing from guest to host may copy, from now on: lists and strings can name the same
 * bytes of the guest over and over. Beyond it is an error, as a trap is. */
void foundation_component_lift_limit_set(wasmtime_context_t *store, uint64_t bytes);

/**
 * Call a function of any shape but FOUNDATION_SHAPE_ANY, for which it was looked up.
 * @param input        of BYTES.
 * @param[out] ret     owned, written when NULL is returned; empty where there is neither bytes nor
 *                     text.
 * @param[out] ret_ok  whether the result is ok; else @p ret is the text of the error.
 */
wasmtime_error_t *foundation_component_call(wasmtime_context_t *store,
                                            const foundation_component_func *function,
                                            foundation_component_shape shape, const uint8_t *input,
                                            size_t size, foundation_bytes *ret, bool *ret_ok);

/** What WASI asks the host for: foundation_wasi.h. */
typedef struct foundation_wasi_host foundation_wasi_host;
/**
 * Define all of WASI 0.2 that languages import, but wasi:http: io, cli, clocks, random, filesystem,
 * and sockets, which are there and refuse. A guest made for any 0.2 gets it. It starts no thread,
 * and waits nowhere but in the host's own functions.
 * @param host  all functions set; borrowed until what was linked with @p linker is gone.
 */
wasmtime_error_t *foundation_wasi_define(foundation_component_linker *linker,
                                         const foundation_wasi_host *host);

/* ---- what components can call ---- */

/**
 * Define the interfaces of bullpen:plugin, version 0.1.0: kv, log, config, http, metrics, call.
 * @param host  borrowed for as long as the linker, or anything linked with it, is there.
 */
wasmtime_error_t *foundation_plugin_define(foundation_component_linker *linker,
                                           const foundation_plugin_host *host);

/**
 * Define a function of the embedder's own, for one component.
 *
 * The component may declare it with signed or unsigned integers; with several results it has a
 * tuple of them. Where it declares result<T, string>, in place of T, an error is a result, else it
 * stops the guest.
 * @param component  the one that imports it, whose type is checked.
 * @param function   copied; its env is borrowed as `host` is above.
 * @return NULL, or an error that shows both types.
 */
wasmtime_error_t *foundation_component_define_user(foundation_component_linker *linker,
                                                   const foundation_component *component,
                                                   const foundation_user_function *function);

/* ---- components that become pristine where they are ---- */

/**
 * Remember everything that a guest can change about an instance and all modules in it, as it is
 * now, for foundation_component_reset(). Takes the place of what was remembered before; ends with
 * the store.
 *
 * What was remembered is as good as a new instance if nothing that ran so far (start functions, an
 * initialiser) has read what another instance would have found different: randomness, clocks,
 * answers of the host. Who calls this knows.
 * @param bytes_max  how much may be remembered of memories (those pages that are not what the
 *                   module says of them), tables and element segments.
 * @param ret        false: nothing is remembered, since that is not possible: it would be too much,
 *                   it is no instance of the pooling allocator, a memory is shared between threads,
 *                   the store has a heap for references, a call has not returned or has trapped, or
 *                   the guest has handles of the host's resources.
 * @return NULL, or the error: there is no memory for it. The instance can be used further.
 */
wasmtime_error_t *foundation_component_checkpoint(wasmtime_context_t *store,
                                                  const foundation_component_instance *instance,
                                                  uint64_t bytes_max, bool *ret);

/**
 * Bring an instance back to what it was at its foundation_component_checkpoint(). No guest code
 * runs. Functions that were looked up stay valid. Handles that the guest got since are gone,
 * whatever they stood for: that is for foundation_guest_clear() to end. As
 * foundation_instance_reset(), it touches nothing that engines share.
 *
 * Only for an instance that is the only one in its store, and whose last call returned.
 * @param limiter  the store's.
 * @param ret      false: this instance cannot be reset (it has no checkpoint, its store has a heap
 *                 for references by now, or a call failed); it is as it was, and another one is
 *                 needed.
 * @return NULL, or the error; then the store must not be used any more.
 */
wasmtime_error_t *foundation_component_reset(wasmtime_context_t *store,
                                             const foundation_component_instance *instance,
                                             foundation_limiter *limiter, bool *ret);

/** As foundation_instance_state(), of all modules in an instance, in the order in which they were
 * instantiated; then the handles of its guests, and its flags. */
void foundation_component_state(wasmtime_context_t *store,
                                const foundation_component_instance *instance,
                                foundation_state_fn visit, void *data);

/* ---- errors and traps ---- */

typedef enum {
    FOUNDATION_ERROR_OTHER,
    FOUNDATION_ERROR_TRAP,            /**< the guest's own doing; see trap_code */
    FOUNDATION_ERROR_POOL_FULL,       /**< every slot of the pooling allocator is in use */
    FOUNDATION_ERROR_OUT_OF_MAPPINGS, /**< ENOMEM: vm.max_map_count, RLIMIT_AS, or no memory */
} foundation_error_kind;

typedef struct {
    foundation_error_kind kind;
    int trap_code; /**< a wasmtime_trap_code_enum, or -1 */
    int os_errno;  /**< of the system call that failed, or 0 */
} foundation_error_info;

/**
 * Classify what a function of the C API returned as an error. (A trap that passed through a host
 * function's error, or happened in a start function, can arrive as either; hence kind, not the
 * handle's type, is what to look at.)
 */
void foundation_error_inspect(const wasmtime_error_t *error, foundation_error_info *ret);

/** The same for a trap. FOUNDATION_ERROR_OTHER is one that a host function made from a message. */
void foundation_trap_inspect(const wasm_trap_t *trap, foundation_error_info *ret);

/**
 * The chain of causes joined with ": ", on one line, without the wasm backtrace (see
 * foundation_error_frames()). Prefer it to wasmtime_error_message(). Names that a guest chose can
 * appear in it, without control characters.
 * @param buffer    gets the text and a NUL, cut between two UTF-8 characters if it does not fit.
 * @param capacity  bytes in @p buffer; 0 writes nothing, and @p buffer may be NULL.
 * @return the length of the whole text, without NUL.
 */
size_t foundation_error_text(const wasmtime_error_t *error, char *buffer, size_t capacity);

/** The same for a trap. */
size_t foundation_trap_text(const wasm_trap_t *trap, char *buffer, size_t capacity);

/** One line of a wasm backtrace. Text is NULL and a number 0 where unknown. All text comes from the
 * guest's module. */
typedef struct {
    const char *module;
    const char *function; /**< readable form of a Rust or C++ name, up to 4096 bytes; else the name
                             as it is */
    const char *file;
    uint32_t function_index;
    uint32_t line;
    uint32_t column;
    uint64_t
        module_offset; /**< of the instruction in the module's file; UINT64_MAX where unknown */
} foundation_frame;

/**
 * @param frame  borrowed during the call, with its strings.
 * @return false to see no more frames.
 */
typedef bool (*foundation_frame_fn)(void *data, const foundation_frame *frame);

/**
 * Show the frames of the guest's stack, the innermost first, if the error has any. A function that
 * the compiler inlined is a frame of its own, with the index and offset of the function it is in.
 */
void foundation_error_frames(const wasmtime_error_t *error, foundation_frame_fn visit, void *data);

/** The same for a trap. */
void foundation_trap_frames(const wasm_trap_t *trap, foundation_frame_fn visit, void *data);

/* ---- core dumps ---- */

/** @return false to stop. */
typedef bool (*foundation_bytes_fn)(void *data, const uint8_t *bytes, size_t size);

/**
 * Write what the guest looked like when it trapped: frames, memories and globals, in the format
 * that WebAssembly debuggers read. Takes as much memory as the guest has.
 * @param store  the one that the error comes from, as it is right after the trap.
 * @param name   of the program, in the dump.
 * @return false if the error has no dump (see foundation_config_core_dump_set()) or @p write
 * failed.
 */
bool foundation_error_core_dump(wasmtime_context_t *store, const wasmtime_error_t *error,
                                const char *name, foundation_bytes_fn write, void *data);

/** The same for a trap. */
bool foundation_trap_core_dump(wasmtime_context_t *store, const wasm_trap_t *trap, const char *name,
                               foundation_bytes_fn write, void *data);

/* ---- values as JSON ---- */

/*
 * What values of each type look like as JSON text. What is written reads back as the same value.
 *
 *   bool                true, false
 *   s8 to u64           a number without point and exponent, exact
 *   f32, f64            a number, or one of the strings "nan", "inf", "-inf"
 *   char                a string of one character
 *   string              a string
 *   list<T>             an array
 *   list<u8>            {"base64": "AQI="} (RFC 4648, padded), or an array of numbers
 *   list<T, N>, tuple   an array of just that many
 *   map<K, V>           an array of arrays [key, value], in their order
 *   record              an object with each field once
 *   variant             {"case": value}, or "case" where it has no value
 *   enum                a string
 *   flags               an array of strings, each once
 *   option<T>           null, or the value; where T is an option, null or {"some": value}
 *   result<T, E>        {"ok": value} or {"err": value}; null where there is no type
 *
 * A list<u8> is written as base64, whatever its length, and read as either. Fields of type option
 * may be missing from a record: none.
 *
 * Resources, streams, futures and error contexts have no form: functions that have one anywhere in
 * their types cannot be called this way. Neither can those whose types are, written out, more than
 * 8192 types, fields and cases. JSON is nested at most 64 deep, both ways.
 */

/**
 * Lets components use the types map<K, V> and list<T, N>, which are proposals (off unless set).
 */
void foundation_config_component_maps_set(wasm_config_t *config, bool on);

/**
 * Show a function's type as WIT text: "func(user: record { name: string, age: u8 }, n: u32) ->
 * result<list<u8>, string>". Types have no names there. At most 16 KiB, then "…".
 * @param path       as in foundation_component_item.
 * @param is_import  of one that the component imports, not exports.
 * @param visit      called once, with text that is borrowed during the call.
 * @return what @p visit returned; false: there is no such function.
 */
bool foundation_component_func_signature(const foundation_component *component, const char *path,
                                         size_t path_size, bool is_import,
                                         foundation_bytes_fn visit, void *data);

/**
 * The same in parts, as JSON: {"parameters": [{"name": "n", "type": "u32"}], "result": "u32" or
 * null, "refused": null or why the function cannot be called with JSON}. The types are bounded as
 * above, all together.
 */
bool foundation_component_func_schema(const foundation_component *component, const char *path,
                                      size_t path_size, bool is_import, foundation_bytes_fn visit,
                                      void *data);

/** UINT64_MAX: none. */
typedef struct {
    /** What the arguments may take as values; a value takes about 80 bytes. The text itself is the
     * caller's to limit. */
    uint64_t arguments_memory_bytes;
    /** What the guest may hand over, as result and in each call of a host function: as by
     * foundation_component_lift_limit_set(), during this call. As values of the result that takes
     * about as many bytes, up to ten times as many at worst (records of one field of one letter).
     * Where the result has flags, a quarter is let through, or it would be thirty times. */
    uint64_t result_memory_bytes;
    uint64_t result_text_bytes;
} foundation_json_limits;

typedef enum {
    FOUNDATION_JSON_FINISHED,  /**< there is a result */
    FOUNDATION_JSON_REFUSED,   /**< the arguments or the function; the guest was not entered */
    FOUNDATION_JSON_TOO_LARGE, /**< the guest ran; its result is beyond a limit */
    FOUNDATION_JSON_FAILED,    /**< the error that is returned: trapped, stopped, bad values */
} foundation_json_kind;

/** After any kind but FINISHED and REFUSED the instance must not be called again. */
typedef struct {
    foundation_json_kind kind;
    bool is_ok; /**< finished, and not with the error of a function that gives a result */
    foundation_bytes text; /**< finished: JSON, owned. Of result<T, E> only that of T or E */
    char message[512];     /**< refused, too large: one line of UTF-8, NUL-terminated */
} foundation_json_result;

/**
 * Call a function with arguments of any type.
 * @param arguments  JSON: an array in the parameters' order, or an object by their names, of which
 *                   those of type option may be missing. No bytes: no arguments.
 * @param[out] ret   always written.
 * @return NULL, or the error of FOUNDATION_JSON_FAILED, owned by the caller.
 */
wasmtime_error_t *foundation_component_call_json(wasmtime_context_t *store,
                                                 const foundation_component_func *function,
                                                 const uint8_t *arguments, size_t arguments_size,
                                                 const foundation_json_limits *limits,
                                                 foundation_json_result *ret);

/* ---- configuration files ---- */

/** Where a file is wrong; line and column count from 1, 0: nowhere in particular. */
typedef struct {
    uint32_t line;
    uint32_t column;
    char message[256]; /**< one line of UTF-8, NUL-terminated; words of the file can be in it */
} foundation_toml_error;

/**
 * Translate TOML to JSON text. Dates become strings. Uses a thread of its own while it runs.
 * @param visit   called once, with the JSON as bytes that are borrowed during the call.
 * @param reterr  written when the text is no TOML, is nested too deep (32), or has a number that
 *                JSON cannot have.
 * @return what @p visit returned, or false with @p reterr written.
 */
bool foundation_toml_to_json(const uint8_t *text, size_t size, foundation_bytes_fn visit,
                             void *data, foundation_toml_error *reterr);

/* ---- making components, for the authors of plugins ---- */

/** A file of WIT. Those below "deps/" are other packages, one a file or folder; the rest is the
 * package that is meant. Names are for that, and for messages. */
typedef struct {
    const char *name;
    const uint8_t *text;
    size_t size;
} foundation_wit_file;

typedef struct {
    const foundation_wit_file *files;
    size_t count;
    const char *world; /**< NULL: the only one that the package has */
} foundation_wit;

typedef struct {
    char message[480]; /**< one line of UTF-8, NUL-terminated; "file:line:column: …" where known */
} foundation_build_error;

/**
 * Make a component from a core module. What the module imports of WASI preview 1 is adapted. All of
 * these functions use a thread of their own while they run, and call back on the caller's.
 * @param wit    the world that it is for, unless the module has sections that say so; its comments
 *               get into the component. May be NULL.
 * @param visit  called once.
 * @return what @p visit returned, or false with @p reterr written.
 */
bool foundation_component_encode(const uint8_t *module, size_t size, const foundation_wit *wit,
                                 foundation_bytes_fn visit, void *data,
                                 foundation_build_error *reterr);

/**
 * Add the comments of a world to a component that another tool made from it, as custom sections:
 * "package-docs" has what is about the component's own world, and "package-docs:PACKAGE" what is
 * about the interfaces of a package that it exports. A component that has the former stays as it is.
 */
bool foundation_component_add_docs(const uint8_t *component, size_t size,
                                   const foundation_wit *wit, foundation_bytes_fn visit, void *data,
                                   foundation_build_error *reterr);

/** @param name  of a file, without folder. @return false to stop. */
typedef bool (*foundation_file_fn)(void *data, const char *name, const uint8_t *bytes, size_t size);

/**
 * Generate what a plugin in C needs for a world: a header, a source, and an object file that says
 * in the module which world it is.
 * @param visit  called for each.
 */
bool foundation_wit_bindgen_c(const foundation_wit *wit, foundation_file_fn visit, void *data,
                              foundation_build_error *reterr);

/* ---- the last resort ---- */

/**
 * Hear of a panic in the Rust code (a bug there) before it aborts the process. One hook a process.
 * @param hook  gets text that is not NUL-terminated, on the thread that panicked, which may hold
 * any lock; NULL: standard error, as if never set.
 */
void foundation_panic_hook_set(void (*hook)(const char *text, size_t length));

#ifdef __cplusplus
}
#endif

#endif
