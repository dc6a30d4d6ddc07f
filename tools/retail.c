/*
 * retail.c - one row of the file after another: which columns, is it well formed, does it qualify.
 */
#include "retail_field.h"
#include "retail_fold.h"
#include "retail_header.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { TEXT_BYTES_MAX = 512, CODE_BYTES_MAX = RETAIL_CODE_BYTES_MAX, QUOTED_BYTES_MAX = 80 };

const char *retail_skip_text(enum retail_skip skip)
{
    static const char *const texts[RETAIL_SKIPS] = {
        "an InvoiceNo that is not all digits",
        "a Quantity not above 0",
        "a UnitPrice not above 0",
    };
    return texts[skip];
}

static int
row_refuse(const struct csv_row *row, int code, struct mr_error *error, const char *what, ...)
    __attribute__((format(printf, 4, 5)));

static int
row_refuse(const struct csv_row *row, int code, struct mr_error *error, const char *what, ...)
{
    char text[400];
    va_list args;
    va_start(args, what);
    (void)vsnprintf(text, sizeof text, what, args);
    va_end(args);
    return mr_fail(error, code, "line %" PRId64 ": %s", row->line, text);
}

static bool row_is_all(struct mr_bytes text, const char *characters)
{
    for (size_t i = 0; i < text.len; i++)
        if (!text.ptr[i] || !strchr(characters, text.ptr[i]))
            return false;
    return text.len > 0;
}

#define DIGITS  "0123456789"
#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

/* Excel writes rows of commas only, databases such of NULL only. */
static bool row_is_blank(const struct csv_row *row)
{
    for (size_t i = 0; i < row->fields_count; i++)
        if (!retail_field_is_nothing(retail_field_trim(row->fields[i])))
            return false;
    return true;
}

struct row_reader {
    struct retail_fold *fold;
    struct retail_header header;
    char sku[CODE_BYTES_MAX];
    char title[TEXT_BYTES_MAX];
};

static struct mr_bytes row_raise_case(struct row_reader *reader, struct mr_bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        reader->sku[i] = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
    }
    return mr_bytes_of(reader->sku, text.len);
}

/* A line break or a tab, CRLF as one, becomes a blank: search folds them so anyway. */
static struct mr_bytes row_join_lines(struct row_reader *reader, struct mr_bytes text)
{
    size_t from = 0;
    size_t at = 0;
    size_t len = 0;
    size_t taken = 0;
    int control;
    while ((control = retail_field_find_control(text, &at, &taken)) >= 0) {
        if (!retail_field_is_break(control)) {
            at += taken;
            continue;
        }
        memcpy(reader->title + len, text.ptr + from, at - from);
        len += at - from;
        reader->title[len++] = ' ';
        at += taken + (control == '\r' && at + 1 < text.len && text.ptr[at + 1] == '\n');
        from = at;
    }
    if (text.len > from)
        memcpy(reader->title + len, text.ptr + from, text.len - from);
    return mr_bytes_of(reader->title, len + text.len - from);
}

static int row_judge_control(
    const struct csv_row *row, const char *name, struct mr_bytes text, struct mr_error *error)
{
    size_t at = 0;
    size_t len = 0;
    int control = retail_field_find_control(text, &at, &len);
    if (control < 0)
        return 0;
    if (control == '\t')
        return row_refuse(row, MR_MALFORMED, error, "%s has a tab", name);
    if (retail_field_is_break(control))
        return row_refuse(row, MR_MALFORMED, error, "%s has a line break", name);
    return row_refuse(
        row, MR_MALFORMED, error, "%s has the control character U+%04X", name, (unsigned)control);
}

