/* arena.c - memory by lifetime: a list of blocks, newest first, filled from the front. */
#include <base/alloc.h>
#include <base/arena.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { BLOCK_SIZE_MIN = 16 * 1024, BLOCK_SIZE_KEPT_MAX = 1024 * 1024, ALIGNMENT = 16 };

struct mr_arena_block {
    struct mr_arena_block *next;
    size_t size;
    size_t used;
    size_t padding_;
    _Alignas(ALIGNMENT) char data[];
};

void mr_arena_init(struct mr_arena *arena)
{
    *arena = (struct mr_arena){0};
}

void mr_arena_clean_up(struct mr_arena *arena)
{
    while (arena->block) {
        struct mr_arena_block *next = arena->block->next;
        free(arena->block);
        arena->block = next;
    }
    arena->used_bytes = 0;
}

void mr_arena_reset(struct mr_arena *arena)
{
    struct mr_arena_block *kept = arena->block;
    if (!kept)
        return;
    arena->block = kept->next;
    mr_arena_clean_up(arena);
    if (kept->size > BLOCK_SIZE_KEPT_MAX) {
        free(kept);
        return;
    }
    kept->next = NULL;
    kept->used = 0;
    arena->used_bytes = 0;
    arena->block = kept;
}

static struct mr_arena_block *add_block(struct mr_arena *arena, size_t size)
{
    size_t wanted = arena->block ? arena->block->size * 2 : BLOCK_SIZE_MIN;
    if (wanted > BLOCK_SIZE_KEPT_MAX)
        wanted = BLOCK_SIZE_KEPT_MAX;
    if (wanted < size)
        wanted = size;
    struct mr_arena_block *block = mr_malloc(sizeof *block + wanted);
    *block = (struct mr_arena_block){.next = arena->block, .size = wanted};
    arena->block = block;
    return block;
}

void *mr_arena_alloc(struct mr_arena *arena, size_t size)
{
    size_t rounded = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    struct mr_arena_block *block = arena->block;
    if (!block || block->size - block->used < rounded)
        block = add_block(arena, rounded);
    void *ptr = block->data + block->used;
    block->used += rounded;
    arena->used_bytes += rounded;
    return ptr;
}

void *mr_arena_zalloc(struct mr_arena *arena, size_t size)
{
    void *ptr = mr_arena_alloc(arena, size);
    memset(ptr, 0, size);
    return ptr;
}

struct mr_bytes mr_arena_copy(struct mr_arena *arena, struct mr_bytes bytes)
{
    if (!bytes.ptr)
        return bytes;
    return mr_bytes_of(mr_arena_cstr(arena, bytes), bytes.len);
}

char *mr_arena_cstr(struct mr_arena *arena, struct mr_bytes bytes)
{
    char *copy = mr_arena_alloc(arena, bytes.len + 1);
    if (bytes.len)
        memcpy(copy, bytes.ptr, bytes.len);
    copy[bytes.len] = '\0';
    return copy;
}

struct mr_bytes mr_arena_printf(struct mr_arena *arena, const char *format, ...)
{
    va_list args;
    va_list again;
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = mr_arena_alloc(arena, (size_t)len + 1);
    (void)vsnprintf(text, (size_t)len + 1, format, again);
    va_end(again);
    return mr_bytes_of(text, (size_t)len);
}
