/* shop_harness.c - bridges four drivers, plays the payment provider, and remembers what it saw. */
#include "shop_harness.h"

#include <api/shop_problem.h>
#include <base/alloc.h>
#include <tests/cmocka.h>

#include "../../topology/src/graph/graph.h"

#include <stdio.h>
#include <stdlib.h>

/* One in so many. */
enum { LOST = 12, TWICE = 6, TWICE_AT_ONCE_MAX = 8 };

const struct shop_sealed shop_token = {
    MR_LITERAL("payment"), MR_LITERAL("XC20P"), MR_LITERAL("n"), MR_LITERAL("c")};

static const struct {
    enum shop_member from, to;
    const char *topic;
} routes[] = {
    {MEMBER_CATALOG, MEMBER_SALES, "catalog.product.events"},
    {MEMBER_CATALOG, MEMBER_SALES, "sales.replies"},
    {MEMBER_PAYMENTS, MEMBER_SALES, "sales.replies"},
    {MEMBER_SALES, MEMBER_CATALOG, "inventory.stock.commands"},
    {MEMBER_SALES, MEMBER_PAYMENTS, "payments.commands"},
};
enum { ROUTES = sizeof routes / sizeof routes[0] };

static const struct {
    enum shop_member member;
    const char *topic;
} watched[] = {
    {MEMBER_IDENTITY, "identity.claim.events"},
    {MEMBER_IDENTITY, "identity.claim.outcomes"},
    {MEMBER_IDENTITY, "identity.user.events"},
    {MEMBER_IDENTITY, "identity.session.events"},
    {MEMBER_IDENTITY, "identity.user.outcomes"},
    {MEMBER_IDENTITY, "identity.credentials"},
    {MEMBER_IDENTITY, "identity.subject-keys"},
    {MEMBER_IDENTITY, "gateway.replies"},
    {MEMBER_CATALOG, "catalog.product.outcomes"},
    {MEMBER_CATALOG, "inventory.stock.outcomes"},
    {MEMBER_CATALOG, "inventory.stock.events"},
    {MEMBER_CATALOG, "gateway.replies"},
    {MEMBER_SALES, "sales.cart.events"},
    {MEMBER_SALES, "sales.order.events"},
    {MEMBER_SALES, "sales.outcomes"},
    {MEMBER_SALES, "notifications.events"},
    {MEMBER_SALES, "gateway.replies"},
};
enum { WATCHED = sizeof watched / sizeof watched[0] };

static void must_succeed(int rc, const struct mr_error *error)
{
    if (rc)
        fail_msg("%s", error->text);
}

static void keep_log(void *user, int level, const char *event, const char *text)
{
    struct shop *shop = user;
    (void)level;
    if (shop->logged.len > 0)
        shop->logged.len--;
    mr_buffer_printf(&shop->logged, "%s %s\n", event, text);
    mr_buffer_add_byte(&shop->logged, '\0');
}

struct shop *shop_new(const struct shop_limits *limits)
{
    struct shop *shop = mr_calloc(1, sizeof *shop);
    struct mr_error error = {0};
    shop->registry = codec_registry_new_local();
    shop->service = (struct shop_service){
        .registry = shop->registry, .limits = limits ? *limits : shop_limits_default()};
    shop->psp = SHOP_PSP_AUTHORIZED;
    for (int i = 0; i < SHOP_SERVICES; i++) {
        must_succeed(shop_services[i].make(&shop->service, &shop->topologies[i], &error), &error);
        shop_make_dumpable(shop->topologies[i]);
    }
    return shop;
}

struct shop *shop_open(const struct shop_limits *limits)
{
    struct shop *shop = shop_new(limits);
    for (int i = 0; i < SHOP_SERVICES; i++)
        shop->drivers[i] = topo_driver_new(
            shop->topologies[i],
            &(struct topo_driver_options){
                .partitions = SHOP_PARTITIONS, .on_log = keep_log, .log_user = shop});
    return shop;
}

void shop_forget(struct shop *shop)
{
    shop->seen_count = shop->carried_count = 0;
    shop->commands = shop->bridged = shop->faults = 0;
    mr_arena_reset(&shop->arena);
}

