/* cmd_api.c - `millrace api`: the OpenAPI document that both APIs serve, and their problems. */
#include "command.h"

#include <api/contract.h>
#include <http/problem.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

/* Indented, so that a change of the contract can be read as a difference of lines. */
static int api_describe(const struct mr_options *options, struct mr_error *error)
{
    struct mr_buffer document = {0};
    json_error_t why;
    (void)options;
    api_write_openapi(&document);
    json_t *root =
        json_loadb((const char *)document.ptr, document.len, JSON_REJECT_DUPLICATES, &why);
    char *text = root ? json_dumps(root, JSON_INDENT(1) | JSON_PRESERVE_ORDER) : NULL;
    int rc = text && puts(text) >= 0 ? 0 : mr_fail(error, MR_FATAL, "not JSON: %s", why.text);
    free(text);
    json_decref(root);
    mr_buffer_clean_up(&document);
    return rc;
}

const struct tool_command tool_api_describe = {
    .words = "api describe",
    .operands = "",
    .purpose = "print the OpenAPI document of the two APIs",
    .run = api_describe,
};

static int api_list_problems(const struct mr_options *options, struct mr_error *error)
{
    (void)options;
    for (size_t i = 0; i < http_problem_count(); i++) {
        const struct http_problem_type *type = http_problem_at(i);
        if (printf(
                "%s %d: %s\n  cause: %s\n  remedy: %s\n",
                type->slug,
                type->status,
                type->title,
                type->cause,
                type->remedy) < 0)
            return mr_fail(error, MR_FATAL, "cannot write the list");
    }
    return 0;
}

const struct tool_command tool_api_problems = {
    .words = "api problems",
    .operands = "",
    .purpose = "list every type of problem with its cause and what a client does about it",
    .run = api_list_problems,
};
