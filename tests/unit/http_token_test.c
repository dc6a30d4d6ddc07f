/* http_token_test.c - tokens of ours are believed, and nothing else is. */
#include <http/token.h>

#include <tests/cmocka.h>

#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { NOW_S = 1800000000 };

struct fixture {
    char dir[64];
    uint8_t secret[crypto_sign_SECRETKEYBYTES];
    struct token_keys *keys;
    struct mr_arena arena;
    struct mr_buffer token;
};

static void write_file(const char *dir, const char *name, const void *bytes, size_t len)
{
    char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, len), (ssize_t)len);
    close(fd);
}

static int set_up(void **state)
{
    struct fixture *fixture = mr_calloc(1, sizeof *fixture);
    uint8_t public[crypto_sign_PUBLICKEYBYTES];
    uint8_t mac[32];
    struct mr_error error;
    assert_true(sodium_init() >= 0);
    (void)snprintf(fixture->dir, sizeof fixture->dir, "/tmp/http-token-test-XXXXXX");
    assert_non_null(mkdtemp(fixture->dir));
    crypto_sign_keypair(public, fixture->secret);
    randombytes_buf(mac, sizeof mac);
    write_file(fixture->dir, "jwt_ed25519.key", fixture->secret, sizeof fixture->secret);
    write_file(fixture->dir, "jwt_ed25519.pub", public, sizeof public);
    write_file(fixture->dir, "token_mac.key", mac, sizeof mac);
    assert_int_equal(
        token_keys_load(
            fixture->dir, TOKEN_SIGN | TOKEN_VERIFY | TOKEN_MAC, &fixture->keys, &error),
        0);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    static const char *const names[] = {
        "jwt_ed25519.key",
        "jwt_ed25519.pub",
        "token_mac.key",
        "jwt_ed25519.old.pub",
        "jwt_ed25519.next.pub"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[128];
        (void)snprintf(path, sizeof path, "%s/%s", fixture->dir, names[i]);
        unlink(path);
    }
    rmdir(fixture->dir);
    token_keys_free(fixture->keys);
    mr_arena_clean_up(&fixture->arena);
    mr_buffer_clean_up(&fixture->token);
    free(fixture);
    return 0;
}

static struct token_claims claims_of(const char *subject)
{
    return (struct token_claims){
        .subject = mr_cstr(subject),
        .session_id = mr_cstr("ses_1"),
        .token_id = mr_cstr("jti_1"),
        .scope = mr_cstr("shop"),
        .issued_at_s = NOW_S,
        .expires_at_s = NOW_S + TOKEN_LIFETIME_S,
    };
}

static void sign_claims(struct fixture *fixture, const struct token_claims *claims)
{
    mr_buffer_reset(&fixture->token);
    token_sign(fixture->keys, claims, &fixture->token);
}

static enum token_verdict verify_at(struct fixture *fixture, int64_t now_s)
{
    struct token_claims claims;
    return token_verify(
        fixture->keys, mr_buffer_view(&fixture->token), now_s, &fixture->arena, &claims);
}

