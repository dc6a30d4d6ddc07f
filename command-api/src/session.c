/* session.c - access tokens and refresh tokens, made and read. */
#include "session.h"

#include <sealing/random.h>

#include <assert.h>
#include <stdio.h>

#define COOKIE_ATTRIBUTES "; Path=/v1/sessions; HttpOnly; Secure; SameSite=Strict; Max-Age="

enum { REFRESH_TOKEN_BYTES_MAX = 256, GENERATION_DIGITS_MAX = 9 };

static struct mr_bytes
session_mac(const struct sealing_key *key, const struct session *session, struct mr_arena *arena)
{
    struct mr_bytes parts[] = {
        mr_cstr("refresh"),
        session->user_id,
        session->session_id,
        mr_arena_printf(arena, "%d", (int)session->generation)};
    return sealing_keyed_digest(key, parts, sizeof parts / sizeof parts[0], arena);
}

struct mr_bytes session_refresh_token(
    const struct sealing_key *key, const struct session *session, struct mr_arena *arena)
{
    assert(key && session && session->generation >= 0 && arena);
    struct mr_bytes mac = session_mac(key, session, arena);
    return mr_arena_printf(
        arena,
        "%.*s.%.*s.%d.%.*s",
        MR_ARG(session->user_id),
        MR_ARG(session->session_id),
        (int)session->generation,
        MR_ARG(mac));
}

/* The part up to the next dot, which is taken off; a NULL view when there is no dot. */
static struct mr_bytes session_next_part(struct mr_bytes *text)
{
    const char *dot = text->len ? memchr(text->ptr, '.', text->len) : NULL;
    if (!dot)
        return (struct mr_bytes){0};
    struct mr_bytes part = mr_bytes_of(text->ptr, (size_t)(dot - text->ptr));
    *text = mr_bytes_of(dot + 1, text->len - part.len - 1);
    return part;
}

/* The one way to write it: no sign, no zero in front. */
static bool session_read_generation(struct mr_bytes digits, int32_t *ret_generation)
{
    int32_t generation = 0;
    if (digits.len == 0 || digits.len > GENERATION_DIGITS_MAX ||
        (digits.ptr[0] == '0' && digits.len > 1))
        return false;
    for (size_t i = 0; i < digits.len; i++) {
        if (digits.ptr[i] < '0' || digits.ptr[i] > '9')
            return false;
        generation = generation * 10 + (digits.ptr[i] - '0');
    }
    *ret_generation = generation;
    return true;
}

bool session_of_refresh_token(
    const struct sealing_key *key,
    struct mr_bytes token,
    struct mr_arena *arena,
    struct session *ret_session)
{
    assert(key && arena && ret_session);
    struct session session = {0};
    struct mr_bytes rest = token;
    if (token.len > REFRESH_TOKEN_BYTES_MAX)
        return false;
    session.user_id = session_next_part(&rest);
    session.session_id = session_next_part(&rest);
    if (!session_read_generation(session_next_part(&rest), &session.generation) ||
        !shop_id_is_valid(session.user_id) || !shop_id_is_valid(session.session_id) ||
        !sealing_equal(rest, session_mac(key, &session, arena)))
        return false;
    *ret_session = session;
    return true;
}

bool session_read_mode(struct http_request *request, struct mr_bytes refresh, bool *ret_by_cookie)
{
    *ret_by_cookie = mr_bytes_equal(refresh, mr_cstr("cookie"));
    if (refresh.ptr && !*ret_by_cookie && !mr_bytes_equal(refresh, mr_cstr("body"))) {
        http_send_invalid(request, "/refresh", "format", "want \"body\" or \"cookie\"");
        return false;
    }
    if (!*ret_by_cookie || http_is_same_origin(request))
        return true;
    http_send_problem(
        request, "forbidden", "Only pages of this origin may keep a session in a cookie.");
    return false;
}

static void session_set_cookie(struct http_request *request, struct mr_bytes token)
{
    http_set_header_f(
        request,
        "Set-Cookie",
        SESSION_COOKIE "=%.*s" COOKIE_ATTRIBUTES "%lld",
        MR_ARG(token),
        (long long)(SESSION_LIFETIME_MS / 1000));
}

void session_drop_cookie(struct http_request *request)
{
    http_set_header(request, "Set-Cookie", mr_cstr(SESSION_COOKIE "=" COOKIE_ATTRIBUTES "0"));
}

/* As this program's view has it: a role that has just changed ends the session anyway. */
static struct mr_bytes
session_role(const struct command_api *api, struct mr_bytes user_id, struct mr_arena *arena)
{
    struct mr_bytes row = {0};
    const void *found = NULL;
    if (topo_read_get(api->users, user_id, arena, &row, NULL) == 0 && row.ptr)
        (void)codec_decode_bare(&shop_types[SHOP_USER_VIEW], row, arena, &found, NULL);
    const struct shop_user_view *view = found;
    return view && view->role.ptr ? view->role : mr_cstr(SHOP_ROLE_CUSTOMER);
}

static void session_write_access(
    struct json_w *w, const struct command_api *api, const struct session *session, int64_t now_ms)
{
    struct mr_arena arena;
    struct mr_buffer token = {0};
    mr_arena_init(&arena);
    struct token_claims claims = {
        .subject = session->user_id,
        .session_id = session->session_id,
        .token_id = sealing_new_id(&arena, "tok_", now_ms),
        .scope = session_role(api, session->user_id, &arena),
        .issued_at_s = now_ms / 1000,
        .expires_at_s = now_ms / 1000 + TOKEN_LIFETIME_S,
    };
    token_sign(api->tokens, &claims, &token);
    json_w_key_text(w, "access_token", mr_buffer_view(&token));
    json_w_key_text(w, "token_type", mr_cstr("Bearer"));
    json_w_key_integer(w, "expires_in", TOKEN_LIFETIME_S);
    mr_buffer_clean_up(&token);
    mr_arena_clean_up(&arena);
}

void session_send(struct call *call, const struct session *session, bool by_cookie, int status)
{
    assert(call && session);
    struct http_request *request = call->request;
    struct mr_bytes refresh =
        session_refresh_token(&call->api->refresh, session, http_arena(request));
    struct json_w w = json_w_to(http_response(request));
    json_w_object(&w);
    session_write_access(&w, call->api, session, mr_unix_ms());
    if (by_cookie)
        session_set_cookie(request, refresh);
    else
        json_w_key_text(&w, "refresh_token", refresh);
    json_w_key_text(&w, "session_id", session->session_id);
    json_w_key_text(&w, "user_id", session->user_id);
    json_w_object_end(&w);
    http_set_header(request, "Cache-Control", mr_cstr("private, no-store"));
    http_send(request, status, NULL);
}
