/* kafka_mock_test.c - the Kafka adapter on librdkafka's own mock cluster: what errors become. */
#include "kafka/kafka_impl.h"

#include <tests/cmocka.h>

#include <base/murmur2.h>

#include <librdkafka/rdkafka_mock.h>

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum {
    /* Kafka's numbers of the requests. */
    API_PRODUCE = 0,
    API_OFFSET_FETCH = 9,
    API_INIT_PRODUCER_ID = 22,
    API_ADD_PARTITIONS = 24,
    API_ADD_OFFSETS = 25,
    API_END_TXN = 26,
    API_TXN_OFFSET_COMMIT = 28,
    STEP_MS = 20,
    PARTITIONS = 4,
};

struct mock {
    rd_kafka_t *rk; /* The mock cluster lives in a client. */
    rd_kafka_mock_cluster_t *cluster;
    struct topo_kafka_options options;
    struct topo_io io;
};

static void mock_check(int code, const struct mr_error *error)
{
    if (code < 0)
        fail_msg("%s: %s", mr_code_text(code), error->text);
}

static int set_up(void **state)
{
    static struct mock mock;
    static const char *const properties[] = {"message.timeout.ms=3000", NULL};
    char text[256];
    struct mr_error error = {0};
    mock = (struct mock){0};
    mock.rk = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), text, sizeof text);
    mock.cluster = rd_kafka_mock_cluster_new(mock.rk, 1);
    mock.options.brokers = rd_kafka_mock_cluster_bootstraps(mock.cluster);
    mock.options.properties = properties;
    rd_kafka_mock_topic_create(mock.cluster, "in", 1, 1);
    rd_kafka_mock_topic_create(mock.cluster, "out", PARTITIONS, 1);
    const struct topo_io_options options = {"app", "a", 0, true};
    mock_check(topo_kafka_open(&mock.options, &options, &mock.io, &error), &error);
    *state = &mock;
    return 0;
}

static int tear_down(void **state)
{
    struct mock *mock = *state;
    mock->io.close(mock->io.self);
    rd_kafka_mock_cluster_destroy(mock->cluster);
    rd_kafka_destroy(mock->rk);
    return 0;
}

static void begin_with_a_record(struct mock *mock)
{
    struct mr_error error = {0};
    const struct topo_partition to = {"out", -1};
    const struct topo_record record = {.key = mr_cstr("k"), .value = mr_cstr("v")};
    mock_check(mock->io.begin(mock->io.self, &error), &error);
    mock_check(mock->io.produce(mock->io.self, &to, &record, &error), &error);
}

static int mock_commit(struct mock *mock, struct mr_error *error)
{
    const struct topo_position input = {"in", 0, 1};
    return mock->io.commit(mock->io.self, &input, 1, error);
}

/* A transaction meets `err` in the request; returns what the commit made of it. */
static int commit_meeting(struct mock *mock, int api, rd_kafka_resp_err_t err)
{
    struct mr_error error = {0};
    mock_check(mock->io.init_transactions(mock->io.self, &error), &error);
    begin_with_a_record(mock);
    mock_check(mock->io.flush(mock->io.self, &error), &error);
    rd_kafka_mock_push_request_errors(mock->cluster, (int16_t)api, 1, err);
    return mock_commit(mock, &error);
}

static void a_commit_that_may_be_asked_again_is_asked_again(void **state)
{
    assert_int_equal(
        commit_meeting(*state, API_END_TXN, RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE), 0);
}

static void offsets_that_may_be_sent_again_are_sent_again(void **state)
{
    assert_int_equal(
        commit_meeting(*state, API_TXN_OFFSET_COMMIT, RD_KAFKA_RESP_ERR_NOT_COORDINATOR), 0);
}

/* Both lanes have their turn after it; a new epoch, had one been asked for, would be refused. */
static int begin_twice_without_a_new_epoch(struct mock *mock, struct mr_error *error)
{
    rd_kafka_mock_push_request_errors(
        mock->cluster,
        API_INIT_PRODUCER_ID,
        1,
        RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED);
    int rc = 0;
    for (int i = 0; rc == 0 && i < 2; i++) {
        rc = mock->io.begin(mock->io.self, error);
        if (rc == 0)
            rc = mock->io.abort(mock->io.self, error);
    }
    return rc;
}

