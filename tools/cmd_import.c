/* cmd_import.c - `millrace import retail FILE`: the steps of an import, and how far it is. */
#include "command.h"
#include "import.h"

#include <base/clock.h>
#include <service/registry.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { LINGER_MS = 50, POLL_MS = 20, STALL_S = 120, LINE_EVERY_S = 5, BAR_CELLS = 40 };

static const char *const bulk_properties[] = {
    "compression.codec=lz4",
    "batch.num.messages=10000",
    "message.timeout.ms=120000",
    NULL,
};

/* -- progress: a bar on a terminal, a line now and then elsewhere -- */

struct progress {
    const char *what;
    int64_t started_ms;
    int64_t shown_ms;
    int64_t moved_ms;
    size_t done;
    bool terminal;
};

static struct progress progress_begin(const char *what)
{
    int64_t now = mr_monotonic_ms();
    return (struct progress){
        .what = what,
        .started_ms = now,
        .shown_ms = now,
        .moved_ms = now,
        .terminal = isatty(STDOUT_FILENO) == 1,
    };
}

static void print_bar(const struct progress *progress, size_t done, size_t total, int64_t now)
{
    char bar[BAR_CELLS + 1];
    size_t filled = total ? done * BAR_CELLS / total : BAR_CELLS;
    memset(bar, '.', BAR_CELLS);
    memset(bar, '#', filled);
    bar[BAR_CELLS] = '\0';
    printf(
        "\r%-10s [%s] %zu/%zu  %.1f s",
        progress->what,
        bar,
        done,
        total,
        (double)(now - progress->started_ms) / 1000);
}

static void progress_show(struct progress *progress, size_t done, size_t total, bool last)
{
    int64_t now = mr_monotonic_ms();
    int64_t every_ms = progress->terminal ? 200 : LINE_EVERY_S * 1000;
    if (!last && now - progress->shown_ms < every_ms)
        return;
    progress->shown_ms = now;
    if (progress->terminal)
        print_bar(progress, done, total, now);
    else
        printf(
            "%s %zu/%zu after %.1f s",
            progress->what,
            done,
            total,
            (double)(now - progress->started_ms) / 1000);
    if (last || !progress->terminal)
        printf("\n");
    fflush(stdout);
}

/* MR_TIMEOUT when nothing has moved for too long. */
static int progress_check(struct progress *progress, size_t done, struct mr_error *error)
{
    int64_t now = mr_monotonic_ms();
    if (done != progress->done)
        progress->moved_ms = now;
    progress->done = done;
    if (now - progress->moved_ms < STALL_S * 1000)
        return 0;
    if (progress->terminal)
        printf("\n");
    return mr_fail(
        error,
        MR_TIMEOUT,
        "%s: nothing has moved for %d s; are millrace-processors and millrace-payments running? "
        "The same command goes on where this one stopped",
        progress->what,
        STALL_S);
}

/* -- the steps -- */

static int
wait_for_answers(struct import *import, struct progress *progress, struct mr_error *error)
{
    size_t total = import->commands.count;
    int rc = 0;
    while (rc >= 0 && import->answers_count < total) {
        rc = import_poll(import, POLL_MS, error);
        progress_show(progress, import->answers_count, total, false);
        if (rc >= 0)
            rc = progress_check(progress, import->answers_count, error);
    }
    if (rc >= 0)
        progress_show(progress, import->answers_count, total, true);
    return rc < 0 ? rc : 0;
}

static int set_up(struct import *import, struct mr_error *error)
{
    const struct retail *retail = import->retail;
    struct progress progress = progress_begin("catalogue");
    size_t total = 2 * retail->products_count + retail->customers_count;
    int rc = 0;
    import->answered = mr_calloc(total ? total : 1, sizeof *import->answered);
    for (size_t i = 0; rc == 0 && i < retail->products_count; i++)
        rc = import_send_product(import, i, error);
    for (size_t i = 0; rc == 0 && i < retail->products_count; i++)
        rc = import_send_stock(import, i, error);
    for (size_t i = 0; rc == 0 && i < retail->customers_count; i++) {
        rc = import_send_customer(import, i, error);
        mr_arena_reset(&import->arena);
    }
    return rc ? rc : wait_for_answers(import, &progress, error);
}

