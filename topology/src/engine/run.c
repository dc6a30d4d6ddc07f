/*
 * run.c - the records of the running tasks: which one is next, through the graph, out or to the
 * dead letters.
 *
 * A record     run_next_queue -> run_process_record -> txn_emit, or run_dead_letter
 *
 * Invariants
 *   1. A record is done whole or undone whole. Its outputs are produced after it succeeded; its
 *      writes are rolled back if it did not.
 *   2. Only errors of class POISON make a dead letter. All others end the turn.
 *   3. A record whose outputs the log refuses goes to the dead letters when it comes again, and is
 *      committed alone: nothing else can undo that.
 *   4. A dead letter that the log refuses is cut until it fits, and says so. If nothing helps, the
 *      task blocks: no record vanishes.
 *   5. queue.next moves behind a record only when it is done.
 */
#include "run.h"

#include "context.h"
#include "input.h"
#include "txn.h"

#include <base/clock.h>

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    TURN_RECORDS = 128,  /* Records of one task, before the next task's turn. */
    STEP_RECORDS = 2048, /* Before the group is polled again. */
    HELD_MS_MAX = 2000,
    UNHELD_MS = 20000,       /* After a wait: a tenth of a long lag is waited for. */
    POSITION_TEXT_MAX = 320, /* A topic's name has at most 249 characters. */
};

/* -- which record is next -- */

/* "topic:partition:next": false when it does not parse; then no record waits for it. */
static bool run_parse_position(char *text, struct topo_position *ret_position)
{
    char *next = strrchr(text, ':');
    if (!next || next == text)
        return false;
    *next++ = '\0';
    char *partition = strrchr(text, ':');
    if (!partition)
        return false;
    *partition++ = '\0';
    ret_position->topic = text;
    ret_position->partition = (int32_t)strtol(partition, NULL, 10);
    ret_position->next_offset = strtoll(next, NULL, 10);
    return true;
}

static bool run_is_reached(struct worker *worker, char *text)
{
    struct topo_position position = {0};
    struct graph_sub *sub = NULL;
    if (!run_parse_position(text, &position) ||
        !graph_input_of(worker->engine->topology, position.topic, true, &sub))
        return true;
    int64_t next = watch_next(&worker->engine->watches, sub, position.topic, position.partition);
    return next < 0 || next >= position.next_offset;
}

static bool run_all_reached(struct worker *worker, struct mr_bytes positions)
{
    char text[POSITION_TEXT_MAX];
    while (positions.len > 0) {
        const char *comma = memchr(positions.ptr, ',', positions.len);
        size_t len = comma ? (size_t)(comma - positions.ptr) : positions.len;
        struct mr_bytes one = mr_bytes_of(positions.ptr, len);
        size_t passed = len + (comma != NULL);
        positions = mr_bytes_of(positions.ptr + passed, positions.len - passed);
        if (one.len >= sizeof text) /* It does not parse, either. */
            continue;
        memcpy(text, one.ptr, one.len);
        text[one.len] = '\0';
        if (!run_is_reached(worker, text))
            return false;
    }
    return true;
}

/* A head that is asked for the first time, with its time; or the clock went back. */
static void run_begin_hold(const struct worker *worker, struct queue *queue, int64_t offset)
{
    if (queue->held_offset != offset || queue->held_until_ms > worker->now_ms + HELD_MS_MAX)
        queue->held_until_ms = worker->now_ms + HELD_MS_MAX;
    queue->held_offset = offset;
}

/* The wait is for the lag of the tables, not for each record: who comes behind one that gave up
 * does not wait for the same again. */
static bool run_gives_up(struct worker *worker, struct queue *queue)
{
    bool out_of_time = worker->now_ms >= queue->held_until_ms;
    bool for_all = worker->now_ms < queue->unheld_until_ms &&
                   queue->unheld_until_ms <= worker->now_ms + UNHELD_MS;
    if (out_of_time)
        queue->unheld_until_ms = worker->now_ms + UNHELD_MS;
    if (out_of_time || for_all)
        metrics_add(&worker->engine->metrics.holds_given_up, 1);
    return out_of_time || for_all;
}

