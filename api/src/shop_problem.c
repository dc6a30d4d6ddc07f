/*
 * shop_problem.c - one table from reasons to problems: the slug, the text, and which facts a client
 * is shown.
 *
 * In a text {limit}, {actual}, {subject} and {state} stand for the rejection's facts.
 */
#include <api/shop_problem.h>
#include <http/json.h>

#include <assert.h>
#include <stdio.h>

enum { HTTP_OK = 200, HTTP_CREATED = 201, HTTP_ACCEPTED = 202 };

static const struct {
    const char *slug;
    const char *detail;
} reason_problems[SHOP_REASON_COUNT] = {
    [SHOP_REASON_NONE] = {"internal", "This instance does not know the reason: {subject}."},
    [SHOP_REASON_STALE_VERSION] =
        {"precondition-failed",
         "It has changed since: it is at version {actual} now. Read it again, then repeat."},
    [SHOP_REASON_KEY_REUSED] =
        {"idempotency-key-reused", "This idempotency key was used for another request."},
    [SHOP_REASON_FIELD_INVALID] = {"validation", "The field {subject} is not acceptable."},
    [SHOP_REASON_NOT_FOR_SALE] = {"product-unavailable", "The product is not for sale."},
    [SHOP_REASON_QUANTITY_LIMIT] = {"quantity-limit", "A line has 1 to {limit} units."},
    [SHOP_REASON_CART_FULL] =
        {"cart-full", "A cart has at most {limit} lines. Order these first, or remove some."},
    [SHOP_REASON_AMOUNT_LIMIT] =
        {"validation", "The amount would be over the limit of {limit} minor units."},
    [SHOP_REASON_CURRENCY_DIFFERS] =
        {"validation", "The cart is in {subject}; a cart has one currency."},
    [SHOP_REASON_CART_EMPTY] = {"cart-empty", "The cart has no lines to order."},
    [SHOP_REASON_PRICE_CHANGED] = {"price-changed", "The total is not what the request expects."},
    [SHOP_REASON_ORDER_ID_FOREIGN] = {"validation", "order_id does not fit its owner."},
    [SHOP_REASON_ORDER_ID_TAKEN] = {"validation", "order_id is taken."},
    [SHOP_REASON_ORDER_TOO_LARGE] =
        {"cart-full", "The lines take {actual} bytes; an order has room for {limit}."},
    [SHOP_REASON_UNPAID_ORDERS_LIMIT] =
        {"too-many-unpaid-orders",
         "{limit} of your orders wait for payment already. Pay or cancel one first."},
    [SHOP_REASON_UNPAID_UNITS_LIMIT] =
        {"too-many-unpaid-units",
         "At most {limit} units are held without a payment method. Send one with the order."},
    [SHOP_REASON_PAYMENT_METHOD_REQUIRED] =
        {"payment-method-required",
         "{limit} or more of your orders were given up unpaid today. Send a payment method with "
         "the order."},
    [SHOP_REASON_ORDER_UNKNOWN] = {"not-found", "There is no such order."},
    [SHOP_REASON_PAYMENT_NOT_EXPECTED] =
        {"payment-not-expected", "The order is {state} and does not wait for a payment."},
    [SHOP_REASON_PAYMENT_IN_PROGRESS] = {"payment-in-progress", "A payment is under way."},
    [SHOP_REASON_ATTEMPTS_EXHAUSTED] =
        {"attempts-exhausted", "An order has at most {limit} payment attempts."},
    [SHOP_REASON_OPERATOR_GIVES_REASON] =
        {"validation", "An operator gives a reason of 1 to {limit} bytes."},
    [SHOP_REASON_NOT_REFUNDABLE] =
        {"not-possible-now", "The order is {state}; only a confirmed one is refunded."},
    [SHOP_REASON_REFUND_LIMIT] =
        {"validation", "At most {limit} minor units of the order can still be given back."},
    [SHOP_REASON_NOT_CLOSABLE] =
        {"not-possible-now", "The order is {state}; only one that is being cancelled is closed."},
    [SHOP_REASON_NOT_CONFIRMED] =
        {"not-possible-now", "The order is {state} and has no confirmation."},
    [SHOP_REASON_PRODUCT_EXISTS] = {"precondition-failed", "The product exists already."},
    [SHOP_REASON_PRODUCT_UNKNOWN] = {"not-found", "There is no such product."},
    [SHOP_REASON_PRODUCT_DISCONTINUED] = {"product-unavailable", "The product is discontinued."},
    [SHOP_REASON_STOCK_LIMIT] = {"validation", "A product has at most {limit} units on hand."},
    [SHOP_REASON_STOCK_HELD] =
        {"out-of-stock", "{limit} units are on hand, and {actual} of them are held."},
    [SHOP_REASON_EMAIL_TAKEN] = {"email-taken", "The address is in use."},
    [SHOP_REASON_USER_UNKNOWN] = {"not-found", "There is no such user."},
    [SHOP_REASON_PASSWORD_CHANGED] =
        {"invalid-credentials", "The password was changed while it was being checked."},
    [SHOP_REASON_SESSION_UNKNOWN] = {"not-found", "There is no such session."},
    [SHOP_REASON_SESSION_OVER] = {"token-invalid", "The session is over. Log in again."},
    [SHOP_REASON_NOT_ALLOWED] = {"forbidden", "Only an operator may do this."},
    [SHOP_REASON_REFRESH_REUSED] =
        {"refresh-reused", "The token was used before, so its session is over. Log in again."},
};

