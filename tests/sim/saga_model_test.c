/*
 * saga_model_test.c - the checkout saga, explored exhaustively with the real decide and evolve:
 * every order of messages, losses at the provider, timers, a competitor, and cancellation at any
 * moment.
 *
 * Safety holds in every state, and from every state a clean end is reachable. The mutants show that
 * the checker would see it otherwise. MILLRACE_SAGA=<name of a run below>, or =all, adds duplicates
 * and two lines: minutes and gigabytes each. DESIGN.md has what they came to.
 */
#include "saga_shop.h"

#include <base/alloc.h>
#include <tests/cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

struct edge {
    uint32_t from, to;
};

struct explored {
    struct saga_node *nodes;
    struct saga_key *keys;
    uint32_t *parents;
    const char **labels;
    bool *good;
    size_t count, capacity;
    struct edge *edges;
    size_t edges_count, edges_capacity;
    uint32_t *table; /* Node + 1. */
    size_t table_size;
    const char *violation; /* The first. */
    size_t violations, violation_at, stuck, stuck_at, confirmed;
};

static uint64_t hash_of(const struct saga_key *key)
{
    return mr_bytes_hash(mr_bytes_of(key, sizeof *key));
}

static void insert_node(struct explored *e, uint32_t node)
{
    size_t at = hash_of(&e->keys[node]) & (e->table_size - 1);
    while (e->table[at])
        at = (at + 1) & (e->table_size - 1);
    e->table[at] = node + 1;
}

static void grow_table(struct explored *e)
{
    if (e->count < e->capacity)
        return;
    e->capacity = e->capacity ? e->capacity * 2 : 4096;
    e->nodes = mr_realloc(e->nodes, e->capacity * sizeof *e->nodes);
    e->keys = mr_realloc(e->keys, e->capacity * sizeof *e->keys);
    e->parents = mr_realloc(e->parents, e->capacity * sizeof *e->parents);
    e->labels = mr_realloc(e->labels, e->capacity * sizeof *e->labels);
    e->good = mr_realloc(e->good, e->capacity * sizeof *e->good);
    free(e->table);
    e->table_size = e->capacity * 2;
    e->table = mr_calloc(e->table_size, sizeof *e->table);
    for (size_t i = 0; i < e->count; i++)
        insert_node(e, (uint32_t)i);
}

static uint32_t
visit_node(struct explored *e, const struct saga_node *node, uint32_t parent, const char *label)
{
    struct saga_key key = saga_key_of(node);
    grow_table(e);
    for (size_t at = hash_of(&key) & (e->table_size - 1); e->table[at];
         at = (at + 1) & (e->table_size - 1))
        if (memcmp(&e->keys[e->table[at] - 1], &key, sizeof key) == 0)
            return e->table[at] - 1;
    uint32_t id = (uint32_t)e->count++;
    e->nodes[id] = *node;
    e->keys[id] = key;
    e->parents[id] = parent;
    e->labels[id] = label;
    insert_node(e, id);
    const char *violation = saga_violation(node, &key, &e->good[id]);
    if (violation && e->violations++ == 0) {
        e->violation = violation;
        e->violation_at = id;
    }
    e->confirmed += (key.order_flags & ORDER_CONFIRMED) != 0;
    return id;
}

/* Backwards from the good states: what is not reached can never end well. */
static void find_stuck(struct explored *e)
{
    size_t *first = mr_calloc(e->count + 2, sizeof *first);
    uint32_t *froms = mr_malloc((e->edges_count + 1) * sizeof *froms);
    uint32_t *queue = mr_malloc((e->count + 1) * sizeof *queue);
    bool *reached = mr_calloc(e->count + 1, sizeof *reached);
    size_t queued = 0;
    for (size_t i = 0; i < e->edges_count; i++)
        first[e->edges[i].to + 1]++;
    for (size_t i = 0; i < e->count; i++)
        first[i + 1] += first[i];
    size_t *fill = mr_memdup(first, (e->count + 1) * sizeof *first);
    for (size_t i = 0; i < e->edges_count; i++)
        froms[fill[e->edges[i].to]++] = e->edges[i].from;
    for (size_t i = 0; i < e->count; i++)
        if (e->good[i]) {
            reached[i] = true;
            queue[queued++] = (uint32_t)i;
        }
    for (size_t at = 0; at < queued; at++)
        for (size_t i = first[queue[at]]; i < first[queue[at] + 1]; i++)
            if (!reached[froms[i]]) {
                reached[froms[i]] = true;
                queue[queued++] = froms[i];
            }
    for (size_t i = 0; i < e->count; i++)
        if (!reached[i] && e->stuck++ == 0)
            e->stuck_at = i;
    free(first);
    free(fill);
    free(froms);
    free(queue);
    free(reached);
}

