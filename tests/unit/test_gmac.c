/* AES-256-GMAC. SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/gmac.h"
#include "support/check.h"

/* The first AES-256 test case of the GCM specification: everything is zero, and there is no text. */
static const uint8_t zero_tag[BP__GMAC_TAG_SIZE] = {0x53, 0x0f, 0x8a, 0xfb, 0xc7, 0x45, 0x36, 0xb9,
                                                    0xa9, 0x63, 0xb4, 0xf1, 0xc4, 0xcb, 0x73, 0x8b};
static const uint8_t key[BP__GMAC_KEY_SIZE], nonce[BP__GMAC_NONCE_SIZE];

static void the_specifications_case_holds(void **state)
{
    (void)state;
    uint8_t tag[BP__GMAC_TAG_SIZE];
    assert_int_equal(bp__gmac(key, nonce, (bp_bytes){0}, (bp_bytes){0}, tag, NULL), BP_OK);
    assert_memory_equal(tag, zero_tag, sizeof tag);
    assert_true(bp__gmac_equal(tag, zero_tag));
    tag[15] ^= 1;
    assert_false(bp__gmac_equal(tag, zero_tag));
}

static void two_pieces_are_one_message(void **state)
{
    (void)state;
    uint8_t whole[BP__GMAC_TAG_SIZE], parts[BP__GMAC_TAG_SIZE];
    assert_int_equal(bp__gmac(key, nonce, BP_BYTES("one message"), (bp_bytes){0}, whole, NULL), BP_OK);
    assert_int_equal(bp__gmac(key, nonce, BP_BYTES("one "), BP_BYTES("message"), parts, NULL), BP_OK);
    assert_memory_equal(whole, parts, sizeof whole);
}

static void key_nonce_and_message_all_count(void **state)
{
    (void)state;
    uint8_t other_key[BP__GMAC_KEY_SIZE] = {1}, other_nonce[BP__GMAC_NONCE_SIZE] = {1};
    uint8_t tags[4][BP__GMAC_TAG_SIZE];
    bp_bytes none = {0};
    assert_int_equal(bp__gmac(key, nonce, BP_BYTES("a"), none, tags[0], NULL), BP_OK);
    assert_int_equal(bp__gmac(other_key, nonce, BP_BYTES("a"), none, tags[1], NULL), BP_OK);
    assert_int_equal(bp__gmac(key, other_nonce, BP_BYTES("a"), none, tags[2], NULL), BP_OK);
    assert_int_equal(bp__gmac(key, nonce, BP_BYTES("b"), none, tags[3], NULL), BP_OK);
    for (size_t i = 1; i < COUNT(tags); i++)
        assert_memory_not_equal(tags[0], tags[i], sizeof tags[0]);
}

static void random_bytes_differ(void **state)
{
    (void)state;
    uint8_t a[32] = {0}, b[32] = {0};
    assert_true(bp__random(a, sizeof a) && bp__random(b, sizeof b));
    assert_memory_not_equal(a, b, sizeof a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_specifications_case_holds),
        cmocka_unit_test(two_pieces_are_one_message),
        cmocka_unit_test(key_nonce_and_message_all_count),
        cmocka_unit_test(random_bytes_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
