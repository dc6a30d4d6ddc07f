/* codec_test.c - the frame around a record, and what is refused with which words. */
#include <tests/cmocka.h>

#include "values.h"

struct fixture {
    struct codec_registry *registry;
    struct mr_arena arena;
    struct mr_buffer out;
    struct codec_message message;
    struct mr_error error;
};

static int set_up_codec(void **state)
{
    struct fixture *f = mr_calloc(1, sizeof *f);
    f->registry = codec_registry_new_local();
    *state = f;
    return 0;
}

static int tear_down_codec(void **state)
{
    struct fixture *f = *state;
    codec_registry_free(f->registry);
    mr_arena_clean_up(&f->arena);
    mr_buffer_clean_up(&f->out);
    free(f);
    return 0;
}

static int decode_framed(struct fixture *f, struct mr_bytes framed)
{
    return codec_decode(f->registry, framed, &f->arena, &f->message, &f->error);
}

static void expect_refused(struct fixture *f, struct mr_bytes framed, const char *words)
{
    assert_int_equal(decode_framed(f, framed), MR_MALFORMED);
    if (!strstr(f->error.text, words))
        fail_msg("\"%s\" does not say \"%s\"", f->error.text, words);
}

static const struct shop_cart_item_added item = {
    .meta = {.event_id = MR_LITERAL("e-1"), .aggregate_version = 7, .occurred_at = 1790000000000},
    .owner_id = MR_LITERAL("usr_1"),
    .quantity_delta = 2,
    .quantity_after = 5,
    .quoted_unit_price = {.minor = 255, .currency = MR_LITERAL("GBP")},
};

static void encode_item(struct fixture *f)
{
    mr_buffer_reset(&f->out);
    codec_encode(f->registry, SHOP_CART_ITEM_ADDED, "sales.cart.events", &item, &f->out);
}

static void a_record_is_framed_with_its_schema_id(void **state)
{
    struct fixture *f = *state;
    encode_item(f);
    struct mr_buffer bare = {0};
    shop_cart_item_added_encode(&item, &bare);
    assert_int_equal(f->out.ptr[0], 0);
    int32_t schema_id = codec_schema_id(mr_buffer_view(&f->out));
    assert_int_equal(schema_id, (int32_t)mr_get_be32(f->out.ptr + 1));
    struct mr_bytes text;
    assert_true(codec_registry_text(f->registry, schema_id, &text));
    assert_true(mr_bytes_equal(text, shop_types[SHOP_CART_ITEM_ADDED].schema));
    assert_true(mr_bytes_equal(
        mr_bytes_of(f->out.ptr + CODEC_FRAME_BYTES, f->out.len - CODEC_FRAME_BYTES),
        mr_buffer_view(&bare)));
    mr_buffer_clean_up(&bare);
}

static void a_framed_record_comes_back_as_its_struct(void **state)
{
    struct fixture *f = *state;
    encode_item(f);
    assert_int_equal(decode_framed(f, mr_buffer_view(&f->out)), 0);
    assert_int_equal(f->message.id, SHOP_CART_ITEM_ADDED);
    assert_ptr_equal(f->message.type, &shop_types[SHOP_CART_ITEM_ADDED]);
    const struct shop_cart_item_added *back = f->message.value;
    assert_true(codec_equal(f->message.type, &item, back));
    assert_int_equal(back->quoted_unit_price.minor, 255);
    assert_ptr_equal(codec_meta_of(&f->message), &back->meta);
    assert_null(codec_command_meta_of(&f->message));
    assert_null(codec_saga_meta_of(&f->message));
}

static void decoded_strings_are_views_of_the_input(void **state)
{
    struct fixture *f = *state;
    encode_item(f);
    assert_int_equal(decode_framed(f, mr_buffer_view(&f->out)), 0);
    const struct shop_cart_item_added *back = f->message.value;
    assert_in_range(
        (uintptr_t)back->owner_id.ptr, (uintptr_t)f->out.ptr, (uintptr_t)f->out.ptr + f->out.len);
}

static void every_type_in_a_topic_can_be_framed_and_read(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < SHOP_TOPIC_COUNT; i++)
        for (size_t j = 0; j < shop_topics[i].types_count; j++) {
            const struct codec_type *type = shop_topics[i].types[j];
            const void *value = values_example(type, &f->arena);
            mr_buffer_reset(&f->out);
            enum shop_type id = (enum shop_type)codec_type_id(type);
            codec_encode(f->registry, id, shop_topics[i].name, value, &f->out);
            assert_int_equal(decode_framed(f, mr_buffer_view(&f->out)), 0);
            assert_ptr_equal(f->message.type, type);
            assert_true(codec_equal(type, value, f->message.value));
        }
}