static struct explored explore_all(const struct saga_options *options)
{
    static struct saga_node next[SAGA_STEPS_MAX];
    static const char *labels[SAGA_STEPS_MAX];
    struct explored e = {0};
    struct saga_node start;
    saga_open(options, &start);
    visit_node(&e, &start, UINT32_MAX, "start");
    for (size_t i = 0; i < e.count && e.violations == 0; i++) {
        struct saga_node node = e.nodes[i];
        int count = saga_steps(&node, next, labels);
        for (int k = 0; k < count; k++) {
            uint32_t to = visit_node(&e, &next[k], (uint32_t)i, labels[k]);
            if (to == i)
                continue;
            e.edges = mr_grow(e.edges, e.edges_count, &e.edges_capacity, sizeof *e.edges);
            e.edges[e.edges_count++] = (struct edge){(uint32_t)i, to};
        }
    }
    if (e.violations == 0)
        find_stuck(&e);
    print_message(
        "lines=%d duplicates=%d intents=%d at_once=%d capture_declines=%d mutant=%d: states=%zu "
        "edges=%zu confirmed=%zu violations=%zu stuck=%zu\n",
        options->lines,
        options->duplicates,
        options->intents,
        options->captures_at_once,
        options->capture_declines,
        (int)options->mutant,
        e.count,
        e.edges_count,
        e.confirmed,
        e.violations,
        e.stuck);
    return e;
}

static void explain_path(const struct explored *e, size_t node, const char *why)
{
    const char *path[512];
    size_t depth = 0;
    for (size_t at = node; at != UINT32_MAX && depth < 512; at = e->parents[at])
        path[depth++] = e->labels[at];
    print_message("-- %s, after:\n", why);
    while (depth)
        print_message("   %s\n", path[--depth]);
    const struct saga_key *key = &e->keys[node];
    print_message(
        "   order=%d payment_fact=%c lines=%d%d holds=%d%d psp=%d payment: flags=%d facts=%d\n",
        key->order_flags,
        key->payment_fact,
        key->lines[0],
        key->lines[1],
        key->holds[0],
        key->holds[1],
        key->psp,
        key->payment_flags,
        key->payment_facts);
}

static void clean_up(struct explored *e)
{
    free(e->nodes);
    free(e->keys);
    free(e->parents);
    free(e->labels);
    free(e->good);
    free(e->edges);
    free(e->table);
    saga_close();
}

static void saga_holds(struct saga_options options)
{
    struct explored e = explore_all(&options);
    if (e.violations)
        explain_path(&e, e.violation_at, e.violation);
    if (e.stuck)
        explain_path(&e, e.stuck_at, "no clean end can be reached");
    assert_int_equal(e.violations, 0);
    assert_int_equal(e.stuck, 0);
    assert_true(e.confirmed > 0);
    clean_up(&e);
}

static void is_caught(struct saga_options options)
{
    struct explored e = explore_all(&options);
    assert_true(e.violations > 0 || e.stuck > 0);
    clean_up(&e);
}

static void one_line_with_intents(void **state)
{
    (void)state;
    saga_holds((struct saga_options){.lines = 1, .intents = true, .capture_declines = true});
}

static void one_line_without_intents(void **state)
{
    (void)state;
    saga_holds((struct saga_options){.lines = 1});
}

static void one_line_captured_at_once(void **state)
{
    (void)state;
    saga_holds((struct saga_options){.lines = 1, .intents = true, .captures_at_once = true});
}