/* Sends as many baskets as may be under way; confirmed ones are left out. */
static int
send_some(struct import *import, size_t *next, size_t *sent, size_t already, struct mr_error *error)
{
    int rc = 0;
    while (rc == 0 && *next < import->baskets_count &&
           *sent - (import->ended - already) < import->in_flight_max) {
        if (import->baskets[*next].state <= ORDER_PLACED) {
            rc = import_send_basket(import, *next, error);
            ++*sent;
        }
        ++*next;
        if (rc == 0 && *next % 16 == 0)
            return 0;
    }
    return rc;
}

static int send_baskets(struct import *import, struct mr_error *error)
{
    struct progress progress = progress_begin("orders");
    size_t next = 0;
    size_t sent = 0;
    size_t already = import->ended;
    int rc = 0;
    while (rc >= 0 && import->ended < import->baskets_count) {
        rc = send_some(import, &next, &sent, already, error);
        bool idle = next == import->baskets_count ||
                    sent - (import->ended - already) >= import->in_flight_max;
        rc = rc ? rc : import_poll(import, idle ? POLL_MS : 0, error);
        progress_show(&progress, import->ended, import->baskets_count, false);
        if (rc >= 0)
            rc = progress_check(&progress, import->ended, error);
    }
    if (rc >= 0)
        progress_show(&progress, import->ended, import->baskets_count, true);
    return rc < 0 ? rc : 0;
}

static void name_everything(struct import *import)
{
    const struct retail *retail = import->retail;
    import->products = mr_calloc(retail->products_count + 1, sizeof *import->products);
    import->customers = mr_calloc(retail->customers_count + 1, sizeof *import->customers);
    import->baskets = mr_calloc(import->baskets_count + 1, sizeof *import->baskets);
    import->stock_adjusted = mr_calloc(retail->products_count + 1, sizeof(int64_t));
    import->stock_committed = mr_calloc(retail->products_count + 1, sizeof(int64_t));
    name_index_init(&import->orders);
    name_index_init(&import->commands);
    for (size_t i = 0; i < retail->products_count; i++)
        import->products[i] = shop_product_id(retail->products[i].sku);
    for (size_t i = 0; i < retail->customers_count; i++) {
        struct shop_id command = import_customer_command(import, i);
        import->customers[i] = shop_created_id("usr_", shop_id_view(&command));
    }
    for (size_t i = 0; i < import->baskets_count; i++) {
        struct shop_id order_id = import_order_id(import, i);
        (void)name_index_put(&import->orders, shop_id_view(&order_id));
    }
}

static void clean_up(struct import *import)
{
    topo_kafka_producer_free(import->producer);
    topo_kafka_reader_free(import->reader);
    codec_registry_free(import->registry);
    free(import->products);
    free(import->customers);
    free(import->baskets);
    free(import->answered);
    free(import->began);
    free(import->stock_adjusted);
    free(import->stock_committed);
    name_index_clean_up(&import->orders);
    name_index_clean_up(&import->commands);
    mr_arena_clean_up(&import->arena);
    mr_buffer_clean_up(&import->bytes);
    retail_free(import->retail);
}

/* -- the command -- */

static int
load_keys(struct import *import, const struct mr_options *options, struct mr_error *error)
{
    const char *dir = mr_options_text(options, "secrets-dir");
    if (!dir)
        return mr_fail(error, MR_CONFIG, "--secrets-dir DIR is needed");
    int rc = sealing_key_load(dir, "email_hmac.key", &import->email_hmac, error);
    rc = rc ? rc : sealing_key_load(dir, "kek.key", &import->kek, error);
    return rc ? rc : sealing_key_load(dir, "payment.key", &import->payment, error);
}

static int
count_baskets(struct import *import, const struct mr_options *options, struct mr_error *error)
{
    int64_t orders = INT64_MAX;
    int rc = 0;
    if (strcmp(mr_options_text(options, "orders"), "all") != 0)
        rc = mr_options_integer(options, "orders", 0, 1000000000, &orders, error);
    if (rc == 0)
        import->baskets_count = (uint64_t)orders < import->retail->baskets_count
                                    ? (size_t)orders : import->retail->baskets_count;
    return rc;
}

