/* cmd_import.c - `millrace import retail FILE`: the steps of an import. */
#include "command.h"
#include "import.h"

#include <base/clock.h>
#include <processors/limits.h>
#include <service/registry.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <unistd.h>

/* retail.h does not include the shop, so it has limits of its own: they must be the shop's. */
_Static_assert(RETAIL_MINOR_MAX == SHOP_MONEY_MINOR_MAX, "amounts have one bound");
_Static_assert(RETAIL_STOCK_MAX == SHOP_STOCK_MAX, "stock has one bound");
_Static_assert(RETAIL_BASKET_BYTES_MAX == SHOP_LINES_BYTES_MAX, "an order's bytes have one bound");
_Static_assert((int)RETAIL_CODE_BYTES_MAX == (int)SHOP_SKU_BYTES_MAX, "a SKU has one bound");

enum { LINGER_MS = 50, POLL_MS = 20 };

static const char *const bulk_properties[] = {
    "batch.num.messages=10000",
    "message.timeout.ms=120000",
    NULL,
};

/* -- the steps -- */

static int import_await_answers(
    struct import *import, struct import_progress *progress, struct mr_error *error)
{
    size_t total = import->command_ids.count;
    int rc = 0;
    while (rc >= 0 && import->answers_count < total) {
        rc = import_poll(import, POLL_MS, error);
        import_progress_show(progress, import->answers_count, total, false);
        if (rc >= 0)
            rc = import_progress_check(progress, import->answers_count, error);
    }
    if (rc >= 0)
        import_progress_show(progress, import->answers_count, total, true);
    return rc < 0 ? rc : 0;
}

/* Waits until the commands of earlier runs are decided, then reads the state of the shop. */
static int import_learn_state(struct import *import, struct mr_error *error)
{
    struct import_progress progress = import_progress_begin("the shop");
    int rc = import_send_barriers(import, error);
    rc = rc ? rc : import_await_answers(import, &progress, error);
    rc = rc ? rc : import_read_state(import, error);
    rc = rc ? rc : import_follow_orders(import, error);
    return rc ? rc : import_plan(import, error);
}

static int import_set_up_shop(struct import *import, struct mr_error *error)
{
    const struct retail *retail = import->retail;
    struct import_progress progress = import_progress_begin("catalogue");
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < retail->products_count; i++)
        rc = import_send_product(import, i, error);
    for (size_t i = 0; rc == 0 && i < retail->products_count; i++)
        rc = import_send_stock(import, i, error);
    for (size_t i = 0; rc == 0 && i < retail->customers_count; i++)
        rc = import_send_customer(import, i, error);
    return rc ? rc : import_await_answers(import, &progress, error);
}

/* Sends as many baskets as may be under way. */
static int import_send_some(
    struct import *import, size_t *next, size_t *sent, size_t already, struct mr_error *error)
{
    int rc = 0;
    while (rc == 0 && *next < import->baskets_count &&
           *sent - (import->ended - already) < import->in_flight_max) {
        if (import->baskets[*next].to_place) {
            rc = import_send_basket(import, *next, error);
            ++*sent;
        }
        ++*next;
        if (rc == 0 && *next % 16 == 0)
            return 0;
    }
    return rc;
}

static int import_send_baskets(struct import *import, struct mr_error *error)
{
    struct import_progress progress = import_progress_begin("orders");
    size_t next = 0;
    size_t sent = 0;
    size_t already = import->ended;
    int rc = 0;
    while (rc >= 0 && import->ended < import->baskets_count) {
        rc = import_send_some(import, &next, &sent, already, error);
        bool idle = next == import->baskets_count ||
                    sent - (import->ended - already) >= import->in_flight_max;
        rc = rc ? rc : import_poll(import, idle ? POLL_MS : 0, error);
        import_progress_show(&progress, import->ended, import->baskets_count, false);
        if (rc >= 0)
            rc = import_progress_check(&progress, import->ended, error);
    }
    if (rc >= 0)
        import_progress_show(&progress, import->ended, import->baskets_count, true);
    return rc < 0 ? rc : 0;
}

