/*
 * kafka_io.c - the outside of a worker, on Kafka: struct topo_io over the clients it needs.
 *
 * Transitions, each with the function that performs it
 *     input    records until the group has news (io_poll); revoked: the fetched ones are dropped
 *              (poll_member), and the group goes on at the next poll (kafka_member_settle)
 *     output   io_init_transactions, and again after an end that is not known; then
 *              io_begin -> io_produce* -> io_flush -> io_commit, again and again; io_abort instead,
 *              from anywhere behind io_begin
 *     log      io_log_add -> io_log_poll* -> io_log_remove
 *     end      io_close
 *
 * Invariants
 *   1. A client is made when it is first needed (need_input, need_member, need_log, need_query),
 *      and lives until io_close.
 *   2. The group's news come before records: none fetched before a revocation is delivered after.
 *   3. A poll says that the worker has put down what the poll before it revoked.
 *   4. Lanes take turns. A transaction begins only when the markers of the one before it are in the
 *      logs, so the engine can foresee its offsets; an abort waits for its own.
 *   5. A producer that has a request unanswered never begins again (renew_lane).
 *   6. Every commit carries an input offset: it is what fences a worker that lost its partitions.
 *   7. The producer closes before the membership, so that no transaction outlives it.
 *   8. Unread input that is gone is fatal; a log's is MR_NOT_FOUND, which the restore can cure.
 */
#include "kafka_impl.h"

#include <base/alloc.h>
#include <base/log.h>

#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

struct kafka_io {
    const struct topo_kafka_options *options;
    struct topo_io_options io_options; /* Its texts are ours. */
    struct kafka_member *member;
    struct kafka_fetcher *input;
    struct kafka_fetcher *log;
    struct kafka_txn *lanes[KAFKA_LANES];
    int lane; /* The lane of this transaction, or of the last one. */
    struct kafka_client query;
    int64_t unstable_since_ms; /* The committed offsets; 0: they are not. */
};

/* Beyond it no transaction is open any more: the broker has ended it. */
enum { UNSTABLE_MS = 3 * KAFKA_TRANSACTION_TIMEOUT_MS };

/* -- parts, made when they are first needed -- */

static int need_input(struct kafka_io *io, struct mr_error *error)
{
    return io->input ? 0 : kafka_fetcher_new(io->options, KAFKA_FETCH_INPUT, &io->input, error);
}

static int need_log(struct kafka_io *io, struct mr_error *error)
{
    return io->log ? 0 : kafka_fetcher_new(io->options, KAFKA_FETCH_LOG, &io->log, error);
}

static int need_member(struct kafka_io *io, struct mr_error *error)
{
    if (io->member)
        return 0;
    int rc = need_input(io, error);
    if (rc == 0)
        rc = kafka_member_new(io->options, &io->io_options, &io->member, error);
    if (rc == 0)
        kafka_member_wakes(io->member, io->input);
    return rc;
}

static int need_query(struct kafka_io *io, struct mr_error *error)
{
    return io->query.rk ? 0 : kafka_client_open_query(&io->query, io->options, error);
}

/* -- clock and chance -- */

