/* shop_topology_test.c - the four services build, and every topic they name is in topics.json. */
#include <processors/shop.h>
#include <tests/cmocka.h>

#include <stdio.h>
#include <stdlib.h>

static const struct shop_service service = {.limits = {.psp = "simulator"}};

static char *describe(const struct topo_topology *topology)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    topo_describe(topology, TOPO_DESCRIBE_JSON, out);
    fclose(out);
    return text;
}

static void every_service_builds(void **state)
{
    (void)state;
    for (size_t i = 0; i < SHOP_SERVICES; i++) {
        struct topo_topology *topology = NULL;
        struct mr_error error = {0};
        if (shop_services[i].make(&service, &topology, &error))
            fail_msg("%s: %s", shop_services[i].name, error.text);
        topo_topology_free(topology);
    }
}

/* Strings of the JSON that look like a topic are topics that exist. */
static void every_topic_is_known(void **state)
{
    (void)state;
    for (size_t i = 0; i < SHOP_SERVICES; i++) {
        struct topo_topology *topology = NULL;
        assert_int_equal(shop_services[i].make(&service, &topology, NULL), 0);
        char *text = describe(topology);
        int topics = 0;
        for (char *save = NULL, *word = strtok_r(text, "\"", &save); word;
             word = strtok_r(NULL, "\"", &save)) {
            if (!strchr(word, '.') || strpbrk(word, " ,:{}[]"))
                continue;
            topics++;
            if (!codec_topic_of(mr_cstr(word)))
                fail_msg("%s: no topic is called %s", shop_services[i].name, word);
        }
        assert_true(topics >= 4);
        free(text);
        topo_topology_free(topology);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_service_builds),
        cmocka_unit_test(every_topic_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