/* Leaves the field trimmed, and a description in one line. */
static int row_judge_text(
    struct row_reader *reader,
    const struct csv_row *row,
    enum retail_column column,
    struct mr_bytes *field,
    struct mr_error *error)
{
    const char *name = retail_column_name(column);
    size_t bytes_max = column == COLUMN_TITLE ? TEXT_BYTES_MAX : CODE_BYTES_MAX;
    unsigned byte = 0;
    struct mr_bytes text = column == COLUMN_TITLE ? *field : retail_field_trim(*field);
    if (text.len > bytes_max)
        return row_refuse(
            row,
            MR_TOO_LARGE,
            error,
            "%s has %zu bytes, at most %zu are allowed",
            name,
            text.len,
            bytes_max);
    if (!retail_field_is_utf8(text, &byte))
        return row_refuse(
            row,
            MR_MALFORMED,
            error,
            "%s is not UTF-8 (byte 0x%02X); if the file is Windows-1252, convert it: "
            "iconv -f WINDOWS-1252 -t UTF-8",
            name,
            byte);
    if (column == COLUMN_TITLE)
        text = row_join_lines(reader, text);
    *field = text;
    return row_judge_control(row, name, text, error);
}

static int row_refuse_field(
    const struct csv_row *row,
    enum retail_column column,
    struct mr_bytes text,
    const char *what,
    struct mr_error *error)
{
    return row_refuse(
        row,
        MR_MALFORMED,
        error,
        "%s \"%.*s\" %s",
        retail_column_name(column),
        (int)(text.len < QUOTED_BYTES_MAX ? text.len : QUOTED_BYTES_MAX),
        text.ptr,
        what);
}

/* A number that is not there is 0: such a line does not qualify. */
static int row_judge_numbers(
    const struct csv_row *row,
    const struct mr_bytes field[COLUMNS],
    struct retail_sale *sale,
    int *ret_sign,
    struct mr_error *error)
{
    struct mr_bytes quantity = field[COLUMN_QUANTITY];
    struct mr_bytes price = field[COLUMN_PRICE];
    if (!retail_field_is_nothing(quantity) && !retail_parse_quantity(quantity, &sale->quantity))
        return row_refuse_field(
            row, COLUMN_QUANTITY, quantity, retail_number_fault(quantity, true), error);
    if (!retail_field_is_nothing(price) && !retail_parse_price(price, ret_sign, &sale->price_minor))
        return row_refuse_field(row, COLUMN_PRICE, price, retail_number_fault(price, false), error);
    return 0;
}

/* The names of things, in every line, qualifying or not: a file that has lost digits in one has
 * lost them in others. */
static int row_judge_names(
    struct row_reader *reader,
    const struct csv_row *row,
    const struct mr_bytes field[COLUMNS],
    struct retail_sale *sale,
    struct mr_error *error)
{
    static const enum retail_column numbers[] = {COLUMN_INVOICE, COLUMN_CUSTOMER};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        if (retail_field_is_shortened(field[numbers[i]]))
            return row_refuse_field(
                row,
                numbers[i],
                field[numbers[i]],
                "was written as a number with an exponent and has lost digits; write it as text",
                error);
    if (retail_field_is_nothing(field[COLUMN_SKU]))
        return field[COLUMN_SKU].len ? row_refuse_field(
                                           row,
                                           COLUMN_SKU,
                                           field[COLUMN_SKU],
                                           "stands for nothing: StockCode is empty",
                                           error)
                                     : row_refuse(row, MR_MALFORMED, error, "StockCode is empty");
    sale->invoice = retail_field_without_float(field[COLUMN_INVOICE]);
    sale->sku = row_raise_case(reader, retail_field_without_float(field[COLUMN_SKU]));
    if (!retail_field_is_nothing(retail_field_trim(field[COLUMN_TITLE])))
        sale->title = field[COLUMN_TITLE];
    if (!retail_field_is_nothing(field[COLUMN_CUSTOMER]))
        sale->customer = retail_field_without_float(field[COLUMN_CUSTOMER]);
    if (sale->customer.len && !row_is_all(sale->customer, DIGITS LETTERS "_-"))
        return row_refuse_field(
            row,
            COLUMN_CUSTOMER,
            field[COLUMN_CUSTOMER],
            "is not an ID: letters, digits, - and _",
            error);
    return 0;
}

