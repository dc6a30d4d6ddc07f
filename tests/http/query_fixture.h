/* query_fixture.h - what the tests of the read API share: keys, a customer's token, GET. */
#ifndef TESTS_QUERY_FIXTURE_H
#define TESTS_QUERY_FIXTURE_H

#include "http_client.h"

#include "query_api.h"

#include <fcntl.h>
#include <sodium.h>

enum { QUERY_BEARER_MAX = 1024 };

static inline void query_write_key(const char *path, const void *bytes, size_t len)
{
    int fd = open(path, O_CREAT | O_WRONLY, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, len), (ssize_t)len);
    close(fd);
}

/* New ones, which were in files only while they were loaded. */
static inline struct token_keys *query_keys(void)
{
    static const char *const names[] = {"jwt_ed25519.key", "jwt_ed25519.pub", "token_mac.key"};
    char dir[] = "/tmp/query-keys-XXXXXX";
    char paths[3][64];
    uint8_t public[crypto_sign_PUBLICKEYBYTES];
    uint8_t secret[crypto_sign_SECRETKEYBYTES];
    uint8_t mac[32] = {7};
    struct token_keys *keys = NULL;
    assert_non_null(mkdtemp(dir));
    for (size_t i = 0; i < 3; i++)
        (void)snprintf(paths[i], sizeof paths[i], "%s/%s", dir, names[i]);
    crypto_sign_keypair(public, secret);
    query_write_key(paths[0], secret, sizeof secret);
    query_write_key(paths[1], public, sizeof public);
    query_write_key(paths[2], mac, sizeof mac);
    assert_int_equal(token_keys_load(dir, TOKEN_SIGN | TOKEN_VERIFY | TOKEN_MAC, &keys, NULL), 0);
    for (size_t i = 0; i < 3; i++)
        unlink(paths[i]);
    rmdir(dir);
    return keys;
}

/* The header line that says that `subject` asks in this session, good for ten minutes. */
static inline void query_bearer_of(
    struct token_keys *keys,
    const char *subject,
    const char *session_id,
    char ret_bearer[QUERY_BEARER_MAX])
{
    struct mr_buffer token = {0};
    const struct token_claims claims = {
        .subject = mr_cstr(subject),
        .session_id = mr_cstr(session_id),
        .issued_at_s = mr_unix_ms() / 1000,
        .expires_at_s = mr_unix_ms() / 1000 + 600,
    };
    token_sign(keys, &claims, &token);
    (void)snprintf(
        ret_bearer, QUERY_BEARER_MAX, "Authorization: Bearer %.*s\r\n", (int)token.len, token.ptr);
    mr_buffer_clean_up(&token);
}

static inline void
query_bearer(struct token_keys *keys, const char *subject, char ret_bearer[QUERY_BEARER_MAX])
{
    query_bearer_of(keys, subject, "ses_0", ret_bearer);
}

/* GET with more header lines; the answer's status. */
static inline int query_get(
    const struct http_server *server,
    const char *target,
    const char *headers,
    struct client_answer *ret_answer)
{
    struct mr_buffer request = {0};
    mr_buffer_printf(&request, "GET %s HTTP/1.1\r\nHost: a\r\n%s\r\n", target, headers);
    mr_buffer_add_byte(&request, 0);
    client_ask(http_server_port(server), request.ptr, false, ret_answer);
    mr_buffer_clean_up(&request);
    return ret_answer->status;
}

#endif
