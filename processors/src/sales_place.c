/*
 * sales_place.c - PlaceOrder: the cart becomes an order, in one transaction on one partition.
 *
 * Rows 1 to 3 of the saga's table: the order is placed at the quoted prices when the owner expects
 * their sum; it is refused when not; and a cart that was checked out gives the same order again,
 * whatever key the request came with.
 */
#include "sales_cart.h"
#include "sales_price.h"
#include "sales_progress.h"

static const struct mr_bytes no_text = MR_LITERAL("");

/* Also for a cart that was checked out before. */
static void place_answer(
    struct work *work, struct mr_bytes order_id, enum decision_effect effect, void **ret_decision)
{
    struct decision *decision = decision_accept(work, effect, order_id);
    decision->subject_id = order_id;
    *ret_decision = decision;
}

/* -- the guard -- */

static bool
place_expects_total(const struct shop_place_order *command, const struct shop_money *total)
{
    return !command->expected_total || money_equal(command->expected_total, total);
}

/* NULL when nothing is against it. */
static void *place_guard_cart(
    struct cart *cart,
    const struct shop_place_order *command,
    const struct cart_item *items,
    size_t count,
    const struct shop_money *total)
{
    struct work *work = cart->work;
    void *stale = NULL;
    if (!shop_order_id_is_of(command->order_id, command->owner_id))
        return decision_reject(work, SHOP_REASON_ORDER_ID_FOREIGN, no_text, NULL);
    if (count == 0)
        return decision_reject(work, SHOP_REASON_CART_EMPTY, no_text, NULL);
    if (decision_stale(work, cart->state.version, cart->state.cart_id, &stale))
        return stale;
    if (command->has_cart_version && command->cart_version != cart->state.version)
        return decision_reject(
            work,
            SHOP_REASON_STALE_VERSION,
            cart->state.cart_id,
            &(struct shop_rejection){.has_actual = true, .actual = cart->state.version});
    if (!place_expects_total(command, total))
        return price_reject(cart, items, count, command->expected_total, total);
    return NULL;
}

/* -- the order -- */

/* About what a line takes in a record. */
static size_t place_line_bytes(
    struct mr_bytes product_id,
    struct mr_bytes sku,
    struct mr_bytes title,
    struct mr_bytes currency)
{
    enum { NUMBERS = 64 };
    return product_id.len + sku.len + title.len + 2 * currency.len + NUMBERS;
}

static int place_make_lines(
    struct work *work,
    const struct cart_item *items,
    size_t count,
    struct shop_order_line **ret_lines,
    size_t *ret_bytes,
    struct mr_error *error)
{
    size_t bytes = 0;
    struct shop_order_line *lines = mr_arena_alloc(work->arena, count * sizeof *lines);
    for (size_t i = 0; i < count; i++) {
        const struct shop_cart_line_state *item = &items[i].state;
        const struct shop_product_state *product;
        int rc = price_find(work, items[i].product_id, &product, error);
        if (rc)
            return rc;
        lines[i] = (struct shop_order_line){
            .line_no = (int32_t)i + 1,
            .product_id = items[i].product_id,
            .sku = product ? product->sku : no_text,
            .title = product ? product->title : no_text,
            .quantity = item->quantity,
            .unit_price = item->unit_price,
            .price_version = item->price_version,
            .line_total = {item->unit_price.minor * item->quantity, item->unit_price.currency},
        };
        bytes += place_line_bytes(
            lines[i].product_id, lines[i].sku, lines[i].title, item->unit_price.currency);
    }
    *ret_bytes = bytes;
    *ret_lines = lines;
    return 0;
}

/* Stock is held for a short time until there is a payment method. */
static int64_t
place_hold_ms(const struct shop_place_order *command, const struct shop_limits *limits)
{
    bool short_hold =
        !command->method_token_sealed && limits->unpaid_hold_ms < limits->pay_deadline_ms;
    return short_hold ? limits->unpaid_hold_ms : limits->pay_deadline_ms;
}

static void place_emit_placed(
    struct order *order,
    const struct cart *cart,
    const struct shop_place_order *command,
    const struct shop_money *total)
{
    struct work *work = order->work;
    const struct shop_limits *limits = &work->service->limits;
    struct shop_money nothing = {0, total->currency};
    struct shop_order_placed event = {
        .meta = order_meta(order),
        .order_id = order->id,
        .owner_id = command->owner_id,
        .cart_id = cart->state.cart_id,
        .lines = order->lines,
        .lines_count = order->lines_count,
        .items_total = *total,
        .shipping_total = nothing,
        .tax_total = nothing,
        .grand_total = *total,
        .method_token_sealed = command->method_token_sealed,
        .shipping_address_sealed = command->shipping_address_sealed,
        .contact_sealed = command->contact_sealed,
        .order_key_id = command->order_key ? command->order_key->key_id : (struct mr_bytes){0},
        .pay_deadline = work->now_ms + place_hold_ms(command, limits),
        .reserve_ttl_s = (int32_t)((limits->pay_deadline_ms + limits->reserve_slack_ms) / 1000),
    };
    order_emit(order, SHOP_ORDER_PLACED, &event.meta, &event);
}

static void place_send_reservations(const struct order *order)
{
    struct work *work = order->work;
    for (size_t i = 0; i < order->lines_count; i++) {
        const struct shop_order_line *line = &order->lines[i];
        struct shop_reserve_stock message = {
            .saga = work_saga(work),
            .order_id = order->id,
            .owner_id = order->state.owner_id,
            .line_no = line->line_no,
            .product_id = line->product_id,
            .quantity = line->quantity,
            .unit_price = line->unit_price,
            .price_version = line->price_version,
            .reserved_until = order->state.placed_at + (int64_t)order->state.reserve_ttl_s * 1000,
        };
        work_send(work, "stock-commands", SHOP_RESERVE_STOCK, line->product_id, &message);
    }
}

