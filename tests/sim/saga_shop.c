/* saga_shop.c - what can happen next to one order, with the real decide and evolve. */
#include "saga_shop.h"

#include <processors/ids.h>
#include <tests/cmocka.h>

#include "../../processors/src/catalog.h"
#include "../../processors/src/payments.h"
#include "../../processors/src/sales.h"
#include "../../processors/src/sales_order.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    MEMBER_SALES,
    MEMBER_CATALOG,
    MEMBER_PAYMENTS = MEMBER_CATALOG + SAGA_LINES_MAX,
    KINDS_MAX = 64,
    ORDER_TOTAL = 100,
    REFUND_PART = 40
};
static const int64_t now_ms = INT64_C(1700000000000);
static const struct mr_bytes owner = MR_LITERAL("usr_model");

static struct {
    struct saga_options options;
    struct shop_service service;
    struct mr_arena arena;
    struct mr_bytes products[SAGA_LINES_MAX];
    struct mr_bytes order_id, payment_id;
    struct {
        char name[48];
        uint32_t value;
    } kinds[KINDS_MAX];
    int kinds_count;
    struct mr_buffer scratch;
} model;

/* -- messages: a kind is what distinguishes one message from another -- */

static int kind_of(const char *name, struct mr_bytes value)
{
    for (int i = 0; i < model.kinds_count; i++)
        if (strcmp(model.kinds[i].name, name) == 0)
            return i;
    assert_true(model.kinds_count < KINDS_MAX);
    snprintf(model.kinds[model.kinds_count].name, sizeof model.kinds[0].name, "%s", name);
    model.kinds[model.kinds_count].value = world_intern(value);
    return model.kinds_count++;
}

static void send_message(struct saga_node *node, const char *name, struct mr_bytes value)
{
    node->messages |= UINT64_C(1) << kind_of(name, value);
}

static struct mr_bytes encode_value(enum shop_type type, const void *value)
{
    mr_buffer_reset(&model.scratch);
    codec_encode(model.service.registry, type, NULL, value, &model.scratch);
    return mr_buffer_view(&model.scratch);
}

static void name_stock_reply(char *name, size_t size, const struct shop_stock_reply *reply)
{
    snprintf(name, size, "sales %.*s %d", MR_ARG(reply->result), (int)reply->line_no);
}

/* The name of a message to another aggregate or the provider; false for what nobody waits for. */
static bool name_message(const struct codec_message *message, char *name, size_t size)
{
    switch (message->id) {
    case SHOP_RESERVE_STOCK:
        snprintf(
            name,
            size,
            "stock reserve %d",
            (int)((const struct shop_reserve_stock *)message->value)->line_no);
        return true;
    case SHOP_COMMIT_STOCK:
        snprintf(
            name,
            size,
            "stock commit %d",
            (int)((const struct shop_commit_stock *)message->value)->line_no);
        return true;
    case SHOP_RELEASE_STOCK:
        snprintf(
            name,
            size,
            "stock release %d",
            (int)((const struct shop_release_stock *)message->value)->line_no);
        return true;
    case SHOP_STOCK_REPLY:
        name_stock_reply(name, size, message->value);
        return true;
    case SHOP_PAYMENT_REPLY: {
        const struct shop_payment_reply *reply = message->value;
        bool part = mr_bytes_equal(reply->result, mr_cstr(SHOP_RESULT_REFUNDED));
        snprintf(name, size, "sales payment %.*s", MR_ARG(reply->result));
        if (part)
            snprintf(name, size, "sales payment refunded %d", (int)reply->amount->minor);
        return true;
    }
    case SHOP_AUTHORIZE_PAYMENT:
    case SHOP_CAPTURE_PAYMENT:
    case SHOP_RETURN_FUNDS:
    case SHOP_REFUND_PAYMENT:
        snprintf(name, size, "payment %s", message->type->name);
        return true;
    case SHOP_PAYMENT_OP_REQUESTED: {
        const struct shop_payment_op_requested *asked = message->value;
        snprintf(name, size, "psp %.*s", MR_ARG(asked->op));
        if (asked->refund_total)
            snprintf(
                name,
                size,
                "psp refund %d to %d",
                (int)asked->amount.minor,
                (int)asked->refund_total->minor);
        return true;
    }
    default:
        return false;
    }
}

