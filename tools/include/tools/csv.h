/*
 * csv.h - one row after another of RFC 4180 text: commas, double quotes, LF or CRLF.
 *
 * Strict: a quote inside a bare field, or anything but a comma or the line's end after a closing
 * quote, is an error, for with broken quotes nobody knows where the next field begins.
 *
 * Threads  One at a time.
 * Memory   One row of at most 64 KiB and 64 fields; views die with the next row.
 */
#ifndef TOOLS_CSV_H
#define TOOLS_CSV_H

#include <base/buffer.h>
#include <tools/text_source.h>

enum { CSV_FIELDS_MAX = 64, CSV_ROW_BYTES_MAX = 64 * 1024 };

struct csv_row {
    int64_t line; /* The line of its first character, from 1. */
    size_t fields_count;
    struct mr_bytes fields[CSV_FIELDS_MAX];
};

struct csv_reader;
struct csv_reader *csv_reader_new(struct text_source *source); /* Borrows the source. */
void csv_reader_free(struct csv_reader *reader);               /* NULL is fine. */

/* 1: a row; 0: the end. MR_MALFORMED and MR_TOO_LARGE begin with "line N: ". */
int csv_next(struct csv_reader *reader, struct csv_row *ret_row, struct mr_error *error);

#endif
