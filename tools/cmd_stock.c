/* cmd_stock.c - `millrace stock ...`: the units of a product, and what the staff adds or takes. */
#include "staff.h"

#include <base/murmur2.h>
#include <http/json.h>
#include <processors/limits.h>

#include <inttypes.h>
#include <stdio.h>

/* As the events of the stock have it: each says how much there is after it. */
struct staff_stock {
    struct staff_history history; /* Adjustments: reservations are the orders'. */
    int64_t on_hand;
    int64_t available;
    int64_t version;
};

static void stock_note(
    struct staff_stock *stock, const struct shop_meta *meta, int64_t on_hand, int64_t available)
{
    stock->on_hand = on_hand;
    stock->available = available;
    stock->version = meta->aggregate_version;
}

static void stock_take_adjusted(
    struct staff_stock *stock, const struct codec_message *event, const struct shop_meta *meta)
{
    const struct shop_stock_adjusted *adjusted = event->value;
    struct mr_bytes detail = mr_arena_printf(
        &stock->history.staff->arena,
        "%+" PRId64 " to %" PRId64,
        adjusted->delta,
        adjusted->on_hand_after);
    stock_note(stock, meta, adjusted->on_hand_after, adjusted->available_after);
    staff_history_add(&stock->history, event, meta, detail);
    /* Events from before there were reasons have the cause only. */
    struct staff_deed *deed = &stock->history.deeds[stock->history.count - 1];
    if (!deed->reason.ptr)
        deed->reason = mr_arena_copy(&stock->history.staff->arena, adjusted->cause);
}

static void stock_take_event(
    void *user,
    const struct codec_message *event,
    const struct shop_meta *meta,
    struct mr_bytes key)
{
    struct staff_stock *stock = user;
    (void)key;
    switch (event->id) {
    case SHOP_STOCK_ADJUSTED:
        stock_take_adjusted(stock, event, meta);
        break;
    case SHOP_STOCK_RESERVED: {
        const struct shop_stock_reserved *value = event->value;
        stock_note(stock, meta, value->on_hand_after, value->available_after);
        break;
    }
    case SHOP_STOCK_RELEASED: {
        const struct shop_stock_released *value = event->value;
        stock_note(stock, meta, value->on_hand_after, value->available_after);
        break;
    }
    case SHOP_STOCK_COMMITTED: {
        const struct shop_stock_committed *value = event->value;
        stock_note(stock, meta, value->on_hand_after, value->available_after);
        break;
    }
    case SHOP_STOCK_RESERVATION_EXPIRED: {
        const struct shop_stock_reservation_expired *value = event->value;
        stock_note(stock, meta, value->on_hand_after, value->available_after);
        break;
    }
    default: /* A refusal changes its version only. */
        stock->version = meta->aggregate_version;
        break;
    }
}

static void stock_print_json(const struct staff_stock *stock, struct mr_bytes product_id)
{
    struct mr_buffer out = {0};
    struct json_w w = json_w_to(&out);
    json_w_object(&w);
    json_w_key_text(&w, "product_id", product_id);
    json_w_key_integer(&w, "on_hand", stock->on_hand);
    json_w_key_integer(&w, "held", stock->on_hand - stock->available);
    json_w_key_integer(&w, "available", stock->available);
    json_w_key_integer(&w, "version", stock->version);
    staff_history_write(&stock->history, &w);
    json_w_object_end(&w);
    printf("%.*s\n", MR_ARG(mr_buffer_view(&out)));
    mr_buffer_clean_up(&out);
}

/* A product that never had stock has none, and no history. */
static int stock_show(struct staff *staff, struct mr_error *error)
{
    struct staff_stock stock = {.history = {.staff = staff}};
    struct mr_bytes product_id = staff_product_id(staff, staff->options->operands[0]);
    int32_t partitions = staff_partitions(staff, TOPIC_INVENTORY_STOCK_EVENTS, error);
    int rc = partitions < 0 ? partitions
                            : staff_read(
                                  staff,
                                  TOPIC_INVENTORY_STOCK_EVENTS,
                                  mr_partition_of(product_id, partitions),
                                  product_id,
                                  false,
                                  stock_take_event,
                                  &stock,
                                  error);
    if (rc == 0 && staff->json) {
        stock_print_json(&stock, product_id);
    } else if (rc == 0) {
        printf(
            "%.*s: %" PRId64 " on hand, %" PRId64 " held, %" PRId64 " available, version %" PRId64
            "\n",
            MR_ARG(product_id),
            stock.on_hand,
            stock.on_hand - stock.available,
            stock.available,
            stock.version);
        staff_history_print(&stock.history);
    }
    staff_history_clean_up(&stock.history);
    return rc;
}

static int stock_adjust(struct staff *staff, struct mr_error *error)
{
    struct shop_adjust_stock command = {
        .product_id = staff_product_id(staff, staff->options->operands[0]),
        .cause = staff->reason,
    };
    if (!staff->reason.ptr)
        return staff_refuse_missing("reason", error);
    if (!mr_options_text(staff->options, "delta"))
        return staff_refuse_missing("delta", error);
    if (mr_options_integer(
            staff->options, "delta", -SHOP_STOCK_MAX, SHOP_STOCK_MAX, &command.delta, error))
        return EXIT_USAGE;
    if (command.delta == 0) {
        mr_fail(error, MR_CONFIG, "--delta: 0 changes nothing");
        return EXIT_USAGE;
    }
    /* Stock without a product would be units that nobody can sell or see. */
    struct staff_product product;
    int rc = staff_read_product(staff, command.product_id, &product, error);
    staff_history_clean_up(&product.history);
    return rc ? rc
              : staff_send(
                    staff,
                    TOPIC_INVENTORY_STOCK_COMMANDS,
                    command.product_id,
                    SHOP_ADJUST_STOCK,
                    &command,
                    error);
}

static const struct mr_option show_options[] = {STAFF_OPTIONS};
static const struct mr_option adjust_options[] = {
    {"delta", NULL, "N", NULL, "units that come in; below 0: that go"}, STAFF_CHANGE_OPTIONS};

const struct tool_command tool_stock_show = {
    .words = "stock show",
    .operands = "PRODUCT",
    .operands_count = 1,
    .purpose = "print a product's units, and who adjusted them and why",
    .notes = STAFF_EXIT_NOTES,
    .options = show_options,
    .options_count = sizeof show_options / sizeof show_options[0],
    .run_staff = stock_show,
};
const struct tool_command tool_stock_adjust = {
    .words = "stock adjust",
    .operands = "PRODUCT",
    .operands_count = 1,
    .purpose = "add units to the stock or take some, with a reason",
    .notes = STAFF_EXIT_NOTES,
    .options = adjust_options,
    .options_count = sizeof adjust_options / sizeof adjust_options[0],
    .run_staff = stock_adjust,
};