static void add_base64(struct mr_buffer *out, const void *bytes, size_t len)
{
    char text[4096];
    sodium_bin2base64(text, sizeof text, bytes, len, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    mr_buffer_add(out, mr_cstr(text));
}

/* Any header and payload under our own key: what only a stolen key or a bug could make. */
static void forge_token(struct fixture *fixture, const char *header, const char *payload)
{
    uint8_t signature[crypto_sign_BYTES];
    struct mr_buffer *out = &fixture->token;
    mr_buffer_reset(out);
    add_base64(out, header, strlen(header));
    mr_buffer_add_byte(out, '.');
    add_base64(out, payload, strlen(payload));
    crypto_sign_detached(
        signature, NULL, (const unsigned char *)out->ptr, out->len, fixture->secret);
    mr_buffer_add_byte(out, '.');
    add_base64(out, signature, sizeof signature);
}

/* The header as token_sign writes it. */
static const char *own_header(struct fixture *fixture)
{
    struct token_claims claims = claims_of("usr_1");
    static char header[256];
    size_t len = 0;
    sign_claims(fixture, &claims);
    const char *dot = memchr(fixture->token.ptr, '.', fixture->token.len);
    assert_int_equal(
        sodium_base642bin(
            (unsigned char *)header,
            sizeof header - 1,
            fixture->token.ptr,
            (size_t)(dot - fixture->token.ptr),
            NULL,
            &len,
            NULL,
            sodium_base64_VARIANT_URLSAFE_NO_PADDING),
        0);
    header[len] = '\0';
    return header;
}

#define PAYLOAD(iss, aud)                                                                          \
    "{\"iss\":\"" iss "\",\"aud\":\"" aud "\",\"sub\":\"usr_1\",\"sid\":\"s\",\"iat\":1800000000," \
    "\"exp\":1800000600,\"jti\":\"j\",\"scope\":\"\"}"

static void a_signed_token_gives_its_claims_back(void **state)
{
    struct fixture *fixture = *state;
    struct token_claims claims = claims_of("usr_1");
    struct token_claims got;
    sign_claims(fixture, &claims);
    for (int i = 0; i < 2; i++) { /* The second time from the cache. */
        assert_int_equal(
            token_verify(
                fixture->keys, mr_buffer_view(&fixture->token), NOW_S, &fixture->arena, &got),
            TOKEN_VALID);
        assert_true(mr_bytes_equal(got.subject, claims.subject));
        assert_true(mr_bytes_equal(got.session_id, claims.session_id));
        assert_true(mr_bytes_equal(got.token_id, claims.token_id));
        assert_true(mr_bytes_equal(got.scope, claims.scope));
        assert_int_equal(got.issued_at_s, claims.issued_at_s);
        assert_int_equal(got.expires_at_s, claims.expires_at_s);
    }
}

static void an_expired_token_is_expired_cached_or_not(void **state)
{
    struct fixture *fixture = *state;
    struct token_claims claims = claims_of("usr_1");
    sign_claims(fixture, &claims);
    int64_t last_s = claims.expires_at_s + TOKEN_CLOCK_SKEW_S;
    assert_int_equal(verify_at(fixture, last_s), TOKEN_EXPIRED);
    assert_int_equal(verify_at(fixture, NOW_S), TOKEN_VALID);
    assert_int_equal(verify_at(fixture, last_s - 1), TOKEN_VALID);
    assert_int_equal(verify_at(fixture, last_s), TOKEN_EXPIRED);
}

static void a_token_from_the_future_is_invalid(void **state)
{
    struct fixture *fixture = *state;
    struct token_claims claims = claims_of("usr_1");
    sign_claims(fixture, &claims);
    assert_int_equal(verify_at(fixture, NOW_S - TOKEN_CLOCK_SKEW_S), TOKEN_VALID);
    assert_int_equal(verify_at(fixture, NOW_S - TOKEN_CLOCK_SKEW_S - 1), TOKEN_INVALID);
}

static void a_change_of_any_character_is_noticed(void **state)
{
    struct fixture *fixture = *state;
    struct token_claims claims = claims_of("usr_1");
    sign_claims(fixture, &claims);
    for (size_t i = 0; i < fixture->token.len; i++) {
        char saved = fixture->token.ptr[i];
        fixture->token.ptr[i] = saved == 'A' ? 'B' : 'A';
        assert_int_equal(verify_at(fixture, NOW_S), TOKEN_INVALID);
        fixture->token.ptr[i] = saved;
    }
    assert_int_equal(verify_at(fixture, NOW_S), TOKEN_VALID);
}

static void a_signature_has_one_spelling(void **state)
{
    struct fixture *fixture = *state;
    struct token_claims claims = claims_of("usr_1");
    char *last = NULL;
    for (int i = 0; !last; i++) { /* Until its signature has a '_', which stands for 63. */
        claims.issued_at_s = NOW_S - i;
        sign_claims(fixture, &claims);
        char *dot = memrchr(fixture->token.ptr, '.', fixture->token.len);
        size_t left = fixture->token.len - (size_t)(dot - fixture->token.ptr);
        last = memchr(dot, '_', left);
    }
    assert_int_equal(verify_at(fixture, NOW_S), TOKEN_VALID);
    for (int byte = 0; byte < 256; byte++) {
        *last = (char)byte;
        assert_int_equal(verify_at(fixture, NOW_S), byte == '_' ? TOKEN_VALID : TOKEN_INVALID);
    }
}

static void every_truncation_is_invalid(void **state)
{
    struct fixture *fixture = *state;
    struct token_claims claims = claims_of("usr_1");
    sign_claims(fixture, &claims);
    for (size_t len = fixture->token.len; len-- > 0;) {
        fixture->token.len = len;
        assert_int_equal(verify_at(fixture, NOW_S), TOKEN_INVALID);
    }
}

static void other_algorithms_and_types_are_refused(void **state)
{
    struct fixture *fixture = *state;
    static const char *const headers[] = {
        "{\"alg\":\"none\",\"typ\":\"at+jwt\"}",
        "{\"alg\":\"HS256\",\"typ\":\"at+jwt\"}",
        "{\"alg\":\"EdDSA\",\"typ\":\"JWT\"}",
        "{\"alg\":\"EdDSA\",\"typ\":\"at+jwt\",\"kid\":\"other\"}",
        "{\"alg\":\"eddsa\",\"typ\":\"at+jwt\"}",
        "{}",
    };
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        forge_token(fixture, headers[i], PAYLOAD("millrace", "millrace-api"));
        assert_int_equal(verify_at(fixture, NOW_S), TOKEN_INVALID);
    }
    forge_token(fixture, own_header(fixture), PAYLOAD("millrace", "millrace-api"));
    assert_int_equal(verify_at(fixture, NOW_S), TOKEN_VALID);
}

