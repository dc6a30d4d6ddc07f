/* millrace.c - the command line: finds the command, reads its options, turns errors into exit
 * codes. */
#include "staff.h"

#include <base/descriptors.h>
#include <base/log.h>

#include <stdio.h>
#include <string.h>

static const struct tool_command *const commands[] = {
    &tool_secrets_init,     &tool_secrets_rotate,    &tool_topics_create,
    &tool_topics_list,      &tool_topics_strangers,  &tool_acls_print,
    &tool_schemas_register, &tool_schemas_list,      &tool_schemas_check,
    &tool_snapshot_create,  &tool_snapshot_list,     &tool_snapshot_restore,
    &tool_tasks_list,       &tool_topology_describe, &tool_import_retail,
    &tool_product_create,   &tool_product_show,      &tool_product_price,
    &tool_product_details,  &tool_product_publish,   &tool_product_discontinue,
    &tool_stock_show,       &tool_stock_adjust,      &tool_order_show,
    &tool_order_attention,  &tool_order_cancel,      &tool_order_refund,
    &tool_order_close,      &tool_order_resend,      &tool_user_show,
    &tool_user_role,        &tool_api_describe,      &tool_api_problems,
};
enum { COMMANDS = sizeof commands / sizeof commands[0] };

static const char exit_codes[] =
    "exit codes: 0 done, 1 failed (with one sentence on standard error), 2 wrong usage\n";

static void command_print_usage(FILE *out)
{
    fprintf(out, "usage: millrace COMMAND [OPTION]... [OPERAND]...\n\ncommands:\n");
    for (size_t i = 0; i < COMMANDS; i++) {
        int width = fprintf(out, "  %s %s", commands[i]->words, commands[i]->operands);
        fprintf(out, "%*s%s\n", width < 32 ? 32 - width : 1, "", commands[i]->purpose);
    }
    fprintf(
        out, "\n`millrace COMMAND --help` lists the options of a command, `millrace --version` ");
    fprintf(out, "prints the version.\n\n%s", exit_codes);
}

/* The command whose two words are the first two arguments. */
static const struct tool_command *command_find(int argc, char **argv)
{
    char words[64];
    if (argc < 3)
        return NULL;
    snprintf(words, sizeof words, "%s %s", argv[1], argv[2]);
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(commands[i]->words, words) == 0)
            return commands[i];
    return NULL;
}

static int command_print_help(const struct tool_command *command)
{
    char program[96];
    char synopsis[96];
    snprintf(program, sizeof program, "millrace %s", command->words);
    snprintf(synopsis, sizeof synopsis, "[OPTION]... %s", command->operands);
    mr_options_print_help(
        command->options, command->options_count, program, synopsis, command->purpose);
    if (command->notes)
        printf("\n%s", command->notes);
    printf("\n%s", exit_codes);
    return EXIT_DONE;
}

static int command_print_version(void)
{
    mr_options_print_version("millrace");
    return EXIT_DONE;
}

static int command_refuse_usage(const struct tool_command *command, const char *why)
{
    fprintf(stderr, "millrace %s: %s\n", command->words, why);
    return EXIT_USAGE;
}

static int command_work(
    const struct tool_command *command, const struct mr_options *options, struct mr_error *error)
{
    return command->run_staff ? staff_run(options, command->words, command->run_staff, error)
                              : command->run(options, error);
}

static int command_run(const struct tool_command *command, int argc, char **argv)
{
    struct mr_options options;
    struct mr_error error = {.text = "failed"};
    if (mr_options_parse(
            &options, command->options, command->options_count, argc - 2, argv + 2, &error))
        return command_refuse_usage(command, error.text);
    int status;
    if (options.help_wanted)
        status = command_print_help(command);
    else if (options.version_wanted)
        status = command_print_version();
    else if (options.operands_count != command->operands_count)
        status = command_refuse_usage(
            command,
            command->operands_count ? "one operand is needed; see --help" : "takes no operands");
    else if ((status = command_work(command, &options, &error)) != EXIT_DONE) {
        fprintf(stderr, "millrace %s: %s\n", command->words, error.text);
        status = status > 0 ? status : EXIT_FAILED;
    }
    mr_options_clean_up(&options);
    return status;
}

static bool command_is_given(int argc, char **argv, const char *flag)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], flag) == 0)
            return true;
    return false;
}

int main(int argc, char **argv)
{
    mr_open_standard_descriptors();
    mr_log_init("millrace", MR_LOG_WARN);
    const struct tool_command *command = command_find(argc, argv);
    if (command)
        return command_run(command, argc, argv);
    if (command_is_given(argc, argv, "--version"))
        return command_print_version();
    if (argc > 1 && argv[1][0] != '-')
        fprintf(stderr, "millrace: %s %s is not a command\n\n", argv[1], argc > 2 ? argv[2] : "");
    bool help = command_is_given(argc, argv, "--help") || command_is_given(argc, argv, "-h");
    command_print_usage(help ? stdout : stderr);
    return help ? EXIT_DONE : EXIT_USAGE;
}