/* The mock cluster puts no markers, so these transactions have offsets only. */
static void a_request_without_an_answer_costs_the_producer_its_epoch(void **state)
{
    static const int requests[] = {API_ADD_OFFSETS, API_TXN_OFFSET_COMMIT, API_END_TXN};
    (void)state;
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        struct mr_error error = {0};
        void *own = NULL;
        set_up(&own);
        struct mock *mock = own;
        mock_check(mock->io.init_transactions(mock->io.self, &error), &error);
        rd_kafka_mock_push_request_errors(
            mock->cluster, (int16_t)requests[i], 1, RD_KAFKA_RESP_ERR__TRANSPORT);
        mock_check(mock->io.begin(mock->io.self, &error), &error);
        mock_check(mock_commit(mock, &error), &error);
        assert_int_equal(begin_twice_without_a_new_epoch(mock, &error), MR_CONFIG);
        tear_down(&own);
    }
}

static void a_producer_whose_requests_are_all_answered_keeps_its_epoch(void **state)
{
    struct mock *mock = *state;
    struct mr_error error = {0};
    mock_check(mock->io.init_transactions(mock->io.self, &error), &error);
    mock_check(mock->io.begin(mock->io.self, &error), &error);
    mock_check(mock_commit(mock, &error), &error);
    mock_check(begin_twice_without_a_new_epoch(mock, &error), &error);
}

/* A record that was written, its answer lost: librdkafka writes it again. */
static void a_record_without_an_answer_unsettles_its_producer(void **state)
{
    static const int requests[] = {API_PRODUCE, API_ADD_PARTITIONS};
    struct mock *mock = *state;
    const struct topo_io_options options = {"app", "b", 0, true};
    const struct topo_record record = {.key = mr_cstr("k"), .value = mr_cstr("v")};
    for (int i = 0; i < 2; i++) {
        struct mr_error error = {0};
        struct kafka_txn *txn;
        mock_check(kafka_txn_new(&mock->options, &options, 0, &txn, &error), &error);
        mock_check(kafka_txn_init(txn, &error), &error);
        assert_false(kafka_txn_is_unsettled(txn));
        rd_kafka_mock_push_request_errors(
            mock->cluster, (int16_t)requests[i], 1, RD_KAFKA_RESP_ERR__TRANSPORT);
        mock_check(kafka_txn_begin(txn, &error), &error);
        mock_check(
            kafka_txn_produce(txn, &(struct topo_partition){"out", 0}, &record, &error), &error);
        mock_check(kafka_txn_flush(txn, &error), &error);
        assert_true(kafka_txn_is_unsettled(txn));
        kafka_txn_free(txn);
    }
}

static void a_dynamic_member_is_not_offered(void **state)
{
    static const char *const properties[] = {"group.instance.id=", NULL};
    const struct mock *mock = *state;
    struct topo_kafka_options options = mock->options;
    const struct topo_io_options io_options = {"app", "c", 0, true};
    struct topo_io io;
    struct mr_error error = {0};
    options.properties = properties;
    assert_int_equal(topo_kafka_open(&options, &io_options, &io, &error), MR_CONFIG);
    assert_non_null(strstr(error.text, "group.instance.id"));
}

static void a_producer_that_is_initialised_again_is_another_one(void **state)
{
    struct mock *mock = *state;
    struct mr_error error = {0};
    assert_int_equal(commit_meeting(mock, API_END_TXN, RD_KAFKA_RESP_ERR_NO_ERROR), 0);
    mock_check(mock->io.init_transactions(mock->io.self, &error), &error);
    begin_with_a_record(mock);
    mock_check(mock_commit(mock, &error), &error);
}

static void a_producer_with_an_old_epoch_is_fenced(void **state)
{
    struct mr_error error = {0};
    struct mock *mock = *state;
    assert_int_equal(
        commit_meeting(mock, API_END_TXN, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH), MR_FENCED);
    assert_int_equal(mock->io.abort(mock->io.self, &error), MR_FENCED);
}

static void a_member_of_an_old_generation_is_fenced(void **state)
{
    assert_int_equal(
        commit_meeting(*state, API_TXN_OFFSET_COMMIT, RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION),
        MR_FENCED);
}