static void one_line_refunded_in_part(void **state)
{
    (void)state;
    saga_holds((struct saga_options){.lines = 1, .intents = true, .refunds = true});
}

/* For a change to the saga itself. */
static const struct {
    const char *name;
    struct saga_options options;
} runs[] = {
    {"1-line-at-once-no-intents", {.lines = 1, .captures_at_once = true}},
    {"1-line-1-duplicate", {.lines = 1, .duplicates = 1, .intents = true}},
    {"1-line-1-duplicate-no-intents", {.lines = 1, .duplicates = 1}},
    {"1-line-2-duplicates-no-intents", {.lines = 1, .duplicates = 2}},
    {"1-line-1-duplicate-refunds", {.lines = 1, .duplicates = 1, .intents = true, .refunds = true}},
    {"1-line-refunds-no-intents", {.lines = 1, .refunds = true}},
    {"2-lines", {.lines = 2, .intents = true}},
    {"2-lines-no-intents", {.lines = 2}},
    {"2-lines-1-duplicate", {.lines = 2, .duplicates = 1, .intents = true}},
    {"2-lines-1-duplicate-no-intents", {.lines = 2, .duplicates = 1}},
    {"2-lines-1-duplicate-at-once",
     {.lines = 2, .duplicates = 1, .intents = true, .captures_at_once = true}},
    {"2-lines-1-duplicate-at-once-no-intents",
     {.lines = 2, .duplicates = 1, .captures_at_once = true}},
};

static void the_named_runs(void **state)
{
    (void)state;
    const char *wanted = getenv("MILLRACE_SAGA");
    size_t ran = 0;
    if (!wanted)
        skip();
    for (size_t i = 0; i < sizeof runs / sizeof runs[0]; i++) {
        struct rusage usage;
        if (strcmp(wanted, "all") != 0 && strcmp(wanted, runs[i].name) != 0)
            continue;
        print_message("-- %s\n", runs[i].name);
        saga_holds(runs[i].options);
        ran++;
        assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
        print_message(
            "   %ld s of CPU, %ld MB at most, so far\n",
            (long)usage.ru_utime.tv_sec,
            usage.ru_maxrss / 1024);
    }
    if (ran == 0)
        fail_msg("MILLRACE_SAGA=%s names no run", wanted);
}

static void mutant_without_tombstones_leaks_stock(void **state)
{
    (void)state;
    is_caught((struct saga_options){.lines = 1, .intents = true, .mutant = MUTANT_NO_TOMBSTONE});
}

static void mutant_deaf_while_returning_keeps_money(void **state)
{
    (void)state;
    is_caught((struct saga_options){.lines = 1, .mutant = MUTANT_DEAF_WHILE_RETURNING});
}

static void mutant_not_found_is_final_keeps_money(void **state)
{
    (void)state;
    is_caught((struct saga_options){.lines = 1, .mutant = MUTANT_NOT_FOUND_IS_FINAL});
}

static void mutant_reserving_after_release_leaks_stock(void **state)
{
    (void)state;
    is_caught(
        (struct saga_options){.lines = 1, .intents = true, .mutant = MUTANT_RESERVE_AFTER_RELEASE});
}

static void mutant_keys_forgotten_refunds_twice(void **state)
{
    (void)state;
    is_caught((struct saga_options){
        .lines = 1, .intents = true, .refunds = true, .mutant = MUTANT_REFUND_KEYS_FORGOTTEN});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mutant_without_tombstones_leaks_stock),
        cmocka_unit_test(mutant_deaf_while_returning_keeps_money),
        cmocka_unit_test(mutant_not_found_is_final_keeps_money),
        cmocka_unit_test(mutant_reserving_after_release_leaks_stock),
        cmocka_unit_test(mutant_keys_forgotten_refunds_twice),
        cmocka_unit_test(one_line_refunded_in_part),
        cmocka_unit_test(one_line_with_intents),
        cmocka_unit_test(one_line_without_intents),
        cmocka_unit_test(one_line_captured_at_once),
        cmocka_unit_test(the_named_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
