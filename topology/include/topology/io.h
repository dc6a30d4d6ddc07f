/*
 * io.h - the outside of one worker: everything the engine cannot do by itself, as one struct.
 *
 * Two implementations: topology/kafka.h for programs, topology/sim.h for tests (a log in memory
 * with transactions, aborted records, markers, fencing and injected failures).
 *
 * Errors   Codes and their classes (base/error.h) are the engine's whole knowledge of failure:
 *          RETRY calls again, ABORT aborts and rewinds, FENCED gives the tasks up, FATAL stops.
 * Threads  A worker owns its io; no call is made from another thread.
 */
#ifndef TOPOLOGY_IO_H
#define TOPOLOGY_IO_H

#include <base/error.h>

#include <topology/record.h>

#include <base/api_begin.h>

struct topo_partition {
    const char *topic; /* Interned by the engine: lives as long as the topology. */
    int32_t partition;
};

enum topo_io_event {
    TOPO_IO_RECORDS,  /* `records`: borrowed until released. */
    TOPO_IO_ASSIGNED, /* `partitions`: the worker's whole assignment now (eager protocol). */
    TOPO_IO_REVOKED,  /* All is taken back; commit or abort before the next poll. */
    TOPO_IO_LOST,     /* As revoked, but the group has moved on: abort. */
    TOPO_IO_NOTHING,  /* The timeout passed. */
};

struct topo_io_poll {
    enum topo_io_event event;
    const struct topo_record *records;
    void *const *tokens; /* Parallel to records: give each to `release` when the record is done. */
    size_t records_count;
    const struct topo_partition *partitions;
    size_t partitions_count;
};

struct topo_io {
    void *self;

    /* Wall clock, ms UTC; and bytes nobody can guess. */
    int64_t (*now_ms)(void *self);
    void (*random)(void *self, void *out, size_t len);

    /* -- input: the group's partitions -- */
    int (*subscribe)(void *self, const char *const *topics, size_t count, struct mr_error *error);
    /* At most one event per call; up to a few thousand records at once. An offset that is not in
     * the log (any more) is MR_FATAL: input that nobody has read is gone. */
    int (*poll)(void *self, int timeout_ms, struct topo_io_poll *ret_poll, struct mr_error *error);
    void (*release)(void *self, void *token);
    /* Starts fetching an assigned partition at `offset`; also used to rewind. */
    int (*seek)(
        void *self, struct topo_partition partition, int64_t offset, struct mr_error *error);
    int (*pause)(void *self, struct topo_partition partition, bool paused, struct mr_error *error);
    /* The group's committed next offsets, stable ones only; -1 where there is none. MR_AGAIN while
     * a transaction on them is open. */
    int (*committed)(
        void *self,
        const struct topo_partition *partitions,
        size_t count,
        int64_t *ret_next_offsets,
        struct mr_error *error);

    /* -- output: one transactional producer -- */
    /* A new epoch: what was open is aborted, and nothing that was sent before can touch what begins
     * after it. Again whenever the end of a transaction was of class RETRY, before the next begin:
     * the request may still be on its way. What an io sends again unasked is its own affair. */
    int (*init_transactions)(void *self, struct mr_error *error);
    /* Learns where `topics` are led, so that the first write to each does not wait for that. After
     * init_transactions; harmless when repeated. Class RETRY: not all are known yet. */
    int (*prepare)(void *self, const char *const *topics, size_t count, struct mr_error *error);
    int (*begin)(void *self, struct mr_error *error);
    /* Copies key, value and headers. partition -1: murmur2 of the key. MR_AGAIN: the queue is full,
     * poll and call again. */
    int (*produce)(
        void *self,
        const struct topo_partition *to,
        const struct topo_record *record,
        struct mr_error *error);
    /* Waits until everything produced is acknowledged. A class POISON: the log refused one of them,
     * and the transaction can only be aborted. Then last_offset returns the offset of the last
     * record delivered to a partition in this transaction (-1: none). */
    int (*flush)(void *self, struct mr_error *error);
    int64_t (*last_offset)(void *self, struct topo_partition partition);
    /* Sends the input offsets with the group's metadata, then commits. Never with count 0. */
    int (*commit)(
        void *self, const struct topo_position *inputs, size_t count, struct mr_error *error);
    int (*abort)(void *self, struct mr_error *error);

    /* -- the log: restore and global tables, beside the group (read_committed) -- */
    int (*partitions_of)(void *self, const char *topic, int32_t *ret_count, struct mr_error *error);
    /* Low = log start; high = the high watermark, open transactions included. A question to the
     * broker, which may take its whole timeout: for starts, not for steps. */
    int (*watermarks)(
        void *self,
        struct topo_partition partition,
        int64_t *ret_low,
        int64_t *ret_high,
        struct mr_error *error);
    /* The end of the partition as it came with the last records, for input or log; -1: unknown, or
     * the partition's leader is silent. Markers at the end that were passed need not count. It
     * asks nobody, so it can be called in every step. */
    int64_t (*known_end)(void *self, struct topo_partition partition);
    int (*log_add)(
        void *self, struct topo_partition partition, int64_t offset, struct mr_error *error);
    int (*log_remove)(void *self, struct topo_partition partition, struct mr_error *error);
    /* MR_NOT_FOUND: an offset is not in the log (any more); its partition delivers nothing until it
     * is added again. */
    int (*log_poll)(
        void *self, int timeout_ms, struct topo_io_poll *ret_poll, struct mr_error *error);
    /* The next offset the log reader is at: beyond markers and aborted records it has passed. */
    int64_t (*log_position)(void *self, struct topo_partition partition);

    void (*close)(void *self);
};

#include <base/api_end.h>

#endif
