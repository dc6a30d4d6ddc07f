/*
 * cart_fold.c - the fold of cart_workload.h on libtopology: a store with a changelog, one output
 * per event, exactly-once. The peer of bench/peer does the same and prints the same lines.
 *
 *     cart_fold BROKERS APPLICATION STATE_DIR EVENTS TOTALS [WORKERS [COMMIT_MS]]
 *
 * Prints "EV ms first|running|closed", and "S ms committed" whenever the committed sum has moved.
 */
#include "cart_workload.h"

#include <schemas/shop.h>
#include <topology/kafka.h>

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { TICK_US = 10000 };

static atomic_bool has_first;
static volatile sig_atomic_t is_ended;

static long long wall_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void say_event(const char *name)
{
    printf("EV %lld %s\n", wall_ms(), name);
    fflush(stdout);
}

static struct codec_reader open_frame(struct mr_bytes framed)
{
    const uint8_t *start = (const uint8_t *)framed.ptr;
    return (struct codec_reader){.at = start + CART_FRAME_BYTES, .end = start + framed.len};
}

static void begin_frame(struct mr_buffer *out, int schema_id)
{
    const char frame[CART_FRAME_BYTES] = {0, 0, 0, 0, (char)schema_id};
    mr_buffer_reset(out);
    mr_buffer_add(out, mr_bytes_of(frame, sizeof frame));
}

/* The rules of cart_workload.h, on the records as they are decoded. */
static void fold_line(
    struct shop_cart_state *cart,
    struct shop_cart_line *lines,
    const struct shop_cart_line_changed *event)
{
    size_t count = cart->lines_count, i = 0;
    if (count)
        memcpy(lines, cart->lines, count * sizeof *lines);
    while (i < count && !mr_bytes_equal(lines[i].sku, event->sku))
        i++;
    if (i < count) {
        lines[i].quantity += event->quantity;
        lines[i].unit_price_minor = event->unit_price_minor;
        if (lines[i].quantity <= 0) {
            count--;
            memmove(lines + i, lines + i + 1, (count - i) * sizeof *lines);
        }
    } else if (event->quantity > 0) {
        lines[count++] =
            (struct shop_cart_line){event->sku, event->quantity, event->unit_price_minor};
        if (count > CART_LINES_MAX) {
            count--;
            memmove(lines, lines + 1, count * sizeof *lines);
        }
    }
    cart->lines = lines;
    cart->lines_count = count;
    cart->total_minor = 0;
    for (i = 0; i < count; i++)
        cart->total_minor += lines[i].quantity * lines[i].unit_price_minor;
    cart->version++;
}

/* One buffer a worker, for a store copies what it is given and an output is copied to the arena. */
static int fold_cart(
    struct topo_context *context,
    void *user,
    const struct topo_record *record,
    struct mr_error *error)
{
    static _Thread_local struct mr_buffer out;
    (void)user;
    struct mr_arena *arena = topo_context_arena(context);
    struct topo_store *store = topo_context_store(context, "cart-store");
    struct shop_cart_line_changed event;
    struct shop_cart_line lines[CART_LINES_MAX + 1];
    if (record->value.len < CART_FRAME_BYTES || record->value.ptr[4] != CART_EVENT_ID)
        return mr_fail(error, MR_MALFORMED, "not a CartLineChanged");
    struct codec_reader in = open_frame(record->value);
    if (shop_cart_line_changed_decode(&in, arena, &event))
        return mr_fail(error, MR_MALFORMED, "not a CartLineChanged");
    struct shop_cart_state cart = {.cart_id = event.cart_id};
    struct mr_bytes known = topo_store_get(store, record->key);
    if (known.ptr) {
        in = open_frame(known);
        if (shop_cart_state_decode(&in, arena, &cart) || cart.lines_count > CART_LINES_MAX)
            return mr_fail(error, MR_MALFORMED, "not a CartState");
    }
    fold_line(&cart, lines, &event);
    begin_frame(&out, CART_STATE_ID);
    shop_cart_state_encode(&cart, &out);
    topo_store_put(store, record->key, mr_buffer_view(&out));
    const struct shop_cart_total total = {event.cart_id, cart.total_minor, cart.version};
    begin_frame(&out, CART_TOTAL_ID);
    shop_cart_total_encode(&total, &out);
    const struct topo_output output = {
        .key = record->key,
        .value = mr_arena_copy(arena, mr_buffer_view(&out)),
    };
    topo_forward(context, "out", &output);
    if (!atomic_load_explicit(&has_first, memory_order_relaxed) && !atomic_exchange(&has_first, 1))
        say_event("first");
    return 0;
}

