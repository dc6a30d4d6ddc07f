/*
 * host.c - the cellar of the engine: logging, pauses, retries, the first failure, claims, reports.
 *
 * Invariants
 *   1. Nothing here knows a worker, a task or a global table: every other file may call it.
 *   2. The first failure stays; later ones are logged and change nothing.
 *   3. A directory of stores has one owner at a time: host_claim gives it, host_disclaim ends it.
 *   4. The stores of global tables are published before the first thread starts and withdrawn after
 *      the last reader was sent away: host_global_store takes no lock.
 */
#include "host.h"

#include <base/alloc.h>
#include <base/clock.h>

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { LAID_ASIDE_LOGGED = 20 }; /* Each of one partition; then the 32nd, the 64th, ... */

void host_pause_ms(const struct topo_engine *engine, int64_t ms)
{
    if (!engine->threaded || ms <= 0)
        return;
    const struct timespec pause = {ms / 1000, (long)(ms % 1000) * 1000000};
    nanosleep(&pause, NULL);
}

bool host_retry(struct topo_engine *engine, int rc, int tries_max, int *tries)
{
    assert(*tries >= 0);
    /* A stop asks twice, not for as long as the broker is gone. */
    int most = atomic_load(&engine->stopping) ? 1 : tries_max;
    if (mr_code_class(rc) != MR_CLASS_RETRY || *tries >= most)
        return false;
    host_pause_ms(engine, 1 << *tries);
    metrics_add(&engine->metrics.retries, 1);
    (*tries)++;
    return true;
}

void host_log(
    const struct topo_engine *engine,
    enum mr_log_level level,
    const char *event,
    const char *format,
    ...)
{
    assert(event && format);
    char text[1024];
    if (!engine->options.on_log)
        return;
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    engine->options.on_log(engine->options.log_user, (int)level, event, text);
}

void host_fail(struct topo_engine *engine, const struct mr_error *why)
{
    pthread_mutex_lock(&engine->mutex);
    if (engine->failure.code == 0)
        engine->failure = *why;
    pthread_mutex_unlock(&engine->mutex);
    host_log(engine, MR_LOG_ERROR, "failed", "error=\"%s\"", why->text);
}

void host_lay_aside(
    struct topo_engine *engine, const struct topo_record *record, int64_t count, const char *why)
{
    assert(count > 0 && why[0] != '\0');
    metrics_add(&engine->metrics.laid_aside, 1);
    if (count > LAID_ASIDE_LOGGED && (count & (count - 1)) != 0)
        return;
    host_log(
        engine,
        MR_LOG_WARN,
        "laid-aside",
        "topic=%s partition=%" PRId32 " offset=%" PRId64 " count=%" PRId64
        " reason=\"not written by the service that owns the topic: %s\"",
        record->topic,
        record->partition,
        record->offset,
        count,
        why);
}

/* -- claims -- */

/* The claim's index, or how many there are. The mutex is held. */
static size_t
host_find_claim(const struct topo_engine *engine, const struct graph_sub *sub, int32_t partition)
{
    size_t i = 0;
    while (i < engine->claims_count &&
           (engine->claims[i].sub != sub || engine->claims[i].partition != partition))
        i++;
    return i;
}

bool host_claim(struct topo_engine *engine, const struct graph_sub *sub, int32_t partition)
{
    pthread_mutex_lock(&engine->mutex);
    bool is_free = host_find_claim(engine, sub, partition) == engine->claims_count;
    if (is_free) {
        size_t size = (engine->claims_count + 1) * sizeof *engine->claims;
        engine->claims = mr_realloc(engine->claims, size);
        engine->claims[engine->claims_count++] = (struct host_claim){sub, partition};
    }
    pthread_mutex_unlock(&engine->mutex);
    return is_free;
}

void host_disclaim(struct topo_engine *engine, const struct graph_sub *sub, int32_t partition)
{
    pthread_mutex_lock(&engine->mutex);
    size_t at = host_find_claim(engine, sub, partition);
    assert(at < engine->claims_count);
    engine->claims[at] = engine->claims[--engine->claims_count];
    pthread_mutex_unlock(&engine->mutex);
}

/* -- the watchdog -- */

void host_step(struct topo_engine *engine, size_t slot)
{
    assert(slot <= engine->workers_count);
    atomic_store(&engine->beats[slot].stepped_ms, mr_monotonic_ms());
}

void host_end_steps(struct topo_engine *engine, size_t slot)
{
    assert(slot <= engine->workers_count);
    atomic_store(&engine->beats[slot].stepped_ms, 0);
}

void host_go_away(struct topo_engine *engine, size_t slot, bool away)
{
    assert(slot <= engine->workers_count);
    host_step(engine, slot);
    atomic_store(&engine->beats[slot].away, away);
}

bool topo_engine_is_live(struct topo_engine *engine, struct mr_error *ret_why)
{
    int64_t now_ms = mr_monotonic_ms();
    for (size_t slot = 0; slot <= engine->workers_count; slot++) {
        const struct host_beat *beat = &engine->beats[slot];
        int64_t stepped_ms = atomic_load(&beat->stepped_ms);
        if (stepped_ms == 0 || atomic_load(&beat->away) ||
            now_ms - stepped_ms < engine->options.stuck_after_ms)
            continue;
        if (ret_why)
            mr_fail(
                ret_why,
                MR_TIMEOUT,
                "%s %zu has made no step for %" PRId64 " ms",
                slot ? "worker" : "the view thread",
                slot ? slot - 1 : slot,
                now_ms - stepped_ms);
        return false;
    }
    return true;
}

/* -- reports -- */

void host_publish_reports(struct topo_engine *engine, size_t slot, struct metrics_reports reports)
{
    assert(slot <= engine->workers_count);
    pthread_mutex_lock(&engine->mutex);
    metrics_clean_up_reports(&engine->reports[slot]);
    engine->reports[slot] = reports;
    pthread_mutex_unlock(&engine->mutex);
}

bool host_report_is_due(int64_t now_ms, int64_t reported_ms)
{
    int64_t age_ms = now_ms - reported_ms;
    return age_ms >= HOST_REPORT_INTERVAL_MS || age_ms < 0;
}

bool host_end_is_old(int64_t now_ms, int64_t known_ms)
{
    return now_ms - known_ms > HOST_END_KEPT_MS || now_ms < known_ms;
}

/* -- the stores of global tables -- */

void host_publish_store(struct topo_engine *engine, const char *name, struct topo_store *store)
{
    assert(name && store && !host_global_store(engine, name));
    size_t size = (engine->globals_count + 1) * sizeof *engine->globals;
    engine->globals = mr_realloc(engine->globals, size);
    engine->globals[engine->globals_count++] = (struct host_store){name, store};
}

void host_withdraw_stores(struct topo_engine *engine)
{
    free(engine->globals);
    engine->globals = NULL;
    engine->globals_count = 0;
}

int host_refuse_topic(const char *topic, struct mr_error *error)
{
    return mr_fail(
        error,
        MR_CONFIG,
        "topic \"%s\" does not exist: create it; topo_engine_create_topics creates every topic "
        "that "
        "is not an input",
        topic);
}

struct topo_store *host_global_store(const struct topo_engine *engine, const char *name)
{
    for (size_t i = 0; i < engine->globals_count; i++)
        if (engine->globals[i].name == name || strcmp(engine->globals[i].name, name) == 0)
            return engine->globals[i].store;
    return NULL;
}
