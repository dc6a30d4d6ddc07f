/*
 * sim.h - a log in memory with Kafka's semantics, and failures on demand: io.h for tests.
 *
 * What it has that a mock cluster lacks: aborted records invisible to read_committed, markers that
 * occupy offsets, transactional ids that fence, group generations, commits whose answer is lost.
 * One sim is the whole cluster; every io opened on it is a member.
 *
 * Failures  Every call through an io counts. topo_sim_fail_at(sim, k, kind) makes the k-th call
 *           from now fail that way.
 * Memory    A record that a member polled is a copy, gone with its release.
 * Time      Stands still until moved. Randomness comes from the seed.
 * Threads   One mutex inside: safe for engines with worker threads; driver.h uses none.
 */
#ifndef TOPOLOGY_SIM_H
#define TOPOLOGY_SIM_H

#include <topology/engine.h>
#include <topology/io.h>

#include <base/api_begin.h>

struct topo_sim;

enum topo_sim_failure {
    TOPO_SIM_RETRY,       /* The call fails with class RETRY, nothing happened. */
    TOPO_SIM_ABORTABLE,   /* Class ABORT. */
    TOPO_SIM_FENCE,       /* The producer's epoch is bumped by "somebody else": class FENCED. */
    TOPO_SIM_CRASH,       /* The process dies here, before the call took effect. */
    TOPO_SIM_CRASH_AFTER, /* The process dies here, after the call took effect. */
    TOPO_SIM_LOST_ANSWER, /* It took effect, but the caller gets class RETRY and asks again. */
    /* Class RETRY, and a request is still on its way: it arrives behind the first record of the
     * next transaction, if that has the same epoch. Other calls than those named are as RETRY. */
    TOPO_SIM_LATE,         /* Commit or abort: the end of the transaction. */
    TOPO_SIM_LATE_WRITE,   /* Flush: the last record, again. */
    TOPO_SIM_LATE_OFFSETS, /* Commit: the offsets of the input. */
};
enum { TOPO_SIM_FAILURES = TOPO_SIM_LATE_OFFSETS + 1 };

struct topo_sim *topo_sim_new(uint64_t seed);
void topo_sim_free(struct topo_sim *sim);
void topo_sim_create_topic(struct topo_sim *sim, const char *topic, int32_t partitions);

/* topo_io_open_fn with the sim as user. */
int topo_sim_open(
    void *sim,
    const struct topo_io_options *options,
    struct topo_io *ret_io,
    struct mr_error *error);

/* From now on the markers of a commit come so many calls after its answer, or before the producer's
 * next transaction. */
void topo_sim_late_markers(struct topo_sim *sim, int calls);

/* Appends outside any transaction, as a client would. Returns the offset. partition -1: murmur2. */
int64_t topo_sim_append(
    struct topo_sim *sim, const char *topic, int32_t partition, const struct topo_output *record);

/* Read-committed reading of one partition from `*offset` on: false at the end. Views live as long
 * as the sim. */
bool topo_sim_read(
    struct topo_sim *sim,
    const char *topic,
    int32_t partition,
    int64_t *offset,
    struct topo_record *ret_record);

/* 0: no such topic. The end counts markers and aborted records. */
int32_t topo_sim_partitions(struct topo_sim *sim, const char *topic);
int64_t topo_sim_end(struct topo_sim *sim, const char *topic, int32_t partition);
/* The group's committed next offset; -1: none. */
int64_t topo_sim_committed(
    struct topo_sim *sim, const char *application_id, const char *topic, int32_t partition);

/* The group's committed offsets are gone: it was empty for too long, or somebody deleted them. */
void topo_sim_expire_offsets(struct topo_sim *sim, const char *application_id);
/* Retention: records below `low` are gone; a reader of one gets the error that io.h names. */
void topo_sim_truncate(struct topo_sim *sim, const char *topic, int32_t partition, int64_t low);
/* The log cleaner, long after delete.retention.ms: of each key the last record stays, if it has a
 * value; of the last record of the log any stays. */
void topo_sim_compact(struct topo_sim *sim, const char *topic, int32_t partition);
/* The group gives up on an instance that still runs: it finds out when it polls or commits. */
void topo_sim_expel(struct topo_sim *sim, const char *instance_id);
/* The process of an instance is dead, between two calls. */
void topo_sim_kill(struct topo_sim *sim, const char *instance_id);

/* Leaders are silent: no end is known. */
void topo_sim_hide_ends(struct topo_sim *sim, bool hidden);
/* Nobody can ask for the ends of the partition, or read it. */
void topo_sim_set_led(struct topo_sim *sim, const char *topic, int32_t partition, bool led);
/* Several brokers: partition p of each topic is led by broker p % count, and broker 0 coordinates
 * the transactions and groups. When one is dead, a call that needs it takes its whole timeout in
 * simulated time and fails; what is written to it waits in the client, at most for the delivery
 * timeout. */
void topo_sim_set_brokers(struct topo_sim *sim, int count);
/* For good: its leaders have to move. */
void topo_sim_kill_broker(struct topo_sim *sim, int broker);
/* The coordinator, or one partition, of a dead broker gets a living one. False: each
 * has one, or none can. */
bool topo_sim_move_leader(struct topo_sim *sim);
/* A member that has made no call for so long has lost its session: its process was frozen, or the
 * whole machine was. 0: only death and topo_sim_expel end one. */
void topo_sim_set_session_ms(struct topo_sim *sim, int64_t ms);
/* The topic was deleted and made again: its records are gone, and what groups knew of it. */
void topo_sim_recreate_topic(struct topo_sim *sim, const char *topic);
/* Rejects records of producers with more than so many bytes of key and value. */
void topo_sim_limit_records(struct topo_sim *sim, size_t bytes_max);

void topo_sim_set_ms(struct topo_sim *sim, int64_t ms); /* Backwards, too. */
void topo_sim_advance_ms(struct topo_sim *sim, int64_t ms);
int64_t topo_sim_now_ms(const struct topo_sim *sim);
void topo_sim_fail_at(struct topo_sim *sim, int64_t call, enum topo_sim_failure failure);
/* One more, so many calls after the one before it has fired: while that is mended. */
void topo_sim_fail_then(struct topo_sim *sim, int64_t call, enum topo_sim_failure failure);
bool topo_sim_pending(const struct topo_sim *sim); /* One has not fired yet. */
/* True once a CRASH failure fired: every later call of the dead member fails with MR_FATAL until
 * restart. */
bool topo_sim_crashed(const struct topo_sim *sim);

#include <base/api_end.h>

#endif