static void wrong_or_missing_claims_are_refused(void **state)
{
    struct fixture *fixture = *state;
    static const char *const payloads[] = {
        PAYLOAD("somebody", "millrace-api"),
        PAYLOAD("millrace", "other-api"),
        "{\"iss\":\"millrace\",\"aud\":\"millrace-api\",\"sid\":\"s\",\"iat\":1800000000,"
        "\"exp\":1800000600,\"jti\":\"j\",\"scope\":\"\"}",
        "{\"iss\":\"millrace\",\"aud\":\"millrace-api\",\"sub\":\"\",\"sid\":\"s\",\"iat\":"
        "1800000000,\"exp\":1800000600,\"jti\":\"j\",\"scope\":\"\"}",
        "{\"iss\":\"millrace\",\"aud\":\"millrace-api\",\"sub\":\"u\",\"sid\":\"s\",\"iat\":"
        "1800000000,\"jti\":\"j\",\"scope\":\"\"}",
        "{\"iss\":\"millrace\",\"aud\":\"millrace-api\",\"sub\":\"u\",\"sub\":\"v\",\"sid\":\"s\","
        "\"iat\":1800000000,\"exp\":1800000600,\"jti\":\"j\",\"scope\":\"\"}",
        "[]",
        "nonsense",
    };
    for (size_t i = 0; i < sizeof payloads / sizeof payloads[0]; i++) {
        forge_token(fixture, own_header(fixture), payloads[i]);
        assert_int_equal(verify_at(fixture, NOW_S), TOKEN_INVALID);
    }
}

#define TIMES(times)                                                                               \
    "{\"iss\":\"millrace\",\"aud\":\"millrace-api\",\"sub\":\"u\",\"sid\":\"s\"," times            \
    ",\"jti\":\"j\",\"scope\":\"\"}"

