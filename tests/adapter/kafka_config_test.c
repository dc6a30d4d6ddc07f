/* kafka_config_test.c - the file of librdkafka's properties: what is taken, and what is refused. */
#include <topology/client.h>

#include <tests/cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/kafka-config-XXXXXX";
static char path[64];
static struct mr_error why;

static void write_bytes(const char *text, size_t length)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, 0600), 0);
}

static int check_text(const char *text)
{
    write_bytes(text, strlen(text));
    why.text[0] = '\0';
    return topo_kafka_check_config(path, &why);
}

static void expect_refusal(const char *text, const char *reason)
{
    int rc = check_text(text);
    if (rc != MR_CONFIG || !strstr(why.text, reason) || !strstr(why.text, path))
        fail_msg("wanted \"%s\", got %d \"%s\"", reason, rc, why.text);
}

static void properties_comments_and_blanks_are_taken(void **state)
{
    (void)state;
    assert_int_equal(check_text(""), 0);
    assert_int_equal(
        check_text("# ours\n\n  security.protocol =  SASL_SSL \r\nsasl.username=a=b#c\n"
                   "sasl.mechanisms=SCRAM-SHA-512\nsasl.password=x\nclient.rack=r1"),
        0);
}

static void what_the_program_owns_is_refused_by_name(void **state)
{
    static const char *const names[] = {
        "transactional.id",
        "group.id",
        "group.instance.id",
        "enable.auto.commit",
        "auto.commit.enable",
        "isolation.level",
        "partitioner",
        "client.id",
        "acks",
        "request.required.acks",
        "enable.idempotence",
        "enable.auto.offset.store",
        "Message.Timeout.Ms",
        "retries",
        "session.timeout.ms",
        "transaction.timeout.ms",
        "debug",
        "plugin.library.paths",
        "auto.offset.reset",
        "linger.ms",
        "allow.auto.create.topics",
        "test.mock.num.brokers",
        "sasl.kerberos.kinit.cmd",
    };
    char text[100];
    char reason[100];
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(text, sizeof text, "#\n%s=1\n", names[i]);
        snprintf(reason, sizeof reason, "line 2: %s is set by the program", names[i]);
        expect_refusal(text, reason);
    }
    expect_refusal("bootstrap.servers=a:1\n", "line 1: brokers are not given here");
    expect_refusal("metadata.broker.list=a:1\n", "line 1: brokers are not given here");
}

static void an_unknown_name_has_librdkafkas_error_and_the_line(void **state)
{
    (void)state;
    expect_refusal("#\n\nsasl.user=me\n", "line 3: No such configuration property: \"sasl.user\"");
}

static void no_error_has_a_value(void **state)
{
    (void)state;
    expect_refusal("sasl.password hunter2\n", "line 1: this is not name=value");
    assert_null(strstr(why.text, "hunter2"));
    expect_refusal("security.protocol=hunter2\n", "line 1: librdkafka does not take this value");
    assert_null(strstr(why.text, "hunter2"));
    expect_refusal("socket.timeout.ms=hunter2\n", "line 1: ");
    assert_null(strstr(why.text, "hunter2"));
    expect_refusal("sasl.passwort=hunter2\n", "line 1: No such configuration property");
    assert_null(strstr(why.text, "hunter2"));
    expect_refusal("sasl.password=\n", "line 1: sasl.password has no value");
    expect_refusal("=hunter2\n", "line 1: this is not name=value");
}

static void a_file_that_others_may_read_is_refused(void **state)
{
    static const mode_t modes[] = {0640, 0604, 0620, 0602, 0601};
    (void)state;
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        write_bytes("client.rack=a\n", 14);
        assert_int_equal(chmod(path, modes[i]), 0);
        assert_int_equal(topo_kafka_check_config(path, &why), MR_CONFIG);
        assert_non_null(strstr(why.text, "chmod 600"));
    }
    assert_int_equal(chmod(path, 0400), 0);
    assert_int_equal(topo_kafka_check_config(path, &why), 0);
}

static void a_file_of_somebody_else_is_refused(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    write_bytes("client.rack=a\n", 14);
    assert_int_equal(chown(path, 65534, 65534), 0);
    assert_int_equal(topo_kafka_check_config(path, &why), 0);
    assert_int_equal(chmod(folder, 0711), 0);
    assert_int_equal(seteuid(65533), 0);
    assert_int_equal(topo_kafka_check_config(path, &why), MR_CONFIG);
    assert_non_null(strstr(why.text, "Permission denied"));
    assert_int_equal(seteuid(0), 0);
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(seteuid(65533), 0);
    assert_int_equal(topo_kafka_check_config(path, &why), MR_CONFIG);
    assert_non_null(strstr(why.text, "belongs to user 65534"));
    assert_int_equal(seteuid(0), 0);
    assert_int_equal(chown(path, 0, 0), 0);
}

