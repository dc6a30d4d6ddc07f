/*
 * import.h - one run of `millrace import retail`: what is sent, what is known of it, what it came
 * to.
 *
 *     catalogue and customers --all answered--> baskets --all ended--> reconciled
 *
 * Everything sent has an id that follows from the file, so a run that was cut short is completed by
 * another: what was done is answered from memory, baskets already confirmed are not sent again.
 * What the shop did is read from the event topics, from their beginning, never counted from what
 * was sent.
 *
 * Threads  One, and the producer's own for delivery reports.
 */
#ifndef TOOLS_IMPORT_H
#define TOOLS_IMPORT_H

#include <processors/ids.h>
#include <schemas/codec.h>
#include <sealing/seal.h>
#include <tools/name_index.h>
#include <tools/retail.h>
#include <topology/kafka.h>

#include <stdatomic.h>

#define IMPORT_CAUSE    "retail import"
#define IMPORT_CURRENCY "GBP"

enum { IMPORT_PARTITIONS_MAX = 64 };

enum import_order { ORDER_UNKNOWN, ORDER_PLACED, ORDER_CONFIRMED, ORDER_CANCELLED, ORDER_REFUSED };

/* What is known of the order of a basket. */
struct import_basket {
    enum import_order state;
    bool sent;
    int64_t units;          /* Of OrderPlaced. */
    int64_t captured_minor; /* Of PaymentCaptured less PaymentRefunded. */
};

struct import {
    const struct retail *retail;
    size_t baskets_count; /* Of those asked for. */
    size_t in_flight_max;
    struct topo_kafka_options kafka;
    struct codec_registry *registry;
    struct sealing_key email_hmac;
    struct sealing_key kek;
    struct sealing_key payment;
    struct topo_kafka_producer *producer;
    struct topo_kafka_reader *reader;
    int32_t reply_partition;
    struct mr_arena arena; /* Of one command or record. */
    struct mr_buffer bytes;

    struct shop_id *products;  /* Parallel to the retail's. */
    struct shop_id *customers; /* User ids. */
    struct import_basket *baskets;
    struct name_index orders;   /* Order id -> number of the basket. */
    struct name_index commands; /* Of the set-up: command id -> number. */
    bool *answered;             /* Parallel to commands. */
    size_t answers_count;
    size_t products_accepted;
    size_t stock_accepted;
    size_t customers_accepted;
    size_t refused;
    size_t ended; /* Baskets that are confirmed, cancelled or refused. */
    char first_refusal[256];

    int32_t sales_partitions;
    bool sales_told[IMPORT_PARTITIONS_MAX]; /* Its first command has said what it requires. */
    int64_t catalog_next[IMPORT_PARTITIONS_MAX];
    atomic_int undelivered; /* A code of the first record that Kafka did not take. */

    struct topo_kafka_end *began; /* The ends of all topics before anything was sent. */
    size_t began_count;

    int64_t *stock_adjusted;  /* By product: units added by the import, */
    int64_t *stock_committed; /* and units sold to its orders. */
};

/* -- import_send.c -- */

/* Number of the command whose answer is waited for, all of the set-up. */
int import_send_product(struct import *import, size_t product, struct mr_error *error);
int import_send_stock(struct import *import, size_t product, struct mr_error *error);
int import_send_customer(struct import *import, size_t customer, struct mr_error *error);
int import_send_basket(struct import *import, size_t basket, struct mr_error *error);

/* The order of a basket, the same in every run. */
struct shop_id import_order_id(const struct import *import, size_t basket);
struct shop_id import_customer_command(const struct import *import, size_t customer);

/* -- import_track.c -- */

int import_open_reader(struct import *import, struct mr_error *error);

/* Takes in what has come within timeout_ms. Returns the number of records or a code. */
int import_poll(struct import *import, int timeout_ms, struct mr_error *error);

/* Reads sales.order.events up to what was there at the start. */
int import_catch_up(struct import *import, struct mr_error *error);

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
