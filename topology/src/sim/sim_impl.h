/*
 * sim_impl.h - the simulated cluster from the inside: logs, transactions, groups, members.
 *
 *     sim_log.c    topics, records, transactions, reading with read_committed
 *     sim_group.c  members, generations, assignments, committed offsets
 *     sim_broker.c several brokers, and what waits in a client for a leader
 *     sim_io.c     the io of a member, failures, the clock
 *
 * Threads  Every function here is called with sim->mutex held.
 */
#ifndef TOPOLOGY_SIM_IMPL_H
#define TOPOLOGY_SIM_IMPL_H

#include <topology/sim.h>

#include <pthread.h>

enum {
    SIM_SESSION_TIMEOUT_MS = 10000,
    SIM_TRANSACTION_TIMEOUT_MS = 10000,
    SIM_DELIVERY_TIMEOUT_MS = 10000,
    SIM_QUESTION_TIMEOUT_MS = 5000,
    SIM_PREPARE_TIMEOUT_MS = 2000,
    SIM_POLL_MAX = 64,
    SIM_BROKERS_MAX = 32,
};

struct sim_partition {
    struct sim_entry **entries; /* The index is the offset. */
    size_t count;
    size_t capacity;
    int broker; /* Its leader. */
    bool leaderless;
    int64_t low;    /* Log start. */
    int64_t stable; /* Everything below belongs to ended transactions (or to none). */
};

struct sim_topic {
    char *name;
    int32_t count;
    struct sim_partition *partitions;
};

enum sim_txn_state { SIM_TXN_OPEN, SIM_TXN_COMMITTED, SIM_TXN_ABORTED };

struct sim_offset {
    const struct sim_topic *topic;
    int32_t partition;
    int64_t next;
};

struct sim_offsets {
    struct sim_offset *items;
    size_t count;
};

struct sim_txn {
    enum sim_txn_state state;
    const struct sim_entry *last; /* NULL: nothing was written. */
    int64_t began_ms;
    struct sim_partition **touched;
    size_t touched_count;
    struct sim_group *group;
    struct sim_offsets offsets; /* Pending: applied to the group by the commit. */
    struct sim_txn *next;       /* All of the sim's, for free. */
};

struct sim_entry {
    struct topo_record record;
    struct sim_txn *txn; /* NULL: appended outside any. */
    bool marker;
    _Alignas(8) char bytes[]; /* Headers, then what they and the record view. */
};

/* A request that is on its way, of an epoch; it was meant for `txn`. */
struct sim_late {
    enum topo_sim_failure kind; /* TOPO_SIM_RETRY: none is. */
    int64_t epoch;
    const struct sim_txn *txn;
    enum sim_txn_state state;      /* _LATE: how it ends. */
    const struct sim_entry *write; /* _LATE_WRITE: what is written again. */
    struct sim_group *group;       /* _LATE_OFFSETS: whose they are, */
    struct sim_offsets offsets;    /* and what they are. */
};

/* A transactional id. */
struct sim_producer {
    char *id;
    int64_t epoch;
    struct sim_txn *txn;    /* The open one. */
    struct sim_txn *ending; /* Committed, but its markers are late. */
    int64_t ending_at;      /* sim->calls when they come. */
    struct sim_late late;
    struct sim_producer *next;
};

/* A static member's place in its group. It outlives the member by the session timeout. */
struct sim_slot {
    char *id;
    struct sim_member *member; /* NULL: its process is gone. */
    int64_t gone_ms;
    bool holding; /* It has its assignment, and REVOKED is yet to be delivered. */
    bool joined;
    bool deliver; /* ASSIGNED is yet to be delivered. */
    struct topo_partition *assignment;
    size_t assignment_count;
    char *subscription;        /* The topics that it joined with. */
    const char *const *topics; /* The member's copy. */
    size_t topics_count;
};

struct sim_group {
    char *id;
    int64_t generation;
    bool preparing;
    struct sim_slot **slots; /* Sorted by id. */
    size_t slots_count;
    struct sim_offsets offsets;
    struct sim_group *next;
};

/* The position of a reader in one partition. */
struct sim_cursor {
    struct topo_partition partition; /* With the reader's own topic pointer. */
    struct sim_partition *log;
    int64_t next; /* -1: not reading. */
    bool paused;
    bool lost; /* `next` is not in the log. */
};

struct sim_cursors {
    struct sim_cursor *items;
    size_t count;
};

/* A record that waits for its partition's leader. */
struct sim_queued {
    struct sim_topic *topic;
    int32_t partition;
    const struct sim_partition *log;
    struct sim_entry *entry;
};

/* One opened io. */
struct sim_member {
    struct topo_sim *sim;
    char *instance_id;
    char *id; /* Static member id and transactional id. */
    struct sim_group *group;
    bool transactional;
    bool dead;
    bool expelled; /* Its slot was taken away: LOST is due. */
    bool fenced;   /* Another member came with its id. */

    const char **topics;
    size_t topics_count;
    int64_t generation;
    struct sim_cursors inputs;
    struct sim_cursors logs;
    struct topo_record records[SIM_POLL_MAX];
    void *tokens[SIM_POLL_MAX];

