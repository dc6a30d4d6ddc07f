/*
 * word_count.c - counts words: the smallest topology with state.
 *
 *     lines --> split --> (by word) --> count --> word-counts
 *                                         |
 *                                       counts      a store, kept in RocksDB and in a Kafka topic
 *
 *     word_count                     runs it in this process, without Kafka, on one line
 *     word_count HOST:PORT [DIR]     runs it on Kafka until Ctrl-C; its state is in DIR
 */
#include "example.h"

#include <inttypes.h>

/* Takes a line, forwards each of its words with the word as the key. */
static int split_line(struct topo_context *context, void *user, const struct topo_record *line,
    struct mr_error *error)
{
    const char *at = line->value.ptr, *end = at + line->value.len;
    while (at < end) {
        const char *space = (const char *)memchr(at, ' ', (size_t)(end - at));
        const char *word_end = space ? space : end;
        struct topo_output word = {
            .key = mr_bytes_of(at, (size_t)(word_end - at)), .value = mr_cstr("1")};
        if (word.key.len > 0)
            topo_forward(context, "by-word", &word);
        at = word_end + 1;
    }
    return 0; /* The forwarded records are sent in one transaction with the input's position. */
}

/* Looked up once, by topo_build, which refuses a name that the node does not have. */
struct count_parts {
    const struct topo_store_ref *counts;
    const struct topo_child_ref *out;
};

static void count_setup(struct topo_setup *setup, void *user)
{
    struct count_parts *parts = (struct count_parts *)user;
    parts->counts = topo_setup_store(setup, "counts");
    parts->out = topo_setup_child(setup, "word-counts");
}

/* All records of a word come to the same task, which owns the word's count. */
static int count_word(struct topo_context *context, void *user, const struct topo_record *word,
    struct mr_error *error)
{
    const struct count_parts *parts = (const struct count_parts *)user;
    struct topo_store *counts = topo_context_store_of(context, parts->counts);
    struct mr_bytes before = topo_store_get(counts, word->key); /* .ptr is NULL the first time. */
    uint64_t n = (before.ptr ? mr_get_be64(before.ptr) : 0) + 1;
    char bytes[8];
    mr_put_be64(bytes, n);
    topo_store_put(counts, word->key, mr_bytes_of(bytes, sizeof bytes));

    /* Forwarded bytes must live until the record is done; those in its arena do. */
    struct topo_output output = {
        .key = word->key, .value = mr_arena_printf(topo_context_arena(context), "%" PRIu64, n)};
    topo_forward_to(context, parts->out, &output);
    return 0;
}

static int make_topology(struct topo_topology **ret_topology, struct mr_error *error)
{
    static struct count_parts parts;
    struct topo_source lines = {.name = "lines", .topics = TOPO_LIST("lines"), .partitions = 2};
    struct topo_processor splitter = {
        .name = "split", .parents = TOPO_LIST("lines"), .process = split_line};
    struct topo_repartition by_word = {
        .name = "by-word", .parents = TOPO_LIST("split"), .topic = "word-count.by-word"};
    struct topo_store_options counts = {
        .name = "counts", .log = TOPO_LOG_CHANGELOG, .changelog_topic = "word-count.counts"};
    struct topo_processor counter = {.name = "count",
        .parents = TOPO_LIST("by-word"),
        .stores = TOPO_LIST("counts"),
        .setup = count_setup,
        .process = count_word,
        .user = &parts};
    struct topo_sink out = {.name = "word-counts",
        .parents = TOPO_LIST("count"),
        .topic = "word-counts",
        .partitions = 1};

    struct topo_builder *builder = topo_builder_new("word-count"); /* The consumer group's name. */
    topo_add_source(builder, &lines);
    topo_add_processor(builder, &splitter);
    topo_add_repartition(builder, &by_word);
    topo_add_store(builder, &counts);
    topo_add_processor(builder, &counter);
    topo_add_sink(builder, &out);
    return topo_build(builder, ret_topology, error);
}

/* The driver is a simulated Kafka and an engine in this thread: tests run on it. */
static int run_on_driver(struct topo_driver *driver, struct mr_error *error)
{
    int rc = topo_driver_pipe(driver, "lines", mr_cstr("1"), mr_cstr("to be or not to be"), error);
    example_print(driver, "word-counts");
    return rc;
}

int main(int argc, char **argv)
{
    return example_main(argc, argv, "word-count", make_topology, run_on_driver, NULL);
}
