/* catalog_product_test.c - the rules of products: created once, priced, published, discontinued. */
#include "../../processors/src/catalog.h"
#include "rules_fixture.h"

#include <processors/limits.h>

#define PRODUCT "prd_tea"

static int set_up(void **state)
{
    return rules_set_up(state, catalog_aggregate);
}

static struct shop_create_product product_of(struct fake_task *task)
{
    return (struct shop_create_product){
        .meta = fake_task_command(task, "operator"),
        .product_id = mr_cstr(PRODUCT),
        .sku = mr_cstr("TEA"),
        .title = mr_cstr("Tea"),
        .description = mr_cstr("Green."),
        .price = {295, mr_cstr("GBP")}};
}

static void create_product(struct fake_task *task, bool publish)
{
    struct shop_create_product command = product_of(task);
    command.publish = publish;
    rules_send(task, SHOP_CREATE_PRODUCT, &command);
    rules_expect_accepted(task);
}

static struct mr_bytes text_of(const struct fake_task *task, size_t len)
{
    char *text = mr_arena_alloc(fake_task_arena(task), len);
    memset(text, 'x', len);
    return mr_bytes_of(text, len);
}

static void
expect_field(struct fake_task *task, const struct shop_create_product *command, const char *field)
{
    rules_send(task, SHOP_CREATE_PRODUCT, command);
    rules_expect_refused(task, SHOP_REASON_FIELD_INVALID);
    assert_true(mr_bytes_equal(task->decision->rejection->subject, mr_cstr(field)));
}

static void a_product_is_created_with_its_first_price(void **state)
{
    struct fake_task *task = *state;
    create_product(task, false);
    assert_int_equal(fake_task_count(task, SHOP_PRODUCT_CREATED), 1);
    const struct shop_price_changed *price = fake_task_last(task, SHOP_PRICE_CHANGED);
    assert_int_equal(price->price.minor, 295);
    assert_int_equal(price->price_version, 1);
    assert_int_equal(fake_task_count(task, SHOP_PRODUCT_PUBLISHED), 0);
}

static void a_product_can_be_published_as_it_is_created(void **state)
{
    struct fake_task *task = *state;
    create_product(task, true);
    const struct shop_product_published *published = fake_task_last(task, SHOP_PRODUCT_PUBLISHED);
    assert_int_equal(published->meta.aggregate_version, 3);
}

static void a_product_is_created_once(void **state)
{
    struct fake_task *task = *state;
    create_product(task, false);
    struct shop_create_product again = product_of(task);
    rules_send(task, SHOP_CREATE_PRODUCT, &again);
    rules_expect_refused(task, SHOP_REASON_PRODUCT_EXISTS);
}

static void texts_and_the_price_have_bounds(void **state)
{
    struct fake_task *task = *state;
    struct shop_create_product command = product_of(task);
    command.sku = mr_cstr("");
    expect_field(task, &command, "sku");
    command = product_of(task);
    command.sku = text_of(task, SHOP_SKU_BYTES_MAX + 1);
    expect_field(task, &command, "sku");
    command = product_of(task);
    command.title = mr_cstr("");
    expect_field(task, &command, "title");
    command = product_of(task);
    command.title = text_of(task, SHOP_TITLE_BYTES_MAX + 1);
    expect_field(task, &command, "title");
    command = product_of(task);
    command.description = text_of(task, SHOP_TEXT_BYTES_MAX + 1);
    expect_field(task, &command, "description");
    command = product_of(task);
    command.price.minor = -1;
    expect_field(task, &command, "price");
    command = product_of(task);
    command.sku = text_of(task, SHOP_SKU_BYTES_MAX);
    command.title = text_of(task, SHOP_TITLE_BYTES_MAX);
    command.description = text_of(task, SHOP_TEXT_BYTES_MAX);
    rules_send(task, SHOP_CREATE_PRODUCT, &command);
    rules_expect_accepted(task);
}

static void a_price_that_is_the_same_changes_nothing(void **state)
{
    struct fake_task *task = *state;
    create_product(task, true);
    struct shop_change_price command = {
        fake_task_command(task, "operator"), mr_cstr(PRODUCT), {295, mr_cstr("GBP")}};
    rules_send(task, SHOP_CHANGE_PRICE, &command);
    rules_expect_accepted(task);
    assert_int_equal(task->outputs_count, 0);
    command.meta = fake_task_command(task, "operator");
    command.price.minor = 300;
    rules_send(task, SHOP_CHANGE_PRICE, &command);
    const struct shop_price_changed *price = fake_task_last(task, SHOP_PRICE_CHANGED);
    assert_int_equal(price->price_version, 2);
    assert_int_equal(price->meta.aggregate_version, 4);
}

static void details_have_the_same_bounds(void **state)
{
    struct fake_task *task = *state;
    create_product(task, true);
    struct shop_change_product_details command = {
        .meta = fake_task_command(task, "operator"),
        .product_id = mr_cstr(PRODUCT),
        .title = mr_cstr(""),
        .description = mr_cstr("Black.")};
    rules_send(task, SHOP_CHANGE_PRODUCT_DETAILS, &command);
    rules_expect_refused(task, SHOP_REASON_FIELD_INVALID);
    command.meta = fake_task_command(task, "operator");
    command.title = mr_cstr("Tea, black");
    rules_send(task, SHOP_CHANGE_PRODUCT_DETAILS, &command);
    const struct shop_product_details_changed *details =
        fake_task_last(task, SHOP_PRODUCT_DETAILS_CHANGED);
    assert_true(mr_bytes_equal(details->title, mr_cstr("Tea, black")));
}