static void
on_output(void *user, int task, const char *sink, struct mr_bytes key, struct mr_bytes value)
{
    (void)task;
    (void)sink;
    (void)key;
    struct codec_message message;
    char name[48];
    if (codec_decode(model.service.registry, value, &model.arena, &message, NULL))
        fail_msg("an output that cannot be read");
    if (name_message(&message, name, sizeof name))
        send_message(user, name, value);
}

/* -- the provider -- */

static void answer_op(struct saga_node *node, const char *result, const char *op)
{
    char name[48];
    bool declined = strcmp(result, SHOP_PSP_DECLINED) == 0;
    bool part = strcmp(result, SHOP_PSP_REFUNDED) == 0 && node->psp == PSP_CAPTURED;
    struct shop_money amount = {node->refunded, mr_cstr("GBP")};
    snprintf(name, sizeof name, "result %s%s%s", result, declined ? " " : "", declined ? op : "");
    if (part)
        snprintf(name, sizeof name, "result refunded %d", node->refunded);
    struct shop_record_psp_result message = {
        .saga = {mr_cstr("m"), mr_cstr("m"), now_ms},
        .payment_id = model.payment_id,
        .op = mr_cstr(op),
        .op_key = mr_cstr("m"),
        .result = mr_cstr(result),
        .psp_event_id = mr_cstr("m"),
        .amount = part ? &amount : NULL,
    };
    send_message(node, name, encode_value(SHOP_RECORD_PSP_RESULT, &message));
}

static void answer_as_is(struct saga_node *node, const char *op)
{
    static const char *const results[] = {
        [PSP_NOTHING] = SHOP_PSP_NOT_FOUND,
        [PSP_AUTHORIZED] = SHOP_PSP_AUTHORIZED,
        [PSP_CAPTURED] = SHOP_PSP_CAPTURED,
        [PSP_VOIDED] = SHOP_PSP_VOIDED,
        [PSP_REFUNDED] = SHOP_PSP_REFUNDED,
        [PSP_DECLINED] = SHOP_PSP_DECLINED};
    bool part = node->psp == PSP_CAPTURED && node->refunded > 0;
    answer_op(node, part ? SHOP_PSP_REFUNDED : results[node->psp], op);
}

/* As providers do: an amount, once a key. In "refund AMOUNT to TOTAL" the total is the key. */
static void give_back(struct saga_node *node, const char *op)
{
    char *rest = NULL;
    long amount = strtol(op + strlen("refund "), &rest, 10);
    bool whole = strtol(rest + strlen(" to "), NULL, 10) == ORDER_TOTAL;
    uint8_t key = whole ? 2 : 1;
    if (node->psp != PSP_CAPTURED ||
        ((node->refund_keys & key) && model.options.mutant != MUTANT_REFUND_KEYS_FORGOTTEN))
        return;
    node->refund_keys |= key;
    node->refunded = (uint8_t)(node->refunded + amount);
    if (node->refunded >= ORDER_TOTAL)
        node->psp = PSP_REFUNDED;
}