static int
row_judge_width(const struct row_reader *reader, const struct csv_row *row, struct mr_error *error)
{
    size_t wanted = reader->header.fields_count;
    if (row->fields_count == wanted)
        return 0;
    return row_refuse(
        row,
        MR_MALFORMED,
        error,
        "%zu columns, want %zu%s",
        row->fields_count,
        wanted,
        row->fields_count > wanted ? " (a comma within a field needs quotes around the field)"
                                   : "");
}

/* Fills `sale` and the price's sign; complains about what no line may have, qualifying or not. */
static int row_judge(
    struct row_reader *reader,
    const struct csv_row *row,
    struct retail_sale *ret_sale,
    int *ret_sign,
    struct mr_error *error)
{
    struct mr_bytes field[COLUMNS];
    struct retail_sale sale = {.line = row->line};
    int sign = 0;
    int rc = row_judge_width(reader, row, error);
    for (int i = 0; rc == 0 && i < COLUMNS; i++) {
        field[i] = row->fields[reader->header.places[i]];
        rc = row_judge_text(reader, row, (enum retail_column)i, &field[i], error);
    }
    rc = rc ? rc : row_judge_names(reader, row, field, &sale, error);
    rc = rc ? rc : row_judge_numbers(row, field, &sale, &sign, error);
    if (rc == 0) {
        *ret_sale = sale;
        *ret_sign = sign;
    }
    return rc;
}

static int row_read(struct row_reader *reader, const struct csv_row *row, struct mr_error *error)
{
    struct retail_sale sale = {0};
    struct retail *result = &reader->fold->result;
    struct mr_error why;
    int sign = 0;
    int rc = row_judge(reader, row, &sale, &sign, error);
    if (rc)
        return rc;
    result->lines_read++;
    if (!row_is_all(sale.invoice, DIGITS)) {
        result->lines_skipped[RETAIL_SKIP_INVOICE]++;
    } else if (sale.quantity <= 0) {
        result->lines_skipped[RETAIL_SKIP_QUANTITY]++;
    } else if (sign <= 0) {
        result->lines_skipped[RETAIL_SKIP_PRICE]++;
    } else {
        result->lines_qualifying++;
        rc = retail_fold_add(reader->fold, &sale, &why);
        if (rc)
            return row_refuse(row, rc, error, "%s", why.text);
    }
    return 0;
}

static int row_read_all(struct csv_reader *csv, struct retail_fold *fold, struct mr_error *error)
{
    struct row_reader reader = {.fold = fold};
    struct csv_row row;
    int rc = csv_next(csv, &row, error);
    while (rc > 0 && (row_is_blank(&row) || retail_header_is_hint(&row)))
        rc = csv_next(csv, &row, error);
    if (rc == 0)
        return mr_fail(error, MR_MALFORMED, "line 1: the file is empty");
    if (rc > 0)
        rc = retail_header_read(&row, &reader.header, error);
    while (rc >= 0) {
        rc = csv_next(csv, &row, error);
        if (rc <= 0)
            break;
        if (!row_is_blank(&row))
            rc = row_read(&reader, &row, error);
    }
    return rc;
}

int retail_read(
    struct text_source *source, const struct retail **ret_retail, struct mr_error *error)
{
    assert(source && ret_retail);
    struct retail_fold *fold = retail_fold_new();
    struct csv_reader *csv = csv_reader_new(source);
    int rc = row_read_all(csv, fold, error);
    if (rc == 0)
        rc = retail_fold_finish(fold, error);
    csv_reader_free(csv);
    if (rc)
        retail_free(&fold->result);
    else
        *ret_retail = &fold->result;
    return rc;
}

int retail_load(const char *path, const struct retail **ret_retail, struct mr_error *error)
{
    struct text_source *source = NULL;
    int rc = text_source_open(path, &source, error);
    if (rc == 0)
        rc = retail_read(source, ret_retail, error);
    text_source_close(source);
    return rc;
}
