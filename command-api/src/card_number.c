/*
 * card_number.c - issuer, length, check digit; and a walk over JSON text that knows where it is.
 *
 * A run is what may be one number: digits with at most two separators between them. The whole run
 * is a candidate however it is grouped; a part of it only where it is one group, or grouped as
 * cards are printed (4-4-4-4, 4-6-5), for an IBAN or two phone numbers are runs as well.
 */
#include "card_number.h"

#include <http/json.h>
#include <text/unicode.h>

#include <assert.h>
#include <string.h>

enum {
    DIGITS_MIN = 13,
    DIGITS_MAX = 19,
    RUN_DIGITS_MAX = 64,
    SEPARATORS_MAX = 2,
    DEPTH_MAX = 32,
};

/* -- one number -- */

/* Prefixes from `low` to `high`, of as many digits as they have, and the lengths of their cards.
 * Source: ISO/IEC 7812, and the issuers' published ranges. */
static const struct {
    int low, high, prefix_digits, length_min, length_max;
} issuers[] = {
    {34, 34, 2, 15, 15},                            /* American Express */
    {37, 37, 2, 15, 15},     {300, 305, 3, 14, 19}, /* Diners Club */
    {3095, 3095, 4, 14, 19}, {36, 36, 2, 14, 19},     {38, 39, 2, 14, 19},
    {3528, 3589, 4, 16, 19},                                               /* JCB */
    {4, 4, 1, 13, 13},                                                     /* Visa */
    {4, 4, 1, 16, 16},       {4, 4, 1, 19, 19},       {51, 55, 2, 16, 16}, /* Mastercard */
    {2221, 2720, 4, 16, 16}, {2200, 2204, 4, 16, 19},                      /* Mir */
    {5018, 5020, 4, 13, 19},                                               /* Maestro, Dankort */
    {5038, 5038, 4, 13, 19}, {5893, 5893, 4, 13, 19}, {6304, 6304, 4, 13, 19},
    {6759, 6763, 4, 13, 19}, {6011, 6011, 4, 16, 19},                      /* Discover */
    {644, 649, 3, 16, 19},   {65, 65, 2, 16, 19},     {62, 62, 2, 16, 19}, /* UnionPay */
    {8171, 8171, 4, 16, 19}, {508, 508, 3, 16, 16},                        /* RuPay */
    {9792, 9792, 4, 16, 16},                                               /* Troy */
};

static bool has_issuer(const char *digits, int count)
{
    for (size_t i = 0; i < sizeof issuers / sizeof issuers[0]; i++) {
        int prefix = 0;
        for (int k = 0; k < issuers[i].prefix_digits; k++)
            prefix = prefix * 10 + digits[k];
        if (prefix >= issuers[i].low && prefix <= issuers[i].high &&
            count >= issuers[i].length_min && count <= issuers[i].length_max)
            return true;
    }
    return false;
}

/* Luhn's. */
static bool has_check_digit(const char *digits, int count)
{
    int sum = 0;
    for (int i = 0; i < count; i++) {
        int worth = digits[count - 1 - i] << (i % 2);
        sum += worth > 9 ? worth - 9 : worth;
    }
    return sum % 10 == 0;
}

static bool is_card(const char *digits, int count)
{
    return count >= DIGITS_MIN && count <= DIGITS_MAX && has_issuer(digits, count) &&
           has_check_digit(digits, count);
}

/* -- a run of digits -- */

struct run {
    char digits[RUN_DIGITS_MAX];
    int count;
    bool starts_group[RUN_DIGITS_MAX + 1]; /* A separator stands before this digit. */
};

/* The groups from digit `from` to `until` are as cards are printed. */
static bool is_printed_so(const struct run *run, int from, int until)
{
    int size = 0;
    for (int i = from; i < until; i++) {
        size = run->starts_group[i] ? 1 : size + 1;
        bool ends = i + 1 == until || run->starts_group[i + 1];
        if (ends && i + 1 < until && size != 4 && size != 6)
            return false;
    }
    return true;
}

