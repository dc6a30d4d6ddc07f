/* store_fingerprint.c - makes a state's fingerprint, and names where two of them differ. */
#include "store_fingerprint.h"

#include <base/alloc.h>

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { QUOTED_BYTES_MAX = 160 };

static int fingerprint_compare_names(const void *a, const void *b)
{
    const struct store_spec *const *left = a;
    const struct store_spec *const *right = b;
    return strcmp((*left)->name, (*right)->name);
}

char *store_fingerprint_make(const struct store_disk_options *options)
{
    assert(options && options->fingerprint);
    struct mr_buffer text = {0};
    const struct store_spec **specs = mr_calloc(options->specs_count, sizeof *specs);
    for (size_t i = 0; i < options->specs_count; i++)
        specs[i] = &options->specs[i];
    qsort(specs, options->specs_count, sizeof *specs, fingerprint_compare_names);
    mr_buffer_printf(&text, "%s format=1 stores=", options->fingerprint);
    for (size_t i = 0; i < options->specs_count; i++)
        mr_buffer_printf(
            &text, "%s%s%s", i ? "," : "", specs[i]->name, specs[i]->ttl_ms > 0 ? ":ttl" : "");
    mr_buffer_add_byte(&text, '\0');
    free(specs);
    return text.ptr;
}

/* Takes the next word off; false: there was none. */
static bool fingerprint_take_word(struct mr_bytes *text, struct mr_bytes *ret_word)
{
    while (text->len > 0 && text->ptr[0] == ' ')
        *text = mr_bytes_of(text->ptr + 1, text->len - 1);
    size_t len = 0;
    while (len < text->len && text->ptr[len] != ' ')
        len++;
    *ret_word = mr_bytes_of(text->ptr, len);
    *text = mr_bytes_of(text->ptr + len, text->len - len);
    return len > 0;
}

static bool fingerprint_has_word(struct mr_bytes text, struct mr_bytes word)
{
    struct mr_bytes one;
    while (fingerprint_take_word(&text, &one))
        if (mr_bytes_equal(one, word))
            return true;
    return false;
}

static void fingerprint_quote_word(struct mr_buffer *out, struct mr_bytes word)
{
    for (size_t i = 0; i < word.len; i++) {
        bool plain = word.ptr[i] > ' ' && word.ptr[i] <= '~' && word.ptr[i] != '"';
        mr_buffer_add_byte(out, plain ? (uint8_t)word.ptr[i] : '?');
    }
}

/* The words of `text` that `other` lacks. Each store has a word of its own; the list of all of them
 * says something only when those are the same. Returns how many there were. */
static size_t fingerprint_add_missing(
    struct mr_buffer *out, struct mr_bytes text, struct mr_bytes other, bool with_list)
{
    const struct mr_bytes list = MR_LITERAL("stores=");
    size_t began = out->len;
    size_t words = 0;
    struct mr_bytes word;
    while (fingerprint_take_word(&text, &word)) {
        if (fingerprint_has_word(other, word) || (!with_list && mr_bytes_starts_with(word, list)))
            continue;
        words++;
        if (out->len > began && out->len < began + QUOTED_BYTES_MAX)
            mr_buffer_add_byte(out, ' ');
        size_t used = out->len - began;
        size_t room = used < QUOTED_BYTES_MAX ? QUOTED_BYTES_MAX - used : 0;
        fingerprint_quote_word(out, mr_bytes_of(word.ptr, word.len < room ? word.len : room));
    }
    return words;
}

static size_t fingerprint_add_both(
    struct mr_buffer *out, struct mr_bytes found, struct mr_bytes own, bool with_list)
{
    mr_buffer_add(out, mr_cstr("the directory has \""));
    size_t words = fingerprint_add_missing(out, found, own, with_list);
    mr_buffer_add(out, mr_cstr("\", this program has \""));
    words += fingerprint_add_missing(out, own, found, with_list);
    mr_buffer_add(out, mr_cstr("\""));
    return words;
}

bool store_fingerprint_same_maker(struct mr_bytes found, struct mr_bytes own)
{
    struct mr_bytes maker;
    struct mr_bytes own_maker;
    return fingerprint_take_word(&found, &maker) && fingerprint_take_word(&own, &own_maker) &&
           mr_bytes_equal(maker, own_maker);
}

void store_fingerprint_compare(struct mr_bytes found, struct mr_bytes own, struct mr_buffer *out)
{
    assert(out && !mr_bytes_equal(found, own));
    size_t began = out->len;
    if (fingerprint_add_both(out, found, own, false) > 0)
        return;
    out->len = began;
    (void)fingerprint_add_both(out, found, own, true);
}
