/* view_command_test.c - what the write API looks up: outcomes, claims, credentials. */
#include "view_fixture.h"

static int set_up(void **state)
{
    return views_set_up_with(state, shop_views_command_topology);
}

static struct mr_bytes get_row(struct views *views, const char *store, const char *key)
{
    struct mr_bytes value = {0};
    assert_int_equal(
        topo_read_get(
            topo_store_reader(topo_driver_store(views->driver, store, -1)),
            mr_cstr(key),
            &views->arena,
            &value,
            NULL),
        0);
    return value;
}

static void append_outcome(struct views *views, const char *topic, const char *command_id)
{
    struct shop_command_outcome outcome = {
        .command_id = mr_cstr(command_id),
        .fingerprint = MR_LITERAL("f"),
        .principal = MR_LITERAL("usr_1"),
        .aggregate_id = MR_LITERAL("usr_1"),
        .status = MR_LITERAL("accepted"),
        .http_status = 200,
    };
    const struct topo_header header = {
        .name = MR_LITERAL("command-id"), .value = mr_cstr(command_id)};
    struct mr_error error;
    mr_buffer_reset(&views->bytes);
    codec_encode(views->registry, SHOP_COMMAND_OUTCOME, topic, &outcome, &views->bytes);
    topo_sim_append(
        topo_driver_sim(views->driver),
        topic,
        -1,
        &(struct topo_output){
            .key = MR_LITERAL("usr_1"),
            .value = mr_buffer_view(&views->bytes),
            .headers = &header,
            .headers_count = 1});
    assert_int_equal(topo_driver_run(views->driver, &error), 0);
}

static void outcomes_of_all_services_are_found_by_command(void **state)
{
    struct views *views = *state;
    static const char *const topics[] = {
        "identity.claim.outcomes",
        "identity.user.outcomes",
        "catalog.product.outcomes",
        "inventory.stock.outcomes",
        "sales.outcomes"};
    for (size_t i = 0; i < 5; i++) {
        struct codec_message message;
        append_outcome(views, topics[i], topics[i]);
        struct mr_bytes framed = get_row(views, VIEW_OUTCOMES, topics[i]);
        assert_int_equal(codec_decode(views->registry, framed, &views->arena, &message, NULL), 0);
        const struct shop_command_outcome *outcome = message.value;
        assert_true(text_equals(outcome->command_id, topics[i]));
    }
    assert_null(get_row(views, VIEW_OUTCOMES, "unknown").ptr);
}

static void a_claimed_address_leads_to_its_user(void **state)
{
    struct views *views = *state;
    struct shop_email_claimed event = {
        .meta = meta_at(1, 1), .email_key = MR_LITERAL("KEY"), .user_id = MR_LITERAL("usr_9")};
    views_pipe(views, SHOP_EMAIL_CLAIMED, "KEY", &event);
    assert_true(text_equals(get_row(views, VIEW_CLAIMS, "KEY"), "usr_9"));
    assert_null(get_row(views, VIEW_CLAIMS, "OTHER").ptr);
}

static void the_newest_credential_counts_and_a_tombstone_takes_it_away(void **state)
{
    struct views *views = *state;
    struct mr_error error;
    for (int64_t at = 1; at <= 2; at++) {
        struct shop_credential credential = {
            .user_id = MR_LITERAL("usr_9"),
            .phc_sealed =
                {.key_id = MR_LITERAL("k"),
                 .alg = MR_LITERAL("XC20P"),
                 .nonce = MR_LITERAL("n"),
                 .ct = MR_LITERAL("c")},
            .changed_at = at,
        };
        views_pipe(views, SHOP_CREDENTIAL, "usr_9", &credential);
    }
    struct codec_message message;
    struct mr_bytes framed = get_row(views, VIEW_CREDENTIALS, "usr_9");
    assert_int_equal(codec_decode(views->registry, framed, &views->arena, &message, NULL), 0);
    assert_int_equal(((const struct shop_credential *)message.value)->changed_at, 2);
    assert_int_equal(
        topo_driver_pipe(
            views->driver, "identity.credentials", mr_cstr("usr_9"), mr_bytes_of(NULL, 0), &error),
        0);
    assert_null(get_row(views, VIEW_CREDENTIALS, "usr_9").ptr);
}