const char *shop_reason_slug(enum shop_reason reason)
{
    assert(reason >= SHOP_REASON_NONE && reason < SHOP_REASON_COUNT);
    return reason_problems[reason].slug;
}

/* -- the text -- */

static bool
text_add_fact(struct mr_buffer *out, struct mr_bytes name, const struct shop_rejection *rejection)
{
    if (mr_bytes_equal(name, mr_cstr("limit")))
        mr_buffer_printf(out, "%lld", (long long)rejection->limit);
    else if (mr_bytes_equal(name, mr_cstr("actual")))
        mr_buffer_printf(out, "%lld", (long long)rejection->actual);
    else if (mr_bytes_equal(name, mr_cstr("subject")))
        mr_buffer_add(out, rejection->subject);
    else if (mr_bytes_equal(name, mr_cstr("state")))
        mr_buffer_add(out, rejection->state);
    else
        return false;
    return true;
}

static struct mr_bytes
text_fill(const char *form, const struct shop_rejection *rejection, struct mr_arena *arena)
{
    struct mr_buffer out = {0};
    while (*form) {
        const char *end = *form == '{' ? strchr(form, '}') : NULL;
        struct mr_bytes name =
            end ? mr_bytes_of(form + 1, (size_t)(end - form - 1)) : (struct mr_bytes){0};
        if (end && text_add_fact(&out, name, rejection)) {
            form = end + 1;
            continue;
        }
        mr_buffer_add_byte(&out, (uint8_t)*form++);
    }
    struct mr_bytes text = mr_arena_copy(arena, mr_buffer_view(&out));
    mr_buffer_clean_up(&out);
    return text;
}

/* -- the members -- */

static void members_add_money(struct json_w *w, const char *key, const struct shop_money *money)
{
    json_w_key(w, key);
    json_w_object(w);
    json_w_key_integer(w, "amount_minor", money->minor);
    json_w_key_text(w, "currency", money->currency);
    json_w_object_end(w);
}

static void members_add_prices(struct json_w *w, const struct shop_rejection *rejection)
{
    json_w_key(w, "lines");
    json_w_array(w);
    for (size_t i = 0; i < rejection->prices_count; i++) {
        const struct shop_price_difference *line = &rejection->prices[i];
        json_w_object(w);
        json_w_key_text(w, "product_id", line->product_id);
        members_add_money(w, "quoted", &line->quoted);
        members_add_money(w, "current", &line->current);
        json_w_object_end(w);
    }
    json_w_array_end(w);
    if (rejection->expected_total)
        members_add_money(w, "expected_total", rejection->expected_total);
    if (rejection->current_total)
        members_add_money(w, "current_total", rejection->current_total);
}

