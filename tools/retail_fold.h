/*
 * retail_fold.h - the state behind retail.h while a file is read: one line after another is added,
 * then everything is put in order once. Private to retail_*.c.
 */
#ifndef TOOLS_RETAIL_FOLD_H
#define TOOLS_RETAIL_FOLD_H

#include <tools/name_index.h>
#include <tools/retail.h>

struct price_count {
    int64_t minor;
    int64_t count;
};

/* Parallel to the SKUs' index. */
struct product_fold {
    struct price_count *prices;
    size_t prices_count;
    size_t prices_capacity;
    int64_t units;
    struct mr_bytes title; /* malloc'd. */
};

struct line_fold {
    uint32_t invoice;
    struct retail_line line;
    int64_t file_line;
};

struct retail_fold {
    struct retail result; /* First, so that a retail is freed as its fold. */
    struct name_index skus;
    struct name_index customers;
    struct name_index folded_customers; /* In small letters: an address knows no others. */
    struct name_index invoices;
    struct product_fold *products;
    size_t products_capacity;
    uint32_t *invoice_customers; /* Parallel to invoices. */
    size_t invoices_capacity;
    struct line_fold *lines;
    size_t lines_count;
    size_t lines_capacity;
};

/* A qualifying line, its text already judged. */
struct retail_sale {
    int64_t line; /* Its number in the file. */
    struct mr_bytes invoice;
    struct mr_bytes sku;
    struct mr_bytes title;
    struct mr_bytes customer; /* Empty: none. */
    int32_t quantity;
    int64_t price_minor;
};

struct retail_fold *retail_fold_new(void);

/* MR_MALFORMED: the invoice has another customer already, or the customer differs from another one
 * in case only. MR_TOO_LARGE: more units than the shop takes in one line, or too many lines. The
 * text names no line. */
int retail_fold_add(
    struct retail_fold *fold, const struct retail_sale *sale, struct mr_error *error);

/* Fills fold->result. MR_TOO_LARGE names a basket that is worth too much. */
int retail_fold_finish(struct retail_fold *fold, struct mr_error *error);

#endif
