/* auth.c - whose cart and orders these are: the subject of a valid access token. */
#include "api.h"

bool api_owner(struct http_request *request, struct api *api, struct mr_bytes *ret_owner)
{
    struct token_claims claims;
    struct mr_bytes token = http_bearer(request);
    if (!token.ptr) {
        http_send_problem(request, "authentication-required", "Send Authorization: Bearer.");
        return false;
    }
    switch (token_verify(api->keys, token, api_unix_seconds(), http_arena(request), &claims)) {
    case TOKEN_VALID:
        *ret_owner = claims.subject;
        return true;
    case TOKEN_EXPIRED:
        http_send_problem(request, "token-expired", "Log in again, or refresh the session.");
        return false;
    case TOKEN_INVALID:
        break;
    }
    http_send_problem(request, "token-invalid", "This is no token of ours.");
    return false;
}