static void members_add_product(struct json_w *w, struct mr_bytes product_id)
{
    json_w_key(w, "lines");
    json_w_array(w);
    json_w_object(w);
    json_w_key_text(w, "product_id", product_id);
    json_w_object_end(w);
    json_w_array_end(w);
}

static struct mr_bytes members_write(
    enum shop_reason reason, const struct shop_rejection *rejection, struct mr_arena *arena)
{
    struct mr_buffer out = {0};
    struct json_w w = json_w_to(&out);
    json_w_object(&w);
    if (reason == SHOP_REASON_STALE_VERSION)
        json_w_key_integer(&w, "current_version", rejection->actual);
    if (rejection->has_limit)
        json_w_key_integer(&w, "limit", rejection->limit);
    if (rejection->state.ptr)
        json_w_key_text(&w, "order_status", rejection->state);
    if (reason == SHOP_REASON_NOT_FOR_SALE)
        members_add_product(&w, rejection->subject);
    if (reason == SHOP_REASON_PRICE_CHANGED)
        members_add_prices(&w, rejection);
    json_w_object_end(&w);
    struct mr_bytes members = mr_arena_copy(arena, mr_buffer_view(&out));
    mr_buffer_clean_up(&out);
    return members;
}

/* -- outcomes -- */

/* Written before rejections had reasons: the outcome itself has the problem. */
static struct http_problem
problem_of_old(const struct shop_command_outcome *outcome, struct mr_arena *arena)
{
    const char *slug =
        outcome->problem_type.ptr ? mr_arena_cstr(arena, outcome->problem_type) : "internal";
    bool is_error = outcome->http_status >= 400 && outcome->http_status < 600;
    if (!is_error && !http_problem_status(slug)) /* A newer writer's. */
        slug = "internal";
    return (struct http_problem){
        .slug = slug,
        .status = is_error ? outcome->http_status : 0,
        .detail = outcome->problem_detail,
        .extensions = outcome->problem_ext_json,
    };
}

struct http_problem
shop_outcome_problem(const struct shop_command_outcome *outcome, struct mr_arena *arena)
{
    assert(outcome && arena);
    const struct shop_rejection *rejection = outcome->rejection;
    if (!rejection)
        return problem_of_old(outcome, arena);
    enum shop_reason reason = shop_reason_of(rejection->reason);
    struct shop_rejection other = {.subject = rejection->reason};
    const char *detail = reason_problems[reason].detail;
    if (reason == SHOP_REASON_PRICE_CHANGED && rejection->expected_total &&
        rejection->current_total &&
        !mr_bytes_equal(rejection->expected_total->currency, rejection->current_total->currency))
        detail = "The total is in another currency than the request expects.";
    if (reason == SHOP_REASON_NONE)
        rejection = &other;
    return (struct http_problem){
        .slug = reason_problems[reason].slug,
        .detail = text_fill(detail, rejection, arena),
        .extensions = members_write(reason, rejection, arena),
    };
}

int shop_outcome_status(const struct shop_command_outcome *outcome)
{
    assert(outcome);
    if (outcome->rejection)
        return http_problem_status(shop_reason_slug(shop_reason_of(outcome->rejection->reason)));
    if (outcome->http_status > 0) /* Written before effects were. */
        return outcome->http_status;
    if (mr_bytes_equal(outcome->effect, mr_cstr(SHOP_EFFECT_CREATED)))
        return HTTP_CREATED;
    return mr_bytes_equal(outcome->effect, mr_cstr(SHOP_EFFECT_REQUESTED)) ? HTTP_ACCEPTED
                                                                           : HTTP_OK;
}
