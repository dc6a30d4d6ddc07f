/* clock.c - the two clocks of the machine. */
#include <base/clock.h>

#include <time.h>

int64_t mr_unix_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t mr_monotonic_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t mr_monotonic_us(void)
{
    return mr_monotonic_ns() / 1000;
}

int64_t mr_monotonic_ms(void)
{
    return mr_monotonic_ns() / 1000000;
}
