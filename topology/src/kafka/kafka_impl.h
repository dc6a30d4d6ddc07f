/*
 * kafka_impl.h - what the files of the Kafka adapter share: handles, errors, and the parts an
 * io is made of.
 *
 * A worker's io is up to five librdkafka clients, each made when it is first needed: the member
 * (the group: who owns what, and where it was committed), the input fetcher, the log fetcher, the
 * transactional producer, and a query client that sees open transactions. Fetching is apart from
 * membership because a partition must not deliver a record before the engine has restored its task
 * and given an offset: librdkafka's own pausing loses prefetched records, while partitions
 * assigned by hand start exactly at their offset.
 */
#ifndef TOPOLOGY_KAFKA_IMPL_H
#define TOPOLOGY_KAFKA_IMPL_H

#include <topology/client.h>

#include <librdkafka/rdkafka.h>
#include <stdatomic.h>

enum {
    KAFKA_REQUEST_TIMEOUT_MS = 5000,      /* One question to the broker. */
    KAFKA_TRANSACTION_TIMEOUT_MS = 10000, /* Readers wait for a dead writer at most so long. */
    KAFKA_SESSION_TIMEOUT_MS = 10000,
};

/* -- kafka_common.c: clients, settings, errors -- */

struct kafka_setting {
    const char *name;
    const char *value; /* NULL: the library's default. */
};

/* A client and what its callbacks report. Callbacks run in the thread that polls it, but for the
 * judgement of a certificate. */
struct kafka_client {
    rd_kafka_t *rk;
    bool quiet;           /* Its log lines are dropped: the caller gets the error. */
    bool fatal;           /* Beyond repair: kafka_fatal says why. */
    char last_error[256]; /* The last transport trouble, for the text of a timeout. */
    bool refused;         /* That trouble is one of certificates or passwords. */
    atomic_int x509;      /* OpenSSL's number of the fault in a broker's certificate. */
};

/* A configuration with the common settings, then `settings`, then the config file's, then the
 * user's properties. NULL when one of them is refused. The caller may add to it, and gives it to
 * kafka_client_open. */
rd_kafka_conf_t *kafka_conf_new(
    const struct topo_kafka_options *options,
    const struct kafka_setting *settings,
    struct mr_error *error);
int kafka_conf_set(
    rd_kafka_conf_t *conf, const char *name, const char *value, struct mr_error *error);

/* Takes `conf` in any case. `client` must stay where it is: callbacks point at it. */
int kafka_client_open(
    struct kafka_client *client,
    rd_kafka_type_t type,
    rd_kafka_conf_t *conf,
    struct mr_error *error);
/* A quiet client for questions: metadata, watermarks with open transactions, admin requests. */
int kafka_client_open_query(
    struct kafka_client *client, const struct topo_kafka_options *options, struct mr_error *error);
void kafka_client_close(struct kafka_client *client);

/* The class of a librdkafka or broker code. */
int kafka_code(rd_kafka_resp_err_t err);
int kafka_fail(
    struct mr_error *error, struct kafka_client *client, rd_kafka_resp_err_t err, const char *what);
/* The same for a transactional call; consumes `failure`. */
int kafka_fail_txn(struct mr_error *error, rd_kafka_error_t *failure, const char *what);
/* 0, or MR_FENCED or MR_FATAL once the client is beyond repair. */
int kafka_fatal(struct kafka_client *client, struct mr_error *error);

/* The sentence for the client's trouble that an operator can act on; "" when there is none. */
const char *kafka_advice(struct kafka_client *client);

int64_t kafka_clock_ms(void); /* Monotonic. */

/* -- kafka_config.c: a file of properties -- */

int kafka_config_apply(rd_kafka_conf_t *conf, const char *path, struct mr_error *error);

/* -- kafka_fetch.c: partitions by hand, in batches -- */

struct kafka_fetcher;

