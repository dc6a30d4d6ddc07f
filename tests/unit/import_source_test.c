/*
 * import_source_test.c - xz or plain, whole or cut anywhere: what comes out, and what is refused.
 */
#include <base/buffer.h>
#include <tests/cmocka.h>
#include <tools/text_source.h>

#include <lzma.h>

static int read_all(struct mr_bytes bytes, struct mr_buffer *out, struct mr_error *error)
{
    struct text_source *source = text_source_of(bytes);
    size_t len = 0;
    int rc;
    mr_buffer_reset(out);
    do {
        rc = text_source_read(source, mr_buffer_reserve(out, 1000), 1000, &len, error);
        out->len += rc == 0 ? len : 0;
    } while (rc == 0 && len);
    text_source_close(source);
    return rc;
}

/* 200 kB that compress to a few hundred bytes. */
static struct mr_bytes make_sample(struct mr_buffer *text)
{
    for (int i = 0; i < 20000; i++)
        mr_buffer_printf(text, "row %04d,\n", i % 50);
    return mr_buffer_view(text);
}

static struct mr_bytes pack_text(struct mr_bytes text, char *out, size_t size)
{
    size_t len = 0;
    assert_int_equal(
        lzma_easy_buffer_encode(
            1,
            LZMA_CHECK_CRC64,
            NULL,
            (const uint8_t *)text.ptr,
            text.len,
            (uint8_t *)out,
            &len,
            size),
        LZMA_OK);
    return mr_bytes_of(out, len);
}

static void plain_bytes_pass(void **state)
{
    (void)state;
    struct mr_buffer text = {0};
    struct mr_buffer out = {0};
    struct mr_bytes plain = make_sample(&text);
    assert_int_equal(read_all(plain, &out, NULL), 0);
    assert_true(mr_bytes_equal(plain, mr_buffer_view(&out)));
    assert_int_equal(read_all(mr_cstr(""), &out, NULL), 0);
    assert_int_equal(out.len, 0);
    mr_buffer_clean_up(&text);
    mr_buffer_clean_up(&out);
}

static void xz_is_unpacked_even_in_two_streams(void **state)
{
    (void)state;
    struct mr_buffer text = {0};
    struct mr_buffer out = {0};
    char packed[8192];
    struct mr_bytes plain = make_sample(&text);
    struct mr_bytes one = pack_text(plain, packed, 4096);
    assert_int_equal(read_all(one, &out, NULL), 0);
    assert_true(mr_bytes_equal(plain, mr_buffer_view(&out)));
    memcpy(packed + one.len, packed, one.len);
    assert_int_equal(read_all(mr_bytes_of(packed, 2 * one.len), &out, NULL), 0);
    assert_int_equal(out.len, 2 * plain.len);
    mr_buffer_clean_up(&text);
    mr_buffer_clean_up(&out);
}

static void xz_cut_anywhere_is_truncated(void **state)
{
    (void)state;
    struct mr_buffer text = {0};
    struct mr_buffer out = {0};
    char packed[4096];
    struct mr_bytes whole = pack_text(make_sample(&text), packed, sizeof packed);
    for (size_t len = 6; len < whole.len; len++) {
        struct mr_error error = {0};
        assert_int_equal(read_all(mr_bytes_of(packed, len), &out, &error), MR_MALFORMED);
        assert_non_null(strstr(error.text, "truncated"));
    }
    mr_buffer_clean_up(&text);
    mr_buffer_clean_up(&out);
}

static void xz_with_a_flipped_byte_is_never_taken_for_whole(void **state)
{
    (void)state;
    struct mr_buffer text = {0};
    struct mr_buffer out = {0};
    char packed[4096];
    struct mr_bytes whole = pack_text(make_sample(&text), packed, sizeof packed);
    for (size_t at = 6; at < whole.len; at++) {
        packed[at] = (char)(packed[at] ^ 0x55);
        assert_true(read_all(whole, &out, NULL) < 0);
        packed[at] = (char)(packed[at] ^ 0x55);
    }
    mr_buffer_clean_up(&text);
    mr_buffer_clean_up(&out);
}

static void a_missing_file_is_named(void **state)
{
    (void)state;
    struct text_source *source = NULL;
    struct mr_error error;
    assert_int_equal(text_source_open("/no/such/file.csv", &source, &error), MR_NOT_FOUND);
    assert_non_null(strstr(error.text, "/no/such/file.csv"));
    assert_null(source);
}

static void a_folder_is_named(void **state)
{
    (void)state;
    struct text_source *source = NULL;
    struct mr_error error;
    assert_int_equal(text_source_open("/", &source, &error), MR_IO);
    assert_non_null(strstr(error.text, "/ is a folder"));
}

static void what_is_packed_is_judged_too(void **state)
{
    (void)state;
    struct mr_buffer out = {0};
    char packed[4096];
    struct mr_error error = {0};
    struct mr_bytes sheet = pack_text(mr_cstr("PK\x03\x04sheet"), packed, sizeof packed);
    assert_int_equal(read_all(sheet, &out, &error), MR_MALFORMED);
    assert_non_null(strstr(error.text, "Excel"));
    mr_buffer_clean_up(&out);
}

static void wide_encodings_are_named_with_and_without_their_mark(void **state)
{
    (void)state;
    static const struct {
        struct mr_bytes text;
        const char *name;
    } forms[] = {
        {MR_LITERAL("\xff\xfeI\0n\0"), "UTF-16"},
        {MR_LITERAL("\xfe\xff\0I\0n"), "UTF-16"},
        {MR_LITERAL("I\0n\0"), "UTF-16LE"},
        {MR_LITERAL("\0I\0n"), "UTF-16BE"},
        {MR_LITERAL("\xff\xfe\0\0I\0\0\0"), "UTF-32"},
        {MR_LITERAL("I\0\0\0"), "UTF-32LE"},
        {MR_LITERAL("\0\0\0I"), "UTF-32BE"},
    };
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        struct mr_buffer out = {0};
        struct mr_error error = {0};
        assert_int_equal(read_all(forms[i].text, &out, &error), MR_MALFORMED);
        assert_non_null(strstr(error.text, forms[i].name));
        mr_buffer_clean_up(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_bytes_pass),
        cmocka_unit_test(xz_is_unpacked_even_in_two_streams),
        cmocka_unit_test(xz_cut_anywhere_is_truncated),
        cmocka_unit_test(xz_with_a_flipped_byte_is_never_taken_for_whole),
        cmocka_unit_test(a_missing_file_is_named),
        cmocka_unit_test(a_folder_is_named),
        cmocka_unit_test(what_is_packed_is_judged_too),
        cmocka_unit_test(wide_encodings_are_named_with_and_without_their_mark),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
