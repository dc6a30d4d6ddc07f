/*
 * import_plan.c - what the shop has already of a file, and what is left to send.
 *
 * 1. adds[line] is what no other file has brought of a line; left[line] is the part of it that has
 *    not been ordered.
 * 2. An order that was cancelled has brought nothing: its lines are left again.
 * 3. The stock a file brings is what it adds, and is fixed by the first run: a later one finds the
 *    StockAdjusted of its command, and sends none. Units of baskets that --orders left out are
 *    stocked all the same, so another file that has these baskets stocks them once more: nothing
 *    says which units a stock was meant for.
 *
 * An invoice of a number that the shop knows is the same invoice; retail_match.h says what is left
 * of it, and when the file is refused.
 */
#include "import.h"

#include <base/alloc.h>
#include <schemas/shop.h>
#include <sealing/random.h>
#include <tools/retail_match.h>

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { READ_TIMEOUT_MS = 500 };

static const struct mr_bytes importer = MR_LITERAL("import");
static const struct mr_bytes method = MR_LITERAL("IMPORT");

static void plan_print_digest(const uint8_t digest[SEALING_DIGEST_BYTES], char *ret_text)
{
    char text[SEALING_BASE32_LEN + 1];
    sealing_base32(digest, text);
    memcpy(ret_text, text, IMPORT_DIGEST_LEN);
    ret_text[IMPORT_DIGEST_LEN] = '\0';
}

/* A digest of the baskets, so that the form does not matter: plain or packed, CRLF or LF. */
static void plan_name_file(struct import *import)
{
    const struct retail *retail = import->retail;
    uint8_t digest[SEALING_DIGEST_BYTES] = {0};
    for (size_t i = 0; i < retail->baskets_count; i++) {
        const struct retail_basket *basket = &retail->baskets[i];
        mr_buffer_reset(&import->bytes);
        if (basket->customer != RETAIL_GUEST)
            mr_buffer_add(&import->bytes, retail->customers[basket->customer]);
        for (size_t j = 0; j < basket->lines_count; j++) {
            const struct retail_line *line = &retail->lines[basket->lines_first + j];
            const struct retail_product *product = &retail->products[line->product];
            mr_buffer_printf(
                &import->bytes,
                "|%.*s:%" PRId32 ":%" PRId64,
                MR_ARG(product->sku),
                line->quantity,
                product->price_minor);
        }
        struct mr_bytes parts[] = {
            mr_bytes_of((const char *)digest, sizeof digest),
            basket->invoice,
            mr_buffer_view(&import->bytes)};
        sealing_digest(parts, sizeof parts / sizeof parts[0], digest);
    }
    plan_print_digest(digest, import->digest);
}

static void plan_name_run(struct import *import)
{
    uint8_t random[SEALING_DIGEST_BYTES];
    sealing_random(random, sizeof random);
    plan_print_digest(random, import->run);
}

static void plan_name_products(struct import *import)
{
    const struct retail *retail = import->retail;
    import->products = mr_calloc(retail->products_count + 1, sizeof *import->products);
    name_index_init(&import->product_ids);
    name_index_init(&import->stock_commands);
    for (size_t i = 0; i < retail->products_count; i++) {
        struct import_product *product = &import->products[i];
        struct mr_bytes sku = retail->products[i].sku;
        struct mr_bytes name =
            mr_arena_printf(&import->arena, "%s:%.*s", import->digest, MR_ARG(sku));
        product->id = shop_product_id(sku);
        product->stock_command = shop_command_id(importer, method, mr_cstr("retail/stock"), name);
        (void)name_index_put(&import->product_ids, shop_id_view(&product->id));
        (void)name_index_put(&import->stock_commands, shop_id_view(&product->stock_command));
        mr_arena_reset(&import->arena);
    }
}

/* In small letters, so that "ab1" of one file and "AB1" of another are one account. */
static void plan_name_customers(struct import *import)
{
    const struct retail *retail = import->retail;
    import->customers = mr_calloc(retail->customers_count + 1, sizeof *import->customers);
    name_index_init(&import->user_ids);
    for (size_t i = 0; i < retail->customers_count; i++) {
        struct import_customer *customer = &import->customers[i];
        char *name = mr_arena_cstr(&import->arena, retail->customers[i]);
        for (char *at = name; *at; at++)
            if (*at >= 'A' && *at <= 'Z')
                *at = (char)(*at - 'A' + 'a');
        customer->command_id =
            shop_command_id(importer, method, mr_cstr("retail/customer"), mr_cstr(name));
        customer->user_id = shop_created_id("usr_", shop_id_view(&customer->command_id));
        (void)name_index_put(&import->user_ids, shop_id_view(&customer->user_id));
        mr_arena_reset(&import->arena);
    }
}

