/*
 * orders.c - the routes that place, pay and cancel an order.
 *
 * Address and contact are sealed under a key of the order's own, the payment method's token under
 * the connector's: what goes into the log says nothing about a person to who has no key.
 */
#include "command_api.h"

#include <api/shop_json.h>
#include <api/shop_problem.h>
#include <sealing/random.h>

struct checkout {
    struct api_checkout body;
    struct mr_bytes order_id;
};

static void
order_send(struct http_request *request, const struct shop_command_outcome *outcome, int status)
{
    struct json_w w = json_w_to(http_response(request));
    if (outcome->order) {
        shop_json_order(&w, outcome->order, NULL);
        http_set_header_f(request, "ETag", "\"v%lld\"", (long long)outcome->order->version);
        http_set_header_f(request, "Location", "/v1/orders/%.*s", MR_ARG(outcome->order->order_id));
    } else { /* Prefer: return=minimal. */
        json_w_object(&w);
        json_w_key_text(&w, "order_id", outcome->subject_id);
        json_w_object_end(&w);
        http_set_header_f(request, "Location", "/v1/orders/%.*s", MR_ARG(outcome->subject_id));
    }
    http_set_header(request, "Cache-Control", mr_cstr("private, no-store"));
    http_send(request, status, NULL);
}

static void
order_answer_placed(struct http_request *request, const struct dispatch_answer *answer, void *user)
{
    const struct shop_command_outcome *outcome = call_accepted(user, answer);
    if (outcome)
        order_send(request, outcome, 201);
}

static void order_answer_cancelled(
    struct http_request *request, const struct dispatch_answer *answer, void *user)
{
    const struct shop_command_outcome *outcome = call_accepted(user, answer);
    if (outcome)
        order_send(request, outcome, shop_outcome_status(outcome));
}

static void
order_answer_payment(struct http_request *request, const struct dispatch_answer *answer, void *user)
{
    const struct shop_command_outcome *outcome = call_accepted(user, answer);
    struct json_w w = json_w_to(http_response(request));
    if (!outcome)
        return;
    json_w_object(&w);
    if (outcome->order) {
        json_w_key_text(&w, "payment_id", outcome->order->payment_id);
        json_w_key_text(&w, "order_id", outcome->order->order_id);
        json_w_key_integer(&w, "attempt", outcome->order->attempt);
        json_w_key_text(&w, "status", mr_cstr("started")); /* As the order shows it from now on. */
        http_set_header_f(request, "Location", "/v1/orders/%.*s", MR_ARG(outcome->order->order_id));
    }
    json_w_object_end(&w);
    http_set_header(request, "Cache-Control", mr_cstr("private, no-store"));
    http_send(request, 201, NULL);
}

static const struct shop_sealed *order_seal(
    struct mr_arena *arena,
    const struct sealing_key *key,
    struct mr_bytes key_id,
    struct sealing_context context,
    struct mr_bytes plain)
{
    if (!plain.ptr)
        return NULL;
    struct shop_sealed *sealed = mr_arena_alloc(arena, sizeof *sealed);
    *sealed = sealing_seal(key, key_id, context, plain, arena);
    return sealed;
}

/* The order has a key of its own, so that its address can be forgotten alone. */
static void order_send_place(struct call *call, const struct checkout *checkout)
{
    struct command_api *api = call->api;
    struct mr_arena *arena = http_arena(call->request);
    struct mr_bytes order_id = checkout->order_id;
    struct sealing_key key;
    struct shop_wrapped_key wrapped = sealing_wrap_new(&api->kek, order_id, arena, &key);
    bool personal = checkout->body.address.ptr || checkout->body.contact.ptr;
    struct shop_place_order command = {
        .meta = call_meta(call),
        .owner_id = call->principal,
        .order_id = order_id,
        .expected_total = checkout->body.has_total ? &checkout->body.total : NULL,
        .has_cart_version = checkout->body.cart_version >= 0,
        .cart_version = checkout->body.cart_version,
        .method_token_sealed = order_seal(
            arena,
            &api->payment,
            mr_cstr(SEALING_PAYMENT_ID),
            (struct sealing_context){"method", order_id},
            checkout->body.method_token),
        .shipping_address_sealed = order_seal(
            arena,
            &key,
            wrapped.key_id,
            (struct sealing_context){"address", order_id},
            checkout->body.address),
        .contact_sealed = order_seal(
            arena,
            &key,
            wrapped.key_id,
            (struct sealing_context){"contact", order_id},
            checkout->body.contact),
        .order_key = personal ? &wrapped : NULL,
    };
    sealing_wipe(&key, sizeof key);
    call_send(
        call,
        TOPIC_SALES_COMMANDS,
        call->principal,
        SHOP_PLACE_ORDER,
        &command,
        order_answer_placed);
}

