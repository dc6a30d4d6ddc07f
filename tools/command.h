/*
 * command.h - what the subcommands of `millrace` have in common.
 *
 * A command is one row: its words, its options, and the function that runs it. Exit codes: 0 done,
 * 1 failed (with one sentence on stderr), 2 wrong usage; of the staff's commands also 3, the shop
 * refused it, and 4, its outcome is not known.
 */
#ifndef TOOLS_COMMAND_H
#define TOOLS_COMMAND_H

#include <base/options.h>
#include <topology/client.h>

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_REFUSED = 3, EXIT_UNKNOWN = 4 };

/* A command of the shop's staff (staff.h). Returns as `run` does. */
struct staff;
typedef int staff_run_fn(struct staff *staff, struct mr_error *error);

struct tool_command {
    const char *words;    /* "topics create" */
    const char *operands; /* "FILE", or "" */
    size_t operands_count;
    const char *purpose;
    const char *notes; /* Printed behind the options; NULL: none. */
    const struct mr_option *options;
    size_t options_count;
    /* 0, a code, or an exit code above 0. */
    int (*run)(const struct mr_options *options, struct mr_error *error);
    staff_run_fn *run_staff; /* Instead of `run`. */
};

#define TOOL_KAFKA_OPTIONS                                                                         \
    {"brokers", "MILLRACE_BROKERS", "HOST:PORT", "localhost:9092", "Kafka to connect to"},         \
    {                                                                                              \
        "kafka-config", "MILLRACE_KAFKA_CONFIG", "FILE", NULL,                                     \
            "librdkafka's properties for TLS and passwords, a name=value each line"                \
    }

static inline struct topo_kafka_options tool_kafka(const struct mr_options *options)
{
    return (struct topo_kafka_options){
        .brokers = mr_options_text(options, "brokers"),
        .client_id = "millrace",
        .config_file = mr_options_text(options, "kafka-config"),
    };
}

enum { TOOL_PING_TIMEOUT_MS = 10000 };

extern const struct tool_command tool_acls_print;
extern const struct tool_command tool_secrets_init;
extern const struct tool_command tool_secrets_rotate;
extern const struct tool_command tool_topics_create;
extern const struct tool_command tool_topics_list;
extern const struct tool_command tool_topics_strangers;
extern const struct tool_command tool_schemas_register;
extern const struct tool_command tool_schemas_list;
extern const struct tool_command tool_schemas_check;
extern const struct tool_command tool_snapshot_create;
extern const struct tool_command tool_snapshot_list;
extern const struct tool_command tool_snapshot_restore;
extern const struct tool_command tool_tasks_list;
extern const struct tool_command tool_topology_describe;
extern const struct tool_command tool_import_retail;
extern const struct tool_command tool_product_create;
extern const struct tool_command tool_product_show;
extern const struct tool_command tool_product_price;
extern const struct tool_command tool_product_details;
extern const struct tool_command tool_product_publish;
extern const struct tool_command tool_product_discontinue;
extern const struct tool_command tool_user_show;
extern const struct tool_command tool_user_role;
extern const struct tool_command tool_stock_show;
extern const struct tool_command tool_stock_adjust;
extern const struct tool_command tool_order_show;
extern const struct tool_command tool_order_attention;
extern const struct tool_command tool_order_cancel;
extern const struct tool_command tool_order_refund;
extern const struct tool_command tool_order_close;
extern const struct tool_command tool_order_resend;
extern const struct tool_command tool_api_describe;
extern const struct tool_command tool_api_problems;

#endif
