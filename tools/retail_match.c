/* retail_match.c - subtracts orders from an invoice, product by product. */
#include <tools/retail_match.h>

#include <assert.h>

void retail_match_line(
    struct retail_match *match,
    const struct retail *retail,
    const struct retail_basket *basket,
    struct retail_line ordered,
    int32_t *left)
{
    int32_t quantity = ordered.quantity;
    bool found = false;
    assert(quantity > 0);
    for (size_t i = 0; i < basket->lines_count; i++) {
        size_t line = basket->lines_first + i;
        if (retail->lines[line].product != ordered.product)
            continue;
        int32_t taken = left[line] < quantity ? left[line] : quantity;
        left[line] -= taken;
        quantity -= taken;
        found = true;
    }
    match->shares |= found;
    match->lacks |= !found;
    if (found && quantity > 0) {
        match->is_smaller = true;
        match->smaller_product = ordered.product;
    }
}

bool retail_match_has_left(const struct retail_basket *basket, const int32_t *left)
{
    for (size_t i = 0; i < basket->lines_count; i++)
        if (left[basket->lines_first + i] > 0)
            return true;
    return false;
}

const char *retail_match_conflict(
    const struct retail_match *match, const struct retail_basket *basket, const int32_t *left)
{
    if (match->other_customer)
        return "of another customer";
    if (match->is_smaller)
        return "with more units of ";
    if (match->shares && match->lacks && retail_match_has_left(basket, left))
        return "with other lines";
    return NULL;
}