int import_judge(const struct retail *retail, struct mr_error *error)
{
    if (retail->lines_qualifying > 0)
        return 0;
    return mr_fail(
        error,
        MR_INVALID,
        "no line qualifies: of %" PRId64 " lines %" PRId64 " have %s, %" PRId64 " %s, and %" PRId64
        " %s. Nothing is imported",
        retail->lines_read,
        retail->lines_skipped[RETAIL_SKIP_INVOICE],
        retail_skip_text(RETAIL_SKIP_INVOICE),
        retail->lines_skipped[RETAIL_SKIP_QUANTITY],
        retail_skip_text(RETAIL_SKIP_QUANTITY),
        retail->lines_skipped[RETAIL_SKIP_PRICE],
        retail_skip_text(RETAIL_SKIP_PRICE));
}

void import_name(struct import *import)
{
    const struct retail *retail = import->retail;
    assert(retail->lines_qualifying > 0);
    plan_name_file(import);
    plan_name_run(import);
    plan_name_products(import);
    plan_name_customers(import);
    import->baskets = mr_calloc(retail->baskets_count + 1, sizeof *import->baskets);
    import->adds = mr_calloc(retail->lines_count + 1, sizeof *import->adds);
    import->left = mr_calloc(retail->lines_count + 1, sizeof *import->left);
    name_index_init(&import->invoices);
    name_index_init(&import->order_ids);
    name_index_init(&import->command_ids);
    for (size_t i = 0; i < retail->baskets_count; i++)
        (void)name_index_put(&import->invoices, retail->baskets[i].invoice);
}

/* -- what is there -- */

int import_read_topic(
    struct import *import, const char *topic, import_take_fn *take, struct mr_error *error)
{
    assert(topic && take);
    struct topo_kafka_reader *reader = NULL;
    int32_t partitions = 0;
    int32_t done = 0;
    int rc = topo_kafka_partitions(&import->kafka, topic, &partitions, error);
    rc = rc ? rc : topo_kafka_reader_new(&import->kafka, &reader, error);
    for (int32_t i = 0; rc == 0 && i < partitions; i++)
        rc = topo_kafka_reader_add(reader, topic, i, TOPO_KAFKA_BEGIN, error);
    while (rc == 0 && done < partitions) {
        const struct topo_record *records = NULL;
        int count = topo_kafka_reader_poll(reader, READ_TIMEOUT_MS, &records, error);
        rc = count < 0 ? count : 0;
        for (int i = 0; rc == 0 && i < count; i++) {
            struct codec_message message;
            /* Our programs write this header with every event: others' records do not count. */
            if (!topo_record_header(&records[i], "ce_type").ptr ||
                codec_decode(import->registry, records[i].value, &import->arena, &message, NULL))
                continue;
            if (strcmp(topic, TOPIC_CATALOG_PRODUCT_EVENTS) == 0)
                import_require_catalog(import, records[i].partition, records[i].offset + 1);
            rc = take(import, &message, error);
            mr_arena_reset(&import->arena);
        }
        while (done < partitions && topo_kafka_reader_at_end(reader, topic, done))
            done++;
    }
    topo_kafka_reader_free(reader);
    return rc;
}

void import_require_catalog(struct import *import, int32_t partition, int64_t next_offset)
{
    assert(partition >= 0 && next_offset >= 0);
    if (partition >= 0 && partition < IMPORT_PARTITIONS_MAX &&
        import->catalog_next[partition] < next_offset)
        import->catalog_next[partition] = next_offset;
}

static struct import_product *plan_find_product(struct import *import, struct mr_bytes product_id)
{
    uint32_t number = 0;
    return name_index_find(&import->product_ids, product_id, &number) ? &import->products[number]
                                                                      : NULL;
}

static int plan_take_product(
    struct import *import, const struct codec_message *message, struct mr_error *error)
{
    (void)error;
    if (message->id == SHOP_PRODUCT_CREATED) {
        struct import_product *product = plan_find_product(
            import, ((const struct shop_product_created *)message->value)->product_id);
        if (product)
            product->exists = true;
    } else if (message->id == SHOP_PRICE_CHANGED) {
        const struct shop_price_changed *changed = message->value;
        struct import_product *product = plan_find_product(import, changed->product_id);
        if (product)
            product->price_minor = changed->price.minor;
    }
    return 0;
}

static int
plan_take_stock(struct import *import, const struct codec_message *message, struct mr_error *error)
{
    uint32_t number = 0;
    (void)error;
    if (message->id != SHOP_STOCK_ADJUSTED)
        return 0;
    const struct shop_stock_adjusted *adjusted = message->value;
    if (name_index_find(&import->stock_commands, adjusted->meta.command_id, &number)) {
        import->products[number].stock_is_known = true;
        import->products[number].brought_before += adjusted->delta;
    }
    return 0;
}

