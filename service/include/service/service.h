/*
 * service.h - the frame of every long-running program: options, logging, schemas, engines, HTTP,
 * signals and exit codes. A program's main.c holds only what differs.
 *
 *     configure --> registry --> start --> serving --SIGTERM, SIGINT--> stopping --> exit 0
 *         |             |          |          '----an engine failed---> stopping --> exit 1
 *         '-------------'----------'-- failed ------------------------> stopping --> exit 1 or 2
 *
 * Stopping takes these steps: no new requests, and those under way get SERVICE_DRAIN_MS; the spec's
 * `stop`; the engines commit and flush; everything is freed; the spec's `clean_up`. Exit code 2
 * is a wrong configuration (MR_CONFIG): starting again will not help.
 *
 * Threads  Only the main thread calls these functions. Signals are blocked before the first thread
 *          starts, so that only the main thread takes them.
 */
#ifndef SERVICE_SERVICE_H
#define SERVICE_SERVICE_H

#include <base/options.h>
#include <http/server.h>
#include <schemas/registry.h>
#include <topology/client.h>
#include <topology/engine.h>

enum { SERVICE_ENGINES_MAX = 8, SERVICE_DRAIN_MS = 5000 };

struct service_engine {
    const char *name;
    struct topo_topology *topology;
    struct topo_engine *engine;
};

/* Passed to the hooks of a spec, which only read it. */
struct service {
    const struct service_spec *spec;
    void *self;          /* The program's own state. */
    char executable[64]; /* "millrace-query-api"; Kafka's client.id too. */
    struct mr_options options;
    struct topo_kafka_options kafka;
    struct codec_registry *registry; /* Bound, from `start` on. */
    struct service_engine engines[SERVICE_ENGINES_MAX];
    size_t engines_count;
    struct http_server *server;
    struct http_status *status;
};

struct service_spec {
    const char *name;    /* "query-api": in the log; the executable is millrace-query-api. */
    const char *purpose; /* A sentence for --help. */
    const struct mr_option *options;
    size_t options_count;
    /* Options and key files into `self`. */
    int (*configure)(const struct service *service, void *self, struct mr_error *error);
    /* Starts the program's parts, those below among them. */
    int (*start)(struct service *service, void *self, struct mr_error *error);
    /* True when one of the program's own parts has failed; called twice a second. NULL: never. */
    bool (*has_failed)(void *self, struct mr_error *error);
    /* Stops the own parts that `start` has started, also after it failed. NULL: nothing. */
    void (*stop)(void *self);
    /* Frees what `configure` and `start` have made, also after they failed. NULL: nothing. */
    void (*clean_up)(void *self);
};

/* The whole of main(). `self` is zeroed. Returns the exit code; after --help or --version, 0. */
int service_main(const struct service_spec *spec, void *self, int argc, char **argv);

/* Takes ownership of the topology and starts an engine of it on Kafka, with --instance and with
 * state_dir, workers and limits from `options`. */
int service_start_engine(
    struct service *service,
    const char *name,
    struct topo_topology *topology,
    const struct topo_engine_options *options,
    struct mr_error *error);

/* Bounds RocksDB's memory by --block-cache-mb and --write-buffers-mb; called before an engine is
 * started. */
int service_bound_memory(const struct service *service, struct mr_error *error);

/* --snapshot-dir and --snapshot-interval-s into the options of an engine. */
int service_read_snapshots(
    const struct service *service, struct topo_engine_options *ret_options, struct mr_error *error);

/* --state-cleanup-s into the options of an engine. */
int service_read_cleanup(
    const struct service *service, struct topo_engine_options *ret_options, struct mr_error *error);

/* Starts a server of `options` at --address and --port, with --threads. */
int service_start_http(
    struct service *service, const struct http_server_options *options, struct mr_error *error);

/* For programs without routes of their own: /healthz, /readyz and /metrics of all engines, at
 * --status-port. */
int service_start_status(struct service *service, struct mr_error *error);

/* -- rows that the option tables of several programs share -- */

#define SERVICE_OPTIONS                                                                            \
    {"brokers", "MILLRACE_BROKERS", "HOST:PORT", "localhost:9092", "Kafka to connect to"},         \
        {"kafka-config",                                                                           \
         "MILLRACE_KAFKA_CONFIG",                                                                  \
         "FILE",                                                                                   \
         NULL,                                                                                     \
         "librdkafka's properties for TLS and passwords, a name=value each line"},                 \
    {                                                                                              \
        "log-level", "MILLRACE_LOG_LEVEL", "LEVEL", "info", "debug, info, warn or error"           \
    }

#define SERVICE_INSTANCE_OPTION                                                                    \
    {                                                                                              \
        "instance", "MILLRACE_INSTANCE", "NAME", "0",                                              \
            "name of this instance; keep it across restarts"                                       \
    }

#define SERVICE_SECRETS_DIR_OPTION                                                                 \
    {                                                                                              \
        "secrets-dir", "MILLRACE_SECRETS_DIR", "DIR", ".millrace/secrets",                         \
            "folder with the key files"                                                            \
    }

/* `ENV` is the prefix of the program's environment variables. */
#define SERVICE_HTTP_OPTIONS(ENV, PORT)                                                            \
    {"address", ENV "ADDRESS", "ADDRESS", "127.0.0.1", "address to listen on"},                    \
        {"port", ENV "PORT", "PORT", PORT, "port to listen on"},                                   \
    {                                                                                              \
        "threads", ENV "THREADS", "N", "2", "threads that serve HTTP"                              \
    }

#define SERVICE_MEMORY_OPTIONS(BLOCK_CACHE_MB, WRITE_BUFFERS_MB)                                   \
    {"block-cache-mb",                                                                             \
     "MILLRACE_BLOCK_CACHE_MB",                                                                    \
     "MB",                                                                                         \
     BLOCK_CACHE_MB,                                                                               \
     "RocksDB's block cache, shared by all stores"},                                               \
    {                                                                                              \
        "write-buffers-mb", "MILLRACE_WRITE_BUFFERS_MB", "MB", WRITE_BUFFERS_MB,                   \
            "RocksDB's memtables, all stores together"                                             \
    }

#define SERVICE_SNAPSHOT_OPTIONS                                                                   \
    {"snapshot-dir",                                                                               \
     "MILLRACE_SNAPSHOT_DIR",                                                                      \
     "DIR",                                                                                        \
     NULL,                                                                                         \
     "where copies of the stores are kept; stores that are empty start from the newest one"},      \
    {                                                                                              \
        "snapshot-interval-s", "MILLRACE_SNAPSHOT_INTERVAL_S", "S", "0",                           \
            "seconds from one copy of the stores to the next; 0: only by `millrace snapshot "      \
            "create`"                                                                              \
    }

#define SERVICE_CLEANUP_OPTION                                                                     \
    {                                                                                              \
        "state-cleanup-s", "MILLRACE_STATE_CLEANUP_S", "S", "86400",                               \
            "seconds until the folder of a task that another instance has is removed; 0: never"    \
    }

#define SERVICE_STATUS_OPTION(ENV, PORT)                                                           \
    {                                                                                              \
        "status-port", ENV "STATUS_PORT", "PORT", PORT, "port of /healthz, /readyz and /metrics"   \
    }

#endif
