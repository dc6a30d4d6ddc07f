/* cmd_secrets.c - `millrace secrets init DIR`: the key files of an installation. */
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
