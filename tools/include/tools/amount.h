/* amount.h - amounts of money as people write them: "12.50" is 1250 of the smallest unit. */
#ifndef TOOLS_AMOUNT_H
#define TOOLS_AMOUNT_H

#include <base/arena.h>

/* `exponent` is the number of digits behind the point, 0 to 3. False: not a plain number of 1 to
 * `max` smallest units, or with more digits than the currency has. */
bool amount_read(struct mr_bytes text, int exponent, int64_t max, int64_t *ret_minor);

/* "12.50"; "-0.05" below 0. */
struct mr_bytes amount_write(struct mr_arena *arena, int64_t minor, int exponent);

#endif
