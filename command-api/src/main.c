/* main.c - millrace-command-api: the write side of the shop over HTTP. */
#include "command_api.h"

#include <api/contract.h>
#include <processors/views.h>
#include <service/service.h>

#include <unistd.h>

static const struct mr_option options_table[] = {
    SERVICE_OPTIONS,
    SERVICE_SECRETS_DIR_OPTION,
    SERVICE_HTTP_OPTIONS("MILLRACE_COMMAND_", "8081"),
    {"state-dir",
     "MILLRACE_COMMAND_STATE_DIR",
     "DIR",
     ".millrace/state/command-api",
     "where the views are kept"},
    SERVICE_SNAPSHOT_OPTIONS,
    API_CORS_OPTION,
    {"instance", "MILLRACE_INSTANCE", "N", "0", "of this instance: its part of gateway.replies"},
    {"hash-workers", NULL, "N", "0", "threads that hash passwords (0: one per core)"},
};

enum { INSTANCE_MAX = 1023, HASH_WORKERS_MAX = 64 };

struct command_program {
    struct command_api api;
    int64_t instance;
    int64_t hash_workers;
};

static int load_secrets(struct command_api *api, const char *folder, struct mr_error *error)
{
    int rc = token_keys_load(folder, TOKEN_SIGN | TOKEN_VERIFY | TOKEN_MAC, &api->tokens, error);
    if (rc == 0)
        rc = sealing_key_load(folder, "email_hmac.key", &api->email_hmac, error);
    if (rc == 0)
        rc = sealing_key_load(folder, "kek.key", &api->kek, error);
    if (rc == 0)
        rc = sealing_key_load(folder, "credential.key", &api->credential, error);
    if (rc == 0)
        rc = sealing_key_load(folder, "payment.key", &api->payment, error);
    if (rc == 0)
        rc = sealing_key_load(folder, "refresh.key", &api->refresh, error);
    return rc;
}

static int main_configure(const struct service *service, void *self, struct mr_error *error)
{
    struct command_program *command = self;
    const struct mr_options *options = &service->options;
    int rc = mr_options_integer(options, "instance", 0, INSTANCE_MAX, &command->instance, error);
    if (rc == 0)
        rc = mr_options_integer(
            options, "hash-workers", 0, HASH_WORKERS_MAX, &command->hash_workers, error);
    if (command->hash_workers == 0)
        command->hash_workers = sysconf(_SC_NPROCESSORS_ONLN);
    return rc ? rc : load_secrets(&command->api, mr_options_text(options, "secrets-dir"), error);
}

static int start_views(struct service *service, struct command_api *api, struct mr_error *error)
{
    struct topo_topology *topology = NULL;
    struct topo_engine_options options = {
        .state_dir = mr_options_text(&service->options, "state-dir")};
    int rc = service_read_snapshots(service, &options, error);
    if (rc == 0)
        rc = shop_views_command_topology(service->registry, &topology, error);
    if (rc == 0)
        rc = service_start_engine(service, "views", topology, &options, error);
    if (rc)
        return rc;
    api->engine = service->engines[0].engine;
    api->outcomes = topo_engine_global(api->engine, VIEW_OUTCOMES);
    api->claims = topo_engine_global(api->engine, VIEW_CLAIMS);
    api->credentials = topo_engine_global(api->engine, VIEW_CREDENTIALS);
    api->users = topo_engine_global(api->engine, VIEW_USERS);
    api->subject_keys = topo_engine_global(api->engine, VIEW_SUBJECT_KEYS);
    api->auth = (struct api_auth){
        .keys = api->tokens,
        .engine = api->engine,
        .revoked = topo_engine_global(api->engine, VIEW_REVOKED),
    };
    return 0;
}

static int main_start(struct service *service, void *self, struct mr_error *error)
{
    struct command_program *command = self;
    struct command_api *api = &command->api;
    api->registry = service->registry;
    api->instance = (int32_t)command->instance;
    api->delays = login_delay_new();
    struct dispatch_options dispatch = {
        .kafka = &service->kafka,
        .reply_partition = api->instance,
        .registry = api->registry,
    };
    int rc = dispatch_start(&dispatch, &api->dispatch, error);
    if (rc == 0)
        rc = hash_pool_start((int)command->hash_workers, &api->pool, error);
    if (rc == 0)
        rc = start_views(service, api, error);
    struct http_server_options server = {
        .routes = command_routes,
        .routes_count = command_routes_count,
        .origin = api_paths,
        .origin_count = api_operations_count,
        .user = api,
        .cors_origins = mr_options_text(&service->options, "cors-origins"),
    };
    return rc ? rc : service_start_http(service, &server, error);
}

static bool has_failed(void *self, struct mr_error *error)
{
    struct command_program *command = self;
    return dispatch_has_failed(command->api.dispatch, error);
}

static void main_stop(void *self)
{
    struct command_program *command = self;
    hash_pool_stop(command->api.pool);
    dispatch_stop(command->api.dispatch);
}

static void clean_up(void *self)
{
    struct command_program *command = self;
    token_keys_free(command->api.tokens);
    login_delay_free(command->api.delays);
}

int main(int argc, char **argv)
{
    static const struct service_spec spec = {
        .name = "command-api",
        .purpose = "The write side of the shop over HTTP.",
        .options = options_table,
        .options_count = sizeof options_table / sizeof options_table[0],
        .configure = main_configure,
        .start = main_start,
        .has_failed = has_failed,
        .stop = main_stop,
        .clean_up = clean_up,
    };
    static struct command_program command;
    return service_main(&spec, &command, argc, argv);
}