/* Each way in which the provider can take a request; `choice` 0.. until false. */
static bool psp_takes(struct saga_node *node, const char *op, int choice)
{
    if (strcmp(op, SHOP_OP_AUTHORIZE) == 0) {
        if (node->psp != PSP_NOTHING && choice > 0)
            return false;
        if (node->psp == PSP_NOTHING) {
            enum saga_psp yes = model.options.captures_at_once ? PSP_CAPTURED : PSP_AUTHORIZED;
            if (choice > 1)
                return false;
            node->psp = choice == 0 ? (uint8_t)yes : PSP_DECLINED;
        }
    } else if (strcmp(op, SHOP_OP_CAPTURE) == 0) {
        bool may_refuse = model.options.capture_declines && node->psp == PSP_AUTHORIZED;
        if (choice > (may_refuse ? 1 : 0))
            return false;
        if (choice == 1) {
            answer_op(node, SHOP_PSP_DECLINED, op);
            return true;
        }
        if (node->psp == PSP_AUTHORIZED)
            node->psp = PSP_CAPTURED;
    } else if (choice > 0) {
        return false;
    } else if (strcmp(op, SHOP_OP_VOID) == 0) {
        if (node->psp == PSP_AUTHORIZED || (node->psp == PSP_NOTHING && model.options.intents))
            node->psp = PSP_VOIDED;
    } else if (strncmp(op, SHOP_OP_REFUND, strlen(SHOP_OP_REFUND)) == 0) {
        give_back(node, op);
    }
    answer_as_is(node, op);
    return true;
}

/* -- reading a node -- */

static const void *state_of(
    const struct saga_node *node,
    int task,
    const char *store,
    enum shop_type type,
    struct mr_bytes key)
{
    const void *state = NULL;
    struct mr_bytes bytes = world_get(&node->world, task, store, key);
    if (bytes.ptr && codec_decode_bare(&shop_types[type], bytes, &model.arena, &state, NULL))
        fail_msg("store %s cannot be read", store);
    return state;
}

/* NULL when the order is confirmed or has ended. */
static const struct shop_order_progress *progress_of(const struct saga_node *node)
{
    struct codec_message message;
    struct mr_bytes bytes = world_get(&node->world, MEMBER_SALES, "order-progress", model.order_id);
    if (!bytes.ptr)
        return NULL;
    if (codec_decode(model.service.registry, bytes, &model.arena, &message, NULL))
        fail_msg("progress cannot be read");
    return message.value;
}

static struct mr_bytes hold_key_of(int line)
{
    return stock_hold_key(&model.arena, model.products[line], model.order_id, line + 1);
}

static void add_payment(struct saga_key *key, const struct shop_payment_state *payment)
{
    if (!payment)
        return;
    int flags = payment->goal;
    flags |= payment->asked ? 4 : 0;
    flags |= payment->capture_wanted ? 8 : 0;
    flags |= payment->op_due ? 16 : 0;
    key->payment_flags = (uint8_t)flags;
    key->payment_facts = (uint8_t)payment->facts;
    key->op = payment->op.ptr && payment->op_due ? (uint8_t)payment->op.ptr[0] : 0;
    key->payment_wants = (uint8_t)payment->refund_wanted_minor;
    key->payment_gave = (uint8_t)payment->refunded_minor;
    key->refund_to = (uint8_t)payment->refund_to_minor;
    key->refund_op = (uint8_t)payment->refund_op_minor;
}