void shop_close(struct shop *shop)
{
    for (int i = 0; i < SHOP_SERVICES; i++) {
        topo_driver_free(shop->drivers[i]);
        topo_topology_free(shop->topologies[i]);
    }
    codec_registry_free(shop->registry);
    free(shop->seen);
    free(shop->carried);
    mr_arena_clean_up(&shop->arena);
    mr_buffer_clean_up(&shop->scratch);
    mr_buffer_clean_up(&shop->logged);
    free(shop);
}

void shop_remember(struct shop *shop, const char *topic, const struct topo_record *record)
{
    shop->seen = mr_grow(shop->seen, shop->seen_count, &shop->seen_capacity, sizeof *shop->seen);
    struct shop_seen *seen = &shop->seen[shop->seen_count++];
    struct mr_error error = {0};
    *seen = (struct shop_seen){
        .topic = topic,
        .partition = record->partition,
        .offset = record->offset,
        .key = mr_arena_copy(&shop->arena, record->key),
        .value = mr_arena_copy(&shop->arena, record->value)};
    int rc = codec_decode(shop->registry, seen->value, &shop->arena, &seen->message, &error);
    if (rc && shop->strangers_write)
        shop->seen_count--;
    else
        must_succeed(rc, &error);
}

static bool happens_now(const struct shop *shop, int one_in)
{
    return shop->random && shop_pick(shop->random, one_in) == 0;
}

/* A failure that did not come is taken away: whoever runs the service next counts on none. */
static void disarm_fault(struct shop *shop, struct topo_sim *sim)
{
    if (topo_sim_pending(sim))
        topo_sim_fail_at(sim, INT64_MAX / 2, TOPO_SIM_RETRY);
    else
        shop->faults++;
}

/* To a standstill, over the deaths that a failure brings. */
static void run_service(struct shop *shop, enum shop_member member)
{
    struct topo_driver *driver = shop->drivers[member];
    struct topo_sim *sim = topo_driver_sim(driver);
    struct mr_error error = {0};
    bool armed = shop->fault_every > 0 && happens_now(shop, shop->fault_every);
    if (armed)
        topo_sim_fail_at(
            sim,
            1 + shop_pick(shop->random, 60),
            (enum topo_sim_failure)shop_pick(shop->random, TOPO_SIM_FAILURES));
    int rc = topo_driver_run(driver, &error);
    for (int i = 0; armed && rc && i < 5; i++)
        rc = mr_code_class(rc) == MR_CLASS_FATAL ? topo_driver_crash(driver, &error)
                                                 : topo_driver_run(driver, &error);
    must_succeed(rc, &error);
    if (armed)
        disarm_fault(shop, sim);
}

static void pipe_bytes(
    struct shop *shop,
    enum shop_member to,
    const char *topic,
    struct mr_bytes key,
    struct mr_bytes value)
{
    struct mr_error error = {0};
    if (shop->outside.append) {
        shop->outside.append(shop->outside.self, topic, key, value);
        return;
    }
    const struct topo_header by_us = {mr_cstr("ce_id"), mr_cstr("1")};
    const struct topo_output record = {
        .key = key, .value = value, .headers = &by_us, .headers_count = 1};
    topo_sim_append(topo_driver_sim(shop->drivers[to]), topic, -1, &record);
    run_service(shop, to);
    if (shop->crash_every && ++shop->bridged % shop->crash_every == 0)
        must_succeed(
            topo_driver_crash(shop->drivers[shop->bridged % SHOP_SERVICES], &error), &error);
}

struct mr_bytes
shop_encode(struct shop *shop, const char *topic, enum shop_type type, const void *value)
{
    mr_buffer_reset(&shop->scratch);
    codec_encode(shop->registry, type, topic, value, &shop->scratch);
    return mr_arena_copy(&shop->arena, mr_buffer_view(&shop->scratch));
}

void shop_send_bytes(
    struct shop *shop,
    enum shop_member to,
    const char *topic,
    struct mr_bytes key,
    struct mr_bytes value)
{
    pipe_bytes(shop, to, topic, key, value);
    if (!shop->outside.append)
        shop_settle(shop);
}

void shop_send(
    struct shop *shop,
    enum shop_member to,
    const char *topic,
    enum shop_type type,
    const char *key,
    const void *value)
{
    shop_send_bytes(shop, to, topic, mr_cstr(key), shop_encode(shop, topic, type, value));
}

uint64_t shop_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* -- the provider -- */

