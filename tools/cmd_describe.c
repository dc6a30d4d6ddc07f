/*
 * cmd_describe.c - `millrace topology describe`: the shop's topologies as text, a picture or JSON.
 */
#include "command.h"

#include <payment_connector/connector.h>
#include <processors/shop.h>
#include <processors/views.h>

#include <stdio.h>
#include <string.h>

enum { TOPOLOGIES_MAX = SHOP_SERVICES + 3 };

/* Built to be described; none of it is run. */
struct picture {
    struct shop_service service;
    struct payments_connector connector;
    struct topo_topology *topologies[TOPOLOGIES_MAX];
    size_t count;
};

static int describe_build_all(struct picture *picture, struct mr_error *error)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < SHOP_SERVICES; i++) {
        rc = shop_services[i].make(&picture->service, &picture->topologies[picture->count], error);
        picture->count += rc == 0;
    }
    if (rc == 0)
        rc = payments_connector_topology(
            &picture->connector, &picture->topologies[picture->count], error);
    picture->count += rc == 0;
    if (rc == 0)
        rc = shop_views_command_topology(
            picture->service.registry, &picture->topologies[picture->count], error);
    picture->count += rc == 0;
    if (rc == 0)
        rc = shop_views_query_topology(
            picture->service.registry, &picture->topologies[picture->count], error);
    picture->count += rc == 0;
    return rc;
}

static int describe_read_format(
    const struct mr_options *options, enum topo_describe_format *ret_format, struct mr_error *error)
{
    static const char *const names[] = {"text", "dot", "json"};
    static const enum topo_describe_format formats[] = {
        TOPO_DESCRIBE_TEXT, TOPO_DESCRIBE_DOT, TOPO_DESCRIBE_JSON};
    const char *name = mr_options_text(options, "format");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(name, names[i]) == 0) {
            *ret_format = formats[i];
            return 0;
        }
    return mr_fail(error, MR_CONFIG, "--format %s: text, dot or json", name);
}

/* Local schemas are enough: nothing is read from Kafka. */
static int describe_run(const struct mr_options *options, struct mr_error *error)
{
    struct picture picture = {.service = {.limits = shop_limits_default()}};
    enum topo_describe_format format = TOPO_DESCRIBE_TEXT;
    int rc = describe_read_format(options, &format, error);
    if (rc)
        return rc;
    struct codec_registry *registry = codec_registry_new_local();
    picture.service.registry = registry;
    picture.connector.registry = registry;
    rc = describe_build_all(&picture, error);
    if (rc == 0)
        topo_describe_many(
            (const struct topo_topology *const *)picture.topologies, picture.count, format, stdout);
    for (size_t i = 0; i < picture.count; i++)
        topo_topology_free(picture.topologies[i]);
    codec_registry_free(registry);
    return rc;
}

static const struct mr_option describe_options[] = {
    {"format", NULL, "WHICH", "text", "text, dot (for Graphviz) or json"},
};

const struct tool_command tool_topology_describe = {
    .words = "topology describe",
    .operands = "",
    .purpose = "print the sources, processors, stores and sinks of every service",
    .options = describe_options,
    .options_count = 1,
    .run = describe_run,
};
