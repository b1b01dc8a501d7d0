/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/sha256.h"

static const char *hash(bp_bytes input)
{
    static char hex[BP__SHA256_HEX_SIZE];
    uint8_t digest[BP__SHA256_SIZE];
    assert_int_equal(bp__sha256(input, digest, NULL), BP_OK);
    bp__sha256_hex(digest, hex);
    return hex;
}

/* From FIPS 180-2, appendix B, and the digest of nothing. */
static void known_answers(void **unused)
{
    (void)unused;
    assert_string_equal(hash(BP_BYTES("")),
                        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_string_equal(hash(BP_BYTES("abc")),
                        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_string_equal(hash(BP_BYTES("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")),
                        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

static void a_million_bytes(void **unused)
{
    (void)unused;
    char *text = malloc(1000000);
    memset(text, 'a', 1000000);
    assert_string_equal(hash((bp_bytes){text, 1000000}),
                        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    free(text);
}

static void hex_has_two_digits_a_byte(void **unused)
{
    (void)unused;
    uint8_t digest[BP__SHA256_SIZE] = {0x00, 0x0F, 0xF0, 0xFF, 0x9A};
    char hex[BP__SHA256_HEX_SIZE];
    bp__sha256_hex(digest, hex);
    assert_int_equal(strlen(hex), 64);
    assert_memory_equal(hex, "000ff0ff9a00", 12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_answers),
        cmocka_unit_test(a_million_bytes),
        cmocka_unit_test(hex_has_two_digits_a_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
