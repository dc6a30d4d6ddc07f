/*
 * registry.h - the schema registry that Kafka's topic `_schemas` holds: read when a program starts,
 * and again when a record has an unknown schema id.
 */
#ifndef SERVICE_REGISTRY_H
#define SERVICE_REGISTRY_H

#include <schemas/registry.h>
#include <topology/kafka.h>

#define SHOP_REGISTRY_TOPIC "_schemas"

/*
 * Reads the topic `_schemas` to its end and binds. MR_UNAVAILABLE: no broker answered in time.
 * MR_CONFIG: the topic or a schema is missing; the text says what to run. Of `kafka` the brokers,
 * the client id and the config file count, and are copied.
 */
int shop_registry_load(
    const struct topo_kafka_options *kafka,
    struct codec_registry **ret_registry,
    struct mr_error *error);

/* As shop_registry_load, without binding: for tools that register schemas. An absent topic is an
 * empty registry. */
int shop_registry_read(
    const struct topo_kafka_options *kafka,
    struct codec_registry **ret_registry,
    struct mr_error *error);

#endif
