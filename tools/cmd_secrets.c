/* cmd_secrets.c - `millrace secrets ...`: the key files of an installation. */
#include "command.h"

#include <sealing/secrets.h>

#include <stdio.h>

static int secrets_run_init(const struct mr_options *options, struct mr_error *error)
{
    int made = 0;
    int rc = sealing_secrets_init(options->operands[0], &made, error);
    if (rc == 0)
        printf("%s: %d key files created\n", options->operands[0], made);
    return rc;
}

const struct tool_command tool_secrets_init = {
    .words = "secrets init",
    .operands = "DIR",
    .operands_count = 1,
    .purpose = "create the missing key files; never overwrites one",
    .run = secrets_run_init,
};

static int secrets_run_rotate(const struct mr_options *options, struct mr_error *error)
{
    enum sealing_rotation rotation;
    int rc = sealing_secrets_rotate(options->operands[0], &rotation, error);
    if (rc)
        return rc;
    if (rotation == SEALING_ROTATION_BEGUN)
        printf(
            "%s: the next signing key is there; restart all programs, then run this again\n",
            options->operands[0]);
    else
        printf(
            "%s: the next signing key is the key now; restart all programs\n",
            options->operands[0]);
    return 0;
}

const struct tool_command tool_secrets_rotate = {
    .words = "secrets rotate",
    .operands = "DIR",
    .operands_count = 1,
    .purpose = "replace the key that signs access tokens, in two steps; no token is refused",
    .run = secrets_run_rotate,
};
