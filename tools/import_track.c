/* import_track.c - what comes back: the answers to our commands, and the events of all orders. */
#include "import.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

int import_open_reader(struct import *import, struct mr_error *error)
{
    assert(!import->reader);
    int32_t replies = 0;
    int64_t low = 0;
    int64_t high = 0;
    int rc = topo_kafka_partitions(&import->kafka, TOPIC_GATEWAY_REPLIES, &replies, error);
    rc = rc ? rc
            : topo_kafka_partitions(
                  &import->kafka, TOPIC_SALES_COMMANDS, &import->sales_partitions, error);
    if (rc)
        return rc;
    if (replies == 0 || import->sales_partitions == 0 ||
        import->sales_partitions > IMPORT_PARTITIONS_MAX)
        return mr_fail(error, MR_CONFIG, "the topics are missing: run `millrace topics create`");
    import->reply_partition = replies - 1;
    rc = topo_kafka_watermarks(
        &import->kafka, TOPIC_GATEWAY_REPLIES, import->reply_partition, &low, &high, error);
    rc = rc ? rc : topo_kafka_reader_new(&import->kafka, &import->reader, error);
    return rc ? rc
              : topo_kafka_reader_add(
                    import->reader, TOPIC_GATEWAY_REPLIES, import->reply_partition, high, error);
}

/* From the beginning: what the state was read of is passed again, and changes nothing. */
int import_follow_orders(struct import *import, struct mr_error *error)
{
    int32_t partitions = 0;
    int rc = topo_kafka_partitions(&import->kafka, TOPIC_SALES_ORDER_EVENTS, &partitions, error);
    for (int32_t i = 0; rc == 0 && i < partitions; i++)
        rc = topo_kafka_reader_add(
            import->reader, TOPIC_SALES_ORDER_EVENTS, i, TOPO_KAFKA_BEGIN, error);
    return rc;
}

/* Moves an order of ours, once; its basket may have nothing left to do then. */
static void
track_end_order(struct import *import, struct mr_bytes order_id, enum import_order state)
{
    uint32_t number = 0;
    if (!name_index_find(&import->order_ids, order_id, &number))
        return;
    struct import_known_order *order = &import->orders[number];
    if (order->state > ORDER_PLACED)
        return;
    order->state = state;
    struct import_basket *basket = &import->baskets[order->basket];
    if (order->basket >= import->baskets_count)
        return;
    assert(basket->orders_open > 0);
    basket->orders_open--;
    basket->refused |= state == ORDER_REFUSED;
    if (basket->orders_open == 0 && !basket->counted) {
        basket->counted = true;
        import->ended++;
    }
}

static void track_note_refusal(struct import *import, const struct shop_command_outcome *outcome)
{
    /* Processors of an older version name no reason. */
    static const struct shop_rejection none = {0};
    const struct shop_rejection *why = outcome->rejection ? outcome->rejection : &none;
    if (import->refused++ == 0)
        snprintf(
            import->first_refusal,
            sizeof import->first_refusal,
            "%.*s %.*s: %.*s %.*s (limit %lld)",
            MR_ARG(outcome->aggregate_id),
            MR_ARG(outcome->command_id),
            MR_ARG(why->reason.ptr ? why->reason : outcome->problem_type),
            MR_ARG(why->subject),
            (long long)why->limit);
}

/* The catalogue as far as our products go. */
static void track_note_positions(struct import *import, const struct shop_command_outcome *outcome)
{
    for (size_t i = 0; i < outcome->positions_count; i++) {
        const struct shop_position *position = &outcome->positions[i];
        if (mr_bytes_equal(position->topic, mr_cstr(TOPIC_CATALOG_PRODUCT_EVENTS)))
            import_require_catalog(import, position->partition, position->next_offset);
    }
}

static bool track_is_accepted(const struct shop_command_outcome *outcome)
{
    return mr_bytes_equal(outcome->status, mr_cstr("accepted"));
}

static void track_take_setup_reply(
    struct import *import, uint32_t at, const struct shop_command_outcome *outcome)
{
    struct import_command *command = &import->commands[at];
    if (command->answered)
        return;
    command->answered = true;
    import->answers_count++;
    if (command->kind == SETUP_BARRIER)
        return;
    if (!track_is_accepted(outcome)) {
        track_note_refusal(import, outcome);
        return;
    }
    track_note_positions(import, outcome);
    import->products_accepted += command->kind == SETUP_PRODUCT;
    import->customers_accepted += command->kind == SETUP_CUSTOMER;
}

static void track_take_reply(struct import *import, const struct shop_command_reply *reply)
{
    const struct shop_command_outcome *outcome = &reply->outcome;
    uint32_t number = 0;
    if (name_index_find(&import->command_ids, reply->command_id, &number)) {
        track_take_setup_reply(import, number, outcome);
    } else if (!track_is_accepted(outcome)) {
        /* An order's refusal names its owner only; its id follows from the command's. */
        struct shop_id order_id = shop_order_id(outcome->aggregate_id, reply->command_id);
        struct shop_id by_principal = shop_order_id(outcome->principal, reply->command_id);
        track_note_refusal(import, outcome);
        track_end_order(import, shop_id_view(&order_id), ORDER_REFUSED);
        track_end_order(import, shop_id_view(&by_principal), ORDER_REFUSED);
    }
}

static void track_take_placed(struct import *import, const struct shop_order_placed *placed)
{
    uint32_t number = 0;
    if (!name_index_find(&import->order_ids, placed->order_id, &number) ||
        import->orders[number].state != ORDER_UNKNOWN)
        return;
    struct import_known_order *order = &import->orders[number];
    order->state = ORDER_PLACED;
    for (size_t i = 0; i < placed->lines_count; i++)
        order->units += placed->lines[i].quantity;
}

/* A record that cannot be read is not one of the shop's. */
static void track_take_record(struct import *import, const struct topo_record *record)
{
    struct codec_message message;
    bool is_event = strcmp(record->topic, TOPIC_SALES_ORDER_EVENTS) == 0;
    if (is_event && !topo_record_header(record, "ce_type").ptr)
        return;
    if (codec_decode(import->registry, record->value, &import->arena, &message, NULL))
        return;
    if (message.id == SHOP_COMMAND_REPLY)
        track_take_reply(import, message.value);
    else if (message.id == SHOP_ORDER_PLACED)
        track_take_placed(import, message.value);
    else if (message.id == SHOP_ORDER_CONFIRMED)
        track_end_order(
            import,
            ((const struct shop_order_confirmed *)message.value)->order_id,
            ORDER_CONFIRMED);
    else if (message.id == SHOP_ORDER_CANCELLED)
        track_end_order(
            import,
            ((const struct shop_order_cancelled *)message.value)->order_id,
            ORDER_CANCELLED);
    mr_arena_reset(&import->arena);
}

int import_poll(struct import *import, int timeout_ms, struct mr_error *error)
{
    assert(import->reader && timeout_ms >= 0);
    const struct topo_record *records = NULL;
    int undelivered = atomic_load(&import->undelivered);
    if (undelivered)
        return mr_fail(
            error, undelivered, "Kafka did not take a command: %s", mr_code_text(undelivered));
    int count = topo_kafka_reader_poll(import->reader, timeout_ms, &records, error);
    for (int i = 0; i < count; i++)
        track_take_record(import, &records[i]);
    return count;
}
