/*
 * shop_harness.h - the whole write side on simulated logs: a driver per service, and a bridge that
 * carries what one service writes to the one that reads it. shop_new makes a shop without drivers:
 * whoever made it runs the services (shop_cluster.h does), and sets `outside`.
 *
 * The payment provider is the test: it reads the requests and answers as it likes. Or it is the
 * simulator, when `provider` is set: the method token is then what shop_sealed_token sealed.
 *
 * Faults    With `random` set, messages between services come in any order and some come twice;
 *           requests and answers of the provider get lost. Price events keep their order: they are
 *           a log that is folded, no messages.
 */
#ifndef TESTS_SHOP_HARNESS_H
#define TESTS_SHOP_HARNESS_H

#include <payment_connector/psp.h>
#include <processors/ids.h>
#include <processors/shop.h>
#include <topology/driver.h>

enum shop_member { MEMBER_IDENTITY, MEMBER_CATALOG, MEMBER_SALES, MEMBER_PAYMENTS };
enum { SHOP_PARTITIONS = 2 };

/* A committed record, decoded. */
struct shop_seen {
    const char *topic;
    int32_t partition;
    int64_t offset;
    struct mr_bytes key, value;
    struct codec_message message;
};

struct shop_carried {
    enum shop_member to;
    const char *topic;
    struct mr_bytes key, value;
};

/* A world in place of the drivers: records go there, stores are there. */
struct shop_outside {
    void *self;
    void (*append)(void *self, const char *topic, struct mr_bytes key, struct mr_bytes value);
    /* NULL: no engine has it now. */
    struct topo_store *(*store_of)(
        void *self, enum shop_member member, const char *store, int32_t partition);
    int64_t (*now_ms)(void *self);
    void (*advance_ms)(void *self, int64_t ms);
};

struct shop {
    struct shop_service service;
    struct codec_registry *registry;
    struct topo_topology *topologies[SHOP_SERVICES];
    struct topo_driver *drivers[SHOP_SERVICES];
    struct shop_outside outside; /* In place of the drivers, when it has an append. */
    struct mr_arena arena;       /* Decoded records live here until the test ends. */
    struct mr_buffer scratch;
    const char *psp; /* The provider's answer; "authorized": follows the op; NULL: none. */
    int commands;    /* Makes command ids. */
    int crash_every; /* > 0: a service dies after so many bridged records, in turn. */
    int bridged;
    int fault_every;  /* > 0: with `random`, one in so many runs of a service meets a failure of an
                        outside call, of any kind, at any place. */
    int faults;       /* How many were met. */
    int dead_letters; /* As counted by whoever reads those topics. */
    const struct psp *provider; /* In place of `psp`. */
    uint64_t *random;           /* NULL: no faults. */
    bool without_prices;        /* Sales does not hear of products. */
    bool strangers_write;       /* A record that cannot be read is not ours, and not remembered. */
    struct mr_buffer logged;    /* "EVENT TEXT" lines of all four, and a NUL. */
    const char *held;           /* Records to this topic wait in `carried`. NULL: none do. */
    struct shop_seen *seen; /* Every event, outcome and reply, as committed, in order per topic. */
    size_t seen_count, seen_capacity;
    struct shop_carried *carried; /* Between two services. */
    size_t carried_count, carried_capacity;
};

struct shop *shop_open(const struct shop_limits *limits);
void shop_close(struct shop *shop);
/* The same without drivers, and forgetting all that was seen, for the next life. */
struct shop *shop_new(const struct shop_limits *limits);
void shop_forget(struct shop *shop);

/* Decodes a committed record and keeps it in `seen`. */
void shop_remember(struct shop *shop, const char *topic, const struct topo_record *record);
/* Gives a PaymentOpRequested to the provider, and what the provider answers to the payments. True:
 * it answered. */
void shop_ask_provider(struct shop *shop, const struct shop_payment_op_requested *request);
bool shop_take_answers(struct shop *shop);

/* Appends a record to the service that reads the topic, and runs everything to a standstill. */
void shop_send(
    struct shop *shop,
    enum shop_member to,
    const char *topic,
    enum shop_type type,
    const char *key,
    const void *value);
void shop_send_bytes(
    struct shop *shop,
    enum shop_member to,
    const char *topic,
    struct mr_bytes key,
    struct mr_bytes value);
struct mr_bytes
shop_encode(struct shop *shop, const char *topic, enum shop_type type, const void *value);
void shop_settle(struct shop *shop);
/* The `at`-th of what is held. */
void shop_deliver_held(struct shop *shop, size_t at);
void shop_advance_ms(struct shop *shop, int64_t ms);

/* A command's meta with a fresh id (or the given one); the reply goes to partition 0. */
struct shop_command_meta shop_command(struct shop *shop, const char *id);

/* How many records of this type were seen; the last of them, NULL when none. */
size_t shop_count(const struct shop *shop, enum shop_type type);
const void *shop_last(const struct shop *shop, enum shop_type type);
const struct shop_command_outcome *shop_outcome(const struct shop *shop);
void shop_expect_outcome(const struct shop *shop, int http_status, const char *problem);

/* Stored state of a service, whichever partition holds it; NULL when absent. */
const void *shop_state(
    struct shop *shop,
    enum shop_member member,
    const char *store,
    enum shop_type type,
    struct mr_bytes key);

/* Every store of a service (of all partitions), key by key: equal dumps are equal bytes. Folds
 * only: outcomes are left out, for they age. The view is in the shop's arena. */
struct mr_bytes shop_dump(struct shop *shop, enum shop_member member);

/* The same of any topology that was prepared before its first run. */
void shop_make_dumpable(struct topo_topology *topology);
typedef struct topo_store *shop_store_fn(void *user, const char *store, int32_t partition);
struct mr_bytes shop_dump_of(
    const struct topo_topology *topology,
    shop_store_fn *store_of,
    void *user,
    struct mr_arena *arena);
struct topo_store *shop_store_of_driver(void *driver, const char *store, int32_t partition);

/* xorshift: the same seed, the same run. */
uint64_t shop_random(uint64_t *state);
static inline int shop_pick(uint64_t *state, int below)
{
    return (int)(shop_random(state) % (uint64_t)below);
}

/* The usual things. Product ids are of the SKU, owners are given whole. */
void shop_make_product(struct shop *shop, const char *sku, int64_t price_minor, int64_t units);
void shop_set_price(struct shop *shop, const char *sku, int64_t price_minor);
void shop_add_item(struct shop *shop, const char *owner, const char *sku, int32_t quantity);
/* The order's id lives in the shop's arena. */
struct mr_bytes shop_place(struct shop *shop, const char *owner, const struct shop_sealed *token);
void shop_cancel(struct shop *shop, const char *owner, struct mr_bytes order_id);
const struct shop_stock_state *shop_stock(struct shop *shop, const char *sku);
const struct shop_order_state *shop_order(struct shop *shop, struct mr_bytes order_id);

extern const struct shop_sealed shop_token;

/* The simulator's unsealing: a token as it is, for nothing is sealed here. */
const struct shop_sealed *shop_sealed_token(struct shop *shop, const char *token);

#endif