/* False: a problem has been sent. */
static bool order_read_checkout(struct http_request *request, struct checkout *checkout)
{
    struct api_checkout *body = &checkout->body;
    body->cart_version = -1;
    body->exponent = -1;
    if (!command_has_no_card_numbers(request) ||
        !http_read_shape(request, &api_shape_checkout, body))
        return false;
    if (body->exponent < 0 || body->exponent == shop_exponent(body->total.currency))
        return true;
    http_send_invalid(
        request, "/expected_total/exponent", "value", "is not the one of the currency");
    return false;
}

/* The cart's version in If-Match is the cart's, not the order's. */
static void order_move_if_match(struct call *call, struct checkout *checkout)
{
    if (call->has_expected_version && checkout->body.cart_version < 0)
        checkout->body.cart_version = call->expected_version;
    call->has_expected_version = false;
    call->must_exist = false; /* A cart that does not exist is empty: a refusal of its own. */
}

void orders_post(struct http_request *request, void *user)
{
    struct command_api *api = user;
    struct api_caller caller;
    struct checkout checkout = {0};
    if (!api_authenticate(&api->auth, request, &caller))
        return;
    struct call *call =
        call_begin(api, request, caller.owner, caller.actor_kind, CALL_KEY_REQUIRED);
    if (!call || !order_read_checkout(request, &checkout))
        return;
    struct shop_id order_id = shop_order_id(caller.owner, shop_id_view(&call->command_id));
    checkout.order_id = mr_arena_copy(http_arena(request), shop_id_view(&order_id));
    order_move_if_match(call, &checkout);
    order_send_place(call, &checkout);
}

/* A call on the order of the path; NULL when the problem has been sent. Somebody else's order is
 * not found, and its id says whose it is. */
static struct call *
order_begin(struct http_request *request, struct command_api *api, struct mr_bytes *ret_order_id)
{
    struct api_caller caller;
    struct mr_bytes order_id = http_path_param(request, 0);
    if (!api_authenticate(&api->auth, request, &caller))
        return NULL;
    if (!shop_order_id_is_of(order_id, caller.owner)) {
        http_send_problem(request, "not-found", "There is no such order.");
        return NULL;
    }
    struct call *call =
        call_begin(api, request, caller.owner, caller.actor_kind, CALL_KEY_REQUIRED);
    if (!call)
        return NULL;
    *ret_order_id = order_id;
    return call;
}

/* The token is sealed for the connector: nobody else can use it. */
void order_payments_post(struct http_request *request, void *user)
{
    struct command_api *api = user;
    struct mr_bytes order_id = {0};
    struct api_payment payment = {0};
    struct call *call = order_begin(request, api, &order_id);
    if (!call || !command_has_no_card_numbers(request) ||
        !http_read_shape(request, &api_shape_payment, &payment))
        return;
    struct shop_start_payment command = {
        .meta = call_meta(call),
        .owner_id = call->principal,
        .order_id = order_id,
        .method_token_sealed = sealing_seal(
            &api->payment,
            mr_cstr(SEALING_PAYMENT_ID),
            (struct sealing_context){"method", order_id},
            payment.method_token,
            http_arena(request)),
    };
    call_send(
        call,
        TOPIC_SALES_COMMANDS,
        call->principal,
        SHOP_START_PAYMENT,
        &command,
        order_answer_payment);
}

void order_cancellation_post(struct http_request *request, void *user)
{
    struct mr_bytes order_id = {0};
    struct api_cancellation body = {0};
    struct call *call = order_begin(request, user, &order_id);
    if (!call || !command_has_no_card_numbers(request) ||
        (http_body(request).len && !http_read_shape(request, &api_shape_cancellation, &body)))
        return;
    struct shop_cancel_order command = {
        .meta = call_meta(call),
        .owner_id = call->principal,
        .order_id = order_id,
        .cause = mr_cstr("customer"),
    };
    call_send(
        call,
        TOPIC_SALES_COMMANDS,
        call->principal,
        SHOP_CANCEL_ORDER,
        &command,
        order_answer_cancelled);
}
