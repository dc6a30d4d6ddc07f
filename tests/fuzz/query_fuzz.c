/*
 * query_fuzz.c - a query string, as a client chose it: decoded or refused, and what was decoded
 * means the same when it is written again. Its q is then read as a search.
 */
#include "fuzz.h"

#include "server_impl.h"

#include <base/buffer.h>
#include <http/json.h>
#include <processors/views.h>

static struct http_server server;

/* Each byte escaped: only one way to read it. */
static void escape_value(struct mr_buffer *out, struct mr_bytes value)
{
    for (size_t i = 0; i < value.len; i++)
        mr_buffer_printf(out, "%%%02X", (unsigned)(unsigned char)value.ptr[i]);
}

static struct http_request *parse_query(struct mr_bytes query, struct mr_arena *arena)
{
    const char *target =
        mr_arena_cstr(arena, mr_arena_printf(arena, "/v1/products?%.*s", MR_ARG(query)));
    struct http_request *request = request_take(&server, target);
    request->method = "GET";
    if (request_parse_query(request))
        return request;
    request_give_back(request);
    return NULL;
}

static void check_parameters(struct http_request *request)
{
    static const char *const known[] = {"q", "limit", NULL};
    FUZZ_HOLDS(http_query_count(request) <= HTTP_QUERY_PARAMS_MAX);
    bool all_known = true;
    for (size_t i = 0; i < http_query_count(request); i++) {
        struct mr_bytes name = http_query_name(request, i);
        FUZZ_HOLDS(http_utf8_valid(name) && http_utf8_valid(http_query_value(request, i)));
        FUZZ_HOLDS(!memchr(http_query_value(request, i).ptr, 0, http_query_value(request, i).len));
        all_known &=
            mr_bytes_equal(name, mr_cstr(known[0])) || mr_bytes_equal(name, mr_cstr(known[1]));
    }
    FUZZ_HOLDS(!all_known || !http_query(request, "cursor").ptr);
}

static void check_again(struct http_request *request, struct mr_arena *arena)
{
    struct mr_buffer out = {0};
    for (size_t i = 0; i < http_query_count(request); i++) {
        if (i > 0)
            mr_buffer_add_byte(&out, '&');
        escape_value(&out, http_query_name(request, i));
        mr_buffer_add_byte(&out, '=');
        escape_value(&out, http_query_value(request, i));
    }
    struct http_request *again = parse_query(mr_buffer_view(&out), arena);
    FUZZ_HOLDS(again && http_query_count(again) == http_query_count(request));
    for (size_t i = 0; i < http_query_count(request); i++) {
        FUZZ_HOLDS(mr_bytes_equal(http_query_name(again, i), http_query_name(request, i)));
        FUZZ_HOLDS(mr_bytes_equal(http_query_value(again, i), http_query_value(request, i)));
    }
    request_give_back(again);
    mr_buffer_clean_up(&out);
}

/* A search has a bounded number of words, and finds the title that it was made of. */
static void check_search(struct http_request *request, struct mr_arena *arena)
{
    struct view_search search;
    char buffer[VIEW_WORD_BYTES_MAX];
    struct mr_bytes word = {0};
    struct mr_bytes text = http_query(request, "q");
    if (!text.ptr)
        return;
    view_search_read(arena, text, &search);
    FUZZ_HOLDS(search.count <= VIEW_TITLE_WORDS_MAX);
    for (size_t i = 0; i < search.count; i++) {
        FUZZ_HOLDS(search.words[i].len > 0 && search.words[i].len <= VIEW_WORD_BYTES_MAX);
        FUZZ_HOLDS(http_utf8_valid(search.words[i]));
    }
    if (search.count > 0)
        (void)view_search_matches(&search, text, buffer, &word);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool started;
    struct mr_arena arena = {0};
    if (!started)
        pthread_mutex_init(&server.free_lock, NULL);
    started = true;
    struct http_request *request = parse_query(mr_bytes_of(data, size), &arena);
    if (request) {
        check_parameters(request);
        check_again(request, &arena);
        check_search(request, &arena);
        request_give_back(request);
    }
    mr_arena_clean_up(&arena);
    return 0;
}
