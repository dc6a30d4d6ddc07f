/* command_routes_test.c - the write side's routes are known to the whole origin. */
#include "command_api.h"

#include <api/contract.h>

#include <tests/cmocka.h>

static bool is_known(const struct http_route *route)
{
    for (size_t i = 0; i < api_operations_count; i++)
        if (api_paths[i] == route->named)
            return true;
    return false;
}

static void the_origin_knows_every_route(void **state)
{
    (void)state;
    assert_true(command_routes_count > 0);
    for (size_t i = 0; i < command_routes_count; i++)
        if (!is_known(&command_routes[i]))
            fail_msg("%s %s", command_routes[i].named->method, command_routes[i].named->path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_origin_knows_every_route)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