/* A customer who was there before this run may have left something in the cart. */
static int
plan_take_claim(struct import *import, const struct codec_message *message, struct mr_error *error)
{
    uint32_t number = 0;
    (void)error;
    if (message->id == SHOP_EMAIL_CLAIMED &&
        name_index_find(
            &import->user_ids,
            ((const struct shop_email_claimed *)message->value)->user_id,
            &number))
        import->customers[number].was_there = true;
    return 0;
}

uint32_t
import_add_order(struct import *import, struct mr_bytes order_id, uint32_t basket, bool own)
{
    assert(basket < import->retail->baskets_count);
    uint32_t number = name_index_put(&import->order_ids, order_id);
    import->orders =
        mr_grow(import->orders, number, &import->orders_capacity, sizeof *import->orders);
    import->orders[number] = (struct import_known_order){.basket = basket, .own = own};
    return number;
}

/* "retail:DIGEST:INVOICE", as import_send.c writes it. */
static bool plan_parse_correlation(
    const struct import *import, struct mr_bytes text, uint32_t *ret_basket, bool *ret_own)
{
    static const struct mr_bytes prefix = MR_LITERAL("retail:");
    if (!mr_bytes_starts_with(text, prefix) || text.len <= prefix.len + IMPORT_DIGEST_LEN + 1)
        return false;
    struct mr_bytes digest = mr_bytes_of(text.ptr + prefix.len, IMPORT_DIGEST_LEN);
    size_t before = prefix.len + IMPORT_DIGEST_LEN + 1;
    *ret_own = mr_bytes_equal(digest, mr_cstr(import->digest));
    return name_index_find(
        &import->invoices, mr_bytes_of(text.ptr + before, text.len - before), ret_basket);
}

/* Each order of a guest has a guest of its own. */
static bool plan_is_owner(const struct import *import, uint32_t basket, struct mr_bytes owner_id)
{
    uint32_t customer = import->retail->baskets[basket].customer;
    if (customer == RETAIL_GUEST)
        return mr_bytes_starts_with(owner_id, mr_cstr("gst_"));
    return mr_bytes_equal(owner_id, shop_id_view(&import->customers[customer].user_id));
}

/* Keeps the lines that the file may have, too. A product that the file does not name marks the
 * order: it contradicts its basket (plan_match_orders). */
static void plan_take_placed(struct import *import, const struct shop_order_placed *placed)
{
    uint32_t basket = 0;
    bool own = false;
    if (!plan_parse_correlation(import, placed->meta.correlation_id, &basket, &own))
        return;
    uint32_t number = import_add_order(import, placed->order_id, basket, own);
    struct import_known_order *order = &import->orders[number];
    order->state = ORDER_PLACED;
    order->other_owner = !plan_is_owner(import, basket, placed->owner_id);
    order->lines_first = import->known_lines_count;
    for (size_t i = 0; i < placed->lines_count; i++) {
        uint32_t product = 0;
        if (placed->lines[i].quantity < 1)
            continue;
        order->units += placed->lines[i].quantity;
        if (!name_index_find(&import->product_ids, placed->lines[i].product_id, &product)) {
            order->other_product = true;
            continue;
        }
        import->known_lines = mr_grow(
            import->known_lines,
            import->known_lines_count,
            &import->known_lines_capacity,
            sizeof *import->known_lines);
        import->known_lines[import->known_lines_count++] =
            (struct retail_line){.product = product, .quantity = placed->lines[i].quantity};
        order->lines_count++;
    }
}

static void plan_end_order(struct import *import, struct mr_bytes order_id, enum import_order state)
{
    uint32_t number = 0;
    if (name_index_find(&import->order_ids, order_id, &number))
        import->orders[number].state = state;
}

static int
plan_take_order(struct import *import, const struct codec_message *message, struct mr_error *error)
{
    (void)error;
    if (message->id == SHOP_ORDER_PLACED)
        plan_take_placed(import, message->value);
    else if (message->id == SHOP_ORDER_CONFIRMED)
        plan_end_order(
            import,
            ((const struct shop_order_confirmed *)message->value)->order_id,
            ORDER_CONFIRMED);
    else if (message->id == SHOP_ORDER_CANCELLED)
        plan_end_order(
            import,
            ((const struct shop_order_cancelled *)message->value)->order_id,
            ORDER_CANCELLED);
    return 0;
}

int import_read_state(struct import *import, struct mr_error *error)
{
    int rc = import_read_topic(import, TOPIC_CATALOG_PRODUCT_EVENTS, plan_take_product, error);
    rc = rc ? rc : import_read_topic(import, TOPIC_INVENTORY_STOCK_EVENTS, plan_take_stock, error);
    rc = rc ? rc : import_read_topic(import, TOPIC_IDENTITY_CLAIM_EVENTS, plan_take_claim, error);
    return rc ? rc : import_read_topic(import, TOPIC_SALES_ORDER_EVENTS, plan_take_order, error);
}

