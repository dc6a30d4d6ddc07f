/*
 * avro_fuzz.c - any bytes as any of our records: refused, or a value that is written and read again
 * as the same. The input is: the record's full name 0xFF bare Avro; any other name is some record
 * too.
 */
#include "fuzz.h"

#include <schemas/codec.h>

static const struct codec_type *type_of(struct mr_bytes name)
{
    const struct codec_type *type = codec_type_of(name);
    return type ? type : &shop_types[1 + mr_bytes_hash(name) % (SHOP_TYPE_COUNT - 1)];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mr_arena arena = {0};
    const void *value = NULL;
    const void *again = NULL;
    struct mr_error error;
    struct mr_bytes bare = mr_bytes_of(data, size);
    const struct codec_type *type = type_of(fuzz_part(&bare));
    if (codec_decode_bare(type, bare, &arena, &value, &error) == 0) {
        struct mr_buffer out = {0};
        struct mr_buffer text = {0};
        type->encode(value, &out);
        FUZZ_HOLDS(codec_decode_bare(type, mr_buffer_view(&out), &arena, &again, &error) == 0);
        FUZZ_HOLDS(codec_equal(type, value, again));
        codec_print_json(type, value, &text);
        mr_buffer_clean_up(&text);
        mr_buffer_clean_up(&out);
    }
    mr_arena_clean_up(&arena);
    return 0;
}
