/* secrets.c - key files: made with O_EXCL so that nothing is ever overwritten, read in full. */
#include <sealing/random.h>
#include <sealing/secrets.h>

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_SIZE = 4096 };

static const char *const symmetric[] = {
    "token_mac.key", "email_hmac.key", "kek.key", "credential.key", "payment.key", "refresh.key"};

static int path_of(char path[PATH_SIZE], const char *dir, const char *name, struct mr_error *error)
{
    int len = snprintf(path, PATH_SIZE, "%s/%s", dir, name);
    if (len < 0 || len >= PATH_SIZE)
        return mr_fail(error, MR_CONFIG, "the secrets directory's name is too long");
    return 0;
}

static bool write_all(int fd, const uint8_t *bytes, size_t len)
{
    size_t at = 0;
    while (at < len) {
        ssize_t wrote = write(fd, bytes + at, len - at);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0)
            return false;
        at += (size_t)wrote;
    }
    return fsync(fd) == 0;
}

/* Written under another name first: a key file is there whole or not at all. */
static int make_file(
    const char *dir, const char *name, const uint8_t *bytes, size_t len, struct mr_error *error)
{
    char path[PATH_SIZE];
    char draft[PATH_SIZE];
    char draft_name[64];
    snprintf(draft_name, sizeof draft_name, ".%s.%ld", name, (long)getpid());
    int rc = path_of(path, dir, name, error);
    rc = rc ? rc : path_of(draft, dir, draft_name, error);
    if (rc)
        return rc;
    int fd = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return mr_fail(error, MR_IO, "making %s: %s", path, strerror(errno));
    bool written = write_all(fd, bytes, len);
    if (close(fd) || !written)
        rc = mr_fail(error, MR_IO, "writing %s: %s", path, strerror(errno));
    else if (link(draft, path))
        rc = mr_fail(error, MR_IO, "making %s: %s", path, strerror(errno));
    (void)unlink(draft);
    return rc;
}

static int
secrets_exist(const char *dir, const char *name, bool *ret_exists, struct mr_error *error)
{
    char path[PATH_SIZE];
    int rc = path_of(path, dir, name, error);
    if (rc)
        return rc;
    if (access(path, F_OK) && errno != ENOENT)
        return mr_fail(error, MR_IO, "looking for %s: %s", path, strerror(errno));
    *ret_exists = access(path, F_OK) == 0;
    return 0;
}

static int make_signing_pair(const char *dir, int *made, struct mr_error *error)
{
    uint8_t public_key[crypto_sign_PUBLICKEYBYTES];
    uint8_t secret_key[crypto_sign_SECRETKEYBYTES];
    bool have_key = false;
    bool have_pub = false;
    int rc = secrets_exist(dir, "jwt_ed25519.key", &have_key, error);
    rc = rc ? rc : secrets_exist(dir, "jwt_ed25519.pub", &have_pub, error);
    if (rc || (have_key && have_pub))
        return rc;
    if (have_key || have_pub)
        return mr_fail(
            error,
            MR_CONFIG,
            "%s has only one of jwt_ed25519.key and jwt_ed25519.pub; restore the other",
            dir);
    crypto_sign_keypair(public_key, secret_key);
    rc = make_file(dir, "jwt_ed25519.key", secret_key, sizeof secret_key, error);
    rc = rc ? rc : make_file(dir, "jwt_ed25519.pub", public_key, sizeof public_key, error);
    sealing_wipe(secret_key, sizeof secret_key);
    if (rc == 0)
        *made += 2;
    return rc;
}

/* A key without its public half was cut off while it was made: nobody has seen it. */
static int make_next_pair(const char *dir, struct mr_error *error)
{
    char half[PATH_SIZE];
    int rc = path_of(half, dir, "jwt_ed25519.next.key", error);
    if (rc)
        return rc;
    (void)unlink(half);
    uint8_t public_key[crypto_sign_PUBLICKEYBYTES];
    uint8_t secret_key[crypto_sign_SECRETKEYBYTES];
    crypto_sign_keypair(public_key, secret_key);
    rc = make_file(dir, "jwt_ed25519.next.key", secret_key, sizeof secret_key, error);
    rc = rc ? rc : make_file(dir, "jwt_ed25519.next.pub", public_key, sizeof public_key, error);
    sealing_wipe(secret_key, sizeof secret_key);
    return rc;
}

static int rename_file(const char *dir, const char *from, const char *to, struct mr_error *error)
{
    char before[PATH_SIZE];
    char after[PATH_SIZE];
    int rc = path_of(before, dir, from, error);
    rc = rc ? rc : path_of(after, dir, to, error);
    if (rc == 0 && rename(before, after) && errno != ENOENT)
        rc = mr_fail(error, MR_IO, "renaming %s to %s: %s", before, after, strerror(errno));
    return rc;
}

/* In this order each step can be done again: a file that is not there has been renamed before. The
 * public key that goes is not overwritten by itself when the step is repeated. */