static bool run_has_card(const struct run *run)
{
    if (is_card(run->digits, run->count))
        return true;
    for (int from = 0; from + DIGITS_MIN <= run->count; from++) {
        if (!run->starts_group[from])
            continue;
        for (int until = from + DIGITS_MIN; until <= run->count; until++)
            if ((until == run->count || run->starts_group[until]) &&
                is_card(run->digits + from, until - from) && is_printed_so(run, from, until))
                return true;
    }
    return false;
}

/* -- a text -- */

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* The bytes of a separator at the start, or 0: blanks, dots and dashes of any kind. */
static size_t separator_at(struct mr_bytes text)
{
    static const char *const separators[] = {
        " ",
        ".",
        "-",
        "_",
        "\t",
        "\xc2\xa0",     /* No-break space. */
        "\xc2\xb7",     /* Middle dot. */
        "\xe2\x80\x87", /* Figure space, thin space, narrow no-break space. */
        "\xe2\x80\x89",
        "\xe2\x80\xaf",
        "\xe2\x80\x90", /* Hyphens and dashes. */
        "\xe2\x80\x91",
        "\xe2\x80\x92",
        "\xe2\x80\x93",
        "\xe2\x80\x94",
        "\xe2\x88\x92",
        "\xe3\x80\x80", /* Ideographic space. */
        "\xef\xbc\x8d", /* Full-width hyphen. */
    };
    for (size_t i = 0; i < sizeof separators / sizeof separators[0]; i++)
        if (mr_bytes_starts_with(text, mr_cstr(separators[i])))
            return strlen(separators[i]);
    return 0;
}

static struct mr_bytes rest_of(struct mr_bytes text, size_t at)
{
    return mr_bytes_of(text.ptr + at, text.len - at);
}

/* Takes the run that starts with a digit at `at`; where it ends. Longer ones than any card with its
 * neighbours are cut. */
static size_t take_run(struct mr_bytes text, size_t at, struct run *ret_run)
{
    struct run *run = ret_run;
    size_t end = at;
    int separators = 0;
    run->count = 0;
    while (at < text.len && run->count < RUN_DIGITS_MAX) {
        size_t len = 0;
        int digit = text_digit_at(rest_of(text, at), &len);
        if (digit >= 0) {
            run->starts_group[run->count] = run->count == 0 || separators > 0;
            run->digits[run->count++] = (char)digit;
            separators = 0;
            end = at + len;
        } else {
            len = separator_at(rest_of(text, at));
            if (len == 0 || ++separators > SEPARATORS_MAX)
                break;
        }
        at += len;
    }
    return end;
}

bool card_number_in_text(struct mr_bytes text)
{
    size_t at = 0;
    while (at < text.len) {
        size_t len = 1;
        if (text_digit_at(rest_of(text, at), &len) < 0) {
            at += len;
            continue;
        }
        struct run run;
        size_t end = take_run(text, at, &run);
        /* Digits inside a word of letters are a token's. */
        bool in_word =
            (at > 0 && is_letter(text.ptr[at - 1])) || (end < text.len && is_letter(text.ptr[end]));
        if (!in_word && run_has_card(&run))
            return true;
        at = end;
    }
    return false;
}

/* -- JSON -- */

struct level {
    bool is_object;
    bool wants_name; /* The next string is a name. */
    int index;       /* The element's index, in an array. */
    struct mr_bytes name;
};

struct walk {
    struct mr_bytes json;
    size_t at;
    struct mr_arena *arena;
    struct level levels[DEPTH_MAX];
    int depth;
};

static int hex_at(struct mr_bytes json, size_t at)
{
    int value = 0;
    for (size_t i = at; i < at + 4; i++) {
        char c = i < json.len ? json.ptr[i] : '\0';
        int digit = c >= '0' && c <= '9'                     ? c - '0'
                    : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10
                                                             : -1;
        if (digit < 0)
            return -1;
        value = value * 16 + digit;
    }
    return value;
}

