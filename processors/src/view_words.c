/*
 * view_words.c - the words of titles: how a search is read, what it matches, and the index.
 *
 * A posting's key is word, title, product id, so that the postings of a word are in the order of
 * titles and the exact word comes before those that begin with it. Its value is the product's card,
 * as in the listings: a page is found without reading a product that does not belong to it.
 */
#include "view_impl.h"

#include <text/unicode.h>

enum { CARD_NUMBERS_BYTES = 16, CATEGORY_BYTES = 4 };

_Static_assert((int)TEXT_WORD_BYTES_MAX == (int)VIEW_WORD_BYTES_MAX, "views.h has it too");

/* Stored, therefore not mr_bytes_hash. Two categories may have the same: the document decides. */
static uint32_t hash_category(struct mr_bytes category)
{
    uint32_t hash = UINT32_C(2166136261);
    for (size_t i = 0; i < category.len; i++)
        hash = (hash ^ (unsigned char)category.ptr[i]) * UINT32_C(16777619);
    return hash;
}

struct mr_bytes view_card_write(struct mr_arena *arena, const struct shop_product_view *product)
{
    size_t len = CARD_NUMBERS_BYTES + product->category_ids_count * CATEGORY_BYTES;
    char *card = mr_arena_alloc(arena, len);
    mr_put_be64(card, (uint64_t)product->price->minor);
    mr_put_be64(card + 8, (uint64_t)product->created_at);
    for (size_t i = 0; i < product->category_ids_count; i++)
        mr_put_be32(
            card + CARD_NUMBERS_BYTES + i * CATEGORY_BYTES,
            hash_category(product->category_ids[i]));
    return mr_bytes_of(card, len);
}

bool view_card_read(struct mr_bytes card, struct view_entry *entry)
{
    if (card.len < CARD_NUMBERS_BYTES)
        return false;
    entry->price = (int64_t)mr_get_be64(card.ptr);
    entry->created_at = (int64_t)mr_get_be64(card.ptr + 8);
    return true;
}

bool view_card_may_have(struct mr_bytes card, struct mr_bytes category)
{
    uint32_t wanted = hash_category(category);
    for (size_t at = CARD_NUMBERS_BYTES; at + CATEGORY_BYTES <= card.len; at += CATEGORY_BYTES)
        if (mr_get_be32(card.ptr + at) == wanted)
            return true;
    return false;
}

static bool has_word(const struct mr_bytes *words, size_t count, struct mr_bytes word)
{
    for (size_t i = 0; i < count; i++)
        if (mr_bytes_equal(words[i], word))
            return true;
    return false;
}

size_t view_title_words(
    struct mr_arena *arena, struct mr_bytes title, struct mr_bytes ret_words[VIEW_TITLE_WORDS_MAX])
{
    char buffer[VIEW_WORD_BYTES_MAX];
    struct mr_bytes word;
    size_t count = 0;
    for (int i = 0; i < VIEW_TITLE_WORDS_MAX && text_next_word(&title, buffer, &word); i++)
        if (!has_word(ret_words, count, word))
            ret_words[count++] = mr_arena_copy(arena, word);
    return count;
}

void view_search_read(struct mr_arena *arena, struct mr_bytes text, struct view_search *ret_search)
{
    struct mr_bytes folded = view_fold_title(arena, text);
    char buffer[VIEW_WORD_BYTES_MAX];
    struct mr_bytes word;
    struct mr_bytes last = {0};
    *ret_search = (struct view_search){.given = folded.len > 0};
    while (text_next_word(&folded, buffer, &word)) {
        /* The one before is a whole word; this one may be the last. */
        if (last.ptr && !mr_bytes_equal(last, word) &&
            !has_word(ret_search->words, ret_search->count, last)) {
            if (ret_search->count == VIEW_TITLE_WORDS_MAX - 1) {
                ret_search->count = 0; /* Titles have fewer words. */
                return;
            }
            ret_search->words[ret_search->count++] = last;
        }
        last = mr_arena_copy(arena, word);
    }
    if (last.ptr)
        ret_search->words[ret_search->count++] = last;
}

bool view_search_matches(
    const struct view_search *search,
    struct mr_bytes title,
    char buffer[VIEW_WORD_BYTES_MAX],
    struct mr_bytes *ret_word)
{
    char next[VIEW_WORD_BYTES_MAX];
    struct mr_bytes word;
    struct mr_bytes least = {0};
    uint32_t found = 0;
    const size_t last = search->count - 1;
    for (int i = 0; i < VIEW_TITLE_WORDS_MAX && text_next_word(&title, next, &word); i++) {
        for (size_t j = 0; j < last; j++)
            if (mr_bytes_equal(word, search->words[j]))
                found |= UINT32_C(1) << j;
        if (mr_bytes_starts_with(word, search->words[last]) &&
            (!least.ptr || mr_bytes_compare(word, least) < 0)) {
            memcpy(buffer, word.ptr, word.len);
            least = mr_bytes_of(buffer, word.len);
        }
    }
    *ret_word = least;
    return least.ptr && found == (UINT32_C(1) << last) - 1;
}

struct mr_bytes view_word_prefix(struct mr_arena *arena, struct mr_bytes word, bool whole)
{
    char *prefix = mr_arena_cstr(arena, word);
    return mr_bytes_of(prefix, word.len + (whole ? 1 : 0));
}

struct mr_bytes
view_word_key(struct mr_arena *arena, struct mr_bytes word, const struct view_entry *entry)
{
    size_t len = word.len + 1 + entry->title.len + 1 + entry->product_id.len;
    char *key = mr_arena_alloc(arena, len);
    memcpy(key, word.ptr, word.len);
    key[word.len] = '\0';
    char *at = key + word.len + 1;
    if (entry->title.len)
        memcpy(at, entry->title.ptr, entry->title.len);
    at[entry->title.len] = '\0';
    memcpy(at + entry->title.len + 1, entry->product_id.ptr, entry->product_id.len);
    return mr_bytes_of(key, len);
}

bool view_word_key_read(struct mr_bytes key, struct mr_bytes *ret_word, struct view_entry *entry)
{
    size_t word_len = strnlen(key.ptr, key.len);
    if (word_len == key.len)
        return false;
    const char *title = key.ptr + word_len + 1;
    size_t title_len = strnlen(title, key.len - word_len - 1);
    size_t at = word_len + 1 + title_len + 1;
    if (at > key.len)
        return false;
    *ret_word = mr_bytes_of(key.ptr, word_len);
    entry->title = mr_bytes_of(title, title_len);
    entry->product_id = mr_bytes_of(key.ptr + at, key.len - at);
    return true;
}
