/*
 * identity.h - who may use an e-mail address, and who the users are.
 *
 * Two aggregates in two sub-topologies, for they have different keys. Stores and whose fold:
 *     claim     email_key -> ClaimState      identity.claim.events
 *     user      user_id   -> UserState       identity.user.events
 *     sessions  user_id   -> SessionsState   identity.session.events
 *
 * Uniqueness is the decision of one writer: two registrations of an address meet on its partition.
 * Accepting writes EmailClaimed and CreateUser in one transaction, so nothing is claimed by nobody.
 */
#ifndef PROCESSORS_IDENTITY_H
#define PROCESSORS_IDENTITY_H

#include "work.h"

struct topo_aggregate claim_aggregate(const struct shop_service *service);
struct topo_aggregate user_aggregate(const struct shop_service *service);

/* -- identity_session.c -- */

/* Whether the message is to the sessions of a user, and of which. */
bool session_takes(const struct codec_message *message, struct mr_bytes *ret_user_id);

/* The user must exist. */
int session_decide(
    struct work *work,
    const struct codec_message *message,
    struct mr_bytes user_id,
    void **ret_decision,
    struct mr_error *error);

/* Ends all of the user's but `kept`; NULL view: all. */
void session_revoke_others(
    struct work *work,
    struct mr_bytes user_id,
    const struct shop_sessions_state *sessions,
    struct mr_bytes kept,
    const char *cause);

#endif