static const char *psp_result(const struct shop *shop, struct mr_bytes op)
{
    if (strcmp(shop->psp, SHOP_PSP_AUTHORIZED) != 0)
        return shop->psp;
    static const char *const results[][2] = {
        {SHOP_OP_AUTHORIZE, SHOP_PSP_AUTHORIZED},
        {SHOP_OP_CAPTURE, SHOP_PSP_CAPTURED},
        {SHOP_OP_VOID, SHOP_PSP_VOIDED},
        {SHOP_OP_REFUND, SHOP_PSP_REFUNDED},
        {SHOP_OP_QUERY, SHOP_PSP_NOT_FOUND}};
    for (int i = 0; i < 5; i++)
        if (mr_bytes_equal(op, mr_cstr(results[i][0])))
            return results[i][1];
    fail_msg("an operation nobody knows");
    return NULL;
}

static void tell_payments(
    struct shop *shop, struct mr_bytes payment_id, const struct shop_record_psp_result *result)
{
    pipe_bytes(
        shop,
        MEMBER_PAYMENTS,
        "payments.commands",
        payment_id,
        shop_encode(shop, "payments.commands", SHOP_RECORD_PSP_RESULT, result));
}

static void psp_answer(struct shop *shop, const struct shop_payment_op_requested *request)
{
    if (!shop->psp)
        return;
    const char *result = psp_result(shop, request->op);
    /* "soft" and "hard" are declines. */
    bool declined = strcmp(result, "soft") == 0 || strcmp(result, "hard") == 0;
    struct shop_record_psp_result answer = {
        .saga = {request->meta.correlation_id, request->meta.event_id, 0},
        .payment_id = request->payment_id,
        .op = request->op,
        .op_key = request->op_key,
        .result = mr_cstr(declined ? SHOP_PSP_DECLINED : result),
        .psp_event_id = request->op_key,
        .amount = request->refund_total,
        .decline_class = declined ? mr_cstr(result) : (struct mr_bytes){0},
    };
    tell_payments(shop, request->payment_id, &answer);
}

static int64_t payments_now_ms(struct shop *shop)
{
    if (shop->outside.now_ms)
        return shop->outside.now_ms(shop->outside.self);
    return topo_sim_now_ms(topo_driver_sim(shop->drivers[MEMBER_PAYMENTS]));
}

void shop_ask_provider(struct shop *shop, const struct shop_payment_op_requested *request)
{
    const struct psp *psp = shop->provider;
    struct mr_error error = {0};
    if (happens_now(shop, LOST))
        return;
    struct psp_request asked = {
        .payment_id = request->payment_id,
        .op = request->op,
        .op_key = request->op_key,
        .method_token =
            request->method_token_sealed ? request->method_token_sealed->ct : mr_cstr(""),
        .amount_minor = request->amount.minor,
        .refund_total_minor = request->refund_total ? request->refund_total->minor : 0,
        .currency = request->amount.currency,
    };
    must_succeed(psp->submit(psp->self, &asked, payments_now_ms(shop), &error), &error);
}

bool shop_take_answers(struct shop *shop)
{
    const struct psp *psp = shop->provider;
    struct psp_answer answer;
    bool any = false;
    while (psp && psp->take(psp->self, payments_now_ms(shop), &shop->arena, &answer)) {
        struct shop_money amount = {answer.amount_minor, answer.currency};
        struct shop_record_psp_result result = {
            .saga = {answer.payment_id, answer.psp_event_id, 0},
            .payment_id = answer.payment_id,
            .op = answer.op,
            .op_key = answer.op_key,
            .result = answer.result,
            .psp_ref = answer.psp_ref,
            .psp_event_id = answer.psp_event_id,
            .decline_class = answer.decline_class,
            .psp_code = answer.psp_code,
            .amount = &amount,
        };
        any = true;
        if (happens_now(shop, LOST))
            continue;
        tell_payments(shop, answer.payment_id, &result);
        if (happens_now(shop, TWICE))
            tell_payments(shop, answer.payment_id, &result);
    }
    return any;
}

