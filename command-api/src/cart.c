/* cart.c - the routes that change a cart; each answers with the whole cart as it is after. */
#include "command_api.h"

#include <api/shop_json.h>
#include <sealing/random.h>

void cart_send(struct http_request *request, const struct dispatch_answer *answer, void *user)
{
    struct call *call = user;
    const struct shop_command_outcome *outcome = call_accepted(call, answer);
    if (!outcome)
        return;
    struct json_w w = json_w_to(http_response(request));
    if (outcome->cart) {
        shop_json_cart(&w, outcome->cart, NULL);
        http_set_header_f(request, "ETag", "\"v%lld\"", (long long)outcome->cart->version);
    } else {
        json_w_object(&w);
        json_w_object_end(&w);
    }
    http_set_header(request, "Cache-Control", mr_cstr("private, no-store"));
    http_send(request, 200, NULL);
}

/* The product of the path; a NULL view when the problem has been sent. */
static struct mr_bytes cart_read_product(struct http_request *request)
{
    struct mr_bytes product_id = http_path_param(request, 0);
    if (shop_id_is_valid(product_id))
        return product_id;
    http_send_problem(request, "not-found", "There is no such product.");
    return (struct mr_bytes){0};
}

static struct call *
cart_begin(struct http_request *request, struct command_api *api, enum call_key key)
{
    struct api_caller caller;
    if (!api_authenticate(&api->auth, request, &caller))
        return NULL;
    return call_begin(api, request, caller.owner, caller.actor_kind, key);
}

/* Relative, so it needs a key: a repetition would add again. */
void cart_items_post(struct http_request *request, void *user)
{
    struct api_cart_item item = {0};
    struct call *call = cart_begin(request, user, CALL_KEY_REQUIRED);
    if (!call || !http_read_shape(request, &api_shape_cart_item, &item))
        return;
    if (!shop_id_is_valid(item.product_id)) {
        http_send_invalid(request, "/product_id", "format", "not a valid product id");
        return;
    }
    struct shop_add_cart_item command = {
        .meta = call_meta(call),
        .owner_id = call->principal,
        .product_id = item.product_id,
        .quantity = (int32_t)item.quantity,
    };
    call_send(call, TOPIC_SALES_COMMANDS, call->principal, SHOP_ADD_CART_ITEM, &command, cart_send);
}

static void cart_remove_item(struct call *call, struct mr_bytes product_id)
{
    struct shop_remove_cart_item command = {
        .meta = call_meta(call), .owner_id = call->principal, .product_id = product_id};
    call_send(
        call, TOPIC_SALES_COMMANDS, call->principal, SHOP_REMOVE_CART_ITEM, &command, cart_send);
}

/* Absolute, so it may be repeated without a key. */
void cart_item_put(struct http_request *request, void *user)
{
    struct api_cart_quantity line = {0};
    struct call *call = cart_begin(request, user, CALL_KEY_OPTIONAL);
    struct mr_bytes product_id = call ? cart_read_product(request) : (struct mr_bytes){0};
    if (!product_id.ptr || !http_read_shape(request, &api_shape_cart_quantity, &line))
        return;
    if (line.quantity == 0) {
        cart_remove_item(call, product_id);
        return;
    }
    struct shop_set_cart_item_quantity command = {
        .meta = call_meta(call),
        .owner_id = call->principal,
        .product_id = product_id,
        .quantity = (int32_t)line.quantity,
    };
    call_send(
        call,
        TOPIC_SALES_COMMANDS,
        call->principal,
        SHOP_SET_CART_ITEM_QUANTITY,
        &command,
        cart_send);
}

void cart_item_delete(struct http_request *request, void *user)
{
    struct call *call = cart_begin(request, user, CALL_KEY_OPTIONAL);
    struct mr_bytes product_id = call ? cart_read_product(request) : (struct mr_bytes){0};
    if (product_id.ptr)
        cart_remove_item(call, product_id);
}

void cart_items_delete(struct http_request *request, void *user)
{
    struct call *call = cart_begin(request, user, CALL_KEY_OPTIONAL);
    if (!call)
        return;
    struct shop_clear_cart command = {.meta = call_meta(call), .owner_id = call->principal};
    call_send(call, TOPIC_SALES_COMMANDS, call->principal, SHOP_CLEAR_CART, &command, cart_send);
}

/* Nothing is stored: the token is the cart, and 256 bits are not guessed. */
void guest_carts_post(struct http_request *request, void *user)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    uint8_t random[43];
    char token[43];
    static const char *const none[] = {NULL};
    struct json_w w = json_w_to(http_response(request));
    (void)user;
    if (!http_query_only(request, none))
        return;
    sealing_random(random, sizeof random);
    for (size_t i = 0; i < sizeof token; i++)
        token[i] = digits[random[i] & 63];
    json_w_object(&w);
    json_w_key_text(&w, "cart_token", mr_bytes_of(token, sizeof token));
    json_w_object_end(&w);
    http_set_header(request, "Cache-Control", mr_cstr("private, no-store"));
    http_send(request, 201, NULL);
}
