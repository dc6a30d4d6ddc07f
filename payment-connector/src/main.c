/* main.c - millrace-payments: the connector, with the simulated provider. */
#include <payment_connector/connector.h>
#include <payment_connector/simulator.h>
#include <service/service.h>

static const struct mr_option options_table[] = {
    SERVICE_OPTIONS,
    SERVICE_INSTANCE_OPTION,
    SERVICE_SECRETS_DIR_OPTION,
    SERVICE_STATUS_OPTION("MILLRACE_PAYMENTS_", "8084"),
    {"slow-ms", NULL, "MS", "3000", "how long pm_slow takes"},
    {"captures-at-once", NULL, NULL, NULL, "the provider captures when it authorizes"},
};

struct payments {
    struct sealing_key payment_key;
    struct payments_connector connector;
    struct psp_simulator *simulator;
};

static int main_configure(const struct service *service, void *self, struct mr_error *error)
{
    struct payments *payments = self;
    const struct mr_options *options = &service->options;
    struct psp_simulator_options simulator = {
        .captures_at_once = mr_options_switch(options, "captures-at-once")};
    int rc = mr_options_integer(options, "slow-ms", 1, 3600000, &simulator.slow_ms, error);
    if (rc == 0)
        rc = sealing_key_load(
            mr_options_text(options, "secrets-dir"), "payment.key", &payments->payment_key, error);
    if (rc == 0)
        payments->simulator = psp_simulator_new(&simulator);
    return rc;
}

static int main_start(struct service *service, void *self, struct mr_error *error)
{
    struct payments *payments = self;
    struct topo_topology *topology = NULL;
    payments->connector = (struct payments_connector){
        .registry = service->registry,
        .payment_key = &payments->payment_key,
        .psp = psp_simulator_psp(payments->simulator),
    };
    int rc = payments_connector_topology(&payments->connector, &topology, error);
    if (rc == 0)
        rc = service_start_engine(
            service, "connector", topology, &(struct topo_engine_options){0}, error);
    return rc ? rc : service_start_status(service, error);
}

static void clean_up(void *self)
{
    struct payments *payments = self;
    psp_simulator_free(payments->simulator);
}

int main(int argc, char **argv)
{
    static const struct service_spec spec = {
        .name = "payments",
        .purpose = "Asks the payment provider what payments want to know; it is simulated.",
        .options = options_table,
        .options_count = sizeof options_table / sizeof options_table[0],
        .configure = main_configure,
        .start = main_start,
        .clean_up = clean_up,
    };
    static struct payments payments;
    return service_main(&spec, &payments, argc, argv);
}