struct saga_key saga_key_of(const struct saga_node *node)
{
    struct saga_key key;
    memset(&key, 0, sizeof key);
    mr_arena_reset(&model.arena);
    const struct shop_order_state *order =
        state_of(node, MEMBER_SALES, "orders", SHOP_ORDER_STATE, model.order_id);
    const struct shop_order_progress *progress = progress_of(node);
    key.messages = node->messages;
    key.psp = node->psp;
    key.duplicates = node->duplicates;
    key.cancels = node->cancels;
    key.refunds = node->refunds;
    key.refunded = node->refunded;
    key.refund_keys = node->refund_keys;
    key.order_wants = (uint8_t)order->refund_wanted_minor;
    key.order_heard = (uint8_t)order->refunded_minor;
    key.order_flags =
        (uint8_t)((order->goal == ORDER_ABORT ? ORDER_ABORTING : 0) |
                  (order->confirmed ? ORDER_CONFIRMED : 0) | (order->ended ? ORDER_ENDED : 0) |
                  (order->stock_confirmed ? 8 : 0) | (order->authorized ? 16 : 0) |
                  (order->payment_id.ptr ? 32 : 0));
    key.payment_fact = progress ? (uint8_t)progress->payment_fact.ptr[0] : 0;
    for (int i = 0; i < model.options.lines; i++) {
        const struct shop_stock_state *stock =
            state_of(node, MEMBER_CATALOG + i, "stock", SHOP_STOCK_STATE, model.products[i]);
        const struct shop_hold_state *hold =
            state_of(node, MEMBER_CATALOG + i, "hold", SHOP_HOLD_STATE, hold_key_of(i));
        key.lines[i] = progress ? (uint8_t)progress->line_facts.ptr[i] : 0;
        key.taken[i] = node->taken[i];
        key.holds[i] = hold ? (uint8_t)hold->status : HOLD_NONE;
        key.on_hand[i] = (uint8_t)stock->on_hand;
        key.reserved[i] = (uint8_t)stock->reserved;
    }
    add_payment(
        &key, state_of(node, MEMBER_PAYMENTS, "payment", SHOP_PAYMENT_STATE, model.payment_id));
    return key;
}

/* -- steps -- */

struct steps {
    const struct saga_node *from;
    struct saga_node *next;
    const char **labels;
    int count;
};

static struct saga_node *add_step(struct steps *steps, const char *label)
{
    assert_true(steps->count < SAGA_STEPS_MAX);
    steps->next[steps->count] = *steps->from;
    steps->labels[steps->count] = label;
    return &steps->next[steps->count++];
}

static void run_task(struct saga_node *node, int task, struct mr_bytes value)
{
    mr_arena_reset(&model.arena);
    world_deliver(&node->world, task, value, now_ms, on_output, node);
}

/* True when the transport's fault took care of the message. */
static bool mutate_line(struct saga_node *node, const char *name, int line, struct mr_bytes value)
{
    enum saga_mutant mutant = model.options.mutant;
    mr_arena_reset(&model.arena);
    const struct shop_hold_state *hold =
        line >= 0
            ? state_of(node, MEMBER_CATALOG + line, "hold", SHOP_HOLD_STATE, hold_key_of(line))
            : NULL;
    if (mutant == MUTANT_NO_TOMBSTONE && strncmp(name, "stock release", 13) == 0 && !hold) {
        run_task(node, MEMBER_CATALOG + line, value);
        world_erase(&node->world, MEMBER_CATALOG + line, "hold", hold_key_of(line));
        return true;
    }
    if (mutant == MUTANT_RESERVE_AFTER_RELEASE && strncmp(name, "stock reserve", 13) == 0 && hold &&
        hold->status == HOLD_RELEASED)
        world_erase(&node->world, MEMBER_CATALOG + line, "hold", hold_key_of(line));
    if (mutant == MUTANT_DEAF_WHILE_RETURNING && strncmp(name, "result ", 7) == 0) {
        const struct shop_payment_state *payment =
            state_of(node, MEMBER_PAYMENTS, "payment", SHOP_PAYMENT_STATE, model.payment_id);
        return payment->goal == PAYMENT_RETURN &&
               (strstr(name, SHOP_PSP_AUTHORIZED) || strstr(name, SHOP_PSP_CAPTURED));
    }
    return false;
}

static void deliver_message(struct saga_node *node, int kind)
{
    const char *name = model.kinds[kind].name;
    struct mr_bytes value = world_bytes(model.kinds[kind].value);
    bool stock = strncmp(name, "stock ", 6) == 0;
    int line = stock ? name[strlen(name) - 1] - '1' : -1;
    if (model.options.mutant && mutate_line(node, name, line, value))
        return;
    if (stock)
        run_task(node, MEMBER_CATALOG + line, value);
    else if (strncmp(name, "sales ", 6) == 0)
        run_task(node, MEMBER_SALES, value);
    else
        run_task(node, MEMBER_PAYMENTS, value);
}

