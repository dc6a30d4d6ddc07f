/* buffer.c - bytes that grow at the end. */
#include <base/buffer.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void mr_buffer_clean_up(struct mr_buffer *buffer)
{
    free(buffer->ptr);
    *buffer = (struct mr_buffer){0};
}

void mr_buffer_grow(struct mr_buffer *buffer, size_t more)
{
    size_t wanted = buffer->capacity ? buffer->capacity : 256;
    while (wanted - buffer->len < more)
        wanted *= 2;
    buffer->ptr = mr_realloc(buffer->ptr, wanted);
    buffer->capacity = wanted;
}

void mr_buffer_printf(struct mr_buffer *buffer, const char *format, ...)
{
    va_list args;
    va_list again;
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *at = mr_buffer_reserve(buffer, (size_t)len + 1);
    (void)vsnprintf(at, (size_t)len + 1, format, again);
    va_end(again);
    buffer->len += (size_t)len;
}
