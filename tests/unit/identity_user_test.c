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

static void create_user(struct fake_task *task)
{
    const struct shop_create_user message = user_message(&sealed_text);
    rules_send(task, SHOP_CREATE_USER, &message);
}

static struct shop_change_profile profile_of(struct fake_task *task)
{
    return (struct shop_change_profile){
        .meta = fake_task_command(task, "customer"), .user_id = mr_cstr(USER)};
}

static void a_profile_changes_by_an_event_and_not_without_one(void **state)
{
    struct fake_task *task = *state;
    struct shop_change_profile change = profile_of(task);
    change.locale = mr_cstr("de");
    rules_send(task, SHOP_CHANGE_PROFILE, &change);
    rules_expect_refused(task, SHOP_REASON_USER_UNKNOWN);
    create_user(task);
    change.meta = fake_task_command(task, "customer");
    rules_send(task, SHOP_CHANGE_PROFILE, &change);
    rules_expect_accepted(task);
    const struct shop_profile_changed *changed = fake_task_last(task, SHOP_PROFILE_CHANGED);
    assert_true(text_is(changed->locale, "de"));
    assert_false(changed->name_changes);
    assert_int_equal(changed->meta.aggregate_version, 2);
    assert_int_equal(task->decision->version, 2);
    change = profile_of(task);
    rules_send(task, SHOP_CHANGE_PROFILE, &change);
    rules_expect_accepted(task);
    assert_int_equal(task->outputs_count, 0);
    assert_int_equal(task->decision->version, 2);
}

static void a_profile_that_has_changed_since_is_not_changed(void **state)
{
    struct fake_task *task = *state;
    create_user(task);
    struct shop_change_profile change = profile_of(task);
    change.name_changes = true;
    change.name_sealed = &sealed_text;
    change.meta.has_expected_version = true;
    change.meta.expected_version = 2;
    rules_send(task, SHOP_CHANGE_PROFILE, &change);
    rules_expect_refused(task, SHOP_REASON_STALE_VERSION);
}

static void a_password_that_was_checked_before_another_was_set_does_not_count(void **state)
{
    struct fake_task *task = *state;
    create_user(task);
    int64_t checked_at = fake_task_now_ms(task);
    fake_task_advance_ms(task, 1000);
    struct shop_change_password change = {
        .meta = fake_task_command(task, "customer"),
        .user_id = mr_cstr(USER),
        .credential_sealed = sealed_text,
        .has_credential_at = true,
        .credential_at = checked_at};
    rules_send(task, SHOP_CHANGE_PASSWORD, &change);
    rules_expect_accepted(task);
    fake_task_advance_ms(task, 1000);
    struct shop_start_session session = session_of(task, USER);
    session.has_credential_at = true;
    session.credential_at = checked_at;
    rules_send(task, SHOP_START_SESSION, &session);
    rules_expect_refused(task, SHOP_REASON_PASSWORD_CHANGED);
    change.meta = fake_task_command(task, "customer");
    rules_send(task, SHOP_CHANGE_PASSWORD, &change);
    rules_expect_refused(task, SHOP_REASON_PASSWORD_CHANGED);
    session.meta = fake_task_command(task, "customer");
    session.credential_at = checked_at + 1000;
    rules_send(task, SHOP_START_SESSION, &session);
    rules_expect_accepted(task);
}

