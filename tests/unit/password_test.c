/* password_test.c - Argon2id hashes: the right password fits, others and the dummy do not. */
#include <sealing/password.h>
#include <tests/cmocka.h>

static void only_the_exact_bytes_fit(void **state)
{
    (void)state;
    char phc[SEALING_PHC_SIZE];
    assert_int_equal(sealing_password_hash(mr_cstr("correct horse "), phc, NULL), 0);
    assert_memory_equal(phc, "$argon2id$v=19$m=19456,t=2,p=1$", 31);
    assert_true(sealing_password_verify(phc, mr_cstr("correct horse ")));
    assert_false(sealing_password_verify(phc, mr_cstr("correct horse")));
    assert_false(sealing_password_verify(phc, mr_bytes_of("correct horse \0", 15)));
}

static void long_passwords_are_not_cut(void **state)
{
    (void)state;
    char phc[SEALING_PHC_SIZE];
    char password[1024];
    memset(password, 'x', sizeof password);
    assert_int_equal(sealing_password_hash(mr_bytes_of(password, 1024), phc, NULL), 0);
    password[1023] = 'y';
    assert_false(sealing_password_verify(phc, mr_bytes_of(password, 1024)));
}

static void the_same_password_hashes_differently(void **state)
{
    (void)state;
    char one[SEALING_PHC_SIZE];
    char two[SEALING_PHC_SIZE];
    assert_int_equal(sealing_password_hash(mr_cstr("correct horse"), one, NULL), 0);
    assert_int_equal(sealing_password_hash(mr_cstr("correct horse"), two, NULL), 0);
    assert_string_not_equal(one, two);
}

static void nothing_fits_the_dummy_or_garbage(void **state)
{
    (void)state;
    assert_false(sealing_password_verify(sealing_password_dummy(), mr_cstr("")));
    assert_false(sealing_password_verify(sealing_password_dummy(), mr_cstr("correct horse")));
    assert_false(sealing_password_verify("", mr_cstr("")));
    assert_false(sealing_password_verify("$argon2id$nonsense", mr_cstr("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_exact_bytes_fit),
        cmocka_unit_test(long_passwords_are_not_cut),
        cmocka_unit_test(the_same_password_hashes_differently),
        cmocka_unit_test(nothing_fits_the_dummy_or_garbage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
