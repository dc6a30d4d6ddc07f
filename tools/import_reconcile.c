/* import_reconcile.c - compares the totals of the shop's events with those of the file. */
#include "import.h"

#include <base/alloc.h>

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static void reconcile_add_captured(struct import *import, struct mr_bytes order_id, int64_t minor)
{
    uint32_t number = 0;
    if (name_index_find(&import->order_ids, order_id, &number))
        import->orders[number].captured_minor += minor;
}

static int reconcile_take_payment(
    struct import *import, const struct codec_message *message, struct mr_error *error)
{
    (void)error;
    if (message->id == SHOP_PAYMENT_CAPTURED) {
        const struct shop_payment_captured *event = message->value;
        reconcile_add_captured(import, event->order_id, event->captured.minor);
    } else if (message->id == SHOP_PAYMENT_REFUNDED) {
        const struct shop_payment_refunded *event = message->value;
        reconcile_add_captured(import, event->order_id, -event->refunded.minor);
    }
    return 0;
}

static int reconcile_take_stock(
    struct import *import, const struct codec_message *message, struct mr_error *error)
{
    uint32_t number = 0;
    uint32_t order = 0;
    (void)error;
    if (message->id == SHOP_STOCK_ADJUSTED) {
        const struct shop_stock_adjusted *event = message->value;
        if (name_index_find(&import->stock_commands, event->meta.command_id, &number))
            import->products[number].adjusted += event->delta;
    } else if (message->id == SHOP_STOCK_COMMITTED) {
        const struct shop_stock_committed *event = message->value;
        if (name_index_find(&import->order_ids, event->order_id, &order) &&
            import->orders[order].own &&
            name_index_find(&import->product_ids, event->product_id, &number))
            import->products[number].committed += event->quantity;
    }
    return 0;
}

int import_read_results(struct import *import, struct mr_error *error)
{
    int rc = import_read_topic(import, TOPIC_PAYMENTS_EVENTS, reconcile_take_payment, error);
    return rc ? rc
              : import_read_topic(
                    import, TOPIC_INVENTORY_STOCK_EVENTS, reconcile_take_stock, error);
}

/* One row; counts what differs. */
static void reconcile_compare(const char *what, int64_t shop, int64_t file, int *differences)
{
    printf(
        "  %-34s %14" PRId64 " %14" PRId64 "%s\n",
        what,
        shop,
        file,
        shop == file ? "" : "   DIFFERS");
    *differences += shop != file;
}

static void reconcile_compare_money(const char *what, int64_t shop, int64_t file, int *differences)
{
    printf(
        "  %-34s %11" PRId64 ".%02d %11" PRId64 ".%02d%s\n",
        what,
        shop / 100,
        (int)(shop % 100),
        file / 100,
        (int)(file % 100),
        shop == file ? "" : "   DIFFERS");
    *differences += shop != file;
}

static void reconcile_print_lines(const struct retail *retail)
{
    printf(
        "\nlines read %" PRId64 ", qualifying %" PRId64 "\n",
        retail->lines_read,
        retail->lines_qualifying);
    for (int i = 0; i < RETAIL_SKIPS; i++)
        printf(
            "  skipped for %-36s %8" PRId64 "\n",
            retail_skip_text((enum retail_skip)i),
            retail->lines_skipped[i]);
}

/* Totals of the shop or of the file. */
struct sums {
    int64_t orders;
    int64_t units;
    int64_t minor;
};

/* Sums the orders that were placed for this file. */
static struct sums reconcile_sum_shop(const struct import *import)
{
    struct sums sums = {0};
    bool *seen = mr_calloc(import->baskets_count + 1, sizeof *seen);
    for (size_t i = 0; i < import->order_ids.count; i++) {
        const struct import_known_order *order = &import->orders[i];
        if (!order->own || order->basket >= import->baskets_count)
            continue;
        sums.minor += order->captured_minor;
        if (order->state != ORDER_CONFIRMED)
            continue;
        sums.units += order->units;
        sums.orders += !seen[order->basket];
        seen[order->basket] = true;
    }
    free(seen);
    return sums;
}

/* Sums what the baskets add to what the shop had. */
static struct sums reconcile_sum_file(const struct import *import, int64_t *ret_known)
{
    const struct retail *retail = import->retail;
    struct sums sums = {0};
    for (size_t i = 0; i < import->baskets_count; i++) {
        const struct retail_basket *basket = &retail->baskets[i];
        int64_t units = 0;
        for (size_t j = basket->lines_first; j < basket->lines_first + basket->lines_count; j++) {
            units += import->adds[j];
            sums.minor += import->adds[j] * retail->products[retail->lines[j].product].price_minor;
        }
        sums.units += units;
        sums.orders += units > 0;
        *ret_known += units < basket->units;
    }
    return sums;
}

/* The number of products whose stock is another than what the file brought less what it sold. */
static int64_t
reconcile_count_wrong_stock(const struct import *import, int64_t *ret_left, int64_t *ret_expected)
{
    const struct retail *retail = import->retail;
    int64_t *expected = mr_calloc(retail->products_count + 1, sizeof *expected);
    int64_t wrong = 0;
    for (size_t i = 0; i < import->baskets_count; i++) {
        const struct retail_basket *basket = &retail->baskets[i];
        for (size_t j = basket->lines_first; j < basket->lines_first + basket->lines_count; j++)
            expected[retail->lines[j].product] -= import->adds[j];
    }
    for (size_t i = 0; i < retail->products_count; i++) {
        int64_t left = import->products[i].adjusted - import->products[i].committed;
        expected[i] += import->products[i].brought;
        wrong += left != expected[i];
        *ret_left += left;
        *ret_expected += expected[i];
    }
    free(expected);
    return wrong;
}

/* Every row is printed, also behind one that differs: together they show where to look. */
int import_reconcile(const struct import *import, struct mr_error *error)
{
    assert(import->ended == import->baskets_count);
    const struct retail *retail = import->retail;
    int64_t known = 0;
    int64_t left = 0;
    int64_t left_expected = 0;
    int differences = 0;
    struct sums shop = reconcile_sum_shop(import);
    struct sums file = reconcile_sum_file(import, &known);
    int64_t wrong = reconcile_count_wrong_stock(import, &left, &left_expected);
    reconcile_print_lines(retail);
    if (known)
        printf(
            "\n%" PRId64
            " of %zu baskets came with another file before, whole or in part; below is "
            "what this file adds\n",
            known,
            import->baskets_count);
    printf("\n  %-34s %14s %14s\n", "", "shop", "file");
    reconcile_compare(
        "products",
        (int64_t)import->products_accepted,
        (int64_t)retail->products_count,
        &differences);
    reconcile_compare(
        "customers",
        (int64_t)import->customers_accepted,
        (int64_t)retail->customers_count,
        &differences);
    reconcile_compare("orders confirmed", shop.orders, file.orders, &differences);
    reconcile_compare("units sold", shop.units, file.units, &differences);
    reconcile_compare_money("captured (" IMPORT_CURRENCY ")", shop.minor, file.minor, &differences);
    reconcile_compare("units left on hand", left, left_expected, &differences);
    reconcile_compare("products with other stock", wrong, 0, &differences);
    if (import->refused)
        printf("  refused commands: %zu, the first: %s\n", import->refused, import->first_refusal);
    if (differences)
        return mr_fail(error, MR_CONFLICT, "the shop and the file differ in %d sums", differences);
    if (import->baskets_count > 0 && import->to_place == 0)
        printf("nothing was imported: the shop had every basket of this file\n");
    printf("the shop and the file agree\n");
    return 0;
}