static int promote_next_pair(const char *dir, struct mr_error *error)
{
    bool have_key = false;
    int rc = secrets_exist(dir, "jwt_ed25519.next.key", &have_key, error);
    if (rc == 0 && have_key)
        rc = rename_file(dir, "jwt_ed25519.pub", "jwt_ed25519.old.pub", error);
    rc = rc ? rc : rename_file(dir, "jwt_ed25519.next.key", "jwt_ed25519.key", error);
    return rc ? rc : rename_file(dir, "jwt_ed25519.next.pub", "jwt_ed25519.pub", error);
}

static int make_symmetric(const char *dir, const char *name, int *made, struct mr_error *error)
{
    struct sealing_key key;
    bool have = false;
    int rc = secrets_exist(dir, name, &have, error);
    if (rc || have)
        return rc;
    sealing_random(key.bytes, sizeof key.bytes);
    rc = make_file(dir, name, key.bytes, sizeof key.bytes, error);
    sealing_wipe(&key, sizeof key);
    if (rc == 0)
        ++*made;
    return rc;
}

/* A key in a folder that others can write can be replaced by theirs. */
static int secrets_check_folder(const char *dir, struct mr_error *error)
{
    struct stat info;
    if (stat(dir, &info))
        return mr_fail(error, MR_CONFIG, "looking at %s: %s", dir, strerror(errno));
    if (!S_ISDIR(info.st_mode))
        return mr_fail(error, MR_CONFIG, "%s is not a folder", dir);
    if (info.st_mode & (S_IWGRP | S_IWOTH))
        return mr_fail(
            error,
            MR_CONFIG,
            "other users can write in %s, and so replace keys: run `chmod go-w %s` first",
            dir,
            dir);
    uid_t self = geteuid();
    if (self != 0 && info.st_uid != 0 && info.st_uid != self)
        return mr_fail(error, MR_CONFIG, "%s belongs to another user, who can replace keys", dir);
    return 0;
}

int sealing_secrets_init(const char *dir, int *ret_made, struct mr_error *error)
{
    int made = 0;
    if (sodium_init() < 0)
        abort();
    if (mkdir(dir, 0700) && errno != EEXIST)
        return mr_fail(error, MR_CONFIG, "making %s: %s", dir, strerror(errno));
    int rc = secrets_check_folder(dir, error);
    rc = rc ? rc : make_signing_pair(dir, &made, error);
    for (size_t i = 0; rc == 0 && i < sizeof symmetric / sizeof symmetric[0]; i++)
        rc = make_symmetric(dir, symmetric[i], &made, error);
    if (rc == 0 && ret_made)
        *ret_made = made;
    return rc;
}

int sealing_secrets_rotate(
    const char *dir, enum sealing_rotation *ret_rotation, struct mr_error *error)
{
    bool have_key = false;
    bool have_next = false;
    if (sodium_init() < 0)
        abort();
    int rc = secrets_check_folder(dir, error);
    rc = rc ? rc : secrets_exist(dir, "jwt_ed25519.key", &have_key, error);
    rc = rc ? rc : secrets_exist(dir, "jwt_ed25519.next.pub", &have_next, error);
    if (rc == 0 && !have_key)
        rc = mr_fail(
            error, MR_CONFIG, "%s has no jwt_ed25519.key; `millrace secrets init` makes one", dir);
    if (rc == 0)
        rc = have_next ? promote_next_pair(dir, error) : make_next_pair(dir, error);
    if (rc == 0)
        *ret_rotation = have_next ? SEALING_ROTATION_DONE : SEALING_ROTATION_BEGUN;
    return rc;
}

int sealing_key_load(
    const char *dir, const char *name, struct sealing_key *ret_key, struct mr_error *error)
{
    char path[PATH_SIZE];
    uint8_t bytes[SEALING_KEY_BYTES + 1];
    int rc = path_of(path, dir, name, error);
    if (rc)
        return rc;
    FILE *file = fopen(path, "rbe");
    if (!file)
        return mr_fail(
            error,
            MR_CONFIG,
            "reading %s: %s; `millrace secrets init DIR` makes the keys",
            path,
            strerror(errno));
    size_t len = fread(bytes, 1, sizeof bytes, file);
    if (ferror(file))
        rc = mr_fail(error, MR_IO, "reading %s: %s", path, strerror(errno));
    else if (len != SEALING_KEY_BYTES)
        rc = mr_fail(error, MR_CONFIG, "%s: want exactly %d bytes", path, SEALING_KEY_BYTES);
    else
        memcpy(ret_key->bytes, bytes, sizeof ret_key->bytes);
    (void)fclose(file);
    sealing_wipe(bytes, sizeof bytes);
    return rc;
}

struct mr_bytes sealing_keyed_digest(
    const struct sealing_key *key,
    const struct mr_bytes *parts,
    size_t count,
    struct mr_arena *arena)
{
    uint8_t digest[SEALING_DIGEST_BYTES];
    uint8_t mac[crypto_auth_hmacsha256_BYTES];
    char text[SEALING_BASE32_LEN + 1];
    sealing_digest(parts, count, digest);
    crypto_auth_hmacsha256(mac, digest, sizeof digest, key->bytes);
    sealing_base32(mac, text);
    return mr_arena_copy(arena, mr_bytes_of(text, SEALING_BASE32_LEN));
}
