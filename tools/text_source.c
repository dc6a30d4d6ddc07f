/* text_source.c - plain or xz bytes, decided by the first six; liblzma is known only here. */
#include "text_kind.h"

#include <base/alloc.h>
#include <tools/text_source.h>

#include <assert.h>
#include <errno.h>
#include <lzma.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { INPUT_BYTES = 64 * 1024 };
static const uint64_t xz_memory_bytes_max = 256U << 20;

struct text_source {
    FILE *file;             /* NULL: memory. */
    struct mr_bytes memory; /* Not yet read. */
    bool sniffed;
    bool compressed;
    bool judged; /* The first bytes have been found to be text. */
    bool input_over;
    bool over;
    lzma_stream stream; /* next_in, avail_in: read but not yet handed out; plain files too. */
    uint8_t input[INPUT_BYTES];
};

static struct text_source *source_new(void)
{
    struct text_source *source = mr_calloc(1, sizeof *source);
    source->stream = (lzma_stream)LZMA_STREAM_INIT;
    return source;
}

int text_source_open(const char *path, struct text_source **ret_source, struct mr_error *error)
{
    assert(path && ret_source);
    FILE *file = fopen(path, "rbe");
    struct stat kind;
    if (!file)
        return mr_fail(
            error, errno == ENOENT ? MR_NOT_FOUND : MR_IO, "opening %s: %s", path, strerror(errno));
    if (fstat(fileno(file), &kind) == 0 && S_ISDIR(kind.st_mode)) {
        (void)fclose(file);
        return mr_fail(error, MR_IO, "%s is a folder", path);
    }
    struct text_source *source = source_new();
    source->file = file;
    *ret_source = source;
    return 0;
}

struct text_source *text_source_of(struct mr_bytes bytes)
{
    struct text_source *source = source_new();
    source->memory = bytes;
    return source;
}

void text_source_close(struct text_source *source)
{
    if (!source)
        return;
    lzma_end(&source->stream);
    if (source->file)
        (void)fclose(source->file);
    free(source);
}

/* Fills the input buffer when it is empty. */
static int source_refill(struct text_source *source, struct mr_error *error)
{
    size_t len;
    if (source->stream.avail_in || source->input_over)
        return 0;
    if (source->file) {
        len = fread(source->input, 1, INPUT_BYTES, source->file);
        if (len < INPUT_BYTES && ferror(source->file))
            return mr_fail(error, MR_IO, "reading the file: %s", strerror(errno));
    } else {
        len = source->memory.len < INPUT_BYTES ? source->memory.len : INPUT_BYTES;
        if (len)
            memcpy(source->input, source->memory.ptr, len);
        source->memory.ptr += len;
        source->memory.len -= len;
    }
    source->input_over = len == 0;
    source->stream.next_in = source->input;
    source->stream.avail_in = len;
    return 0;
}

static int source_sniff_format(struct text_source *source, struct mr_error *error)
{
    static const uint8_t magic[] = {0xfd, '7', 'z', 'X', 'Z', 0};
    int rc = source_refill(source, error);
    if (rc)
        return rc;
    source->sniffed = true;
    source->compressed = source->stream.avail_in >= sizeof magic &&
                         memcmp(source->stream.next_in, magic, sizeof magic) == 0;
    if (source->compressed &&
        lzma_stream_decoder(&source->stream, xz_memory_bytes_max, LZMA_CONCATENATED) != LZMA_OK)
        return mr_fail(error, MR_FATAL, "xz: the decoder does not start");
    return 0;
}

static int source_fail_xz(lzma_ret code, struct mr_error *error)
{
    if (code == LZMA_BUF_ERROR)
        return mr_fail(error, MR_MALFORMED, "the xz data is truncated");
    if (code == LZMA_MEMLIMIT_ERROR)
        return mr_fail(error, MR_TOO_LARGE, "the xz data needs over 256 MiB to unpack");
    return mr_fail(error, MR_MALFORMED, "the xz data is damaged");
}

/* Unpacks until something came out or the stream ended whole. */
static int source_unpack(
    struct text_source *source, char *out, size_t size, size_t *ret_len, struct mr_error *error)
{
    source->stream.next_out = (uint8_t *)out;
    source->stream.avail_out = size;
    while (!source->over && source->stream.avail_out == size) {
        int rc = source_refill(source, error);
        if (rc)
            return rc;
        lzma_ret code = lzma_code(&source->stream, source->input_over ? LZMA_FINISH : LZMA_RUN);
        if (code == LZMA_STREAM_END)
            source->over = true;
        else if (code != LZMA_OK)
            return source_fail_xz(code, error);
    }
    *ret_len = size - source->stream.avail_out;
    return 0;
}

static int source_copy_plain(
    struct text_source *source, char *out, size_t size, size_t *ret_len, struct mr_error *error)
{
    int rc = source_refill(source, error);
    if (rc)
        return rc;
    size_t len = source->stream.avail_in < size ? source->stream.avail_in : size;
    memcpy(out, source->stream.next_in, len);
    source->stream.next_in += len;
    source->stream.avail_in -= len;
    *ret_len = len;
    return 0;
}

int text_source_read(
    struct text_source *source, char *out, size_t size, size_t *ret_len, struct mr_error *error)
{
    size_t len = 0;
    assert(size > 0);
    int rc = source->sniffed ? 0 : source_sniff_format(source, error);
    if (rc)
        return rc;
    rc = source->compressed ? source_unpack(source, out, size, &len, error)
                            : source_copy_plain(source, out, size, &len, error);
    if (rc == 0 && !source->judged)
        rc = text_kind_judge(mr_bytes_of(out, len), error);
    source->judged = true;
    if (rc == 0)
        *ret_len = len;
    return rc;
}
