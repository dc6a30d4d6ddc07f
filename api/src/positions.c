/* positions.c - Consistency-Token and the time to wait, of a request and of an answer. */
#include <api/positions.h>

#include <base/buffer.h>
#include <http/problem.h>

#include <assert.h>

int api_wait_ms(struct http_request *request)
{
    return http_prefer_wait_ms(request, API_WAIT_MS_DEFAULT, API_WAIT_MS_MAX);
}

bool api_read_positions(
    const struct token_keys *keys,
    struct http_request *request,
    struct topo_position **ret_positions,
    size_t *ret_count)
{
    assert(keys && request && ret_positions && ret_count);
    struct mr_bytes token = http_header(request, "Consistency-Token");
    *ret_positions = NULL;
    *ret_count = 0;
    if (!token.ptr ||
        token_positions_read(keys, token, http_arena(request), ret_positions, ret_count) == 0)
        return true;
    http_send_problem(
        request,
        "malformed-header",
        "Consistency-Token: not a token of this shop. Send it exactly as received.");
    return false;
}

void api_set_positions(
    const struct token_keys *keys,
    struct http_request *request,
    const struct topo_position *positions,
    size_t count,
    const char *also)
{
    assert(keys && request && (positions || count == 0));
    struct mr_buffer token = {0};
    if (count > 0 && token_positions_write(keys, positions, count, &token) == 0) {
        http_set_header(request, "Consistency-Token", mr_buffer_view(&token));
        if (also)
            http_set_header(request, also, mr_buffer_view(&token));
    }
    mr_buffer_clean_up(&token);
}
