/*
 * psp.h - a payment provider, as the connector sees it: requests go in, answers come out, later.
 *
 * An answer is what is true at the provider, whichever operation asked. There may be none, one or
 * several for a request, at any time and in any order: the payment aggregate copes with all of it,
 * for the operation's key makes a repeated request harmless and the answer's id a repeated answer.
 *
 * Threads  submit and take: any thread.
 * Memory   submit copies what it keeps; what take returns is in the arena.
 */
#ifndef PAYMENT_CONNECTOR_PSP_H
#define PAYMENT_CONNECTOR_PSP_H

#include <base/arena.h>
#include <base/error.h>

struct psp_request {
    struct mr_bytes payment_id;
    struct mr_bytes op;           /* SHOP_OP_* of processors/shop.h. */
    struct mr_bytes op_key;       /* The idempotency key. */
    struct mr_bytes method_token; /* Empty when the operation came without one. */
    int64_t amount_minor;
    int64_t refund_total_minor; /* All that is back after a refund; 0: its amount. */
    struct mr_bytes currency;
};

struct psp_answer {
    struct mr_bytes payment_id;
    struct mr_bytes op;
    struct mr_bytes op_key;
    struct mr_bytes result; /* SHOP_PSP_* */
    struct mr_bytes psp_ref;
    struct mr_bytes psp_event_id;  /* The same answer twice has the same. */
    struct mr_bytes decline_class; /* NULL unless declined: "soft", "hard" or "fraud". */
    struct mr_bytes psp_code;      /* NULL: none. */
    int64_t amount_minor;          /* With "refunded": what is back in all. */
    struct mr_bytes currency;
};

struct psp {
    void *self;

    /* MR_AGAIN: too much is under way; nothing was sent, and the request will be made again. */
    int (*submit)(
        void *self, const struct psp_request *request, int64_t now_ms, struct mr_error *error);

    /* True: *ret_answer is the next answer that has come by now_ms. */
    bool (*take)(void *self, int64_t now_ms, struct mr_arena *arena, struct psp_answer *ret_answer);
};

#endif
