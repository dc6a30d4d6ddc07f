/* text_kind.c - files of other kinds, by their first bytes. */
#include "text_kind.h"

#include <stdint.h>

#define UNPACK "; unpack it first, or pack it with xz"

struct kind {
    struct mr_bytes magic;
    const char *what;
};

/* UTF-32 before UTF-16: its mark begins with UTF-16's. */
static const struct kind kinds[] = {
    {MR_LITERAL("PK\x03\x04"), "an Excel workbook or another zip file; save the sheet as CSV"},
    {MR_LITERAL("PK\x05\x06"), "an empty zip file"},
    {MR_LITERAL("\xd0\xcf\x11\xe0"), "an old Excel workbook; save the sheet as CSV"},
    {MR_LITERAL("\x1f\x8b"), "gzip data" UNPACK},
    {MR_LITERAL("\x28\xb5\x2f\xfd"), "zstd data" UNPACK},
    {MR_LITERAL("\x04\x22\x4d\x18"), "lz4 data" UNPACK},
    {MR_LITERAL("\x5d\x00\x00"), "lzma data" UNPACK},
    {MR_LITERAL("BZh"), "bzip2 data" UNPACK},
    {MR_LITERAL("\xfd"
                "7zXZ"),
     "xz data within xz data" UNPACK},
    {MR_LITERAL("7z\xbc\xaf"), "a 7z archive; unpack it first"},
    {MR_LITERAL("Rar!"), "a RAR archive; unpack it first"},
    {MR_LITERAL("PAR1"), "a Parquet file; write it as CSV"},
    {MR_LITERAL("ARROW1"), "an Arrow file; write it as CSV"},
    {MR_LITERAL("FEA1"), "a Feather file; write it as CSV"},
    {MR_LITERAL("ORC"), "an ORC file; write it as CSV"},
    {MR_LITERAL("Obj\x01"), "an Avro file; write it as CSV"},
    {MR_LITERAL("\x89HDF"), "an HDF5 file; write it as CSV"},
    {MR_LITERAL("SQLite format 3"), "an SQLite database; export the table as CSV"},
    {MR_LITERAL("%PDF"), "a PDF file, not CSV"},
    {MR_LITERAL("\x89PNG"), "a picture, not CSV"},
    {MR_LITERAL("\xff\xd8\xff"), "a picture, not CSV"},
    {MR_LITERAL("\x7f"
                "ELF"),
     "a program, not CSV"},
    {MR_LITERAL("\xff\xfe\x00\x00"), "UTF-32 text; convert it: iconv -f UTF-32 -t UTF-8"},
    {MR_LITERAL("\x00\x00\xfe\xff"), "UTF-32 text; convert it: iconv -f UTF-32 -t UTF-8"},
    {MR_LITERAL("\xff\xfe"), "UTF-16 text; convert it: iconv -f UTF-16 -t UTF-8"},
    {MR_LITERAL("\xfe\xff"), "UTF-16 text; convert it: iconv -f UTF-16 -t UTF-8"},
    {MR_LITERAL("version https://git-lfs"),
     "a Git LFS pointer, not the data; fetch it: git lfs pull"},
};

/* Behind a byte order mark and blanks. */
static const struct kind markups[] = {
    {MR_LITERAL("<"), "HTML or XML; perhaps an error page was saved in place of the data"},
    {MR_LITERAL("{"), "JSON; write it as CSV"},
    {MR_LITERAL("["), "JSON; write it as CSV"},
};

static int
kind_refuse(struct mr_bytes text, const struct kind *list, size_t count, struct mr_error *error)
{
    for (size_t i = 0; i < count; i++)
        if (mr_bytes_starts_with(text, list[i].magic))
            return mr_fail(error, MR_MALFORMED, "the file is %s", list[i].what);
    return 0;
}

static struct mr_bytes kind_skip_blanks(struct mr_bytes text)
{
    if (mr_bytes_starts_with(text, mr_cstr("\xef\xbb\xbf")))
        text = mr_bytes_of(text.ptr + 3, text.len - 3);
    while (text.len > 0 && strchr(" \t\r\n", text.ptr[0]) && text.ptr[0])
        text = mr_bytes_of(text.ptr + 1, text.len - 1);
    return text;
}

/* UTF-16 without a mark: every other byte of the first characters is NUL. */
static const char *kind_find_encoding(struct mr_bytes text)
{
    if (text.len < 4)
        return NULL;
    if (text.ptr[0] && !text.ptr[1] && text.ptr[2] && !text.ptr[3])
        return "UTF-16LE";
    if (!text.ptr[0] && text.ptr[1] && !text.ptr[2] && text.ptr[3])
        return "UTF-16BE";
    if (text.ptr[0] && !text.ptr[1] && !text.ptr[2] && !text.ptr[3])
        return "UTF-32LE";
    return !text.ptr[0] && !text.ptr[1] && !text.ptr[2] && text.ptr[3] ? "UTF-32BE" : NULL;
}

/* A first line has no control characters; a later one is judged field by field. */
static int kind_refuse_binary(struct mr_bytes text, struct mr_error *error)
{
    for (size_t i = 0; i < text.len && text.ptr[i] != '\n'; i++) {
        unsigned char byte = (unsigned char)text.ptr[i];
        if (byte < 0x20 && !(byte >= '\t' && byte <= '\r'))
            return mr_fail(
                error,
                MR_MALFORMED,
                "the file is not text: its first line has a byte 0x%02X",
                byte);
    }
    return 0;
}

int text_kind_judge(struct mr_bytes start, struct mr_error *error)
{
    int rc = kind_refuse(start, kinds, sizeof kinds / sizeof kinds[0], error);
    if (rc)
        return rc;
    const char *wide = kind_find_encoding(start);
    if (wide)
        return mr_fail(
            error,
            MR_MALFORMED,
            "the file is %.6s text; convert it: iconv -f %s -t UTF-8",
            wide,
            wide);
    rc = kind_refuse(kind_skip_blanks(start), markups, sizeof markups / sizeof markups[0], error);
    return rc ? rc : kind_refuse_binary(start, error);
}
