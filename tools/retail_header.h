/*
 * retail_header.h - the first row of a file: which column is where. Private to retail*.c.
 *
 * Threads  Any.
 */
#ifndef TOOLS_RETAIL_HEADER_H
#define TOOLS_RETAIL_HEADER_H

#include <tools/csv.h>

enum retail_column {
    COLUMN_INVOICE,
    COLUMN_SKU,
    COLUMN_TITLE,
    COLUMN_QUANTITY,
    COLUMN_DATE,
    COLUMN_PRICE,
    COLUMN_CUSTOMER,
    COLUMN_COUNTRY,
    COLUMNS
};

struct retail_header {
    size_t places[COLUMNS];
    size_t fields_count; /* Every other row must have as many. */
};

/* "InvoiceNo", ... as Online Retail writes it. */
const char *retail_column_name(enum retail_column column);

/*
 * The columns may stand in any order, in any case, with blanks or underscores between their words,
 * and under the names of Online Retail II (Invoice, Price, Customer ID). A column without a name,
 * such as pandas' index, is left alone. MR_MALFORMED, with the line: columns that are missing,
 * there twice or not known, or another separator.
 */
int retail_header_read(
    const struct csv_row *row, struct retail_header *ret_header, struct mr_error *error);

/* "sep=,": Excel's own line before the header. */
bool retail_header_is_hint(const struct csv_row *row);

#endif
