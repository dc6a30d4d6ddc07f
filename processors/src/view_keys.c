/*
 * view_keys.c - how the ordered stores of the views sort. A key's parts are ended by a byte 0,
 * which no id, category or title holds, so that no part can be taken for the start of another.
 */
#include <processors/views.h>
#include <text/unicode.h>

#include <assert.h>

enum { NUMBER_BYTES = 8, SIGN_FLIP = 0x80 };

static char *keys_put(char *at, struct mr_bytes part)
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

struct mr_bytes view_fold_title(struct mr_arena *arena, struct mr_bytes title)
{
    return text_fold(arena, title);
}

struct mr_bytes view_listing_prefix(struct mr_arena *arena, const struct view_listing *listing)
{
    char *key = mr_arena_alloc(arena, listing->category.len + 2);
    char *at = keys_put(key, listing->category);
    *at = (listing->in_stock ? "NPC" : "npc")[listing->sort];
    return mr_bytes_of(key, listing->category.len + 2);
}

struct mr_bytes
view_listing_from(struct mr_arena *arena, const struct view_listing *listing, int64_t price)
{
    assert(listing->sort == VIEW_BY_PRICE);
    struct mr_bytes prefix = view_listing_prefix(arena, listing);
    char *key = mr_arena_alloc(arena, prefix.len + NUMBER_BYTES);
    memcpy(key, prefix.ptr, prefix.len);
    put_number(key + prefix.len, price);
    return mr_bytes_of(key, prefix.len + NUMBER_BYTES);
}

struct mr_bytes view_count_key(struct mr_bytes category)
{
    return category.len > 0 ? category : mr_bytes_of("", 1); /* A byte 0, which no id has. */
}

struct view_entry view_entry_of(
    struct mr_arena *arena, struct mr_bytes product_id, const struct shop_product_view *product)
{
    return (struct view_entry){
        .product_id = product_id,
        .title = view_fold_title(arena, product->title),
        .price = product->price->minor,
        .created_at = product->created_at};
}

struct mr_bytes view_listing_key(
    struct mr_arena *arena, const struct view_listing *listing, const struct view_entry *entry)
{
    struct mr_bytes prefix = view_listing_prefix(arena, listing);
    struct mr_bytes id = entry->product_id;
    char *key = mr_arena_alloc(arena, prefix.len + entry->title.len + 1 + NUMBER_BYTES + id.len);
    char *at = key + prefix.len;
    memcpy(key, prefix.ptr, prefix.len);
    if (listing->sort == VIEW_BY_NAME)
        at = keys_put(at, entry->title);
    else
        at = put_number(at, listing->sort == VIEW_BY_PRICE ? entry->price : entry->created_at);
    memcpy(at, id.ptr, id.len);
    return mr_bytes_of(key, (size_t)(at - key) + id.len);
}

bool view_listing_key_read(struct mr_bytes key, struct view_entry *entry)
{
    size_t category_len = strnlen(key.ptr, key.len);
    size_t at = category_len + 2;
    if (at > key.len)
        return false;
    entry->title = mr_bytes_of(NULL, 0);
    if (key.ptr[category_len + 1] == 'n' || key.ptr[category_len + 1] == 'N') {
        entry->title = mr_bytes_of(key.ptr + at, strnlen(key.ptr + at, key.len - at));
        at += entry->title.len + 1;
    } else {
        at += NUMBER_BYTES;
    }
    if (at > key.len)
        return false;
    entry->product_id = mr_bytes_of(key.ptr + at, key.len - at);
    return true;
}

struct mr_bytes
view_cart_line_key(struct mr_arena *arena, struct mr_bytes owner_id, struct mr_bytes product_id)
{
    char *key = mr_arena_alloc(arena, owner_id.len + 1 + product_id.len + 1);
    keys_put(keys_put(key, owner_id), product_id);
    return mr_bytes_of(key, owner_id.len + 1 + product_id.len);
}

struct mr_bytes view_order_prefix(struct mr_arena *arena, struct mr_bytes owner_id)
{
    char *key = mr_arena_alloc(arena, owner_id.len + 1);
    keys_put(key, owner_id);
    return mr_bytes_of(key, owner_id.len + 1);
}

struct mr_bytes view_order_key(
    struct mr_arena *arena, struct mr_bytes owner_id, int64_t placed_at, struct mr_bytes order_id)
{
    char *key = mr_arena_alloc(arena, owner_id.len + 1 + NUMBER_BYTES + order_id.len + 1);
    char *at = put_number(keys_put(key, owner_id), -placed_at);
    keys_put(at, order_id);
    return mr_bytes_of(key, owner_id.len + 1 + NUMBER_BYTES + order_id.len);
}

struct mr_bytes view_order_key_id(struct mr_bytes key)
{
    size_t at = strnlen(key.ptr, key.len) + 1 + NUMBER_BYTES;
    return at > key.len ? mr_bytes_of("", 0) : mr_bytes_of(key.ptr + at, key.len - at);
}