static void bytes_that_are_not_a_frame_are_refused(void **state)
{
    struct fixture *f = *state;
    expect_refused(f, mr_bytes_of("", 0), "0 bytes are too short");
    expect_refused(f, mr_bytes_of(NULL, 0), "too short");
    expect_refused(f, mr_bytes_of("\0\0\0\0", 4), "4 bytes are too short");
    expect_refused(f, mr_bytes_of("{\"a\":1}", 7), "magic byte is 0x7b");
    expect_refused(f, mr_bytes_of("\0\0\1\x86\xa0", 5), "schema id 100000 is not known");
    expect_refused(f, mr_bytes_of("\0\0\0\0\0", 5), "schema id 0 is not known");
    expect_refused(f, mr_bytes_of("\0\xff\xff\xff\xff", 5), "schema id -1 is not known");
}

static void a_truncated_record_is_refused_at_every_length(void **state)
{
    struct fixture *f = *state;
    encode_item(f);
    for (size_t len = CODEC_FRAME_BYTES; len < f->out.len; len++) {
        char *cut = mr_memdup(f->out.ptr, len); /* Its own block, so that asan sees its end. */
        expect_refused(f, mr_bytes_of(cut, len), "shop.sales.CartItemAdded: truncated at ");
        free(cut);
    }
}

static void the_refusal_names_the_field(void **state)
{
    struct fixture *f = *state;
    encode_item(f);
    expect_refused(f, mr_bytes_of(f->out.ptr, 7), "truncated at Meta.event_id, byte 1 of 2");
    expect_refused(f, mr_bytes_of(f->out.ptr, f->out.len - 1), "at CartItemAdded.price_version");
}

static void bytes_left_over_are_refused(void **state)
{
    struct fixture *f = *state;
    encode_item(f);
    mr_buffer_add(&f->out, mr_cstr("xyz"));
    expect_refused(f, mr_buffer_view(&f->out), "shop.sales.CartItemAdded: 3 bytes are left over");
}

static void a_failure_leaves_the_output_untouched(void **state)
{
    struct fixture *f = *state;
    struct codec_message before = {.id = 77};
    f->message = before;
    encode_item(f);
    assert_int_equal(decode_framed(f, mr_bytes_of(f->out.ptr, f->out.len - 1)), MR_MALFORMED);
    assert_memory_equal(&f->message, &before, sizeof before);
    assert_int_equal(f->error.code, MR_MALFORMED);
}

static void types_and_topics_are_found_by_name(void **state)
{
    (void)state;
    assert_ptr_equal(
        codec_type_of(mr_cstr("shop.sales.OrderPlaced")), &shop_types[SHOP_ORDER_PLACED]);
    assert_null(codec_type_of(mr_cstr("shop.sales.Order")));
    const struct codec_topic *topic = codec_topic_of(mr_cstr("gateway.replies"));
    assert_ptr_equal(topic, &shop_topics[SHOP_TOPIC_GATEWAY_REPLIES]);
    assert_int_equal(topic->partitions_development, 32);
    assert_null(codec_topic_of(mr_cstr("gateway")));
    assert_ptr_equal(
        shop_types[SHOP_ORDER_PLACED].topic, &shop_topics[SHOP_TOPIC_SALES_ORDER_EVENTS]);
    assert_null(shop_types[SHOP_COMMAND_OUTCOME].topic);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            a_record_is_framed_with_its_schema_id, set_up_codec, tear_down_codec),
        cmocka_unit_test_setup_teardown(
            a_framed_record_comes_back_as_its_struct, set_up_codec, tear_down_codec),
        cmocka_unit_test_setup_teardown(
            decoded_strings_are_views_of_the_input, set_up_codec, tear_down_codec),
        cmocka_unit_test_setup_teardown(
            every_type_in_a_topic_can_be_framed_and_read, set_up_codec, tear_down_codec),
        cmocka_unit_test_setup_teardown(
            bytes_that_are_not_a_frame_are_refused, set_up_codec, tear_down_codec),
        cmocka_unit_test_setup_teardown(
            a_truncated_record_is_refused_at_every_length, set_up_codec, tear_down_codec),
        cmocka_unit_test_setup_teardown(the_refusal_names_the_field, set_up_codec, tear_down_codec),
        cmocka_unit_test_setup_teardown(bytes_left_over_are_refused, set_up_codec, tear_down_codec),
        cmocka_unit_test_setup_teardown(
            a_failure_leaves_the_output_untouched, set_up_codec, tear_down_codec),
        cmocka_unit_test(types_and_topics_are_found_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
