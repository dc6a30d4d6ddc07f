/* import_reconcile.c - what the shop's own events say of the import, beside what the file says. */
#include "import.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define PAYMENTS_TOPIC "payments.events"
#define STOCK_TOPIC    "inventory.stock.events"

struct product_numbers {
    struct name_index index;
};

static void add_captured(struct import *import, struct mr_bytes order_id, int64_t minor)
{
    uint32_t number = 0;
    if (name_index_find(&import->orders, order_id, &number))
        import->baskets[number].captured_minor += minor;
}

static void add_stock(
    const struct product_numbers *products,
    int64_t *sums,
    struct mr_bytes product_id,
    int64_t units)
{
    uint32_t number = 0;
    if (name_index_find(&products->index, product_id, &number))
        sums[number] += units;
}

static void take_committed(
    struct import *import,
    const struct product_numbers *products,
    const struct shop_stock_committed *event)
{
    uint32_t number = 0;
    if (name_index_find(&import->orders, event->order_id, &number))
        add_stock(products, import->stock_committed, event->product_id, event->quantity);
}

static int take(
    struct import *import,
    const struct product_numbers *products,
    const struct topo_record *record,
    struct mr_error *error)
{
    struct codec_message message;
    int rc = codec_decode(import->registry, record->value, &import->arena, &message, error);
    if (rc)
        return rc;
    if (message.id == SHOP_PAYMENT_CAPTURED) {
        const struct shop_payment_captured *event = message.value;
        add_captured(import, event->order_id, event->captured.minor);
    } else if (message.id == SHOP_PAYMENT_REFUNDED) {
        const struct shop_payment_refunded *event = message.value;
        add_captured(import, event->order_id, -event->refunded.minor);
    } else if (message.id == SHOP_STOCK_COMMITTED) {
        take_committed(import, products, message.value);
    } else if (message.id == SHOP_STOCK_ADJUSTED) {
        const struct shop_stock_adjusted *event = message.value;
        if (mr_bytes_equal(event->cause, mr_cstr(IMPORT_CAUSE)))
            add_stock(products, import->stock_adjusted, event->product_id, event->delta);
    }
    mr_arena_reset(&import->arena);
    return 0;
}

static int read_topic(
    struct import *import,
    const struct product_numbers *products,
    const char *topic,
    struct mr_error *error)
{
    struct topo_kafka_reader *reader = NULL;
    int32_t partitions = 0;
    int32_t done = 0;
    int rc = topo_kafka_partitions(&import->kafka, topic, &partitions, error);
    rc = rc ? rc : topo_kafka_reader_new(&import->kafka, &reader, error);
    for (int32_t i = 0; rc == 0 && i < partitions; i++)
        rc = topo_kafka_reader_add(reader, topic, i, TOPO_KAFKA_BEGIN, error);
    while (rc == 0 && done < partitions) {
        const struct topo_record *records = NULL;
        int count = topo_kafka_reader_poll(reader, 500, &records, error);
        rc = count < 0 ? count : 0;
        for (int i = 0; rc == 0 && i < count; i++)
            rc = take(import, products, &records[i], error);
        while (done < partitions && topo_kafka_reader_at_end(reader, topic, done))
            done++;
    }
    topo_kafka_reader_free(reader);
    return rc;
}

int import_read_results(struct import *import, struct mr_error *error)
{
    struct product_numbers products;
    name_index_init(&products.index);
    for (size_t i = 0; i < import->retail->products_count; i++)
        (void)name_index_put(&products.index, shop_id_view(&import->products[i]));
    int rc = read_topic(import, &products, PAYMENTS_TOPIC, error);
    rc = rc ? rc : read_topic(import, &products, STOCK_TOPIC, error);
    name_index_clean_up(&products.index);
    return rc;
}

/* One row; counts what differs. */
static void compare(const char *what, int64_t shop, int64_t file, int *differences)
{
    printf(
        "  %-34s %14" PRId64 " %14" PRId64 "%s\n",
        what,
        shop,
        file,
        shop == file ? "" : "   DIFFERS");
    *differences += shop != file;
}

static void compare_money(const char *what, int64_t shop, int64_t file, int *differences)
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

static void print_lines(const struct retail *retail)
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

/* Units of each product in the baskets asked for. */
static int64_t wrong_stock(const struct import *import, int64_t *ret_left, int64_t *ret_expected)
{
    const struct retail *retail = import->retail;
    int64_t *expected = mr_calloc(retail->products_count, sizeof *expected);
    int64_t wrong = 0;
    for (size_t i = 0; i < import->baskets_count; i++)
        for (size_t j = 0; j < retail->baskets[i].lines_count; j++) {
            const struct retail_line *line = &retail->lines[retail->baskets[i].lines_first + j];
            expected[line->product] -= line->quantity;
        }
    for (size_t i = 0; i < retail->products_count; i++) {
        int64_t left = import->stock_adjusted[i] - import->stock_committed[i];
        expected[i] += retail->products[i].units;
        wrong += left != expected[i];
        *ret_left += left;
        *ret_expected += expected[i];
    }
    free(expected);
    return wrong;
}

int import_reconcile(const struct import *import, struct mr_error *error)
{
    const struct retail *retail = import->retail;
    struct retail_sums file = retail_sums_of(retail, import->baskets_count);
    int64_t confirmed = 0;
    int64_t units = 0;
    int64_t captured = 0;
    int64_t left = 0;
    int64_t left_expected = 0;
    int differences = 0;
    for (size_t i = 0; i < import->baskets_count; i++) {
        const struct import_basket *basket = &import->baskets[i];
        confirmed += basket->state == ORDER_CONFIRMED;
        units += basket->state == ORDER_CONFIRMED ? basket->units : 0;
        captured += basket->captured_minor;
    }
    int64_t wrong = wrong_stock(import, &left, &left_expected);
    print_lines(retail);
    printf("\n  %-34s %14s %14s\n", "", "shop", "file");
    compare(
        "products",
        (int64_t)import->products_accepted,
        (int64_t)retail->products_count,
        &differences);
    compare(
        "customers",
        (int64_t)import->customers_accepted,
        (int64_t)retail->customers_count,
        &differences);
    compare("orders confirmed", confirmed, file.orders, &differences);
    compare("units sold", units, file.units, &differences);
    compare_money("captured (" IMPORT_CURRENCY ")", captured, file.total_minor, &differences);
    compare("units left on hand", left, left_expected, &differences);
    compare("products with other stock", wrong, 0, &differences);
    if (import->refused)
        printf("  refused commands: %zu, the first: %s\n", import->refused, import->first_refusal);
    if (differences)
        return mr_fail(error, MR_CONFLICT, "the shop and the file differ in %d sums", differences);
    printf("the shop and the file agree\n");
    return 0;
}
