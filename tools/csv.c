/*
 * csv.c - a state machine over the characters of one row. Its states are CSV_START and so on:
 *
 *     START --quote--> QUOTED --quote--> CLOSED --quote--> QUOTED (a quote that was doubled)
 *       |                                  |
 *       +--other--> BARE --comma--> START  +--comma--> START;  a line's end in any of
 *                                               START, BARE, CLOSED ends the row
 */
#include <base/alloc.h>
#include <tools/csv.h>

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

enum { CHUNK_BYTES = 256 * 1024 };

enum csv_state { CSV_START, CSV_BARE, CSV_QUOTED, CSV_CLOSED };

struct csv_reader {
    struct text_source *source;
    int64_t line;
    int64_t quote_line; /* The line of the last opening quote. */
    size_t at;
    size_t len;
    bool over;
    bool begun;            /* A byte order mark has been looked for. */
    struct mr_buffer text; /* The fields of the row, one after the other. */
    size_t starts[CSV_FIELDS_MAX + 1];
    char chunk[CHUNK_BYTES];
};

struct csv_reader *csv_reader_new(struct text_source *source)
{
    assert(source);
    struct csv_reader *reader = mr_malloc(sizeof *reader);
    reader->source = source;
    reader->line = 1;
    reader->quote_line = 1;
    reader->at = 0;
    reader->len = 0;
    reader->over = false;
    reader->begun = false;
    mr_buffer_init(&reader->text);
    return reader;
}

void csv_reader_free(struct csv_reader *reader)
{
    if (!reader)
        return;
    mr_buffer_clean_up(&reader->text);
    free(reader);
}

/* A quote that is not closed is noticed far behind it, so both lines are named. */
static int csv_fail_quote(const struct csv_reader *reader, const char *what, struct mr_error *error)
{
    return mr_fail(
        error,
        MR_MALFORMED,
        "line %" PRId64 ": broken quoting: %s (the quote was opened in line %" PRId64 ")",
        reader->line,
        what,
        reader->quote_line);
}

static int csv_fail(int64_t line, const char *what, struct mr_error *error)
{
    return mr_fail(error, MR_MALFORMED, "line %" PRId64 ": %s", line, what);
}

/* 1: *ret_character is the next one, not yet taken; 0: the end. */
static int
csv_peek_character(struct csv_reader *reader, char *ret_character, struct mr_error *error)
{
    while (reader->at == reader->len && !reader->over) {
        struct mr_error why;
        size_t len = 0;
        int rc = text_source_read(reader->source, reader->chunk, CHUNK_BYTES, &len, &why);
        if (rc)
            return mr_fail(error, rc, "line %" PRId64 ": %s", reader->line, why.text);
        reader->over = len == 0;
        reader->at = 0;
        reader->len = len;
        if (!reader->begun && len >= 3 && memcmp(reader->chunk, "\xef\xbb\xbf", 3) == 0)
            reader->at = 3;
        reader->begun = true;
    }
    if (reader->over)
        return 0;
    *ret_character = reader->chunk[reader->at];
    return 1;
}

/* The next state; negative: broken quoting. *ret_keep: the character belongs to the field. */
static int csv_step_state(enum csv_state state, char c, bool *ret_keep)
{
    *ret_keep = true;
    switch (state) {
    case CSV_START:
        *ret_keep = c != '"';
        return c == '"' ? CSV_QUOTED : CSV_BARE;
    case CSV_BARE:
        return c == '"' ? -1 : CSV_BARE;
    case CSV_QUOTED:
        *ret_keep = c != '"';
        return c == '"' ? CSV_CLOSED : CSV_QUOTED;
    case CSV_CLOSED:
        return c == '"' ? CSV_QUOTED : -1;
    }
    return -1;
}