static bool read_payments(struct shop *shop)
{
    struct topo_record record;
    bool any = false;
    while (topo_driver_read(shop->drivers[MEMBER_PAYMENTS], "payments.events", &record)) {
        any = true;
        shop_remember(shop, "payments.events", &record);
        const struct codec_message message = shop->seen[shop->seen_count - 1].message;
        if (message.id == SHOP_PAYMENT_OP_REQUESTED && shop->provider)
            shop_ask_provider(shop, message.value);
        else if (message.id == SHOP_PAYMENT_OP_REQUESTED)
            psp_answer(shop, message.value);
    }
    return any | shop_take_answers(shop);
}

static void carry_record(struct shop *shop, int route, const struct topo_record *record)
{
    shop->carried =
        mr_grow(shop->carried, shop->carried_count, &shop->carried_capacity, sizeof *shop->carried);
    shop->carried[shop->carried_count++] = (struct shop_carried){
        .to = routes[route].to,
        .topic = routes[route].topic,
        .key = mr_arena_copy(&shop->arena, record->key),
        .value = mr_arena_copy(&shop->arena, record->value)};
}

static void deliver_carried(struct shop *shop, size_t at, bool again)
{
    struct shop_carried carried = shop->carried[at];
    if (!again)
        memmove(
            &shop->carried[at],
            &shop->carried[at + 1],
            (--shop->carried_count - at) * sizeof *shop->carried);
    pipe_bytes(shop, carried.to, carried.topic, carried.key, carried.value);
}

void shop_deliver_held(struct shop *shop, size_t at)
{
    assert_true(at < shop->carried_count);
    deliver_carried(shop, at, false);
    shop_settle(shop);
}

static bool deliver_one(struct shop *shop, int *twice)
{
    size_t count = shop->carried_count;
    size_t at = shop->random && count ? (size_t)shop_pick(shop->random, (int)count) : 0;
    for (size_t i = 0; i < count; i++, at = (at + 1) % count) {
        if (shop->held && strcmp(shop->carried[at].topic, shop->held) == 0)
            continue;
        bool again = *twice < TWICE_AT_ONCE_MAX && happens_now(shop, TWICE);
        *twice += again;
        deliver_carried(shop, at, again);
        return true;
    }
    return false;
}

static bool bridge_services(struct shop *shop)
{
    struct topo_record record;
    bool any = false;
    int twice = 0;
    for (int i = 0; i < ROUTES; i++) {
        while (topo_driver_read(shop->drivers[routes[i].from], routes[i].topic, &record)) {
            bool is_log = strcmp(routes[i].topic, "catalog.product.events") == 0;
            any = true;
            if (!is_log) {
                carry_record(shop, i, &record);
                continue;
            }
            shop_remember(shop, routes[i].topic, &record);
            struct shop_seen seen = shop->seen[shop->seen_count - 1];
            if (!shop->without_prices)
                pipe_bytes(shop, routes[i].to, seen.topic, seen.key, seen.value);
        }
    }
    while (deliver_one(shop, &twice))
        any = true;
    return any;
}

void shop_settle(struct shop *shop)
{
    struct topo_record record;
    bool any = true;
    while (any) {
        any = bridge_services(shop);
        any |= read_payments(shop);
    }
    for (int i = 0; i < WATCHED; i++)
        while (topo_driver_read(shop->drivers[watched[i].member], watched[i].topic, &record))
            shop_remember(shop, watched[i].topic, &record);
}

void shop_advance_ms(struct shop *shop, int64_t ms)
{
    struct mr_error error = {0};
    if (shop->outside.advance_ms) {
        shop->outside.advance_ms(shop->outside.self, ms);
        return;
    }
    for (int i = 0; i < SHOP_SERVICES; i++)
        must_succeed(topo_driver_advance_ms(shop->drivers[i], ms, &error), &error);
    shop_settle(shop);
}

/* -- what was seen -- */

size_t shop_count(const struct shop *shop, enum shop_type type)
{
    size_t count = 0;
    for (size_t i = 0; i < shop->seen_count; i++)
        count += shop->seen[i].message.id == (int)type;
    return count;
}

const void *shop_last(const struct shop *shop, enum shop_type type)
{
    for (size_t i = shop->seen_count; i-- > 0;)
        if (shop->seen[i].message.id == (int)type)
            return shop->seen[i].message.value;
    return NULL;
}

