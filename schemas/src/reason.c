/* reason.c - the names of reasons, by a table. */
#include <schemas/reason.h>

#include <assert.h>

#define REASON_NAME(enumerator, name) [enumerator] = (name),
static const char *const reason_names[SHOP_REASON_COUNT] = {
    [SHOP_REASON_NONE] = "", SHOP_REASONS(REASON_NAME)};
#undef REASON_NAME

enum shop_reason shop_reason_of(struct mr_bytes name)
{
    for (int i = SHOP_REASON_NONE + 1; i < SHOP_REASON_COUNT; i++)
        if (mr_bytes_equal(name, mr_cstr(reason_names[i])))
            return (enum shop_reason)i;
    return SHOP_REASON_NONE;
}

const char *shop_reason_name(enum shop_reason reason)
{
    assert(reason >= SHOP_REASON_NONE && reason < SHOP_REASON_COUNT);
    return reason_names[reason];
}
