/* Modules: any bytes through the section walk, the compiler, the linker, and, if they make a
 * plugin, a call. SPDX-License-Identifier: Apache-2.0
 *
 * Sections are mutated by mutate_module.c, so that inputs get past the first size that no longer
 * adds up. Manifests are fuzz_manifest.c's: here they could read the machine's files. */
#include "fuzz_plugin.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    fuzz_runtime_open();
    return 0;
}

/* The sections behind each other fill the module: the walk of bp__code_check(), by counting. */
static bool adds_up(const uint8_t *data, size_t size)
{
    size_t at = 8;
    while (at < size) {
        uint64_t payload = 0, shift = 0;
        do {
            if (++at >= size || shift > 28)
                return false;
            payload |= (uint64_t)(data[at] & 0x7F) << shift;
            shift += 7;
        } while (data[at] & 0x80);
        at += 1 + payload;
    }
    return at == size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bp_bytes bytes = {data, size};
    bp__format format = bp__format_of(bytes);
    if (format == BP__FORMAT_JSON || size > FUZZ_PLUGIN_BYTES_MAX)
        return 0;
    if (format == BP__FORMAT_MODULE) {
        FUZZ_CHECK(bp__code_check(bytes, &fuzz_ceiling, NULL) != BP_OK || adds_up(data, size));
        fuzz_check_strip(bytes, false);
        fuzz_check_strip(bytes, true);
    }
    fuzz_load(bytes, BP_BYTES("input"), fuzz_inspect(bytes));
    return 0;
}
