/* retail_field.c - blanks, words for nothing, and the characters of a field. */
#include "retail_field.h"

#include <strings.h>

#include <assert.h>

/* -- blanks -- */

/* NO-BREAK SPACE, FIGURE SPACE, ZERO WIDTH SPACE, NARROW NO-BREAK SPACE, IDEOGRAPHIC SPACE and the
 * byte order mark: they come with what was copied from web pages and sheets. */
static const struct mr_bytes blanks[] = {
    MR_LITERAL(" "),
    MR_LITERAL("\t"),
    MR_LITERAL("\r"),
    MR_LITERAL("\n"),
    MR_LITERAL("\xc2\xa0"),
    MR_LITERAL("\xe2\x80\x87"),
    MR_LITERAL("\xe2\x80\x8b"),
    MR_LITERAL("\xe2\x80\xaf"),
    MR_LITERAL("\xe3\x80\x80"),
    MR_LITERAL("\xef\xbb\xbf"),
};
enum { BLANKS = sizeof blanks / sizeof blanks[0] };

/* The bytes of the blank at the front, or at the back; 0: there is none. */
static size_t field_measure_blank(struct mr_bytes text, bool back)
{
    for (size_t i = 0; i < BLANKS; i++)
        if (text.len >= blanks[i].len && memcmp(
                                             back ? text.ptr + text.len - blanks[i].len : text.ptr,
                                             blanks[i].ptr,
                                             blanks[i].len) == 0)
            return blanks[i].len;
    return 0;
}

struct mr_bytes retail_field_trim(struct mr_bytes text)
{
    size_t len = 0;
    while ((len = field_measure_blank(text, false)) > 0)
        text = mr_bytes_of(text.ptr + len, text.len - len);
    while ((len = field_measure_blank(text, true)) > 0)
        text.len -= len;
    return text;
}

/* -- nothing -- */

/* In any case. "0", "unknown", and a spreadsheet's errors (#VALUE!, #REF!) are not among them: a
 * number that is one of those is refused. */
static const char *const words_for_nothing[] = {
    /* SQL and its clients: mysql, psql and COPY, DBeaver, DataGrip, HeidiSQL, pgAdmin. */
    "null",
    "(null)",
    "[null]",
    "<null>",
    "{null}",
    "\\n",
    /* pandas.read_csv takes these for missing; pandas, NumPy, R and Julia write them. */
    "nan",
    "-nan",
    "+nan",
    "na",
    "n/a",
    "<na>",
    "#na",
    "#n/a",
    "#n/a n/a",
    "1.#ind",
    "-1.#ind",
    "1.#qnan",
    "-1.#qnan",
    "nat",
    "none",
    "nil",
    "undefined",
    "pd.na",
    "#null!",
    /* People and statistics programs put these into an empty cell. */
    "n.a.",
    "(blank)",
    "-",
    "--",
    "\xe2\x80\x93",
    "\xe2\x80\x94",
    ".",
    "?",
    "''",
    "\"\"",
};

bool retail_field_is_nothing(struct mr_bytes text)
{
    for (size_t i = 0; i < sizeof words_for_nothing / sizeof words_for_nothing[0]; i++)
        if (text.len == strlen(words_for_nothing[i]) &&
            strncasecmp(text.ptr, words_for_nothing[i], text.len) == 0)
            return true;
    return text.len == 0;
}

/* -- numbers that are names -- */

static size_t field_count_digits(struct mr_bytes text)
{
    size_t count = 0;
    while (count < text.len && text.ptr[count] >= '0' && text.ptr[count] <= '9')
        count++;
    return count;
}

struct mr_bytes retail_field_without_float(struct mr_bytes text)
{
    size_t digits = field_count_digits(text);
    if (digits == 0 || digits == text.len || text.ptr[digits] != '.')
        return text;
    for (size_t i = digits + 1; i < text.len; i++)
        if (text.ptr[i] != '0')
            return text;
    return mr_bytes_of(text.ptr, digits);
}

bool retail_field_is_shortened(struct mr_bytes text)
{
    size_t at = field_count_digits(text);
    bool pointed = at > 0 && at < text.len && text.ptr[at] == '.';
    if (pointed)
        at += 1 + field_count_digits(mr_bytes_of(text.ptr + at + 1, text.len - at - 1));
    if (at == 0 || at >= text.len || (text.ptr[at] != 'e' && text.ptr[at] != 'E'))
        return false;
    at++;
    bool is_signed = at < text.len && (text.ptr[at] == '+' || text.ptr[at] == '-');
    at += is_signed;
    size_t digits = field_count_digits(mr_bytes_of(text.ptr + at, text.len - at));
    /* "12e45" may be a name of its own, of hexadecimal digits for one. */
    return (pointed || is_signed) && digits > 0 && at + digits == text.len;
}

/* -- characters -- */

bool retail_field_is_utf8(struct mr_bytes text, unsigned *ret_byte)
{
    const unsigned char *at = (const unsigned char *)text.ptr;
    const unsigned char *end = at + text.len;
    while (at < end) {
        size_t more = *at < 0x80 ? 0 : *at >= 0xf0 ? 3 : *at >= 0xe0 ? 2 : 1;
        bool good = (*at < 0x80 || *at >= 0xc2) && *at <= 0xf4 && (size_t)(end - at) > more;
        good = good && !(*at == 0xe0 && at[1] < 0xa0) && !(*at == 0xed && at[1] > 0x9f) &&
               !(*at == 0xf0 && at[1] < 0x90) && !(*at == 0xf4 && at[1] > 0x8f);
        for (size_t i = 1; good && i <= more; i++)
            good = (at[i] & 0xc0) == 0x80;
        if (!good) {
            *ret_byte = *at;
            return false;
        }
        at += more + 1;
    }
    return true;
}

int retail_field_find_control(struct mr_bytes text, size_t *at, size_t *ret_len)
{
    assert(*at <= text.len);
    for (; *at < text.len; ++*at) {
        const unsigned char *byte = (const unsigned char *)text.ptr + *at;
        *ret_len = 1;
        if (*byte < 0x20 || *byte == 0x7f)
            return *byte;
        *ret_len = 2;
        if (*byte == 0xc2 && byte[1] < 0xa0)
            return byte[1];
        *ret_len = 3;
        if (*byte == 0xe2 && byte[1] == 0x80 && (byte[2] == 0xa8 || byte[2] == 0xa9))
            return 0x2000 + (byte[2] - 0x80);
    }
    return -1;
}

bool retail_field_is_break(int control)
{
    return (control >= '\t' && control <= '\r') || control == 0x85 || control == 0x2028 ||
           control == 0x2029;
}
