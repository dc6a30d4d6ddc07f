/* codec_corruption_test.c - damaged bytes of every type: refused or read, never followed out of
 * bounds. */
#include <tests/cmocka.h>

#include "values.h"

enum { DAMAGES = 60, ALLOCATION_FACTOR = 400 };

static void truncations_of_every_type_are_refused_at_every_length(void **state)
{
    (void)state;
    struct mr_arena arena = {0};
    struct mr_buffer out = {0};
    struct values_seed seed = {11};
    for (int id = SHOP_NONE + 1; id < SHOP_TYPE_COUNT; id++) {
        const struct codec_type *type = &shop_types[id];
        mr_buffer_reset(&out);
        type->encode(values_random(type, &seed, &arena), &out);
        for (size_t len = 0; len < out.len; len++) {
            char *cut = mr_memdup(out.ptr, len); /* Its own block, so that asan sees its end. */
            const void *back = NULL;
            struct mr_error error = {0};
            int err = codec_decode_bare(type, mr_bytes_of(cut, len), &arena, &back, &error);
            if (err != MR_MALFORMED || !strstr(error.text, type->full_name))
                fail_msg("%s cut to %zu bytes: %d %s", type->name, len, err, error.text);
            free(cut);
        }
        mr_arena_reset(&arena);
    }
    mr_buffer_clean_up(&out);
    mr_arena_clean_up(&arena);
}

/* Change some bytes, in a block of its own size. */
static char *damage_bytes(const struct mr_buffer *good, struct values_seed *seed)
{
    char *bad = mr_memdup(good->ptr, good->len);
    for (uint64_t hits = 1 + values_next(seed) % 4; hits; hits--) {
        uint64_t where = values_next(seed) % good->len;
        uint64_t how = values_next(seed) % 3;
        bad[where] = how == 0 ? (char)0xff : how == 1 ? 0 : (char)values_next(seed);
    }
    return bad;
}

/* A value that could be read can be looked at whole, printed and written again. */
static void use_value(const struct codec_type *type, const void *value, struct mr_buffer *scratch)
{
    mr_buffer_reset(scratch);
    codec_print_json(type, value, scratch);
    mr_buffer_reset(scratch);
    type->encode(value, scratch);
    assert_true(codec_equal(type, value, value));
}

static void damaged_bytes_of_every_type_do_no_harm(void **state)
{
    (void)state;
    struct mr_arena arena = {0};
    struct mr_buffer out = {0};
    struct mr_buffer scratch = {0};
    struct values_seed seed = {12};
    size_t refused = 0;
    for (int id = SHOP_NONE + 1; id < SHOP_TYPE_COUNT; id++) {
        const struct codec_type *type = &shop_types[id];
        mr_buffer_reset(&out);
        type->encode(values_random(type, &seed, &arena), &out);
        for (int i = 0; i < DAMAGES; i++) {
            mr_arena_reset(&arena);
            char *bad = damage_bytes(&out, &seed);
            const void *back = NULL;
            if (codec_decode_bare(type, mr_bytes_of(bad, out.len), &arena, &back, NULL) == 0)
                use_value(type, back, &scratch);
            else
                refused++;
            assert_in_range(arena.used_bytes, 0, ALLOCATION_FACTOR * (out.len + 16));
            free(bad);
        }
    }
    assert_in_range(refused, SHOP_TYPE_COUNT, SHOP_TYPE_COUNT * DAMAGES);
    mr_buffer_clean_up(&scratch);
    mr_buffer_clean_up(&out);
    mr_arena_clean_up(&arena);
}

static void noise_in_a_frame_does_no_harm(void **state)
{
    (void)state;
    enum { NOISE_ROUNDS = 20000 };
    struct codec_registry *registry = codec_registry_new_local();
    struct mr_arena arena = {0};
    struct values_seed seed = {13};
    for (int i = 0; i < NOISE_ROUNDS; i++) {
        size_t len = CODEC_FRAME_BYTES + values_next(&seed) % 60;
        char *noise = mr_malloc(len);
        for (size_t j = 0; j < len; j++)
            noise[j] = (char)(values_next(&seed) % 2 ? values_next(&seed) : values_next(&seed) % 4);
        memset(noise, 0, 4);
        struct codec_message message;
        (void)codec_decode(registry, mr_bytes_of(noise, len), &arena, &message, NULL);
        free(noise);
        mr_arena_reset(&arena);
    }
    mr_arena_clean_up(&arena);
    codec_registry_free(registry);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(truncations_of_every_type_are_refused_at_every_length),
        cmocka_unit_test(damaged_bytes_of_every_type_do_no_harm),
        cmocka_unit_test(noise_in_a_frame_does_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
