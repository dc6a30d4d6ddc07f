/* sessions.c - GET /v1/sessions: where a user is logged in. */
#include "query_api.h"

#include <api/caller.h>

static const char *const topics[] = {TOPIC_IDENTITY_SESSION_EVENTS, NULL};

static void
write_session(struct json_w *w, const struct shop_session_state *session, struct mr_bytes current)
{
    json_w_object(w);
    json_w_key_text(w, "session_id", session->session_id);
    json_w_key_time(w, "started_at", session->started_at);
    json_w_key_time(w, "renewed_at", session->renewed_at);
    json_w_key_time(w, "expires_at", session->expires_at);
    json_w_key_bool(w, "current", mr_bytes_equal(session->session_id, current));
    json_w_object_end(w);
}

static void write_sessions(
    struct json_w *w, const struct shop_sessions_state *sessions, struct mr_bytes current)
{
    int64_t now_ms = mr_unix_ms();
    json_w_object(w);
    json_w_key(w, "items");
    json_w_array(w);
    for (size_t i = sessions ? sessions->sessions_count : 0; i > 0; i--)
        if (sessions->sessions[i - 1].expires_at > now_ms)
            write_session(w, &sessions->sessions[i - 1], current);
    json_w_array_end(w);
    json_w_object_end(w);
}

static void serve_sessions(struct http_request *request, void *user)
{
    struct query_api *api = user;
    struct api_caller caller;
    const void *sessions = NULL;
    if (!api_authenticate_user(&api->auth, request, &caller))
        return;
    query_set_positions(api, request, topics, caller.owner, NULL);
    http_set_header(request, "Cache-Control", mr_cstr("private, no-store"));
    http_set_header(request, "Vary", mr_cstr("Authorization"));
    if (!query_read_state(request, api->sessions, SHOP_SESSIONS_STATE, caller.owner, &sessions))
        return;
    struct json_w w = json_w_to(http_response(request));
    write_sessions(&w, sessions, caller.session_id);
    http_send(request, 200, NULL);
}

void query_get_sessions(struct http_request *request, void *user)
{
    static const struct query_read read = {.topics = topics, .serve = serve_sessions};
    static const char *const none[] = {NULL};
    struct query_api *api = user;
    struct api_caller caller;
    if (http_query_only(request, none) && api_authenticate_user(&api->auth, request, &caller))
        query_serve(api, request, &read);
}