static void another_password_ends_every_other_session(void **state)
{
    struct fake_task *task = *state;
    create_user(task);
    for (int i = 1; i <= 3; i++) {
        static const char *const ids[] = {"", "ses_1", "ses_2", "ses_3"};
        struct shop_start_session session = session_of(task, USER);
        session.session_id = mr_cstr(ids[i]);
        rules_send(task, SHOP_START_SESSION, &session);
    }
    const struct shop_change_password change = {
        .meta = fake_task_command(task, "customer"),
        .user_id = mr_cstr(USER),
        .credential_sealed = sealed_text,
        .kept_session_id = mr_cstr("ses_2")};
    rules_send(task, SHOP_CHANGE_PASSWORD, &change);
    rules_expect_accepted(task);
    assert_int_equal(fake_task_count(task, SHOP_PASSWORD_CHANGED), 1);
    assert_int_equal(fake_task_count(task, SHOP_CREDENTIAL), 1);
    assert_int_equal(fake_task_count(task, SHOP_SESSION_REVOKED), 2);
    const struct shop_sessions_state *left =
        fake_task_state(task, "sessions", SHOP_SESSIONS_STATE, mr_cstr(USER));
    assert_int_equal(left->sessions_count, 1);
    assert_true(text_is(left->sessions[0].session_id, "ses_2"));
}

static struct shop_set_role role_of(struct fake_task *task, const char *actor, const char *role)
{
    struct shop_set_role command = {
        .meta = fake_task_command(task, actor), .user_id = mr_cstr(USER), .role = mr_cstr(role)};
    command.meta.reason = mr_cstr("new in the team");
    return command;
}

static void an_operator_changes_a_role_and_the_sessions_end(void **state)
{
    struct fake_task *task = *state;
    create_user(task);
    struct shop_start_session session = session_of(task, USER);
    rules_send(task, SHOP_START_SESSION, &session);
    struct shop_set_role command = role_of(task, "operator", "operator");
    rules_send(task, SHOP_SET_ROLE, &command);
    rules_expect_accepted(task);
    const struct shop_role_changed *changed = fake_task_last(task, SHOP_ROLE_CHANGED);
    assert_true(text_is(changed->role, "operator"));
    assert_true(text_is(changed->meta.reason, "new in the team"));
    assert_int_equal(fake_task_count(task, SHOP_SESSION_REVOKED), 1);
    command = role_of(task, "operator", "operator"); /* Another command, the same role. */
    rules_send(task, SHOP_SET_ROLE, &command);
    rules_expect_accepted(task);
    assert_int_equal(task->outputs_count, 0);
    struct shop_change_profile change = profile_of(task);
    change.locale = mr_cstr("de");
    rules_send(task, SHOP_CHANGE_PROFILE, &change);
    const struct shop_user_state *user =
        fake_task_state(task, "user", SHOP_USER_STATE, mr_cstr(USER));
    assert_true(text_is(user->role, "operator"));
}

static void nobody_else_changes_a_role_and_none_without_a_reason(void **state)
{
    struct fake_task *task = *state;
    create_user(task);
    struct shop_set_role command = role_of(task, "customer", "operator");
    rules_send(task, SHOP_SET_ROLE, &command);
    rules_expect_refused(task, SHOP_REASON_NOT_ALLOWED);
    command = role_of(task, "operator", "emperor");
    rules_send(task, SHOP_SET_ROLE, &command);
    rules_expect_refused(task, SHOP_REASON_FIELD_INVALID);
    command = role_of(task, "operator", "operator");
    command.meta.reason = (struct mr_bytes){0};
    rules_send(task, SHOP_SET_ROLE, &command);
    rules_expect_refused(task, SHOP_REASON_OPERATOR_GIVES_REASON);
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
            a_profile_changes_by_an_event_and_not_without_one, set_up, rules_tear_down),
        cmocka_unit_test_setup_teardown(
            a_profile_that_has_changed_since_is_not_changed, set_up, rules_tear_down),
        cmocka_unit_test_setup_teardown(
            another_password_ends_every_other_session, set_up, rules_tear_down),
        cmocka_unit_test_setup_teardown(
            a_password_that_was_checked_before_another_was_set_does_not_count,
            set_up,
            rules_tear_down),
        cmocka_unit_test_setup_teardown(
            an_operator_changes_a_role_and_the_sessions_end, set_up, rules_tear_down),
        cmocka_unit_test_setup_teardown(
            nobody_else_changes_a_role_and_none_without_a_reason, set_up, rules_tear_down),
        cmocka_unit_test_setup_teardown(
            a_message_without_a_user_is_poison, set_up, rules_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
