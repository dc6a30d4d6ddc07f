/*
 * sales_progress.c - what an order has heard of its lines and its payment: monotone facts.
 *
 * A fact only moves forward, so duplicates and late messages change nothing:
 *
 *     line     unknown < reserved < committed; rejected and released are final, released wins
 *     payment  none < authorized < captured; declined only from none; returned wins
 *
 * These facts are not events; the store has a changelog of its own, and holds the orders under way.
 */
#include "sales_progress.h"

#include <assert.h>

static int progress_rank(const char *fact)
{
    static const char *const facts[] = {"none", "authorized", "captured", "declined", "returned"};
    for (int i = 0; i < 5; i++)
        if (strcmp(fact, facts[i]) == 0)
            return i;
    return -1;
}

struct shop_order_progress
progress_new(struct mr_arena *arena, struct mr_bytes order_id, size_t lines, uint8_t **ret_facts)
{
    *ret_facts = mr_arena_zalloc(arena, lines + 1);
    return (struct shop_order_progress){
        .order_id = order_id,
        .line_facts = mr_bytes_of(*ret_facts, lines),
        .payment_fact = mr_cstr("none"),
    };
}

static bool progress_is_over(const struct order *order)
{
    return order->state.ended || (order->state.confirmed && order->state.goal == ORDER_FULFIL);
}

/* All lines committed and the money captured; what an ended order knew matters to nobody. */
static void progress_of_confirmed(struct order *order)
{
    size_t lines = (size_t)order->state.lines;
    order->progress = progress_new(order->work->arena, order->id, lines, &order->facts);
    order->progress.committed = order->state.lines;
    order->progress.payment_fact = mr_cstr(SHOP_RESULT_CAPTURED);
    memset(order->facts, LINE_COMMITTED, lines);
}

int progress_get(struct order *order, struct mr_error *error)
{
    struct work *work = order->work;
    struct codec_message message;
    struct mr_bytes stored =
        topo_store_get(topo_context_store(work->context, "order-progress"), order->id);
    if (!stored.ptr && progress_is_over(order)) {
        progress_of_confirmed(order);
        return 0;
    }
    if (!stored.ptr ||
        codec_decode(
            work->service->registry,
            mr_arena_copy(work->arena, stored),
            work->arena,
            &message,
            error) ||
        message.id != SHOP_ORDER_PROGRESS)
        return mr_fail(error, MR_CORRUPT, "order %.*s has no progress", MR_ARG(order->id));
    order->progress = *(const struct shop_order_progress *)message.value;
    struct mr_bytes facts = mr_arena_copy(work->arena, order->progress.line_facts);
    order->facts = (uint8_t *)(uintptr_t)facts.ptr;
    order->progress.line_facts = facts;
    return 0;
}

int progress_check(
    void *user, const struct topo_record *record, struct mr_arena *arena, struct mr_error *error)
{
    const struct shop_service *service = user;
    struct codec_message message;
    int rc = codec_decode(service->registry, record->value, arena, &message, error);
    if (!rc && message.id != SHOP_ORDER_PROGRESS)
        rc = mr_fail(error, MR_MALFORMED, "%s is not the progress of an order", message.type->name);
    return rc;
}

void progress_put(const struct order *order)
{
    assert(order->facts && order->progress.line_facts.len == (size_t)order->state.lines);
    struct topo_store *store = topo_context_store(order->work->context, "order-progress");
    struct mr_buffer buffer;
    if (progress_is_over(order)) {
        topo_store_delete(store, order->id);
        return;
    }
    mr_buffer_init(&buffer);
    codec_encode(
        order->work->service->registry, SHOP_ORDER_PROGRESS, NULL, &order->progress, &buffer);
    topo_store_put(store, order->id, mr_buffer_view(&buffer));
    mr_buffer_clean_up(&buffer);
}

bool progress_payment_is(const struct order *order, const char *fact)
{
    return text_is(order->progress.payment_fact, fact);
}

bool progress_payment(struct order *order, const char *fact)
{
    char known[16] = "";
    struct mr_bytes now = order->progress.payment_fact;
    if (now.len < sizeof known)
        memcpy(known, now.ptr, now.len);
    int from = progress_rank(known), to = progress_rank(fact);
    assert(from >= 0 && to >= 0);
    bool declined = strcmp(known, SHOP_RESULT_DECLINED) == 0;
    if (to <= from || (declined && strcmp(fact, SHOP_RESULT_RETURNED) != 0))
        return false;
    if (strcmp(fact, SHOP_RESULT_DECLINED) == 0 && from != 0)
        return false;
    order->progress.payment_fact = mr_cstr(fact);
    return true;
}

static int32_t *progress_counter(struct shop_order_progress *progress, enum line_fact fact)
{
    switch (fact) {
    case LINE_RESERVED:
        return &progress->reserved;
    case LINE_COMMITTED:
        return &progress->committed;
    case LINE_REJECTED:
        return &progress->rejected;
    case LINE_RELEASED:
        return &progress->released;
    case LINE_UNKNOWN:
    default:
        return NULL;
    }
}

bool progress_line(struct order *order, int32_t line_no, enum line_fact fact)
{
    if (line_no < 1 || line_no > order->state.lines)
        return false;
    enum line_fact known = order->facts[line_no - 1];
    if (fact <= known)
        return false;
    int32_t *left = progress_counter(&order->progress, known);
    int32_t *entered = progress_counter(&order->progress, fact);
    assert(entered);
    if (left)
        --*left;
    ++*entered;
    order->facts[line_no - 1] = (uint8_t)fact;
    return true;
}
