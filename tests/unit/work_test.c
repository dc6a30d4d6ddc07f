/* work_test.c - what all aggregates share: what a command must say, what an event carries, and how
 * a remembered outcome is answered. */
#include "sales_fixture.h"

static struct shop_add_cart_item work_command(struct fake_task *task)
{
    return (struct shop_add_cart_item){
        .meta = fake_task_command(task, "customer"),
        .owner_id = mr_cstr(SALES_OWNER),
        .product_id = mr_cstr(FIRST),
        .quantity = 1,
    };
}

static struct mr_bytes work_header(const struct fake_output *output, const char *name)
{
    for (size_t i = 0; i < output->headers_count; i++)
        if (text_is(output->headers[i].name, name))
            return output->headers[i].value;
    return (struct mr_bytes){0};
}

/* -- commands -- */

static void an_id_that_cannot_be_a_key_is_poison(void **state)
{
    static const char *const bad[] = {"", "a/b", "a b", "\xc3\xa4", "a\n"};
    struct fake_task *task = *state;
    struct mr_error error = {0};
    struct shop_add_cart_item command = work_command(task);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        command.meta.command_id = mr_cstr(bad[i]);
        assert_int_equal(fake_task_tell(task, SHOP_ADD_CART_ITEM, &command, &error), MR_INVALID);
    }
}

/* A reply goes to the topic of replies and to a partition that it can have, or nowhere. */
static void a_reply_to_anywhere_else_is_poison(void **state)
{
    struct fake_task *task = *state;
    struct mr_error error = {0};
    struct shop_add_cart_item command = work_command(task);
    command.meta.reply_to = mr_cstr("sales.order.events");
    assert_int_equal(fake_task_tell(task, SHOP_ADD_CART_ITEM, &command, &error), MR_INVALID);
    command.meta.reply_to = mr_cstr("gateway.replies");
    command.meta.reply_partition = -1;
    assert_int_equal(fake_task_tell(task, SHOP_ADD_CART_ITEM, &command, &error), MR_INVALID);
    command.meta.reply_partition = shop_topics[SHOP_TOPIC_GATEWAY_REPLIES].partitions_production;
    assert_int_equal(fake_task_tell(task, SHOP_ADD_CART_ITEM, &command, &error), MR_INVALID);
    command.meta.reply_partition--;
    assert_int_equal(fake_task_tell(task, SHOP_ADD_CART_ITEM, &command, &error), 0);
}

/* -- events -- */

static void an_event_says_who_caused_it_and_when(void **state)
{
    struct fake_task *task = *state;
    struct shop_add_cart_item command = work_command(task);
    sales_tell(task, SHOP_ADD_CART_ITEM, &command);
    const struct fake_output *output = &task->outputs[0];
    const struct shop_meta *meta = event_meta(&output->message);
    assert_true(mr_bytes_equal(meta->command_id, command.meta.command_id));
    assert_true(mr_bytes_equal(meta->causation_id, command.meta.command_id));
    assert_true(text_is(meta->correlation_id, "c"));
    assert_true(text_is(meta->actor_kind, "customer"));
    assert_true(mr_bytes_equal(work_header(output, "ce_id"), meta->event_id));
    assert_true(text_is(work_header(output, "ce_type"), "shop.sales.CartItemAdded"));
    assert_true(text_is(work_header(output, "ce_source"), "/shop/sales"));
    assert_true(mr_bytes_equal(work_header(output, "ce_subject"), meta->aggregate_id));
    assert_true(text_is(work_header(output, "ce_time"), "1970-01-20T16:13:20.000Z"));
}

/* In one decision the second event's cause is the first. */
static void events_of_one_decision_follow_from_each_other(void **state)
{
    struct fake_task *task = *state;
    sales_add(task, FIRST, 1);
    (void)sales_place(task, NULL);
    const struct shop_meta *checked_out = event_meta(&task->outputs[0].message);
    const struct shop_meta *placed = event_meta(&task->outputs[1].message);
    assert_true(mr_bytes_equal(placed->causation_id, checked_out->event_id));
    const struct shop_reserve_stock *reserve = fake_task_last(task, SHOP_RESERVE_STOCK);
    assert_true(mr_bytes_equal(reserve->saga.causation_id, placed->event_id));
}

