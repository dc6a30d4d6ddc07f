/*
 * import.h - one run of `millrace import retail`: the commands sent, the state known, the results.
 *
 *     catalogue and customers --all answered--> baskets --all ended--> reconciled
 *
 * What is known already is read first, from the shop's own events: products and their prices, and
 * the orders that an import has placed. Each says in its correlation id which file it came from
 * and which invoice it is of. So what a file adds is what the shop does not have yet: an invoice
 * that came with another file is not ordered again, one that has grown is ordered by its new lines,
 * and a run that was cut short is completed by another. An invoice that contradicts the shop's is
 * refused (import_plan.c).
 *
 * Commands are named by what they do: an account by its customer, a stock by file and product.
 * What depends on the state just read (a price, the lines of a cart, an order) is named by the run,
 * and sent only when the commands of an earlier run have all been decided.
 *
 * Threads  One, and the producer's own for delivery reports.
 */
#ifndef TOOLS_IMPORT_H
#define TOOLS_IMPORT_H

#include <processors/ids.h>
#include <schemas/codec.h>
#include <schemas/shop.h>
#include <sealing/seal.h>
#include <tools/name_index.h>
#include <tools/retail.h>
#include <topology/client.h>

#include <stdatomic.h>

#define IMPORT_CAUSE    "retail import"
#define IMPORT_CURRENCY "GBP"

enum { IMPORT_PARTITIONS_MAX = 64, IMPORT_DIGEST_LEN = 16 };

enum import_order { ORDER_UNKNOWN, ORDER_PLACED, ORDER_CONFIRMED, ORDER_CANCELLED, ORDER_REFUSED };

/* An order that an import has placed. */
struct import_known_order {
    uint32_t basket;
    enum import_order state;
    bool own;           /* Placed for this file, now or by a run before. */
    bool other_owner;   /* The file names another customer. */
    bool other_product; /* It has a product that is not in the file. */
    size_t lines_first; /* In known_lines. */
    size_t lines_count;
    int64_t units;          /* From OrderPlaced. */
    int64_t captured_minor; /* PaymentCaptured less PaymentRefunded. */
};

/* The state of a basket in this run. */
struct import_basket {
    uint32_t orders_open; /* Placed, and not ended. */
    bool to_place;
    bool refused;
    bool counted; /* Among `ended`. */
};

enum import_setup { SETUP_BARRIER, SETUP_PRODUCT, SETUP_PRICE, SETUP_STOCK, SETUP_CUSTOMER };

/* A command whose answer is waited for before the baskets. */
struct import_command {
    enum import_setup kind;
    uint32_t number; /* The index of the product or customer. */
    bool answered;
};

struct import_product {
    struct shop_id id;
    struct shop_id stock_command;
    bool exists;            /* Before this run. */
    bool stock_is_known;    /* Adjusted for this file already, */
    int64_t brought_before; /* by so many units. */
    bool is_needed;         /* For a basket that is to be placed. */
    int64_t price_minor;    /* As it is; of products that exist. */
    int64_t brought;        /* Units that this file adds to the stock. */
    int64_t adjusted;       /* Units added for this file, */
    int64_t committed;      /* and sold to its orders. */
};

struct import_customer {
    struct shop_id user_id; /* Made of the CustomerID in small letters, as the address is. */
    struct shop_id command_id;
    bool was_there; /* Before this run, and so perhaps a cart with something in it. */
    bool is_cleared;
};

struct import {
    const struct retail *retail;
    size_t baskets_count; /* As many as --orders asks for. */
    size_t in_flight_max;
    struct topo_kafka_options kafka;
    struct codec_registry *registry;
    struct sealing_key email_hmac;
    struct sealing_key kek;
    struct sealing_key payment;
    int lock; /* A descriptor of the folder of the keys; -1: not locked. */
    struct topo_kafka_producer *producer;
    struct topo_kafka_reader *reader;
    int32_t reply_partition;
    struct mr_arena arena; /* Reset after each command or record. */
    struct mr_buffer bytes;

    char digest[IMPORT_DIGEST_LEN + 1]; /* Names the file by its content, not by its path. */
    char run[IMPORT_DIGEST_LEN + 1];    /* Names this run. */