/* True when the character ends the row; takes the LF of a CRLF too. */
static int csv_take_line_end(struct csv_reader *reader, char c, struct mr_error *error)
{
    char next = 0;
    if (c != '\n' && c != '\r')
        return 0;
    if (c == '\r') {
        reader->at++;
        int rc = csv_peek_character(reader, &next, error);
        if (rc < 0)
            return rc;
        if (rc == 0 || next != '\n')
            return csv_fail(
                reader->line,
                "a carriage return without a line feed: save the file with LF or CRLF line ends",
                error);
    }
    reader->at++;
    reader->line++;
    return 1;
}

static int csv_end_field(struct csv_reader *reader, struct csv_row *row, struct mr_error *error)
{
    if (row->fields_count == CSV_FIELDS_MAX)
        return csv_fail(row->line, "over 64 columns", error);
    reader->starts[++row->fields_count] = reader->text.len;
    return 0;
}

static int csv_keep_character(
    struct csv_reader *reader, const struct csv_row *row, char c, struct mr_error *error)
{
    if (c == '\0')
        return csv_fail(reader->line, "a NUL character", error);
    if (reader->text.len == CSV_ROW_BYTES_MAX)
        return mr_fail(
            error,
            MR_TOO_LARGE,
            "line %" PRId64 ": a row of over %d bytes%s",
            row->line,
            CSV_ROW_BYTES_MAX,
            reader->quote_line >= row->line ? " (is a quote not closed?)" : "");
    mr_buffer_add_byte(&reader->text, (uint8_t)c);
    return 0;
}

/* One character of the row: 1 when it ended the row. A comma or a line end counts outside quotes
 * only. */
static int csv_take_character(
    struct csv_reader *reader, struct csv_row *row, enum csv_state *state, struct mr_error *error)
{
    bool belongs = false;
    char c = reader->chunk[reader->at];
    if (*state != CSV_QUOTED) {
        int ended = csv_take_line_end(reader, c, error);
        if (ended)
            return ended;
        if (c == ',') {
            reader->at++;
            *state = CSV_START;
            return csv_end_field(reader, row, error);
        }
    }
    int next = csv_step_state(*state, c, &belongs);
    if (next < 0 && *state == CSV_CLOSED && (c == ';' || c == '\t' || c == '|'))
        return csv_fail(
            reader->line,
            "the quoted fields are separated by semicolons, tabs or bars; save the file with "
            "commas",
            error);
    if (next < 0 && *state == CSV_CLOSED)
        return csv_fail_quote(reader, "text after a closing quote", error);
    if (next < 0)
        return csv_fail(reader->line, "broken quoting: a quote inside a bare field", error);
    if (*state == CSV_START && next == CSV_QUOTED)
        reader->quote_line = reader->line;
    if (*state == CSV_QUOTED && c == '\n')
        reader->line++;
    *state = (enum csv_state)next;
    reader->at++;
    return belongs ? csv_keep_character(reader, row, c, error) : 0;
}

/* The views are made last: the buffer moves while the row grows. */
int csv_next(struct csv_reader *reader, struct csv_row *ret_row, struct mr_error *error)
{
    enum csv_state state = CSV_START;
    struct csv_row *row = ret_row;
    char c = 0;
    assert(row);
    row->line = reader->line;
    row->fields_count = 0;
    mr_buffer_reset(&reader->text);
    reader->starts[0] = 0;
    int rc = csv_peek_character(reader, &c, error);
    if (rc <= 0)
        return rc;
    do {
        rc = csv_take_character(reader, row, &state, error);
        if (rc)
            break;
        rc = csv_peek_character(reader, &c, error);
    } while (rc == 1);
    if (rc < 0)
        return rc;
    if (rc == 0 && state == CSV_QUOTED)
        return csv_fail(reader->quote_line, "broken quoting: a quote is never closed", error);
    rc = csv_end_field(reader, row, error);
    if (rc)
        return rc;
    const char *text = mr_buffer_view(&reader->text).ptr;
    for (size_t i = 0; i < row->fields_count; i++)
        row->fields[i] =
            mr_bytes_of(text + reader->starts[i], reader->starts[i + 1] - reader->starts[i]);
    return 1;
}
