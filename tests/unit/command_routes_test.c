/* command_routes_test.c - the write side's routes are known to the whole origin. */
#include "command_api.h"

#include <api/shop_paths.h>

#include <tests/cmocka.h>

static bool is_known(const struct http_route *route)
{
    for (size_t i = 0; i < shop_paths_count; i++)
        if (strcmp(shop_paths[i].method, route->method) == 0 &&
            strcmp(shop_paths[i].path, route->path) == 0)
            return true;
    return false;
}

static void the_origin_knows_every_route(void **state)
{
    (void)state;
    assert_true(command_routes_count > 0);
    for (size_t i = 0; i < command_routes_count; i++)
        if (!is_known(&command_routes[i]))
            fail_msg("%s %s", command_routes[i].method, command_routes[i].path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_origin_knows_every_route)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
