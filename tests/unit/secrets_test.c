/* secrets_test.c - key files are private, never overwritten, and read only when they are whole. */
#include <base/alloc.h>
#include <sealing/email.h>
#include <tests/cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const files[] = {
    "jwt_ed25519.key",
    "jwt_ed25519.pub",
    "token_mac.key",
    "email_hmac.key",
    "kek.key",
    "credential.key",
    "payment.key",
    "refresh.key"};

/* Around a rotation. */
static const char *const more_files[] = {
    "jwt_ed25519.old.pub", "jwt_ed25519.next.key", "jwt_ed25519.next.pub"};

static char home[64];
static char *dir;

static char *path_of(const char *name)
{
    return mr_asprintf("%s/%s", dir, name);
}

static void discard_file(const char *name)
{
    char *path = path_of(name);
    (void)unlink(path);
    free(path);
}

static int set_up(void **state)
{
    (void)state;
    snprintf(home, sizeof home, "/tmp/millrace-secrets-XXXXXX");
    assert_non_null(mkdtemp(home));
    dir = mr_asprintf("%s/secrets", home);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        discard_file(files[i]);
    for (size_t i = 0; i < sizeof more_files / sizeof more_files[0]; i++)
        discard_file(more_files[i]);
    (void)rmdir(dir);
    (void)rmdir(home);
    free(dir);
    return 0;
}

static void keys_are_made_once_and_privately(void **state)
{
    (void)state;
    struct sealing_key first;
    struct sealing_key second;
    struct stat info;
    int made = 0;
    assert_int_equal(sealing_secrets_init(dir, &made, NULL), 0);
    assert_int_equal(made, sizeof files / sizeof files[0]);
    assert_int_equal(stat(dir, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0700);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char *path = path_of(files[i]);
        assert_int_equal(stat(path, &info), 0);
        assert_int_equal(info.st_mode & 0777, 0600);
        assert_int_equal(info.st_size, i == 0 ? 64 : 32);
        free(path);
    }
    assert_int_equal(sealing_key_load(dir, "kek.key", &first, NULL), 0);
    assert_int_equal(sealing_secrets_init(dir, &made, NULL), 0);
    assert_int_equal(made, 0);
    assert_int_equal(sealing_key_load(dir, "kek.key", &second, NULL), 0);
    assert_memory_equal(&first, &second, sizeof first);
}

static void a_lost_key_is_made_but_half_a_pair_is_refused(void **state)
{
    (void)state;
    struct mr_error error;
    int made = 0;
    assert_int_equal(sealing_secrets_init(dir, NULL, NULL), 0);
    discard_file("payment.key");
    assert_int_equal(sealing_secrets_init(dir, &made, NULL), 0);
    assert_int_equal(made, 1);
    discard_file("jwt_ed25519.pub");
    assert_int_equal(sealing_secrets_init(dir, NULL, &error), MR_CONFIG);
    assert_non_null(strstr(error.text, "jwt_ed25519"));
}

static void a_folder_that_others_can_write_is_refused_and_named(void **state)
{
    (void)state;
    static const mode_t loose[] = {0777, 0770, 0702, 01777};
    struct mr_error error;
    assert_int_equal(mkdir(dir, 0700), 0);
    for (size_t i = 0; i < sizeof loose / sizeof loose[0]; i++) {
        assert_int_equal(chmod(dir, loose[i]), 0);
        assert_int_equal(sealing_secrets_init(dir, NULL, &error), MR_CONFIG);
        assert_non_null(strstr(error.text, dir));
        assert_non_null(strstr(error.text, "chmod go-w"));
        assert_int_equal(rmdir(dir), 0); /* Nothing was made in it. */
        assert_int_equal(mkdir(dir, 0700), 0);
    }
    assert_int_equal(chmod(dir, 0755), 0);
    assert_int_equal(sealing_secrets_init(dir, NULL, NULL), 0);
}

static void a_missing_or_short_key_is_named(void **state)
{
    (void)state;
    struct sealing_key key;
    struct mr_error error;
    assert_int_equal(sealing_key_load(dir, "kek.key", &key, &error), MR_CONFIG);
    assert_non_null(strstr(error.text, "secrets init"));
    assert_int_equal(sealing_secrets_init(dir, NULL, NULL), 0);
    char *path = path_of("kek.key");
    assert_int_equal(truncate(path, 31), 0);
    assert_int_equal(sealing_key_load(dir, "kek.key", &key, &error), MR_CONFIG);
    assert_non_null(strstr(error.text, path));
    free(path);
}

