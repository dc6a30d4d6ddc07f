/* descriptors.c - /dev/null in the place of a standard descriptor that is closed. */
#include <base/descriptors.h>

#include <fcntl.h>
#include <stdlib.h>
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
