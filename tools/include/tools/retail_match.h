/*
 * retail_match.h - how an invoice of a file goes together with the orders that a shop has of the
 * same number. Pure: orders go in line by line, the answer comes out.
 *
 *     the same lines                        known: nothing is left
 *     more lines, or more units of one      grown since: what is new is left
 *     other products only                   split over two files: all of it is left
 *     some of the orders' lines only        grown before: nothing is left
 *     fewer units of a product              contradicts
 *     lines that the orders lack, and       contradicts
 *     others that it lacks itself
 *     another customer                      contradicts
 *
 * Of two that contradict each other one is wrong, and nobody can tell which; an order that was paid
 * cannot be rewritten. So the file is refused: a corrected invoice needs a number of its own.
 *
 * Threads  Any.
 */
#ifndef TOOLS_RETAIL_MATCH_H
#define TOOLS_RETAIL_MATCH_H

#include <tools/retail.h>

struct retail_match {
    bool shares;         /* They have a product in common. */
    bool lacks;          /* The orders have a product that the invoice has not. */
    bool other_customer; /* Set by the caller, as `lacks` for a product that is not in the file. */
    bool is_smaller;     /* The invoice has fewer units of a product than were ordered: */
    uint32_t smaller_product;
};

/* Takes a line of an order out of `left`, the units of each line of the retail. */
void retail_match_line(
    struct retail_match *match,
    const struct retail *retail,
    const struct retail_basket *basket,
    struct retail_line ordered,
    int32_t *left);

bool retail_match_has_left(const struct retail_basket *basket, const int32_t *left);

/* NULL: they go together. Else what the shop's invoice has, to stand behind "the shop has an
 * invoice 1 ": "of another customer", "with more units of ", "with other lines". */
const char *retail_match_conflict(
    const struct retail_match *match, const struct retail_basket *basket, const int32_t *left);

#endif
