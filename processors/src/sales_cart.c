/*
 * sales_cart.c - the cart of an owner: lines, quantities, quotes, totals.
 *
 * A line is one key of its own, so that adding to a cart costs the same at any size. A cart that
 * was checked out stays as the owner's newest until something is added: that opens the next one.
 */
#include "sales_cart.h"
#include "sales_price.h"

#include <processors/product.h>

#include <assert.h>
#include <stdlib.h>

static const struct mr_bytes no_text = MR_LITERAL("");

int cart_load(
    struct work *work,
    struct mr_bytes owner_id,
    struct cart *ret_cart,
    bool *ret_exists,
    struct mr_error *error)
{
    const void *found;
    int rc = state_get(work->context, "cart", SHOP_CART_STATE, owner_id, &found, error);
    if (rc)
        return rc;
    *ret_cart = (struct cart){.work = work, .owner_id = owner_id};
    *ret_exists = found != NULL;
    if (found)
        ret_cart->state = *(const struct shop_cart_state *)found;
    return 0;
}

static int cart_load_line(
    const struct cart *cart,
    struct mr_bytes product_id,
    const struct shop_cart_line_state **ret_line,
    struct mr_error *error)
{
    const void *found;
    struct mr_bytes key = key_join(cart->work->arena, cart->owner_id, product_id);
    int rc = state_get(cart->work->context, "cart-lines", SHOP_CART_LINE_STATE, key, &found, error);
    if (!rc)
        *ret_line = found;
    return rc;
}

/* -- events -- */

static struct shop_meta cart_next_meta(struct cart *cart)
{
    return work_meta(cart->work, "cart", cart->state.cart_id, ++cart->state.version);
}

static void
cart_emit(struct cart *cart, enum shop_type type, const struct shop_meta *meta, const void *event)
{
    work_emit(cart->work, "cart-events", type, cart->owner_id, meta, event);
}

static void cart_emit_added(
    struct cart *cart,
    struct mr_bytes product_id,
    int32_t delta,
    int32_t after,
    struct shop_money price,
    int64_t price_version)
{
    struct shop_cart_item_added event = {
        .meta = cart_next_meta(cart),
        .owner_id = cart->owner_id,
        .cart_id = cart->state.cart_id,
        .product_id = product_id,
        .quantity_delta = delta,
        .quantity_after = after,
        .quoted_unit_price = price,
        .price_version = price_version,
    };
    cart_emit(cart, SHOP_CART_ITEM_ADDED, &event.meta, &event);
}

static void cart_emit_set(
    struct cart *cart,
    struct mr_bytes product_id,
    int32_t after,
    const struct shop_product_state *product)
{
    struct shop_cart_item_quantity_set event = {
        .meta = cart_next_meta(cart),
        .owner_id = cart->owner_id,
        .cart_id = cart->state.cart_id,
        .product_id = product_id,
        .quantity_after = after,
        .quoted_unit_price = product->price,
        .price_version = product->price_version,
    };
    cart_emit(cart, SHOP_CART_ITEM_QUANTITY_SET, &event.meta, &event);
}

static void cart_emit_removed(struct cart *cart, struct mr_bytes product_id)
{
    struct shop_cart_item_removed event = {
        .meta = cart_next_meta(cart),
        .owner_id = cart->owner_id,
        .cart_id = cart->state.cart_id,
        .product_id = product_id,
    };
    cart_emit(cart, SHOP_CART_ITEM_REMOVED, &event.meta, &event);
}

void cart_emit_checked_out(struct cart *cart, struct mr_bytes order_id)
{
    assert(cart->state.lines > 0 && !cart->state.order_id.ptr);
    struct shop_cart_checked_out event = {
        .meta = cart_next_meta(cart),
        .owner_id = cart->owner_id,
        .cart_id = cart->state.cart_id,
        .order_id = order_id,
    };
    cart_emit(cart, SHOP_CART_CHECKED_OUT, &event.meta, &event);
}

