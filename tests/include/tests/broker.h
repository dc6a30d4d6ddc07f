/*
 * broker.h - the real Kafka of a test with the label kafka.
 *
 * tools/test starts one broker and names it in MILLRACE_TEST_BROKERS; without it such a test
 * is skipped. All of them share that broker, so each makes topics, groups and transactional
 * ids of its own by test_name_unique.
 */
#ifndef TESTS_BROKER_H
#define TESTS_BROKER_H

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* ctest takes this exit code for "skipped" (SKIP_RETURN_CODE in tests/CMakeLists.txt). */
enum { TEST_SKIPPED = 77 };

/* "HOST:PORT"; ends the program as skipped where there is no broker. Call it first in main. */
static inline const char *test_brokers(void)
{
    const char *brokers = getenv("MILLRACE_TEST_BROKERS");
    if (brokers == NULL || brokers[0] == '\0') {
        puts("skipped: MILLRACE_TEST_BROKERS is not set (tools/test sets it)");
        exit(TEST_SKIPPED);
    }
    return brokers;
}

/* Writes "PREFIX-<something no other test or run has>" and returns `buffer`. */
static inline const char *test_name_unique(char *buffer, size_t size, const char *prefix)
{
    static unsigned calls;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    snprintf(
        buffer,
        size,
        "%s-%ld-%llx-%u",
        prefix,
        (long)getpid(),
        (unsigned long long)now.tv_sec * 1000000000ULL + (unsigned long long)now.tv_nsec,
        calls++);
    return buffer;
}

#endif
