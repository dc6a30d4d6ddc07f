/*
 * caller.h - who sends a request: a customer by an access token, or a guest by the token of a cart.
 *
 * Both APIs take the same tokens, and read them here only. Threads: any.
 */
#ifndef API_CALLER_H
#define API_CALLER_H

#include <http/server.h>
#include <http/token.h>

struct api_caller {
    struct mr_bytes owner;      /* usr_... or gst_...; in the request's arena. NULL view: nobody. */
    struct mr_bytes actor_kind; /* "customer" or "guest". */
};

/* False: a problem has been sent. A request with neither token is from nobody, and fine. */
bool api_identify(
    struct token_keys *keys, struct http_request *request, struct api_caller *ret_caller);

/* As api_identify, but nobody is refused with authentication-required. */
bool api_authenticate(
    struct token_keys *keys, struct http_request *request, struct api_caller *ret_caller);

#endif
