/* cart_check.c - every output against the total at its version, every last state line by line. */
#include "cart_check.h"

#include "cart_workload.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SILENT_POLLS_MAX = 200, CHECK_POLL_MS = 100 };

struct expected {
    struct cart cart;
    int64_t *totals; /* By version - 1. */
    size_t room;
    int64_t seen;    /* The version of the last output. */
    bool state_same; /* The last state that was read is the cart. */
};

struct check {
    struct expected *carts;
    uint64_t outputs, wrong, malformed, states;
};

/* The rest of an Avro value; `bad` once something in it was not as it should be. */
struct rest {
    const uint8_t *at, *end;
    bool bad;
};

static int64_t take_long(struct rest *rest)
{
    uint64_t bits = 0;
    for (int shift = 0; shift < 64 && rest->at < rest->end; shift += 7) {
        uint8_t byte = *rest->at++;
        bits |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return (int64_t)(bits >> 1) ^ -(int64_t)(bits & 1);
    }
    rest->bad = true;
    return 0;
}

static struct mr_bytes take_text(struct rest *rest)
{
    int64_t len = take_long(rest);
    if (rest->bad || len < 0 || len > rest->end - rest->at) {
        rest->bad = true;
        return (struct mr_bytes){0};
    }
    rest->at += len;
    return mr_bytes_of((const char *)rest->at - len, (size_t)len);
}

/* Past the frame and the cart's id, which must be the record's key. NULL: malformed. */
static struct expected *
open_value(struct check *check, const struct topo_record *record, int schema_id, struct rest *rest)
{
    const uint8_t frame[CART_FRAME_BYTES] = {0, 0, 0, 0, (uint8_t)schema_id};
    int64_t cart = cart_of_key(record->key.ptr, record->key.len);
    if (cart < 0 || record->value.len < sizeof frame ||
        memcmp(record->value.ptr, frame, sizeof frame) != 0)
        return NULL;
    rest->at = (const uint8_t *)record->value.ptr + sizeof frame;
    rest->end = (const uint8_t *)record->value.ptr + record->value.len;
    rest->bad = false;
    struct mr_bytes id = take_text(rest);
    return mr_bytes_equal(id, record->key) ? &check->carts[cart] : NULL;
}

static void check_output(struct check *check, const struct topo_record *record)
{
    struct rest rest;
    struct expected *expected = open_value(check, record, CART_TOTAL_ID, &rest);
    check->outputs++;
    if (!expected) {
        check->malformed++;
        return;
    }
    int64_t total = take_long(&rest);
    int64_t version = take_long(&rest);
    if (rest.bad || rest.at != rest.end)
        check->malformed++;
    else if (
        version != expected->seen + 1 || version > expected->cart.version ||
        total != expected->totals[version - 1])
        check->wrong++;
    else
        expected->seen = version;
}

static bool line_is_same(struct rest *rest, const struct cart_line *line)
{
    char sku[CART_SKU_LEN + 1];
    cart_sku(line->sku, sku);
    bool same = mr_bytes_equal(take_text(rest), mr_cstr(sku));
    same &= take_long(rest) == line->quantity;
    same &= take_long(rest) == line->price_minor;
    return same && !rest->bad;
}

/* The lines come in blocks; a negative count is followed by the block's size in bytes. */
static bool lines_are_same(struct rest *rest, const struct cart *cart)
{
    int read = 0;
    for (;;) {
        int64_t count = take_long(rest);
        if (count < 0) {
            count = -count;
            take_long(rest);
        }
        if (count == 0 || rest->bad)
            return !rest->bad && read == cart->count;
        if (count > cart->count - read)
            return false;
        for (; count > 0; count--)
            if (!line_is_same(rest, &cart->lines[read++]))
                return false;
    }
}

static void check_state(struct check *check, const struct topo_record *record)
{
    struct rest rest;
    struct expected *expected = open_value(check, record, CART_STATE_ID, &rest);
    check->states++;
    if (!expected) {
        check->malformed++;
        return;
    }
    bool same = lines_are_same(&rest, &expected->cart);
    same = same && take_long(&rest) == expected->cart.total_minor;
    same = same && take_long(&rest) == expected->cart.version;
    expected->state_same = same && !rest.bad && rest.at == rest.end;
}