    struct sim_producer *producer;
    int64_t epoch;
    bool began;
    bool must_abort;
    bool commit_known; /* The last commit took effect: asking again is harmless. */
    bool produce_known;
    struct sim_queued *queued;
    size_t queued_count;
    int64_t queued_since_ms;
    int64_t called_ms;            /* The last call. */
    struct sim_offsets delivered; /* Last offsets of this transaction; `next` is the last one. */
    /* TOPO_SIM_CRASH_AFTER or TOPO_SIM_LOST_ANSWER when pending, else TOPO_SIM_RETRY. */
    enum topo_sim_failure after;
    enum topo_sim_failure late_now; /* So is the request of this call; TOPO_SIM_RETRY: it is not. */
    struct sim_member *next;
};

struct sim_fault {
    int64_t calls; /* After the one before. */
    enum topo_sim_failure failure;
};

struct topo_sim {
    pthread_mutex_t mutex;
    pthread_cond_t moved; /* A record, a marker or a rebalance: pollers look again. */
    uint64_t random;
    int64_t now_ms;
    size_t record_bytes_max;
    int64_t session_ms; /* 0: a session lasts while its process does. */
    int brokers;        /* 0: the cluster is one, and calls do not take time. */
    uint32_t dead_brokers;
    int coordinator; /* The broker of all transactions and groups. */
    int64_t calls;
    int64_t fail_at; /* calls value at which the failure fires; 0: never. */
    enum topo_sim_failure failure;
    struct sim_fault *then; /* Armed one after the other. */
    size_t then_count;
    bool crashed;
    bool ends_hidden;
    int late_markers; /* By so many calls. */
    struct sim_topic **topics;
    size_t topics_count;
    struct sim_entry **buried; /* Records of topics that were made again. */
    size_t buried_count, buried_capacity;
    struct sim_txn *txns;
    struct sim_producer *producers;
    struct sim_group *groups;
    struct sim_member *members;
};

/* -- sim_log.c -- */
/* A copy of a record, in one block: free it. */
struct sim_entry *sim_entry_new(const struct topo_record *record);
struct sim_topic *sim_topic_of(const struct topo_sim *sim, const char *name); /* NULL: unknown */
struct sim_partition *
sim_partition_of(const struct topo_sim *sim, const char *topic, int32_t partition);
int64_t sim_append(
    struct topo_sim *sim,
    struct sim_topic *topic,
    int32_t partition,
    const struct topo_record *record,
    struct sim_txn *txn);
struct sim_producer *sim_producer_of(struct topo_sim *sim, const char *id);
/* The late markers of the one before come first. */
struct sim_txn *sim_txn_begin(struct topo_sim *sim, struct sim_producer *producer);
void sim_txn_end(struct topo_sim *sim, struct sim_producer *producer, enum sim_txn_state state);
/* A new epoch: the open transaction is aborted, whoever had the old epoch is fenced. */
int64_t sim_producer_bump(struct topo_sim *sim, struct sim_producer *producer);
/* A request for the open transaction is late. The caller fills in what the kind has. */
struct sim_late *sim_txn_late(struct sim_producer *producer, enum topo_sim_failure kind);
/* It comes, if it is not fenced and another transaction is open by now. */
void sim_txn_late_arrives(struct topo_sim *sim, struct sim_producer *producer);
void sim_txns_expire(struct topo_sim *sim);
/* The next visible record at or after *offset, which moves behind it; NULL: none (yet), and *offset
 * has moved over what stays invisible. */
const struct topo_record *sim_read(struct sim_partition *log, int64_t *offset);
/* Removes what a later record of its key replaces, and deletions. */
void sim_compact(struct sim_partition *log);
void sim_log_free(struct topo_sim *sim);

/* Its records stay where they are, out of the log, until the sim goes. */
void sim_topic_empty(struct topo_sim *sim, struct sim_topic *topic);
void sim_offset_forget(struct sim_offsets *offsets, const struct sim_topic *topic);
void sim_offset_put(
    struct sim_offsets *offsets, const struct sim_topic *topic, int32_t partition, int64_t next);
int64_t
sim_offset_get(const struct sim_offsets *offsets, const struct sim_topic *topic, int32_t partition);

/* -- sim_broker.c -- */
void sim_broker_lead(const struct topo_sim *sim, struct sim_topic *topic);
/* A call that needs a leader and has none: time passes, and it fails with class RETRY. */
int sim_broker_time_out(
    struct topo_sim *sim, int64_t ms, const char *topic, struct mr_error *error);
/* 0: transactions and groups can be asked. */
int sim_broker_coordinate(struct topo_sim *sim, struct mr_error *error);
/* False: the record can be written now. */
bool sim_broker_queue(
    struct sim_member *member,
    struct sim_topic *topic,
    int32_t partition,
    const struct topo_record *record);
void sim_broker_forget_queue(struct sim_member *member);
/* All that waits is written; or one could not be, and the transaction must be aborted. */
int sim_broker_deliver(struct sim_member *member, struct mr_error *error);

/* -- sim_group.c -- */
struct sim_group *sim_group_of(struct topo_sim *sim, const char *id);
void sim_group_join(struct sim_member *member);
/* The member's event that is due, or TOPO_IO_NOTHING. */
enum topo_io_event sim_group_event(struct sim_member *member);
/* Is the member in the group's current generation? */
bool sim_group_current(const struct sim_member *member);
void sim_group_gone(struct sim_member *member);
void sim_group_expel(struct topo_sim *sim, struct sim_member *member);
void sim_groups_expire(struct topo_sim *sim);
void sim_groups_free(struct topo_sim *sim);

#endif
