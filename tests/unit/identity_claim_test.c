/* identity_claim_test.c - the rules of an e-mail address: the first who claims it has it. */
#include "../../processors/src/identity.h"
#include "rules_fixture.h"

#define ADDRESS "key_of_an_address"

static int set_up(void **state)
{
    return rules_set_up(state, claim_aggregate);
}

static struct shop_claim_email claim_of(struct fake_task *task, const char *user_id)
{
    const struct shop_sealed sealed = {
        mr_cstr("key"), mr_cstr("XC20P"), mr_cstr("nonce"), mr_cstr("text")};
    return (struct shop_claim_email){
        .meta = fake_task_command(task, "customer"),
        .email_key = mr_cstr(ADDRESS),
        .user_id = mr_cstr(user_id),
        .email_sealed = sealed,
        .locale = mr_cstr("en"),
        .subject_key = {
            mr_cstr("key"),
            mr_cstr(user_id),
            mr_cstr("kek"),
            mr_cstr("nonce"),
            mr_cstr("wrapped")}};
}

static void the_first_claim_has_the_address_and_creates_the_user(void **state)
{
    struct fake_task *task = *state;
    struct shop_claim_email claim = claim_of(task, "usr_ada");
    rules_send(task, SHOP_CLAIM_EMAIL, &claim);
    rules_expect_accepted(task);
    assert_int_equal(fake_task_count(task, SHOP_EMAIL_CLAIMED), 1);
    const struct shop_create_user *user = fake_task_last(task, SHOP_CREATE_USER);
    assert_true(mr_bytes_equal(user->user_id, mr_cstr("usr_ada")));
    assert_true(mr_bytes_equal(user->email_key, mr_cstr(ADDRESS)));
    assert_true(mr_bytes_equal(user->actor_kind, mr_cstr("customer")));
}

static void a_claim_of_somebody_elses_address_is_refused_without_an_event(void **state)
{
    struct fake_task *task = *state;
    struct shop_claim_email first = claim_of(task, "usr_ada");
    struct shop_claim_email second = claim_of(task, "usr_bob");
    rules_send(task, SHOP_CLAIM_EMAIL, &first);
    rules_send(task, SHOP_CLAIM_EMAIL, &second);
    rules_expect_refused(task, SHOP_REASON_EMAIL_TAKEN);
}

static void a_second_claim_of_the_holder_emits_nothing_but_asks_for_the_user_again(void **state)
{
    struct fake_task *task = *state;
    for (int i = 0; i < 2; i++) {
        struct shop_claim_email claim = claim_of(task, "usr_ada");
        rules_send(task, SHOP_CLAIM_EMAIL, &claim);
        rules_expect_accepted(task);
        assert_int_equal(fake_task_count(task, SHOP_EMAIL_CLAIMED), i == 0);
        assert_int_equal(fake_task_count(task, SHOP_CREATE_USER), 1);
    }
}

static void a_claim_without_an_address_or_a_user_is_poison(void **state)
{
    struct fake_task *task = *state;
    struct shop_claim_email claim = claim_of(task, "usr ada");
    rules_expect_invalid(task, SHOP_CLAIM_EMAIL, &claim);
    claim = claim_of(task, "usr_ada");
    claim.email_key = mr_cstr("");
    rules_expect_invalid(task, SHOP_CLAIM_EMAIL, &claim);
}

static void another_message_is_poison(void **state)
{
    struct fake_task *task = *state;
    struct shop_start_session session = {
        .meta = fake_task_command(task, "customer"),
        .user_id = mr_cstr("usr_ada"),
        .session_id = mr_cstr("ses_1"),
        .user_agent_hash = mr_cstr("")};
    rules_expect_invalid(task, SHOP_START_SESSION, &session);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            the_first_claim_has_the_address_and_creates_the_user, set_up, rules_tear_down),
        cmocka_unit_test_setup_teardown(
            a_claim_of_somebody_elses_address_is_refused_without_an_event, set_up, rules_tear_down),
        cmocka_unit_test_setup_teardown(
            a_second_claim_of_the_holder_emits_nothing_but_asks_for_the_user_again,
            set_up,
            rules_tear_down),
        cmocka_unit_test_setup_teardown(
            a_claim_without_an_address_or_a_user_is_poison, set_up, rules_tear_down),
        cmocka_unit_test_setup_teardown(another_message_is_poison, set_up, rules_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
