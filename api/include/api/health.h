/* health.h - /healthz of both APIs. Threads: any. */
#ifndef API_HEALTH_H
#define API_HEALTH_H

#include <http/server.h>
#include <topology/engine.h>

/* 200 {"status":"ok"}, or 503 with the reason when a thread of the engine hangs: then a restart
 * may help. */
void api_send_health(struct topo_engine *engine, struct http_request *request);

#endif
