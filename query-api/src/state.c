/* state.c - who asks, and one document from a view. */
#include "query_api.h"

#include <api/caller.h>
#include <assert.h>
#include <base/log.h>

void query_send_failure(struct http_request *request, const struct mr_error *error)
{
    assert(request && error);
    mr_log(
        MR_LOG_ERROR,
        "read-failed",
        "request_id=%.*s error=\"%s\"",
        MR_ARG(http_request_id(request)),
        error->text);
    http_send_problem(request, "internal", "The view could not be read.");
}

int query_read_into(
    struct topo_reader *store,
    enum shop_type type,
    struct mr_bytes key,
    struct mr_arena *arena,
    const void **ret_state,
    struct mr_error *error)
{
    struct mr_bytes stored = {0};
    const void *state = NULL;
    assert(store && key.ptr && arena && ret_state);
    int rc = topo_read_get(store, key, arena, &stored, error);
    if (rc == 0 && stored.ptr)
        rc = codec_decode_bare(&shop_types[type], stored, arena, &state, error);
    if (rc == 0)
        *ret_state = state;
    return rc;
}

bool query_read_state(
    struct http_request *request,
    struct topo_reader *store,
    enum shop_type type,
    struct mr_bytes key,
    const void **ret_state)
{
    assert(request);
    struct mr_error error;
    int rc = query_read_into(store, type, key, http_arena(request), ret_state, &error);
    if (rc != 0)
        query_send_failure(request, &error);
    return rc == 0;
}

bool query_authenticate(
    struct query_api *api, struct http_request *request, struct mr_bytes *ret_owner)
{
    assert(api && request && ret_owner);
    struct api_caller caller;
    if (!api_authenticate(&api->auth, request, &caller))
        return false;
    *ret_owner = caller.owner;
    return true;
}
