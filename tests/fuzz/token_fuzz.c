/*
 * token_fuzz.c - tokens from anybody, and tokens whose signature or MAC is good whatever they say.
 *
 * The first byte says what the rest is: 0 an access token, 1 the claims of one that we sign, 2 an
 * opaque token, 3 the payload of a Consistency-Token, 4 that of another purpose.
 */
#include "fuzz.h"

#include <http/token.h>

#include <fcntl.h>
#include <sodium.h>
#include <unistd.h>

enum { NOW_S = 1500, KEYS = 3 };

static struct token_keys *keys;
static uint8_t sign_key[crypto_sign_SECRETKEYBYTES];
static struct mr_buffer header; /* The header of an access token, with its dot. */

static void write_key(const char *dir, const char *name, const void *bytes, size_t len)
{
    char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    int fd = open(path, O_CREAT | O_WRONLY, 0600);
    FUZZ_HOLDS(fd >= 0 && write(fd, bytes, len) == (ssize_t)len);
    close(fd);
}

/* The same keys each time, so that an input is a reproduction. */
static void make_keys(void)
{
    static const char *const names[KEYS] = {"jwt_ed25519.key", "jwt_ed25519.pub", "token_mac.key"};
    const uint8_t fixed[crypto_sign_SEEDBYTES] = {1};
    const uint8_t mac[32] = {2};
    uint8_t public_key[crypto_sign_PUBLICKEYBYTES];
    char dir[] = "/tmp/token-fuzz-XXXXXX";
    char path[128];
    FUZZ_HOLDS(sodium_init() >= 0 && mkdtemp(dir));
    crypto_sign_seed_keypair(public_key, sign_key, fixed);
    write_key(dir, names[0], sign_key, sizeof sign_key);
    write_key(dir, names[1], public_key, sizeof public_key);
    write_key(dir, names[2], mac, sizeof mac);
    FUZZ_HOLDS(token_keys_load(dir, TOKEN_SIGN | TOKEN_VERIFY | TOKEN_MAC, &keys, NULL) == 0);
    for (size_t i = 0; i < KEYS; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        unlink(path);
    }
    rmdir(dir);
    const struct token_claims claims = {.subject = MR_LITERAL("usr_1"), .expires_at_s = 2000};
    token_sign(keys, &claims, &header);
    header.len = (size_t)((char *)memchr(header.ptr, '.', header.len) - header.ptr) + 1;
}

static void add_base64(struct mr_buffer *out, const void *bytes, size_t len)
{
    size_t room = sodium_base64_ENCODED_LEN(len, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    sodium_bin2base64(
        mr_buffer_reserve(out, room), room, bytes, len, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    out->len += room - 1;
}

static void verify_token(struct mr_bytes token, struct mr_arena *arena)
{
    struct token_claims claims = {0};
    enum token_verdict verdict = token_verify(keys, token, NOW_S, arena, &claims);
    FUZZ_HOLDS((verdict == TOKEN_VALID) == (claims.subject.len > 0));
    if (verdict != TOKEN_VALID)
        return;
    struct token_claims again = {0};
    FUZZ_HOLDS(claims.expires_at_s > NOW_S - TOKEN_CLOCK_SKEW_S - 1);
    FUZZ_HOLDS(claims.issued_at_s <= NOW_S + TOKEN_CLOCK_SKEW_S);
    FUZZ_HOLDS(
        token_verify(keys, token, NOW_S, arena, &again) == TOKEN_VALID); /* From the cache. */
    FUZZ_HOLDS(mr_bytes_equal(again.subject, claims.subject));
    FUZZ_HOLDS(again.expires_at_s == claims.expires_at_s);
}

static void verify_claims(struct mr_bytes payload, struct mr_arena *arena)
{
    struct mr_buffer token = {0};
    uint8_t signature[crypto_sign_BYTES];
    mr_buffer_add(&token, mr_buffer_view(&header));
    add_base64(&token, payload.ptr, payload.len);
    crypto_sign_detached(signature, NULL, (const uint8_t *)token.ptr, token.len, sign_key);
    mr_buffer_add_byte(&token, '.');
    add_base64(&token, signature, sizeof signature);
    verify_token(mr_buffer_view(&token), arena);
    mr_buffer_clean_up(&token);
}

static void read_positions(struct mr_bytes token, struct mr_arena *arena)
{
    struct topo_position *positions = NULL;
    size_t count = 0;
    if (token_positions_read(keys, token, arena, &positions, &count) != 0)
        return;
    FUZZ_HOLDS(count <= TOKEN_POSITIONS_MAX && token.len <= TOKEN_OPAQUE_BYTES_MAX);
    for (size_t i = 0; i < count; i++)
        FUZZ_HOLDS(positions[i].partition >= 0 && positions[i].next_offset >= 0);
}

static void read_wrapped(const char *purpose, struct mr_bytes payload, struct mr_arena *arena)
{
    struct mr_buffer token = {0};
    struct mr_bytes back = {0};
    token_wrap(keys, purpose, payload, &token);
    struct mr_bytes view = mr_buffer_view(&token);
    if (token.len <= TOKEN_OPAQUE_BYTES_MAX) {
        FUZZ_HOLDS(token_unwrap(keys, purpose, view, arena, &back) == 0);
        FUZZ_HOLDS(mr_bytes_equal(back, payload));
        FUZZ_HOLDS(token_unwrap(keys, "none", view, arena, &back) == MR_INVALID);
    }
    read_positions(view, arena);
    mr_buffer_clean_up(&token);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mr_arena arena = {0};
    struct mr_bytes payload = {0};
    if (!keys)
        make_keys();
    if (size == 0)
        return 0;
    struct mr_bytes rest = mr_bytes_of(data + 1, size - 1);
    if (data[0] == 0)
        verify_token(rest, &arena);
    else if (data[0] == 1)
        verify_claims(rest, &arena);
    else if (data[0] == 2)
        FUZZ_HOLDS(token_unwrap(keys, "positions", rest, &arena, &payload) != 0 || payload.ptr);
    else if (data[0] == 3)
        read_wrapped("positions", rest, &arena);
    else
        read_wrapped("cursor", rest, &arena);
    mr_arena_clean_up(&arena);
    return 0;
}
