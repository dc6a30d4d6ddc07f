/* cart_workload.c - events by their number, and the fold that ours and the peer must equal. */
#include "cart_workload.h"

#include <stdio.h>
#include <string.h>

static const int64_t first_event_ms = 1767225600000; /* 2026-01-01T00:00:00Z */

/* splitmix64: the same bits for the same number on every machine. */
static uint64_t mix_bits(uint64_t number, uint64_t salt)
{
    uint64_t bits = (number * 8 + salt + 1) * 0x9E3779B97F4A7C15u;
    bits = (bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9u;
    bits = (bits ^ (bits >> 27)) * 0x94D049BB133111EBu;
    return bits ^ (bits >> 31);
}

/* One event in four meets one of its cart's eight favourite skus, so that lines change and go. */
void cart_event_at(uint64_t number, struct cart_event *ret_event)
{
    uint64_t high = mix_bits(number, 1);
    uint64_t low = mix_bits(number, 2);
    uint64_t choice = mix_bits(number, 3);
    uint64_t amount = mix_bits(number, 4);
    uint64_t pick = choice >> 8;
    uint32_t cart = (uint32_t)(mix_bits(number, 0) % CART_COUNT);
    uint32_t sku =
        (uint32_t)((choice & 3) ? pick % CART_SKUS : (cart * 31u + pick % 8) % CART_SKUS);
    *ret_event = (struct cart_event){
        .cart = cart,
        .sku = sku,
        .quantity = (int32_t)(amount % 15) - 2,
        .price_minor = 45 + (int64_t)(sku * 37u % 4951u) + (int64_t)((amount >> 32) % 3) * 10,
        .occurred_ms = first_event_ms + (int64_t)number,
    };
    snprintf(
        ret_event->event_id,
        sizeof ret_event->event_id,
        "%08x-%04x-%04x-%04x-%04x%08x",
        (unsigned)(high >> 32),
        (unsigned)(high >> 16 & 0xffff),
        (unsigned)(high & 0xffff),
        (unsigned)(low >> 48),
        (unsigned)(low >> 32 & 0xffff),
        (unsigned)(low & 0xffffffff));
}

void cart_key(uint32_t cart, char out[CART_KEY_LEN + 1])
{
    snprintf(out, CART_KEY_LEN + 1, "cart-%06u", (unsigned)(cart % 1000000));
}

int64_t cart_of_key(const char *key, size_t len)
{
    int64_t cart = 0;
    if (len != CART_KEY_LEN || memcmp(key, "cart-", 5) != 0)
        return -1;
    for (size_t i = 5; i < len; i++) {
        if (key[i] < '0' || key[i] > '9')
            return -1;
        cart = cart * 10 + (key[i] - '0');
    }
    return cart < CART_COUNT ? cart : -1;
}

void cart_sku(uint32_t sku, char out[CART_SKU_LEN + 1])
{
    snprintf(
        out,
        CART_SKU_LEN + 1,
        "%05u%c",
        (unsigned)(10000 + sku % CART_SKUS * 22),
        'A' + (int)(sku % 26));
}

static uint8_t *put_long(uint8_t *out, int64_t value)
{
    uint64_t bits = ((uint64_t)value << 1) ^ (uint64_t)(value >> 63);
    for (; bits >= 0x80; bits >>= 7)
        *out++ = (uint8_t)(bits | 0x80);
    *out++ = (uint8_t)bits;
    return out;
}

static uint8_t *put_text(uint8_t *out, const char *text)
{
    size_t len = strlen(text);
    out = put_long(out, (int64_t)len);
    memcpy(out, text, len);
    return out + len;
}

size_t cart_event_encode(const struct cart_event *event, uint8_t out[CART_EVENT_BYTES_MAX])
{
    char key[CART_KEY_LEN + 1];
    char sku[CART_SKU_LEN + 1];
    cart_key(event->cart, key);
    cart_sku(event->sku, sku);
    memcpy(out, (const uint8_t[]){0, 0, 0, 0, CART_EVENT_ID}, CART_FRAME_BYTES);
    uint8_t *at = put_text(out + CART_FRAME_BYTES, event->event_id);
    at = put_text(put_text(at, key), sku);
    at = put_long(put_long(at, event->quantity), event->price_minor);
    return (size_t)(put_long(at, event->occurred_ms) - out);
}

static void change_line(struct cart *cart, const struct cart_event *event)
{
    int i = 0;
    while (i < cart->count && cart->lines[i].sku != event->sku)
        i++;
    if (i < cart->count) {
        cart->lines[i].quantity += event->quantity;
        cart->lines[i].price_minor = event->price_minor;
        if (cart->lines[i].quantity > 0)
            return;
        cart->count--;
    } else if (event->quantity > 0) {
        cart->lines[cart->count++] =
            (struct cart_line){event->sku, event->quantity, event->price_minor};
        if (cart->count <= CART_LINES_MAX)
            return;
        i = 0;
        cart->count--;
    } else {
        return;
    }
    memmove(
        &cart->lines[i], &cart->lines[i + 1], (size_t)(cart->count - i) * sizeof cart->lines[0]);
}

void cart_apply(struct cart *cart, const struct cart_event *event)
{
    change_line(cart, event);
    cart->total_minor = 0;
    for (int i = 0; i < cart->count; i++)
        cart->total_minor += cart->lines[i].quantity * cart->lines[i].price_minor;
    cart->version++;
}
