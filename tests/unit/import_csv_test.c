/* import_csv_test.c - rows and quotes: what is read, and what stops the reading and where. */
#include <tests/cmocka.h>
#include <tools/csv.h>

#include <stdlib.h>

/* Joins the rows as "a|b;c|d;" and returns how it ended. */
static int read_all(const char *text, char *out, struct mr_error *error)
{
    struct text_source *source = text_source_of(mr_cstr(text));
    struct csv_reader *reader = csv_reader_new(source);
    struct csv_row row;
    int rc;
    out[0] = '\0';
    while ((rc = csv_next(reader, &row, error)) == 1) {
        for (size_t i = 0; i < row.fields_count; i++) {
            strncat(out, row.fields[i].ptr, row.fields[i].len);
            strncat(out, i + 1 < row.fields_count ? "|" : ";", 2);
        }
    }
    csv_reader_free(reader);
    text_source_close(source);
    return rc;
}

static void reads_rows(const char *text, const char *wanted)
{
    char out[256];
    struct mr_error error = {0};
    assert_int_equal(read_all(text, out, &error), 0);
    assert_string_equal(out, wanted);
}

static void stops_at(const char *text, const char *line, const char *reason)
{
    char out[256];
    struct mr_error error = {0};
    assert_int_equal(read_all(text, out, &error), MR_MALFORMED);
    assert_memory_equal(error.text, line, strlen(line));
    assert_non_null(strstr(error.text, reason));
}

static void bare_fields_keep_their_spaces(void **state)
{
    (void)state;
    reads_rows("a, b ,c\n1,,3\n", "a| b |c;1||3;");
    reads_rows("a,b", "a|b;");
    reads_rows(",", "|;");
    reads_rows("", "");
}

static void quotes_hold_commas_quotes_and_line_ends(void **state)
{
    (void)state;
    reads_rows("\"a,b\",\"7\"\" SIZE\",\"\"\n", "a,b|7\" SIZE|;");
    reads_rows("\"a\nb\",c\nd,e\n", "a\nb|c;d|e;");
    reads_rows("\"a\"\"\"", "a\";");
}

static void carriage_returns_and_a_byte_order_mark_are_no_text(void **state)
{
    (void)state;
    reads_rows("\xef\xbb\xbfwhat,b\r\nc,d\r\n", "what|b;c|d;");
    stops_at("a,b\nc\rd\n", "line 2: ", "carriage return");
}

static void broken_quoting_names_the_line(void **state)
{
    (void)state;
    stops_at("a\nb\nx\"y\n", "line 3: ", "inside a bare field");
    stops_at("a\n\"b\" c\n", "line 2: ", "after a closing quote");
    stops_at("a\n\"b\nc\n", "line 2: ", "never closed");
    stops_at("a\n\"b\nc\",\"d\"e\n", "line 3: ", "after a closing quote");
    stops_at("a\nb,\"c\nd,\"e\"\n", "line 3: ", "the quote was opened in line 2");
    stops_at("a\n\"b\",\n\"c\nd\n", "line 3: ", "never closed");
}

static void lines_inside_quotes_count(void **state)
{
    (void)state;
    struct text_source *source = text_source_of(mr_cstr("\"a\nb\"\r\n\"c\n\nd\"\ne\n"));
    struct csv_reader *reader = csv_reader_new(source);
    struct csv_row row;
    const int64_t lines[] = {1, 3, 6};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(csv_next(reader, &row, NULL), 1);
        assert_int_equal(row.line, lines[i]);
    }
    assert_int_equal(csv_next(reader, &row, NULL), 0);
    csv_reader_free(reader);
    text_source_close(source);
}

static void rows_are_bounded(void **state)
{
    (void)state;
    size_t len = 2 * CSV_ROW_BYTES_MAX;
    char *text = mr_malloc(len + 1);
    char out[256];
    struct mr_error error = {0};
    memset(text, ',', 70);
    text[70] = '\0';
    assert_int_equal(read_all(text, out, &error), MR_MALFORMED);
    memset(text, 'x', len);
    text[0] = '"';
    text[len] = '\0';
    assert_int_equal(read_all(text, out, &error), MR_TOO_LARGE);
    assert_memory_equal(error.text, "line 1: ", 8);
    free(text);
}

static void a_nul_character_is_refused(void **state)
{
    (void)state;
    struct text_source *source = text_source_of(mr_bytes_of("a\nb\0c\n", 6));
    struct csv_reader *reader = csv_reader_new(source);
    struct csv_row row;
    struct mr_error error;
    assert_int_equal(csv_next(reader, &row, &error), 1);
    assert_int_equal(csv_next(reader, &row, &error), MR_MALFORMED);
    assert_memory_equal(error.text, "line 2: ", 8);
    csv_reader_free(reader);
    text_source_close(source);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bare_fields_keep_their_spaces),
        cmocka_unit_test(quotes_hold_commas_quotes_and_line_ends),
        cmocka_unit_test(carriage_returns_and_a_byte_order_mark_are_no_text),
        cmocka_unit_test(broken_quoting_names_the_line),
        cmocka_unit_test(lines_inside_quotes_count),
        cmocka_unit_test(rows_are_bounded),
        cmocka_unit_test(a_nul_character_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
