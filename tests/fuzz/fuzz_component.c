/* Components: any bytes as a component, through the section walk, the compiler, the linker, and a
 * call of a new and of a reset sandbox. SPDX-License-Identifier: Apache-2.0
 *
 * mutate_module.c changes the modules and components inside too. */
#include "fuzz_plugin.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    fuzz_runtime_open();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bp_bytes bytes = {data, size};
    if (size > FUZZ_PLUGIN_BYTES_MAX || bp__format_of(bytes) != BP__FORMAT_COMPONENT)
        return 0;
    fuzz_check_strip(bytes, false);
    fuzz_check_strip(bytes, true);
    fuzz_load(bytes, BP_BYTES("[]"), fuzz_inspect(bytes));
    return 0;
}
