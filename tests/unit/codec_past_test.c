/* codec_past_test.c - records that earlier versions wrote. Each in tests/golden/past/ is a .avsc,
 * the schema it was written with, and a .golden, its bytes. Today's program reads all values. */
#include <tests/cmocka.h>

#include "values.h"

#include <dirent.h>
#include <jansson.h>

enum { WRITER_ID = 9000 };

static void past_read(const char *name, const char *suffix, struct mr_buffer *out)
{
    char *path = mr_asprintf("%s/%s%s", MILLRACE_PAST_FOLDER, name, suffix);
    FILE *file = fopen(path, "re");
    size_t got;
    if (!file)
        fail_msg("%s", path);
    mr_buffer_reset(out);
    while ((got = fread(mr_buffer_reserve(out, 4096), 1, 4096, file)) > 0)
        out->len += got;
    (void)fclose(file);
    mr_buffer_add_byte(out, '\0');
    out->len--;
    free(path);
}

static void past_register(struct codec_registry *registry, const char *schema)
{
    json_t *key = json_pack(
        "{s:s,s:s,s:i,s:i}", "keytype", "SCHEMA", "subject", "past", "version", 1, "magic", 1);
    json_t *value = json_pack("{s:i,s:s}", "id", WRITER_ID, "schema", schema);
    char *key_text = json_dumps(key, 0);
    char *value_text = json_dumps(value, 0);
    struct mr_error error = {0};
    if (codec_registry_apply(registry, mr_cstr(key_text), mr_cstr(value_text), &error))
        fail_msg("%s", error.text);
    json_decref(key);
    json_decref(value);
    free(key_text);
    free(value_text);
}

/* The bytes in hex behind the first line, framed as the log has them. */
static void past_frame(const char *hex, struct mr_buffer *out)
{
    mr_buffer_reset(out);
    mr_buffer_add_byte(out, 0);
    mr_put_be32(mr_buffer_reserve(out, 4), WRITER_ID);
    out->len += 4;
    for (; *hex; hex++) {
        if (*hex == '\n')
            continue;
        char digits[3] = {hex[0], hex[1], 0};
        mr_buffer_add_byte(out, (uint8_t)strtoul(digits, NULL, 16));
        hex++;
    }
}

/* All that was written is there, with its value. */
static void past_compare(const char *name, const json_t *past, const json_t *now)
{
    const char *key;
    json_t *value;
    size_t i;
    if (json_is_object(past)) {
        json_object_foreach((json_t *)(uintptr_t)past, key, value)
            past_compare(key, value, json_object_get(now, key));
    } else if (json_is_array(past)) {
        assert_int_equal(json_array_size(past), json_array_size(now));
        json_array_foreach(past, i, value) past_compare(name, value, json_array_get(now, i));
    } else if (!json_equal(past, now)) {
        fail_msg("%s reads differently", name);
    }
}

static void past_check(const char *name)
{
    struct codec_registry *registry = codec_registry_new_local();
    struct mr_arena arena = {0};
    struct mr_buffer schema = {0}, golden = {0}, framed = {0}, printed = {0};
    struct codec_message message;
    struct mr_error error = {0};
    past_read(name, ".avsc", &schema);
    past_read(name, ".golden", &golden);
    char *line_end = strchr(golden.ptr, '\n');
    assert_non_null(line_end);
    past_register(registry, schema.ptr);
    past_frame(line_end + 1, &framed);
    if (codec_decode(registry, mr_buffer_view(&framed), &arena, &message, &error))
        fail_msg("%s: %s", name, error.text);
    codec_print_json(message.type, message.value, &printed);
    json_t *past = json_loadb(golden.ptr, (size_t)(line_end - golden.ptr), 0, NULL);
    json_t *now = json_loadb(printed.ptr, printed.len, 0, NULL);
    assert_true(past && now);
    past_compare(name, past, now);
    json_decref(past);
    json_decref(now);
    mr_buffer_clean_up(&schema);
    mr_buffer_clean_up(&golden);
    mr_buffer_clean_up(&framed);
    mr_buffer_clean_up(&printed);
    mr_arena_clean_up(&arena);
    codec_registry_free(registry);
}

static void what_earlier_versions_wrote_is_read_with_all_its_values(void **state)
{
    DIR *folder = opendir(MILLRACE_PAST_FOLDER);
    struct dirent *entry;
    int checked = 0;
    (void)state;
    assert_non_null(folder);
    while ((entry = readdir(folder)) != NULL) {
        char *end = strstr(entry->d_name, ".avsc");
        if (!end)
            continue;
        *end = '\0';
        past_check(entry->d_name);
        checked++;
    }
    (void)closedir(folder);
    assert_true(checked > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_earlier_versions_wrote_is_read_with_all_its_values),
    };
    return cmocka_run_group_tests_name("codec_past", tests, NULL, NULL);
}