const struct shop_command_outcome *shop_outcome(const struct shop *shop)
{
    static const struct shop_command_outcome none = {.status = MR_LITERAL("nobody was answered")};
    const struct shop_command_reply *reply = shop_last(shop, SHOP_COMMAND_REPLY);
    return reply ? &reply->outcome : &none;
}

void shop_expect_outcome(const struct shop *shop, int http_status, const char *problem)
{
    const struct shop_command_outcome *outcome = shop_outcome(shop);
    enum shop_reason reason =
        outcome->rejection ? shop_reason_of(outcome->rejection->reason) : SHOP_REASON_NONE;
    if (shop_outcome_status(outcome) != http_status)
        fail_msg("%d %s", shop_outcome_status(outcome), shop_reason_name(reason));
    assert_int_equal(reason == SHOP_REASON_NONE, problem == NULL);
    if (problem)
        assert_string_equal(shop_reason_slug(reason), problem);
    assert_true(mr_bytes_equal(outcome->status, mr_cstr(problem ? "rejected" : "accepted")));
}

static struct topo_store *
store_of(struct shop *shop, enum shop_member member, const char *store, int32_t partition)
{
    return shop->outside.store_of
               ? shop->outside.store_of(shop->outside.self, member, store, partition)
               : topo_driver_store(shop->drivers[member], store, partition);
}

const void *shop_state(
    struct shop *shop,
    enum shop_member member,
    const char *store,
    enum shop_type type,
    struct mr_bytes key)
{
    for (int32_t partition = 0; partition < SHOP_PARTITIONS; partition++) {
        struct topo_store *found = store_of(shop, member, store, partition);
        struct mr_bytes value = {0};
        struct mr_error error = {0};
        const void *state = NULL;
        assert_non_null(found);
        must_succeed(
            topo_read_get(topo_store_reader(found), key, &shop->arena, &value, &error), &error);
        if (!value.ptr)
            continue;
        must_succeed(
            codec_decode_bare(&shop_types[type], value, &shop->arena, &state, &error), &error);
        return state;
    }
    return NULL;
}

/* -- dumps -- */

void shop_make_dumpable(struct topo_topology *topology)
{
    for (size_t i = 0; i < topology->stores_count; i++)
        topology->stores[i]->ordered = true;
}

static void dump_store(struct mr_buffer *out, struct topo_store *store, struct mr_arena *arena)
{
    struct topo_read_scan *scan = NULL;
    struct mr_bytes key, value;
    struct mr_error error = {0};
    must_succeed(
        topo_read_scan_open(
            topo_store_reader(store), &(struct topo_read_options){0}, arena, &scan, &error),
        &error);
    while (topo_read_scan_next(scan, &key, &value, &error) > 0) {
        mr_buffer_printf(out, "%zu %zu ", key.len, value.len);
        mr_buffer_add(out, key);
        mr_buffer_add(out, value);
    }
    topo_read_scan_close(scan);
}

struct topo_store *shop_store_of_driver(void *driver, const char *store, int32_t partition)
{
    return topo_driver_store(driver, store, partition);
}

struct mr_bytes shop_dump_of(
    const struct topo_topology *topology,
    shop_store_fn *store_of_user,
    void *user,
    struct mr_arena *arena)
{
    struct mr_buffer out;
    mr_buffer_init(&out);
    for (size_t i = 0; i < topology->stores_count; i++) {
        const struct graph_store *store = topology->stores[i];
        bool global = store->sub->global;
        for (int32_t p = global ? -1 : 0; p < (global ? 0 : SHOP_PARTITIONS); p++) {
            struct topo_store *found = store_of_user(user, store->name, p);
            assert_non_null(found);
            mr_buffer_printf(&out, "\n%s/%d: ", store->name, (int)p);
            if (!store->is_outcomes)
                dump_store(&out, found, arena);
        }
    }
    struct mr_bytes dump = mr_arena_copy(arena, mr_buffer_view(&out));
    mr_buffer_clean_up(&out);
    return dump;
}

struct dumped {
    struct shop *shop;
    enum shop_member member;
};

static struct topo_store *store_of_dumped(void *user, const char *store, int32_t partition)
{
    const struct dumped *dumped = user;
    return store_of(dumped->shop, dumped->member, store, partition);
}

struct mr_bytes shop_dump(struct shop *shop, enum shop_member member)
{
    struct dumped dumped = {shop, member};
    return shop_dump_of(shop->topologies[member], store_of_dumped, &dumped, &shop->arena);
}

