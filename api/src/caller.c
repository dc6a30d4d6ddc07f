/* caller.c - the access token of a customer, the Cart-Token of a guest, or nobody. */
#include <api/caller.h>

#include <base/clock.h>
#include <http/problem.h>
#include <processors/ids.h>

#include <assert.h>

static bool caller_read_access_token(
    struct token_keys *keys,
    struct http_request *request,
    struct mr_bytes token,
    struct api_caller *ret_caller)
{
    struct token_claims claims;
    enum token_verdict verdict =
        token_verify(keys, token, mr_unix_ms() / 1000, http_arena(request), &claims);
    if (verdict == TOKEN_EXPIRED)
        http_send_problem(request, "token-expired", "Log in again.");
    else if (verdict == TOKEN_INVALID || !shop_id_is_valid(claims.subject))
        http_send_problem(request, "token-invalid", "Not an access token of this shop.");
    else {
        *ret_caller = (struct api_caller){claims.subject, mr_cstr("customer")};
        return true;
    }
    return false;
}

static bool caller_read_cart_token(
    struct http_request *request, struct mr_bytes token, struct api_caller *ret_caller)
{
    struct shop_id owner;
    if (!shop_guest_id(token, &owner)) {
        http_send_problem(
            request, "token-invalid", "Cart-Token: send it exactly as it was given out.");
        return false;
    }
    ret_caller->owner = mr_arena_copy(http_arena(request), shop_id_view(&owner));
    ret_caller->actor_kind = mr_cstr("guest");
    return true;
}

bool api_identify(
    struct token_keys *keys, struct http_request *request, struct api_caller *ret_caller)
{
    assert(keys && request && ret_caller);
    struct mr_bytes bearer = http_bearer(request);
    struct mr_bytes cart = http_header(request, "Cart-Token");
    *ret_caller = (struct api_caller){0};
    if (bearer.ptr)
        return caller_read_access_token(keys, request, bearer, ret_caller);
    if (http_header(request, "Authorization").ptr) { /* A mistake, rather than a guest. */
        http_send_problem(request, "token-invalid", "Authorization: send Bearer and a token.");
        return false;
    }
    return cart.ptr ? caller_read_cart_token(request, cart, ret_caller) : true;
}

bool api_authenticate(
    struct token_keys *keys, struct http_request *request, struct api_caller *ret_caller)
{
    if (!api_identify(keys, request, ret_caller))
        return false;
    if (ret_caller->owner.ptr)
        return true;
    http_send_problem(
        request,
        "authentication-required",
        "Send Authorization: Bearer and an access token, or the Cart-Token of a guest.");
    return false;
}
