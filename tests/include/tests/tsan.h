/* tsan.h - what ThreadSanitizer cannot see: foreign libraries whose atomics were not compiled for
 * it. */
#ifndef TESTS_TSAN_H
#define TESTS_TSAN_H

#ifdef __SANITIZE_THREAD__
const char *__tsan_default_suppressions(void); /* The sanitizer's name for it. */

__attribute__((weak)) const char *__tsan_default_suppressions(void)
{
    return "called_from_lib:librocksdb.so\n"
           "called_from_lib:librdkafka.so\n";
}
#endif

#endif
