/*
 * command_api.h - the command program's parts, and one request as a command: for all its routes.
 *
 * The path of a request: authenticate -> read the body -> call_begin (idempotency, preferences) ->
 * encode the command -> call_send -> (another moment) call_accepted -> render.
 *
 * Threads  struct command_api is constant after start; its parts have rules of their own. A call
 *          belongs to its request, and lives in the request's arena.
 */
#ifndef COMMAND_API_COMMAND_API_H
#define COMMAND_API_COMMAND_API_H

#include "dispatch.h"
#include "hash_pool.h"
#include "login_delay.h"

#include <api/caller.h>
#include <api/contract.h>
#include <base/clock.h>
#include <http/json.h>
#include <http/token.h>
#include <processors/ids.h>
#include <sealing/seal.h>
#include <topology/engine.h>

struct command_api {
    const struct codec_registry *registry;
    struct token_keys *tokens;
    struct sealing_key email_hmac;
    struct sealing_key kek;
    struct sealing_key credential;
    struct sealing_key payment;
    struct sealing_key refresh;
    struct dispatch *dispatch;
    struct hash_pool *pool;
    struct login_delay *delays;
    struct topo_engine *engine; /* Folds outcomes, claims, credentials, ends of sessions. */
    struct topo_reader *outcomes;
    struct topo_reader *claims;
    struct topo_reader *credentials;
    struct topo_reader *users;
    struct topo_reader *subject_keys;
    struct api_auth auth;
    int32_t instance;
};

/* A registration has no user yet: its principal is this and the claim key of the address. */
#define COMMAND_ANONYMOUS "anon:"

/* False (503 sent) while views are restoring: an absent row does not yet mean "not found". */
bool command_views_are_here(struct command_api *api, struct http_request *request);

/* The user's credential as the view has it, and the password hash in it; NULL views: there is none,
 * or it does not open. Negative: the view cannot be read. */
int credential_open(
    struct command_api *api,
    struct mr_bytes user_id,
    struct mr_arena *arena,
    struct mr_bytes *ret_framed,
    struct mr_bytes *ret_phc,
    int64_t *ret_changed_at,
    struct mr_error *error);

/* 422: the member of the body at `pointer` is not a password that is accepted. */
void users_send_weak_password(
    struct http_request *request, const char *pointer, const char *problem);

/* 503: too many passwords wait to be hashed. */
void command_send_overloaded(struct command_api *api, struct http_request *request);

/* One request as one command. */
struct call {
    struct command_api *api;
    struct http_request *request;
    struct mr_bytes principal;
    struct mr_bytes actor_kind;
    struct mr_bytes route; /* The template of the path; part of the command id. */
    struct shop_id command_id;
    struct mr_bytes fingerprint;
    bool minimal;            /* Prefer: return=minimal. */
    bool must_wait;          /* Its answer cannot be fetched later: no respond-async, no 202. */
    struct mr_bytes applied; /* Preference-Applied so far. */
    int wait_ms;
    int64_t now_ms;
    struct mr_bytes requires_position;
    bool has_expected_version;
    int64_t expected_version;
    bool must_exist; /* If-Match: * */
    void *user;      /* The route's own. */
};

enum call_key { CALL_KEY_REQUIRED, CALL_KEY_OPTIONAL, CALL_KEY_IGNORED };

/* NULL: a problem has been sent. */
struct call *call_begin(
    struct command_api *api,
    struct http_request *request,
    struct mr_bytes principal,
    struct mr_bytes actor_kind,
    enum call_key key);

struct shop_command_meta call_meta(const struct call *call);

/* Encodes and sends: the last act of a handler. `answered` gets the call as its user. */
void call_send(
    struct call *call,
    const char *topic,
    struct mr_bytes key,
    enum shop_type type,
    const void *command,
    dispatch_answer_fn *answered);

/* The outcome, with the headers that follow from it set; NULL when the answer has been sent: 202, a
 * rejection's problem, or 503. */
const struct shop_command_outcome *
call_accepted(struct call *call, const struct dispatch_answer *answer);

/* "/v1/commands/{id}?ticket=...": the ticket is our word that the command is in the log, so that
 * any instance can tell "not decided yet" from "never heard of". */
struct mr_bytes command_url(const struct call *call);

/* Consistency-Token for an outcome's positions. */
void command_set_positions(
    struct command_api *api,
    struct http_request *request,
    const struct shop_command_outcome *outcome);

/* The network of the client, as the gateway names its address. */
struct mr_bytes command_network(struct http_request *request);

/* Refuses a body with a card number in it, and says where. False: sent. */
bool command_has_no_card_numbers(struct http_request *request);

/* Answers with the cart of the outcome; a dispatch_answer_fn. */
void cart_send(struct http_request *request, const struct dispatch_answer *answer, void *user);

/* -- the routes -- */

http_handler_fn users_post;
http_handler_fn sessions_post;
http_handler_fn sessions_refresh_post;
http_handler_fn session_current_delete;
http_handler_fn session_delete;
http_handler_fn sessions_delete;
http_handler_fn profile_get;
http_handler_fn profile_patch;
http_handler_fn password_put;
http_handler_fn cart_items_post;
http_handler_fn cart_item_put;
http_handler_fn cart_item_delete;
http_handler_fn cart_items_delete;
http_handler_fn cart_merge_post;
http_handler_fn guest_carts_post;
http_handler_fn orders_post;
http_handler_fn order_payments_post;
http_handler_fn order_cancellation_post;
http_handler_fn command_get;

extern const struct http_route command_routes[];
extern const size_t command_routes_count;

#endif
