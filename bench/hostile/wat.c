/* Bullpen: WebAssembly text to its binary form, for hosts that take only that.
 * SPDX-License-Identifier: Apache-2.0
 *
 *   usage: bench-wat < TEXT > BINARY */
#include <stdio.h>
#include <stdlib.h>
#include <wasmtime.h>

#define TEXT_MAX (1 << 20)

int main(void)
{
    char *text = malloc(TEXT_MAX);
    size_t size = text ? fread(text, 1, TEXT_MAX, stdin) : 0;
    wasm_byte_vec_t binary;
    wasmtime_error_t *error = wasmtime_wat2wasm(text, size, &binary);
    if (error) {
        wasm_name_t message;
        wasmtime_error_message(error, &message);
        fprintf(stderr, "%.*s\n", (int)message.size, message.data);
        return 1;
    }
    size_t written = fwrite(binary.data, 1, binary.size, stdout);
    return written == binary.size && fflush(stdout) == 0 ? 0 : 1;
}