    struct import_product *products; /* Parallel to the retail's. */
    struct import_customer *customers;
    struct import_basket *baskets;
    int32_t *adds; /* Parallel to the retail's lines: units that no other file has brought, */
    int32_t *left; /* and of those what is not ordered yet. */
    struct name_index product_ids;
    struct name_index user_ids;
    struct name_index stock_commands;
    struct name_index invoices;
    struct name_index order_ids; /* Parallel to orders. */
    struct import_known_order *orders;
    size_t orders_capacity;
    struct retail_line *known_lines; /* Lines of the orders that existed before this run. */
    size_t known_lines_count;
    size_t known_lines_capacity;

    struct name_index command_ids; /* Parallel to commands. */
    struct import_command *commands;
    size_t commands_capacity;
    size_t answers_count;
    size_t products_accepted;
    size_t customers_accepted;
    size_t refused;
    size_t to_place; /* Baskets, of those asked for. */
    size_t ended;    /* Baskets with nothing left to do. */
    char first_refusal[256];

    int32_t sales_partitions;
    bool sales_waits[IMPORT_PARTITIONS_MAX]; /* Its first command carries requires-position. */
    int64_t catalog_next[IMPORT_PARTITIONS_MAX];
    atomic_int undelivered; /* A code of the first record that Kafka did not take. */

    struct topo_kafka_end *began; /* The ends of all topics before anything was sent. */
    size_t began_count;
};

/* -- import_plan.c -- */

/* MR_INVALID when the file has no line that can be imported. */
int import_judge(const struct retail *retail, struct mr_error *error);

/* Names everything of the file; reads the catalogue, the stock and the orders that are there. */
void import_name(struct import *import);
int import_read_state(struct import *import, struct mr_error *error);

/* Decides what each basket and product still needs. MR_CONFLICT, with the line: the shop has an
 * invoice of this number that contradicts the file's. */
int import_plan(struct import *import, struct mr_error *error);

/* Adds an order; its number. */
uint32_t
import_add_order(struct import *import, struct mr_bytes order_id, uint32_t basket, bool own);

/* Calls `take` with every committed record of a topic, from its beginning to its end now. */
typedef int
import_take_fn(struct import *import, const struct codec_message *message, struct mr_error *error);
int import_read_topic(
    struct import *import, const char *topic, import_take_fn *take, struct mr_error *error);

/* Sales must have seen the catalogue up to here before the first cart. */
void import_require_catalog(struct import *import, int32_t partition, int64_t next_offset);

/* -- import_progress.c -- */

/* A bar on a terminal, a line now and then elsewhere. */
struct import_progress {
    const char *what;
    int64_t started_ms;
    int64_t shown_ms;
    int64_t moved_ms;
    size_t done;
    bool terminal;
};

struct import_progress import_progress_begin(const char *what);
void import_progress_show(struct import_progress *progress, size_t done, size_t total, bool last);

/* MR_TIMEOUT when nothing has moved for too long. */
int import_progress_check(struct import_progress *progress, size_t done, struct mr_error *error);

/* -- import_send.c -- */

/* One command to each partition of sales: its answer proves that all before it are decided. */
int import_send_barriers(struct import *import, struct mr_error *error);

/* A product is made, or gets another price; its stock is added. Sends nothing where all is right.
 */
int import_send_product(struct import *import, size_t product, struct mr_error *error);
int import_send_stock(struct import *import, size_t product, struct mr_error *error);
int import_send_customer(struct import *import, size_t customer, struct mr_error *error);
int import_send_basket(struct import *import, size_t basket, struct mr_error *error);

/* -- import_track.c -- */

int import_open_reader(struct import *import, struct mr_error *error);

/* Takes in what has come within timeout_ms. Returns the number of records or a code. */
int import_poll(struct import *import, int timeout_ms, struct mr_error *error);

/* From here on the orders' events are taken in, too: behind those of `import_read_state`. */
int import_follow_orders(struct import *import, struct mr_error *error);

/* -- import_count.c -- */

/* Notes where every topic ends. */
int import_count_begin(struct import *import, struct mr_error *error);

/* Prints per topic what has been written since then, by reading it, and its rate over `seconds`. */
int import_count_print(const struct import *import, double seconds, struct mr_error *error);

/* -- import_reconcile.c -- */

/* Reads the payments' and the stock's events from beginning to end into the import. */
int import_read_results(struct import *import, struct mr_error *error);

/* Prints the table; MR_CONFLICT when the shop and the file differ. */
int import_reconcile(const struct import *import, struct mr_error *error);

#endif
