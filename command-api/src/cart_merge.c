/*
 * cart_merge.c - POST /v1/cart/merge, and the same at a login: a guest's cart goes into the
 * customer's. The answer comes from the customer's partition, with the whole cart.
 */
#include "cart_merge.h"

void merge_send(struct call *call, struct mr_bytes guest_id, dispatch_answer_fn *answered)
{
    struct shop_merge_cart command = {
        .meta = call_meta(call), .owner_id = guest_id, .into_owner_id = call->principal};
    call_send(call, TOPIC_SALES_COMMANDS, guest_id, SHOP_MERGE_CART, &command, answered);
}

bool merge_read_token(
    struct http_request *request, struct mr_bytes cart_token, struct mr_bytes *ret_guest_id)
{
    struct shop_id guest_id;
    if (!shop_guest_id(cart_token, &guest_id)) {
        http_send_invalid(request, "/cart_token", "format", "send it exactly as it was given out");
        return false;
    }
    *ret_guest_id = mr_arena_copy(http_arena(request), shop_id_view(&guest_id));
    return true;
}

void cart_merge_post(struct http_request *request, void *user)
{
    struct command_api *api = user;
    struct api_merge body = {0};
    struct mr_bytes guest_id;
    struct api_caller caller;
    if (!api_authenticate_user(&api->auth, request, &caller) ||
        !http_read_shape(request, &api_shape_merge, &body) ||
        !merge_read_token(request, body.cart_token, &guest_id))
        return;
    struct call *call =
        call_begin(api, request, caller.owner, caller.actor_kind, CALL_KEY_OPTIONAL);
    if (call)
        merge_send(call, guest_id, cart_send);
}
