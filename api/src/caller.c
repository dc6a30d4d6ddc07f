/* caller.c - the access token of a customer, the Cart-Token of a guest, or nobody. */
#include <api/caller.h>

#include <base/clock.h>
#include <base/log.h>
#include <http/problem.h>
#include <processors/ids.h>

#include <assert.h>

/* Negative: the view cannot be read. */
static int caller_find_end(
    const struct api_auth *auth,
    struct http_request *request,
    struct mr_bytes session_id,
    bool *ret_over,
    struct mr_error *error)
{
    struct mr_bytes ended_at = {0};
    int rc = 0;
    if (session_id.len > 0)
        rc = topo_read_get(auth->revoked, session_id, http_arena(request), &ended_at, error);
    *ret_over = ended_at.ptr != NULL;
    return rc;
}

bool api_session_is_over(
    const struct api_auth *auth, struct http_request *request, struct mr_bytes session_id)
{
    assert(auth && request);
    bool over;
    return caller_find_end(auth, request, session_id, &over, NULL) == 0 && over;
}

/* False: the session is over, or it is not known yet; a problem has been sent. */
static bool caller_check_session(
    const struct api_auth *auth, struct http_request *request, struct mr_bytes session_id)
{
    struct mr_error error;
    bool over = false;
    if (topo_engine_state(auth->engine, NULL) == TOPO_ENGINE_RESTORING) {
        http_send_problem_full(
            request,
            &(struct http_problem){
                .slug = "view-behind",
                .detail = mr_cstr("This instance is starting. Ask again."),
                .retry_after_s = 1});
        return false;
    }
    if (caller_find_end(auth, request, session_id, &over, &error)) {
        mr_log(MR_LOG_ERROR, "read-failed", "error=\"%s\"", error.text);
        http_send_problem(request, "internal", "The session cannot be read.");
        return false;
    }
    if (over)
        http_send_problem(request, "token-invalid", "The session is over. Log in again.");
    return !over;
}

static bool caller_read_access_token(
    const struct api_auth *auth,
    struct http_request *request,
    struct mr_bytes token,
    struct api_caller *ret_caller)
{
    struct token_claims claims;
    enum token_verdict verdict =
        token_verify(auth->keys, token, mr_unix_ms() / 1000, http_arena(request), &claims);
    if (verdict == TOKEN_EXPIRED) {
        http_send_problem(request, "token-expired", "Renew the session, or log in again.");
        return false;
    }
    if (verdict == TOKEN_INVALID || !shop_id_is_valid(claims.subject)) {
        http_send_problem(request, "token-invalid", "Not an access token of this shop.");
        return false;
    }
    if (!caller_check_session(auth, request, claims.session_id))
        return false;
    *ret_caller =
        (struct api_caller){claims.subject, mr_cstr("customer"), claims.session_id, claims.scope};
    return true;
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
    const struct api_auth *auth, struct http_request *request, struct api_caller *ret_caller)
{
    assert(auth && request && ret_caller);
    struct mr_bytes bearer = http_bearer(request);
    struct mr_bytes cart = http_header(request, "Cart-Token");
    *ret_caller = (struct api_caller){0};
    if (bearer.ptr)
        return caller_read_access_token(auth, request, bearer, ret_caller);
    if (http_header(request, "Authorization").ptr) { /* A mistake, rather than a guest. */
        http_send_problem(request, "token-invalid", "Authorization: send Bearer and a token.");
        return false;
    }
    return cart.ptr ? caller_read_cart_token(request, cart, ret_caller) : true;
}

bool api_authenticate(
    const struct api_auth *auth, struct http_request *request, struct api_caller *ret_caller)
{
    if (!api_identify(auth, request, ret_caller))
        return false;
    if (ret_caller->owner.ptr)
        return true;
    http_send_problem(
        request,
        "authentication-required",
        "Send Authorization: Bearer and an access token, or the Cart-Token of a guest.");
    return false;
}

bool api_authenticate_user(
    const struct api_auth *auth, struct http_request *request, struct api_caller *ret_caller)
{
    if (!api_identify(auth, request, ret_caller))
        return false;
    if (ret_caller->session_id.ptr)
        return true;
    http_send_problem(
        request, "authentication-required", "Send Authorization: Bearer and an access token.");
    return false;
}

bool api_authorize(
    const struct api_auth *auth,
    struct http_request *request,
    const char *role,
    struct api_caller *ret_caller)
{
    assert(role);
    if (!api_authenticate_user(auth, request, ret_caller))
        return false;
    if (mr_bytes_equal(ret_caller->role, mr_cstr(role)))
        return true;
    http_send_problem(request, "forbidden", "Your account may not do this.");
    return false;
}
