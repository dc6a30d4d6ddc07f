/*
 * work.h - what every aggregate of the shop shares: one decision at work, from message to outcome.
 *
 * A decide function starts a `struct work`, reads state with state_get, emits events with
 * work_emit (which the engine folds at once), sends messages to other aggregates with work_send,
 * and says how a command ended with a `struct decision`.
 *
 * Memory   Everything lives in the record's arena; state is copied there before it is decoded, so
 *          that it stays what it was when an event is folded.
 */
#ifndef PROCESSORS_WORK_H
#define PROCESSORS_WORK_H

#include "money.h"
#include "state.h"

#include <processors/ids.h>
#include <processors/shop.h>
#include <schemas/reason.h>
#include <topology/aggregate.h>

struct work {
    struct topo_context *context;
    const struct shop_service *service;
    struct mr_arena *arena;
    int64_t now_ms;
    const char *source;                      /* ce_source, "/shop/sales". */
    const struct shop_command_meta *command; /* NULL: a message between aggregates, or a timer. */
    struct mr_bytes command_id;              /* Empty unless `command`. */
    struct mr_bytes correlation_id;
    struct mr_bytes causation_id;
    struct mr_bytes actor_kind;
    struct mr_bytes actor_id;
    struct mr_bytes reason; /* Why an operator does it; NULL: none is given. */
};

/* The effect of an accepted command. */
enum decision_effect {
    DECISION_CHANGED, /* Or nothing was left to change. */
    DECISION_CREATED,
    DECISION_REQUESTED, /* It goes on from here, by itself. */
};

/* How a command ended. Zeroed is not an answer; start from decision_accept or decision_reject. */
struct decision {
    const struct shop_rejection *rejection; /* NULL: accepted. */
    enum decision_effect effect;
    struct mr_bytes aggregate_id;
    struct mr_bytes subject_id;
    bool has_version; /* Set with `version`: the aggregate's, behind the command. */
    int64_t version;
};

/* -- the steps of an aggregate that are the same for all (topology/aggregate.h) -- */

int work_decode(
    void *user,
    const struct topo_record *record,
    struct mr_arena *arena,
    struct topo_command *ret_command,
    struct mr_error *error);
int work_outcome(
    struct topo_context *context,
    void *user,
    const struct topo_command *command,
    const void *decision,
    const struct topo_position *positions,
    size_t positions_count,
    struct mr_bytes *ret_outcome,
    struct mr_error *error);
/* Puts what the request is answered with, beside the outcome, into a reply's copy of it: from the
 * state as it is then, for a replay too. */
typedef int work_render_fn(
    struct topo_context *context,
    const struct shop_service *service,
    const struct codec_message *command,
    struct shop_command_outcome *outcome,
    struct mr_error *error);
/* Sends the outcome to whoever waits. `sink`: the aggregates of one topology have one each. render
 * NULL: the outcome is all. */
int work_reply(
    const char *sink,
    struct topo_context *context,
    void *user,
    const struct topo_command *command,
    struct mr_bytes outcome,
    bool replayed,
    work_render_fn *render,
    struct mr_error *error);

/* Whether the outcome is of this very request, and not of another one with the same key. */
bool work_outcome_is_of(
    const struct shop_service *service,
    struct topo_context *context,
    const struct topo_command *command,
    struct mr_bytes outcome);

/* -- at work -- */

void work_begin(
    struct work *ret_work,
    struct topo_context *context,
    const struct shop_service *service,
    const char *source,
    const struct codec_message *message);

/* A decision on time: caused by nobody's message. */
void work_begin_timer(
    struct work *ret_work,
    struct topo_context *context,
    const struct shop_service *service,
    const char *source,
    int64_t now_ms,
    struct mr_bytes correlation_id);

/* The meta of the aggregate's next event; it becomes the cause of what is sent after it. */
struct shop_meta
work_meta(struct work *work, const char *aggregate, struct mr_bytes aggregate_id, int64_t version);

/* Every event has this header, and so nothing that somebody else writes into its topic. */
#define WORK_EVENT_HEADER "ce_id"

/* An event: `key` places it, `meta` is the one inside it. */
void work_emit(
    struct work *work,
    const char *sink,
    enum shop_type type,
    struct mr_bytes key,
    const struct shop_meta *meta,
    const void *event);

/* A message to another aggregate, or a record of a compacted topic. value NULL: a tombstone. */
void work_send(
    struct work *work,
    const char *sink,
    enum shop_type type,
    struct mr_bytes key,
    const void *value);

struct shop_saga_meta work_saga(const struct work *work);

/* -- how it ended -- */

void *decision_accept(struct work *work, enum decision_effect effect, struct mr_bytes aggregate_id);

/* `facts` is what comes with the reason (schemas/reason.h); NULL: nothing. It is copied; what it
 * points to is not. */
void *decision_reject(
    struct work *work,
    enum shop_reason reason,
    struct mr_bytes aggregate_id,
    const struct shop_rejection *facts);

/* An operator's reason that the command has in a field of its own. */
void work_take_reason(struct work *work, struct mr_bytes reason);

/* True, and *ret_decision set, when an operator's reason is too long, or is missing where `needed`.
 */
bool decision_lacks_reason(
    struct work *work, bool needed, struct mr_bytes aggregate_id, void **ret_decision);

/* True, and *ret_decision set, when the command expects another version of its aggregate. */
bool decision_stale(
    struct work *work, int64_t version, struct mr_bytes aggregate_id, void **ret_decision);

/* Decodes a record's event for a fold. MR_CORRUPT when it is none: skipping it would make the state
 * another one. */
int event_decode(
    struct topo_context *context,
    const struct shop_service *service,
    const struct topo_record *record,
    struct codec_message *ret_message,
    struct mr_error *error);

/* The meta inside an event. */
const struct shop_meta *event_meta(const struct codec_message *event);

static inline bool text_is(struct mr_bytes text, const char *word)
{
    return mr_bytes_equal(text, mr_cstr(word));
}

#endif
