/*
 * identity.h - who may use an e-mail address, and who the users are.
 *
 * Two aggregates in two sub-topologies, for they have different keys. Stores and whose fold:
 *     claim  email_key -> ClaimState   identity.claim.events
 *     user   user_id   -> UserState    identity.user.events
 *
 * Uniqueness is the decision of one writer: two registrations of an address meet on its partition.
 * Accepting writes EmailClaimed and CreateUser in one transaction, so nothing is claimed by nobody.
 */
#ifndef PROCESSORS_IDENTITY_H
#define PROCESSORS_IDENTITY_H

#include "work.h"

struct topo_aggregate claim_aggregate(const struct shop_service *service);
struct topo_aggregate user_aggregate(const struct shop_service *service);

#endif
