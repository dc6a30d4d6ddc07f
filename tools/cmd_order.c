/* cmd_order.c - `millrace order ...`: what became of an order, and what the staff does with it. */
#include "staff.h"

#include <api/shop_json.h>
#include <http/json.h>

#include <inttypes.h>
#include <stdio.h>

/* An order as its events have it; the status is the one of the APIs. */
struct staff_order {
    struct staff_history history;
    struct mr_bytes id;
    struct mr_bytes owner_id;
    const char *status;
    struct shop_money total;
    const struct shop_money *refunded; /* In all, while it stands; NULL: nothing. */
    struct mr_bytes confirmation_no;
    struct mr_bytes cause;
    int64_t version;
};

static struct mr_bytes order_take_aborted(struct staff_order *order, const void *value)
{
    const struct shop_order_abort_requested *aborted = value;
    order->status = "CANCELLING";
    order->cause = aborted->cause;
    return aborted->detail.len
               ? mr_arena_printf(
                     &order->history.staff->arena,
                     "(%.*s, %.*s)",
                     MR_ARG(aborted->cause),
                     MR_ARG(aborted->detail))
               : mr_arena_printf(&order->history.staff->arena, "(%.*s)", MR_ARG(aborted->cause));
}

/* The status follows from the events as in the order's own fold. */
static void order_take_event(
    void *user,
    const struct codec_message *event,
    const struct shop_meta *meta,
    struct mr_bytes key)
{
    struct staff_order *order = user;
    struct mr_arena *arena = &order->history.staff->arena;
    struct mr_bytes detail = {0};
    switch (event->id) {
    case SHOP_ORDER_PLACED:
        order->owner_id = mr_arena_copy(arena, key);
        order->status = "PENDING_STOCK";
        order->total = ((const struct shop_order_placed *)event->value)->grand_total;
        detail = staff_money(arena, &order->total);
        break;
    case SHOP_ORDER_STOCK_CONFIRMED:
        order->status = "PENDING_PAYMENT";
        break;
    case SHOP_ORDER_PAYMENT_AUTHORIZED:
        order->status = "CONFIRMING";
        break;
    case SHOP_ORDER_CONFIRMED:
        order->status = "CONFIRMED";
        order->confirmation_no =
            ((const struct shop_order_confirmed *)event->value)->confirmation_no;
        detail = order->confirmation_no;
        break;
    case SHOP_ORDER_ABORT_REQUESTED:
        detail = order_take_aborted(order, event->value);
        break;
    case SHOP_ORDER_CANCELLED:
        order->status = "CANCELLED";
        break;
    case SHOP_ORDER_REFUND_REQUESTED:
        detail =
            staff_money(arena, &((const struct shop_order_refund_requested *)event->value)->amount);
        break;
    case SHOP_ORDER_REFUNDED:
        order->refunded = &((const struct shop_order_refunded *)event->value)->total;
        detail = staff_money(arena, &((const struct shop_order_refunded *)event->value)->refunded);
        break;
    default:
        break;
    }
    order->version = meta->aggregate_version;
    staff_history_add(&order->history, event, meta, detail);
}

/* The id has the hash of the owner, and so the partition. */
static int order_read(struct staff *staff, struct staff_order *ret_order, struct mr_error *error)
{
    *ret_order = (struct staff_order){
        .history = {.staff = staff}, .id = mr_cstr(staff->options->operands[0])};
    int32_t partitions = staff_partitions(staff, TOPIC_SALES_ORDER_EVENTS, error);
    if (partitions < 0)
        return partitions;
    int32_t partition = shop_order_partition(ret_order->id, partitions);
    if (partition < 0) {
        mr_fail(error, MR_CONFIG, "%.*s is not the id of an order", MR_ARG(ret_order->id));
        return EXIT_USAGE;
    }
    int rc = staff_read(
        staff,
        TOPIC_SALES_ORDER_EVENTS,
        partition,
        ret_order->id,
        true,
        order_take_event,
        ret_order,
        error);
    if (rc == 0 && !ret_order->owner_id.ptr) {
        mr_fail(error, MR_NOT_FOUND, "there is no order %.*s", MR_ARG(ret_order->id));
        rc = EXIT_REFUSED;
    }
    return rc;
}

static void order_print_json(const struct staff_order *order)
{
    struct mr_buffer out = {0};
    struct json_w w = json_w_to(&out);
    json_w_object(&w);
    json_w_key_text(&w, "order_id", order->id);
    json_w_key_text(&w, "owner_id", order->owner_id);
    json_w_key_text(&w, "status", mr_cstr(order->status));
    json_w_key_text(&w, "cause", order->cause);
    shop_json_key_money(&w, "grand_total", &order->total);
    if (order->refunded)
        shop_json_key_money(&w, "refunded", order->refunded);
    json_w_key_text(&w, "confirmation_no", order->confirmation_no);
    json_w_key_integer(&w, "version", order->version);
    staff_history_write(&order->history, &w);
    json_w_object_end(&w);
    printf("%.*s\n", MR_ARG(mr_buffer_view(&out)));
    mr_buffer_clean_up(&out);
}

