/* retail_fold.c - sums per product, lines per basket. */
#include "retail_fold.h"

#include <base/alloc.h>

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct retail_fold *retail_fold_new(void)
{
    struct retail_fold *fold = mr_calloc(1, sizeof *fold);
    name_index_init(&fold->skus);
    name_index_init(&fold->customers);
    name_index_init(&fold->folded_customers);
    name_index_init(&fold->invoices);
    return fold;
}

void retail_free(const struct retail *retail)
{
    struct retail_fold *fold = (struct retail_fold *)(uintptr_t)retail;
    if (!fold)
        return;
    for (size_t i = 0; i < fold->skus.count; i++) {
        free(fold->products[i].prices);
        free((void *)(uintptr_t)fold->products[i].title.ptr);
    }
    free(fold->products);
    free(fold->invoice_customers);
    free(fold->lines);
    free((void *)(uintptr_t)fold->result.products);
    free((void *)(uintptr_t)fold->result.baskets);
    free((void *)(uintptr_t)fold->result.lines);
    name_index_clean_up(&fold->skus);
    name_index_clean_up(&fold->customers);
    name_index_clean_up(&fold->folded_customers);
    name_index_clean_up(&fold->invoices);
    free(fold);
}

static struct product_fold *
fold_find_product(struct retail_fold *fold, struct mr_bytes sku, uint32_t *at)
{
    size_t before = fold->skus.count;
    *at = name_index_put(&fold->skus, sku);
    fold->products = mr_grow(fold->products, *at, &fold->products_capacity, sizeof *fold->products);
    if (fold->skus.count > before)
        fold->products[*at] = (struct product_fold){0};
    return &fold->products[*at];
}

static void fold_count_price(struct product_fold *product, int64_t minor)
{
    size_t at = 0;
    while (at < product->prices_count && product->prices[at].minor != minor)
        at++;
    if (at == product->prices_count) {
        product->prices =
            mr_grow(product->prices, at, &product->prices_capacity, sizeof *product->prices);
        product->prices[product->prices_count++] = (struct price_count){.minor = minor};
    }
    product->prices[at].count++;
}

static bool fold_is_blank(struct mr_bytes text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] != ' ' && text.ptr[i] != '\t')
            return false;
    return true;
}

static void fold_set_title(struct product_fold *product, struct mr_bytes title)
{
    if (fold_is_blank(title) || mr_bytes_equal(product->title, title))
        return;
    free((void *)(uintptr_t)product->title.ptr);
    product->title = mr_bytes_of(mr_memdup(title.ptr, title.len), title.len);
}

