/* unicode.c - Unicode by utf8proc; the only file that includes it. */
#include <text/unicode.h>

#include <stdlib.h>
#include <utf8proc.h>

/* A mapped copy in the arena, or the text itself where it is not UTF-8. */
static struct mr_bytes
map_text(struct mr_arena *arena, struct mr_bytes text, utf8proc_option_t options)
{
    utf8proc_uint8_t *mapped = NULL;
    if (text.len == 0)
        return mr_bytes_of("", 0);
    utf8proc_ssize_t len = utf8proc_map(
        (const utf8proc_uint8_t *)text.ptr, (utf8proc_ssize_t)text.len, &mapped, options);
    if (len < 0)
        return mr_arena_copy(arena, text);
    struct mr_bytes copy = mr_arena_copy(arena, mr_bytes_of((const char *)mapped, (size_t)len));
    free(mapped);
    return copy;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\0';
}

/* In place: a run of blanks as one, none around. */
static struct mr_bytes squeeze_blanks(struct mr_bytes text)
{
    char *out = (char *)(uintptr_t)text.ptr;
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (!is_blank(text.ptr[i]))
            out[len++] = text.ptr[i];
        else if (len > 0 && out[len - 1] != ' ')
            out[len++] = ' ';
    }
    if (len > 0 && out[len - 1] == ' ')
        len--;
    return mr_bytes_of(out, len);
}

