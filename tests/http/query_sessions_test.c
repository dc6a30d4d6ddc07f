/* query_sessions_test.c - a session that was ended is refused by the read side, and not listed. */
#include "query_shop.h"

static void start_session(struct fixture *fixture, const char *session_id, int64_t expires_at)
{
    struct shop_session_started event = {
        .meta = meta_at(1, 1),
        .user_id = MR_LITERAL("usr_1"),
        .session_id = mr_cstr(session_id),
        .family_id = mr_cstr(session_id),
        .expires_at = expires_at};
    event.meta.aggregate_id = mr_cstr(session_id);
    views_pipe(&fixture->views, SHOP_SESSION_STARTED, "usr_1", &event);
}

static void an_ended_session_is_refused_at_once_and_listed_no_more(void **state)
{
    struct fixture *fixture = *state;
    char ended[QUERY_BEARER_MAX];
    query_bearer_of(fixture->keys, "usr_1", "ses_1", ended);
    start_session(fixture, "ses_0", INT64_MAX);
    start_session(fixture, "ses_1", INT64_MAX);
    start_session(fixture, "ses_old", 2);
    assert_int_equal(get_status(fixture, "/v1/cart", ended), 200);
    assert_int_equal(get_status(fixture, "/v1/sessions", fixture->bearer), 200);
    assert_non_null(strstr(fixture->answer.body, "\"session_id\":\"ses_1\""));
    assert_null(strstr(fixture->answer.body, "ses_old"));

    struct shop_session_revoked revoked = {
        .meta = meta_at(2, 2),
        .user_id = MR_LITERAL("usr_1"),
        .session_id = MR_LITERAL("ses_1"),
        .cause = MR_LITERAL("logout")};
    views_pipe(&fixture->views, SHOP_SESSION_REVOKED, "usr_1", &revoked);
    static const char *const targets[] = {"/v1/cart", "/v1/orders", "/v1/sessions"};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(get_status(fixture, targets[i], ended), 401);
        assert_non_null(strstr(fixture->answer.body, "/problems/token-invalid"));
        assert_int_equal(get_status(fixture, targets[i], fixture->bearer), 200);
    }
    assert_null(strstr(fixture->answer.body, "ses_1"));
    assert_non_null(strstr(fixture->answer.body, "\"current\":true"));
}

static void a_guest_has_no_sessions(void **state)
{
    struct fixture *fixture = *state;
    const char *guest = "Cart-Token: AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\r\n";
    assert_int_equal(get_status(fixture, "/v1/sessions", guest), 401);
    assert_non_null(strstr(fixture->answer.body, "/problems/authentication-required"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(an_ended_session_is_refused_at_once_and_listed_no_more),
        TEST(a_guest_has_no_sessions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