static int build_fold(char **argv, struct topo_topology **ret_topology, struct mr_error *error)
{
    static char changelog[200];
    const char *topics[] = {argv[4], NULL};
    const char *from_in[] = {"in", NULL};
    const char *from_fold[] = {"fold", NULL};
    const char *stores[] = {"cart-store", NULL};
    const struct topo_source source = {.name = "in", .topics = topics};
    const struct topo_store_options store = {
        .name = "cart-store", .log = TOPO_LOG_CHANGELOG, .changelog_topic = changelog};
    const struct topo_processor fold = {
        .name = "fold", .parents = from_in, .stores = stores, .process = fold_cart};
    const struct topo_sink sink = {
        .name = "out",
        .parents = from_fold,
        .topic = argv[5],
        .partition_by = TOPO_PARTITION_BY_KEY,
    };
    snprintf(changelog, sizeof changelog, "%s-cart-store-changelog", argv[2]);
    struct topo_builder *builder = topo_builder_new(argv[2]);
    topo_add_source(builder, &source);
    topo_add_store(builder, &store);
    topo_add_processor(builder, &fold);
    topo_add_sink(builder, &sink);
    return topo_build(builder, ret_topology, error);
}

static void add_position(void *user, const struct topo_position *position, int64_t lag)
{
    (void)lag;
    *(int64_t *)user += position->next_offset;
}

static void print_event(void *user, int level, const char *event, const char *text)
{
    (void)user, (void)level;
    fprintf(stderr, "%lld event=%s %s\n", wall_ms(), event, text);
}

static void end_fold(int number)
{
    (void)number;
    is_ended = 1;
}

static bool watch_fold(struct topo_engine *engine)
{
    struct mr_error error = {0};
    bool was_running = false;
    for (int64_t before = 0; !is_ended; usleep(TICK_US)) {
        int64_t committed = 0;
        enum topo_engine_state state = topo_engine_state(engine, &error);
        if (state == TOPO_ENGINE_FAILED) {
            fprintf(stderr, "cart_fold: %s\n", error.text);
            return false;
        }
        if (state == TOPO_ENGINE_RUNNING && !was_running)
            say_event("running");
        was_running = state == TOPO_ENGINE_RUNNING;
        topo_engine_positions(engine, "cart-store", add_position, &committed);
        if (committed != before)
            printf("S %lld %lld\n", wall_ms(), (long long)(before = committed));
        fflush(stdout);
    }
    return true;
}

/* Defaults of libtopology but for the commit, when one is named: the peer runs on its defaults too.
 */
int main(int argc, char **argv)
{
    struct mr_error error = {0};
    if (argc < 6) {
        fprintf(
            stderr,
            "usage: cart_fold BROKERS APPLICATION STATE_DIR EVENTS TOTALS [WORKERS "
            "[COMMIT_MS]]\n");
        return 2;
    }
    signal(SIGTERM, end_fold);
    struct topo_kafka_options kafka = {.brokers = argv[1], .client_id = "cart-fold"};
    const struct topo_engine_options options = {
        .state_dir = argv[3],
        .workers = argc > 6 ? (int)strtol(argv[6], NULL, 10) : 1,
        .commit_interval_ms_max = argc > 7 ? strtol(argv[7], NULL, 10) : 0,
        .io_open = topo_kafka_open,
        .io_user = &kafka,
        .on_log = print_event,
    };
    struct topo_topology *topology = NULL;
    struct topo_engine *engine = NULL;
    if (build_fold(argv, &topology, &error) ||
        topo_engine_start(topology, &options, &engine, &error)) {
        fprintf(stderr, "cart_fold: %s\n", error.text);
        return 1;
    }
    bool is_good = watch_fold(engine);
    topo_engine_stop(engine);
    topo_engine_free(engine);
    topo_topology_free(topology);
    say_event("closed");
    return is_good ? 0 : 1;
}
