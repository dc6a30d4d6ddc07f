/*
 * route.c - which handler a path belongs to. Few routes: a walk over the table is the fastest map.
 */
#include "server_impl.h"

#include <base/alloc.h>

#include <stdio.h>

/* The next segment of a path that stands at a '/'; advances `path`. */
static struct mr_bytes next_segment(struct mr_bytes *path)
{
    const char *start = path->ptr + 1;
    size_t len = 0;
    while (len < path->len - 1 && start[len] != '/')
        len++;
    path->ptr = start + len;
    path->len -= len + 1;
    return mr_bytes_of(start, len);
}

static bool
path_matches(const char *pattern, struct mr_bytes path, struct mr_bytes params[ROUTE_PARAMS_MAX])
{
    struct mr_bytes left = mr_cstr(pattern);
    size_t count = 0;
    if (path.len == 0 || path.ptr[0] != '/')
        return false;
    while (left.len > 0 && path.len > 0) {
        struct mr_bytes wanted = next_segment(&left);
        struct mr_bytes given = next_segment(&path);
        if (wanted.len > 0 && wanted.ptr[0] == '{') {
            if (given.len == 0 || count == ROUTE_PARAMS_MAX)
                return false;
            params[count++] = given;
        } else if (!mr_bytes_equal(wanted, given)) {
            return false;
        }
    }
    return left.len == 0 && path.len == 0;
}

static void allow_add(char *allow, size_t size, const char *method)
{
    size_t len = strlen(allow);
    const char *more = strcmp(method, "GET") == 0 ? "GET, HEAD" : method;
    if (strstr(allow, more) == NULL)
        (void)snprintf(allow + len, size - len, "%s%s", len ? ", " : "", more);
}

static bool
decode_params(struct http_request *request, const struct mr_bytes params[ROUTE_PARAMS_MAX])
{
    for (size_t i = 0; i < ROUTE_PARAMS_MAX && params[i].ptr; i++)
        if (!percent_decode(&request->arena, params[i], false, &request->params[i]))
            return false;
    return true;
}

struct http_route *routes_resolve(const struct http_route *routes, size_t count)
{
    struct http_route *own = mr_calloc(count + 1, sizeof *own);
    for (size_t i = 0; i < count; i++) {
        const struct http_path *named = routes[i].named;
        own[i] = routes[i];
        if (!named)
            continue;
        own[i].method = named->method;
        own[i].path = named->path;
        own[i].body_bytes_max = named->body_bytes_max;
        own[i].produces = named->produces;
    }
    return own;
}

static bool path_equals(const char *pattern, struct mr_bytes path)
{
    return mr_bytes_equal(path, mr_cstr(pattern)) && !strchr(pattern, '{');
}

/* True for a path that has an entry of its own: a parameter of another entry does not match it. */
static bool path_is_literal(const struct http_server_options *options, struct mr_bytes path)
{
    for (size_t i = 0; i < options->routes_count; i++)
        if (path_equals(options->routes[i].path, path))
            return true;
    for (size_t i = 0; i < options->origin_count; i++)
        if (path_equals(options->origin[i]->path, path))
            return true;
    return false;
}

/* Collects the methods of every route of this path, for a 405 must list them. GET serves HEAD. */
bool route_match(struct http_request *request, char *allow, size_t allow_size)
{
    const struct http_server_options *options = &request->server->options;
    const char *method = strcmp(request->method, "HEAD") == 0 ? "GET" : request->method;
    bool literal = path_is_literal(options, request->path);
    allow[0] = '\0';
    for (size_t i = 0; i < options->routes_count; i++) {
        const struct http_route *route = &options->routes[i];
        struct mr_bytes params[ROUTE_PARAMS_MAX] = {{0}};
        if (!path_matches(route->path, request->path, params) || (literal && params[0].ptr))
            continue;
        allow_add(allow, allow_size, route->method);
        if (strcmp(route->method, method) != 0)
            continue;
        if (!decode_params(request, params)) {
            allow[0] = '\0';
            return false;
        }
        request->route = i;
        return true;
    }
    for (size_t i = 0; i < options->origin_count; i++) {
        struct mr_bytes params[ROUTE_PARAMS_MAX] = {{0}};
        if (path_matches(options->origin[i]->path, request->path, params) &&
            !(literal && params[0].ptr))
            allow_add(allow, allow_size, options->origin[i]->method);
    }
    if (allow[0])
        allow_add(allow, allow_size, "OPTIONS");
    return false;
}
