/* record.h - one record of a log, as the runtime hands it around. All views are borrowed. */
#ifndef TOPOLOGY_RECORD_H
#define TOPOLOGY_RECORD_H

#include <base/bytes.h>

#include <base/api_begin.h>

struct topo_header {
    struct mr_bytes name;
    struct mr_bytes value;
};

struct topo_record {
    const char *topic;
    int32_t partition;
    int64_t offset;
    int64_t timestamp_ms;  /* CreateTime, UTC. */
    struct mr_bytes key;   /* NULL: none. */
    struct mr_bytes value; /* NULL: a tombstone. */
    const struct topo_header *headers;
    size_t headers_count;
};

/* "Everything of this partition below next_offset." Compare next offsets, never last ones:
 * transaction markers occupy offsets too. */
struct topo_position {
    const char *topic;
    int32_t partition;
    int64_t next_offset;
};

/* NULL view when there is none. The last one wins, as in Kafka. */
struct mr_bytes topo_record_header(const struct topo_record *record, const char *name);

#include <base/api_end.h>

#endif