/* UTF-8 of an escape; what is half of a pair is of no interest here. */
static size_t put_character(char *out, int c)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xC0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3F));
        return 2;
    }
    out[0] = (char)(0xE0 | c >> 12);
    out[1] = (char)(0x80 | (c >> 6 & 0x3F));
    out[2] = (char)(0x80 | (c & 0x3F));
    return 3;
}

/* Returns the end of the string: its closing quote, or the end of the text. */
static size_t find_string_end(struct mr_bytes json, size_t at)
{
    while (at < json.len && json.ptr[at] != '"')
        at += json.ptr[at] == '\\' ? 2 : 1;
    return at < json.len ? at : json.len;
}

/* The decoded string whose opening quote is at walk->at; moves behind the closing one. */
static struct mr_bytes take_string(struct walk *walk)
{
    struct mr_bytes json = walk->json;
    size_t end = find_string_end(json, walk->at + 1);
    char *out = mr_arena_alloc(walk->arena, end - walk->at);
    size_t len = 0;
    size_t at = walk->at + 1;
    for (; at < end; at++) {
        if (json.ptr[at] != '\\') {
            out[len++] = json.ptr[at];
            continue;
        }
        char c = ++at < json.len ? json.ptr[at] : '\0';
        int code = c == 'u' ? hex_at(json, at + 1) : -1;
        if (code >= 0) {
            len += put_character(out + len, code);
            at += 4;
        } else {
            out[len++] = c == 'n' || c == 't' || c == 'r' ? ' ' : c;
        }
    }
    walk->at = at + 1;
    return mr_bytes_of(out, len);
}

static struct mr_bytes take_number(struct walk *walk)
{
    size_t start = walk->at;
    while (walk->at < walk->json.len && memchr("+-0123456789.eE", walk->json.ptr[walk->at], 15))
        walk->at++;
    struct mr_bytes number = mr_bytes_of(walk->json.ptr + start, walk->at - start);
    for (size_t i = 0; i < number.len; i++) /* The digits behind the point are another number. */
        if (memchr(".eE", number.ptr[i], 3))
            number.len = i;
    return number;
}

static struct mr_bytes pointer_of(const struct walk *walk)
{
    struct mr_bytes pointer = mr_bytes_of("", 0);
    for (int i = 0; i < walk->depth; i++) {
        const struct level *level = &walk->levels[i];
        struct mr_bytes name =
            level->is_object ? level->name : mr_arena_printf(walk->arena, "%d", level->index);
        pointer = http_json_pointer(walk->arena, pointer, name);
    }
    return pointer;
}

/* One token; its text when it is one that may hold a number, else a NULL view. */
static struct mr_bytes take_token(struct walk *walk)
{
    struct level *level = walk->depth ? &walk->levels[walk->depth - 1] : NULL;
    char c = walk->json.ptr[walk->at];
    if (c == '"') {
        struct mr_bytes text = take_string(walk);
        if (level && level->wants_name) {
            level->name = text;
            level->wants_name = false;
        }
        return text;
    }
    if (c == '-' || (c >= '0' && c <= '9'))
        return take_number(walk);
    walk->at++;
    if ((c == '{' || c == '[') && walk->depth < DEPTH_MAX)
        walk->levels[walk->depth++] = (struct level){.is_object = c == '{', .wants_name = c == '{'};
    else if ((c == '}' || c == ']') && walk->depth > 0)
        walk->depth--;
    else if (c == ',' && level) {
        level->index++;
        level->wants_name = level->is_object;
    }
    return (struct mr_bytes){0};
}

bool card_number_in_json(struct mr_bytes json, struct mr_arena *arena, struct mr_bytes *ret_pointer)
{
    assert(arena && ret_pointer);
    struct walk walk = {.json = json, .arena = arena};
    while (walk.at < json.len) {
        struct mr_bytes text = take_token(&walk);
        if (text.ptr && card_number_in_text(text)) {
            *ret_pointer = pointer_of(&walk);
            return true;
        }
    }
    return false;
}