static int connect_kafka(struct import *import, struct mr_error *error)
{
    struct topo_kafka_options bulk = import->kafka;
    bulk.properties = bulk_properties;
    int rc = topo_kafka_ping(&import->kafka, TOOL_PING_TIMEOUT_MS, error);
    rc = rc ? rc
            : shop_registry_load(
                  import->kafka.brokers, import->kafka.client_id, &import->registry, error);
    rc = rc ? rc : topo_kafka_producer_new(&bulk, LINGER_MS, &import->producer, error);
    return rc ? rc : import_open_reader(import, error);
}

static double seconds_between(int64_t from_ms, int64_t until_ms)
{
    return (double)(until_ms - from_ms) / 1000;
}

static long peak_memory_mib(void)
{
    struct rusage usage;
    return getrusage(RUSAGE_SELF, &usage) == 0 ? usage.ru_maxrss / 1024 : 0;
}

/* From the first command to the last order's end, and what has been written meanwhile. */
static int fill(struct import *import, struct mr_error *error)
{
    int64_t began_ms = mr_monotonic_ms();
    int64_t set_up_ms = 0;
    int rc = import_count_begin(import, error);
    rc = rc ? rc : import_catch_up(import, error);
    rc = rc ? rc : set_up(import, error);
    set_up_ms = mr_monotonic_ms();
    size_t already = import->ended;
    rc = rc ? rc : send_baskets(import, error);
    if (rc)
        return rc;
    int64_t ended_ms = mr_monotonic_ms();
    printf(
        "imported in %.1f s: catalogue and customers %.1f s, orders %.1f s (%.0f orders a second); "
        "peak memory of the import %ld MiB\n",
        seconds_between(began_ms, ended_ms),
        seconds_between(began_ms, set_up_ms),
        seconds_between(set_up_ms, ended_ms),
        ended_ms > set_up_ms
            ? (double)(import->ended - already) * 1000 / (double)(ended_ms - set_up_ms)
            : 0.0,
        peak_memory_mib());
    return import_count_print(import, seconds_between(began_ms, ended_ms), error);
}

static int
run_steps(struct import *import, const struct mr_options *options, struct mr_error *error)
{
    const char *path = options->operands[0];
    int64_t in_flight = 0;
    int rc = mr_options_integer(options, "in-flight", 1, 100000, &in_flight, error);
    import->in_flight_max = (size_t)in_flight;
    rc = rc ? rc : load_keys(import, options, error);
    rc = rc ? rc : retail_load(path, &import->retail, error);
    rc = rc ? rc : count_baskets(import, options, error);
    if (rc)
        return rc;
    printf(
        "%s: %zu products, %zu customers, %zu of %zu baskets\n",
        path,
        import->retail->products_count,
        import->retail->customers_count,
        import->baskets_count,
        import->retail->baskets_count);
    name_everything(import);
    rc = connect_kafka(import, error);
    rc = rc ? rc : fill(import, error);
    rc = rc ? rc : import_read_results(import, error);
    return rc ? rc : import_reconcile(import, error);
}

static int run_import(const struct mr_options *options, struct mr_error *error)
{
    struct import import = {.kafka = tool_kafka(options)};
    mr_arena_init(&import.arena);
    mr_buffer_init(&import.bytes);
    int rc = run_steps(&import, options, error);
    clean_up(&import);
    return rc;
}

static const struct mr_option import_options[] = {
    TOOL_BROKERS_OPTION,
    {"secrets-dir", "MILLRACE_SECRETS_DIR", "DIR", NULL, "key files (`millrace secrets init`)"},
    {"orders", NULL, "N", "all", "how many baskets, from the first; or all"},
    {"in-flight", NULL, "N", "1000", "orders under way at once"},
};

const struct tool_command tool_import_retail = {
    .words = "import retail",
    .operands = "FILE",
    .operands_count = 1,
    .purpose = "fill the shop from a file of the form of Online Retail, .csv or .csv.xz",
    .options = import_options,
    .options_count = sizeof import_options / sizeof import_options[0],
    .run = run_import,
};
