/* rules_fixture.h - what the tests of an aggregate's rules share: a message, and how it ended. */
#ifndef TESTS_RULES_FIXTURE_H
#define TESTS_RULES_FIXTURE_H

#include "../support/fake_task.h"

#include <base/alloc.h>
#include <tests/cmocka.h>

#include <stdlib.h>

static inline int rules_set_up(void **state, fake_aggregate_fn *aggregate)
{
    struct fake_task *task = mr_calloc(1, sizeof *task);
    fake_task_open(task, aggregate);
    *state = task;
    return 0;
}

static inline int rules_tear_down(void **state)
{
    fake_task_close(*state);
    free(*state);
    return 0;
}

/* A message that is taken: by an outcome, or by doing what it asks. */
static inline void rules_send(struct fake_task *task, enum shop_type type, const void *message)
{
    struct mr_error error = {0};
    if (fake_task_tell(task, type, message, &error))
        fail_msg("%s: %s", shop_types[type].name, error.text);
}

/* A message that is not one: poison, for the dead letters. */
static inline void
rules_expect_invalid(struct fake_task *task, enum shop_type type, const void *message)
{
    struct mr_error error = {0};
    assert_int_equal(fake_task_tell(task, type, message, &error), MR_INVALID);
    assert_int_equal(task->outputs_count, 0);
}

static inline void rules_expect_accepted(const struct fake_task *task)
{
    assert_non_null(task->decision);
    if (task->decision->rejection)
        fail_msg("refused: %.*s", MR_ARG(task->decision->rejection->reason));
}

/* Refused for this reason, and nothing was emitted or sent. */
static inline void rules_expect_refused(const struct fake_task *task, enum shop_reason reason)
{
    assert_non_null(task->decision);
    assert_non_null(task->decision->rejection);
    assert_int_equal(shop_reason_of(task->decision->rejection->reason), reason);
    assert_int_equal(task->outputs_count, 0);
}

#endif
