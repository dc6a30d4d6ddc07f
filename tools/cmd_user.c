/* cmd_user.c - `millrace user ...`: the role of a user, and who changed what. */
#include "staff.h"

#include <base/murmur2.h>

#include <inttypes.h>
#include <stdio.h>

struct staff_user {
    struct staff_history history;
    struct mr_bytes role;
    int64_t version;
};

/* Personal texts stay sealed: a line has the event, who and when. */
static void user_take_event(
    void *user,
    const struct codec_message *event,
    const struct shop_meta *meta,
    struct mr_bytes key)
{
    struct staff_user *found = user;
    struct mr_arena *arena = &found->history.staff->arena;
    struct mr_bytes detail = mr_cstr("");
    (void)key;
    found->version = meta->aggregate_version;
    if (event->id == SHOP_ROLE_CHANGED) {
        detail = mr_arena_copy(arena, ((const struct shop_role_changed *)event->value)->role);
        found->role = detail;
    }
    staff_history_add(&found->history, event, meta, detail);
}

static int user_show(struct staff *staff, struct mr_error *error)
{
    struct staff_user found = {.history = {.staff = staff}, .role = mr_cstr(SHOP_ROLE_CUSTOMER)};
    struct mr_bytes user_id = mr_cstr(staff->options->operands[0]);
    int32_t partitions = staff_partitions(staff, TOPIC_IDENTITY_USER_EVENTS, error);
    int rc = partitions < 0 ? partitions
                            : staff_read(
                                  staff,
                                  TOPIC_IDENTITY_USER_EVENTS,
                                  mr_partition_of(user_id, partitions),
                                  user_id,
                                  false,
                                  user_take_event,
                                  &found,
                                  error);
    if (rc == 0 && found.version == 0)
        rc = mr_fail(error, MR_CONFIG, "there is no user %.*s", MR_ARG(user_id));
    if (rc == 0) {
        printf(
            "%.*s: %.*s, version %" PRId64 "\n",
            MR_ARG(user_id),
            MR_ARG(found.role),
            found.version);
        staff_history_print(&found.history);
    }
    staff_history_clean_up(&found.history);
    return rc;
}

static int user_role(struct staff *staff, struct mr_error *error)
{
    struct shop_set_role command = {
        .user_id = mr_cstr(staff->options->operands[0]),
        .role = mr_cstr(staff->options->operands[1]),
    };
    if (!shop_id_is_valid(command.user_id) || !shop_role_is_known(command.role)) {
        mr_fail(error, MR_CONFIG, "a user's id and customer, operator or auditor are needed");
        return EXIT_USAGE;
    }
    if (!staff->reason.ptr)
        return staff_refuse_missing("reason", error);
    return staff_send(
        staff, TOPIC_IDENTITY_USER_COMMANDS, command.user_id, SHOP_SET_ROLE, &command, error);
}

static const struct mr_option show_options[] = {STAFF_OPTIONS};
static const struct mr_option role_options[] = {STAFF_CHANGE_OPTIONS};

const struct tool_command tool_user_show = {
    .words = "user show",
    .operands = "USER",
    .operands_count = 1,
    .purpose = "print a user's role, and who changed the account and when",
    .notes = STAFF_EXIT_NOTES,
    .options = show_options,
    .options_count = sizeof show_options / sizeof show_options[0],
    .run_staff = user_show,
};
const struct tool_command tool_user_role = {
    .words = "user role",
    .operands = "USER ROLE",
    .operands_count = 2,
    .purpose = "make a user a customer, operator or auditor, with a reason; ends the sessions",
    .notes = STAFF_EXIT_NOTES,
    .options = role_options,
    .options_count = sizeof role_options / sizeof role_options[0],
    .run_staff = user_role,
};