static bool all_at_end(struct topo_kafka_reader *reader, const char *topic)
{
    for (int32_t i = 0; i < CART_PARTITIONS; i++)
        if (!topo_kafka_reader_at_end(reader, topic, i))
            return false;
    return true;
}

/* From the first record to the end that each partition has now. */
static int read_topic(
    const struct topo_kafka_options *options,
    const char *topic,
    void (*visit)(struct check *, const struct topo_record *),
    struct check *check,
    struct mr_error *error)
{
    struct topo_kafka_reader *reader;
    int rc = topo_kafka_reader_new(options, &reader, error);
    if (rc)
        return rc;
    for (int32_t i = 0; i < CART_PARTITIONS && rc == 0; i++)
        rc = topo_kafka_reader_add(reader, topic, i, TOPO_KAFKA_BEGIN, error);
    for (int silent = 0; rc == 0 && !all_at_end(reader, topic);) {
        const struct topo_record *records;
        int count = topo_kafka_reader_poll(reader, CHECK_POLL_MS, &records, error);
        silent = count == 0 ? silent + 1 : 0;
        if (count < 0)
            rc = count;
        else if (silent > SILENT_POLLS_MAX)
            rc = mr_fail(error, MR_TIMEOUT, "%s: its end does not come", topic);
        for (int i = 0; i < count; i++)
            visit(check, &records[i]);
    }
    topo_kafka_reader_free(reader);
    return rc;
}

static void fold_expected(struct check *check, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        struct cart_event event;
        cart_event_at(i, &event);
        struct expected *expected = &check->carts[event.cart];
        cart_apply(&expected->cart, &event);
        size_t version = (size_t)expected->cart.version;
        if (version > expected->room) {
            expected->room = version * 2;
            expected->totals = realloc(expected->totals, expected->room * sizeof(int64_t));
            if (!expected->totals)
                abort();
        }
        expected->totals[version - 1] = expected->cart.total_minor;
    }
}

static int print_verdict(struct check *check, uint64_t count, struct mr_error *error)
{
    uint64_t missing = 0, carts = 0, exact = 0;
    for (size_t i = 0; i < CART_COUNT; i++) {
        const struct expected *expected = &check->carts[i];
        missing += (uint64_t)(expected->cart.version - expected->seen);
        carts += expected->cart.version > 0;
        exact += expected->cart.version > 0 && expected->state_same;
    }
    bool same = check->outputs == count && missing == 0 && check->wrong == 0 &&
                check->malformed == 0 && exact == carts;
    printf(
        "{\"exact\": %s, \"outputs\": %" PRIu64 ", \"wrong\": %" PRIu64 ", \"missing\": %" PRIu64
        ", \"malformed\": %" PRIu64 ", \"carts\": %" PRIu64 ", \"states_exact\": %" PRIu64
        ", \"changelog\": %" PRIu64 "}\n",
        same ? "true" : "false",
        check->outputs,
        check->wrong,
        missing,
        check->malformed,
        carts,
        exact,
        check->states);
    return same ? 0 : mr_fail(error, MR_CONFLICT, "the outputs or the states are not the fold's");
}

int cart_check(
    const struct topo_kafka_options *options,
    uint64_t count,
    const char *totals,
    const char *changelog,
    struct mr_error *error)
{
    struct check check = {.carts = calloc(CART_COUNT, sizeof(struct expected))};
    if (!check.carts)
        abort();
    fold_expected(&check, count);
    int rc = read_topic(options, totals, check_output, &check, error);
    if (rc == 0)
        rc = read_topic(options, changelog, check_state, &check, error);
    if (rc == 0)
        rc = print_verdict(&check, count, error);
    for (size_t i = 0; i < CART_COUNT; i++)
        free(check.carts[i].totals);
    free(check.carts);
    return rc;
}
