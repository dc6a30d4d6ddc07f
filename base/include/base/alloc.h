/* alloc.h - heap memory; running out ends the process. Input is bounded before it gets here. */
#ifndef BASE_ALLOC_H
#define BASE_ALLOC_H

#include <stddef.h>

#include <base/api_begin.h>

/* Never return NULL: running out of memory aborts with a line on stderr. Free with free(). */
void *mr_malloc(size_t size);
void *mr_calloc(size_t count, size_t size);
void *mr_realloc(void *ptr, size_t size);
void *mr_memdup(const void *ptr, size_t size);
char *mr_strdup(const char *text);

#if defined(__GNUC__)
__attribute__((format(printf, 1, 2)))
#endif
char *
mr_asprintf(const char *format, ...);

/* Grow `array` so that index `count` exists:
 * `array = mr_grow(array, count, &capacity, sizeof *array)`. */
void *mr_grow(void *array, size_t count, size_t *capacity, size_t item_size);

#include <base/api_end.h>

#endif