static void a_record_that_the_log_refuses_is_reported_and_the_next_transaction_works(void **state)
{
    struct mr_error error = {0};
    struct mock *mock = *state;
    mock_check(mock->io.init_transactions(mock->io.self, &error), &error);
    rd_kafka_mock_push_request_errors(
        mock->cluster, API_PRODUCE, 1, RD_KAFKA_RESP_ERR_INVALID_RECORD);
    begin_with_a_record(mock);
    assert_int_equal(mock->io.flush(mock->io.self, &error), MR_INVALID);
    assert_int_equal(mock_commit(mock, &error), MR_INVALID);
    mock_check(mock->io.abort(mock->io.self, &error), &error);
    begin_with_a_record(mock);
    mock_check(mock_commit(mock, &error), &error);
}

static void writing_after_a_failure_says_abort(void **state)
{
    struct mr_error error = {0};
    struct mock *mock = *state;
    const struct topo_partition to = {"out", 0};
    const struct topo_record record = {.value = mr_cstr("v")};
    mock_check(mock->io.init_transactions(mock->io.self, &error), &error);
    rd_kafka_mock_push_request_errors(
        mock->cluster, API_PRODUCE, 1, RD_KAFKA_RESP_ERR_UNSUPPORTED_FOR_MESSAGE_FORMAT);
    begin_with_a_record(mock);
    assert_int_equal(mock->io.flush(mock->io.self, &error), MR_ABORTED);
    assert_int_equal(mock->io.produce(mock->io.self, &to, &record, &error), MR_ABORTED);
}

/* A program that may not write there would abort without end. */
static void a_topic_that_is_forbidden_is_a_configuration_error_that_names_it(void **state)
{
    static const rd_kafka_resp_err_t refusals[] = {
        RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
        RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED,
    };
    struct mr_error error = {0};
    struct mock *mock = *state;
    mock_check(mock->io.init_transactions(mock->io.self, &error), &error);
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        rd_kafka_mock_push_request_errors(mock->cluster, API_PRODUCE, 1, refusals[i]);
        begin_with_a_record(mock);
        int rc = mock->io.flush(mock->io.self, &error);
        assert_int_equal(rc, MR_CONFIG);
        assert_non_null(strstr(error.text, "delivered to out"));
        mock_check(mock->io.abort(mock->io.self, &error), &error);
    }
}

/* As when its markers were not there in time. */
static void an_abort_may_be_asked_again(void **state)
{
    struct mr_error error = {0};
    struct mock *mock = *state;
    mock_check(mock->io.init_transactions(mock->io.self, &error), &error);
    for (int i = 0; i < 3; i++) { /* Without records: this cluster writes no markers at all. */
        mock_check(mock->io.begin(mock->io.self, &error), &error);
        mock_check(mock->io.abort(mock->io.self, &error), &error);
        mock_check(mock->io.abort(mock->io.self, &error), &error);
    }
    begin_with_a_record(mock);
    mock_check(mock_commit(mock, &error), &error);
}

static void a_transactional_id_that_is_forbidden_is_a_configuration_error(void **state)
{
    struct mr_error error = {0};
    struct mock *mock = *state;
    rd_kafka_mock_push_request_errors(
        mock->cluster,
        API_INIT_PRODUCER_ID,
        1,
        RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED);
    assert_int_equal(mock->io.init_transactions(mock->io.self, &error), MR_CONFIG);
}

static void a_commit_without_input_is_refused(void **state)
{
    struct mr_error error = {0};
    struct mock *mock = *state;
    mock_check(mock->io.init_transactions(mock->io.self, &error), &error);
    begin_with_a_record(mock);
    assert_int_equal(mock->io.commit(mock->io.self, NULL, 0, &error), MR_FATAL);
}

static void an_io_that_is_not_initialised_says_so(void **state)
{
    struct mr_error error = {0};
    struct mock *mock = *state;
    assert_int_equal(mock->io.begin(mock->io.self, &error), MR_FATAL);
    assert_int_equal(mock->io.last_offset(mock->io.self, (struct topo_partition){"out", 0}), -1);
    assert_int_equal(mock->io.log_position(mock->io.self, (struct topo_partition){"in", 0}), -1);
}