static void an_address_has_one_claim_key_per_secret(void **state)
{
    (void)state;
    struct mr_arena arena;
    struct sealing_key one = {{1}};
    struct sealing_key two = {{2}};
    mr_arena_init(&arena);
    struct mr_bytes a = sealing_email_key(&one, mr_cstr("a@b.example"), &arena);
    assert_int_equal(a.len, 52);
    assert_true(mr_bytes_equal(a, sealing_email_key(&one, mr_cstr("a@b.example"), &arena)));
    assert_false(mr_bytes_equal(a, sealing_email_key(&two, mr_cstr("a@b.example"), &arena)));
    assert_false(mr_bytes_equal(a, sealing_email_key(&one, mr_cstr("c@b.example"), &arena)));
    mr_arena_clean_up(&arena);
}

static bool normalises_to(const char *email, const char *wanted)
{
    struct mr_arena arena;
    struct mr_bytes normal = {0};
    mr_arena_init(&arena);
    bool good = sealing_email_normalise(mr_cstr(email), &arena, &normal);
    if (good && wanted)
        good = mr_bytes_equal(normal, mr_cstr(wanted));
    mr_arena_clean_up(&arena);
    return good;
}

static void addresses_have_one_normal_form(void **state)
{
    (void)state;
    assert_true(normalises_to("Ada.L+shop@Example.ORG", "ada.l+shop@example.org"));
    assert_true(
        normalises_to("j\xc3\xbcrgen@b\xc3\xbc.example", "j\xc3\xbcrgen@xn--b-eha.example"));
    /* One account, however it is typed. */
    const char *cher = "ada@xn--bcher-kva.example";
    assert_true(normalises_to(
        "ada@b\xc3\xbc"
        "cher.example",
        cher));
    assert_true(normalises_to(
        "ada@B\xc3\x9c"
        "CHER.example",
        cher));
    assert_true(normalises_to(
        "ada@bu\xcc\x88"
        "cher.example",
        cher));
    assert_true(normalises_to("ada@XN--BCHER-KVA.example", cher));
    assert_true(normalises_to("jos\xc3\xa9@shop.example", "jos\xc3\xa9@shop.example"));
    assert_true(normalises_to("jose\xcc\x81@shop.example", "jos\xc3\xa9@shop.example"));
}

static void a_text_that_is_not_an_address_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "ada",
        "@example.org",
        "ada@",
        "ada@example",
        "a@b@example.org",
        "a b@example.org",
        "ada@example..org",
        "ada@.example.org",
        "ada@example.org.",
        "a\tb@example.org",
        "\"a\"@example.org",
        "<ada@example.org>",
        "\xe2\x80\x8b"
        "ada@example.org",         /* Zero-width space, */
        "ada@example.org\xc2\xa0", /* no-break space, */
        "a\xc2\xad"
        "da@example.org", /* soft hyphen, */
        "\xe2\x80\xae"
        "ada@example.org", /* right-to-left override, */
        "a\xe2\x80\x8d"
        "da@example.org",                  /* zero-width joiner, */
        "ada\xef\xbb\xbf@example.org",     /* byte order mark, */
        "ada\xe3\x80\x80@example.org",     /* ideographic space, */
        "ada\xe3\x85\xa4@example.org",     /* Hangul filler, */
        "ada\xef\xb8\x8f@example.org",     /* variation selector, */
        "ada\xf3\xa0\x80\xa0@example.org", /* tag, */
        "ada\xee\x80\x80@example.org",     /* private use, */
        "ada\xc2\x85@example.org",         /* C1 control, */
        "ada@ex\xe2\x80\x8b"
        "ample.org",           /* in the domain, */
        "ada\xff@example.org", /* and what is not UTF-8. */
        "ada@-example.org",
        "ada@exa mple.org",
        "0123456789012345678901234567890123456789012345678901234567890123x@example.org"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(normalises_to(bad[i], NULL));
}

