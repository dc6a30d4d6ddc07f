/*
 * engine.h - running a topology: workers, tasks, commits, restore, and what an operator sees of it.
 *
 *     CREATED --start--> RESTORING --all tasks ready--> RUNNING --stop--> STOPPED
 *                            ^-------- rebalance --------'   any --fatal--> FAILED (error says why)
 *
 * Threads  Engine functions are called from any thread. Each worker is a thread of the engine.
 */
#ifndef TOPOLOGY_ENGINE_H
#define TOPOLOGY_ENGINE_H

#include <base/buffer.h>
#include <base/error.h>

#include <topology/io.h>
#include <topology/store.h>
#include <topology/topology.h>

#include <base/api_begin.h>

struct topo_engine;

/* The purpose of an io: one per worker. */
struct topo_io_options {
    const char *application_id; /* group.id */
    const char *instance_id;    /* group.instance.id and transactional.id are made of it */
    int worker;                 /* 0.. */
    bool transactional;         /* False for the worker of global sub-topologies. */
};
typedef int topo_io_open_fn(
    void *user,
    const struct topo_io_options *options,
    struct topo_io *ret_io,
    struct mr_error *error);

struct topo_engine_options {
    const char *instance_id; /* Stable over restarts; NULL: "0". */
    const char *state_dir;   /* NULL: stores in memory only (tests). */
    int workers;             /* Group workers; 0: 1. */
    topo_io_open_fn *io_open;
    void *io_user;
    int64_t commit_records_max;     /* Commit after so many input records; 0: 10,000. */
    int64_t commit_bytes_max;       /* or staged + produced bytes; 0: 16 MiB. */
    int64_t commit_interval_ms_max; /* or ms since it began; 0: 100. Drained input: at once. */
    int64_t buffered_bytes_max;     /* Per worker; over it partitions are paused. 0: 64 MiB. */
    int64_t flush_interval_ms;      /* Write-behind age; 0: 1,000. */
    size_t table_bytes_max;         /* Per task; 0: 64 MiB. */
    const char *snapshot_dir;       /* See snapshot.h. NULL: none are made, none is started from. */
    int64_t snapshot_interval_ms;   /* 0: on request only. */
    int snapshots_kept;             /* How many of each task; 0: 2. */
    int64_t state_cleanup_ms;       /* Folders of tasks that went: 0: a day; negative: they stay. */
    int64_t stuck_after_ms;         /* topo_engine_is_live; 0: 15,000. */
    int64_t stop_ms_max;            /* topo_engine_stop gives up then; 0: 20,000. */
    int64_t max_task_idle_ms;       /* KIP-695: wait for an empty partition with lag; 0: do not. */
    /* `level` is an enum mr_log_level. NULL: no logging. */
    void (*on_log)(void *user, int level, const char *event, const char *text);
    void *log_user;
};

/* Bounds RocksDB's memory for the stores of all engines of the process together. Call it before the
 * first engine starts; later it changes nothing. Without it the defaults hold. */
struct topo_memory {
    size_t block_cache_bytes;   /* 0: 128 MiB */
    size_t write_buffers_bytes; /* 0: 64 MiB */
};
void topo_memory_init(const struct topo_memory *bounds);

/* Opens the stores, checks co-partitioning and topics, starts the workers. The topology must
 * outlive it. */
int topo_engine_start(
    const struct topo_topology *topology,
    const struct topo_engine_options *options,
    struct topo_engine **ret_engine,
    struct mr_error *error);

/* Commits what is in hand, flushes the stores, joins the workers. Idempotent. False: a worker did
 * not end within stop_ms_max; the log names it, nothing of the engine may be freed any more, and
 * the program should end by _exit: what it had committed is in Kafka. */
bool topo_engine_stop(struct topo_engine *engine);
/* Not after a stop that returned false. */
void topo_engine_free(struct topo_engine *engine);

/* False when a worker has made no step for stuck_after_ms: it hangs in a call, or the disk does. It
 * may come back; until then its partitions stand still. ret_why (may be NULL) names it. */
bool topo_engine_is_live(struct topo_engine *engine, struct mr_error *ret_why);

enum topo_engine_state {
    TOPO_ENGINE_RESTORING,
    TOPO_ENGINE_RUNNING,
    TOPO_ENGINE_STOPPED,
    TOPO_ENGINE_FAILED
};
enum topo_engine_state
topo_engine_state(const struct topo_engine *engine, struct mr_error *ret_why);

/* Prometheus text; and a JSON object
 * {application, instance, state, tasks:[{name, partition, state, state_ms, restore_lag,
 * restore_per_second, input_lag, inputs:[{topic, partition, position, lag}], ...}]}. */
void topo_engine_metrics(struct topo_engine *engine, struct mr_buffer *out);
void topo_engine_status_json(struct topo_engine *engine, struct mr_buffer *out);

/* -- queries on committed state -- */

enum topo_wait_result {
    TOPO_WAIT_OK,
    TOPO_WAIT_UNKNOWN_STORE,
    TOPO_WAIT_NOT_HERE,  /* Another instance owns that partition. */
    TOPO_WAIT_NOT_READY, /* Restoring. */
    TOPO_WAIT_BEHIND,    /* The position was not reached before the deadline. */
    TOPO_WAIT_GONE,      /* The engine is stopping. */
};

/* The store of a global sub-topology, for topo_read_*, until topo_engine_stop. NULL: unknown. */
struct topo_reader *topo_engine_global(struct topo_engine *engine, const char *store);

/* Has the (global) sub-topology that owns `store` folded everything below `position`? Waits up to
 * wait_ms. ret_applied (may be NULL) gets the next offset reached. Does not spin: waiters are woken
 * by commits. */
enum topo_wait_result topo_engine_wait(
    struct topo_engine *engine,
    const char *store,
    const struct topo_position *position,
    int wait_ms,
    int64_t *ret_applied);

/* Calls `wake(user)` once, from the worker's thread, when the position is reached or the engine
 * stops: for servers that must not block a thread. Returns true (and does not call) when it is
 * already reached. topo_engine_unwatch cancels; after it returns, wake is not called. */
struct topo_watch;
typedef void topo_wake_fn(void *user);
bool topo_engine_watch(
    struct topo_engine *engine,
    const char *store,
    const struct topo_position *position,
    topo_wake_fn *wake,
    void *user,
    struct topo_watch **ret_watch);
void topo_engine_unwatch(struct topo_engine *engine, struct topo_watch *watch);

/* The same for a key of a store of a global sub-topology: `wake` is called at the next commit that
 * writes or deletes it, once. A change before this call is not reported: read after it. Returns
 * true (and does not call) when the engine has stopped. */
bool topo_engine_watch_key(
    struct topo_engine *engine,
    const char *store,
    struct mr_bytes key,
    topo_wake_fn *wake,
    void *user,
    struct topo_watch **ret_watch);

/* Visits the committed position of every input partition of the sub-topology that owns `store`.
 * `lag`: -1 when it is not known, because the partition's leader is silent. */
typedef void topo_position_fn(void *user, const struct topo_position *position, int64_t lag);
void topo_engine_positions(
    struct topo_engine *engine, const char *store, topo_position_fn *visit, void *user);

/* Another number whenever one of those positions or lags has changed: while it is the same, what
 * was read from the stores behind it may be shown again. One atomic read; any thread. */
uint64_t topo_engine_moves(const struct topo_engine *engine, const char *store);

#include <base/api_end.h>

#endif
