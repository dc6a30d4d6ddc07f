/*
 * cursor.c - where a page ended: base64url(version | filter hash | way | key | MAC).
 *
 * The hash binds a cursor to the listing it came from. The key is sought, not looked up, so a
 * row that is gone since does no harm.
 */
#include "query_api.h"

#include <assert.h>

enum { FILTER_BYTES = 8, HEAD_BYTES = FILTER_BYTES + 1, FORWARDS = 'f', BACKWARDS = 'b' };

/* Names the layout: a cursor of another one is not ours. */
static const char purpose[] = "cursor-2";

uint64_t query_filter_add(uint64_t filter, struct mr_bytes part)
{
    for (size_t i = 0; i < part.len; i++)
        filter = (filter ^ (unsigned char)part.ptr[i]) * UINT64_C(1099511628211);
    /* The end of a part counts too: "ab","c" is not "a","bc". */
    return (filter ^ 0xFF) * UINT64_C(1099511628211) + (part.ptr ? 1 : 0);
}

struct mr_bytes query_cursor_write(
    struct query_api *api,
    struct http_request *request,
    uint64_t filter,
    const struct query_cursor *cursor)
{
    assert(api && request && cursor && cursor->key.ptr);
    struct mr_arena *arena = http_arena(request);
    struct mr_buffer token = {0};
    char *payload = mr_arena_alloc(arena, HEAD_BYTES + cursor->key.len);
    mr_put_be64(payload, filter);
    payload[FILTER_BYTES] = cursor->backwards ? BACKWARDS : FORWARDS;
    memcpy(payload + HEAD_BYTES, cursor->key.ptr, cursor->key.len);
    token_wrap(api->keys, purpose, mr_bytes_of(payload, HEAD_BYTES + cursor->key.len), &token);
    struct mr_bytes copy = mr_arena_copy(arena, mr_buffer_view(&token));
    mr_buffer_clean_up(&token);
    return copy;
}

bool query_cursor_read(
    struct query_api *api,
    struct http_request *request,
    uint64_t filter,
    struct query_cursor *ret_cursor)
{
    assert(api && request && ret_cursor);
    struct mr_bytes text = http_query(request, "cursor");
    struct mr_bytes payload = {0};
    *ret_cursor = (struct query_cursor){0};
    if (!text.ptr)
        return true;
    if (token_unwrap(api->keys, purpose, text, http_arena(request), &payload) != 0 ||
        payload.len < HEAD_BYTES || mr_get_be64(payload.ptr) != filter) {
        http_send_problem(
            request,
            "cursor-mismatch",
            "Use a cursor only with the parameters of the page that gave it.");
        return false;
    }
    ret_cursor->backwards = payload.ptr[FILTER_BYTES] == BACKWARDS;
    ret_cursor->key = mr_bytes_of(payload.ptr + HEAD_BYTES, payload.len - HEAD_BYTES);
    return true;
}