static void add_message(struct steps *steps, int kind)
{
    const char *name = model.kinds[kind].name;
    uint64_t bit = UINT64_C(1) << kind;
    bool to_psp = strncmp(name, "psp ", 4) == 0, from_psp = strncmp(name, "result ", 7) == 0;
    /* The engine remembers commands; the world here does not. */
    bool again =
        steps->from->duplicates < model.options.duplicates && strcmp(name, "sales refund") != 0;
    if (to_psp || from_psp)
        add_step(steps, "lost")->messages &= ~bit;
    for (int twice = 0; twice <= (again ? 1 : 0); twice++) {
        for (int choice = 0;; choice++) {
            struct saga_node node = *steps->from;
            node.messages &= ~bit;
            if (to_psp && !psp_takes(&node, name + 4, choice))
                break;
            if (!to_psp)
                deliver_message(&node, kind);
            if (twice) {
                node.messages |= bit;
                node.duplicates++;
            }
            *add_step(steps, name) = node;
            if (!to_psp)
                break;
        }
    }
}

static void fire_timer(struct saga_node *node, int task, struct mr_bytes first)
{
    mr_arena_reset(&model.arena);
    world_punctuate(&node->world, task, (int64_t)mr_get_be64(first.ptr), on_output, node);
}

static void add_timer(struct steps *steps, int task, const char *store)
{
    struct mr_bytes first = world_first(&steps->from->world, task, store);
    if (first.ptr && !(mr_get_be64(first.ptr) & HOLD_FORGET_BIT)) /* Or it waits to be forgotten. */
        fire_timer(add_step(steps, store), task, first);
}

/* How often an operation was tried only decides whether the next try is a query: both may be. */
static void add_payment_timer(struct steps *steps)
{
    struct mr_bytes first = world_first(&steps->from->world, MEMBER_PAYMENTS, "payment-timers");
    if (!first.ptr)
        return;
    mr_arena_reset(&model.arena);
    struct shop_payment_state state = *(const struct shop_payment_state *)state_of(
        steps->from, MEMBER_PAYMENTS, "payment", SHOP_PAYMENT_STATE, model.payment_id);
    if (model.options.mutant == MUTANT_NOT_FOUND_IS_FINAL && (state.facts & FACT_NOT_FOUND))
        return;
    uint32_t tried[2];
    for (int i = 0; i < 2; i++) {
        state.op_no = 2 + i;
        mr_buffer_reset(&model.scratch);
        shop_payment_state_encode(&state, &model.scratch);
        tried[i] = world_intern(mr_buffer_view(&model.scratch));
    }
    for (int i = 0; i < 2; i++) {
        struct saga_node *node =
            add_step(steps, i == 0 ? "payment timer" : "payment timer, a query");
        world_put(
            &node->world, MEMBER_PAYMENTS, "payment", model.payment_id, world_bytes(tried[i]));
        fire_timer(node, MEMBER_PAYMENTS, first);
    }
}

static void add_competitor(struct steps *steps, int line)
{
    mr_arena_reset(&model.arena);
    const struct shop_stock_state *stock = state_of(
        steps->from, MEMBER_CATALOG + line, "stock", SHOP_STOCK_STATE, model.products[line]);
    if (steps->from->taken[line] || stock_available(stock) < 1)
        return;
    struct shop_adjust_stock message = {
        .meta = {.command_id = mr_cstr("competitor")},
        .product_id = model.products[line],
        .delta = -1,
        .cause = mr_cstr("sold elsewhere"),
    };
    struct saga_node *node = add_step(steps, "competitor takes a unit");
    uint32_t value = world_intern(encode_value(SHOP_ADJUST_STOCK, &message));
    run_task(node, MEMBER_CATALOG + line, world_bytes(value));
    node->taken[line] = 1;
}

