/* token_keys.c - keys from the secrets directory: raw files of a known length. */
#include "token_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int read_key(
    const char *secrets_dir, const char *name, uint8_t *out, size_t len, struct mr_error *error)
{
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/%s", secrets_dir, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return mr_fail(
            error,
            MR_CONFIG,
            "cannot read the key %s: %s (\"millrace secrets init\" makes the keys)",
            path,
            strerror(errno));
    uint8_t more[crypto_sign_SECRETKEYBYTES + 1];
    ssize_t got = read(fd, more, len + 1);
    close(fd);
    if (got == (ssize_t)len)
        memcpy(out, more, len);
    sodium_memzero(more, sizeof more);
    if (got != (ssize_t)len)
        return mr_fail(error, MR_CONFIG, "the key %s has not %zu bytes", path, len);
    return 0;
}

/* The key of now, and those before and after it, which are there around a rotation only. */
static int load_public(struct token_keys *keys, const char *secrets_dir, struct mr_error *error)
{
    static const char *const names[TOKEN_PUBLIC_MAX] = {
        "jwt_ed25519.pub", "jwt_ed25519.old.pub", "jwt_ed25519.next.pub"};
    for (size_t i = 0; i < TOKEN_PUBLIC_MAX; i++) {
        char path[4096];
        struct token_public *key = &keys->public[keys->public_count];
        (void)snprintf(path, sizeof path, "%s/%s", secrets_dir, names[i]);
        if (i > 0 && access(path, F_OK) != 0 && errno == ENOENT)
            continue;
        int rc = read_key(secrets_dir, names[i], key->verify, sizeof key->verify, error);
        if (rc)
            return rc;
        token_make_header(key);
        keys->public_count++;
    }
    return 0;
}

static int load_keys(struct token_keys *keys, const char *secrets_dir, struct mr_error *error)
{
    int rc = 0;
    if (keys->parts & TOKEN_SIGN)
        rc = read_key(secrets_dir, "jwt_ed25519.key", keys->sign, sizeof keys->sign, error);
    if (rc == 0 && keys->parts & (TOKEN_SIGN | TOKEN_VERIFY))
        rc = load_public(keys, secrets_dir, error);
    if (rc == 0 && keys->parts & TOKEN_MAC)
        rc = read_key(secrets_dir, "token_mac.key", keys->mac, sizeof keys->mac, error);
    if (rc != 0)
        return rc;
    uint8_t public[crypto_sign_PUBLICKEYBYTES];
    crypto_sign_ed25519_sk_to_pk(public, keys->sign);
    if ((keys->parts & TOKEN_SIGN) &&
        sodium_memcmp(public, keys->public[0].verify, sizeof public) != 0)
        return mr_fail(
            error,
            MR_CONFIG,
            "%s: jwt_ed25519.key and jwt_ed25519.pub are not a pair",
            secrets_dir);
    return 0;
}

int token_keys_load(
    const char *secrets_dir, unsigned parts, struct token_keys **ret_keys, struct mr_error *error)
{
    if (sodium_init() < 0)
        return mr_fail(error, MR_FATAL, "libsodium does not start");
    struct token_keys *keys = mr_calloc(1, sizeof *keys);
    keys->parts = parts;
    int rc = load_keys(keys, secrets_dir, error);
    if (rc != 0) {
        token_keys_free(keys);
        return rc;
    }
    keys->cache = token_cache_new();
    *ret_keys = keys;
    return 0;
}

void token_keys_free(struct token_keys *keys)
{
    if (!keys)
        return;
    token_cache_free(keys->cache);
    for (size_t i = 0; i < TOKEN_PUBLIC_MAX; i++) {
        mr_buffer_clean_up(&keys->public[i].kid);
        mr_buffer_clean_up(&keys->public[i].header);
    }
    sodium_memzero(keys, sizeof *keys);
    free(keys);
}
