/*
 * session.h - what a session's owner is given: an access token, and a refresh token for the next.
 *
 * A refresh token is "USER.SESSION.GENERATION.MAC". It is derived, so a repeated renewal gives the
 * same successor, and neither an event nor a view holds anything that could be sent in its place.
 *
 * In cookie mode a script never sees it: it is in a cookie that is HttpOnly, Secure,
 * SameSite=Strict and bound to /v1/sessions, and only a renewal reads it. A renewal by cookie is
 * taken from our own origin's pages only, as JSON (docs/decisions/refresh-tokens-in-cookies.md).
 *
 * Threads  Any; all is constant or in the request's arena.
 */
#ifndef COMMAND_API_SESSION_H
#define COMMAND_API_SESSION_H

#include "command_api.h"

#define SESSION_COOKIE "millrace_refresh"

/* From the last renewal on. */
#define SESSION_LIFETIME_MS (INT64_C(30) * 24 * 3600 * 1000)

struct session {
    struct mr_bytes user_id;
    struct mr_bytes session_id;
    int32_t generation; /* Its refresh token has the same. */
};

struct mr_bytes session_refresh_token(
    const struct sealing_key *key, const struct session *session, struct mr_arena *arena);

/* False: not a token of ours. */
bool session_of_refresh_token(
    const struct sealing_key *key,
    struct mr_bytes token,
    struct mr_arena *arena,
    struct session *ret_session);

/* Reads the body's member `refresh`: "body" (or absent) or "cookie". False: a problem has been
 * sent; for a cookie also when the request is from another origin's page. */
bool session_read_mode(struct http_request *request, struct mr_bytes refresh, bool *ret_by_cookie);

/* Answers with a new access token and the session's refresh token. */
void session_send(struct call *call, const struct session *session, bool by_cookie, int status);

/* Takes the cookie back. */
void session_drop_cookie(struct http_request *request);

#endif