void cart_emit_merged(struct cart *cart, struct mr_bytes into_owner_id)
{
    struct shop_cart_merged event = {
        .meta = cart_next_meta(cart),
        .owner_id = cart->owner_id,
        .cart_id = cart->state.cart_id,
        .into_owner_id = into_owner_id,
    };
    cart_emit(cart, SHOP_CART_MERGED, &event.meta, &event);
}

/* -- what fits -- */

/* A guest's cart is smaller; what the staff or an import puts together is not a guest's. */
static int32_t cart_lines_max(const struct cart *cart)
{
    const struct shop_limits *limits = &cart->work->service->limits;
    bool guest = text_is(cart->work->actor_kind, "guest");
    return guest && limits->guest_cart_lines_max < limits->cart_lines_max
               ? limits->guest_cart_lines_max
               : limits->cart_lines_max;
}

/* Why `quantity` of this at this price cannot be in the cart; SHOP_REASON_NONE when it can. */
static enum shop_reason cart_find_misfit(
    const struct cart *cart,
    const struct shop_cart_line_state *line,
    int64_t quantity,
    const struct shop_money *price)
{
    const struct shop_limits *limits = &cart->work->service->limits;
    int64_t line_total, rest, total;
    if (quantity < 1 || quantity > limits->line_quantity_max)
        return SHOP_REASON_QUANTITY_LIMIT;
    if (!line && cart->state.lines >= cart_lines_max(cart))
        return SHOP_REASON_CART_FULL;
    if (cart->state.lines > 0 && !mr_bytes_equal(cart->state.currency, price->currency))
        return SHOP_REASON_CURRENCY_DIFFERS;
    rest = cart->state.total_minor - (line ? line->unit_price.minor * line->quantity : 0);
    if (!money_multiply(price->minor, quantity, &line_total) ||
        !money_add(rest, line_total, &total))
        return SHOP_REASON_AMOUNT_LIMIT;
    return SHOP_REASON_NONE;
}

static void *cart_reject_misfit(struct cart *cart, enum shop_reason reason)
{
    const struct shop_limits *limits = &cart->work->service->limits;
    struct shop_rejection facts = {0};
    if (reason == SHOP_REASON_CURRENCY_DIFFERS) {
        facts.subject = cart->state.currency;
        return decision_reject(cart->work, reason, cart->state.cart_id, &facts);
    }
    facts.has_limit = true;
    if (reason == SHOP_REASON_AMOUNT_LIMIT)
        facts.limit = SHOP_MONEY_MINOR_MAX;
    else
        facts.limit =
            reason == SHOP_REASON_CART_FULL ? cart_lines_max(cart) : limits->line_quantity_max;
    return decision_reject(cart->work, reason, cart->state.cart_id, &facts);
}

/* -- commands -- */

/* A cart that can be added to: the open one, or the next, named after the command. */
static void cart_open_next(struct cart *cart, bool exists, struct mr_bytes seed)
{
    if (exists && !cart->state.order_id.ptr)
        return;
    struct shop_id id = shop_created_id("crt_", seed);
    cart->state = (struct shop_cart_state){
        .cart_id = mr_arena_copy(cart->work->arena, shop_id_view(&id)), .currency = no_text};
}

void cart_accept(struct cart *cart, void **ret_decision)
{
    struct decision *decision = decision_accept(cart->work, DECISION_CHANGED, cart->state.cart_id);
    decision->has_version = true;
    decision->version = cart->state.version;
    *ret_decision = decision;
}

