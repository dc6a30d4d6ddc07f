/*
 * retail.c - one row of the file after another: which columns, is it well formed, does it qualify.
 */
#include "retail_fold.h"

#include <tools/csv.h>

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum column { INVOICE, SKU, TITLE, QUANTITY, DATE, PRICE, CUSTOMER, COUNTRY, COLUMNS };

enum { TEXT_BYTES_MAX = 512, CODE_BYTES_MAX = RETAIL_CODE_BYTES_MAX, QUOTED_BYTES_MAX = 80 };

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

static struct mr_bytes trim(struct mr_bytes text)
{
    while (text.len > 0 && (text.ptr[0] == ' ' || text.ptr[0] == '\t')) {
        text.ptr++;
        text.len--;
    }
    while (text.len > 0 && (text.ptr[text.len - 1] == ' ' || text.ptr[text.len - 1] == '\t'))
        text.len--;
    return text;
}

/* A file of one column may be one with another separator. */
static int judge_separator(const struct csv_row *row, struct mr_error *error)
{
    static const struct {
        char separator;
        const char *name;
    } others[] = {{';', "semicolons"}, {'\t', "tabs"}, {'|', "bars"}};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (row->fields_count == 1 && row->fields[0].len &&
            memchr(row->fields[0].ptr, others[i].separator, row->fields[0].len))
            return complain(
                row,
                MR_MALFORMED,
                error,
                "the columns are separated by %s; save the file with commas",
                others[i].name);
    return 0;
}

static bool names_column(struct mr_bytes field, const char *name)
{
    field = trim(field);
    return field.len == strlen(name) && strncasecmp(field.ptr, name, field.len) == 0;
}