/* Their accounts are named by address, and an address by small letters. */
static int fold_find_customer(
    struct retail_fold *fold, struct mr_bytes name, uint32_t *ret_number, struct mr_error *error)
{
    char folded[RETAIL_CODE_BYTES_MAX];
    assert(name.len <= sizeof folded);
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        folded[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    size_t before = fold->folded_customers.count;
    uint32_t number = name_index_put(&fold->folded_customers, mr_bytes_of(folded, name.len));
    if (fold->folded_customers.count > before)
        (void)name_index_put(&fold->customers, name);
    else if (!mr_bytes_equal(fold->customers.names[number], name))
        return mr_fail(
            error,
            MR_MALFORMED,
            "CustomerID \"%.*s\" differs from \"%.*s\" in case only",
            MR_ARG(name),
            MR_ARG(fold->customers.names[number]));
    *ret_number = number;
    return 0;
}

static int fold_find_invoice(
    struct retail_fold *fold,
    const struct retail_sale *sale,
    uint32_t *ret_invoice,
    struct mr_error *error)
{
    size_t before = fold->invoices.count;
    uint32_t invoice = name_index_put(&fold->invoices, sale->invoice);
    fold->invoice_customers =
        mr_grow(fold->invoice_customers, invoice, &fold->invoices_capacity, sizeof(uint32_t));
    uint32_t *customer = &fold->invoice_customers[invoice];
    if (fold->invoices.count > before)
        *customer = RETAIL_GUEST;
    if (sale->customer.len) {
        uint32_t named = 0;
        int rc = fold_find_customer(fold, sale->customer, &named, error);
        if (rc)
            return rc;
        if (*customer != RETAIL_GUEST && *customer != named)
            return mr_fail(
                error,
                MR_MALFORMED,
                "invoice %.*s belongs to customer %.*s already",
                MR_ARG(sale->invoice),
                MR_ARG(fold->customers.names[*customer]));
        *customer = named;
    }
    *ret_invoice = invoice;
    return 0;
}

/* Bounds come first: a line that the shop would refuse later is refused before anything is
 * counted. */
int retail_fold_add(
    struct retail_fold *fold, const struct retail_sale *sale, struct mr_error *error)
{
    uint32_t invoice = 0;
    uint32_t number = 0;
    assert(sale->invoice.len && sale->sku.len && sale->quantity > 0 && sale->price_minor >= 0);
    if (fold->lines_count == RETAIL_LINES_MAX)
        return mr_fail(error, MR_TOO_LARGE, "over %zu qualifying lines", RETAIL_LINES_MAX);
    if (sale->quantity > RETAIL_LINE_QUANTITY_MAX)
        return mr_fail(
            error,
            MR_TOO_LARGE,
            "Quantity %" PRId32 " is over the %d that a shop takes in one line",
            sale->quantity,
            RETAIL_LINE_QUANTITY_MAX);
    int rc = fold_find_invoice(fold, sale, &invoice, error);
    if (rc)
        return rc;
    struct product_fold *product = fold_find_product(fold, sale->sku, &number);
    fold_count_price(product, sale->price_minor);
    fold_set_title(product, sale->title);
    product->units += sale->quantity;
    fold->lines =
        mr_grow(fold->lines, fold->lines_count, &fold->lines_capacity, sizeof *fold->lines);
    fold->lines[fold->lines_count++] = (struct line_fold){
        .invoice = invoice,
        .line = {.product = number, .quantity = sale->quantity},
        .file_line = sale->line,
    };
    return 0;
}

static int64_t fold_choose_price(const struct product_fold *product)
{
    const struct price_count *best = &product->prices[0];
    for (size_t i = 1; i < product->prices_count; i++) {
        const struct price_count *price = &product->prices[i];
        if (price->count > best->count ||
            (price->count == best->count && price->minor < best->minor))
            best = price;
    }
    return best->minor;
}

static void fold_finish_products(struct retail_fold *fold)
{
    size_t count = fold->skus.count;
    struct retail_product *products = mr_calloc(count, sizeof *products);
    for (size_t i = 0; i < count; i++)
        products[i] = (struct retail_product){
            .sku = fold->skus.names[i],
            .title = fold->products[i].title.ptr ? fold->products[i].title : fold->skus.names[i],
            .price_minor = fold_choose_price(&fold->products[i]),
            .units = fold->products[i].units,
        };
    fold->result.products = products;
    fold->result.products_count = count;
}

/* Counting sort: baskets in the order of their first lines, lines in file order in each. */
static struct retail_basket *fold_group_lines(struct retail_fold *fold)
{
    size_t count = fold->invoices.count;
    struct retail_basket *baskets = mr_calloc(count, sizeof *baskets);
    struct retail_line *lines = mr_calloc(fold->lines_count, sizeof *lines);
    size_t first = 0;
    for (size_t i = fold->lines_count; i-- > 0;) {
        baskets[fold->lines[i].invoice].lines_count++;
        baskets[fold->lines[i].invoice].file_line = fold->lines[i].file_line;
    }
    for (size_t i = 0; i < count; i++) {
        baskets[i].invoice = fold->invoices.names[i];
        baskets[i].customer = fold->invoice_customers[i];
        baskets[i].lines_first = first;
        first += baskets[i].lines_count;
        baskets[i].lines_count = 0;
    }
    for (size_t i = 0; i < fold->lines_count; i++) {
        struct retail_basket *basket = &baskets[fold->lines[i].invoice];
        lines[basket->lines_first + basket->lines_count++] = fold->lines[i].line;
    }
    fold->result.baskets = baskets;
    fold->result.baskets_count = count;
    fold->result.lines = lines;
    fold->result.lines_count = fold->lines_count;
    free(fold->lines);
    fold->lines = NULL;
    return baskets;
}

static int
fold_add_up(const struct retail *retail, struct retail_basket *basket, struct mr_error *error)
{
    for (size_t i = 0; i < basket->lines_count; i++) {
        const struct retail_line *line = &retail->lines[basket->lines_first + i];
        int64_t worth = 0;
        basket->units += line->quantity;
        if (__builtin_mul_overflow(
                retail->products[line->product].price_minor, (int64_t)line->quantity, &worth) ||
            __builtin_add_overflow(basket->total_minor, worth, &basket->total_minor) ||
            basket->total_minor > RETAIL_MINOR_MAX)
            return mr_fail(
                error,
                MR_TOO_LARGE,
                "line %" PRId64 ": invoice %.*s is worth over %lld minor units",
                basket->file_line,
                MR_ARG(basket->invoice),
                (long long)RETAIL_MINOR_MAX);
    }
    return 0;
}

static int fold_compare_products(const void *left, const void *right)
{
    const struct retail_line *a = left;
    const struct retail_line *b = right;
    return (a->product > b->product) - (a->product < b->product);
}

/* The limits of one order: products, units of each, and bytes of the record. */
static int fold_judge_size(
    const struct retail *retail,
    const struct retail_basket *basket,
    struct retail_line *spare,
    struct mr_error *error)
{
    enum { PRODUCT_ID_BYTES = 40, REST_BYTES = 70 }; /* As sales counts a line of an order. */
    size_t products = 0;
    size_t bytes = 0;
    int64_t units = 0;
    memcpy(spare, retail->lines + basket->lines_first, basket->lines_count * sizeof *spare);
    qsort(spare, basket->lines_count, sizeof *spare, fold_compare_products);
    for (size_t i = 0; i < basket->lines_count; i++) {
        bool same = i > 0 && spare[i].product == spare[i - 1].product;
        const struct retail_product *product = &retail->products[spare[i].product];
        products += !same;
        bytes += same ? 0 : PRODUCT_ID_BYTES + REST_BYTES + product->sku.len + product->title.len;
        units = same ? units + spare[i].quantity : spare[i].quantity;
        if (units > RETAIL_LINE_QUANTITY_MAX)
            return mr_fail(
                error,
                MR_TOO_LARGE,
                "line %" PRId64 ": invoice %.*s has %" PRId64
                " units of %.*s; a shop takes %d in one order",
                basket->file_line,
                MR_ARG(basket->invoice),
                units,
                MR_ARG(product->sku),
                RETAIL_LINE_QUANTITY_MAX);
    }
    if (products > RETAIL_BASKET_PRODUCTS_MAX)
        return mr_fail(
            error,
            MR_TOO_LARGE,
            "line %" PRId64 ": invoice %.*s has %zu products; a shop takes %d in one order",
            basket->file_line,
            MR_ARG(basket->invoice),
            products,
            RETAIL_BASKET_PRODUCTS_MAX);
    if (bytes > RETAIL_BASKET_BYTES_MAX)
        return mr_fail(
            error,
            MR_TOO_LARGE,
            "line %" PRId64 ": invoice %.*s takes %zu bytes; an order has room for %d",
            basket->file_line,
            MR_ARG(basket->invoice),
            bytes,
            RETAIL_BASKET_BYTES_MAX);
    return 0;
}

static int fold_judge_stock(const struct retail *retail, struct mr_error *error)
{
    for (size_t i = 0; i < retail->products_count; i++)
        if (retail->products[i].units > RETAIL_STOCK_MAX)
            return mr_fail(
                error,
                MR_TOO_LARGE,
                "StockCode %.*s: %" PRId64 " units; a shop has at most %" PRId64 " of a product",
                MR_ARG(retail->products[i].sku),
                retail->products[i].units,
                RETAIL_STOCK_MAX);
    return 0;
}

int retail_fold_finish(struct retail_fold *fold, struct mr_error *error)
{
    fold_finish_products(fold);
    struct retail_basket *baskets = fold_group_lines(fold);
    fold->result.customers = fold->customers.names;
    fold->result.customers_count = fold->customers.count;
    struct retail_line *spare = mr_calloc(fold->lines_count ? fold->lines_count : 1, sizeof *spare);
    int rc = fold_judge_stock(&fold->result, error);
    for (size_t i = 0; rc == 0 && i < fold->result.baskets_count; i++) {
        rc = fold_add_up(&fold->result, &baskets[i], error);
        rc = rc ? rc : fold_judge_size(&fold->result, &baskets[i], spare, error);
    }
    free(spare);
    return rc;
}

struct retail_sums retail_sums_of(const struct retail *retail, size_t baskets_count)
{
    struct retail_sums sums = {0};
    if (baskets_count > retail->baskets_count)
        baskets_count = retail->baskets_count;
    for (size_t i = 0; i < baskets_count; i++) {
        sums.lines += (int64_t)retail->baskets[i].lines_count;
        sums.units += retail->baskets[i].units;
        sums.total_minor += retail->baskets[i].total_minor;
    }
    sums.orders = (int64_t)baskets_count;
    return sums;
}
