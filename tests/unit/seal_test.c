/* seal_test.c - sealed values open with their key in their place, and nowhere else. */
#include <sealing/random.h>
#include <sealing/seal.h>
#include <tests/cmocka.h>

static const struct mr_bytes secret = MR_LITERAL("pm_approve");
static const struct mr_bytes owner = MR_LITERAL("ord_1");
static struct mr_arena arena;

static int set_up(void **state)
{
    (void)state;
    mr_arena_init(&arena);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    mr_arena_clean_up(&arena);
    return 0;
}

static struct sealing_key key_of(uint8_t fill)
{
    struct sealing_key key;
    memset(key.bytes, fill, sizeof key.bytes);
    return key;
}

static struct shop_sealed seal_value(const struct sealing_key *key)
{
    return sealing_seal(
        key, mr_cstr("payment-1"), (struct sealing_context){"method", owner}, secret, &arena);
}

static int unseal_value(
    const struct sealing_key *key,
    const char *what,
    struct mr_bytes whose,
    const struct shop_sealed *sealed)
{
    struct mr_bytes plain;
    return sealing_unseal(key, (struct sealing_context){what, whose}, sealed, &arena, &plain, NULL);
}

static void what_was_sealed_comes_back(void **state)
{
    (void)state;
    struct sealing_key key = key_of(7);
    struct shop_sealed sealed = seal_value(&key);
    struct mr_bytes plain = {0};
    assert_int_equal(
        sealing_unseal(
            &key, (struct sealing_context){"method", owner}, &sealed, &arena, &plain, NULL),
        0);
    assert_true(mr_bytes_equal(plain, secret));
    assert_null(memmem(sealed.ct.ptr, sealed.ct.len, secret.ptr, secret.len));
}

static void the_same_value_twice_looks_different(void **state)
{
    (void)state;
    struct sealing_key key = key_of(7);
    struct shop_sealed one = seal_value(&key);
    struct shop_sealed two = seal_value(&key);
    assert_false(mr_bytes_equal(one.nonce, two.nonce));
    assert_false(mr_bytes_equal(one.ct, two.ct));
}

static void every_flipped_bit_is_noticed(void **state)
{
    (void)state;
    struct sealing_key key = key_of(7);
    struct shop_sealed sealed = seal_value(&key);
    char *ct = (char *)(uintptr_t)sealed.ct.ptr;
    for (size_t bit = 0; bit < sealed.ct.len * 8; bit++) {
        ct[bit / 8] = (char)(ct[bit / 8] ^ (1 << bit % 8));
        assert_int_equal(unseal_value(&key, "method", owner, &sealed), MR_INVALID);
        ct[bit / 8] = (char)(ct[bit / 8] ^ (1 << bit % 8));
    }
    assert_int_equal(unseal_value(&key, "method", owner, &sealed), 0);
}

static void another_key_or_place_does_not_open_it(void **state)
{
    (void)state;
    struct sealing_key key = key_of(7);
    struct sealing_key other = key_of(8);
    struct shop_sealed sealed = seal_value(&key);
    assert_int_equal(unseal_value(&other, "method", owner, &sealed), MR_INVALID);
    assert_int_equal(unseal_value(&key, "email", owner, &sealed), MR_INVALID);
    assert_int_equal(unseal_value(&key, "method", mr_cstr("ord_2"), &sealed), MR_INVALID);
}

static void bytes_that_are_not_a_seal_are_malformed(void **state)
{
    (void)state;
    struct sealing_key key = key_of(7);
    struct shop_sealed sealed = seal_value(&key);
    for (size_t len = 0; len < 16; len++) {
        struct shop_sealed cut = sealed;
        cut.ct.len = len;
        assert_int_equal(unseal_value(&key, "method", owner, &cut), MR_MALFORMED);
    }
    struct shop_sealed foreign = sealed;
    foreign.alg = mr_cstr("none");
    assert_int_equal(unseal_value(&key, "method", owner, &foreign), MR_MALFORMED);
    foreign = sealed;
    foreign.nonce.len = 12;
    assert_int_equal(unseal_value(&key, "method", owner, &foreign), MR_MALFORMED);
}

static void a_wrapped_key_is_bound_to_its_subject(void **state)
{
    (void)state;
    struct sealing_key kek = key_of(1);
    struct sealing_key fresh;
    struct sealing_key again;
    struct shop_wrapped_key wrapped = sealing_wrap_new(&kek, mr_cstr("usr_1"), &arena, &fresh);
    assert_int_equal(sealing_unwrap(&kek, &wrapped, &again, NULL), 0);
    assert_memory_equal(&fresh, &again, sizeof fresh);
    wrapped.subject_id = mr_cstr("usr_2");
    assert_int_equal(sealing_unwrap(&kek, &wrapped, &again, NULL), MR_INVALID);
}

static void digests_keep_their_parts_apart(void **state)
{
    (void)state;
    uint8_t one[SEALING_DIGEST_BYTES];
    uint8_t two[SEALING_DIGEST_BYTES];
    sealing_digest((struct mr_bytes[]){mr_cstr("ab"), mr_cstr("c")}, 2, one);
    sealing_digest((struct mr_bytes[]){mr_cstr("a"), mr_cstr("bc")}, 2, two);
    assert_memory_not_equal(one, two, sizeof one);
}

static void base32_is_the_one_of_rfc_4648(void **state)
{
    (void)state;
    uint8_t bytes[SEALING_DIGEST_BYTES] = {'f', 'o', 'o', 'b', 'a', 'r'};
    char text[SEALING_BASE32_LEN + 1];
    sealing_base32(bytes, text);
    assert_int_equal(strlen(text), SEALING_BASE32_LEN);
    assert_memory_equal(text, "mzxw6ytboi", 10);
    memset(bytes, 0xff, sizeof bytes);
    sealing_base32(bytes, text);
    assert_string_equal(text, "777777777777777777777777777777777777777777777777777q");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_sealed_comes_back),
        cmocka_unit_test(the_same_value_twice_looks_different),
        cmocka_unit_test(every_flipped_bit_is_noticed),
        cmocka_unit_test(another_key_or_place_does_not_open_it),
        cmocka_unit_test(bytes_that_are_not_a_seal_are_malformed),
        cmocka_unit_test(a_wrapped_key_is_bound_to_its_subject),
        cmocka_unit_test(digests_keep_their_parts_apart),
        cmocka_unit_test(base32_is_the_one_of_rfc_4648),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
