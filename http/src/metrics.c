/* metrics.c - how many requests, how they ended, how long they took: Prometheus text. */
#include "server_impl.h"

#include <base/clock.h>

static const int64_t bucket_us[HISTOGRAM_BUCKETS] = {
    100, 250, 500, 1000, 2500, 5000, 10000, 25000, 100000, 500000, 2000000, 10000000};

void metrics_count(struct http_request *request)
{
    struct route_counters *counters = &request->server->counters[request->route];
    int64_t took_us = mr_monotonic_us() - request->started_us;
    size_t bucket = 0;
    while (bucket < HISTOGRAM_BUCKETS && took_us > bucket_us[bucket])
        bucket++;
    atomic_fetch_add_explicit(&counters->buckets[bucket], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&counters->sum_us, (uint64_t)took_us, memory_order_relaxed);
    if (request->status >= 100 && request->status < 600)
        atomic_fetch_add_explicit(
            &counters->by_status[request->status - 100], 1, memory_order_relaxed);
}

struct route_name {
    const char *method;
    const char *path;
};

static struct route_name route_name(const struct http_server *server, size_t index)
{
    if (index >= server->options.routes_count)
        return (struct route_name){"any", "other"};
    const struct http_route *route = &server->options.routes[index];
    return (struct route_name){route->method, route->path};
}

static void write_statuses(const struct http_server *server, size_t index, struct mr_buffer *out)
{
    struct route_name name = route_name(server, index);
    for (int status = 100; status < 600; status++) {
        uint64_t count = atomic_load(&server->counters[index].by_status[status - 100]);
        if (count)
            mr_buffer_printf(
                out,
                "millrace_http_requests_total{method=\"%s\",route=\"%s\",status=\"%d\"} %llu\n",
                name.method,
                name.path,
                status,
                (unsigned long long)count);
    }
}

static void write_histogram(const struct http_server *server, size_t index, struct mr_buffer *out)
{
    struct route_name name = route_name(server, index);
    const struct route_counters *counters = &server->counters[index];
    unsigned long long total = 0;
    for (size_t i = 0; i <= HISTOGRAM_BUCKETS; i++) {
        total += atomic_load(&counters->buckets[i]);
        mr_buffer_printf(
            out,
            "millrace_http_request_seconds_bucket{method=\"%s\",route=\"%s\",le=\"",
            name.method,
            name.path);
        if (i < HISTOGRAM_BUCKETS)
            mr_buffer_printf(out, "%g\"} %llu\n", (double)bucket_us[i] / 1e6, total);
        else
            mr_buffer_printf(out, "+Inf\"} %llu\n", total);
    }
    mr_buffer_printf(
        out,
        "millrace_http_request_seconds_sum{method=\"%s\",route=\"%s\"} %.6f\n"
        "millrace_http_request_seconds_count{method=\"%s\",route=\"%s\"} %llu\n",
        name.method,
        name.path,
        (double)atomic_load(&counters->sum_us) / 1e6,
        name.method,
        name.path,
        total);
}

static bool any_request(const struct route_counters *counters)
{
    for (size_t i = 0; i <= HISTOGRAM_BUCKETS; i++)
        if (atomic_load(&counters->buckets[i]))
            return true;
    return false;
}

void http_server_metrics(const struct http_server *server, struct mr_buffer *out)
{
    size_t count = server->options.routes_count + 1;
    mr_buffer_printf(out, "# TYPE millrace_http_requests_total counter\n");
    for (size_t i = 0; i < count; i++)
        write_statuses(server, i, out);
    mr_buffer_printf(out, "# TYPE millrace_http_request_seconds histogram\n");
    for (size_t i = 0; i < count; i++)
        if (any_request(&server->counters[i]))
            write_histogram(server, i, out);
    mr_buffer_printf(
        out,
        "# TYPE millrace_http_connections gauge\nmillrace_http_connections %d\n"
        "# TYPE millrace_http_waiting gauge\nmillrace_http_waiting %zu\n",
        atomic_load(&server->connections_open),
        wait_count(server));
    kept_write_metrics(server->kept, out);
}