/* -- what is left -- */

static void plan_subtract_order(
    const struct import *import,
    const struct import_known_order *order,
    int32_t *lines,
    struct retail_match *match)
{
    const struct retail_basket *basket = &import->retail->baskets[order->basket];
    for (size_t i = 0; i < order->lines_count; i++)
        retail_match_line(
            match, import->retail, basket, import->known_lines[order->lines_first + i], lines);
    match->lacks |= order->other_product;
    match->other_customer |= order->other_owner;
}

/* MR_CONFLICT for a basket that contradicts the orders of its number. */
static int plan_judge_basket(
    const struct import *import,
    const struct retail_basket *basket,
    const struct retail_match *match,
    struct mr_error *error)
{
    const struct retail *retail = import->retail;
    const char *conflict = retail_match_conflict(match, basket, import->left);
    struct mr_bytes sku = {0};
    if (!conflict)
        return 0;
    if (match->is_smaller && !match->other_customer)
        sku = retail->products[match->smaller_product].sku;
    return mr_fail(
        error,
        MR_CONFLICT,
        "line %" PRId64
        ": the shop has an invoice %.*s %s%.*s. If this is another one, or corrects "
        "it, it needs a number of its own. Nothing is imported",
        basket->file_line,
        MR_ARG(basket->invoice),
        conflict,
        MR_ARG(sku));
}

static void plan_one_basket(struct import *import, size_t number)
{
    const struct retail_basket *lines = &import->retail->baskets[number];
    struct import_basket *basket = &import->baskets[number];
    for (size_t i = lines->lines_first; i < lines->lines_first + lines->lines_count; i++) {
        if (import->left[i] == 0)
            continue;
        basket->to_place = true;
        import->products[import->retail->lines[i].product].is_needed = true;
    }
    import->to_place += basket->to_place;
    if (!basket->to_place && basket->orders_open == 0) {
        basket->counted = true;
        import->ended++;
    }
}

/* Takes out what has been ordered, basket by basket, and refuses what contradicts it. */
static int
plan_match_orders(struct import *import, struct retail_match *matches, struct mr_error *error)
{
    int rc = 0;
    for (size_t i = 0; i < import->order_ids.count; i++) {
        const struct import_known_order *order = &import->orders[i];
        struct retail_match ignored = {0};
        if (order->state == ORDER_CANCELLED)
            continue;
        plan_subtract_order(import, order, import->left, &matches[order->basket]);
        if (!order->own)
            plan_subtract_order(import, order, import->adds, &ignored);
        import->baskets[order->basket].orders_open += order->state == ORDER_PLACED;
    }
    for (size_t i = 0; rc == 0 && i < import->retail->baskets_count; i++)
        rc = plan_judge_basket(import, &import->retail->baskets[i], &matches[i], error);
    return rc;
}

/* Another file may have ordered since what this one had stocked: then it brought more than it
 * would now. */
static void plan_fix_stock(struct import_product *product, const struct retail_product *file)
{
    if (product->stock_is_known && product->brought_before > product->brought &&
        product->brought_before <= file->units)
        product->brought = product->brought_before;
}

/* A shop may have more of this file than --orders asks for. It is compared with all that it has. */
static void plan_take_known_baskets(struct import *import)
{
    size_t count = import->baskets_count;
    for (size_t i = 0; i < import->order_ids.count; i++)
        if (import->orders[i].own && import->orders[i].basket >= count)
            count = (size_t)import->orders[i].basket + 1;
    if (count == import->baskets_count)
        return;
    printf(
        "the shop has baskets of this file beyond the first %zu: the first %zu are looked at\n",
        import->baskets_count,
        count);
    import->baskets_count = count;
}

int import_plan(struct import *import, struct mr_error *error)
{
    const struct retail *retail = import->retail;
    assert(import->ended == 0 && import->to_place == 0);
    plan_take_known_baskets(import);
    for (size_t i = 0; i < retail->lines_count; i++)
        import->adds[i] = import->left[i] = retail->lines[i].quantity;
    struct retail_match *matches = mr_calloc(retail->baskets_count + 1, sizeof *matches);
    int rc = plan_match_orders(import, matches, error);
    free(matches);
    if (rc)
        return rc;
    for (size_t i = 0; i < retail->lines_count; i++)
        import->products[retail->lines[i].product].brought += import->adds[i];
    for (size_t i = 0; i < retail->products_count; i++)
        plan_fix_stock(&import->products[i], &retail->products[i]);
    for (size_t i = 0; i < import->baskets_count; i++)
        plan_one_basket(import, i);
    return 0;
}
