/*
 * retail.h - a file like "Online Retail" (data/README.md) as catalogue, customers and baskets.
 *
 * A field is nothing when it is blank or one of the words that databases, spreadsheets and pandas
 * write for it (NULL, NaN, N/A, \N ...; retail_field.c lists them). A row of nothing is not a line.
 * Column by column:
 *
 *     StockCode              refused: the product is unknown
 *     CustomerID             the invoice is a guest's, unless another line of it names a customer
 *     InvoiceNo, Quantity, UnitPrice    the line does not qualify
 *     Description            another line of the product has it, else the StockCode stands for it:
 *                            a product called "NA" has to be renamed
 *     InvoiceDate, Country   are not used
 *
 * A line qualifies when its InvoiceNo is of digits only, its Quantity above 0 and its UnitPrice
 * above 0; the others are counted by the first of these reasons that holds. Prices are read as
 * decimal text and rounded half up to minor units; nothing here is a floating-point number.
 *
 *     product   StockCode in upper case, so codes that differ in ASCII case only are one product;
 *               its last description that is not blank (else the SKU); its most frequent price (of
 *               equally frequent ones the lowest); the sum of its quantities
 *     customer  CustomerID; two that differ in case only are refused, for their accounts would
 *               have one address
 *     basket    the lines of an InvoiceNo, in file order; one without CustomerID is a guest's
 *
 * Of InvoiceNo, StockCode and CustomerID a ".0" is taken off: whole numbers that became floats. A
 * line break or tab in a Description becomes a blank; in another column it is refused.
 *
 * The whole file is read and judged before anything is made of it: a bad line means no result, and
 * so does what the shop would refuse later (processors/limits.h as it is by default).
 *
 * Memory  32 bytes a qualifying line, at most 50 million lines; names once each.
 */
#ifndef TOOLS_RETAIL_H
#define TOOLS_RETAIL_H

#include <base/bytes.h>
#include <base/error.h>
#include <tools/text_source.h>

#define RETAIL_LINES_MAX ((size_t)50 * 1000 * 1000)
#define RETAIL_MINOR_MAX INT64_C(1000000000000)
#define RETAIL_STOCK_MAX INT64_C(1000000000000)
#define RETAIL_GUEST     UINT32_MAX

/* The limits of the shop as it is configured by default (processors/limits.h), and of a code. */
enum {
    RETAIL_LINE_QUANTITY_MAX = 1000000,
    RETAIL_BASKET_PRODUCTS_MAX = 5000,
    RETAIL_BASKET_BYTES_MAX = 800000,
    RETAIL_CODE_BYTES_MAX = 64,
};

enum retail_skip { RETAIL_SKIP_INVOICE, RETAIL_SKIP_QUANTITY, RETAIL_SKIP_PRICE, RETAIL_SKIPS };

struct retail_product {
    struct mr_bytes sku;
    struct mr_bytes title;
    int64_t price_minor; /* List price. */
    int64_t units;       /* Sum over all qualifying lines: the stock that the file brings. */
};

struct retail_line {
    uint32_t product;
    int32_t quantity;
};

struct retail_basket {
    struct mr_bytes invoice;
    uint32_t customer; /* Or RETAIL_GUEST. */
    int64_t file_line; /* The number of its first line. */
    size_t lines_first;
    size_t lines_count;
    int64_t units;
    int64_t total_minor; /* At list prices. */
};

struct retail {
    int64_t lines_read;
    int64_t lines_qualifying;
    int64_t lines_skipped[RETAIL_SKIPS];
    const struct retail_product *products;
    size_t products_count;
    const struct mr_bytes *customers; /* CustomerID of each. */
    size_t customers_count;
    const struct retail_basket *baskets;
    size_t baskets_count;
    const struct retail_line *lines; /* Grouped by basket. */
    size_t lines_count;
};

/* The sums of the first `baskets_count` baskets. */
struct retail_sums {
    int64_t orders;
    int64_t lines;
    int64_t units;
    int64_t total_minor;
};

/* MR_MALFORMED, MR_TOO_LARGE: "line N: reason". ret_retail is freed by retail_free. */
int retail_read(
    struct text_source *source, const struct retail **ret_retail, struct mr_error *error);
int retail_load(const char *path, const struct retail **ret_retail, struct mr_error *error);
void retail_free(const struct retail *retail); /* NULL is fine. */

struct retail_sums retail_sums_of(const struct retail *retail, size_t baskets_count);

/* "an InvoiceNo that is not all digits", ... */
const char *retail_skip_text(enum retail_skip skip);

/*
 * Decimal text (".85", "5.", "+1.5", "1e-3" too) to minor units, rounded half up; *ret_sign is -1,
 * 0 or 1 by the text's own value, so that 0.001 is above 0 and yet 0 minor units. False: it is not
 * such a number, has over 64 digits, or is over RETAIL_MINOR_MAX.
 */
bool retail_parse_price(struct mr_bytes text, int *ret_sign, int64_t *ret_minor);

/* Whole numbers that fit into 32 bits; "6.0" and "1e3" are whole. */
bool retail_parse_quantity(struct mr_bytes text, int32_t *ret_quantity);

/* Why one of the two has returned false, to stand behind the text: "has a comma: ...". */
const char *retail_number_fault(struct mr_bytes text, bool whole);

#endif