/* Adds (`set` false) or sets a quantity; both quote the price of now. */
static int cart_put_item(
    struct cart *cart,
    struct mr_bytes product_id,
    int32_t quantity,
    bool set,
    void **ret_decision,
    struct mr_error *error)
{
    const struct shop_product_state *product;
    const struct shop_cart_line_state *line;
    int rc = price_find(cart->work, product_id, &product, error);
    if (!rc)
        rc = cart_load_line(cart, product_id, &line, error);
    if (rc)
        return rc;
    if (!product || product->status != SHOP_PRODUCT_STATUS_PUBLISHED) {
        *ret_decision = decision_reject(
            cart->work,
            SHOP_REASON_NOT_FOR_SALE,
            cart->state.cart_id,
            &(struct shop_rejection){.subject = product_id});
        return 0;
    }
    int64_t after = (int64_t)quantity + (line && !set ? line->quantity : 0);
    enum shop_reason reason = quantity < 1 ? SHOP_REASON_QUANTITY_LIMIT
                                           : cart_find_misfit(cart, line, after, &product->price);
    if (reason) {
        *ret_decision = cart_reject_misfit(cart, reason);
        return 0;
    }
    if (!set)
        cart_emit_added(
            cart, product_id, quantity, (int32_t)after, product->price, product->price_version);
    else if (!line || line->quantity != after || !money_equal(&line->unit_price, &product->price))
        cart_emit_set(cart, product_id, (int32_t)after, product);
    cart_accept(cart, ret_decision);
    return 0;
}

static int cart_remove_item(
    struct cart *cart, struct mr_bytes product_id, void **ret_decision, struct mr_error *error)
{
    const struct shop_cart_line_state *line;
    int rc = cart_load_line(cart, product_id, &line, error);
    if (rc)
        return rc;
    if (line)
        cart_emit_removed(cart, product_id);
    cart_accept(cart, ret_decision);
    return 0;
}

static void cart_clear(struct cart *cart, void **ret_decision)
{
    if (cart->state.lines > 0) {
        struct shop_cart_cleared event = {
            .meta = cart_next_meta(cart),
            .owner_id = cart->owner_id,
            .cart_id = cart->state.cart_id};
        cart_emit(cart, SHOP_CART_CLEARED, &event.meta, &event);
    }
    cart_accept(cart, ret_decision);
}

/* The commands that are answered with a cart, in one form. */
struct cart_request {
    struct mr_bytes owner_id, product_id;
    int32_t quantity;
};

static struct cart_request cart_request_of(const struct codec_message *message)
{
    if (message->id == SHOP_ADD_CART_ITEM) {
        const struct shop_add_cart_item *add = message->value;
        return (struct cart_request){add->owner_id, add->product_id, add->quantity};
    }
    if (message->id == SHOP_SET_CART_ITEM_QUANTITY) {
        const struct shop_set_cart_item_quantity *set = message->value;
        return (struct cart_request){set->owner_id, set->product_id, set->quantity};
    }
    if (message->id == SHOP_REMOVE_CART_ITEM) {
        const struct shop_remove_cart_item *remove = message->value;
        return (struct cart_request){remove->owner_id, remove->product_id, 0};
    }
    if (message->id == SHOP_TAKE_CART_LINES) {
        const struct shop_take_cart_lines *take = message->value;
        return (struct cart_request){take->owner_id, mr_cstr("-"), 0};
    }
    const struct shop_clear_cart *clear_cart = message->value;
    return (struct cart_request){clear_cart->owner_id, mr_cstr("-"), 0};
}

