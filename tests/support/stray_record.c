/* stray_record.c - stray_record BROKERS TOPIC PARTITION KEY [VALUE]: what a console producer would
 * write by mistake: no headers, and without VALUE a tombstone. */
#include <topology/client.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
    if (argc != 5 && argc != 6) {
        fprintf(stderr, "usage: stray_record BROKERS TOPIC PARTITION KEY [VALUE]\n");
        return 2;
    }
    struct topo_kafka_options options = {.brokers = argv[1], .client_id = "stray"};
    struct topo_kafka_producer *producer = NULL;
    struct mr_error error = {.text = "failed"};
    struct topo_output record = {.key = mr_cstr(argv[4]), .value = mr_cstr(argv[5])};
    int rc = topo_kafka_producer_new(&options, 0, &producer, &error);
    if (!rc)
        rc = topo_kafka_produce(
            producer, argv[2], (int32_t)strtol(argv[3], NULL, 10), &record, NULL, NULL, &error);
    if (!rc)
        rc = topo_kafka_flush(producer, 10000, &error);
    topo_kafka_producer_free(producer);
    if (rc)
        fprintf(stderr, "stray_record: %s\n", error.text);
    return rc ? 1 : 0;
}
