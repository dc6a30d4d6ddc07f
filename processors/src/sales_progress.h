/*
 * sales_progress.h - what an order has heard of its lines and its payment.
 *
 * Kept in a store of its own while the order is under way. Of one that is confirmed or has ended,
 * its state says all.
 */
#ifndef PROCESSORS_SALES_PROGRESS_H
#define PROCESSORS_SALES_PROGRESS_H

#include "sales_order.h"

enum line_fact { LINE_UNKNOWN, LINE_RESERVED, LINE_COMMITTED, LINE_REJECTED, LINE_RELEASED };

/* False when the fact was known or does not matter any more. */
bool progress_line(struct order *order, int32_t line_no, enum line_fact fact);
bool progress_payment(struct order *order, const char *fact);
bool progress_payment_is(const struct order *order, const char *fact);
struct shop_order_progress
progress_new(struct mr_arena *arena, struct mr_bytes order_id, size_t lines, uint8_t **ret_facts);

/* Whether a record of the progress's changelog can be read; a topo_check_fn, `user` is the service.
 */
int progress_check(
    void *user, const struct topo_record *record, struct mr_arena *arena, struct mr_error *error);

int progress_get(struct order *order, struct mr_error *error);
void progress_put(const struct order *order);

#endif
