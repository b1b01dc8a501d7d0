/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/encode.h"

#include <foundation.h>

#include "base/cleanup.h"
#include "base/error.h"

/* Where what is made goes. */
typedef struct sink {
    bp__encode_write_fn write;
    void *data;
    bool stopped; /* it wanted no more */
} sink;

static bool write_file(void *data, const char *name, const uint8_t *bytes, size_t size)
{
    sink *to = data;
    to->stopped = !to->write(to->data, name, (bp_bytes){bytes, size});
    return !to->stopped;
}

static bool write_component(void *data, const uint8_t *bytes, size_t size)
{
    return write_file(data, "component.wasm", bytes, size);
}

/* The same files as the foundation wants them; owned. */
static foundation_wit_file *translate(const bp__wit *wit)
{
    foundation_wit_file *files = bp__alloc_zeroed(wit->count + 1, sizeof *files);
    for (size_t i = 0; files && i < wit->count; i++)
        files[i] = (foundation_wit_file){wit->files[i].name, wit->files[i].text.data,
                                         wit->files[i].text.size};
    return files;
}

static bp_status judge(bool fine, const sink *to, const foundation_build_error *error,
                       bp_error *reterr)
{
    if (fine)
        return BP_OK;
    if (to->stopped)
        return bp_error_set(reterr, BP_ECANCELLED, "what was made could not be written");
    return bp_error_set(reterr, BP_EFORMAT, "%s", error->message);
}

bp_status bp__encode_component(bp_bytes module, const bp__wit *wit, bp__encode_write_fn write,
                               void *data, bp_error *reterr)
{
    sink to = {write, data, false};
    foundation_build_error error = {.message = ""};
    bp_auto_free foundation_wit_file *files = wit ? translate(wit) : NULL;
    if (wit && !files)
        return bp__error_oom(reterr, "making a component");
    foundation_wit world = {files, wit ? wit->count : 0, wit ? wit->world : NULL};
    bool fine = foundation_component_encode(module.data, module.size, wit ? &world : NULL,
                                            write_component, &to, &error);
    return judge(fine, &to, &error, reterr);
}

bp_status bp__encode_docs(bp_bytes component, const bp__wit *wit, bp__encode_write_fn write,
                          void *data, bp_error *reterr)
{
    sink to = {write, data, false};
    foundation_build_error error = {.message = ""};
    bp_auto_free foundation_wit_file *files = translate(wit);
    if (!files)
        return bp__error_oom(reterr, "adding comments to a component");
    foundation_wit world = {files, wit->count, wit->world};
    bool fine = foundation_component_add_docs(component.data, component.size, &world,
                                              write_component, &to, &error);
    return judge(fine, &to, &error, reterr);
}

bp_status bp__encode_bindings_c(const bp__wit *wit, bp__encode_write_fn write, void *data,
                                bp_error *reterr)
{
    sink to = {write, data, false};
    foundation_build_error error = {.message = ""};
    bp_auto_free foundation_wit_file *files = translate(wit);
    if (!files)
        return bp__error_oom(reterr, "making bindings");
    foundation_wit world = {files, wit->count, wit->world};
    bool fine = foundation_wit_bindgen_c(&world, write_file, &to, &error);
    return judge(fine, &to, &error, reterr);
}