static int order_show(struct staff *staff, struct mr_error *error)
{
    struct staff_order order;
    int rc = order_read(staff, &order, error);
    if (rc == 0 && staff->json) {
        order_print_json(&order);
    } else if (rc == 0) {
        struct mr_bytes total = staff_money(&staff->arena, &order.total);
        printf(
            "%.*s of %.*s: %s, %.*s, version %" PRId64 "\n",
            MR_ARG(order.id),
            MR_ARG(order.owner_id),
            order.status,
            MR_ARG(total),
            order.version);
        staff_history_print(&order.history);
    }
    staff_history_clean_up(&order.history);
    return rc;
}

static int order_cancel(struct staff *staff, struct mr_error *error)
{
    struct staff_order order;
    if (!staff->reason.ptr)
        return staff_refuse_missing("reason", error);
    int rc = order_read(staff, &order, error);
    struct shop_cancel_order command = {
        .owner_id = order.owner_id, .order_id = order.id, .cause = staff->reason};
    rc = rc ? rc
            : staff_send(
                  staff, TOPIC_SALES_COMMANDS, order.owner_id, SHOP_CANCEL_ORDER, &command, error);
    staff_history_clean_up(&order.history);
    return rc;
}

/* Without --amount all that is left. */
static int order_refund(struct staff *staff, struct mr_error *error)
{
    struct staff_order order;
    struct shop_money amount;
    struct mr_bytes text = mr_cstr(mr_options_text(staff->options, "amount"));
    if (!staff->reason.ptr)
        return staff_refuse_missing("reason", error);
    int rc = order_read(staff, &order, error);
    struct shop_refund_order command = {.owner_id = order.owner_id, .order_id = order.id};
    if (rc == 0 && text.ptr) {
        amount.currency = order.total.currency;
        rc = staff_amount("amount", text, amount.currency, &amount.minor, error);
        command.amount = &amount;
    }
    rc = rc ? rc
            : staff_send(
                  staff, TOPIC_SALES_COMMANDS, order.owner_id, SHOP_REFUND_ORDER, &command, error);
    staff_history_clean_up(&order.history);
    return rc;
}

static int order_close(struct staff *staff, struct mr_error *error)
{
    struct staff_order order;
    if (!staff->reason.ptr)
        return staff_refuse_missing("reason", error);
    int rc = order_read(staff, &order, error);
    struct shop_close_order command = {.owner_id = order.owner_id, .order_id = order.id};
    rc = rc ? rc
            : staff_send(
                  staff, TOPIC_SALES_COMMANDS, order.owner_id, SHOP_CLOSE_ORDER, &command, error);
    staff_history_clean_up(&order.history);
    return rc;
}

static int order_resend(struct staff *staff, struct mr_error *error)
{
    struct staff_order order;
    if (!staff->reason.ptr)
        return staff_refuse_missing("reason", error);
    int rc = order_read(staff, &order, error);
    struct shop_resend_confirmation command = {.owner_id = order.owner_id, .order_id = order.id};
    rc = rc ? rc
            : staff_send(
                  staff,
                  TOPIC_SALES_COMMANDS,
                  order.owner_id,
                  SHOP_RESEND_CONFIRMATION,
                  &command,
                  error);
    staff_history_clean_up(&order.history);
    return rc;
}

static const struct mr_option show_options[] = {STAFF_OPTIONS};
static const struct mr_option change_options[] = {STAFF_CHANGE_OPTIONS};
static const struct mr_option refund_options[] = {
    {"amount", NULL, "AMOUNT", NULL, "as 2.50 (default: all that is left)"}, STAFF_CHANGE_OPTIONS};

const struct tool_command tool_order_show = {
    .words = "order show",
    .operands = "ORDER",
    .operands_count = 1,
    .purpose = "print an order and all that happened to it, by whom and why",
    .notes = STAFF_EXIT_NOTES,
    .options = show_options,
    .options_count = sizeof show_options / sizeof show_options[0],
    .run_staff = order_show,
};
const struct tool_command tool_order_cancel = {
    .words = "order cancel",
    .operands = "ORDER",
    .operands_count = 1,
    .purpose = "cancel an order, with a reason: units and money go back",
    .notes = STAFF_EXIT_NOTES,
    .options = change_options,
    .options_count = sizeof change_options / sizeof change_options[0],
    .run_staff = order_cancel,
};
const struct tool_command tool_order_refund = {
    .words = "order refund",
    .operands = "ORDER",
    .operands_count = 1,
    .purpose = "give money back, all or --amount, with a reason; it stays sold",
    .notes = STAFF_EXIT_NOTES,
    .options = refund_options,
    .options_count = sizeof refund_options / sizeof refund_options[0],
    .run_staff = order_refund,
};
const struct tool_command tool_order_close = {
    .words = "order close",
    .operands = "ORDER",
    .operands_count = 1,
    .purpose = "end an order whose cancellation finds no end, with a reason",
    .notes = STAFF_EXIT_NOTES,
    .options = change_options,
    .options_count = sizeof change_options / sizeof change_options[0],
    .run_staff = order_close,
};
const struct tool_command tool_order_resend = {
    .words = "order resend",
    .operands = "ORDER",
    .operands_count = 1,
    .purpose = "send the confirmation of an order again, with a reason",
    .notes = STAFF_EXIT_NOTES,
    .options = change_options,
    .options_count = sizeof change_options / sizeof change_options[0],
    .run_staff = order_resend,
};
