/* sales.c - the sales aggregate: hands each message and event to the cart or to the order. */
#include "sales.h"
#include "sales_cart.h"
#include "sales_order.h"

enum { DEADLINE_INTERVAL_MS = 1000 };

/* Cart or order: their messages come in by the same topics. */
static int sales_decide(
    struct topo_context *context,
    void *user,
    const struct topo_record *record,
    const struct topo_command *command,
    void **ret_decision,
    struct mr_error *error)
{
    (void)record;
    const struct codec_message *message = command->message;
    struct work work;
    work_begin(&work, context, user, "/shop/sales", message);
    switch (message->id) {
    case SHOP_ADD_CART_ITEM:
    case SHOP_SET_CART_ITEM_QUANTITY:
    case SHOP_REMOVE_CART_ITEM:
    case SHOP_CLEAR_CART:
        return cart_decide(&work, message, ret_decision, error);
    case SHOP_MERGE_CART:
        return merge_decide(&work, message->value, ret_decision, error);
    case SHOP_TAKE_CART_LINES:
        return merge_take(&work, message->value, ret_decision, error);
    case SHOP_PLACE_ORDER:
        return order_place(&work, message->value, ret_decision, error);
    case SHOP_START_PAYMENT:
    case SHOP_CANCEL_ORDER:
    case SHOP_REFUND_ORDER:
    case SHOP_CLOSE_ORDER:
    case SHOP_RESEND_CONFIRMATION:
    case SHOP_STOCK_REPLY:
    case SHOP_PAYMENT_REPLY:
        return order_decide(&work, message, ret_decision, error);
    default:
        return mr_fail(error, MR_INVALID, "%s is not a message to sales", message->type->name);
    }
}

static int sales_evolve(
    struct topo_context *context,
    void *user,
    const struct topo_record *record,
    struct mr_error *error)
{
    struct codec_message event;
    int rc = event_decode(context, user, record, &event, error);
    if (rc)
        return rc;
    switch (event.id) {
    case SHOP_CART_ITEM_ADDED:
    case SHOP_CART_ITEM_QUANTITY_SET:
    case SHOP_CART_ITEM_REMOVED:
    case SHOP_CART_CLEARED:
    case SHOP_CART_MERGED:
    case SHOP_CART_CHECKED_OUT:
        return cart_evolve(context, &event, error);
    default:
        return order_evolve(context, &event, error);
    }
}

/* The order of a command that was accepted. Where its lines are many they are left out: a request
 * that is repeated with its key is answered again and again. */
static int
sales_render_order(struct work *work, struct shop_command_outcome *outcome, struct mr_error *error)
{
    struct order order;
    bool exists = false;
    if (!work->command->want_body || !outcome->subject_id.ptr)
        return 0;
    int rc = order_load(work, outcome->subject_id, &order, &exists, error);
    return rc || !exists ? rc : order_snapshot(&order, &outcome->order, error);
}

static int sales_render(
    struct topo_context *context,
    const struct shop_service *service,
    const struct codec_message *command,
    struct shop_command_outcome *outcome,
    struct mr_error *error)
{
    struct work work;
    work_begin(&work, context, service, "/shop/sales", command);
    switch (command->id) {
    case SHOP_ADD_CART_ITEM:
    case SHOP_SET_CART_ITEM_QUANTITY:
    case SHOP_REMOVE_CART_ITEM:
    case SHOP_CLEAR_CART:
    case SHOP_TAKE_CART_LINES:
        return cart_render(&work, command, &outcome->cart, error);
    default:
        return sales_render_order(&work, outcome, error);
    }
}

static int sales_reply(
    struct topo_context *context,
    void *user,
    const struct topo_command *command,
    struct mr_bytes outcome,
    bool replayed,
    struct mr_error *error)
{
    const struct codec_message *message = command->message;
    if (message->id == SHOP_MERGE_CART && work_outcome_is_of(user, context, command, outcome))
        return merge_reply(context, user, command, replayed);
    struct topo_command answered = *command;
    if (message->id == SHOP_TAKE_CART_LINES)
        answered.message = merge_as_answer(topo_context_arena(context), message);
    return work_reply("replies", context, user, &answered, outcome, replayed, sales_render, error);
}

/* Replies come before commands: a flood of new work cannot starve the orders under way. */
struct topo_aggregate sales_aggregate(const struct shop_service *service)
{
    static const char *const parents[] = {"replies-in", "commands", NULL};
    static const char *const stores[] = {
        "cart",
        "cart-lines",
        "orders",
        "order-lines",
        "order-timers",
        "owners",
        "order-progress",
        "outcomes",
        NULL};
    static const struct topo_log_sink event_sinks[] = {
        {"cart-events", TOPIC_SALES_CART_EVENTS},
        {"order-events", TOPIC_SALES_ORDER_EVENTS},
        {NULL, NULL},
    };
    static const struct topo_log_sink outcome_sinks[] = {
        {"outcomes", TOPIC_SALES_OUTCOMES},
        {NULL, NULL},
    };
    return (struct topo_aggregate){
        .name = "sales",
        .parents = parents,
        .stores = stores,
        .event_sinks = event_sinks,
        .event_header = WORK_EVENT_HEADER,
        .outcome_sinks = outcome_sinks,
        .outcome_store = "outcomes",
        .decode = work_decode,
        .decide = sales_decide,
        .evolve = sales_evolve,
        .outcome = work_outcome,
        .reply = sales_reply,
        .punctuate = order_deadlines,
        .punctuate_interval_ms = DEADLINE_INTERVAL_MS,
        .user = (void *)(uintptr_t)service,
    };
}
