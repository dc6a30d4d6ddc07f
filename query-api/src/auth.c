/* auth.c - whose cart and orders these are: the subject of an access token, or a guest. */
#include "api.h"

#include <processors/ids.h>

static bool by_access_token(
    struct http_request *request,
    struct api *api,
    struct mr_bytes token,
    struct mr_bytes *ret_owner)
{
    struct token_claims claims;
    switch (token_verify(api->keys, token, mr_unix_ms() / 1000, http_arena(request), &claims)) {
    case TOKEN_VALID:
        *ret_owner = claims.subject;
        return true;
    case TOKEN_EXPIRED:
        http_send_problem(request, "token-expired", "Log in again, or refresh the session.");
        return false;
    case TOKEN_INVALID:
        break;
    }
    http_send_problem(request, "token-invalid", "Not an access token of this shop.");
    return false;
}

static bool
by_cart_token(struct http_request *request, struct mr_bytes token, struct mr_bytes *ret_owner)
{
    struct shop_id owner;
    if (!shop_guest_id(token, &owner)) {
        http_send_problem(
            request,
            "malformed-header",
            "Cart-Token: not a token of this shop. Send it exactly as received.");
        return false;
    }
    *ret_owner = mr_arena_copy(http_arena(request), shop_id_view(&owner));
    return true;
}

bool api_owner(struct http_request *request, struct api *api, struct mr_bytes *ret_owner)
{
    struct mr_bytes bearer = http_bearer(request);
    struct mr_bytes cart = http_header(request, "Cart-Token");
    if (bearer.ptr)
        return by_access_token(request, api, bearer, ret_owner);
    if (http_header(request, "Authorization").ptr) { /* Not a guest: somebody who is mistaken. */
        http_send_problem(
            request, "token-invalid", "Authorization: send Bearer and an access token.");
        return false;
    }
    if (cart.ptr)
        return by_cart_token(request, cart, ret_owner);
    http_send_problem(
        request, "authentication-required", "Send Authorization: Bearer, or a guest's Cart-Token.");
    return false;
}