static void the_times_of_a_token_are_held_against_each_other(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        const char *payload;
        int64_t at_s;
        enum token_verdict verdict;
    } rows[] = {
        {TIMES("\"iat\":1800000000,\"nbf\":1800000000,\"exp\":1800000600"),
         1800000001,
         TOKEN_VALID},
        {TIMES("\"iat\":1800000000,\"nbf\":1800000500,\"exp\":1800000600"),
         1800000001,
         TOKEN_INVALID},
        {TIMES("\"iat\":1800000000,\"nbf\":1800000500,\"exp\":1800000600"),
         1800000550,
         TOKEN_VALID},
        {TIMES("\"iat\":1800000000,\"nbf\":\"soon\",\"exp\":1800000600"),
         1800000001,
         TOKEN_INVALID},
        {TIMES("\"iat\":1800000000,\"exp\":1800086400"), 1800000001, TOKEN_VALID},
        {TIMES("\"iat\":1800000000,\"exp\":1800086401"), 1800000001, TOKEN_INVALID},
        {TIMES("\"iat\":-9223372036854775808,\"exp\":9223372036854775807"),
         1800000001,
         TOKEN_INVALID},
        {TIMES("\"iat\":1800000600,\"exp\":1800000600"), 1800000590, TOKEN_INVALID},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        forge_token(fixture, own_header(fixture), rows[i].payload);
        if (verify_at(fixture, rows[i].at_s) != rows[i].verdict)
            fail_msg("at %lld: %s", (long long)rows[i].at_s, rows[i].payload);
    }
}

static void rubbish_is_invalid(void **state)
{
    struct fixture *fixture = *state;
    static const char *const texts[] = {"", ".", "..", "a.b.c", "....", "\xff\xff.a.b"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        mr_buffer_reset(&fixture->token);
        mr_buffer_add(&fixture->token, mr_cstr(texts[i]));
        assert_int_equal(verify_at(fixture, NOW_S), TOKEN_INVALID);
    }
}

static void more_tokens_than_the_cache_holds_all_verify(void **state)
{
    struct fixture *fixture = *state;
    for (int i = 0; i < 6000; i++) {
        char subject[32];
        struct token_claims got;
        (void)snprintf(subject, sizeof subject, "usr_%d", i);
        struct token_claims claims = claims_of(subject);
        sign_claims(fixture, &claims);
        assert_int_equal(
            token_verify(
                fixture->keys, mr_buffer_view(&fixture->token), NOW_S, &fixture->arena, &got),
            TOKEN_VALID);
        assert_true(mr_bytes_equal(got.subject, mr_cstr(subject)));
        mr_arena_reset(&fixture->arena);
    }
}

static void positions_come_back_as_they_went(void **state)
{
    struct fixture *fixture = *state;
    const struct topo_position positions[] = {
        {"sales.cart.events", 3, 17},
        {"sales.order.events", 3, INT64_C(123456789012)},
        {"catalog.product.events", 0, 0},
        {"catalog.product.events", 1, 300}};
    struct topo_position *got = NULL;
    size_t count = 0;
    assert_int_equal(token_positions_write(fixture->keys, positions, 4, &fixture->token), 0);
    assert_true(fixture->token.len <= 256);
    assert_int_equal(
        token_positions_read(
            fixture->keys, mr_buffer_view(&fixture->token), &fixture->arena, &got, &count),
        0);
    assert_int_equal(count, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_string_equal(got[i].topic, positions[i].topic);
        assert_int_equal(got[i].partition, positions[i].partition);
        assert_int_equal(got[i].next_offset, positions[i].next_offset);
    }
}

static void a_changed_consistency_token_is_refused(void **state)
{
    struct fixture *fixture = *state;
    const struct topo_position position = {"sales.cart.events", 3, 17};
    struct topo_position *got = NULL;
    size_t count = 0;
    assert_int_equal(token_positions_write(fixture->keys, &position, 1, &fixture->token), 0);
    for (size_t i = 0; i < fixture->token.len; i++) {
        char saved = fixture->token.ptr[i];
        fixture->token.ptr[i] = saved == 'A' ? 'B' : 'A';
        assert_int_equal(
            token_positions_read(
                fixture->keys, mr_buffer_view(&fixture->token), &fixture->arena, &got, &count),
            MR_INVALID);
        fixture->token.ptr[i] = saved;
    }
    assert_null(got);
}