/* -- the usual things -- */

const struct shop_sealed *shop_sealed_token(struct shop *shop, const char *token)
{
    struct shop_sealed *sealed = mr_arena_zalloc(&shop->arena, sizeof *sealed);
    *sealed = shop_token;
    sealed->ct = mr_cstr(token);
    return sealed;
}

struct shop_command_meta shop_command(struct shop *shop, const char *id)
{
    struct mr_bytes fresh = mr_arena_printf(&shop->arena, "cmd-%d", ++shop->commands);
    return (struct shop_command_meta){
        .command_id = id ? mr_cstr(id) : fresh,
        .fingerprint = mr_cstr("f"),
        .principal = mr_cstr("usr_test"),
        .actor_kind = mr_cstr("customer"),
        .reply_to = mr_cstr("gateway.replies"),
        .correlation_id = mr_cstr("corr"),
        .want_body = true,
    };
}

static struct mr_bytes product_of(struct shop *shop, const char *sku)
{
    struct shop_id id = shop_product_id(mr_cstr(sku));
    return mr_cstr(mr_arena_cstr(&shop->arena, shop_id_view(&id)));
}

void shop_make_product(struct shop *shop, const char *sku, int64_t price_minor, int64_t units)
{
    struct mr_bytes id = product_of(shop, sku);
    struct shop_create_product create = {
        .meta = shop_command(shop, NULL),
        .product_id = id,
        .sku = mr_cstr(sku),
        .title = mr_cstr(sku),
        .price = {price_minor, mr_cstr("GBP")},
        .publish = true,
    };
    shop_send(
        shop, MEMBER_CATALOG, "catalog.product.commands", SHOP_CREATE_PRODUCT, id.ptr, &create);
    struct shop_adjust_stock adjust = {
        .meta = shop_command(shop, NULL), .product_id = id, .delta = units};
    shop_send(shop, MEMBER_CATALOG, "inventory.stock.commands", SHOP_ADJUST_STOCK, id.ptr, &adjust);
}

void shop_set_price(struct shop *shop, const char *sku, int64_t price_minor)
{
    struct shop_change_price change = {
        .meta = shop_command(shop, NULL),
        .product_id = product_of(shop, sku),
        .price = {price_minor, mr_cstr("GBP")}};
    shop_send(
        shop,
        MEMBER_CATALOG,
        "catalog.product.commands",
        SHOP_CHANGE_PRICE,
        change.product_id.ptr,
        &change);
}

void shop_add_item(struct shop *shop, const char *owner, const char *sku, int32_t quantity)
{
    struct shop_add_cart_item add = {
        .meta = shop_command(shop, NULL),
        .owner_id = mr_cstr(owner),
        .product_id = product_of(shop, sku),
        .quantity = quantity};
    shop_send(shop, MEMBER_SALES, "sales.commands", SHOP_ADD_CART_ITEM, owner, &add);
}

struct mr_bytes shop_place(struct shop *shop, const char *owner, const struct shop_sealed *token)
{
    struct shop_place_order place = {
        .meta = shop_command(shop, NULL), .owner_id = mr_cstr(owner), .method_token_sealed = token};
    struct shop_id id = shop_order_id(place.owner_id, place.meta.command_id);
    place.order_id = mr_arena_copy(&shop->arena, shop_id_view(&id));
    shop_send(shop, MEMBER_SALES, "sales.commands", SHOP_PLACE_ORDER, owner, &place);
    return place.order_id;
}

void shop_cancel(struct shop *shop, const char *owner, struct mr_bytes order_id)
{
    struct shop_cancel_order cancel = {
        .meta = shop_command(shop, NULL), .owner_id = mr_cstr(owner), .order_id = order_id};
    shop_send(shop, MEMBER_SALES, "sales.commands", SHOP_CANCEL_ORDER, owner, &cancel);
}

const struct shop_stock_state *shop_stock(struct shop *shop, const char *sku)
{
    return shop_state(shop, MEMBER_CATALOG, "stock", SHOP_STOCK_STATE, product_of(shop, sku));
}

const struct shop_order_state *shop_order(struct shop *shop, struct mr_bytes order_id)
{
    return shop_state(shop, MEMBER_SALES, "orders", SHOP_ORDER_STATE, order_id);
}
