/*
 * retail.c - one row of the file after another: which columns, is it well formed, does it qualify.
 */
#include "retail_fold.h"

#include <tools/csv.h>

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum column { INVOICE, SKU, TITLE, QUANTITY, DATE, PRICE, CUSTOMER, COUNTRY, COLUMNS };

enum { TEXT_BYTES_MAX = 512, CODE_BYTES_MAX = 64 };

static const char *const column_names[COLUMNS] = {
    "InvoiceNo",
    "StockCode",
    "Description",
    "Quantity",
    "InvoiceDate",
    "UnitPrice",
    "CustomerID",
    "Country"};

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
complain(const struct csv_row *row, int code, struct mr_error *error, const char *what, ...)
    __attribute__((format(printf, 4, 5)));

static int
complain(const struct csv_row *row, int code, struct mr_error *error, const char *what, ...)
{
    char text[400];
    va_list args;
    va_start(args, what);
    (void)vsnprintf(text, sizeof text, what, args);
    va_end(args);
    return mr_fail(error, code, "line %" PRId64 ": %s", row->line, text);
}

/* Where each column is; the first row names them. */
static int
read_header(const struct csv_row *row, size_t ret_places[COLUMNS], struct mr_error *error)
{
    for (size_t column = 0; column < COLUMNS; column++) {
        size_t at = 0;
        while (at < row->fields_count &&
               !mr_bytes_equal(row->fields[at], mr_cstr(column_names[column])))
            at++;
        if (at == row->fields_count)
            return complain(
                row, MR_MALFORMED, error, "the column %s is missing", column_names[column]);
        ret_places[column] = at;
    }
    if (row->fields_count != COLUMNS)
        return complain(
            row,
            MR_MALFORMED,
            error,
            "%zu columns, want the %d of Online Retail",
            row->fields_count,
            COLUMNS);
    return 0;
}

/* Well-formed UTF-8 without the characters below the space. */
static bool is_text(struct mr_bytes text)
{
    const unsigned char *at = (const unsigned char *)text.ptr;
    const unsigned char *end = at + text.len;
    while (at < end) {
        size_t more = *at < 0x80 ? 0 : *at >= 0xf0 ? 3 : *at >= 0xe0 ? 2 : 1;
        if (*at < 0x20 || *at == 0x7f || (*at >= 0x80 && *at < 0xc2) || *at > 0xf4)
            return false;
        if ((size_t)(end - at) <= more)
            return false;
        if ((*at == 0xe0 && at[1] < 0xa0) || (*at == 0xed && at[1] > 0x9f) ||
            (*at == 0xf0 && at[1] < 0x90) || (*at == 0xf4 && at[1] > 0x8f))
            return false;
        for (size_t i = 1; i <= more; i++)
            if ((at[i] & 0xc0) != 0x80)
                return false;
        at += more + 1;
    }
    return true;
}

static bool is_all(struct mr_bytes text, const char *characters)
{
    for (size_t i = 0; i < text.len; i++)
        if (!strchr(characters, text.ptr[i]))
            return false;
    return text.len > 0;
}

#define DIGITS  "0123456789"
#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

/* The ".0" of a number that was once a float is no part of the ID. */
static struct mr_bytes customer_of(struct mr_bytes text)
{
    if (text.len > 2 && memcmp(text.ptr + text.len - 2, ".0", 2) == 0 &&
        is_all(mr_bytes_of(text.ptr, text.len - 2), DIGITS))
        text.len -= 2;
    return text;
}

struct row_reader {
    struct retail_fold *fold;
    size_t places[COLUMNS];
    char sku[CODE_BYTES_MAX];
};

static struct mr_bytes upper_case(struct row_reader *reader, struct mr_bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        reader->sku[i] = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
    }
    return mr_bytes_of(reader->sku, text.len);
}

/* Fills `sale` and the price's sign; complains about what no line may have, qualifying or not. */
static int judge(
    struct row_reader *reader,
    const struct csv_row *row,
    struct retail_sale *ret_sale,
    int *ret_sign,
    struct mr_error *error)
{
    struct mr_bytes field[COLUMNS];
    if (row->fields_count != COLUMNS)
        return complain(
            row, MR_MALFORMED, error, "%zu columns, want %d", row->fields_count, COLUMNS);
    for (size_t i = 0; i < COLUMNS; i++) {
        field[i] = row->fields[reader->places[i]];
        if (field[i].len > (i == TITLE ? TEXT_BYTES_MAX : CODE_BYTES_MAX))
            return complain(row, MR_TOO_LARGE, error, "%s is too long", column_names[i]);
        if (!is_text(field[i]))
            return complain(row, MR_MALFORMED, error, "%s is not UTF-8 text", column_names[i]);
    }
    struct retail_sale sale = {
        .invoice = field[INVOICE],
        .sku = upper_case(reader, field[SKU]),
        .title = field[TITLE],
        .customer = customer_of(field[CUSTOMER]),
    };
    if (sale.sku.len == 0)
        return complain(row, MR_MALFORMED, error, "StockCode is empty");
    if (!retail_parse_quantity(field[QUANTITY], &sale.quantity))
        return complain(
            row,
            MR_MALFORMED,
            error,
            "Quantity \"%.*s\" is no whole number",
            MR_ARG(field[QUANTITY]));
    if (!retail_parse_price(field[PRICE], ret_sign, &sale.price_minor))
        return complain(
            row,
            MR_MALFORMED,
            error,
            "UnitPrice \"%.*s\" is no decimal number",
            MR_ARG(field[PRICE]));
    if (sale.customer.len && !is_all(sale.customer, DIGITS LETTERS "_-"))
        return complain(
            row, MR_MALFORMED, error, "CustomerID \"%.*s\" is no ID", MR_ARG(field[CUSTOMER]));
    *ret_sale = sale;
    return 0;
}

static int read_row(struct row_reader *reader, const struct csv_row *row, struct mr_error *error)
{
    struct retail_sale sale = {0};
    struct retail *result = &reader->fold->result;
    struct mr_error why;
    int sign = 0;
    int rc = judge(reader, row, &sale, &sign, error);
    if (rc)
        return rc;
    result->lines_read++;
    if (!is_all(sale.invoice, DIGITS)) {
        result->lines_skipped[RETAIL_SKIP_INVOICE]++;
    } else if (sale.quantity <= 0) {
        result->lines_skipped[RETAIL_SKIP_QUANTITY]++;
    } else if (sign <= 0) {
        result->lines_skipped[RETAIL_SKIP_PRICE]++;
    } else {
        result->lines_qualifying++;
        rc = retail_fold_add(reader->fold, &sale, &why);
        if (rc)
            return complain(row, rc, error, "%s", why.text);
    }
    return 0;
}

static int read_rows(struct csv_reader *csv, struct retail_fold *fold, struct mr_error *error)
{
    struct row_reader reader = {.fold = fold};
    struct csv_row row;
    int rc = csv_next(csv, &row, error);
    if (rc == 0)
        return mr_fail(error, MR_MALFORMED, "line 1: the file is empty");
    if (rc > 0)
        rc = read_header(&row, reader.places, error);
    while (rc >= 0) {
        rc = csv_next(csv, &row, error);
        if (rc <= 0)
            break;
        rc = read_row(&reader, &row, error);
    }
    return rc;
}

int retail_read(
    struct text_source *source, const struct retail **ret_retail, struct mr_error *error)
{
    struct retail_fold *fold = retail_fold_new();
    struct csv_reader *csv = csv_reader_new(source);
    int rc = read_rows(csv, fold, error);
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
