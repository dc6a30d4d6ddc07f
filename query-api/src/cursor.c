/*
 * cursor.c - where a page ended: base64url(version | filter hash | last key | MAC).
 *
 * The hash binds a cursor to the listing it came from. The last key is sought, not looked up, so a
 * row that is gone since does no harm.
 */
#include "query_api.h"

#include <assert.h>

enum { FILTER_BYTES = 8 };

uint64_t query_filter_add(uint64_t filter, struct mr_bytes part)
{
    for (size_t i = 0; i < part.len; i++)
        filter = (filter ^ (unsigned char)part.ptr[i]) * UINT64_C(1099511628211);
    /* The end of a part counts too: "ab","c" is not "a","bc". */
    return (filter ^ 0xFF) * UINT64_C(1099511628211) + (part.ptr ? 1 : 0);
}

struct mr_bytes query_cursor_write(
    struct query_api *api, struct http_request *request, uint64_t filter, struct mr_bytes last_key)
{
    assert(api && request && last_key.ptr);
    struct mr_arena *arena = http_arena(request);
    struct mr_buffer token = {0};
    char *payload = mr_arena_alloc(arena, FILTER_BYTES + last_key.len);
    mr_put_be64(payload, filter);
    memcpy(payload + FILTER_BYTES, last_key.ptr, last_key.len);
    token_wrap(api->keys, "cursor", mr_bytes_of(payload, FILTER_BYTES + last_key.len), &token);
    struct mr_bytes copy = mr_arena_copy(arena, mr_buffer_view(&token));
    mr_buffer_clean_up(&token);
    return copy;
}

bool query_cursor_read(
    struct query_api *api,
    struct http_request *request,
    uint64_t filter,
    struct mr_bytes *ret_last_key)
{
    assert(api && request && ret_last_key);
    struct mr_bytes cursor = http_query(request, "cursor");
    struct mr_bytes payload = {0};
    *ret_last_key = mr_bytes_of(NULL, 0);
    if (!cursor.ptr)
        return true;
    if (token_unwrap(api->keys, "cursor", cursor, http_arena(request), &payload) != 0 ||
        payload.len < FILTER_BYTES || mr_get_be64(payload.ptr) != filter) {
        http_send_problem(
            request,
            "cursor-mismatch",
            "Use a cursor only with the parameters of the page that gave it.");
        return false;
    }
    *ret_last_key = mr_bytes_of(payload.ptr + FILTER_BYTES, payload.len - FILTER_BYTES);
    return true;
}
