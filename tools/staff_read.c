/* staff_read.c - what the log has of one product or order: its events, from one partition. */
#include "staff.h"

#include <base/clock.h>

#include <assert.h>

enum { READ_POLL_MS = 200 };

int32_t staff_partitions(struct staff *staff, const char *topic, struct mr_error *error)
{
    int32_t partitions = 0;
    int rc = staff_connect(staff, error);
    rc = rc ? rc : topo_kafka_partitions(&staff->kafka, topic, &partitions, error);
    if (rc == 0 && partitions == 0)
        rc = mr_fail(error, MR_CONFIG, "the topics are missing: run `millrace topics create`");
    return rc ? rc : partitions;
}

/* Every event has the header; records of others have none. */
static bool read_is_about(const struct topo_record *record, struct mr_bytes subject)
{
    struct mr_bytes about = topo_record_header(record, "ce_subject");
    return about.ptr && (!subject.ptr || mr_bytes_equal(about, subject));
}

static void read_take(
    struct staff *staff,
    const struct topo_record *record,
    bool keeps,
    staff_take_fn *take,
    void *user)
{
    struct codec_message message;
    struct mr_arena *arena = keeps ? &staff->arena : &staff->scratch;
    struct mr_bytes value = keeps ? mr_arena_copy(arena, record->value) : record->value;
    const struct shop_meta *meta = NULL;
    if (codec_decode(staff->registry, value, arena, &message, NULL) == 0)
        meta = codec_meta_of(&message);
    if (meta)
        take(user, &message, meta, record->key);
    mr_arena_reset(&staff->scratch);
}

/* Events carry the id of their aggregate in a header, so that others' are passed over undecoded. */
int staff_read(
    struct staff *staff,
    const char *topic,
    int32_t partition,
    struct mr_bytes subject,
    bool keeps,
    staff_take_fn *take,
    void *user,
    struct mr_error *error)
{
    assert(topic && take && partition >= 0);
    struct topo_kafka_reader *reader = NULL;
    int rc = staff_connect(staff, error);
    rc = rc ? rc : topo_kafka_reader_new(&staff->kafka, &reader, error);
    rc = rc ? rc : topo_kafka_reader_add(reader, topic, partition, TOPO_KAFKA_BEGIN, error);
    int64_t moved_ms = mr_monotonic_ms();
    int64_t patience_ms = staff->give_up_ms - moved_ms;
    while (rc == 0 && !topo_kafka_reader_at_end(reader, topic, partition)) {
        const struct topo_record *records = NULL;
        int count = topo_kafka_reader_poll(reader, READ_POLL_MS, &records, error);
        rc = count < 0 ? count : 0;
        for (int i = 0; i < count; i++)
            if (read_is_about(&records[i], subject))
                read_take(staff, &records[i], keeps, take, user);
        if (count > 0)
            moved_ms = mr_monotonic_ms();
        else if (rc == 0 && mr_monotonic_ms() - moved_ms > patience_ms)
            rc = mr_fail(error, MR_TIMEOUT, "Kafka gave nothing of %s in time", topic);
    }
    topo_kafka_reader_free(reader);
    return rc;
}
