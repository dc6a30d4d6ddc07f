/*
 * retail_field.h - one field of a row: its blanks, its characters, and whether it stands for
 * nothing. Private to retail*.c.
 *
 * Threads  Any.
 */
#ifndef TOOLS_RETAIL_FIELD_H
#define TOOLS_RETAIL_FIELD_H

#include <base/bytes.h>

/* Without blanks, tabs, line ends, no-break and zero-width blanks at either end. */
struct mr_bytes retail_field_trim(struct mr_bytes text);

/* True for a trimmed field that is empty, or that databases, spreadsheets and pandas write for a
 * missing value. */
bool retail_field_is_nothing(struct mr_bytes text);

/* "13085.0", "13085.00" and "13085." as the whole number they were before they became floats. */
struct mr_bytes retail_field_without_float(struct mr_bytes text);

/* A number that has been written with an exponent ("5.4E+05"): its digits are lost. */
bool retail_field_is_shortened(struct mr_bytes text);

/* True: well-formed UTF-8. False: *ret_byte is the first byte that is not. */
bool retail_field_is_utf8(struct mr_bytes text, unsigned *ret_byte);

/* The first control character or line separator of well-formed UTF-8 from *at on, 0 for NUL; -1:
 * there is none. *at is where it begins, *ret_len what it takes. */
int retail_field_find_control(struct mr_bytes text, size_t *at, size_t *ret_len);

/* True for what ends a line or is a tab: in running text a blank can stand for it. */
bool retail_field_is_break(int control);

#endif