static void a_keyed_digest_needs_the_key(void **state)
{
    (void)state;
    struct mr_arena arena;
    struct sealing_key one = {{1}};
    struct sealing_key two = {{2}};
    struct mr_bytes parts[] = {mr_cstr("POST"), mr_cstr("/v1/users"), mr_cstr("{}")};
    mr_arena_init(&arena);
    struct mr_bytes digest = sealing_keyed_digest(&one, parts, 3, &arena);
    assert_int_equal(digest.len, 52);
    assert_true(mr_bytes_equal(digest, sealing_keyed_digest(&one, parts, 3, &arena)));
    assert_false(mr_bytes_equal(digest, sealing_keyed_digest(&two, parts, 3, &arena)));
    assert_false(mr_bytes_equal(digest, sealing_keyed_digest(&one, parts, 2, &arena)));
    mr_arena_clean_up(&arena);
}

static bool file_exists(const char *name)
{
    char *path = path_of(name);
    bool exists = access(path, F_OK) == 0;
    free(path);
    return exists;
}

static void read_file(const char *name, char ret_bytes[64])
{
    char *path = path_of(name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    memset(ret_bytes, 0, 64);
    assert_true(fread(ret_bytes, 1, 64, file) >= 32);
    fclose(file);
    free(path);
}

static void the_signing_key_is_replaced_in_two_steps(void **state)
{
    enum sealing_rotation rotation;
    char before[64];
    char next[64];
    char bytes[64];
    (void)state;
    assert_int_equal(sealing_secrets_init(dir, NULL, NULL), 0);
    read_file("jwt_ed25519.pub", before);
    assert_int_equal(sealing_secrets_rotate(dir, &rotation, NULL), 0);
    assert_int_equal(rotation, SEALING_ROTATION_BEGUN);
    read_file("jwt_ed25519.pub", bytes);
    assert_memory_equal(bytes, before, sizeof bytes);
    read_file("jwt_ed25519.next.pub", next);
    assert_int_equal(sealing_secrets_rotate(dir, &rotation, NULL), 0);
    assert_int_equal(rotation, SEALING_ROTATION_DONE);
    read_file("jwt_ed25519.pub", bytes);
    assert_memory_equal(bytes, next, sizeof bytes);
    read_file("jwt_ed25519.old.pub", bytes);
    assert_memory_equal(bytes, before, sizeof bytes);
    assert_false(file_exists("jwt_ed25519.next.key"));
    assert_false(file_exists("jwt_ed25519.next.pub"));
}

/* Cut off after each of the three renames. */
static void a_rotation_that_was_cut_off_is_finished(void **state)
{
    static const char *const renames[][2] = {
        {"jwt_ed25519.pub", "jwt_ed25519.old.pub"},
        {"jwt_ed25519.next.key", "jwt_ed25519.key"},
    };
    enum sealing_rotation rotation;
    char before[64];
    char next[64];
    char bytes[64];
    (void)state;
    assert_int_equal(sealing_secrets_init(dir, NULL, NULL), 0);
    for (size_t done = 1; done <= 2; done++) {
        read_file("jwt_ed25519.pub", before);
        assert_int_equal(sealing_secrets_rotate(dir, &rotation, NULL), 0);
        read_file("jwt_ed25519.next.pub", next);
        for (size_t i = 0; i < done; i++) {
            char *from = path_of(renames[i][0]);
            char *to = path_of(renames[i][1]);
            assert_int_equal(rename(from, to), 0);
            free(from);
            free(to);
        }
        assert_int_equal(sealing_secrets_rotate(dir, &rotation, NULL), 0);
        assert_int_equal(rotation, SEALING_ROTATION_DONE);
        read_file("jwt_ed25519.pub", bytes);
        assert_memory_equal(bytes, next, sizeof bytes);
        read_file("jwt_ed25519.old.pub", bytes);
        assert_memory_equal(bytes, before, sizeof bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(keys_are_made_once_and_privately, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            a_folder_that_others_can_write_is_refused_and_named, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            a_lost_key_is_made_but_half_a_pair_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_missing_or_short_key_is_named, set_up, tear_down),
        cmocka_unit_test(addresses_have_one_normal_form),
        cmocka_unit_test(a_text_that_is_not_an_address_is_refused),
        cmocka_unit_test(a_keyed_digest_needs_the_key),
        cmocka_unit_test_setup_teardown(an_address_has_one_claim_key_per_secret, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            the_signing_key_is_replaced_in_two_steps, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_rotation_that_was_cut_off_is_finished, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
