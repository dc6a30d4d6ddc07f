/*
 * shop_problem.h - what a command's outcome is in HTTP: its status, and its problem when it was
 * rejected. The only place that knows both.
 *
 * Outcomes that were written before rejections had reasons carry a status and a problem of their
 * own; they read as they always did.
 */
#ifndef API_SHOP_PROBLEM_H
#define API_SHOP_PROBLEM_H

#include <http/problem.h>
#include <schemas/reason.h>
#include <schemas/shop.h>

/* 200, 201 or 202 of what was accepted; the problem's status of what was rejected. */
int shop_outcome_status(const struct shop_command_outcome *outcome);

/* For an outcome that was rejected; views live in `arena`. */
struct http_problem
shop_outcome_problem(const struct shop_command_outcome *outcome, struct mr_arena *arena);

/* The slug of a reason: one of http/problem.h's table. */
const char *shop_reason_slug(enum shop_reason reason);

#endif
