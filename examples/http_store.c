/*
 * http_store.c - a table of the topic "prices", read over HTTP.
 *
 *     prices --> keep --> price <-- GET /price/tea
 *
 * Listens on 127.0.0.1, on the port in the variable PORT (8000 if there is none). One request at a
 * time: enough to show which calls an HTTP thread makes. Stores are read from any thread.
 */
#include "example.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static int keep_price(struct topo_context *context, void *user, const struct topo_record *price,
    struct mr_error *error)
{
    struct topo_store *table = topo_context_store(context, "price");
    if (price->value.ptr)
        topo_store_put(table, price->key, price->value);
    else
        topo_store_delete(table, price->key);
    return 0;
}

static int make_topology(struct topo_topology **ret_topology, struct mr_error *error)
{
    struct topo_source prices = {
        .name = "prices", .topics = TOPO_LIST("prices"), .global = true, .partitions = 2};
    struct topo_store_options table = {.name = "price", .log = TOPO_LOG_INPUT};
    struct topo_processor keep = {.name = "keep",
        .parents = TOPO_LIST("prices"),
        .stores = TOPO_LIST("price"),
        .process = keep_price};
    struct topo_builder *builder = topo_builder_new("http-store");
    topo_add_source(builder, &prices);
    topo_add_store(builder, &table);
    topo_add_processor(builder, &keep);
    return topo_build(builder, ret_topology, error);
}

/* While the store is being restored, "not found" would be a guess: 503 says so. */
static struct mr_bytes answer_request(
    struct topo_engine *engine, const char *request, struct mr_arena *arena)
{
    char product[64];
    struct mr_bytes price = {NULL, 0};
    struct mr_error error;
    const char *status = "200 OK";
    if (sscanf(request, "GET /price/%63[^ /?] HTTP/1.", product) != 1)
        status = "400 Bad Request";
    else if (topo_engine_state(engine, &error) != TOPO_ENGINE_RUNNING)
        status = "503 Service Unavailable";
    else if (topo_read_get(
                 topo_engine_global(engine, "price"), mr_cstr(product), arena, &price, &error))
        status = "500 Internal Server Error";
    else if (!price.ptr)
        status = "404 Not Found";
    return mr_arena_printf(arena,
        "HTTP/1.1 %s\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%.*s", status, price.len,
        MR_ARG(price));
}

static int open_listener(void)
{
    const char *port = getenv("PORT");
    struct sockaddr_in address = {.sin_family = AF_INET};
    address.sin_port = htons((uint16_t)strtoul(port ? port : "8000", NULL, 10));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (const struct sockaddr *)&address, sizeof address) || listen(fd, 8)) {
        perror("http-store");
        exit(1);
    }
    return fd;
}

/* Answers whoever is waiting. A client that sends nothing is given up after a second. */
static void serve_requests(struct topo_engine *engine)
{
    static int listener = -1;
    listener = listener < 0 ? open_listener() : listener;
    for (int fd; (fd = accept(listener, NULL, NULL)) >= 0; close(fd)) {
        const struct timeval second = {.tv_sec = 1};
        char request[1024] = "";
        struct mr_arena arena;
        mr_arena_init(&arena);
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &second, sizeof second);
        if (recv(fd, request, sizeof request - 1, 0) > 0) {
            struct mr_bytes answer = answer_request(engine, request, &arena);
            send(fd, answer.ptr, answer.len, MSG_NOSIGNAL);
        }
        mr_arena_clean_up(&arena);
    }
}

static int run_on_driver(struct topo_driver *driver, struct mr_error *error)
{
    struct mr_arena arena;
    int rc = topo_driver_pipe(driver, "prices", mr_cstr("tea"), mr_cstr("2.95"), error);
    mr_arena_init(&arena);
    static const char *const requests[] = {"GET /price/tea HTTP/1.1", "GET /price/milk HTTP/1.1"};
    for (size_t i = 0; i < 2 && !rc; i++)
        printf("%s\n", answer_request(topo_driver_engine(driver), requests[i], &arena).ptr);
    mr_arena_clean_up(&arena);
    return rc;
}

int main(int argc, char **argv)
{
    return example_main(argc, argv, "http-store", make_topology, run_on_driver, serve_requests);
}