enum kafka_fetch_kind {
    KAFKA_FETCH_INPUT, /* No end-of-partition marks; long polls. */
    KAFKA_FETCH_LOG,   /* Passes markers at the end; short polls, so that the end is seen soon. */
};

int kafka_fetcher_new(
    const struct topo_kafka_options *options,
    enum kafka_fetch_kind kind,
    struct kafka_fetcher **ret_fetcher,
    struct mr_error *error);
/* Frees records that were not released, too. NULL is fine. */
void kafka_fetcher_free(struct kafka_fetcher *fetcher);
/* Adds the partition, or moves it; nothing fetched before is delivered after. Its topic pointer is
 * what records and positions carry: it must outlive the partition's stay. */
int kafka_fetcher_seek(
    struct kafka_fetcher *fetcher,
    struct topo_partition partition,
    int64_t offset,
    struct mr_error *error);
int kafka_fetcher_pause(
    struct kafka_fetcher *fetcher,
    struct topo_partition partition,
    bool paused,
    struct mr_error *error);
int kafka_fetcher_remove(
    struct kafka_fetcher *fetcher, struct topo_partition partition, struct mr_error *error);
int kafka_fetcher_clear(struct kafka_fetcher *fetcher, struct mr_error *error);
/* TOPO_IO_RECORDS or TOPO_IO_NOTHING. The arrays live until the next poll, what they point at until
 * released. MR_NOT_FOUND: an offset is not in the log. */
int kafka_fetcher_poll(
    struct kafka_fetcher *fetcher,
    int timeout_ms,
    struct topo_io_poll *ret_poll,
    struct mr_error *error);
/* -1 for a partition it does not have. */
int64_t kafka_fetcher_position(struct kafka_fetcher *fetcher, struct topo_partition partition);
/* Its end as last fetched, without markers there that were passed; -1: not known, or its leader is
 * silent. Local. */
int64_t kafka_fetcher_known_end(struct kafka_fetcher *fetcher, struct topo_partition partition);
/* Ends a poll that waits. Threads: any. */
void kafka_fetcher_wake(struct kafka_fetcher *fetcher);
void kafka_token_release(void *token);

/* -- kafka_member.c: the group -- */

struct kafka_member;

int kafka_member_new(
    const struct topo_kafka_options *options,
    const struct topo_io_options *io_options,
    struct kafka_member **ret_member,
    struct mr_error *error);
void kafka_member_free(struct kafka_member *member);
/* `wake` is woken when the group has news while the worker waits for records. */
void kafka_member_wakes(struct kafka_member *member, struct kafka_fetcher *wake);
int kafka_member_subscribe(
    struct kafka_member *member, const char *const *topics, size_t count, struct mr_error *error);
/* Keeps the membership alive and notes what the group wants; never waits. */
int kafka_member_serve(struct kafka_member *member, struct mr_error *error);
/* The next event, TOPO_IO_NOTHING if there is none. */
void kafka_member_event(struct kafka_member *member, struct topo_io_poll *ret_poll);
/* The worker has put everything down: the group may go on. */
void kafka_member_settle(struct kafka_member *member);
int kafka_member_committed(
    struct kafka_member *member,
    const struct topo_partition *partitions,
    size_t count,
    int64_t *ret_next_offsets,
    struct mr_error *error);
/* Free with rd_kafka_consumer_group_metadata_destroy. */
rd_kafka_consumer_group_metadata_t *kafka_member_metadata(struct kafka_member *member);

/* -- kafka_txn.c: one transactional producer --
 *
 * A worker has KAFKA_LANES of them and takes them in turn. A transactional id cannot begin again
 * until its coordinator has ended the last transaction; librdkafka then waits 20 ms. The
 * next lane need not. But it begins only when the markers of the transaction before it are in the
 * logs (kafka_txn_await_markers): so the engine can foresee the offsets in a partition that only
 * this worker writes. Of two commits of a group's offset the later one wins.
 */