/* Step 4 of an event's path: the rules of the cart. */
int cart_decide(
    struct work *work,
    const struct codec_message *message,
    void **ret_decision,
    struct mr_error *error)
{
    struct cart_request request = cart_request_of(message);
    struct cart cart;
    bool exists;
    if (!shop_id_is_valid(request.owner_id) || !shop_id_is_valid(request.product_id))
        return mr_fail(
            error, MR_INVALID, "%s does not name a valid cart and product", message->type->name);
    int rc = cart_load(work, request.owner_id, &cart, &exists, error);
    if (rc)
        return rc;
    cart_open_next(&cart, exists, work->command_id);
    if (decision_stale(work, cart.state.version, cart.state.cart_id, ret_decision))
        return 0;
    switch (message->id) {
    case SHOP_ADD_CART_ITEM:
        return cart_put_item(
            &cart, request.product_id, request.quantity, false, ret_decision, error);
    case SHOP_SET_CART_ITEM_QUANTITY:
        if (request.quantity != 0)
            return cart_put_item(
                &cart, request.product_id, request.quantity, true, ret_decision, error);
        return cart_remove_item(&cart, request.product_id, ret_decision, error);
    case SHOP_REMOVE_CART_ITEM:
        return cart_remove_item(&cart, request.product_id, ret_decision, error);
    default:
        cart_clear(&cart, ret_decision);
        return 0;
    }
}

int cart_reopen(
    struct cart *cart,
    const struct shop_order_line *lines,
    size_t count,
    struct mr_bytes order_id,
    struct mr_error *error)
{
    bool exists = cart->state.cart_id.ptr != NULL;
    for (size_t i = 0; i < count; i++) {
        const struct shop_cart_line_state *line;
        cart_open_next(cart, exists, order_id);
        int rc = cart_load_line(cart, lines[i].product_id, &line, error);
        if (rc)
            return rc;
        int64_t after = (int64_t)lines[i].quantity + (line ? line->quantity : 0);
        if (cart_find_misfit(cart, line, after, &lines[i].unit_price))
            continue;
        cart_emit_added(
            cart,
            lines[i].product_id,
            lines[i].quantity,
            (int32_t)after,
            lines[i].unit_price,
            lines[i].price_version);
        rc = cart_load(cart->work, cart->owner_id, cart, &exists, error);
        if (rc)
            return rc;
    }
    return 0;
}

/* As many units as fit; a product that is not for sale, or a line too many, is left out. */
static int64_t
cart_find_room(const struct cart *cart, const struct shop_cart_line_state *line, int64_t quantity)
{
    int64_t room =
        cart->work->service->limits.line_quantity_max - (int64_t)(line ? line->quantity : 0);
    return quantity < room ? quantity : room;
}

int cart_take(
    struct cart *cart, struct mr_bytes product_id, int32_t quantity, struct mr_error *error)
{
    const struct shop_product_state *product;
    const struct shop_cart_line_state *line;
    bool exists = cart->state.cart_id.ptr != NULL;
    int rc = price_find(cart->work, product_id, &product, error);
    if (!rc)
        rc = cart_load_line(cart, product_id, &line, error);
    if (rc || !product || product->status != SHOP_PRODUCT_STATUS_PUBLISHED)
        return rc;
    int64_t delta = cart_find_room(cart, line, quantity);
    int64_t after = delta + (line ? line->quantity : 0);
    struct shop_cart_state before = cart->state;
    cart_open_next(cart, exists, cart->work->command_id);
    if (delta < 1 || cart_find_misfit(cart, line, after, &product->price)) {
        cart->state = before;
        return 0;
    }
    cart_emit_added(
        cart, product_id, (int32_t)delta, (int32_t)after, product->price, product->price_version);
    return cart_load(cart->work, cart->owner_id, cart, &exists, error);
}

/* -- reading a cart -- */

static int cart_compare_items(const void *a, const void *b)
{
    const struct cart_item *x = a, *y = b;
    return (x->state.position > y->state.position) - (x->state.position < y->state.position);
}