static bool run_is_held(struct worker *worker, struct queue *queue)
{
    const struct topo_record *record = &queue_head(queue)->record;
    bool asked = queue->held_offset == record->offset;
    if (record->headers_count == 0 || (asked && queue->held_until_ms == INT64_MIN))
        return false;
    struct mr_bytes positions = topo_record_header(record, "requires-position");
    bool reached = positions.ptr && run_all_reached(worker, positions);
    run_begin_hold(worker, queue, record->offset);
    if (reached)
        queue->unheld_until_ms = INT64_MIN;
    if (!positions.ptr || reached || run_gives_up(worker, queue))
        queue->held_until_ms = INT64_MIN;
    return queue->held_until_ms != INT64_MIN;
}

/* KIP-695: an empty queue is waited for, a bounded time, while the broker has more for it. */
static bool run_waits_for_queue(struct worker *worker, struct queue *queue)
{
    int64_t max_ms = worker->engine->options.max_task_idle_ms;
    int64_t waited_ms = worker->now_ms - queue->idle_since_ms;
    bool stale = queue->idle_since_ms < 0 || waited_ms < 0 || waited_ms >= max_ms;
    if (stale) {
        if (queue->idle_since_ms >= 0)
            queue->gave_up_high = queue->idle_high;
        queue->idle_high = worker->io.known_end(worker->io.self, queue->partition);
        if (queue->idle_high < 0)
            return false;
        queue->idle_since_ms = worker->now_ms;
    }
    return queue->next < queue->idle_high && queue->idle_high > queue->gave_up_high;
}

/* Queues of lower priority than `head` do not delay it. */
static bool run_waits_for_any(struct worker *worker, struct task *task, const struct queue *head)
{
    const int priority = head->input->source->priority;
    if (worker->engine->options.max_task_idle_ms <= 0)
        return false;
    bool waits = false;
    for (size_t i = 0; i < task->queues.count; i++) {
        struct queue *queue = &task->queues.items[i];
        if (queue->count == 0 && queue->input->source->priority <= priority)
            waits = run_waits_for_queue(worker, queue) || waits;
    }
    return waits;
}

static struct queue *run_next_queue(struct worker *worker, struct task *task)
{
    if (task->state != TASK_RUNNING)
        return NULL;
    struct queue *queue = queues_next(&task->queues);
    if (!queue || run_is_held(worker, queue) || run_waits_for_any(worker, task, queue))
        return NULL;
    return queue;
}

bool run_has_input(struct worker *worker)
{
    for (size_t i = 0; i < worker->tasks_count; i++)
        if (run_next_queue(worker, worker->tasks[i]))
            return true;
    return false;
}

/* -- dead letters -- */

static void
run_count_dead_letter(const struct worker *worker, const struct graph_node *node, int code)
{
    const struct metrics *metrics = &worker->engine->metrics;
    size_t row = node ? node->index : metrics->nodes_count;
    metrics_add(&metrics->dead_letters[row * METRICS_CLASSES + mr_code_class(code)], 1);
}

static struct topo_header *run_add_header(
    struct topo_header *headers, struct mr_arena *arena, const char *name, struct mr_bytes value)
{
    *headers = (struct topo_header){mr_cstr(name), mr_arena_copy(arena, value)};
    return headers + 1;
}

/* A letter with its headers is larger than the record was: so much of it is left out. */
enum run_cut { RUN_WHOLE, RUN_HALF_VALUE, RUN_NO_VALUE, RUN_KEY_ONLY, RUN_CUTS };

static struct topo_record
run_cut_letter(const struct topo_record *record, enum run_cut cut, size_t *ret_own_headers)
{
    struct topo_record letter = *record;
    if (cut == RUN_HALF_VALUE)
        letter.value.len /= 2;
    else if (cut > RUN_HALF_VALUE && letter.value.ptr)
        letter.value.len = 0;
    *ret_own_headers = cut == RUN_KEY_ONLY ? 0 : record->headers_count;
    return letter;
}