enum { KAFKA_LANES = 2 };

struct kafka_txn;

int kafka_txn_new(
    const struct topo_kafka_options *options,
    const struct topo_io_options *io_options,
    int lane,
    struct kafka_txn **ret_txn,
    struct mr_error *error);
void kafka_txn_free(struct kafka_txn *txn);
int kafka_txn_init(struct kafka_txn *txn, struct mr_error *error);
bool kafka_txn_is_initialised(const struct kafka_txn *txn);
/* A request of an earlier transaction may still come to effect: the producer must not begin again,
 * another one of its name (a new epoch) may. */
bool kafka_txn_is_unsettled(const struct kafka_txn *txn);
int kafka_txn_prepare(
    struct kafka_txn *txn, const char *const *topics, size_t count, struct mr_error *error);
int kafka_txn_begin(struct kafka_txn *txn, struct mr_error *error);
int kafka_txn_produce(
    struct kafka_txn *txn,
    const struct topo_partition *to,
    const struct topo_record *record,
    struct mr_error *error);
int kafka_txn_flush(struct kafka_txn *txn, struct mr_error *error);
int64_t kafka_txn_last_offset(struct kafka_txn *txn, struct topo_partition partition);
int kafka_txn_commit(
    struct kafka_txn *txn,
    struct kafka_member *member,
    const struct topo_position *inputs,
    size_t count,
    struct mr_error *error);
int kafka_txn_abort(struct kafka_txn *txn, struct mr_error *error);
/* A transaction that is only to be aborted: its marker ends what an earlier one of this producer
 * has left unfinished in the group's offsets. Nothing while a transaction is open. */
int kafka_txn_clear_offsets(
    struct kafka_txn *txn,
    struct kafka_member *member,
    struct topo_partition input,
    struct mr_error *error);
/* Waits until each partition ends behind the marker of this producer's last transaction. `query`
 * sees what is not committed. */
int kafka_txn_await_markers(
    struct kafka_txn *txn, struct kafka_client *query, struct mr_error *error);

/* -- kafka_admin.c: questions that an io asks as well -- */

int kafka_query_partitions(
    struct kafka_client *client, const char *topic, int32_t *ret_count, struct mr_error *error);
int kafka_query_watermarks(
    struct kafka_client *client,
    struct topo_partition partition,
    int64_t *ret_low,
    int64_t *ret_high,
    struct mr_error *error);

/* The same for a program that starts, not for a worker's step. A topic may have been created a
 * moment ago, and not every broker of a cluster knows it at once: one that does not exist costs the
 * whole timeout. A leader may have died: its successor is waited for, 20 s at most. */
int kafka_query_settled_watermarks(
    struct kafka_client *client,
    struct topo_partition partition,
    int64_t *ret_low,
    int64_t *ret_high,
    struct mr_error *error);

/* The client takes note of the topic. False: that is not a topic's name. */
bool kafka_know_topic(struct kafka_client *client, const char *topic);
/* Waits until the client knows who leads every topic it knows of. MR_TIMEOUT names one of which
 * it does not in time. */
int kafka_await_leaders(struct kafka_client *client, int timeout_ms, struct mr_error *error);

/* -- kafka_record.c: headers, there and back -- */

/* The message's headers into *ret_headers, grown with `capacity`; returns their number. */
size_t kafka_headers_read(
    const rd_kafka_message_t *message, struct topo_header **ret_headers, size_t *capacity);
/* One record to librdkafka's queue, copied. */
struct kafka_send {
    rd_kafka_topic_t *rkt;
    int32_t partition;
    struct mr_bytes key;
    struct mr_bytes value;
    const struct topo_header *headers;
    size_t headers_count;
    int64_t timestamp_ms; /* 0: now. */
    void *opaque;
};
rd_kafka_resp_err_t kafka_send(rd_kafka_t *rk, const struct kafka_send *send);

#endif
