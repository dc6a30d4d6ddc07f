/* codec_oracle_test.c - the generated codecs against avro-c, for random values of every type. */
#include <tests/cmocka.h>

#include "values.h"

enum { ROUNDS = 40, DRAWS = 20 };

struct fixture {
    struct mr_arena arena;
    struct mr_buffer ours;
    struct mr_buffer theirs;
};

static void start_oracle(struct fixture *f)
{
    *f = (struct fixture){0};
}

static void stop_oracle(struct fixture *f)
{
    mr_arena_clean_up(&f->arena);
    mr_buffer_clean_up(&f->ours);
    mr_buffer_clean_up(&f->theirs);
}

static void same_bytes(struct fixture *f, const struct codec_type *type, const void *value)
{
    mr_buffer_reset(&f->ours);
    mr_buffer_reset(&f->theirs);
    type->encode(value, &f->ours);
    values_encode_by_avro(type, type->schema, value, &f->theirs);
    if (!mr_bytes_equal(mr_buffer_view(&f->ours), mr_buffer_view(&f->theirs)))
        fail_msg("%s: other bytes than avro-c's", type->name);
}

static void our_bytes_are_the_bytes_of_avro_c(void **state)
{
    (void)state;
    struct fixture f;
    start_oracle(&f);
    struct values_seed seed = {1};
    for (int id = SHOP_NONE + 1; id < SHOP_TYPE_COUNT; id++) {
        const struct codec_type *type = &shop_types[id];
        same_bytes(&f, type, values_example(type, &f.arena));
        same_bytes(&f, type, values_sparse(type, &f.arena));
        for (int round = 0; round < ROUNDS; round++)
            same_bytes(&f, type, values_random(type, &seed, &f.arena));
        mr_arena_reset(&f.arena);
    }
    stop_oracle(&f);
}

static void every_value_comes_back(void **state)
{
    (void)state;
    struct fixture f;
    start_oracle(&f);
    struct values_seed seed = {2};
    for (int id = SHOP_NONE + 1; id < SHOP_TYPE_COUNT; id++) {
        const struct codec_type *type = &shop_types[id];
        for (int round = 0; round < ROUNDS; round++) {
            const void *value = values_random(type, &seed, &f.arena);
            const void *back = NULL;
            struct mr_error error = {0};
            mr_buffer_reset(&f.ours);
            type->encode(value, &f.ours);
            if (codec_decode_bare(type, mr_buffer_view(&f.ours), &f.arena, &back, &error))
                fail_msg("%s", error.text);
            if (!codec_equal(type, value, back))
                fail_msg("%s: another value came back", type->name);
        }
        mr_arena_reset(&f.arena);
    }
    stop_oracle(&f);
}

/* So that the two tests above cannot pass by an equality that says yes to everything. */
static void two_random_values_are_not_equal(void **state)
{
    (void)state;
    struct mr_arena arena = {0};
    struct values_seed seed = {3};
    for (int id = SHOP_NONE + 1; id < SHOP_TYPE_COUNT; id++) {
        const struct codec_type *type = &shop_types[id];
        const void *a = values_random(type, &seed, &arena);
        int same = 0; /* Two draws of a small record may be the same by chance. */
        while (same < DRAWS && codec_equal(type, a, values_random(type, &seed, &arena)))
            same++;
        if (same == DRAWS)
            fail_msg("%s: %d values are all equal", type->name, DRAWS);
        mr_arena_reset(&arena);
    }
    mr_arena_clean_up(&arena);
}

static void encoding_appends(void **state)
{
    (void)state;
    struct mr_buffer out = {0};
    mr_buffer_add_byte(&out, 0x55);
    struct shop_money money = {.minor = -3, .currency = MR_LITERAL("GBP")};
    shop_money_encode(&money, &out);
    static const char expected[] = "\x55\x05\x06GBP";
    assert_true(mr_bytes_equal(mr_buffer_view(&out), mr_bytes_of(expected, 6)));
    mr_buffer_clean_up(&out);
}

static void a_required_string_without_a_value_is_written_as_empty(void **state)
{
    (void)state;
    struct mr_buffer out = {0};
    shop_money_encode(&(struct shop_money){.minor = 1}, &out);
    assert_true(mr_bytes_equal(mr_buffer_view(&out), mr_bytes_of("\x02\x00", 2)));
    mr_buffer_clean_up(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(our_bytes_are_the_bytes_of_avro_c),
        cmocka_unit_test(every_value_comes_back),
        cmocka_unit_test(two_random_values_are_not_equal),
        cmocka_unit_test(encoding_appends),
        cmocka_unit_test(a_required_string_without_a_value_is_written_as_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
