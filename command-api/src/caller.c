/* caller.c - who asks: a customer by an access token, or a guest by the token of a cart. */
#include "api.h"

static bool by_access_token(
    struct api *api,
    struct http_request *request,
    struct mr_bytes token,
    struct api_caller *ret_caller)
{
    struct token_claims claims;
    enum token_verdict verdict =
        token_verify(api->tokens, token, mr_unix_ms() / 1000, http_arena(request), &claims);
    if (verdict == TOKEN_EXPIRED)
        http_send_problem(request, "token-expired", "log in again");
    else if (verdict == TOKEN_INVALID || !shop_id_is_valid(claims.subject))
        http_send_problem(request, "token-invalid", "not an access token of this shop");
    else {
        *ret_caller = (struct api_caller){claims.subject, mr_cstr("customer")};
        return true;
    }
    return false;
}

static bool
by_cart_token(struct http_request *request, struct mr_bytes token, struct api_caller *ret_caller)
{
    struct shop_id owner;
    if (!shop_guest_id(token, &owner)) {
        http_send_problem(
            request,
            "malformed-header",
            "Cart-Token: not a token of this shop. Send it exactly as received.");
        return false;
    }
    ret_caller->owner = mr_arena_copy(http_arena(request), shop_id_view(&owner));
    ret_caller->actor_kind = mr_cstr("guest");
    return true;
}

bool api_views_are_here(struct api *api, struct http_request *request)
{
    if (topo_engine_state(api->engine, NULL) != TOPO_ENGINE_RESTORING)
        return true;
    http_send_problem(request, "view-behind", "this instance is starting; ask again");
    return false;
}

bool api_identify(struct api *api, struct http_request *request, struct api_caller *ret_caller)
{
    struct mr_bytes bearer = http_bearer(request);
    struct mr_bytes cart = http_header(request, "Cart-Token");
    *ret_caller = (struct api_caller){0};
    if (bearer.ptr)
        return by_access_token(api, request, bearer, ret_caller);
    if (http_header(request, "Authorization").ptr) { /* Not a guest: somebody who is mistaken. */
        http_send_problem(
            request, "token-invalid", "Authorization: send Bearer and an access token.");
        return false;
    }
    if (cart.ptr)
        return by_cart_token(request, cart, ret_caller);
    return true;
}

bool api_authenticate(struct api *api, struct http_request *request, struct api_caller *ret_caller)
{
    if (!api_identify(api, request, ret_caller))
        return false;
    if (ret_caller->owner.ptr)
        return true;
    http_send_problem(
        request, "authentication-required", "send an access token, or the Cart-Token of a guest");
    return false;
}
