/* cmd_attention.c - `millrace order attention`: the orders that need a person, from the log. */
#include "staff.h"

#include <base/alloc.h>
#include <base/clock.h>
#include <http/json.h>
#include <processors/shop.h>
#include <processors/views.h>
#include <tools/name_index.h>

#include <stdio.h>
#include <stdlib.h>

struct attention {
    struct staff *staff;
    struct name_index payments;
    struct attention_row {
        struct shop_attention_view view;
        bool open;
    } * rows; /* By the number of the payment. */
    size_t capacity;
};

/* The texts of a row that stays are copied: the event is gone after the call. */
static void attention_take_event(
    void *user,
    const struct codec_message *event,
    const struct shop_meta *meta,
    struct mr_bytes key)
{
    static const char *const ops[] = {SHOP_OP_CAPTURE, SHOP_OP_VOID, SHOP_OP_REFUND};
    struct attention *attention = user;
    struct mr_arena *arena = &attention->staff->arena;
    size_t known = attention->payments.count;
    uint32_t at = name_index_put(&attention->payments, meta->aggregate_id);
    (void)key;
    attention->rows = mr_grow(attention->rows, at, &attention->capacity, sizeof *attention->rows);
    struct attention_row *row = &attention->rows[at];
    if (at == known)
        *row = (struct attention_row){.open = false};
    bool was_open = row->open;
    row->open = view_attention_fold(&row->view, event);
    if (!row->open) {
        row->view = (struct shop_attention_view){.op_tries = 0};
    } else if (!was_open) {
        row->view.order_id = mr_arena_copy(arena, row->view.order_id);
        row->view.owner_id = mr_arena_copy(arena, row->view.owner_id);
    }
    for (size_t i = 0; row->view.op.ptr && i < sizeof ops / sizeof ops[0]; i++)
        if (mr_bytes_equal(row->view.op, mr_cstr(ops[i])))
            row->view.op = mr_cstr(ops[i]);
}

static int attention_read(struct attention *attention, struct mr_error *error)
{
    struct staff *staff = attention->staff;
    struct mr_bytes all = {0};
    int32_t partitions = staff_partitions(staff, TOPIC_PAYMENTS_EVENTS, error);
    int rc = partitions < 0 ? partitions : 0;
    for (int32_t i = 0; rc == 0 && i < partitions; i++)
        rc = staff_read(
            staff, TOPIC_PAYMENTS_EVENTS, i, all, false, attention_take_event, attention, error);
    return rc;
}

static void attention_take_order(
    void *user,
    const struct codec_message *event,
    const struct shop_meta *meta,
    struct mr_bytes key)
{
    (void)meta;
    (void)key;
    *(bool *)user |= event->id == SHOP_ORDER_CANCELLED;
}

/* A cancelled order needs nobody any more: its payment goes on by itself. */
static int attention_ask_order(
    struct staff *staff, struct mr_bytes order_id, bool *ret_cancelled, struct mr_error *error)
{
    int32_t partitions = staff_partitions(staff, TOPIC_SALES_ORDER_EVENTS, error);
    if (partitions < 0)
        return partitions;
    int32_t partition = shop_order_partition(order_id, partitions);
    *ret_cancelled = false;
    return partition < 0 ? 0
                         : staff_read(
                               staff,
                               TOPIC_SALES_ORDER_EVENTS,
                               partition,
                               order_id,
                               false,
                               attention_take_order,
                               ret_cancelled,
                               error);
}

static void attention_print(
    struct staff *staff,
    const struct shop_attention_view *row,
    enum view_attention why,
    int64_t since,
    struct json_w *w)
{
    struct mr_bytes when = staff_time(&staff->arena, since);
    if (!staff->json) {
        printf(
            "%.*s  %s since %.*s", MR_ARG(row->order_id), view_attention_name(why), MR_ARG(when));
        printf(row->op_tries ? ", asked %d times\n" : "\n", (int)row->op_tries);
        return;
    }
    json_w_object(w);
    json_w_key_text(w, "order_id", row->order_id);
    json_w_key_text(w, "owner_id", row->owner_id);
    json_w_key_text(w, "why", mr_cstr(view_attention_name(why)));
    json_w_key_time(w, "since", since);
    json_w_key_integer(w, "tries", row->op_tries);
    json_w_object_end(w);
}

/* The rows that need a person; the list is short, so that each order is looked up by itself. */
static int attention_list(struct attention *attention, struct json_w *w, struct mr_error *error)
{
    int rc = 0;
    size_t listed = 0;
    for (size_t i = 0; rc == 0 && i < attention->payments.count; i++) {
        const struct attention_row *row = &attention->rows[i];
        bool cancelled = false;
        int64_t since = 0;
        enum view_attention why = view_attention_of(&row->view, mr_unix_ms(), &since);
        if (!row->open || why == VIEW_ATTENTION_NONE)
            continue;
        if (why != VIEW_ATTENTION_COMPENSATION) /* Closed by hand, perhaps: money is still owed. */
            rc = attention_ask_order(attention->staff, row->view.order_id, &cancelled, error);
        if (rc == 0 && !cancelled)
            attention_print(attention->staff, &row->view, why, since, w);
        listed += !cancelled;
    }
    if (rc == 0 && listed == 0 && !attention->staff->json)
        printf("no order needs a person\n");
    return rc;
}

static int order_list_attention(struct staff *staff, struct mr_error *error)
{
    struct attention attention = {.staff = staff};
    struct mr_buffer out = {0};
    struct json_w w = json_w_to(&out);
    name_index_init(&attention.payments);
    json_w_array(&w);
    int rc = attention_read(&attention, error);
    rc = rc ? rc : attention_list(&attention, &w, error);
    json_w_array_end(&w);
    if (rc == 0 && staff->json)
        printf("%.*s\n", MR_ARG(mr_buffer_view(&out)));
    mr_buffer_clean_up(&out);
    name_index_clean_up(&attention.payments);
    free(attention.rows);
    return rc;
}

static const struct mr_option list_options[] = {STAFF_OPTIONS};

const struct tool_command tool_order_attention = {
    .words = "order attention",
    .operands = "",
    .purpose = "list the orders that need a person, why, and since when",
    .notes =
        "capture-unknown: the provider has not answered for two minutes whether it has the money;\n"
        "compensation-failing: a void or refund was asked for more than 5 times; disputed: the\n"
        "payer's bank took the money back. It reads all of payments.events.\n",
    .options = list_options,
    .options_count = sizeof list_options / sizeof list_options[0],
    .run_staff = order_list_attention,
};
