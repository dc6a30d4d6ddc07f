/*
 * main.c - millrace-processors: the write side. Runs all services or the named ones, each an engine
 * of its own, so that each scales by itself.
 */
#include <processors/shop.h>
#include <service/service.h>

#include <string.h>

static const struct mr_option options_table[] = {
    SERVICE_OPTIONS,
    SERVICE_INSTANCE_OPTION,
    SERVICE_MEMORY_OPTIONS("128", "64"),
    SERVICE_STATUS_OPTION("MILLRACE_PROCESSORS_", "8083"),
    {"state-dir",
     "MILLRACE_PROCESSORS_STATE_DIR",
     "DIR",
     ".millrace/state/processors",
     "where the stores are kept"},
    SERVICE_SNAPSHOT_OPTIONS,
    SERVICE_CLEANUP_OPTION,
    {"only", "MILLRACE_ONLY", "A,B", NULL, "identity, catalog, sales, payments; default: all"},
    {"workers", "MILLRACE_WORKERS", "N", "1", "worker threads per service"},
    {"line-quantity-max", "MILLRACE_LINE_QUANTITY_MAX", "N", "1000000", "units per cart line"},
    {"cart-lines-max", "MILLRACE_CART_LINES_MAX", "N", "5000", "lines per cart"},
    {"guest-cart-lines-max", "MILLRACE_GUEST_CART_LINES_MAX", "N", "100", "lines per guest's cart"},
    {"unpaid-orders-max",
     "MILLRACE_UNPAID_ORDERS_MAX",
     "N",
     "10",
     "orders of one owner that wait for payment at once"},
    {"unpaid-units-max",
     "MILLRACE_UNPAID_UNITS_MAX",
     "N",
     "1000",
     "units that one owner holds without a payment method"},
    {"expired-orders-max",
     "MILLRACE_EXPIRED_ORDERS_MAX",
     "N",
     "5",
     "orders of one owner given up unpaid in a day; then a method must come with the order"},
    {"unpaid-hold-s",
     "MILLRACE_UNPAID_HOLD_S",
     "S",
     "120",
     "cancel orders without a payment method after S seconds"},
    {"payment-attempts-max", "MILLRACE_PAYMENT_ATTEMPTS_MAX", "N", "5", "payments per order"},
    {"pay-deadline-s",
     "MILLRACE_PAY_DEADLINE_S",
     "S",
     "900",
     "cancel unpaid orders with a payment method after S seconds"},
    {"psp", "MILLRACE_PSP", "NAME", "simulator", "payment provider of new payments"},
    {"psp-without-intents", NULL, NULL, NULL, "it cannot void what it has not heard of"},
    {"psp-captures-at-once", NULL, NULL, NULL, "it captures when it authorizes"},
};

struct processors {
    struct shop_service service;
    bool wanted[SHOP_SERVICES];
    int64_t workers;
};

/* An option that is a number, into a field of its width. */
struct limit_row {
    const char *option;
    int64_t min, max;
    int64_t *value;
};

/* The limits are returned only when every option is valid. */
static int read_limits(
    const struct mr_options *options, struct shop_limits *ret_limits, struct mr_error *error)
{
    struct shop_limits limits = shop_limits_default();
    int64_t quantity, lines, guest_lines, attempts, unpaid, units, expired, hold_s, deadline_s;
    const struct limit_row rows[] = {
        {"line-quantity-max", 1, INT32_MAX, &quantity},
        {"cart-lines-max", 1, SHOP_CART_LINES_LIMIT, &lines},
        {"guest-cart-lines-max", 1, SHOP_CART_LINES_LIMIT, &guest_lines},
        {"payment-attempts-max", 1, 100, &attempts},
        {"unpaid-orders-max", 1, INT32_MAX, &unpaid},
        {"unpaid-units-max", 1, SHOP_STOCK_MAX, &units},
        {"expired-orders-max", 1, INT32_MAX, &expired},
        {"unpaid-hold-s", 1, 86400, &hold_s},
        {"pay-deadline-s", 1, 86400, &deadline_s},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int rc = mr_options_integer(
            options, rows[i].option, rows[i].min, rows[i].max, rows[i].value, error);
        if (rc)
            return rc;
    }
    limits.line_quantity_max = (int32_t)quantity;
    limits.cart_lines_max = (int32_t)lines;
    limits.guest_cart_lines_max = (int32_t)guest_lines;
    limits.payment_attempts_max = (int32_t)attempts;
    limits.unpaid_orders_max = (int32_t)unpaid;
    limits.unpaid_units_max = units;
    limits.expired_orders_max = (int32_t)expired;
    limits.unpaid_hold_ms = hold_s * 1000;
    limits.pay_deadline_ms = deadline_s * 1000;
    limits.psp = mr_options_text(options, "psp");
    limits.psp_has_intents = !mr_options_switch(options, "psp-without-intents");
    limits.psp_captures_at_once = mr_options_switch(options, "psp-captures-at-once");
    *ret_limits = limits;
    return 0;
}

static int main_want(struct processors *processors, struct mr_bytes name, struct mr_error *error)
{
    for (size_t i = 0; i < SHOP_SERVICES; i++)
        if (mr_bytes_equal(name, mr_cstr(shop_services[i].name))) {
            processors->wanted[i] = true;
            return 0;
        }
    return mr_fail(
        error,
        MR_CONFIG,
        "--only: there is no service \"%.*s\"; there are identity, catalog, sales and payments",
        MR_ARG(name));
}

/* `only` is "catalog,sales". */
static int read_services(struct processors *processors, const char *only, struct mr_error *error)
{
    int rc = *only ? 0 : mr_fail(error, MR_CONFIG, "--only names no service");
    while (rc == 0 && *only) {
        size_t len = strcspn(only, ",");
        rc = main_want(processors, mr_bytes_of(only, len), error);
        only += len + (only[len] == ',');
    }
    return rc;
}

static int main_configure(const struct service *service, void *self, struct mr_error *error)
{
    struct processors *processors = self;
    const struct mr_options *options = &service->options;
    const char *only = mr_options_text(options, "only");
    int rc = read_limits(options, &processors->service.limits, error);
    if (rc == 0)
        rc = service_bound_memory(service, error);
    if (rc == 0)
        rc = mr_options_integer(options, "workers", 1, 64, &processors->workers, error);
    if (rc == 0)
        rc = read_services(processors, only ? only : "identity,catalog,sales,payments", error);
    return rc;
}

static int main_start(struct service *service, void *self, struct mr_error *error)
{
    struct processors *processors = self;
    struct topo_engine_options options = {
        .state_dir = mr_options_text(&service->options, "state-dir"),
        .workers = (int)processors->workers,
    };
    int rc = service_read_snapshots(service, &options, error);
    if (rc == 0)
        rc = service_read_cleanup(service, &options, error);
    processors->service.registry = service->registry;
    for (size_t i = 0; rc == 0 && i < SHOP_SERVICES; i++) {
        struct topo_topology *topology = NULL;
        if (!processors->wanted[i])
            continue;
        rc = shop_services[i].make(&processors->service, &topology, error);
        if (rc == 0)
            rc = service_start_engine(service, shop_services[i].name, topology, &options, error);
    }
    return rc ? rc : service_start_status(service, error);
}

int main(int argc, char **argv)
{
    static const struct service_spec spec = {
        .name = "processors",
        .purpose = "Decides commands and folds events: the write side of the shop.",
        .options = options_table,
        .options_count = sizeof options_table / sizeof options_table[0],
        .configure = main_configure,
        .start = main_start,
    };
    static struct processors processors;
    return service_main(&spec, &processors, argc, argv);
}