static void times_are_written_as_rfc_3339_has_them(void **state)
{
    static const struct {
        int64_t ms;
        const char *text;
    } times[] = {
        {0, "1970-01-01T00:00:00.000Z"},
        {951782399999, "2000-02-28T23:59:59.999Z"},
        {951782400000, "2000-02-29T00:00:00.000Z"},
        {1709251199001, "2024-02-29T23:59:59.001Z"},
        {1711843200000, "2024-03-31T00:00:00.000Z"},
        {1735689599999, "2024-12-31T23:59:59.999Z"},
        {1735689600000, "2025-01-01T00:00:00.000Z"},
        {4107542400000, "2100-03-01T00:00:00.000Z"},
    };
    struct fake_task *task = *state;
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        fake_task_advance_ms(task, times[i].ms - fake_task_now_ms(task));
        sales_add(task, FIRST, 1);
        assert_true(text_is(work_header(&task->outputs[0], "ce_time"), times[i].text));
    }
}

/* -- outcomes and replies -- */

static const struct shop_command_reply *
work_answer(struct fake_task *task, struct shop_add_cart_item *command, bool replayed)
{
    const struct topo_aggregate *aggregate = &task->aggregate;
    static struct codec_message message;
    struct topo_command decoded = {.id = command->meta.command_id, .message = &message};
    struct mr_error error = {0};
    struct mr_bytes outcome;
    message = (struct codec_message){&shop_types[SHOP_ADD_CART_ITEM], SHOP_ADD_CART_ITEM, command};
    struct decision *decision = decision_accept(
        &(struct work){.arena = fake_task_arena(task)}, DECISION_CHANGED, mr_cstr("crt_x"));
    int rc = aggregate->outcome(
        task->context, aggregate->user, &decoded, decision, NULL, 0, &outcome, &error);
    task->outputs_count = 0;
    if (replayed) /* Remembered as the first request left it. */
        command->meta.fingerprint = mr_cstr("another");
    if (!rc)
        rc = aggregate->reply(task->context, aggregate->user, &decoded, outcome, replayed, &error);
    if (rc)
        fail_msg("%s", error.text);
    return fake_task_last(task, SHOP_COMMAND_REPLY);
}

static void an_answer_goes_to_whoever_waits(void **state)
{
    struct fake_task *task = *state;
    struct shop_add_cart_item command = work_command(task);
    assert_null(work_answer(task, &command, false)); /* Nobody does. */
    command.meta.reply_to = mr_cstr("gateway.replies");
    const struct shop_command_reply *reply = work_answer(task, &command, false);
    assert_true(mr_bytes_equal(reply->command_id, command.meta.command_id));
    /* A waiting request claims the reply by these, without decoding it. */
    assert_true(mr_bytes_equal(task->outputs[0].key, command.meta.command_id));
    assert_true(text_is(work_header(&task->outputs[0], SHOP_REPLY_FINGERPRINT), "f"));
    assert_true(text_is(reply->outcome.status, "accepted"));
    assert_false(reply->replayed);
}

static void a_key_used_for_another_request_is_refused(void **state)
{
    struct fake_task *task = *state;
    struct shop_add_cart_item command = work_command(task);
    command.meta.reply_to = mr_cstr("gateway.replies");
    const struct shop_command_reply *reply = work_answer(task, &command, true);
    assert_true(text_is(reply->outcome.status, "rejected"));
    assert_true(text_is(reply->outcome.rejection->reason, "key-reused"));
    assert_true(mr_bytes_equal(reply->outcome.fingerprint, command.meta.fingerprint));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SALES_TEST(an_id_that_cannot_be_a_key_is_poison),
        SALES_TEST(a_reply_to_anywhere_else_is_poison),
        SALES_TEST(an_event_says_who_caused_it_and_when),
        SALES_TEST(events_of_one_decision_follow_from_each_other),
        SALES_TEST(times_are_written_as_rfc_3339_has_them),
        SALES_TEST(an_answer_goes_to_whoever_waits),
        SALES_TEST(a_key_used_for_another_request_is_refused),
    };
    return cmocka_run_group_tests_name("work", tests, NULL, NULL);
}