static void a_discontinued_product_is_not_published_again(void **state)
{
    struct fake_task *task = *state;
    create_product(task, true);
    struct shop_discontinue_product end = {
        fake_task_command(task, "operator"), mr_cstr(PRODUCT), mr_cstr("sold out")};
    rules_send(task, SHOP_DISCONTINUE_PRODUCT, &end);
    assert_int_equal(fake_task_count(task, SHOP_PRODUCT_DISCONTINUED), 1);
    end.meta = fake_task_command(task, "operator");
    rules_send(task, SHOP_DISCONTINUE_PRODUCT, &end);
    rules_expect_accepted(task);
    assert_int_equal(task->outputs_count, 0);
    struct shop_publish_product publish = {fake_task_command(task, "operator"), mr_cstr(PRODUCT)};
    rules_send(task, SHOP_PUBLISH_PRODUCT, &publish);
    rules_expect_refused(task, SHOP_REASON_PRODUCT_DISCONTINUED);
}

static void an_operators_reason_is_kept_and_a_customers_is_not(void **state)
{
    struct fake_task *task = *state;
    create_product(task, true);
    struct shop_change_price command = {
        fake_task_command(task, "operator"), mr_cstr(PRODUCT), {300, mr_cstr("GBP")}};
    command.meta.reason = mr_cstr("harvest was poor");
    rules_send(task, SHOP_CHANGE_PRICE, &command);
    const struct shop_price_changed *price = fake_task_last(task, SHOP_PRICE_CHANGED);
    assert_true(mr_bytes_equal(price->meta.reason, mr_cstr("harvest was poor")));
    assert_true(mr_bytes_equal(price->meta.actor_kind, mr_cstr("operator")));
    assert_true(task->decision->has_version);
    assert_int_equal(task->decision->version, 4);
    command.meta = fake_task_command(task, "customer");
    command.meta.reason = mr_cstr("my address is 1 High Street");
    command.price.minor = 301;
    rules_send(task, SHOP_CHANGE_PRICE, &command);
    price = fake_task_last(task, SHOP_PRICE_CHANGED);
    assert_int_equal(price->meta.reason.len, 0);
    command.meta = fake_task_command(task, "operator");
    command.meta.reason = text_of(task, SHOP_REASON_BYTES_MAX + 1);
    rules_send(task, SHOP_CHANGE_PRICE, &command);
    rules_expect_refused(task, SHOP_REASON_OPERATOR_GIVES_REASON);
}

static void an_operator_discontinues_with_a_reason_only(void **state)
{
    struct fake_task *task = *state;
    create_product(task, true);
    struct shop_discontinue_product end = {
        fake_task_command(task, "operator"), mr_cstr(PRODUCT), mr_cstr("")};
    rules_send(task, SHOP_DISCONTINUE_PRODUCT, &end);
    rules_expect_refused(task, SHOP_REASON_OPERATOR_GIVES_REASON);
    end.meta = fake_task_command(task, "operator");
    end.cause = mr_cstr("recalled");
    rules_send(task, SHOP_DISCONTINUE_PRODUCT, &end);
    const struct shop_product_discontinued *event = fake_task_last(task, SHOP_PRODUCT_DISCONTINUED);
    assert_true(mr_bytes_equal(event->meta.reason, mr_cstr("recalled")));
}

static void a_draft_is_published_once(void **state)
{
    struct fake_task *task = *state;
    create_product(task, false);
    for (int i = 0; i < 2; i++) {
        struct shop_publish_product publish = {
            fake_task_command(task, "operator"), mr_cstr(PRODUCT)};
        rules_send(task, SHOP_PUBLISH_PRODUCT, &publish);
        rules_expect_accepted(task);
        assert_int_equal(fake_task_count(task, SHOP_PRODUCT_PUBLISHED), i == 0);
    }
}

static void an_unknown_product_is_refused(void **state)
{
    struct fake_task *task = *state;
    struct shop_publish_product publish = {
        fake_task_command(task, "operator"), mr_cstr("prd_nowhere")};
    rules_send(task, SHOP_PUBLISH_PRODUCT, &publish);
    rules_expect_refused(task, SHOP_REASON_PRODUCT_UNKNOWN);
}

static void a_command_that_expects_another_version_is_stale(void **state)
{
    struct fake_task *task = *state;
    create_product(task, false); /* Version 2. */
    struct shop_publish_product publish = {fake_task_command(task, "operator"), mr_cstr(PRODUCT)};
    publish.meta.has_expected_version = true;
    publish.meta.expected_version = 1;
    rules_send(task, SHOP_PUBLISH_PRODUCT, &publish);
    rules_expect_refused(task, SHOP_REASON_STALE_VERSION);
    publish.meta = fake_task_command(task, "operator");
    publish.meta.has_expected_version = true;
    publish.meta.expected_version = 2;
    rules_send(task, SHOP_PUBLISH_PRODUCT, &publish);
    rules_expect_accepted(task);
}

#define RULE(name) cmocka_unit_test_setup_teardown(name, set_up, rules_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RULE(a_product_is_created_with_its_first_price),
        RULE(a_product_can_be_published_as_it_is_created),
        RULE(a_product_is_created_once),
        RULE(texts_and_the_price_have_bounds),
        RULE(a_price_that_is_the_same_changes_nothing),
        RULE(details_have_the_same_bounds),
        RULE(a_discontinued_product_is_not_published_again),
        RULE(an_operators_reason_is_kept_and_a_customers_is_not),
        RULE(an_operator_discontinues_with_a_reason_only),
        RULE(a_draft_is_published_once),
        RULE(an_unknown_product_is_refused),
        RULE(a_command_that_expects_another_version_is_stale),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
