/* buffer.h - bytes that grow at the end: what encoders and renderers write into. */
#ifndef BASE_BUFFER_H
#define BASE_BUFFER_H

#include <base/alloc.h>
#include <base/bytes.h>

#include <base/api_begin.h>

struct mr_buffer {
    char *ptr;
    size_t len;
    size_t capacity;
};

static inline void mr_buffer_init(struct mr_buffer *buffer)
{
    *buffer = (struct mr_buffer){0};
}

void mr_buffer_clean_up(struct mr_buffer *buffer);

/* Forget the content, keep the memory. */
static inline void mr_buffer_reset(struct mr_buffer *buffer)
{
    buffer->len = 0;
}

void mr_buffer_grow(struct mr_buffer *buffer, size_t more);

/* Room for `more` bytes at the returned address; the caller adds to `len` what it wrote. */
static inline char *mr_buffer_reserve(struct mr_buffer *buffer, size_t more)
{
    if (buffer->capacity - buffer->len < more)
        mr_buffer_grow(buffer, more);
    return buffer->ptr + buffer->len;
}

static inline void mr_buffer_add(struct mr_buffer *buffer, struct mr_bytes bytes)
{
    if (bytes.len == 0)
        return;
    memcpy(mr_buffer_reserve(buffer, bytes.len), bytes.ptr, bytes.len);
    buffer->len += bytes.len;
}

static inline void mr_buffer_add_byte(struct mr_buffer *buffer, uint8_t byte)
{
    *mr_buffer_reserve(buffer, 1) = (char)byte;
    buffer->len++;
}

#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
void mr_buffer_printf(struct mr_buffer *buffer, const char *format, ...);

/* Valid until the next write to the buffer. */
static inline struct mr_bytes mr_buffer_view(const struct mr_buffer *buffer)
{
    return mr_bytes_of(buffer->ptr ? buffer->ptr : "", buffer->len);
}

#include <base/api_end.h>

#endif