/* Most titles are plain ASCII: they need no tables. */
static bool fold_ascii(struct mr_arena *arena, struct mr_bytes text, struct mr_bytes *ret_folded)
{
    char *folded = mr_arena_alloc(arena, text.len + 1);
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if ((unsigned char)c >= 0x80)
            return false;
        folded[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    *ret_folded = squeeze_blanks(mr_bytes_of(folded, text.len));
    return true;
}

struct mr_bytes text_fold(struct mr_arena *arena, struct mr_bytes text)
{
    struct mr_bytes folded;
    if (fold_ascii(arena, text, &folded))
        return folded;
    /* Marks go only after decomposition, and some appear only by folding: until nothing changes. */
    enum { ROUNDS_MAX = 4 };
    const utf8proc_option_t options = UTF8PROC_STABLE | UTF8PROC_COMPAT | UTF8PROC_DECOMPOSE |
                                      UTF8PROC_CASEFOLD | UTF8PROC_IGNORE | UTF8PROC_STRIPMARK;
    folded = squeeze_blanks(map_text(arena, text, options));
    for (int round = 1; round < ROUNDS_MAX; round++) {
        struct mr_bytes again = squeeze_blanks(map_text(arena, folded, options));
        if (mr_bytes_equal(again, folded))
            break;
        folded = again;
    }
    return folded;
}

struct mr_bytes text_compose(struct mr_arena *arena, struct mr_bytes text)
{
    return map_text(arena, text, UTF8PROC_STABLE | UTF8PROC_COMPOSE);
}

/* The size of the first character; a byte that begins none is one too (*ret_char is -1). */
static size_t next_char(struct mr_bytes text, utf8proc_int32_t *ret_char)
{
    if ((unsigned char)text.ptr[0] < 0x80) {
        *ret_char = text.ptr[0];
        return 1;
    }
    utf8proc_ssize_t len =
        utf8proc_iterate((const utf8proc_uint8_t *)text.ptr, (utf8proc_ssize_t)text.len, ret_char);
    return len > 0 ? (size_t)len : 1;
}

static bool is_word_char(utf8proc_int32_t c)
{
    if (c < 0x80)
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
    utf8proc_category_t category = utf8proc_category(c);
    return category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_NO;
}

static bool is_apostrophe(utf8proc_int32_t c)
{
    return c == '\'' || c == 0x2019 || c == 0x02BC;
}

/* A word ends at the first character that is not of one, but for an apostrophe before one that is.
 * One loop for both ends: a word that has begun is cut at the limit and still read to its end. */
bool text_next_word(
    struct mr_bytes *rest, char buffer[TEXT_WORD_BYTES_MAX], struct mr_bytes *ret_word)
{
    size_t len = 0;
    size_t at = 0;
    bool cut = false;
    while (at < rest->len) {
        struct mr_bytes left = mr_bytes_of(rest->ptr + at, rest->len - at);
        utf8proc_int32_t c = -1;
        utf8proc_int32_t after = -1;
        size_t size = next_char(left, &c);
        if (is_word_char(c) && !is_apostrophe(c)) {
            cut = cut || len + size > TEXT_WORD_BYTES_MAX;
            if (!cut)
                memcpy(buffer + len, left.ptr, size);
            len += cut ? 0 : size;
        } else if (len > 0) {
            if (is_apostrophe(c) && left.len > size)
                (void)next_char(mr_bytes_of(left.ptr + size, left.len - size), &after);
            if (after < 0 || !is_word_char(after))
                break;
        }
        at += size;
    }
    *rest = mr_bytes_of(rest->ptr + at, rest->len - at);
    *ret_word = mr_bytes_of(buffer, len);
    return len > 0;
}

/* Letters that show nothing: fillers of Hangul, the blank of Braille. */
static bool is_filler(utf8proc_int32_t c)
{
    return c == 0x115F || c == 0x1160 || c == 0x3164 || c == 0xFFA0 || c == 0x2800;
}

static bool is_visible(utf8proc_int32_t c)
{
    bool selector = (c >= 0xFE00 && c <= 0xFE0F) || (c >= 0xE0100 && c <= 0xE01EF) ||
                    (c >= 0x180B && c <= 0x180F) || c == 0x034F;
    if (selector || is_filler(c) || utf8proc_get_property(c)->ignorable)
        return false;
    static const utf8proc_category_t invisible[] = {
        UTF8PROC_CATEGORY_CN,
        UTF8PROC_CATEGORY_CC,
        UTF8PROC_CATEGORY_CF,
        UTF8PROC_CATEGORY_CS,
        UTF8PROC_CATEGORY_CO,
        UTF8PROC_CATEGORY_ZS,
        UTF8PROC_CATEGORY_ZL,
        UTF8PROC_CATEGORY_ZP,
    };
    for (size_t i = 0; i < sizeof invisible / sizeof invisible[0]; i++)
        if (utf8proc_category(c) == invisible[i])
            return false;
    return true;
}

/* The next character, or -1. */
static utf8proc_int32_t next_character(struct mr_bytes text, size_t *ret_len)
{
    utf8proc_int32_t c = -1;
    utf8proc_ssize_t len =
        utf8proc_iterate((const utf8proc_uint8_t *)text.ptr, (utf8proc_ssize_t)text.len, &c);
    *ret_len = len > 0 ? (size_t)len : 1;
    return len > 0 ? c : -1;
}

bool text_is_visible(struct mr_bytes text)
{
    size_t len = 0;
    for (size_t at = 0; at < text.len; at += len) {
        utf8proc_int32_t c = next_character(mr_bytes_of(text.ptr + at, text.len - at), &len);
        if (c < 0 || !is_visible(c))
            return false;
    }
    return true;
}

int text_digit_at(struct mr_bytes text, size_t *ret_len)
{
    /* The digit 0 of each script that has its ten in a row. Source: Unicode's Nd. */
    static const utf8proc_int32_t zeros[] = {'0',    0x0660, 0x06F0, 0x07C0, 0x0966, 0x09E6, 0x0A66,
                                             0x0AE6, 0x0B66, 0x0BE6, 0x0C66, 0x0CE6, 0x0D66, 0x0E50,
                                             0x0ED0, 0x0F20, 0x1040, 0x17E0, 0x1810, 0xFF10};
    utf8proc_int32_t c = next_character(text, ret_len);
    for (size_t i = 0; i < sizeof zeros / sizeof zeros[0]; i++)
        if (c >= zeros[i] && c < zeros[i] + 10)
            return (int)(c - zeros[i]);
    return -1;
}
