/*
 * arena.h - memory by lifetime: many allocations, one reset.
 *
 * An arena lives as long as a record, a request or a page; whoever owns that span resets
 * it, and nobody frees anything else. After a reset the blocks are kept (up to a bound).
 *
 * Threads  One thread at a time.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <base/bytes.h>

#include <base/api_begin.h>

struct mr_arena_block;

struct mr_arena {
    struct mr_arena_block *block; /* Newest first. */
    size_t used_bytes;            /* Handed out since the last reset. */
};

void mr_arena_init(struct mr_arena *arena);
void mr_arena_clean_up(struct mr_arena *arena);

/* Everything handed out so far is gone. Keeps one block of at most 1 MiB. */
void mr_arena_reset(struct mr_arena *arena);

/* 16-byte aligned, not zeroed. Never NULL. */
void *mr_arena_alloc(struct mr_arena *arena, size_t size);
void *mr_arena_zalloc(struct mr_arena *arena, size_t size);

struct mr_bytes mr_arena_copy(struct mr_arena *arena, struct mr_bytes bytes);

/* A C string in the arena (NUL-terminated); the view leaves the NUL out. */
char *mr_arena_cstr(struct mr_arena *arena, struct mr_bytes bytes);

#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
struct mr_bytes
mr_arena_printf(struct mr_arena *arena, const char *format, ...);

#include <base/api_end.h>

#endif