static int64_t io_now_ms(void *self)
{
    struct timespec now;
    (void)self;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void io_random(void *self, void *out, size_t len)
{
    char *bytes = out;
    (void)self;
    while (len > 0) {
        ssize_t got = getrandom(bytes, len, 0);
        if (got > 0) {
            bytes += got;
            len -= (size_t)got;
        }
    }
}

/* -- input -- */

static int io_subscribe(void *self, const char *const *topics, size_t count, struct mr_error *error)
{
    struct kafka_io *io = self;
    int rc = need_member(io, error);
    return rc ? rc : kafka_member_subscribe(io->member, topics, count, error);
}

/* The group's wishes come before records: those fetched before a revocation are not delivered after
 * it. */
static int poll_member(struct kafka_io *io, struct topo_io_poll *ret_poll, struct mr_error *error)
{
    int rc = kafka_member_serve(io->member, error);
    if (rc)
        return rc;
    kafka_member_event(io->member, ret_poll);
    if (ret_poll->event == TOPO_IO_REVOKED || ret_poll->event == TOPO_IO_LOST)
        return kafka_fetcher_clear(io->input, error);
    return 0;
}

static int
io_poll(void *self, int timeout_ms, struct topo_io_poll *ret_poll, struct mr_error *error)
{
    struct kafka_io *io = self;
    struct topo_io_poll poll;
    int rc = need_member(io, error);
    if (rc)
        return rc;
    kafka_member_settle(io->member);
    rc = poll_member(io, &poll, error);
    if (rc == 0 && poll.event == TOPO_IO_NOTHING) {
        rc = kafka_fetcher_poll(io->input, timeout_ms, &poll, error);
        if (rc == MR_NOT_FOUND) /* Unread input is gone: nothing that a retry or a skip cures. */
            rc = error ? (error->code = MR_FATAL) : MR_FATAL;
        if (rc == 0 && poll.event == TOPO_IO_NOTHING && timeout_ms > 0)
            rc = poll_member(io, &poll, error);
    }
    if (rc == 0)
        *ret_poll = poll;
    return rc;
}

static void io_release(void *self, void *token)
{
    (void)self;
    kafka_token_release(token);
}

static int
io_seek(void *self, struct topo_partition partition, int64_t offset, struct mr_error *error)
{
    struct kafka_io *io = self;
    int rc = need_input(io, error);
    return rc ? rc : kafka_fetcher_seek(io->input, partition, offset, error);
}

static int
io_pause(void *self, struct topo_partition partition, bool paused, struct mr_error *error)
{
    struct kafka_io *io = self;
    int rc = need_input(io, error);
    return rc ? rc : kafka_fetcher_pause(io->input, partition, paused, error);
}

/* -- output -- */

static int need_lane(struct kafka_io *io, int lane, struct mr_error *error)
{
    return io->lanes[lane]
               ? 0
               : kafka_txn_new(io->options, &io->io_options, lane, &io->lanes[lane], error);
}

/* A new producer of the same name, whose epoch fences all that the old one has sent. When it has
 * its epoch, the coordinator has put the markers of the old one's last transaction. */
static int renew_lane(struct kafka_io *io, int lane, struct mr_error *error)
{
    kafka_txn_free(io->lanes[lane]);
    io->lanes[lane] = NULL;
    int rc = need_lane(io, lane, error);
    return rc ? rc : kafka_txn_init(io->lanes[lane], error);
}

/* A lane whose new producer has no epoch yet is not initialised: the next call goes on there. */
static int init_lane(struct kafka_io *io, int lane, struct mr_error *error)
{
    int rc = need_lane(io, lane, error);
    if (rc)
        return rc;
    if (!kafka_txn_is_initialised(io->lanes[lane]))
        return kafka_txn_init(io->lanes[lane], error);
    bool last = lane == io->lane; /* The one whose end is not known. */
    return last || kafka_txn_is_unsettled(io->lanes[lane]) ? renew_lane(io, lane, error) : 0;
}

/* All have a producer before the first asks for an epoch: they connect side by side. */
static int io_init_transactions(void *self, struct mr_error *error)
{
    struct kafka_io *io = self;
    int rc = 0;
    for (int i = 0; rc == 0 && i < KAFKA_LANES; i++)
        rc = need_lane(io, i, error);
    for (int i = 0; rc == 0 && i < KAFKA_LANES; i++)
        rc = init_lane(io, i, error);
    return rc;
}

/* -- the committed offsets -- */

/* A request of a transaction that has ended may reach the broker late. Its offsets then stay
 * unfinished, after a restart too: only the end of a transaction of the same producer with the same
 * group takes them away. */
static int
io_clear_offsets(struct kafka_io *io, struct topo_partition input, struct mr_error *error)
{
    int rc = 0;
    for (int i = 0; rc == 0 && i < KAFKA_LANES; i++)
        if (io->lanes[i] && kafka_txn_is_initialised(io->lanes[i]))
            rc = kafka_txn_clear_offsets(io->lanes[i], io->member, input, error);
    mr_log(
        MR_LOG_WARN,
        "offsets-cleared",
        "topic=%s partition=%" PRId32 " code=%d",
        input.topic,
        input.partition,
        rc);
    return rc;
}

static int io_committed(
    void *self,
    const struct topo_partition *partitions,
    size_t count,
    int64_t *ret_next_offsets,
    struct mr_error *error)
{
    struct kafka_io *io = self;
    int rc = need_member(io, error);
    rc = rc ? rc : kafka_member_committed(io->member, partitions, count, ret_next_offsets, error);
    if (rc != MR_AGAIN) {
        io->unstable_since_ms = 0;
        return rc;
    }
    int64_t now_ms = kafka_clock_ms();
    if (io->unstable_since_ms == 0)
        io->unstable_since_ms = now_ms;
    if (now_ms - io->unstable_since_ms < UNSTABLE_MS)
        return rc;
    io->unstable_since_ms = now_ms;
    struct mr_error why;
    int cleared = io_clear_offsets(io, partitions[0], &why);
    return cleared ? mr_fail(error, cleared, "%s", why.text) : rc;
}

static int io_prepare(void *self, const char *const *topics, size_t count, struct mr_error *error)
{
    struct kafka_io *io = self;
    int rc = need_query(io, error);
    for (size_t i = 0; rc == 0 && i < count; i++)
        (void)kafka_know_topic(&io->query, topics[i]); /* It hears of a new leader, too. */
    for (int i = 0; rc == 0 && i < KAFKA_LANES; i++)
        rc = io->lanes[i] ? kafka_txn_prepare(io->lanes[i], topics, count, error)
                          : mr_fail(error, MR_FATAL, "the producer was not initialised");
    return rc;
}

static struct kafka_txn *txn_of(const struct kafka_io *io)
{
    return io->lanes[io->lane];
}

static int need_txn(const struct kafka_io *io, struct mr_error *error)
{
    return txn_of(io) ? 0 : mr_fail(error, MR_FATAL, "the producer was not initialised");
}

static int await_markers(struct kafka_io *io, struct mr_error *error)
{
    int rc = need_txn(io, error);
    if (rc == 0)
        rc = need_query(io, error);
    return rc ? rc : kafka_txn_await_markers(txn_of(io), &io->query, error);
}

static int io_begin(void *self, struct mr_error *error)
{
    struct kafka_io *io = self;
    int rc = await_markers(io, error);
    if (rc)
        return rc;
    int lane = (io->lane + 1) % KAFKA_LANES;
    const struct kafka_txn *next = io->lanes[lane];
    if (!next || !kafka_txn_is_initialised(next) || kafka_txn_is_unsettled(next)) {
        rc = init_lane(io, lane, error);
        if (rc)
            return rc;
        mr_log(MR_LOG_WARN, "producer-replaced", "lane=%d", lane);
    }
    io->lane = lane;
    return kafka_txn_begin(txn_of(io), error);
}

static int io_produce(
    void *self,
    const struct topo_partition *to,
    const struct topo_record *record,
    struct mr_error *error)
{
    struct kafka_io *io = self;
    int rc = need_txn(io, error);
    return rc ? rc : kafka_txn_produce(txn_of(io), to, record, error);
}

static int io_flush(void *self, struct mr_error *error)
{
    struct kafka_io *io = self;
    int rc = need_txn(io, error);
    return rc ? rc : kafka_txn_flush(txn_of(io), error);
}

static int64_t io_last_offset(void *self, struct topo_partition partition)
{
    struct kafka_io *io = self;
    return txn_of(io) ? kafka_txn_last_offset(txn_of(io), partition) : -1;
}

static int
io_commit(void *self, const struct topo_position *inputs, size_t count, struct mr_error *error)
{
    struct kafka_io *io = self;
    int rc = need_txn(io, error);
    if (rc == 0)
        rc = need_member(io, error);
    if (rc == 0 && count == 0)
        rc = mr_fail(error, MR_FATAL, "a commit without an input offset is not fenced");
    return rc ? rc : kafka_txn_commit(txn_of(io), io->member, inputs, count, error);
}

static int io_abort(void *self, struct mr_error *error)
{
    struct kafka_io *io = self;
    int rc = need_txn(io, error);
    if (rc == 0)
        rc = kafka_txn_abort(txn_of(io), error);
    /* The engine asks at once where its logs end. */
    return rc ? rc : await_markers(io, error);
}

/* -- the log -- */

static int
io_partitions_of(void *self, const char *topic, int32_t *ret_count, struct mr_error *error)
{
    struct kafka_io *io = self;
    int rc = need_query(io, error);
    return rc ? rc : kafka_query_partitions(&io->query, topic, ret_count, error);
}

static int io_watermarks(
    void *self,
    struct topo_partition partition,
    int64_t *ret_low,
    int64_t *ret_high,
    struct mr_error *error)
{
    struct kafka_io *io = self;
    int rc = need_query(io, error);
    return rc ? rc : kafka_query_watermarks(&io->query, partition, ret_low, ret_high, error);
}

static int64_t io_known_end(void *self, struct topo_partition partition)
{
    struct kafka_io *io = self;
    int64_t end = io->input ? kafka_fetcher_known_end(io->input, partition) : -1;
    return end < 0 && io->log ? kafka_fetcher_known_end(io->log, partition) : end;
}

static int
io_log_add(void *self, struct topo_partition partition, int64_t offset, struct mr_error *error)
{
    struct kafka_io *io = self;
    int rc = need_log(io, error);
    return rc ? rc : kafka_fetcher_seek(io->log, partition, offset, error);
}

static int io_log_remove(void *self, struct topo_partition partition, struct mr_error *error)
{
    struct kafka_io *io = self;
    return io->log ? kafka_fetcher_remove(io->log, partition, error) : 0;
}

static int
io_log_poll(void *self, int timeout_ms, struct topo_io_poll *ret_poll, struct mr_error *error)
{
    struct kafka_io *io = self;
    int rc = need_log(io, error);
    /* A long restore must not cost the membership. */
    if (rc == 0 && io->member)
        rc = kafka_member_serve(io->member, error);
    return rc ? rc : kafka_fetcher_poll(io->log, timeout_ms, ret_poll, error);
}

static int64_t io_log_position(void *self, struct topo_partition partition)
{
    struct kafka_io *io = self;
    return io->log ? kafka_fetcher_position(io->log, partition) : -1;
}

/* -- life -- */

static void io_close(void *self)
{
    struct kafka_io *io = self;
    /* The producer first: its transaction must not outlive the membership that fences it. */
    for (int i = 0; i < KAFKA_LANES; i++)
        kafka_txn_free(io->lanes[i]);
    kafka_member_free(io->member);
    kafka_fetcher_free(io->input);
    kafka_fetcher_free(io->log);
    kafka_client_close(&io->query);
    free((char *)(uintptr_t)io->io_options.application_id);
    free((char *)(uintptr_t)io->io_options.instance_id);
    free(io);
}

/* Asks the broker first: a wrong address fails here, not later and in silence. The clients are
 * made when they are first needed. */
int topo_kafka_open(
    void *user,
    const struct topo_io_options *options,
    struct topo_io *ret_io,
    struct mr_error *error)
{
    struct kafka_io *io = mr_calloc(1, sizeof *io);
    io->options = user;
    io->io_options = *options;
    io->io_options.application_id = mr_strdup(options->application_id);
    io->io_options.instance_id = mr_strdup(options->instance_id ? options->instance_id : "0");
    int rc = topo_kafka_ping(io->options, KAFKA_REQUEST_TIMEOUT_MS, error);
    if (rc) {
        io_close(io);
        return rc;
    }
    *ret_io = (struct topo_io){
        .self = io,
        .now_ms = io_now_ms,
        .random = io_random,
        .subscribe = io_subscribe,
        .poll = io_poll,
        .release = io_release,
        .seek = io_seek,
        .pause = io_pause,
        .committed = io_committed,
        .init_transactions = io_init_transactions,
        .prepare = io_prepare,
        .begin = io_begin,
        .produce = io_produce,
        .flush = io_flush,
        .last_offset = io_last_offset,
        .commit = io_commit,
        .abort = io_abort,
        .partitions_of = io_partitions_of,
        .watermarks = io_watermarks,
        .known_end = io_known_end,
        .log_add = io_log_add,
        .log_remove = io_log_remove,
        .log_poll = io_log_poll,
        .log_position = io_log_position,
        .close = io_close,
    };
    return 0;
}
