/* staff_history.c - who did what when and why: the events of a product or order as lines. */
#include "staff.h"

#include <base/alloc.h>
#include <http/json.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

void staff_history_add(
    struct staff_history *history,
    const struct codec_message *event,
    const struct shop_meta *meta,
    struct mr_bytes detail)
{
    struct mr_arena *arena = &history->staff->arena;
    history->deeds =
        mr_grow(history->deeds, history->count, &history->capacity, sizeof *history->deeds);
    history->deeds[history->count++] = (struct staff_deed){
        .event = event->type->name,
        .at = meta->occurred_at,
        .version = meta->aggregate_version,
        .actor_kind = mr_arena_copy(arena, meta->actor_kind),
        .actor_id = mr_arena_copy(arena, meta->actor_id),
        .reason = meta->reason.ptr ? mr_arena_copy(arena, meta->reason) : meta->reason,
        .detail = detail,
    };
}

/* A customer's name is the id of the account; an operator's says what it is already. */
static struct mr_bytes history_actor(struct mr_arena *arena, const struct staff_deed *deed)
{
    return mr_bytes_starts_with(deed->actor_id, mr_cstr("operator:"))
               ? deed->actor_id
               : mr_arena_printf(
                     arena, "%.*s %.*s", MR_ARG(deed->actor_kind), MR_ARG(deed->actor_id));
}

void staff_history_print(const struct staff_history *history)
{
    struct mr_arena *arena = &history->staff->arena;
    for (size_t i = 0; i < history->count; i++) {
        const struct staff_deed *deed = &history->deeds[i];
        struct mr_bytes when = staff_time(arena, deed->at);
        struct mr_bytes who = history_actor(arena, deed);
        printf(
            "  %.*s  %3" PRId64 "  %s%s%.*s, by %.*s",
            MR_ARG(when),
            deed->version,
            deed->event,
            deed->detail.len ? " " : "",
            MR_ARG(deed->detail),
            MR_ARG(who));
        if (deed->reason.len)
            printf(": %.*s", MR_ARG(deed->reason));
        putchar('\n');
    }
}

void staff_history_write(const struct staff_history *history, struct json_w *w)
{
    json_w_key(w, "events");
    json_w_array(w);
    for (size_t i = 0; i < history->count; i++) {
        const struct staff_deed *deed = &history->deeds[i];
        json_w_object(w);
        json_w_key_text(w, "event", mr_cstr(deed->event));
        json_w_key_integer(w, "version", deed->version);
        json_w_key_time(w, "at", deed->at);
        json_w_key_text(w, "actor_kind", deed->actor_kind);
        json_w_key_text(w, "actor_id", deed->actor_id);
        json_w_key_text(w, "reason", deed->reason);
        if (deed->detail.len)
            json_w_key_text(w, "detail", deed->detail);
        json_w_object_end(w);
    }
    json_w_array_end(w);
}

void staff_history_clean_up(struct staff_history *history)
{
    free(history->deeds);
}
