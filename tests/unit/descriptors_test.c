/* descriptors_test.c - whichever standard descriptor is closed, a file that is opened gets none. */
#include <base/descriptors.h>
#include <tests/cmocka.h>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

/* In a child, for the test's own output needs its descriptors. */
static int first_descriptor_after(unsigned closed)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        for (int fd = 0; fd < 3; fd++)
            if (closed & (1u << fd))
                (void)close(fd);
        mr_open_standard_descriptors();
        for (int fd = 0; fd < 3; fd++)
            if (fcntl(fd, F_GETFD) < 0)
                _exit(0);
        _exit(open("/dev/null", O_RDONLY));
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void a_file_never_takes_the_place_of_a_closed_standard_descriptor(void **state)
{
    (void)state;
    for (unsigned closed = 0; closed < 8; closed++)
        assert_true(first_descriptor_after(closed) > STDERR_FILENO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_never_takes_the_place_of_a_closed_standard_descriptor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
