/*
 * caller.h - who sends a request: a customer by an access token, or a guest by the token of a cart.
 *
 * Both APIs take the same tokens, and read them here only. A token of a session that was ended is
 * refused as soon as the program's own view of identity.session.events has the end; while that view
 * is being restored, every access token is answered with view-behind.
 *
 * Threads  Any; struct api_auth is constant after the start.
 */
#ifndef API_CALLER_H
#define API_CALLER_H

#include <http/server.h>
#include <http/token.h>
#include <topology/engine.h>

struct api_auth {
    struct token_keys *keys;
    struct topo_engine *engine;  /* Folds the view below. */
    struct topo_reader *revoked; /* VIEW_REVOKED */
};

struct api_caller {
    struct mr_bytes owner;      /* usr_... or gst_...; in the request's arena. NULL view: nobody. */
    struct mr_bytes actor_kind; /* "customer" or "guest". */
    struct mr_bytes session_id; /* A customer's; NULL view otherwise. */
    struct mr_bytes role;       /* SHOP_ROLE_...; NULL view: a guest or nobody. */
};

/* False: a problem has been sent. A request with neither token is from nobody, and fine. */
bool api_identify(
    const struct api_auth *auth, struct http_request *request, struct api_caller *ret_caller);

/* As api_identify, but nobody is refused with authentication-required. */
bool api_authenticate(
    const struct api_auth *auth, struct http_request *request, struct api_caller *ret_caller);

/* As api_authenticate, but a guest is nobody. */
bool api_authenticate_user(
    const struct api_auth *auth, struct http_request *request, struct api_caller *ret_caller);

/* As api_authenticate_user, but a user with another role is refused with forbidden. */
bool api_authorize(
    const struct api_auth *auth,
    struct http_request *request,
    const char *role,
    struct api_caller *ret_caller);

/* Whether this program's view has the end of the session; false when it cannot be read. */
bool api_session_is_over(
    const struct api_auth *auth, struct http_request *request, struct mr_bytes session_id);

#endif