static void place_order(
    struct cart *cart,
    const struct shop_place_order *command,
    const struct shop_order_line *lines,
    size_t count,
    const struct shop_money *total)
{
    struct work *work = cart->work;
    struct order order = {
        .work = work, .id = command->order_id, .lines = lines, .lines_count = count};
    order.progress = progress_new(work->arena, order.id, count, &order.facts);
    cart_emit_checked_out(cart, order.id);
    place_emit_placed(&order, cart, command, total);
    progress_put(&order);
    place_send_reservations(&order);
    if (command->order_key)
        work_send(
            work,
            "subject-keys",
            SHOP_WRAPPED_KEY,
            command->order_key->subject_id,
            command->order_key);
}

static void *place_reject_over(struct cart *cart, enum shop_reason reason, int64_t limit)
{
    return decision_reject(
        cart->work,
        reason,
        cart->state.cart_id,
        &(struct shop_rejection){.has_limit = true, .limit = limit});
}

/* Bounds on what an owner holds without having paid. Staff and imports are exempt. */
static int place_check_owner(
    struct cart *cart,
    const struct shop_place_order *command,
    const struct cart_item *items,
    size_t count,
    void **ret_decision,
    struct mr_error *error)
{
    enum { DAY_MS = 24 * 3600 * 1000 };
    const struct work *work = cart->work;
    const struct shop_limits *limits = &work->service->limits;
    struct shop_owner_state owner;
    int64_t units = 0;
    if (!text_is(work->actor_kind, "guest") && !text_is(work->actor_kind, "customer"))
        return 0;
    int rc = owner_load(cart->work, command->owner_id, &owner, error);
    if (rc)
        return rc;
    for (size_t i = 0; i < count; i++)
        units += items[i].state.quantity;
    bool flagged = owner.expired_day == work->now_ms / DAY_MS &&
                   owner.expired_orders >= limits->expired_orders_max;
    if (owner.unpaid_orders >= limits->unpaid_orders_max)
        *ret_decision =
            place_reject_over(cart, SHOP_REASON_UNPAID_ORDERS_LIMIT, limits->unpaid_orders_max);
    else if (!command->method_token_sealed && flagged)
        *ret_decision = place_reject_over(
            cart, SHOP_REASON_PAYMENT_METHOD_REQUIRED, limits->expired_orders_max);
    else if (!command->method_token_sealed && owner.unpaid_units + units > limits->unpaid_units_max)
        *ret_decision =
            place_reject_over(cart, SHOP_REASON_UNPAID_UNITS_LIMIT, limits->unpaid_units_max);
    return 0;
}

/* Checks that need the order itself: its id is free, and it fits into a record. */
static int place_check_order(
    struct cart *cart,
    const struct shop_place_order *command,
    size_t bytes,
    void **ret_decision,
    struct mr_error *error)
{
    struct order taken;
    bool exists;
    int rc = order_load(cart->work, command->order_id, &taken, &exists, error);
    if (rc)
        return rc;
    if (exists)
        *ret_decision = decision_reject(cart->work, SHOP_REASON_ORDER_ID_TAKEN, no_text, NULL);
    else if (bytes > SHOP_LINES_BYTES_MAX)
        *ret_decision = decision_reject(
            cart->work,
            SHOP_REASON_ORDER_TOO_LARGE,
            cart->state.cart_id,
            &(struct shop_rejection){
                .has_limit = true,
                .limit = SHOP_LINES_BYTES_MAX,
                .has_actual = true,
                .actual = (int64_t)bytes});
    return 0;
}

static int place_cart_items(
    struct cart *cart,
    const struct shop_place_order *command,
    const struct cart_item *items,
    size_t count,
    void **ret_decision,
    struct mr_error *error)
{
    struct shop_money total = {cart->state.total_minor, count ? cart->state.currency : no_text};
    struct shop_order_line *lines = NULL;
    size_t bytes = 0;
    *ret_decision = place_guard_cart(cart, command, items, count, &total);
    if (*ret_decision)
        return 0;
    int rc = place_check_owner(cart, command, items, count, ret_decision, error);
    if (rc || *ret_decision)
        return rc;
    rc = place_make_lines(cart->work, items, count, &lines, &bytes, error);
    if (!rc)
        rc = place_check_order(cart, command, bytes, ret_decision, error);
    if (rc || *ret_decision)
        return rc;
    place_order(cart, command, lines, count, &total);
    place_answer(cart->work, command->order_id, DECISION_CREATED, ret_decision);
    return 0;
}

int order_place(
    struct work *work,
    const struct shop_place_order *command,
    void **ret_decision,
    struct mr_error *error)
{
    struct cart cart;
    struct cart_item *items = NULL;
    size_t count = 0;
    bool exists;
    if (!shop_id_is_valid(command->owner_id))
        return mr_fail(error, MR_INVALID, "owner_id is not a valid id");
    int rc = cart_load(work, command->owner_id, &cart, &exists, error);
    if (!rc && exists)
        rc = cart_items(&cart, &items, &count, error);
    if (rc)
        return rc;
    if (exists && cart.state.order_id.ptr) {
        place_answer(work, cart.state.order_id, DECISION_CHANGED, ret_decision);
        return 0;
    }
    return place_cart_items(&cart, command, items, count, ret_decision, error);
}
