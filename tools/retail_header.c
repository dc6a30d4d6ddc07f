/* retail_header.c - finds the eight columns by their names. */
#include "retail_header.h"

#include "retail_field.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <strings.h>

enum { NAME_BYTES_MAX = 32, LIST_BYTES_MAX = 160 };

static const struct {
    const char *name;
    const char *other; /* In Online Retail II; NULL: the same. */
} columns[COLUMNS] = {
    [COLUMN_INVOICE] = {"InvoiceNo", "Invoice"},
    [COLUMN_SKU] = {"StockCode", NULL},
    [COLUMN_TITLE] = {"Description", NULL},
    [COLUMN_QUANTITY] = {"Quantity", NULL},
    [COLUMN_DATE] = {"InvoiceDate", NULL},
    [COLUMN_PRICE] = {"UnitPrice", "Price"},
    [COLUMN_CUSTOMER] = {"CustomerID", NULL},
    [COLUMN_COUNTRY] = {"Country", NULL},
};

const char *retail_column_name(enum retail_column column)
{
    return columns[column].name;
}

/* Letters and digits only: "Customer ID" and "customer_id" are CustomerID. */
static void header_squeeze_name(struct mr_bytes field, char ret_name[NAME_BYTES_MAX])
{
    size_t len = 0;
    for (size_t i = 0; i < field.len && len < NAME_BYTES_MAX - 1; i++)
        if (!strchr(" _-", field.ptr[i]))
            ret_name[len++] = field.ptr[i];
    ret_name[len] = '\0';
}

/* COLUMNS when it is not one of them. `second`: by the names of Online Retail II. */
static size_t header_find_column(struct mr_bytes field, bool second)
{
    char name[NAME_BYTES_MAX];
    size_t column = 0;
    header_squeeze_name(field, name);
    while (column < COLUMNS) {
        const char *other = second ? columns[column].other : NULL;
        if (strcasecmp(name, other ? other : columns[column].name) == 0)
            break;
        column++;
    }
    return column;
}

/* Both names that differ, or none: a mixed header is a mistake. */
static bool header_is_second(const struct csv_row *row)
{
    bool invoice = false;
    bool price = false;
    for (size_t at = 0; at < row->fields_count; at++) {
        size_t column = header_find_column(retail_field_trim(row->fields[at]), true);
        invoice |= column == COLUMN_INVOICE;
        price |= column == COLUMN_PRICE;
    }
    return invoice && price;
}

static int header_refuse(const struct csv_row *row, struct mr_error *error, const char *what)
{
    return mr_fail(error, MR_MALFORMED, "line %" PRId64 ": %s", row->line, what);
}

/* A row without commas may be one with another separator. */
static int header_judge_separator(const struct csv_row *row, struct mr_error *error)
{
    static const struct {
        char separator;
        const char *what;
    } others[] = {
        {';', "the columns are separated by semicolons; save the file with commas"},
        {'\t', "the columns are separated by tabs; save the file with commas"},
        {'|', "the columns are separated by bars; save the file with commas"},
    };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (row->fields_count == 1 && row->fields[0].len &&
            memchr(row->fields[0].ptr, others[i].separator, row->fields[0].len))
            return header_refuse(row, error, others[i].what);
    return 0;
}

static int
header_refuse_column(const struct csv_row *row, size_t at, const char *what, struct mr_error *error)
{
    struct mr_bytes field = retail_field_trim(row->fields[at]);
    return mr_fail(
        error,
        MR_MALFORMED,
        "line %" PRId64 ": the column \"%.*s\" is %s",
        row->line,
        (int)(field.len < NAME_BYTES_MAX ? field.len : NAME_BYTES_MAX),
        field.ptr,
        what);
}

static int header_refuse_missing(
    const struct csv_row *row, const bool found[COLUMNS], size_t missing, struct mr_error *error)
{
    char list[LIST_BYTES_MAX] = "";
    size_t len = 0;
    for (size_t i = 0; i < COLUMNS; i++)
        if (!found[i])
            len += (size_t)snprintf(
                list + len, sizeof list - len, "%s%s", len ? ", " : "", columns[i].name);
    return mr_fail(
        error,
        MR_MALFORMED,
        missing == COLUMNS ? "line %" PRId64 ": none of the columns %s is here; %s"
        : missing == 1     ? "line %" PRId64 ": the column %s is missing; %s"
                           : "line %" PRId64 ": the columns %s are missing; %s",
        row->line,
        list,
        missing == COLUMNS ? "the first line names them, separated by commas"
                           : "the first line names InvoiceNo, StockCode, Description, Quantity, "
                             "InvoiceDate, UnitPrice, CustomerID and Country");
}

/* Missing columns come first: a name that is not known is often one of them, misspelt. */
int retail_header_read(
    const struct csv_row *row, struct retail_header *ret_header, struct mr_error *error)
{
    assert(row->fields_count <= CSV_FIELDS_MAX);
    struct retail_header header = {.fields_count = row->fields_count};
    bool found[COLUMNS] = {false};
    bool second = header_is_second(row);
    size_t missing = COLUMNS;
    size_t unknown = row->fields_count;
    int rc = header_judge_separator(row, error);
    if (rc)
        return rc;
    for (size_t at = 0; at < row->fields_count; at++) {
        struct mr_bytes field = retail_field_trim(row->fields[at]);
        size_t column = header_find_column(field, second);
        unsigned byte = 0;
        if (!retail_field_is_utf8(field, &byte))
            return header_refuse(row, error, "the names of the columns are not UTF-8 text");
        if (column == COLUMNS) {
            unknown = field.len && unknown == row->fields_count ? at : unknown;
            continue;
        }
        if (found[column])
            return header_refuse_column(row, at, "there twice", error);
        found[column] = true;
        missing--;
        header.places[column] = at;
    }
    if (missing)
        return header_refuse_missing(row, found, missing, error);
    if (unknown < row->fields_count)
        return header_refuse_column(
            row, unknown, "not one of Online Retail's; leave it out", error);
    *ret_header = header;
    return 0;
}

bool retail_header_is_hint(const struct csv_row *row)
{
    return row->fields_count == 2 && mr_bytes_equal(row->fields[0], mr_cstr("sep=")) &&
           row->fields[1].len == 0;
}
