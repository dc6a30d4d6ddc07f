/* alloc.c - heap memory; running out ends the process. */
#include <base/alloc.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *alloc_checked(void *ptr, size_t size)
{
    if (ptr)
        return ptr;
    (void)fprintf(stderr, "out of memory: %zu bytes\n", size);
    abort();
}

void *mr_malloc(size_t size)
{
    return alloc_checked(malloc(size ? size : 1), size);
}

void *mr_calloc(size_t count, size_t size)
{
    return alloc_checked(calloc(count ? count : 1, size ? size : 1), size);
}

void *mr_realloc(void *ptr, size_t size)
{
    return alloc_checked(realloc(ptr, size ? size : 1), size);
}

void *mr_memdup(const void *ptr, size_t size)
{
    void *copy = mr_malloc(size);
    if (size)
        memcpy(copy, ptr, size);
    return copy;
}

char *mr_strdup(const char *text)
{
    return mr_memdup(text, strlen(text) + 1);
}

char *mr_asprintf(const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    if (vasprintf(&text, format, args) < 0)
        text = NULL;
    va_end(args);
    return alloc_checked(text, 0);
}

void *mr_grow(void *array, size_t count, size_t *capacity, size_t item_size)
{
    if (count < *capacity)
        return array;
    size_t wanted = *capacity ? *capacity : 8;
    while (wanted <= count)
        wanted *= 2;
    *capacity = wanted;
    return mr_realloc(array, wanted * item_size);
}
