/*
 * ids.c - derives ids by hashing; the only file of this folder that knows libsodium.
 *
 * Ids that come from requests are SHA-256, so that nobody can aim at another's. Event ids are made
 * of ids already decided, a million times a minute: SipHash with a fixed key is enough for them.
 */
#include <processors/ids.h>

#include <base/murmur2.h>

#include <sodium.h>
#include <stdio.h>

enum { UUID_CUSTOM = 8, CART_TOKEN_LEN = 43 };

bool shop_id_is_valid(struct mr_bytes id)
{
    if (!id.ptr || id.len == 0 || id.len >= SHOP_ID_BYTES_MAX)
        return false;
    for (size_t i = 0; i < id.len; i++) {
        char c = id.ptr[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '_' || c == '-'))
            return false;
    }
    return true;
}

/* The parts are length-prefixed, so that no two lists of parts hash alike. */
static struct mr_uuid hash_parts(const struct mr_bytes *parts, size_t count)
{
    crypto_hash_sha256_state state;
    crypto_hash_sha256_init(&state);
    for (size_t i = 0; i < count; i++) {
        unsigned char length[8];
        mr_put_be64(length, parts[i].len);
        crypto_hash_sha256_update(&state, length, sizeof length);
        if (parts[i].len)
            crypto_hash_sha256_update(&state, (const unsigned char *)parts[i].ptr, parts[i].len);
    }
    unsigned char digest[crypto_hash_sha256_BYTES];
    crypto_hash_sha256_final(&state, digest);
    return mr_uuid_of_digest(digest, UUID_CUSTOM);
}

static struct shop_id format_id(const char *prefix, struct mr_uuid uuid)
{
    struct shop_id id;
    char text[MR_UUID_TEXT_LEN + 1];
    mr_uuid_format(uuid, text);
    snprintf(id.text, sizeof id.text, "%.20s%s", prefix, text);
    return id;
}

struct shop_id shop_product_id(struct mr_bytes sku)
{
    return format_id("prd_", hash_parts((struct mr_bytes[]){mr_cstr("product"), sku}, 2));
}

struct shop_id shop_created_id(const char *prefix, struct mr_bytes command_id)
{
    return format_id(prefix, hash_parts((struct mr_bytes[]){mr_cstr(prefix), command_id}, 2));
}

static void order_prefix(struct mr_bytes owner_id, char ret_prefix[16])
{
    snprintf(ret_prefix, 16, "ord_%08x-", (unsigned)mr_murmur2(owner_id));
}

bool shop_guest_id(struct mr_bytes cart_token, struct shop_id *ret_id)
{
    if (cart_token.len != CART_TOKEN_LEN || !shop_id_is_valid(cart_token))
        return false;
    *ret_id = shop_created_id("gst_", cart_token);
    return true;
}

struct shop_id shop_order_id(struct mr_bytes owner_id, struct mr_bytes command_id)
{
    char prefix[16];
    order_prefix(owner_id, prefix);
    struct mr_bytes parts[] = {mr_cstr("order"), owner_id, command_id};
    return format_id(prefix, hash_parts(parts, 3));
}

bool shop_order_id_is_of(struct mr_bytes order_id, struct mr_bytes owner_id)
{
    char prefix[16];
    struct mr_uuid uuid;
    if (!shop_id_is_valid(order_id) || !owner_id.ptr)
        return false;
    order_prefix(owner_id, prefix);
    size_t skip = strlen(prefix);
    return mr_bytes_starts_with(order_id, mr_cstr(prefix)) &&
           mr_uuid_parse(mr_bytes_of(order_id.ptr + skip, order_id.len - skip), &uuid);
}

int32_t shop_order_partition(struct mr_bytes order_id, int32_t partitions)
{
    enum { PREFIX_LEN = 4, HASH_LEN = 8 };
    struct mr_bytes prefix = mr_cstr("ord_");
    struct mr_uuid uuid;
    uint32_t hash = 0;
    if (partitions < 1 || !mr_bytes_starts_with(order_id, prefix) ||
        order_id.len != PREFIX_LEN + HASH_LEN + 1 + MR_UUID_TEXT_LEN ||
        order_id.ptr[PREFIX_LEN + HASH_LEN] != '-' ||
        !mr_uuid_parse(
            mr_bytes_of(order_id.ptr + PREFIX_LEN + HASH_LEN + 1, MR_UUID_TEXT_LEN), &uuid))
        return -1;
    for (size_t i = PREFIX_LEN; i < PREFIX_LEN + HASH_LEN; i++) {
        char c = order_id.ptr[i];
        if ((c < '0' || c > '9') && (c < 'a' || c > 'f'))
            return -1;
        hash = hash << 4 | (uint32_t)(c <= '9' ? c - '0' : c - 'a' + 10);
    }
    return (int32_t)((hash & 0x7fffffffU) % (uint32_t)partitions);
}

struct shop_id shop_payment_id(struct mr_bytes order_id, int attempt)
{
    unsigned char number[4];
    mr_put_be32(number, (uint32_t)attempt);
    struct mr_bytes parts[] = {mr_cstr("payment"), order_id, mr_bytes_of(number, sizeof number)};
    return format_id("pay_", hash_parts(parts, 3));
}

struct shop_id shop_command_id(
    struct mr_bytes principal,
    struct mr_bytes method,
    struct mr_bytes route,
    struct mr_bytes idempotency_key)
{
    struct mr_bytes parts[] = {principal, method, route, idempotency_key};
    return format_id("", hash_parts(parts, 4));
}

struct shop_id shop_event_id(struct mr_bytes aggregate_id, int64_t aggregate_version)
{
    static const unsigned char key[crypto_shorthash_siphashx24_KEYBYTES] = "millrace events";
    enum { NAME_BYTES_MAX = 2 * SHOP_ID_BYTES_MAX };
    unsigned char name[8 + NAME_BYTES_MAX];
    unsigned char digest[crypto_shorthash_siphashx24_BYTES];
    size_t len = aggregate_id.len < NAME_BYTES_MAX ? aggregate_id.len : NAME_BYTES_MAX;
    mr_put_be64(name, (uint64_t)aggregate_version);
    if (len)
        memcpy(name + 8, aggregate_id.ptr, len);
    crypto_shorthash_siphashx24(digest, name, 8 + len, key);
    return format_id("", mr_uuid_of_digest(digest, UUID_CUSTOM));
}

struct shop_id shop_confirmation_no(struct mr_bytes order_id)
{
    /* Crockford's alphabet: nothing in it is mistaken for something else in it. */
    static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    struct mr_uuid uuid = hash_parts((struct mr_bytes[]){mr_cstr("confirmation"), order_id}, 2);
    struct shop_id no = {.text = "C"};
    for (int i = 0; i < 10; i++)
        no.text[1 + i] = digits[uuid.bytes[i < 6 ? i : i + 3] & 31];
    no.text[11] = 0;
    return no;
}

bool shop_role_is_known(struct mr_bytes role)
{
    static const char *const roles[] = {SHOP_ROLE_CUSTOMER, SHOP_ROLE_OPERATOR, SHOP_ROLE_AUDITOR};
    for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++)
        if (mr_bytes_equal(role, mr_cstr(roles[i])))
            return true;
    return false;
}