static void add_cancel(struct steps *steps)
{
    if (steps->from->cancels)
        return;
    struct shop_cancel_order message = {
        .meta = {.command_id = mr_cstr("cancel"), .actor_kind = mr_cstr("customer")},
        .owner_id = owner,
        .order_id = model.order_id,
    };
    struct saga_node *node = add_step(steps, "customer cancels");
    node->cancels = 1;
    send_message(node, "sales cancel", encode_value(SHOP_CANCEL_ORDER, &message));
}

static void add_refund(struct steps *steps)
{
    mr_arena_reset(&model.arena);
    const struct shop_order_state *order =
        state_of(steps->from, MEMBER_SALES, "orders", SHOP_ORDER_STATE, model.order_id);
    if (!model.options.refunds || steps->from->refunds || !order->confirmed)
        return;
    struct shop_money part = {REFUND_PART, mr_cstr("GBP")};
    struct shop_refund_order message = {
        .meta =
            {.command_id = mr_cstr("refund"),
             .actor_kind = mr_cstr("operator"),
             .reason = mr_cstr("case")},
        .owner_id = owner,
        .order_id = model.order_id,
        .amount = &part,
    };
    struct saga_node *node = add_step(steps, "operator refunds a part");
    node->refunds = 1;
    send_message(node, "sales refund", encode_value(SHOP_REFUND_ORDER, &message));
}

int saga_steps(const struct saga_node *node, struct saga_node *ret_next, const char **ret_labels)
{
    struct steps steps = {.from = node, .next = ret_next, .labels = ret_labels};
    for (int kind = 0; kind < model.kinds_count; kind++)
        if (node->messages >> kind & 1)
            add_message(&steps, kind);
    add_payment_timer(&steps);
    add_timer(&steps, MEMBER_SALES, "order-timers");
    for (int i = 0; i < model.options.lines; i++) {
        add_timer(&steps, MEMBER_CATALOG + i, "timers");
        add_competitor(&steps, i);
    }
    add_cancel(&steps);
    add_refund(&steps);
    return steps.count;
}

/* -- what must never be -- */

static const char *check_line(const struct saga_node *node, const struct saga_key *key, int i)
{
    bool ours = key->holds[i] == HOLD_COMMITTED;
    if (key->on_hand[i] < key->reserved[i])
        return "oversold";
    if (key->on_hand[i] + node->taken[i] + ours != 1)
        return "a unit was made or lost";
    if ((key->holds[i] == HOLD_HELD) != (key->reserved[i] == 1))
        return "reserved is not the sum of the holds";
    return NULL;
}

static bool provider_is_quiet(const struct saga_node *node)
{
    for (int kind = 0; kind < model.kinds_count; kind++) {
        const char *name = model.kinds[kind].name;
        if ((node->messages >> kind & 1) &&
            (strncmp(name, "psp ", 4) == 0 || strncmp(name, "result ", 7) == 0))
            return false;
    }
    return true;
}

const char *saga_violation(const struct saga_node *node, const struct saga_key *key, bool *ret_good)
{
    bool sold = (key->order_flags & ORDER_CONFIRMED) && !(key->order_flags & ORDER_ABORTING);
    bool ended = key->order_flags & ORDER_ENDED;
    bool all_committed = true, none_kept = true;
    *ret_good = false;
    for (int i = 0; i < model.options.lines; i++) {
        const char *wrong = check_line(node, key, i);
        if (wrong)
            return wrong;
        all_committed &= key->holds[i] == HOLD_COMMITTED;
        none_kept &= key->holds[i] != HOLD_COMMITTED && key->holds[i] != HOLD_HELD;
    }
    if (sold && (node->psp != PSP_CAPTURED || !all_committed))
        return "confirmed without money or stock";
    if (sold && ended)
        return "ended and confirmed";
    if (ended && node->messages == 0 && !none_kept)
        return "ended, nothing is under way, and stock is kept";
    if (node->refunded > ORDER_TOTAL || key->order_heard > key->order_wants)
        return "more went back than was captured or wanted";
    bool money_kept = node->psp == PSP_AUTHORIZED || node->psp == PSP_CAPTURED;
    bool refund_is_done =
        key->order_heard == key->order_wants && (!sold || key->order_wants == node->refunded);
    sold = sold && refund_is_done && !(node->messages && node->refunds);
    *ret_good = sold || (ended && none_kept && !money_kept && provider_is_quiet(node));
    return NULL;
}

