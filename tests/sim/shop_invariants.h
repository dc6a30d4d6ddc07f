/*
 * shop_invariants.h - what must never happen in a shop, checked by name against all that was
 * committed, what the services believe, and what people sent. Each order has come to its end, and
 * nothing is under way.
 *
 * `when` heads a failure's text: the seed or the case that repeats it.
 */
#ifndef TESTS_SHOP_INVARIANTS_H
#define TESTS_SHOP_INVARIANTS_H

#include "shop_crowd.h"

/* No oversell, no unit lost, money conserved, one confirmation, one user, no lost command, no
 * double effect, no stale lie, no dead letter. */
void shop_invariants_check(struct shop_crowd *books, const char *when);

/* View = fold(events): the same bytes whatever the order of the topics among each other, and after
 * a rebuild. */
void shop_invariants_check_views(struct shop_crowd *books, const char *when);

/* State = fold(events): two dumps (shop_dump), the second one from empty stores and the logs. */
void shop_invariants_check_state(struct mr_bytes before, struct mr_bytes after, const char *when);

#endif