static void as_many_positions_as_a_token_names_fit_at_any_offset(void **state)
{
    struct fixture *fixture = *state;
    struct topo_position positions[TOKEN_POSITIONS_MAX];
    struct topo_position *got = NULL;
    size_t count = 0;
    for (int i = 0; i < TOKEN_POSITIONS_MAX; i++)
        positions[i] = (struct topo_position){
            i % 2 ? "catalog.product.events" : "inventory.stock.events", i, INT64_MAX - i};
    /* The worst order: each position writes its topic. */
    assert_int_equal(
        token_positions_write(fixture->keys, positions, TOKEN_POSITIONS_MAX, &fixture->token),
        MR_TOO_LARGE);
    for (int i = 0; i < TOKEN_POSITIONS_MAX; i++)
        positions[i].topic =
            i < TOKEN_POSITIONS_MAX / 2 ? "catalog.product.events" : "inventory.stock.events";
    assert_int_equal(
        token_positions_write(fixture->keys, positions, TOKEN_POSITIONS_MAX, &fixture->token), 0);
    assert_int_equal(
        token_positions_read(
            fixture->keys, mr_buffer_view(&fixture->token), &fixture->arena, &got, &count),
        0);
    assert_int_equal(count, TOKEN_POSITIONS_MAX);
    for (int i = 0; i < TOKEN_POSITIONS_MAX; i++)
        assert_int_equal(got[i].next_offset, INT64_MAX - i);
}

static void positions_that_do_not_fit_are_refused_whole(void **state)
{
    struct fixture *fixture = *state;
    struct topo_position positions[TOKEN_POSITIONS_MAX + 1];
    for (int i = 0; i <= TOKEN_POSITIONS_MAX; i++)
        positions[i] = (struct topo_position){"catalog.product.events", i, 1};
    assert_int_equal(
        token_positions_write(fixture->keys, positions, TOKEN_POSITIONS_MAX + 1, &fixture->token),
        MR_TOO_LARGE);
    assert_int_equal(fixture->token.len, 0);
}

static void a_token_of_one_purpose_is_none_of_another(void **state)
{
    struct fixture *fixture = *state;
    struct mr_bytes payload;
    token_wrap(fixture->keys, "cursor", mr_cstr("here"), &fixture->token);
    assert_int_equal(
        token_unwrap(
            fixture->keys, "positions", mr_buffer_view(&fixture->token), &fixture->arena, &payload),
        MR_INVALID);
    assert_int_equal(
        token_unwrap(
            fixture->keys, "cursor", mr_buffer_view(&fixture->token), &fixture->arena, &payload),
        0);
    assert_true(mr_bytes_equal(payload, mr_cstr("here")));
}

static void jwks_shows_the_public_key_only(void **state)
{
    struct fixture *fixture = *state;
    struct mr_buffer secret = {0};
    token_jwks(fixture->keys, &fixture->token);
    mr_buffer_add_byte(&fixture->token, 0);
    assert_non_null(strstr(fixture->token.ptr, "\"crv\":\"Ed25519\""));
    assert_null(strstr(fixture->token.ptr, "\"d\":"));
    add_base64(&secret, fixture->secret, 30);
    mr_buffer_add_byte(&secret, 0);
    assert_null(strstr(fixture->token.ptr, secret.ptr));
    mr_buffer_clean_up(&secret);
}

