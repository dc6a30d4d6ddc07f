/*
 * text_source.h - the bytes of a file, xz-compressed or plain, in pieces of bounded size.
 *
 * The first bytes decide whether it is compressed, not the name.
 *
 * Threads  One at a time.
 * Memory   64 KiB in, plus what xz needs (refused over 256 MiB).
 */
#ifndef TOOLS_TEXT_SOURCE_H
#define TOOLS_TEXT_SOURCE_H

#include <base/bytes.h>
#include <base/error.h>

struct text_source;

/* MR_NOT_FOUND or MR_IO with the path. */
int text_source_open(const char *path, struct text_source **ret_source, struct mr_error *error);

/* Reads bytes in memory, which must outlive it, by the same rules. */
struct text_source *text_source_of(struct mr_bytes bytes);

void text_source_close(struct text_source *source); /* NULL is fine. */

/*
 * Up to `size` bytes; *ret_len 0 is the end. MR_MALFORMED when the xz data is damaged or ends too
 * early, MR_IO when the file cannot be read.
 */
int text_source_read(
    struct text_source *source, char *out, size_t size, size_t *ret_len, struct mr_error *error);

#endif
