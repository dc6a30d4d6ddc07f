/* attention.c - orders that need a person, of the payments under way and the disputed ones. */
#include "query_api.h"

/* A cancelled order needs nobody any more, unless it was closed while its money was still owed. */
static enum view_attention attention_judge(
    struct query_api *api, struct mr_bytes value, struct mr_arena *arena, struct mr_error *error)
{
    const void *found = NULL;
    int64_t since = 0;
    if (codec_decode_bare(&shop_types[SHOP_ATTENTION_VIEW], value, arena, &found, error))
        return VIEW_ATTENTION_NONE;
    const struct shop_attention_view *row = found;
    enum view_attention why = view_attention_of(row, mr_unix_ms(), &since);
    if (why == VIEW_ATTENTION_NONE ||
        query_read_into(api->orders, SHOP_ORDER_VIEW, row->order_id, arena, &found, error))
        return VIEW_ATTENTION_NONE;
    const struct shop_order_view *order = found;
    bool is_over = order && order->cancelled && why != VIEW_ATTENTION_COMPENSATION;
    return is_over ? VIEW_ATTENTION_NONE : why;
}

void query_attention_metrics(struct query_api *api, struct mr_arena *arena, struct mr_buffer *out)
{
    struct topo_read_scan *scan = NULL;
    struct mr_bytes key;
    struct mr_bytes value;
    struct mr_error error;
    int64_t counts[VIEW_ATTENTION_KINDS] = {0};
    int rc = topo_read_scan_open(
        api->attention, &(struct topo_read_options){.reverse = false}, arena, &scan, &error);
    while (rc == 0 && topo_read_scan_next(scan, &key, &value, &error) == 1)
        counts[attention_judge(api, value, arena, &error)]++;
    topo_read_scan_close(scan);
    mr_buffer_printf(out, "# TYPE millrace_orders_attention gauge\n");
    for (int why = 1; why < VIEW_ATTENTION_KINDS; why++)
        mr_buffer_printf(
            out,
            "millrace_orders_attention{why=\"%s\"} %lld\n",
            view_attention_name((enum view_attention)why),
            (long long)counts[why]);
}
