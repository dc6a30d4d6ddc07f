/* import_track.c - what comes back: the answers to our commands, and the events of all orders. */
#include "import.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define REPLIES_TOPIC "gateway.replies"
#define ORDERS_TOPIC  "sales.order.events"
#define CATALOG_TOPIC "catalog.product.events"

int import_open_reader(struct import *import, struct mr_error *error)
{
    int32_t replies = 0;
    int32_t orders = 0;
    int64_t low = 0;
    int64_t high = 0;
    int rc = topo_kafka_partitions(&import->kafka, REPLIES_TOPIC, &replies, error);
    rc = rc ? rc : topo_kafka_partitions(&import->kafka, ORDERS_TOPIC, &orders, error);
    rc = rc ? rc
            : topo_kafka_partitions(
                  &import->kafka, "sales.commands", &import->sales_partitions, error);
    if (rc)
        return rc;
    if (replies == 0 || orders == 0 || import->sales_partitions == 0 ||
        import->sales_partitions > IMPORT_PARTITIONS_MAX)
        return mr_fail(error, MR_CONFIG, "the topics are missing: run `millrace topics create`");
    import->reply_partition = replies - 1;
    rc = topo_kafka_watermarks(
        &import->kafka, REPLIES_TOPIC, import->reply_partition, &low, &high, error);
    rc = rc ? rc : topo_kafka_reader_new(&import->kafka, &import->reader, error);
    rc = rc ? rc
            : topo_kafka_reader_add(
                  import->reader, REPLIES_TOPIC, import->reply_partition, high, error);
    for (int32_t i = 0; rc == 0 && i < orders; i++)
        rc = topo_kafka_reader_add(import->reader, ORDERS_TOPIC, i, TOPO_KAFKA_BEGIN, error);
    return rc;
}

static struct import_basket *basket_of(struct import *import, struct mr_bytes order_id)
{
    uint32_t number = 0;
    return name_index_find(&import->orders, order_id, &number) ? &import->baskets[number] : NULL;
}

static void move(struct import *import, struct mr_bytes order_id, enum import_order state)
{
    struct import_basket *basket = basket_of(import, order_id);
    if (!basket || basket->state == state)
        return;
    bool had_ended = basket->state > ORDER_PLACED;
    basket->state = state;
    import->ended += !had_ended && state > ORDER_PLACED;
}

static void refuse(struct import *import, const struct shop_command_outcome *outcome)
{
    if (import->refused++ == 0)
        snprintf(
            import->first_refusal,
            sizeof import->first_refusal,
            "%.*s %.*s: %.*s %.*s",
            MR_ARG(outcome->aggregate_id),
            MR_ARG(outcome->command_id),
            MR_ARG(outcome->problem_type),
            MR_ARG(outcome->problem_detail));
}

/* The catalogue as far as our products go. */
static void note_positions(struct import *import, const struct shop_command_outcome *outcome)
{
    for (size_t i = 0; i < outcome->positions_count; i++) {
        const struct shop_position *position = &outcome->positions[i];
        int32_t partition = position->partition;
        if (mr_bytes_equal(position->topic, mr_cstr(CATALOG_TOPIC)) && partition >= 0 &&
            partition < IMPORT_PARTITIONS_MAX &&
            import->catalog_next[partition] < position->next_offset)
            import->catalog_next[partition] = position->next_offset;
    }
}

static void
on_setup_reply(struct import *import, uint32_t number, const struct shop_command_outcome *outcome)
{
    size_t products = import->retail->products_count;
    if (import->answered[number])
        return;
    import->answered[number] = true;
    import->answers_count++;
    if (!mr_bytes_equal(outcome->status, mr_cstr("accepted"))) {
        refuse(import, outcome);
        return;
    }
    note_positions(import, outcome);
    import->products_accepted += number < products;
    import->stock_accepted += number >= products && number < 2 * products;
    import->customers_accepted += number >= 2 * products;
}

static void on_reply(struct import *import, const struct shop_command_reply *reply)
{
    const struct shop_command_outcome *outcome = &reply->outcome;
    uint32_t number = 0;
    if (name_index_find(&import->commands, reply->command_id, &number)) {
        on_setup_reply(import, number, outcome);
    } else if (!mr_bytes_equal(outcome->status, mr_cstr("accepted"))) {
        /* An order's refusal names its owner only; its id follows from the command's. */
        struct shop_id order_id = shop_order_id(outcome->aggregate_id, reply->command_id);
        struct shop_id by_principal = shop_order_id(outcome->principal, reply->command_id);
        refuse(import, outcome);
        move(import, shop_id_view(&order_id), ORDER_REFUSED);
        move(import, shop_id_view(&by_principal), ORDER_REFUSED);
    }
}

static void on_placed(struct import *import, const struct shop_order_placed *placed)
{
    struct import_basket *basket = basket_of(import, placed->order_id);
    if (!basket)
        return;
    basket->units = 0;
    for (size_t i = 0; i < placed->lines_count; i++)
        basket->units += placed->lines[i].quantity;
    if (basket->state == ORDER_UNKNOWN)
        basket->state = ORDER_PLACED;
}

static int take(struct import *import, const struct topo_record *record, struct mr_error *error)
{
    struct codec_message message;
    int rc = codec_decode(import->registry, record->value, &import->arena, &message, error);
    if (rc)
        return rc;
    if (message.id == SHOP_COMMAND_REPLY)
        on_reply(import, message.value);
    else if (message.id == SHOP_ORDER_PLACED)
        on_placed(import, message.value);
    else if (message.id == SHOP_ORDER_CONFIRMED)
        move(
            import,
            ((const struct shop_order_confirmed *)message.value)->order_id,
            ORDER_CONFIRMED);
    else if (message.id == SHOP_ORDER_CANCELLED)
        move(
            import,
            ((const struct shop_order_cancelled *)message.value)->order_id,
            ORDER_CANCELLED);
    mr_arena_reset(&import->arena);
    return 0;
}

int import_poll(struct import *import, int timeout_ms, struct mr_error *error)
{
    const struct topo_record *records = NULL;
    int undelivered = atomic_load(&import->undelivered);
    if (undelivered)
        return mr_fail(
            error, undelivered, "Kafka did not take a command: %s", mr_code_text(undelivered));
    int count = topo_kafka_reader_poll(import->reader, timeout_ms, &records, error);
    for (int i = 0; i < count; i++) {
        int rc = take(import, &records[i], error);
        if (rc)
            return rc;
    }
    return count;
}

static bool at_end(const struct import *import, int32_t partitions)
{
    for (int32_t i = 0; i < partitions; i++)
        if (!topo_kafka_reader_at_end(import->reader, ORDERS_TOPIC, i))
            return false;
    return true;
}

int import_catch_up(struct import *import, struct mr_error *error)
{
    int32_t partitions = 0;
    int rc = topo_kafka_partitions(&import->kafka, ORDERS_TOPIC, &partitions, error);
    while (rc >= 0 && !at_end(import, partitions))
        rc = import_poll(import, 500, error);
    return rc < 0 ? rc : 0;
}