static void a_key_that_others_may_read_is_refused_with_its_line(void **state)
{
    char key[100];
    char text[200];
    (void)state;
    snprintf(key, sizeof key, "%s/key", folder);
    snprintf(text, sizeof text, "ssl.key.location=%s\n", key);
    expect_refusal(text, "line 1: looking at");
    FILE *file = fopen(key, "w");
    assert_non_null(file);
    fclose(file);
    assert_int_equal(chmod(key, 0644), 0);
    expect_refusal(text, "line 1: others may read or change");
    assert_int_equal(chmod(key, 0600), 0);
    assert_int_equal(check_text(text), 0);
    unlink(key);
}

static void what_is_no_file_is_refused_at_once(void **state)
{
    (void)state;
    unlink(path);
    assert_int_equal(topo_kafka_check_config(path, &why), MR_CONFIG);
    assert_non_null(strstr(why.text, "No such file"));
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(topo_kafka_check_config(path, &why), MR_CONFIG);
    assert_non_null(strstr(why.text, "is not a file"));
    unlink(path);
    assert_int_equal(topo_kafka_check_config(folder, &why), MR_CONFIG);
    assert_non_null(strstr(why.text, "is not a file"));
}

static void size_lines_and_bytes_have_bounds(void **state)
{
    static char text[70000];
    (void)state;
    memset(text, '#', 65537);
    expect_refusal(text, "more than 65536 bytes");
    text[5000] = '\0';
    expect_refusal(text, "line 1: the line is too long");
    memset(text, '\n', 1100);
    text[1100] = '\0';
    expect_refusal(text, "the file has too many lines");
    memset(text, 'a', 200);
    snprintf(text + 200, 10, "=1");
    expect_refusal(text, "line 1: the name is too long");
    write_bytes("client.rack=a\0b", 15);
    assert_int_equal(topo_kafka_check_config(path, &why), MR_CONFIG);
    assert_non_null(strstr(why.text, "a byte 0"));
}

static void every_client_reads_the_file(void **state)
{
    struct topo_kafka_producer *producer = NULL;
    struct topo_kafka_reader *reader = NULL;
    const struct topo_kafka_options options = {
        .brokers = "127.0.0.1:1", .client_id = "t", .config_file = path};
    (void)state;
    assert_int_equal(check_text("no.such.thing=1\n"), MR_CONFIG);
    assert_int_equal(topo_kafka_ping(&options, 100, &why), MR_CONFIG);
    assert_int_equal(topo_kafka_producer_new(&options, 0, &producer, &why), MR_CONFIG);
    assert_int_equal(topo_kafka_reader_new(&options, &reader, &why), MR_CONFIG);
    assert_non_null(strstr(why.text, "line 1"));
    /* A new file counts for the next client. */
    assert_int_equal(check_text("client.rack=a\n"), 0);
    assert_int_equal(topo_kafka_producer_new(&options, 0, &producer, &why), 0);
    topo_kafka_producer_free(producer);
}

static void a_ca_that_is_missing_is_named(void **state)
{
    const struct topo_kafka_options options = {
        .brokers = "127.0.0.1:1", .client_id = "t", .config_file = path};
    (void)state;
    assert_int_equal(check_text("security.protocol=SSL\nssl.ca.location=/nowhere/ca.pem\n"), 0);
    assert_int_equal(topo_kafka_ping(&options, 100, &why), MR_CONFIG);
    assert_non_null(strstr(why.text, "ssl.ca.location"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(properties_comments_and_blanks_are_taken),
        cmocka_unit_test(what_the_program_owns_is_refused_by_name),
        cmocka_unit_test(an_unknown_name_has_librdkafkas_error_and_the_line),
        cmocka_unit_test(no_error_has_a_value),
        cmocka_unit_test(a_file_that_others_may_read_is_refused),
        cmocka_unit_test(a_file_of_somebody_else_is_refused),
        cmocka_unit_test(a_key_that_others_may_read_is_refused_with_its_line),
        cmocka_unit_test(what_is_no_file_is_refused_at_once),
        cmocka_unit_test(size_lines_and_bytes_have_bounds),
        cmocka_unit_test(every_client_reads_the_file),
        cmocka_unit_test(a_ca_that_is_missing_is_named),
    };
    if (!mkdtemp(folder))
        return 1;
    snprintf(path, sizeof path, "%s/kafka.conf", folder);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(path);
    rmdir(folder);
    return failed;
}
