/* descriptors.c - /dev/null in the place of a standard descriptor that is closed; their limit. */
#include <base/descriptors.h>

#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

void mr_open_standard_descriptors(void)
{
    int fd;
    do {
        fd = open("/dev/null", O_RDWR); /* open() returns the lowest number that is free. */
        if (fd < 0)
            abort();
    } while (fd <= STDERR_FILENO);
    (void)close(fd);
}

int64_t mr_allow_descriptors(int64_t wanted)
{
    struct rlimit limit = {0};
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return 0;
    if (limit.rlim_cur < (rlim_t)wanted) {
        rlim_t most = limit.rlim_max < (rlim_t)wanted ? limit.rlim_max : (rlim_t)wanted;
        const struct rlimit raised = {most, limit.rlim_max};
        if (setrlimit(RLIMIT_NOFILE, &raised) == 0)
            limit.rlim_cur = most;
    }
    return limit.rlim_cur > INT64_MAX ? INT64_MAX : (int64_t)limit.rlim_cur;
}
