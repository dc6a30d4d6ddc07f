/* health.c - /healthz: whether every thread of the engine makes steps. */
#include <api/health.h>

#include <http/json.h>

#include <assert.h>

void api_send_health(struct topo_engine *engine, struct http_request *request)
{
    assert(engine && request);
    struct mr_error why = {0};
    bool live = topo_engine_is_live(engine, &why);
    struct json_w w = json_w_to(http_response(request));
    json_w_object(&w);
    json_w_key_text(&w, "status", mr_cstr(live ? "ok" : "stuck"));
    if (!live)
        json_w_key_text(&w, "reason", mr_cstr(why.text));
    json_w_object_end(&w);
    http_send(request, live ? 200 : 503, NULL);
}