/* -- the start: a cart with the lines, ordered by the real commands -- */

static void set_up_state(struct saga_node *node, int task, enum shop_type type, const void *command)
{
    uint32_t value = world_intern(encode_value(type, command));
    run_task(node, task, world_bytes(value));
}

static void stock_product(struct saga_node *node, int i)
{
    struct shop_create_product create = {
        .meta = {.command_id = mr_cstr("create"), .principal = mr_cstr("operator")},
        .product_id = model.products[i],
        .sku = mr_cstr("SKU"),
        .title = mr_cstr("thing"),
        .price = {100, mr_cstr("GBP")},
        .publish = true,
    };
    struct shop_adjust_stock adjust = {
        .meta = {.command_id = mr_cstr("adjust")},
        .product_id = model.products[i],
        .delta = 1,
    };
    struct shop_add_cart_item put = {
        .meta = {.command_id = mr_cstr("add")},
        .owner_id = owner,
        .product_id = model.products[i],
        .quantity = 1,
    };
    set_up_state(node, MEMBER_CATALOG + i, SHOP_CREATE_PRODUCT, &create);
    set_up_state(node, MEMBER_CATALOG + i, SHOP_ADJUST_STOCK, &adjust);
    world_put(
        &node->world,
        MEMBER_SALES,
        "price",
        model.products[i],
        world_get(&node->world, MEMBER_CATALOG + i, "product", model.products[i]));
    set_up_state(node, MEMBER_SALES, SHOP_ADD_CART_ITEM, &put);
}

void saga_open(const struct saga_options *options, struct saga_node *ret_start)
{
    static const struct mr_bytes products[] = {MR_LITERAL("prd_1"), MR_LITERAL("prd_2")};
    static struct shop_id order_id, payment_id;
    memset(&model, 0, sizeof model);
    model.options = *options;
    model.service = (struct shop_service){
        .registry = codec_registry_new_local(), .limits = shop_limits_default()};
    model.service.limits.psp_has_intents = options->intents;
    model.service.limits.psp_captures_at_once = options->captures_at_once;
    memcpy(model.products, products, sizeof products);
    order_id = shop_order_id(owner, mr_cstr("place"));
    payment_id = shop_payment_id(shop_id_view(&order_id), 1);
    model.order_id = shop_id_view(&order_id);
    model.payment_id = shop_id_view(&payment_id);

    struct topo_aggregate sales = sales_aggregate(&model.service);
    struct topo_aggregate catalog = catalog_aggregate(&model.service);
    struct topo_aggregate payments = payments_aggregate(&model.service);
    world_add_task(&sales);
    for (int i = 0; i < SAGA_LINES_MAX; i++)
        world_add_task(&catalog);
    world_add_task(&payments);
    world_set_global("price", MEMBER_SALES, "price");

    memset(ret_start, 0, sizeof *ret_start);
    for (int i = 0; i < options->lines; i++)
        stock_product(ret_start, i);
    struct shop_sealed token = {.key_id = mr_cstr("k"), .alg = mr_cstr("XC20P")};
    struct shop_place_order place = {
        .meta = {.command_id = mr_cstr("place")},
        .owner_id = owner,
        .order_id = model.order_id,
        .method_token_sealed = &token,
    };
    set_up_state(ret_start, MEMBER_SALES, SHOP_PLACE_ORDER, &place);
}

void saga_close(void)
{
    codec_registry_free((struct codec_registry *)(uintptr_t)model.service.registry);
    mr_arena_clean_up(&model.arena);
    mr_buffer_clean_up(&model.scratch);
    world_clean_up();
}
