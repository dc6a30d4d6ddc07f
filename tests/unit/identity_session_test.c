/* identity_session_test.c - the rules of sessions: renewed once, ended by reuse, bounded. */
#include "../../processors/src/identity.h"
#include "rules_fixture.h"

#include <stdio.h>

#define USER "usr_ada"

static const struct shop_sealed sealed_text = {
    .key_id = MR_LITERAL("key"),
    .alg = MR_LITERAL("XC20P"),
    .nonce = MR_LITERAL("nonce"),
    .ct = MR_LITERAL("text"),
};

static int set_up(void **state)
{
    rules_set_up(state, user_aggregate);
    const struct shop_create_user message = {
        .saga = {mr_cstr("c"), mr_cstr("e"), 0},
        .user_id = mr_cstr(USER),
        .email_key = mr_cstr("key_of_an_address"),
        .email_sealed = sealed_text,
        .locale = mr_cstr("en"),
        .subject_key =
            {mr_cstr("key"), mr_cstr(USER), mr_cstr("kek"), mr_cstr("nonce"), mr_cstr("wrapped")},
        .actor_kind = mr_cstr("customer"),
        .actor_id = mr_cstr(USER)};
    rules_send(*state, SHOP_CREATE_USER, &message);
    return 0;
}

static void start_session(struct fake_task *task, const char *session_id)
{
    const struct shop_start_session command = {
        .meta = fake_task_command(task, "customer"),
        .user_id = mr_cstr(USER),
        .session_id = mr_cstr(session_id),
        .expires_at = fake_task_now_ms(task) + 3600 * 1000,
        .user_agent_hash = mr_cstr("")};
    rules_send(task, SHOP_START_SESSION, &command);
    rules_expect_accepted(task);
}

static void rotate_session(struct fake_task *task, const char *session_id, int generation)
{
    const struct shop_rotate_session command = {
        .meta = fake_task_command(task, "customer"),
        .user_id = mr_cstr(USER),
        .session_id = mr_cstr(session_id),
        .generation = generation,
        .expires_at = fake_task_now_ms(task) + 7200 * 1000};
    rules_send(task, SHOP_ROTATE_SESSION, &command);
}

static void end_session(struct fake_task *task, const char *session_id)
{
    const struct shop_revoke_session command = {
        .meta = fake_task_command(task, "customer"),
        .user_id = mr_cstr(USER),
        .session_id = mr_cstr(session_id)};
    rules_send(task, SHOP_REVOKE_SESSION, &command);
}

static const struct shop_sessions_state *sessions_of(struct fake_task *task)
{
    return fake_task_state(task, "sessions", SHOP_SESSIONS_STATE, mr_cstr(USER));
}

/* Refused, and what was emitted beside that is for the test to look at. */
static void expect_reason(const struct fake_task *task, enum shop_reason reason)
{
    assert_non_null(task->decision->rejection);
    assert_int_equal(shop_reason_of(task->decision->rejection->reason), reason);
}

static void each_renewal_counts_one_generation_more(void **state)
{
    struct fake_task *task = *state;
    start_session(task, "ses_1");
    for (int generation = 0; generation < 3; generation++) {
        fake_task_advance_ms(task, 60 * 1000);
        rotate_session(task, "ses_1", generation);
        rules_expect_accepted(task);
        const struct shop_session_rotated *rotated = fake_task_last(task, SHOP_SESSION_ROTATED);
        assert_int_equal(rotated->generation, generation + 1);
        assert_int_equal(rotated->meta.aggregate_version, generation + 2);
        assert_int_equal(sessions_of(task)->sessions[0].expires_at, rotated->expires_at);
    }
}

static void the_same_token_soon_after_has_the_same_successor(void **state)
{
    struct fake_task *task = *state;
    start_session(task, "ses_1");
    rotate_session(task, "ses_1", 0);
    fake_task_advance_ms(task, 30 * 1000);
    rotate_session(task, "ses_1", 0);
    rules_expect_accepted(task);
    assert_int_equal(task->outputs_count, 0);
    assert_int_equal(sessions_of(task)->sessions[0].generation, 1);
}