/* Where each column is; the first row names them, in any order and case. */
static int
read_header(const struct csv_row *row, size_t ret_places[COLUMNS], struct mr_error *error)
{
    int rc = judge_separator(row, error);
    if (rc)
        return rc;
    for (size_t column = 0; column < COLUMNS; column++) {
        size_t at = 0;
        while (at < row->fields_count && !names_column(row->fields[at], column_names[column]))
            at++;
        if (at == row->fields_count)
            return complain(
                row,
                MR_MALFORMED,
                error,
                "the column %s is missing; the first line names InvoiceNo, StockCode, Description, "
                "Quantity, InvoiceDate, UnitPrice, CustomerID and Country",
                column_names[column]);
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

/* Well-formed UTF-8. */
static bool is_utf8(struct mr_bytes text)
{
    const unsigned char *at = (const unsigned char *)text.ptr;
    const unsigned char *end = at + text.len;
    while (at < end) {
        size_t more = *at < 0x80 ? 0 : *at >= 0xf0 ? 3 : *at >= 0xe0 ? 2 : 1;
        if ((*at >= 0x80 && *at < 0xc2) || *at > 0xf4)
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

/* The first character below the blank, or -1. */
static int first_control(struct mr_bytes text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] < 0x20 || text.ptr[i] == 0x7f)
            return (unsigned char)text.ptr[i];
    return -1;
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

/* The ".0" of a number that was once a float is not a part of an ID. */
static struct mr_bytes without_float(struct mr_bytes text)
{
    if (text.len > 2 && memcmp(text.ptr + text.len - 2, ".0", 2) == 0 &&
        is_all(mr_bytes_of(text.ptr, text.len - 2), DIGITS))
        text.len -= 2;
    return text;
}

/* What databases, spreadsheets and pandas write for a value that is not there. */
static const char *const words_for_nothing[] = {
    "null",
    "(null)",
    "none",
    "nan",
    "na",
    "n/a",
    "#n/a",
    "#na",
    "<na>",
    "nat",
    "nil",
    "\\n",
    "#null!",
    "undefined",
    "-",
    "--"};

static bool is_nothing(struct mr_bytes text)
{
    for (size_t i = 0; i < sizeof words_for_nothing / sizeof words_for_nothing[0]; i++)
        if (text.len == strlen(words_for_nothing[i]) &&
            strncasecmp(text.ptr, words_for_nothing[i], text.len) == 0)
            return true;
    return text.len == 0;
}

/* Excel writes rows of commas only. */
static bool is_blank_row(const struct csv_row *row)
{
    for (size_t i = 0; i < row->fields_count; i++)
        if (trim(row->fields[i]).len > 0)
            return false;
    return true;
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

/* A line break or a tab in a description becomes a blank; no other control character is text. */
static int
judge_text(const struct csv_row *row, int column, struct mr_bytes text, struct mr_error *error)
{
    const char *name = column_names[column];
    if (text.len > (column == TITLE ? TEXT_BYTES_MAX : CODE_BYTES_MAX))
        return complain(
            row,
            MR_TOO_LARGE,
            error,
            "%s has %zu bytes, at most %d are allowed",
            name,
            text.len,
            column == TITLE ? TEXT_BYTES_MAX : CODE_BYTES_MAX);
    if (!is_utf8(text))
        return complain(
            row,
            MR_MALFORMED,
            error,
            "%s is not UTF-8; if the file is Windows-1252, convert it: "
            "iconv -f WINDOWS-1252 -t UTF-8",
            name);
    if (column == TITLE)
        for (char *at = (char *)(uintptr_t)text.ptr; at < text.ptr + text.len; at++)
            if (*at == '\n' || *at == '\r' || *at == '\t')
                *at = ' ';
    int control = first_control(text);
    if (control == '\n' || control == '\r')
        return complain(row, MR_MALFORMED, error, "%s has a line break", name);
    if (control == '\t')
        return complain(row, MR_MALFORMED, error, "%s has a tab", name);
    if (control >= 0)
        return complain(
            row, MR_MALFORMED, error, "%s has the control character U+%04X", name, control);
    return 0;
}

static int complain_of_number(
    const struct csv_row *row,
    int column,
    struct mr_bytes text,
    const char *wanted,
    struct mr_error *error)
{
    bool comma = text.len && memchr(text.ptr, ',', text.len);
    return complain(
        row,
        MR_MALFORMED,
        error,
        "%s \"%.*s\" is not %s%s",
        column_names[column],
        (int)(text.len < QUOTED_BYTES_MAX ? text.len : QUOTED_BYTES_MAX),
        text.ptr,
        wanted,
        comma ? ": a number has a decimal point and no thousands separators" : "");
}

/* A number that is not there is 0: such a line does not qualify. */
static int judge_numbers(
    const struct csv_row *row,
    const struct mr_bytes field[COLUMNS],
    struct retail_sale *sale,
    int *ret_sign,
    struct mr_error *error)
{
    if (!is_nothing(field[QUANTITY]) && !retail_parse_quantity(field[QUANTITY], &sale->quantity))
        return complain_of_number(row, QUANTITY, field[QUANTITY], "a whole number", error);
    if (!is_nothing(field[PRICE]) &&
        !retail_parse_price(field[PRICE], ret_sign, &sale->price_minor))
        return complain_of_number(row, PRICE, field[PRICE], "a decimal number in range", error);
    return 0;
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
    for (int i = 0; i < COLUMNS; i++) {
        field[i] = row->fields[reader->places[i]];
        int rc = judge_text(row, i, field[i], error);
        if (rc)
            return rc;
        if (i != TITLE)
            field[i] = trim(field[i]);
    }
    struct retail_sale sale = {.line = row->line, .invoice = without_float(field[INVOICE])};
    if (is_nothing(field[SKU]))
        return complain(row, MR_MALFORMED, error, "StockCode is empty");
    sale.sku = upper_case(reader, field[SKU]);
    if (!is_nothing(trim(field[TITLE])))
        sale.title = field[TITLE];
    if (!is_nothing(field[CUSTOMER]))
        sale.customer = without_float(field[CUSTOMER]);
    if (sale.customer.len && !is_all(sale.customer, DIGITS LETTERS "_-"))
        return complain(
            row,
            MR_MALFORMED,
            error,
            "CustomerID \"%.*s\" is not an ID: letters, digits, - and _",
            MR_ARG(field[CUSTOMER]));
    *ret_sign = 0;
    int rc = judge_numbers(row, field, &sale, ret_sign, error);
    if (rc == 0)
        *ret_sale = sale;
    return rc;
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
    while (rc > 0 && is_blank_row(&row))
        rc = csv_next(csv, &row, error);
    if (rc == 0)
        return mr_fail(error, MR_MALFORMED, "line 1: the file is empty");
    if (rc > 0)
        rc = read_header(&row, reader.places, error);
    while (rc >= 0) {
        rc = csv_next(csv, &row, error);
        if (rc <= 0)
            break;
        if (!is_blank_row(&row))
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
