/*
 * sessions.h - the fold of a user's sessions: the same for the rules that decide on them and for
 * the views that show them.
 */
#ifndef PROCESSORS_SESSIONS_H
#define PROCESSORS_SESSIONS_H

#include "state.h"

#include <processors/limits.h>

/* The sessions of a user that are not over; an empty list for an unknown user. */
int sessions_get(
    struct topo_context *context,
    const char *store,
    struct mr_bytes user_id,
    const struct shop_sessions_state **ret_sessions,
    struct mr_error *error);

/* NULL: not there. */
const struct shop_session_state *
sessions_find(const struct shop_sessions_state *sessions, struct mr_bytes session_id);

/* Folds SessionStarted, SessionRotated, SessionReuseDetected and SessionRevoked into `store`;
 * others are passed over. */
int sessions_fold(
    struct topo_context *context,
    const char *store,
    const struct codec_message *event,
    struct mr_error *error);

#endif
