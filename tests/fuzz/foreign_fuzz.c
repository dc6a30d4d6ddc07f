/*
 * foreign_fuzz.c - `_schemas` and what other writers wrote by it: applied or refused, decoded or
 * refused. The input is: key 0xFF value 0xFF framed record; the first two are what a registry would
 * have appended.
 */
#include "fuzz.h"

#include <schemas/codec.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct codec_registry *registry = codec_registry_new();
    struct mr_arena arena = {0};
    struct mr_error error = {0};
    struct codec_message message = {0};
    struct mr_bytes left = mr_bytes_of(data, size);
    struct mr_bytes key = fuzz_part(&left);
    struct mr_bytes value = fuzz_part(&left);
    size_t before = codec_registry_count(registry);
    int code =
        codec_registry_apply(registry, key, value.len ? value : mr_bytes_of(NULL, 0), &error);
    FUZZ_HOLDS(code == 0 || codec_registry_count(registry) == before);
    if (codec_decode(registry, left, &arena, &message, &error) == 0)
        FUZZ_HOLDS(message.type == &shop_types[message.id] && message.value);
    codec_registry_free(registry);
    mr_arena_clean_up(&arena);
    return 0;
}