/* With its own bytes and headers, and where it came from and why it is here. */
static int run_produce_dead_letter(
    struct worker *worker,
    struct task *task,
    const struct topo_record *record,
    const struct graph_node *node,
    const struct mr_error *why,
    enum run_cut cut,
    struct mr_error *error)
{
    struct mr_arena *arena = &task->context.arena;
    size_t own = 0;
    struct topo_record letter = run_cut_letter(record, cut, &own);
    struct topo_header *headers = mr_arena_alloc(arena, (own + 6) * sizeof *headers);
    for (size_t i = 0; i < own; i++)
        headers[i] = record->headers[i];
    struct topo_header *more = headers + own;
    const char *name = node ? node->name : "";
    more = run_add_header(more, arena, "dead-letter-reason", mr_cstr(why->text));
    more = run_add_header(more, arena, "dead-letter-topic", mr_cstr(record->topic));
    struct mr_bytes number = mr_arena_printf(arena, "%" PRId32, record->partition);
    more = run_add_header(more, arena, "dead-letter-partition", number);
    number = mr_arena_printf(arena, "%" PRId64, record->offset);
    more = run_add_header(more, arena, "dead-letter-offset", number);
    more = run_add_header(more, arena, "dead-letter-node", mr_cstr(name));
    number = mr_arena_printf(arena, "%zu", record->value.len);
    if (cut != RUN_WHOLE)
        more = run_add_header(more, arena, "dead-letter-cut", number);
    letter.headers = headers;
    letter.headers_count = (size_t)(more - headers);
    const struct topo_partition to = {worker->engine->topology->dead_letters, -1};
    return txn_produce(worker, &to, &letter, error);
}

static int run_fail_without_topic(
    const struct topo_record *record, const struct mr_error *why, struct mr_error *error)
{
    return mr_fail(
        error,
        MR_FATAL,
        "%s/%" PRId32 " offset %" PRId64
        " cannot be processed, and the topology has no dead-letter topic for it: %s",
        record->topic,
        record->partition,
        record->offset,
        why->text);
}

static int run_block_task(
    struct task *task,
    const struct topo_record *record,
    const struct mr_error *why,
    struct mr_error *error)
{
    struct mr_bytes where = mr_arena_printf(
        &task->context.arena,
        "%s/%" PRId32 " offset %" PRId64,
        record->topic,
        record->partition,
        record->offset);
    return txn_block_task(task, mr_arena_cstr(&task->context.arena, where), why, error);
}

/* `cut`: what the log has refused of it before is not tried again. */
static int run_dead_letter(
    struct worker *worker,
    struct task *task,
    const struct topo_record *record,
    const struct graph_node *node,
    const struct mr_error *why,
    int cut,
    struct mr_error *error)
{
    if (!worker->engine->topology->dead_letters)
        return run_fail_without_topic(record, why, error);
    run_count_dead_letter(worker, node, why->code);
    struct mr_error refused = {0};
    int rc = MR_TOO_LARGE;
    for (; cut < RUN_CUTS && mr_code_class(rc) == MR_CLASS_POISON; cut++)
        rc = run_produce_dead_letter(worker, task, record, node, why, (enum run_cut)cut, &refused);
    if (mr_code_class(rc) == MR_CLASS_POISON) {
        mr_fail(&refused, MR_CORRUPT, "not even its key goes to the dead letters: %s", why->text);
        task->block_action = "raise max.message.bytes of the topic of dead letters";
        return run_block_task(task, record, &refused, error);
    }
    if (rc)
        return mr_fail(error, rc, "%s", refused.text);
    host_log(
        worker->engine,
        MR_LOG_WARN,
        "dead-letter",
        "topic=%s partition=%" PRId32 " offset=%" PRId64 " node=%s cut=%d reason=\"%s\"",
        record->topic,
        record->partition,
        record->offset,
        node ? node->name : "",
        cut - 1,
        why->text);
    return 0;
}