static void import_clean_up(struct import *import)
{
    topo_kafka_producer_free(import->producer);
    if (import->lock >= 0)
        close(import->lock);
    topo_kafka_reader_free(import->reader);
    codec_registry_free(import->registry);
    free(import->products);
    free(import->customers);
    free(import->baskets);
    free(import->adds);
    free(import->left);
    free(import->orders);
    free(import->known_lines);
    free(import->commands);
    free(import->began);
    name_index_clean_up(&import->product_ids);
    name_index_clean_up(&import->user_ids);
    name_index_clean_up(&import->stock_commands);
    name_index_clean_up(&import->invoices);
    name_index_clean_up(&import->order_ids);
    name_index_clean_up(&import->command_ids);
    mr_arena_clean_up(&import->arena);
    mr_buffer_clean_up(&import->bytes);
    retail_free(import->retail);
}

/* -- the command -- */

static int
import_load_keys(struct import *import, const struct mr_options *options, struct mr_error *error)
{
    const char *dir = mr_options_text(options, "secrets-dir");
    if (!dir)
        return mr_fail(error, MR_CONFIG, "--secrets-dir DIR is needed");
    int rc = sealing_key_load(dir, "email_hmac.key", &import->email_hmac, error);
    rc = rc ? rc : sealing_key_load(dir, "kek.key", &import->kek, error);
    return rc ? rc : sealing_key_load(dir, "payment.key", &import->payment, error);
}

/* Two runs at once would both order what the shop lacks. The kernel lets go of the lock when this
 * process ends, however it ends. */
static int
import_lock(struct import *import, const struct mr_options *options, struct mr_error *error)
{
    const char *dir = mr_options_text(options, "secrets-dir");
    import->lock = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (import->lock < 0)
        return mr_fail(error, MR_IO, "opening %s: %s", dir, strerror(errno));
    if (flock(import->lock, LOCK_EX | LOCK_NB) == 0)
        return 0;
    if (errno == EWOULDBLOCK)
        return mr_fail(
            error, MR_CONFLICT, "another import with the keys of %s is running; wait for it", dir);
    return mr_fail(error, MR_IO, "locking %s: %s", dir, strerror(errno));
}

static int import_limit_baskets(
    struct import *import, const struct mr_options *options, struct mr_error *error)
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

static int import_connect(struct import *import, struct mr_error *error)
{
    struct topo_kafka_options bulk = import->kafka;
    bulk.properties = bulk_properties;
    int rc = topo_kafka_ping(&import->kafka, TOOL_PING_TIMEOUT_MS, error);
    rc = rc ? rc : shop_registry_load(&import->kafka, &import->registry, error);
    rc = rc ? rc : topo_kafka_producer_new(&bulk, LINGER_MS, &import->producer, error);
    return rc ? rc : import_open_reader(import, error);
}

static double import_span_seconds(int64_t from_ms, int64_t until_ms)
{
    return (double)(until_ms - from_ms) / 1000;
}

static long import_peak_mib(void)
{
    struct rusage usage;
    return getrusage(RUSAGE_SELF, &usage) == 0 ? usage.ru_maxrss / 1024 : 0;
}

/* From the first command to the last order's end, and what has been written meanwhile. */
static int import_fill_shop(struct import *import, struct mr_error *error)
{
    int64_t began_ms = mr_monotonic_ms();
    int64_t set_up_ms = 0;
    int rc = import_learn_state(import, error);
    rc = rc ? rc : import_count_begin(import, error);
    rc = rc ? rc : import_set_up_shop(import, error);
    set_up_ms = mr_monotonic_ms();
    size_t already = import->ended;
    rc = rc ? rc : import_send_baskets(import, error);
    if (rc)
        return rc;
    int64_t ended_ms = mr_monotonic_ms();
    printf(
        "imported in %.1f s: catalogue and customers %.1f s, orders %.1f s (%.0f orders a second); "
        "peak memory of the import %ld MiB\n",
        import_span_seconds(began_ms, ended_ms),
        import_span_seconds(began_ms, set_up_ms),
        import_span_seconds(set_up_ms, ended_ms),
        ended_ms > set_up_ms
            ? (double)(import->ended - already) * 1000 / (double)(ended_ms - set_up_ms)
            : 0.0,
        import_peak_mib());
    return import_count_print(import, import_span_seconds(began_ms, ended_ms), error);
}