int cart_items(
    const struct cart *cart,
    struct cart_item **ret_items,
    size_t *ret_count,
    struct mr_error *error)
{
    struct mr_arena *arena = cart->work->arena;
    struct mr_bytes prefix = key_join(arena, cart->owner_id, no_text), key, value;
    size_t max = (size_t)cart->state.lines, count = 0;
    struct cart_item *items = mr_arena_alloc(arena, (max + 1) * sizeof *items);
    struct topo_scan *scan =
        topo_store_scan_prefix(topo_context_store(cart->work->context, "cart-lines"), prefix);
    int rc = 0;
    while (!rc && count < max && topo_scan_next(scan, &key, &value)) {
        const void *line = NULL;
        struct mr_bytes copy = mr_arena_copy(arena, value);
        rc = codec_decode_bare(&shop_types[SHOP_CART_LINE_STATE], copy, arena, &line, error);
        if (rc)
            break;
        struct mr_bytes product = mr_bytes_of(key.ptr + prefix.len, key.len - prefix.len);
        items[count].product_id = mr_arena_copy(arena, product);
        items[count++].state = *(const struct shop_cart_line_state *)line;
    }
    topo_scan_close(scan);
    if (rc)
        return mr_fail(error, MR_CORRUPT, "store cart-lines: unreadable line");
    if (count > 1)
        qsort(items, count, sizeof *items, cart_compare_items);
    *ret_items = items;
    *ret_count = count;
    return 0;
}

static int cart_render_line(
    struct work *work,
    const struct cart_item *item,
    struct shop_cart_line *ret_line,
    struct mr_error *error)
{
    const struct shop_product_state *product = NULL;
    const struct shop_cart_line_state *line = &item->state;
    int rc = price_find(work, item->product_id, &product, error);
    *ret_line = (struct shop_cart_line){
        .product_id = item->product_id,
        .sku = !rc && product ? product->sku : no_text,
        .title = !rc && product ? product->title : no_text,
        .quantity = line->quantity,
        .unit_price = line->unit_price,
        .price_version = line->price_version,
        .line_total = {line->unit_price.minor * line->quantity, line->unit_price.currency},
    };
    return rc;
}

/* The one line of the product, or none. */
static int cart_find_changed(
    const struct cart *cart,
    struct mr_bytes product_id,
    struct cart_item **ret_items,
    size_t *ret_count,
    struct mr_error *error)
{
    const struct shop_cart_line_state *line = NULL;
    int rc = cart_load_line(cart, product_id, &line, error);
    if (rc || !line)
        return rc;
    *ret_items = mr_arena_alloc(cart->work->arena, sizeof **ret_items);
    **ret_items = (struct cart_item){product_id, *line};
    *ret_count = 1;
    return 0;
}

/* From the state as it is now, for a replay too: no cart is kept with an outcome. A large cart is
 * answered by the line that changed; all of it is read from the view, at the outcome's position. */
int cart_render(
    struct work *work,
    const struct codec_message *command,
    const struct shop_cart_snapshot **ret_snapshot,
    struct mr_error *error)
{
    struct cart_request request = cart_request_of(command);
    struct cart cart;
    struct cart_item *items = NULL;
    size_t count = 0;
    bool exists;
    int rc = cart_load(work, request.owner_id, &cart, &exists, error);
    if (rc)
        return rc;
    bool whole = work->command->want_body && cart.state.lines <= CART_REPLY_LINES_MAX;
    if (exists)
        rc = whole ? cart_items(&cart, &items, &count, error)
                   : cart_find_changed(&cart, request.product_id, &items, &count, error);
    struct shop_cart_line *lines = mr_arena_zalloc(work->arena, (count + 1) * sizeof *lines);
    for (size_t i = 0; i < count && !rc; i++)
        rc = cart_render_line(work, &items[i], &lines[i], error);
    struct shop_cart_snapshot *snapshot = mr_arena_alloc(work->arena, sizeof *snapshot);
    *snapshot = (struct shop_cart_snapshot){
        .cart_id = exists ? cart.state.cart_id : no_text,
        .owner_id = request.owner_id,
        .version = cart.state.version,
        .lines = lines,
        .lines_count = count,
        .total = {cart.state.total_minor, exists ? cart.state.currency : no_text},
        .has_lines_total = !whole,
        .lines_total = cart.state.lines,
    };
    *ret_snapshot = snapshot;
    return rc;
}