/* -- a record -- */

/* Committed at once: another record that is refused must not undo what is known of this one. */
static int run_dead_letter_refused(
    struct worker *worker,
    struct task *task,
    const struct queue_refusal *refusal,
    const struct topo_record *record,
    struct mr_error *error)
{
    struct mr_error why = {0};
    mr_fail(&why, refusal->code, "%s", refusal->reason);
    worker->txn.wanted = true;
    worker->one_by_one = 0;
    return run_dead_letter(worker, task, record, NULL, &why, refusal->times - 1, error);
}

static int run_process_record(
    struct worker *worker,
    struct task *task,
    struct queue *queue,
    const struct topo_record *record,
    struct mr_error *error)
{
    assert(task->state == TASK_RUNNING && task->context.outputs_count == 0);
    struct mr_error why = {0};
    if (queue->refusal.offset == record->offset)
        return run_dead_letter_refused(worker, task, &queue->refusal, record, error);
    size_t emitted = 0;
    struct topo_context *context = &task->context;
    context->commit_requested = false;
    store_set_savepoint(task->set);
    int rc = context_run(context, queue->input->source, record, worker->now_ms, &why);
    if (mr_code_class(rc) == MR_CLASS_POISON) {
        store_set_rollback(task->set);
        return run_dead_letter(worker, task, record, context->failed, &why, RUN_WHOLE, error);
    }
    if (rc == MR_CORRUPT)
        return run_block_task(task, record, &why, error);
    if (!rc) {
        rc = txn_emit(worker, task, &emitted, &why);
        if (mr_code_class(rc) == MR_CLASS_POISON) {
            /* Other outputs of this record may be in the transaction already, so it ends. */
            queue_refuse(queue, record->offset, rc, why.text);
            rc = MR_ABORTED;
        }
    }
    if (rc)
        return mr_fail(error, rc, "%s", why.text);
    store_set_release(task->set);
    bool alone = worker->one_by_one > 0;
    worker->txn.wanted = worker->txn.wanted || context->commit_requested || alone;
    return 0;
}

/* Step 3 of an event's path: runs the next record through the graph, then produces its outputs. */
static int run_next_record(
    struct worker *worker, struct task *task, struct queue *queue, struct mr_error *error)
{
    const struct queued *head = queue_head(queue);
    txn_now_ms(worker);
    txn_touch(worker);
    int rc = run_process_record(worker, task, queue, &head->record, error);
    if (rc)
        return rc;
    queue->next = head->record.offset + 1;
    worker->txn.records++;
    worker->txn.last = queue;
    worker->txn.last_offset = head->record.offset;
    input_release(worker, queue);
    return 0;
}

static int
run_task(struct worker *worker, struct task *task, int64_t *ret_count, struct mr_error *error)
{
    int64_t count = 0;
    int rc = 0;
    while (count < TURN_RECORDS && !rc) {
        struct queue *queue = run_next_queue(worker, task);
        if (!queue)
            break;
        rc = run_next_record(worker, task, queue, error);
        count++;
        if (worker->txn.wanted)
            break;
    }
    *ret_count = count;
    return rc;
}

int run_records(struct worker *worker, struct mr_error *error)
{
    int64_t began_ns = mr_monotonic_ns();
    int64_t total = 0;
    bool more = true;
    int rc = 0;
    while (more && !rc && total < STEP_RECORDS && !txn_is_due(worker, false)) {
        more = false;
        for (size_t i = 0; i < worker->tasks_count && !rc; i++) {
            int64_t count = 0;
            rc = run_task(worker, worker->tasks[i], &count, error);
            total += count;
            more = more || count > 0;
        }
    }
    if (total > 0) {
        struct metrics *metrics = &worker->engine->metrics;
        metrics_add(&metrics->records, (uint64_t)total);
        metrics_add(&metrics->process_ns, (uint64_t)(mr_monotonic_ns() - began_ns));
        worker->progress = true;
    }
    return rc;
}
