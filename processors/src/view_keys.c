/*
 * view_keys.c - how the ordered stores of the views sort. A key's parts are ended by a byte 0,
 * which no id, category or title holds, so that no part can be taken for the start of another.
 */
#include <processors/views.h>

enum { NUMBER_BYTES = 8, SIGN_FLIP = 0x80 };

static char *put(char *at, struct mr_bytes part)
{
    if (part.len)
        memcpy(at, part.ptr, part.len);
    at[part.len] = '\0';
    return at + part.len + 1;
}

/* Any int64 so that memcmp order is numeric order. */
static char *put_number(char *at, int64_t number)
{
    mr_put_be64(at, (uint64_t)number);
    at[0] = (char)((unsigned char)at[0] ^ SIGN_FLIP);
    return at + NUMBER_BYTES;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* The small letter of a capital of two UTF-8 bytes: Latin-1, Latin Extended-A, Greek, Cyrillic. Its
 * small letter has two bytes as well, so that folding never lengthens a text. */
static unsigned small_letter(unsigned c)
{
    bool even_pairs = (c >= 0x100 && c <= 0x137 && c != 0x130) || (c >= 0x14A && c <= 0x177) ||
                      (c >= 0x460 && c <= 0x481) || (c >= 0x48A && c <= 0x4BF) ||
                      (c >= 0x4D0 && c <= 0x52F);
    bool odd_pairs = (c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17E);
    if ((c >= 0xC0 && c <= 0xDE && c != 0xD7) || (c >= 0x391 && c <= 0x3AB && c != 0x3A2) ||
        (c >= 0x410 && c <= 0x42F))
        return c + 0x20;
    if (c >= 0x400 && c <= 0x40F)
        return c + 0x50;
    if (c == 0x178)
        return 0xFF;
    if (even_pairs)
        return c | 1;
    return odd_pairs ? (c + 1) & ~1U : c;
}

static void put_two(char *at, unsigned c)
{
    at[0] = (char)(0xC0 | c >> 6);
    at[1] = (char)(0x80 | (c & 0x3F));
}

struct mr_bytes view_fold_title(struct mr_arena *arena, struct mr_bytes title)
{
    char *folded = mr_arena_alloc(arena, title.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < title.len; i++) {
        unsigned char c = (unsigned char)title.ptr[i];
        if (is_blank((char)c) || c == '\0') {
            if (len > 0 && folded[len - 1] != ' ')
                folded[len++] = ' ';
        } else if (c >= 0xC2 && c <= 0xDF && i + 1 < title.len) {
            unsigned char next = (unsigned char)title.ptr[++i];
            put_two(folded + len, small_letter((c & 0x1FU) << 6 | (next & 0x3FU)));
            len += 2;
        } else {
            folded[len++] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
        }
    }
    if (len > 0 && folded[len - 1] == ' ')
        len--;
    return mr_bytes_of(folded, len);
}

struct mr_bytes
view_listing_prefix(struct mr_arena *arena, struct mr_bytes category, enum view_sort sort)
{
    char *key = mr_arena_alloc(arena, category.len + 2);
    char *at = put(key, category);
    *at = "npc"[sort];
    return mr_bytes_of(key, category.len + 2);
}

struct mr_bytes view_listing_key(
    struct mr_arena *arena,
    struct mr_bytes category,
    enum view_sort sort,
    const struct shop_product_view *product,
    struct mr_bytes product_id)
{
    struct mr_bytes prefix = view_listing_prefix(arena, category, sort);
    struct mr_bytes title = view_fold_title(arena, product->title);
    char *key = mr_arena_alloc(arena, prefix.len + title.len + 1 + NUMBER_BYTES + product_id.len);
    char *at = key + prefix.len;
    memcpy(key, prefix.ptr, prefix.len);
    if (sort == VIEW_BY_NAME)
        at = put(at, title);
    else if (sort == VIEW_BY_PRICE)
        at = put_number(at, product->price->minor);
    else
        at = put_number(at, product->created_at);
    memcpy(at, product_id.ptr, product_id.len);
    return mr_bytes_of(key, (size_t)(at - key) + product_id.len);
}

struct mr_bytes view_listing_id(struct mr_bytes key)
{
    size_t category_len = strnlen(key.ptr, key.len);
    size_t at = category_len + 2;
    if (at > key.len)
        return mr_bytes_of("", 0);
    if (key.ptr[category_len + 1] == 'n')
        at += strnlen(key.ptr + at, key.len - at) + 1;
    else
        at += NUMBER_BYTES;
    return at > key.len ? mr_bytes_of("", 0) : mr_bytes_of(key.ptr + at, key.len - at);
}

struct mr_bytes
view_cart_line_key(struct mr_arena *arena, struct mr_bytes owner_id, struct mr_bytes product_id)
{
    char *key = mr_arena_alloc(arena, owner_id.len + 1 + product_id.len + 1);
    put(put(key, owner_id), product_id);
    return mr_bytes_of(key, owner_id.len + 1 + product_id.len);
}

struct mr_bytes view_order_prefix(struct mr_arena *arena, struct mr_bytes owner_id)
{
    char *key = mr_arena_alloc(arena, owner_id.len + 1);
    put(key, owner_id);
    return mr_bytes_of(key, owner_id.len + 1);
}

struct mr_bytes view_order_key(
    struct mr_arena *arena, struct mr_bytes owner_id, int64_t placed_at, struct mr_bytes order_id)
{
    char *key = mr_arena_alloc(arena, owner_id.len + 1 + NUMBER_BYTES + order_id.len + 1);
    char *at = put_number(put(key, owner_id), -placed_at);
    put(at, order_id);
    return mr_bytes_of(key, owner_id.len + 1 + NUMBER_BYTES + order_id.len);
}

struct mr_bytes view_order_key_id(struct mr_bytes key)
{
    size_t at = strnlen(key.ptr, key.len) + 1 + NUMBER_BYTES;
    return at > key.len ? mr_bytes_of("", 0) : mr_bytes_of(key.ptr + at, key.len - at);
}
