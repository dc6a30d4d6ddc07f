/* topology_queue_test.c - the order in which a task takes its buffered input. */
#include <tests/cmocka.h>

#include "engine/queue.h"

#include <stdlib.h>

static struct graph_node sources[] = {{.priority = 1}, {.priority = 0}, {.priority = 1}};
static const struct graph_input inputs[] = {
    {"low", &sources[0]}, {"high", &sources[1]}, {"other", &sources[2]}};

static void push_record(struct queue *queue, int64_t offset, int64_t timestamp_ms)
{
    const struct topo_record record = {
        .topic = queue->partition.topic,
        .offset = offset,
        .timestamp_ms = timestamp_ms,
        .value = mr_cstr("value"),
    };
    queue_push(queue, &record, NULL);
}

static void by_priority_then_timestamp_then_position(void **state)
{
    (void)state;
    struct queue items[3];
    for (size_t i = 0; i < 3; i++)
        queue_init(&items[i], &inputs[i], 0);
    const struct queues queues = {items, 3};
    assert_null(queues_next(&queues));
    push_record(&items[0], 10, 5);
    push_record(&items[0], 11, 1); /* Within a partition order is by offset, whatever the time. */
    push_record(&items[1], 20, 9);
    push_record(&items[2], 30, 4);
    push_record(&items[2], 31, 5);
    const int64_t order[] = {20, 30, 10, 11, 31};
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        struct queue *queue = queues_next(&queues);
        assert_int_equal(queue_head(queue)->record.offset, order[i]);
        queue_pop(queue);
    }
    assert_null(queues_next(&queues));
    for (size_t i = 0; i < 3; i++)
        queue_clean_up(&items[i]);
}

static void a_ring_keeps_order_and_counts_bytes_while_it_grows(void **state)
{
    (void)state;
    struct queue queue;
    int64_t in = 0;
    int64_t out = 0;
    queue_init(&queue, &inputs[0], 0);
    for (int round = 0; round < 50; round++) {
        for (int i = 0; i < 7; i++)
            push_record(&queue, in++, 0);
        for (int i = 0; i < 3; i++) {
            assert_int_equal(queue_head(&queue)->record.offset, out++);
            queue_pop(&queue);
        }
        assert_int_equal(
            queue.bytes, (size_t)(in - out) * queue_bytes_of(&queue_head(&queue)->record));
        assert_int_equal(queue_position(&queue), out);
    }
    while (queue.count > 0) {
        assert_int_equal(queue_head(&queue)->record.offset, out++);
        queue_pop(&queue);
    }
    assert_int_equal(in, out);
    assert_int_equal(queue.bytes, 0);
    queue_clean_up(&queue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_priority_then_timestamp_then_position),
        cmocka_unit_test(a_ring_keeps_order_and_counts_bytes_while_it_grows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
