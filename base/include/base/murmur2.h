/* murmur2.h - Kafka's default partitioner, so that Java producers and our tasks agree. */
#ifndef BASE_MURMUR2_H
#define BASE_MURMUR2_H

#include <base/bytes.h>

#include <base/api_begin.h>

/* org.apache.kafka.common.utils.Utils.murmur2: "foobar" -> -790332482. */
int32_t mr_murmur2(struct mr_bytes key);

/* toPositive(murmur2(key)) % partitions, as Java's DefaultPartitioner and murmur2_random do. */
int32_t mr_partition_of(struct mr_bytes key, int32_t partitions);

#include <base/api_end.h>

#endif