/* Reads the whole file and judges it: nothing has been sent to anybody yet. */
static int
import_load_file(struct import *import, const struct mr_options *options, struct mr_error *error)
{
    const char *path = options->operands[0];
    int64_t in_flight = 0;
    int rc = mr_options_integer(options, "in-flight", 1, 100000, &in_flight, error);
    import->in_flight_max = (size_t)in_flight;
    rc = rc ? rc : retail_load(path, &import->retail, error);
    rc = rc ? rc : import_limit_baskets(import, options, error);
    rc = rc ? rc : import_judge(import->retail, error);
    if (rc == 0)
        printf(
            "%s: %zu products, %zu customers, %zu of %zu baskets\n",
            path,
            import->retail->products_count,
            import->retail->customers_count,
            import->baskets_count,
            import->retail->baskets_count);
    return rc;
}

static int
import_run_steps(struct import *import, const struct mr_options *options, struct mr_error *error)
{
    bool only_check = mr_options_switch(options, "check");
    int rc = only_check ? 0 : import_load_keys(import, options, error);
    rc = rc ? rc : import_load_file(import, options, error);
    if (rc == 0 && !only_check)
        rc = import_lock(import, options, error);
    if (rc)
        return rc;
    if (only_check) {
        printf("the file can be imported\n");
        return 0;
    }
    import_name(import);
    rc = import_connect(import, error);
    rc = rc ? rc : import_fill_shop(import, error);
    rc = rc ? rc : import_read_results(import, error);
    return rc ? rc : import_reconcile(import, error);
}

static int import_run(const struct mr_options *options, struct mr_error *error)
{
    struct import import = {.kafka = tool_kafka(options), .lock = -1};
    mr_arena_init(&import.arena);
    mr_buffer_init(&import.bytes);
    int rc = import_run_steps(&import, options, error);
    import_clean_up(&import);
    return rc;
}

static const struct mr_option import_options[] = {
    TOOL_KAFKA_OPTIONS,
    {"secrets-dir", "MILLRACE_SECRETS_DIR", "DIR", NULL, "key files (`millrace secrets init`)"},
    {"orders", NULL, "N", "all", "how many baskets, from the first; or all"},
    {"in-flight", NULL, "N", "1000", "orders under way at once"},
    {"check", NULL, NULL, NULL, "judge the file and import nothing; needs no Kafka and no keys"},
};

static const char import_notes[] =
    "The file is read and judged before the first command: a line that the shop would refuse\n"
    "later is named, and nothing is imported. The order of the columns does not matter. A field\n"
    "that is blank, or NULL, NaN, N/A and the like, is nothing.\n"
    "\n"
    "A file adds what the shop does not have yet: stock for its units, its prices where they\n"
    "differ, its new orders. Titles of known products stay. An invoice that came with another\n"
    "file is not ordered again; one that has grown since is ordered by what is new of it; one\n"
    "that contradicts the shop's is refused with its line. The same command again, also after\n"
    "it was cut short, repeats and loses nothing. Only one import runs at a time.\n"
    "\n"
    "The last line says how it ended: \"the shop and the file agree\" when what the shop gained\n"
    "by this file is what the file adds; before it \"nothing was imported\" when there was\n"
    "nothing left to do. Exit code 0 in both cases. Exit code 1: the file was refused (the\n"
    "message says where; nothing is imported), the import was cut short, or the shop and the\n"
    "file differ.\n";

const struct tool_command tool_import_retail = {
    .words = "import retail",
    .operands = "FILE",
    .operands_count = 1,
    .purpose = "fill the shop from a file of the form of Online Retail, .csv or .csv.xz",
    .options = import_options,
    .options_count = sizeof import_options / sizeof import_options[0],
    .notes = import_notes,
    .run = import_run,
};