static void preparing_waits_for_a_topic_and_names_it(void **state)
{
    struct mr_error error = {0};
    struct mock *mock = *state;
    const char *const topics[] = {"out", "late"};
    mock_check(mock->io.init_transactions(mock->io.self, &error), &error);
    rd_kafka_mock_topic_set_error(mock->cluster, "late", RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
    assert_int_equal(mock->io.prepare(mock->io.self, topics, 2, &error), MR_TIMEOUT);
    assert_non_null(strstr(error.text, "late"));
    rd_kafka_mock_topic_set_error(mock->cluster, "late", RD_KAFKA_RESP_ERR_NO_ERROR);
    mock_check(mock->io.prepare(mock->io.self, topics, 2, &error), &error);
    begin_with_a_record(mock);
    mock_check(mock_commit(mock, &error), &error);
}

static void offsets_that_are_not_stable_are_to_be_asked_again(void **state)
{
    struct mr_error error = {0};
    struct mock *mock = *state;
    int64_t offset = -7;
    enum { MANY = 100 };
    rd_kafka_resp_err_t errors[MANY];
    for (int i = 0; i < MANY; i++)
        errors[i] = RD_KAFKA_RESP_ERR_UNSTABLE_OFFSET_COMMIT;
    rd_kafka_mock_push_request_errors_array(mock->cluster, API_OFFSET_FETCH, MANY, errors);
    assert_int_equal(
        mock->io.committed(mock->io.self, &(struct topo_partition){"in", 0}, 1, &offset, &error),
        MR_AGAIN);
    assert_int_equal(offset, -7);
    rd_kafka_mock_clear_request_errors(mock->cluster, API_OFFSET_FETCH);
    mock_check(
        mock->io.committed(mock->io.self, &(struct topo_partition){"in", 0}, 1, &offset, &error),
        &error);
    assert_int_equal(offset, -1);
}

/* -- the edges -- */

struct delivered {
    atomic_int count;
    atomic_int code;
    atomic_int partition;
};

static void on_delivered(void *user, int code, int32_t partition, int64_t offset)
{
    struct delivered *delivered = user;
    (void)offset;
    atomic_store(&delivered->code, code);
    atomic_store(&delivered->partition, partition);
    atomic_fetch_add(&delivered->count, 1);
}

static void headers_go_there_and_back(void **state)
{
    struct mock *mock = *state;
    struct mr_error error = {0};
    struct topo_kafka_producer *producer;
    struct topo_kafka_reader *reader;
    const struct topo_record *records;
    const struct topo_header headers[] = {
        {mr_cstr("type"), mr_cstr("Added")},
        {mr_cstr("nothing"), {NULL, 0}},
    };
    const struct topo_output output = {
        .key = mr_cstr("k"), .value = mr_cstr("v"), .headers = headers, .headers_count = 2};
    mock_check(topo_kafka_producer_new(&mock->options, 0, &producer, &error), &error);
    mock_check(topo_kafka_produce(producer, "in", 0, &output, NULL, NULL, &error), &error);
    mock_check(topo_kafka_flush(producer, 5000, &error), &error);
    topo_kafka_producer_free(producer);
    mock_check(topo_kafka_reader_new(&mock->options, &reader, &error), &error);
    mock_check(topo_kafka_reader_add(reader, "in", 0, TOPO_KAFKA_BEGIN, &error), &error);
    int count = 0;
    for (int i = 0; i < 500 && count == 0; i++)
        count = topo_kafka_reader_poll(reader, STEP_MS, &records, &error);
    assert_int_equal(count, 1);
    assert_int_equal(records[0].headers_count, 2);
    assert_true(mr_bytes_equal(records[0].headers[0].name, mr_cstr("type")));
    assert_true(mr_bytes_equal(records[0].headers[0].value, mr_cstr("Added")));
    assert_null(records[0].headers[1].value.ptr);
    topo_kafka_reader_free(reader);
}

static void a_key_lands_where_murmur2_says(void **state)
{
    struct mock *mock = *state;
    struct mr_error error = {0};
    struct topo_kafka_producer *producer;
    char key[16];
    mock_check(topo_kafka_producer_new(&mock->options, 0, &producer, &error), &error);
    for (int i = 0; i < 20; i++) {
        struct delivered delivered = {0};
        snprintf(key, sizeof key, "key-%d", i);
        const struct topo_output output = {.key = mr_cstr(key), .value = mr_cstr("v")};
        mock_check(
            topo_kafka_produce(producer, "out", -1, &output, on_delivered, &delivered, &error),
            &error);
        mock_check(topo_kafka_flush(producer, 5000, &error), &error);
        assert_int_equal(
            atomic_load(&delivered.partition), mr_partition_of(mr_cstr(key), PARTITIONS));
    }
    topo_kafka_producer_free(producer);
}

/* From then on nobody can say where the topic is: who was prepared need not ask. */
static void a_prepared_producer_writes_without_asking_where(void **state)
{
    struct mock *mock = *state;
    struct mr_error error = {0};
    struct topo_kafka_producer *producer;
    struct delivered delivered = {0};
    const char *const topics[] = {"in", "out"};
    const struct topo_output output = {.key = mr_cstr("k"), .value = mr_cstr("v")};
    mock_check(topo_kafka_producer_new(&mock->options, 0, &producer, &error), &error);
    mock_check(topo_kafka_producer_prepare(producer, topics, 2, 5000, &error), &error);
    rd_kafka_mock_topic_set_error(mock->cluster, "out", RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
    mock_check(
        topo_kafka_produce(producer, "out", -1, &output, on_delivered, &delivered, &error), &error);
    mock_check(topo_kafka_flush(producer, 5000, &error), &error);
    assert_int_equal(atomic_load(&delivered.count), 1);
    assert_int_equal(atomic_load(&delivered.code), 0);
    topo_kafka_producer_free(producer);
}

/* From then on nobody can say where the topic is: the reader knew before it began. */
static void a_reader_begins_without_asking_where_a_second_time(void **state)
{
    struct mock *mock = *state;
    struct mr_error error = {0};
    struct topo_kafka_producer *producer;
    struct topo_kafka_reader *reader;
    const struct topo_record *records;
    const struct topo_output output = {.key = mr_cstr("k"), .value = mr_cstr("v")};
    mock_check(topo_kafka_producer_new(&mock->options, 0, &producer, &error), &error);
    mock_check(topo_kafka_produce(producer, "in", 0, &output, NULL, NULL, &error), &error);
    mock_check(topo_kafka_flush(producer, 5000, &error), &error);
    topo_kafka_producer_free(producer);
    mock_check(topo_kafka_reader_new(&mock->options, &reader, &error), &error);
    mock_check(topo_kafka_reader_add(reader, "in", 0, TOPO_KAFKA_BEGIN, &error), &error);
    rd_kafka_mock_topic_set_error(mock->cluster, "in", RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
    int count = 0;
    for (int i = 0; i < 500 && count == 0; i++)
        count = topo_kafka_reader_poll(reader, STEP_MS, &records, &error);
    assert_int_equal(count, 1);
    topo_kafka_reader_free(reader);
}

static void a_delivery_that_fails_is_reported_once_with_the_reason(void **state)
{
    struct mock *mock = *state;
    struct mr_error error = {0};
    struct topo_kafka_producer *producer;
    struct delivered delivered = {0};
    const struct topo_output output = {.key = mr_cstr("k"), .value = mr_cstr("v")};
    rd_kafka_mock_push_request_errors(
        mock->cluster, API_PRODUCE, 1, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE);
    mock_check(topo_kafka_producer_new(&mock->options, 0, &producer, &error), &error);
    mock_check(
        topo_kafka_produce(producer, "in", 0, &output, on_delivered, &delivered, &error), &error);
    topo_kafka_producer_free(producer);
    assert_int_equal(atomic_load(&delivered.count), 1);
    assert_int_equal(atomic_load(&delivered.code), MR_TOO_LARGE);
}

static void what_cannot_be_delivered_is_given_up_when_the_producer_goes(void **state)
{
    struct mock *mock = *state;
    struct mr_error error = {0};
    struct topo_kafka_producer *producer;
    struct delivered delivered = {0};
    const char *const properties[] = {"message.timeout.ms=60000", NULL};
    const struct topo_output output = {.key = mr_cstr("k"), .value = mr_cstr("v")};
    mock->options.properties = properties;
    mock_check(topo_kafka_producer_new(&mock->options, 0, &producer, &error), &error);
    rd_kafka_mock_broker_set_down(mock->cluster, 1);
    mock_check(
        topo_kafka_produce(producer, "in", 0, &output, on_delivered, &delivered, &error), &error);
    topo_kafka_producer_free(producer);
    assert_int_equal(atomic_load(&delivered.count), 1);
    assert_int_equal(atomic_load(&delivered.code), MR_UNAVAILABLE);
    rd_kafka_mock_broker_set_up(mock->cluster, 1);
}

static void a_broker_that_is_not_there_is_named_by_its_address(void **state)
{
    struct mr_error error = {0};
    const struct topo_kafka_options options = {.brokers = "127.0.0.1:1", .client_id = "t"};
    (void)state;
    assert_int_equal(topo_kafka_ping(&options, 1000, &error), MR_UNAVAILABLE);
    assert_non_null(strstr(error.text, "127.0.0.1:1"));
    assert_non_null(strstr(error.text, "refused"));
    assert_null(strchr(error.text, '\n'));
}

static void a_property_that_librdkafka_does_not_know_is_named(void **state)
{
    struct mr_error error = {0};
    const char *const properties[] = {"no.such.thing=1", NULL};
    const struct topo_kafka_options options = {.brokers = "127.0.0.1:1", .properties = properties};
    struct topo_kafka_producer *producer;
    (void)state;
    assert_int_equal(topo_kafka_producer_new(&options, 0, &producer, &error), MR_CONFIG);
    assert_non_null(strstr(error.text, "no.such.thing"));
}

static void each_error_says_what_may_be_done(void **state)
{
    static const struct {
        rd_kafka_resp_err_t err;
        enum mr_class class;
    } cases[] = {
        {RD_KAFKA_RESP_ERR_NO_ERROR, MR_CLASS_NONE},
        {RD_KAFKA_RESP_ERR__TIMED_OUT, MR_CLASS_RETRY},
        {RD_KAFKA_RESP_ERR__TRANSPORT, MR_CLASS_RETRY},
        {RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, MR_CLASS_RETRY},
        {RD_KAFKA_RESP_ERR__QUEUE_FULL, MR_CLASS_RETRY},
        {RD_KAFKA_RESP_ERR_UNSTABLE_OFFSET_COMMIT, MR_CLASS_RETRY},
        {RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS, MR_CLASS_RETRY},
        {RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS, MR_CLASS_RETRY},
        {RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, MR_CLASS_POISON},
        {RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET, MR_CLASS_POISON},
        {RD_KAFKA_RESP_ERR_PRODUCER_FENCED, MR_CLASS_FENCED},
        {RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH, MR_CLASS_FENCED},
        {RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID, MR_CLASS_FENCED},
        {RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION, MR_CLASS_FENCED},
        {RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID, MR_CLASS_FENCED},
        {RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED, MR_CLASS_FATAL},
        {RD_KAFKA_RESP_ERR_UNKNOWN, MR_CLASS_FATAL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(mr_code_class(kafka_code(cases[i].err)), cases[i].class);
}

#define ON_MOCK(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_MOCK(a_commit_that_may_be_asked_again_is_asked_again),
        ON_MOCK(offsets_that_may_be_sent_again_are_sent_again),
        ON_MOCK(a_producer_with_an_old_epoch_is_fenced),
        ON_MOCK(a_member_of_an_old_generation_is_fenced),
        ON_MOCK(a_record_that_the_log_refuses_is_reported_and_the_next_transaction_works),
        ON_MOCK(writing_after_a_failure_says_abort),
        ON_MOCK(a_topic_that_is_forbidden_is_a_configuration_error_that_names_it),
        ON_MOCK(an_abort_may_be_asked_again),
        ON_MOCK(a_transactional_id_that_is_forbidden_is_a_configuration_error),
        ON_MOCK(a_commit_without_input_is_refused),
        ON_MOCK(an_io_that_is_not_initialised_says_so),
        ON_MOCK(preparing_waits_for_a_topic_and_names_it),
        ON_MOCK(offsets_that_are_not_stable_are_to_be_asked_again),
        ON_MOCK(headers_go_there_and_back),
        ON_MOCK(a_key_lands_where_murmur2_says),
        ON_MOCK(a_prepared_producer_writes_without_asking_where),
        ON_MOCK(a_reader_begins_without_asking_where_a_second_time),
        ON_MOCK(a_delivery_that_fails_is_reported_once_with_the_reason),
        ON_MOCK(what_cannot_be_delivered_is_given_up_when_the_producer_goes),
        cmocka_unit_test(a_request_without_an_answer_costs_the_producer_its_epoch),
        ON_MOCK(a_producer_whose_requests_are_all_answered_keeps_its_epoch),
        ON_MOCK(a_record_without_an_answer_unsettles_its_producer),
        ON_MOCK(a_dynamic_member_is_not_offered),
        ON_MOCK(a_producer_that_is_initialised_again_is_another_one),
        cmocka_unit_test(a_broker_that_is_not_there_is_named_by_its_address),
        cmocka_unit_test(a_property_that_librdkafka_does_not_know_is_named),
        cmocka_unit_test(each_error_says_what_may_be_done),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