static void an_ended_session_is_known_and_no_other(void **state)
{
    struct views *views = *state;
    struct shop_session_started started = {
        .meta = meta_at(1, 1),
        .user_id = MR_LITERAL("usr_9"),
        .session_id = MR_LITERAL("ses_1"),
        .family_id = MR_LITERAL("ses_1")};
    struct shop_session_revoked revoked = {
        .meta = meta_at(2, 2),
        .user_id = MR_LITERAL("usr_9"),
        .session_id = MR_LITERAL("ses_1"),
        .cause = MR_LITERAL("logout")};
    views_pipe(views, SHOP_SESSION_STARTED, "usr_9", &started);
    assert_null(get_row(views, VIEW_REVOKED, "ses_1").ptr);
    views_pipe(views, SHOP_SESSION_REVOKED, "usr_9", &revoked);
    assert_non_null(get_row(views, VIEW_REVOKED, "ses_1").ptr);
    assert_null(get_row(views, VIEW_REVOKED, "ses_2").ptr);
}

static struct shop_sealed sealed_as(const char *text)
{
    return (struct shop_sealed){
        .key_id = MR_LITERAL("k"),
        .alg = MR_LITERAL("XC20P"),
        .nonce = MR_LITERAL("n"),
        .ct = mr_cstr(text)};
}

static struct shop_meta user_meta(int64_t version)
{
    struct shop_meta meta = meta_at(version, version);
    meta.aggregate = mr_cstr("user");
    meta.aggregate_id = mr_cstr("usr_9");
    return meta;
}

static void a_profile_is_the_fold_of_what_changed(void **state)
{
    struct views *views = *state;
    const struct shop_sealed name = sealed_as("name");
    struct shop_user_registered registered = {
        .meta = user_meta(1),
        .user_id = MR_LITERAL("usr_9"),
        .email_sealed = sealed_as("email"),
        .locale = MR_LITERAL("en")};
    struct shop_profile_changed changed = {
        .meta = user_meta(2),
        .user_id = MR_LITERAL("usr_9"),
        .name_changes = true,
        .name_sealed = &name};
    struct shop_profile_changed translated = {
        .meta = user_meta(3), .user_id = MR_LITERAL("usr_9"), .locale = MR_LITERAL("de")};
    struct shop_password_changed password = {.meta = user_meta(4), .user_id = MR_LITERAL("usr_9")};
    views_pipe(views, SHOP_USER_REGISTERED, "usr_9", &registered);
    views_pipe(views, SHOP_PROFILE_CHANGED, "usr_9", &changed);
    views_pipe(views, SHOP_PROFILE_CHANGED, "usr_9", &translated);
    views_pipe(views, SHOP_PASSWORD_CHANGED, "usr_9", &password);
    const struct shop_user_view *view =
        views_get(views, VIEW_USERS, SHOP_USER_VIEW, mr_cstr("usr_9"));
    assert_int_equal(view->version, 4);
    assert_true(text_equals(view->name_sealed->ct, "name"));
    assert_true(text_equals(view->email_sealed.ct, "email"));
    assert_true(text_equals(view->locale, "de"));
    changed.meta = user_meta(5);
    changed.name_sealed = NULL;
    views_pipe(views, SHOP_PROFILE_CHANGED, "usr_9", &changed);
    view = views_get(views, VIEW_USERS, SHOP_USER_VIEW, mr_cstr("usr_9"));
    assert_null(view->name_sealed);
}

static void keys_of_users_are_kept_and_those_of_orders_passed_over(void **state)
{
    struct views *views = *state;
    struct shop_wrapped_key key = {
        .key_id = MR_LITERAL("k"),
        .subject_id = MR_LITERAL("usr_9"),
        .kek_id = MR_LITERAL("kek"),
        .nonce = MR_LITERAL("n"),
        .wrapped = MR_LITERAL("w")};
    views_pipe(views, SHOP_WRAPPED_KEY, "usr_9", &key);
    views_pipe(views, SHOP_WRAPPED_KEY, "ord_9", &key);
    assert_non_null(get_row(views, VIEW_SUBJECT_KEYS, "usr_9").ptr);
    assert_null(get_row(views, VIEW_SUBJECT_KEYS, "ord_9").ptr);
    struct mr_error error;
    assert_int_equal(
        topo_driver_pipe(
            views->driver,
            TOPIC_IDENTITY_SUBJECT_KEYS,
            mr_cstr("usr_9"),
            mr_bytes_of(NULL, 0),
            &error),
        0);
    assert_null(get_row(views, VIEW_SUBJECT_KEYS, "usr_9").ptr);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, views_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(outcomes_of_all_services_are_found_by_command),
        TEST(a_claimed_address_leads_to_its_user),
        TEST(the_newest_credential_counts_and_a_tombstone_takes_it_away),
        TEST(an_ended_session_is_known_and_no_other),
        TEST(a_profile_is_the_fold_of_what_changed),
        TEST(keys_of_users_are_kept_and_those_of_orders_passed_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
