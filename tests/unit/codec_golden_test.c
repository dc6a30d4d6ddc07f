/* codec_golden_test.c - the bytes and the JSON of an example of every type, as tests/golden/codec
 * has them. */
#include <tests/cmocka.h>

#include "values.h"

#include <unistd.h>

enum { HEX_PER_LINE = 96 };

static char *golden_path(const struct codec_type *type)
{
    return mr_asprintf("%s/%s.golden", MILLRACE_GOLDEN_FOLDER, type->name);
}

static void add_hex(struct mr_buffer *out, struct mr_bytes bytes)
{
    for (size_t i = 0; i < bytes.len; i++) {
        mr_buffer_printf(out, "%02x", (uint8_t)bytes.ptr[i]);
        if ((i + 1) * 2 % HEX_PER_LINE == 0 && i + 1 < bytes.len)
            mr_buffer_add_byte(out, '\n');
    }
    mr_buffer_add_byte(out, '\n');
}

/* The file's text: the JSON on one line, then the bytes in hex. */
static void
render_value(const struct codec_type *type, struct mr_arena *arena, struct mr_buffer *out)
{
    const void *value = values_example(type, arena);
    struct mr_buffer bytes = {0};
    type->encode(value, &bytes);
    mr_buffer_reset(out);
    codec_print_json(type, value, out);
    mr_buffer_add_byte(out, '\n');
    add_hex(out, mr_buffer_view(&bytes));
    mr_buffer_clean_up(&bytes);
}

static void read_file(const char *path, struct mr_buffer *out)
{
    mr_buffer_reset(out);
    FILE *file = fopen(path, "re");
    if (!file)
        return;
    size_t got;
    while ((got = fread(mr_buffer_reserve(out, 4096), 1, 4096, file)) > 0)
        out->len += got;
    (void)fclose(file);
}

static void write_file(const char *path, struct mr_bytes text)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(text.ptr, 1, text.len, file), text.len);
    assert_int_equal(fclose(file), 0);
}

static void every_type_encodes_and_prints_as_it_always_did(void **state)
{
    (void)state;
    struct mr_arena arena = {0};
    struct mr_buffer now = {0};
    struct mr_buffer golden = {0};
    int different = 0;
    for (int id = SHOP_NONE + 1; id < SHOP_TYPE_COUNT; id++) {
        char *path = golden_path(&shop_types[id]);
        render_value(&shop_types[id], &arena, &now);
        read_file(path, &golden);
        if (!mr_bytes_equal(mr_buffer_view(&now), mr_buffer_view(&golden))) {
            print_error(
                "%s: %s; tests/golden/README.md says what to do\n",
                shop_types[id].name,
                golden.len ? "other bytes or other JSON" : "has no golden file");
            different++;
        }
        free(path);
        mr_arena_reset(&arena);
    }
    mr_buffer_clean_up(&golden);
    mr_buffer_clean_up(&now);
    mr_arena_clean_up(&arena);
    assert_int_equal(different, 0);
}

/* The bytes of a golden file. */
static void parse_hex(struct mr_bytes text, struct mr_buffer *out)
{
    const char *at = memchr(text.ptr, '\n', text.len);
    const char *end = text.ptr + text.len;
    mr_buffer_reset(out);
    while (at && at + 1 < end) {
        if (*at == '\n') {
            at++;
            continue;
        }
        char digits[3] = {at[0], at[1], 0};
        mr_buffer_add_byte(out, (uint8_t)strtoul(digits, NULL, 16));
        at += 2;
    }
}

static void the_golden_bytes_are_read_as_the_example(void **state)
{
    (void)state;
    struct mr_arena arena = {0};
    struct mr_buffer text = {0};
    struct mr_buffer bytes = {0};
    for (int id = SHOP_NONE + 1; id < SHOP_TYPE_COUNT; id++) {
        const struct codec_type *type = &shop_types[id];
        char *path = golden_path(type);
        read_file(path, &text);
        parse_hex(mr_buffer_view(&text), &bytes);
        const void *value = NULL;
        struct mr_error error = {0};
        if (codec_decode_bare(type, mr_buffer_view(&bytes), &arena, &value, &error))
            fail_msg("%s: %s", path, error.text);
        assert_true(codec_equal(type, values_example(type, &arena), value));
        free(path);
        mr_arena_reset(&arena);
    }
    mr_buffer_clean_up(&bytes);
    mr_buffer_clean_up(&text);
    mr_arena_clean_up(&arena);
}

static int write_all(void)
{
    struct mr_arena arena = {0};
    struct mr_buffer text = {0};
    for (int id = SHOP_NONE + 1; id < SHOP_TYPE_COUNT; id++) {
        char *path = golden_path(&shop_types[id]);
        render_value(&shop_types[id], &arena, &text);
        write_file(path, mr_buffer_view(&text));
        free(path);
        mr_arena_reset(&arena);
    }
    mr_buffer_clean_up(&text);
    mr_arena_clean_up(&arena);
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_encodes_and_prints_as_it_always_did),
        cmocka_unit_test(the_golden_bytes_are_read_as_the_example),
    };
    if (argc == 2 && strcmp(argv[1], "--write") == 0)
        return write_all();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
