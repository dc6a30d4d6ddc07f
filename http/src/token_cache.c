/*
 * token_cache.c - verified access tokens, by hash, so that a read does not pay for a signature.
 *
 * A set-associative table: a token can be in one of WAYS entries of its set; a full set loses the
 * entry that expires first. The hash is keyed at random, so nobody can aim at a set.
 */
#include "token_impl.h"

#include <pthread.h>
#include <stdlib.h>

enum { SETS = 1024, WAYS = 4, LOCKS = 64, HASH_BYTES = 32, CLAIMS_BYTES_MAX = 512 };

struct entry {
    uint8_t hash[HASH_BYTES];
    int64_t issued_at_s;
    int64_t expires_at_s; /* 0: empty. */
    uint16_t lens[4];     /* subject, session, token id, scope: one behind the other in text. */
    char *text;
};

struct token_cache {
    uint8_t key[crypto_generichash_KEYBYTES];
    pthread_mutex_t locks[LOCKS];
    struct entry sets[SETS][WAYS];
};

struct token_cache *token_cache_new(void)
{
    struct token_cache *cache = mr_calloc(1, sizeof *cache);
    randombytes_buf(cache->key, sizeof cache->key);
    for (size_t i = 0; i < LOCKS; i++)
        pthread_mutex_init(&cache->locks[i], NULL);
    return cache;
}

void token_cache_free(struct token_cache *cache)
{
    if (!cache)
        return;
    for (size_t i = 0; i < SETS; i++)
        for (size_t j = 0; j < WAYS; j++)
            free(cache->sets[i][j].text);
    free(cache);
}

static size_t hash_token(struct token_cache *cache, struct mr_bytes token, uint8_t *ret_hash)
{
    crypto_generichash(
        ret_hash,
        HASH_BYTES,
        (const unsigned char *)token.ptr,
        token.len,
        cache->key,
        sizeof cache->key);
    return mr_get_be32(ret_hash) % SETS;
}

static struct mr_bytes take_text(struct mr_arena *arena, const char **text, size_t len)
{
    struct mr_bytes copy = mr_arena_copy(arena, mr_bytes_of(*text, len));
    *text += len;
    return copy;
}

bool token_cache_get(
    struct token_cache *cache,
    struct mr_bytes token,
    struct mr_arena *arena,
    struct token_claims *ret_claims)
{
    uint8_t hash[HASH_BYTES];
    size_t set = hash_token(cache, token, hash);
    bool found = false;
    pthread_mutex_lock(&cache->locks[set % LOCKS]);
    for (size_t i = 0; i < WAYS && !found; i++) {
        const struct entry *entry = &cache->sets[set][i];
        found = entry->expires_at_s != 0 && sodium_memcmp(entry->hash, hash, HASH_BYTES) == 0;
        if (!found)
            continue;
        const char *text = entry->text;
        ret_claims->subject = take_text(arena, &text, entry->lens[0]);
        ret_claims->session_id = take_text(arena, &text, entry->lens[1]);
        ret_claims->token_id = take_text(arena, &text, entry->lens[2]);
        ret_claims->scope = take_text(arena, &text, entry->lens[3]);
        ret_claims->issued_at_s = entry->issued_at_s;
        ret_claims->expires_at_s = entry->expires_at_s;
    }
    pthread_mutex_unlock(&cache->locks[set % LOCKS]);
    return found;
}

/* Allocates and hashes before it takes the lock. The entry that expires first makes room. */
void token_cache_put(
    struct token_cache *cache,
    struct mr_bytes token,
    const struct token_claims *claims,
    int64_t now_s)
{
    const struct mr_bytes parts[4] = {
        claims->subject, claims->session_id, claims->token_id, claims->scope};
    size_t total = 0;
    for (size_t i = 0; i < 4; i++)
        total += parts[i].len;
    if (total > CLAIMS_BYTES_MAX || claims->expires_at_s <= now_s)
        return;
    struct entry fresh = {
        .issued_at_s = claims->issued_at_s,
        .expires_at_s = claims->expires_at_s,
        .text = mr_malloc(total + 1),
    };
    size_t set = hash_token(cache, token, fresh.hash);
    char *at = fresh.text;
    for (size_t i = 0; i < 4; i++) {
        fresh.lens[i] = (uint16_t)parts[i].len;
        if (parts[i].len)
            memcpy(at, parts[i].ptr, parts[i].len);
        at += parts[i].len;
    }
    pthread_mutex_lock(&cache->locks[set % LOCKS]);
    struct entry *victim = &cache->sets[set][0];
    for (size_t i = 1; i < WAYS; i++)
        if (cache->sets[set][i].expires_at_s < victim->expires_at_s)
            victim = &cache->sets[set][i];
    free(victim->text);
    *victim = fresh;
    pthread_mutex_unlock(&cache->locks[set % LOCKS]);
}
