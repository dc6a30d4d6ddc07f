/*
 * saga_shop.h - one order in a world of its own: the real aggregates, a payment provider that may
 * do anything, a transport that keeps no order, and somebody else who wants the same units.
 *
 * A node is a world and the messages under way, as a set: any of them may be next, some may come
 * twice, and what goes to or comes from the provider may be lost.
 */
#ifndef TESTS_SAGA_SHOP_H
#define TESTS_SAGA_SHOP_H

#include "saga_world.h"

enum { SAGA_LINES_MAX = 2, SAGA_STEPS_MAX = 160 };

/* Faults put into the transport, to show that the checker can see them. */
enum saga_mutant {
    MUTANT_NONE,
    MUTANT_NO_TOMBSTONE,         /* An early ReleaseStock leaves nothing behind. */
    MUTANT_DEAF_WHILE_RETURNING, /* The provider's success is dropped once the money goes back. */
    MUTANT_NOT_FOUND_IS_FINAL,   /* After "not found" nobody asks again. */
    MUTANT_RESERVE_AFTER_RELEASE,
    MUTANT_REFUND_KEYS_FORGOTTEN, /* The provider gives back again what has the same key. */
};

struct saga_options {
    int lines;      /* 1 or 2, of one unit each; one unit of each is there. */
    int duplicates; /* Deliveries that may leave their message behind. */
    bool intents;   /* The provider can void what it has not heard of. */
    bool captures_at_once;
    bool capture_declines; /* The provider may refuse a capture. */
    bool refunds;          /* An operator gives 40 of 100 back once the order is confirmed. */
    enum saga_mutant mutant;
};

/* The provider's true state. */
enum saga_psp {
    PSP_NOTHING,
    PSP_AUTHORIZED,
    PSP_CAPTURED,
    PSP_VOIDED,
    PSP_REFUNDED,
    PSP_DECLINED,
};

struct saga_node {
    struct world world;
    uint64_t messages;
    uint8_t psp, duplicates, cancels, taken[SAGA_LINES_MAX];
    uint8_t refunds, refunded, refund_keys; /* At the provider: how much, by which keys. */
};

/* The key of a node: two nodes with equal keys behave alike. */
struct saga_key {
    uint64_t messages;
    uint8_t psp, duplicates, cancels, taken[SAGA_LINES_MAX];
    uint8_t order_flags, payment_fact, lines[SAGA_LINES_MAX];
    uint8_t holds[SAGA_LINES_MAX], on_hand[SAGA_LINES_MAX], reserved[SAGA_LINES_MAX];
    uint8_t payment_flags, payment_facts, op;
    uint8_t refunds, refunded, refund_keys, order_wants, order_heard;
    uint8_t payment_wants, payment_gave, refund_to, refund_op;
};

enum { ORDER_ABORTING = 1, ORDER_CONFIRMED = 2, ORDER_ENDED = 4 };

void saga_open(const struct saga_options *options, struct saga_node *ret_start);
void saga_close(void);

struct saga_key saga_key_of(const struct saga_node *node);

/* Every node that can be next; `ret_labels` say how. Returns how many. */
int saga_steps(const struct saga_node *node, struct saga_node *ret_next, const char **ret_labels);

/* Returns the invariant that is broken; NULL when all is well. `ret_good`: a clean end. */
const char *
saga_violation(const struct saga_node *node, const struct saga_key *key, bool *ret_good);

#endif
