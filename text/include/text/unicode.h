/*
 * unicode.h - texts compared as people read them, by Unicode's own data (utf8proc).
 *
 * Text that is not UTF-8 is left as it is, byte for byte: no function fails on it.
 *
 * Threads  Any.
 * Memory   Results are in the arena.
 */
#ifndef TEXT_UNICODE_H
#define TEXT_UNICODE_H

#include <base/arena.h>
#include <base/bytes.h>

/*
 * The form in which texts are searched and sorted: full case folding (final sigma is sigma, sharp s
 * is ss), compatibility forms as the plain ones (full width, ligatures), accents and other marks
 * left out, ignorable characters left out, a run of blanks as one, none around. Folding twice is
 * folding once. Source: Unicode Standard 3.13 (D145), UAX #15.
 */
struct mr_bytes text_fold(struct mr_arena *arena, struct mr_bytes text);

/*
 * The next word of a folded text: letters, digits and marks in a row. An apostrophe between two of
 * them is left out, so that "men's" is the word "mens"; what is longer than TEXT_WORD_BYTES_MAX is
 * cut before a character. The word is in `buffer`, and *rest behind it. False: there was none.
 */
enum { TEXT_WORD_BYTES_MAX = 32 };
bool text_next_word(
    struct mr_bytes *rest, char buffer[TEXT_WORD_BYTES_MAX], struct mr_bytes *ret_word);

/* Canonical composition (NFC): one character for a letter and its accent. */
struct mr_bytes text_compose(struct mr_arena *arena, struct mr_bytes text);

/*
 * True when every character can be seen and is where it seems to be: no blank, control, format or
 * other ignorable character, no filler, nothing unassigned or of private use. False for what is not
 * UTF-8.
 */
bool text_is_visible(struct mr_bytes text);

/* The digit 0 to 9 that the character at the start stands for in any script (full width, Arabic
 * ...), or -1; *ret_len is what it takes. */
int text_digit_at(struct mr_bytes text, size_t *ret_len);

#endif