static void the_same_token_later_ends_the_session(void **state)
{
    struct fake_task *task = *state;
    start_session(task, "ses_1");
    start_session(task, "ses_2");
    rotate_session(task, "ses_1", 0);
    fake_task_advance_ms(task, 30 * 1000 + 1);
    rotate_session(task, "ses_1", 0);
    expect_reason(task, SHOP_REASON_REFRESH_REUSED);
    assert_int_equal(fake_task_count(task, SHOP_SESSION_REUSE_DETECTED), 1);
    const struct shop_session_revoked *revoked = fake_task_last(task, SHOP_SESSION_REVOKED);
    assert_true(text_is(revoked->cause, "refresh-reused"));
    assert_true(text_is(revoked->session_id, "ses_1"));
    assert_int_equal(revoked->meta.aggregate_version, 4);
    rotate_session(task, "ses_1", 1); /* The one of the honest holder. */
    rules_expect_refused(task, SHOP_REASON_SESSION_OVER);
    rotate_session(task, "ses_2", 0);
    rules_expect_accepted(task);
}

static void two_generations_back_is_reuse_at_once(void **state)
{
    struct fake_task *task = *state;
    start_session(task, "ses_1");
    rotate_session(task, "ses_1", 0);
    rotate_session(task, "ses_1", 1);
    rotate_session(task, "ses_1", 0);
    expect_reason(task, SHOP_REASON_REFRESH_REUSED);
}

static void an_expired_or_unknown_session_is_not_renewed(void **state)
{
    struct fake_task *task = *state;
    start_session(task, "ses_1");
    rotate_session(task, "ses_2", 0);
    rules_expect_refused(task, SHOP_REASON_SESSION_OVER);
    rotate_session(task, "ses_1", 1); /* Not given out yet. */
    rules_expect_refused(task, SHOP_REASON_SESSION_OVER);
    fake_task_advance_ms(task, 3600 * 1000);
    rotate_session(task, "ses_1", 0);
    rules_expect_refused(task, SHOP_REASON_SESSION_OVER);
}

static void a_session_is_ended_once(void **state)
{
    struct fake_task *task = *state;
    start_session(task, "ses_1");
    end_session(task, "ses_1");
    rules_expect_accepted(task);
    assert_int_equal(fake_task_count(task, SHOP_SESSION_REVOKED), 1);
    assert_int_equal(sessions_of(task)->sessions_count, 0);
    end_session(task, "ses_1");
    rules_expect_refused(task, SHOP_REASON_SESSION_UNKNOWN);
}

static void all_sessions_are_ended_together(void **state)
{
    struct fake_task *task = *state;
    start_session(task, "ses_1");
    start_session(task, "ses_2");
    const struct shop_revoke_all_sessions command = {
        .meta = fake_task_command(task, "customer"), .user_id = mr_cstr(USER)};
    rules_send(task, SHOP_REVOKE_ALL_SESSIONS, &command);
    rules_expect_accepted(task);
    assert_int_equal(fake_task_count(task, SHOP_SESSION_REVOKED), 2);
    assert_int_equal(sessions_of(task)->sessions_count, 0);
}

static void the_twenty_first_session_ends_the_oldest(void **state)
{
    struct fake_task *task = *state;
    char id[16];
    for (int i = 0; i < SHOP_SESSIONS_MAX; i++) {
        snprintf(id, sizeof id, "ses_%d", i);
        start_session(task, id);
        assert_int_equal(fake_task_count(task, SHOP_SESSION_REVOKED), 0);
    }
    start_session(task, "ses_more");
    const struct shop_session_revoked *revoked = fake_task_last(task, SHOP_SESSION_REVOKED);
    assert_non_null(revoked);
    assert_true(text_is(revoked->session_id, "ses_0"));
    assert_true(text_is(revoked->cause, "too-many"));
    assert_int_equal(sessions_of(task)->sessions_count, SHOP_SESSIONS_MAX);
}

static void expired_sessions_make_room_by_themselves(void **state)
{
    struct fake_task *task = *state;
    char id[16];
    for (int i = 0; i < SHOP_SESSIONS_MAX; i++) {
        snprintf(id, sizeof id, "ses_%d", i);
        start_session(task, id);
    }
    fake_task_advance_ms(task, 3600 * 1000);
    start_session(task, "ses_more");
    assert_int_equal(fake_task_count(task, SHOP_SESSION_REVOKED), 0);
    assert_int_equal(sessions_of(task)->sessions_count, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, rules_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(each_renewal_counts_one_generation_more),
        TEST(the_same_token_soon_after_has_the_same_successor),
        TEST(the_same_token_later_ends_the_session),
        TEST(two_generations_back_is_reuse_at_once),
        TEST(an_expired_or_unknown_session_is_not_renewed),
        TEST(a_session_is_ended_once),
        TEST(all_sessions_are_ended_together),
        TEST(the_twenty_first_session_ends_the_oldest),
        TEST(expired_sessions_make_room_by_themselves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