/* A program that is started with another pair beside the public key of the fixture's. */
static enum token_verdict
verify_after_restart(struct fixture *fixture, const char *name, struct mr_buffer *ret_jwks)
{
    uint8_t own[crypto_sign_PUBLICKEYBYTES];
    uint8_t public[crypto_sign_PUBLICKEYBYTES];
    uint8_t secret[crypto_sign_SECRETKEYBYTES];
    struct token_keys *keys = NULL;
    struct token_claims claims;
    crypto_sign_ed25519_sk_to_pk(own, fixture->secret);
    crypto_sign_keypair(public, secret);
    write_file(fixture->dir, "jwt_ed25519.key", secret, sizeof secret);
    write_file(fixture->dir, "jwt_ed25519.pub", public, sizeof public);
    if (name)
        write_file(fixture->dir, name, own, sizeof own);
    assert_int_equal(token_keys_load(fixture->dir, TOKEN_SIGN | TOKEN_VERIFY, &keys, NULL), 0);
    enum token_verdict verdict =
        token_verify(keys, mr_buffer_view(&fixture->token), NOW_S, &fixture->arena, &claims);
    mr_buffer_reset(ret_jwks);
    token_jwks(keys, ret_jwks);
    mr_buffer_add_byte(ret_jwks, 0);
    token_keys_free(keys);
    return verdict;
}

static void tokens_of_the_key_before_and_of_the_next_are_valid(void **state)
{
    struct fixture *fixture = *state;
    const struct token_claims claims = claims_of("usr_1");
    struct mr_buffer jwks = {0};
    sign_claims(fixture, &claims);
    assert_int_equal(verify_after_restart(fixture, NULL, &jwks), TOKEN_INVALID);
    assert_null(strstr(strstr(jwks.ptr, "\"kid\"") + 1, "\"kid\""));
    assert_int_equal(verify_after_restart(fixture, "jwt_ed25519.old.pub", &jwks), TOKEN_VALID);
    assert_non_null(strstr(strstr(jwks.ptr, "\"kid\"") + 1, "\"kid\""));
    char path[128];
    (void)snprintf(path, sizeof path, "%s/jwt_ed25519.old.pub", fixture->dir);
    unlink(path);
    assert_int_equal(verify_after_restart(fixture, "jwt_ed25519.next.pub", &jwks), TOKEN_VALID);
    mr_buffer_clean_up(&jwks);
}

static void missing_and_short_keys_are_named(void **state)
{
    struct fixture *fixture = *state;
    struct token_keys *keys = NULL;
    struct mr_error error;
    write_file(fixture->dir, "token_mac.key", "short", 5);
    assert_int_equal(token_keys_load(fixture->dir, TOKEN_MAC, &keys, &error), MR_CONFIG);
    assert_non_null(strstr(error.text, "token_mac.key"));
    assert_int_equal(token_keys_load("/nonexistent", TOKEN_VERIFY, &keys, &error), MR_CONFIG);
    assert_non_null(strstr(error.text, "jwt_ed25519.pub"));
    assert_null(keys);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_signed_token_gives_its_claims_back),
        TEST(an_expired_token_is_expired_cached_or_not),
        TEST(a_token_from_the_future_is_invalid),
        TEST(a_change_of_any_character_is_noticed),
        TEST(a_signature_has_one_spelling),
        TEST(every_truncation_is_invalid),
        TEST(other_algorithms_and_types_are_refused),
        TEST(wrong_or_missing_claims_are_refused),
        TEST(the_times_of_a_token_are_held_against_each_other),
        TEST(rubbish_is_invalid),
        TEST(more_tokens_than_the_cache_holds_all_verify),
        TEST(positions_come_back_as_they_went),
        TEST(a_changed_consistency_token_is_refused),
        TEST(as_many_positions_as_a_token_names_fit_at_any_offset),
        TEST(positions_that_do_not_fit_are_refused_whole),
        TEST(a_token_of_one_purpose_is_none_of_another),
        TEST(jwks_shows_the_public_key_only),
        TEST(tokens_of_the_key_before_and_of_the_next_are_valid),
        TEST(missing_and_short_keys_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
