/* identity_user_test.c - the rules of users and their sessions. */
#include "../../processors/src/identity.h"
#include "rules_fixture.h"

#define USER "usr_ada"

static const struct shop_sealed sealed_text = {
    .key_id = MR_LITERAL("key"),
    .alg = MR_LITERAL("XC20P"),
    .nonce = MR_LITERAL("nonce"),
    .ct = MR_LITERAL("text"),
};

static int set_up(void **state)
{
    return rules_set_up(state, user_aggregate);
}

static struct shop_create_user user_message(const struct shop_sealed *credential)
{
    return (struct shop_create_user){
        .saga = {mr_cstr("c"), mr_cstr("e"), 0},
        .user_id = mr_cstr(USER),
        .email_key = mr_cstr("key_of_an_address"),
        .email_sealed = sealed_text,
        .locale = mr_cstr("en"),
        .credential_sealed = credential,
        .subject_key =
            {mr_cstr("key"), mr_cstr(USER), mr_cstr("kek"), mr_cstr("nonce"), mr_cstr("wrapped")},
        .actor_kind = mr_cstr("customer"),
        .actor_id = mr_cstr(USER)};
}

static struct shop_start_session session_of(struct fake_task *task, const char *user_id)
{
    return (struct shop_start_session){
        .meta = fake_task_command(task, "customer"),
        .user_id = mr_cstr(user_id),
        .session_id = mr_cstr("ses_1"),
        .expires_at = fake_task_now_ms(task) + 1000,
        .user_agent_hash = mr_cstr("")};
}

static void a_user_is_registered_with_the_key_and_the_credential_beside(void **state)
{
    struct fake_task *task = *state;
    const struct shop_create_user message = user_message(&sealed_text);
    rules_send(task, SHOP_CREATE_USER, &message);
    const struct shop_user_registered *user = fake_task_last(task, SHOP_USER_REGISTERED);
    assert_true(user->has_credential);
    assert_true(mr_bytes_equal(user->meta.actor_kind, mr_cstr("customer")));
    assert_int_equal(fake_task_count(task, SHOP_WRAPPED_KEY), 1);
    const struct shop_credential *credential = fake_task_last(task, SHOP_CREDENTIAL);
    assert_true(mr_bytes_equal(credential->user_id, mr_cstr(USER)));
}

static void a_user_without_a_password_has_no_credential(void **state)
{
    struct fake_task *task = *state;
    const struct shop_create_user message = user_message(NULL);
    rules_send(task, SHOP_CREATE_USER, &message);
    const struct shop_user_registered *user = fake_task_last(task, SHOP_USER_REGISTERED);
    assert_false(user->has_credential);
    assert_int_equal(fake_task_count(task, SHOP_CREDENTIAL), 0);
}

static void a_user_is_registered_once(void **state)
{
    struct fake_task *task = *state;
    const struct shop_create_user message = user_message(&sealed_text);
    rules_send(task, SHOP_CREATE_USER, &message);
    rules_send(task, SHOP_CREATE_USER, &message);
    assert_int_equal(task->outputs_count, 0);
}

static void a_session_starts_for_a_user_who_exists(void **state)
{
    struct fake_task *task = *state;
    struct shop_start_session session = session_of(task, USER);
    rules_send(task, SHOP_START_SESSION, &session);
    rules_expect_refused(task, SHOP_REASON_USER_UNKNOWN);
    const struct shop_create_user message = user_message(&sealed_text);
    rules_send(task, SHOP_CREATE_USER, &message);
    session = session_of(task, USER);
    rules_send(task, SHOP_START_SESSION, &session);
    rules_expect_accepted(task);
    const struct shop_session_started *started = fake_task_last(task, SHOP_SESSION_STARTED);
    assert_true(mr_bytes_equal(started->session_id, mr_cstr("ses_1")));
    assert_true(mr_bytes_equal(task->decision->subject_id, mr_cstr("ses_1")));
    assert_int_equal(started->expires_at, session.expires_at);
}

static void a_message_without_a_user_is_poison(void **state)
{
    struct fake_task *task = *state;
    struct shop_create_user message = user_message(NULL);
    message.user_id = mr_cstr("");
    rules_expect_invalid(task, SHOP_CREATE_USER, &message);
    struct shop_start_session session = session_of(task, "usr ada");
    rules_expect_invalid(task, SHOP_START_SESSION, &session);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            a_user_is_registered_with_the_key_and_the_credential_beside, set_up, rules_tear_down),
        cmocka_unit_test_setup_teardown(
            a_user_without_a_password_has_no_credential, set_up, rules_tear_down),
        cmocka_unit_test_setup_teardown(a_user_is_registered_once, set_up, rules_tear_down),
        cmocka_unit_test_setup_teardown(
            a_session_starts_for_a_user_who_exists, set_up, rules_tear_down),
        cmocka_unit_test_setup_teardown(
            a_message_without_a_user_is_poison, set_up, rules_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
