/*
 * text_kind.h - distinguishes text from other kinds of file by the first bytes.
 * Private to text_source.c.
 *
 * Threads  Any.
 */
#ifndef TOOLS_TEXT_KIND_H
#define TOOLS_TEXT_KIND_H

#include <base/bytes.h>
#include <base/error.h>

/* MR_MALFORMED names the kind and what to do: "the file is gzip data; ...". `start` is what the
 * file begins with, as much of it as is at hand. */
int text_kind_judge(struct mr_bytes start, struct mr_error *error);

#endif
