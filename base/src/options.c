/* options.c - configuration by flag and environment: parsing one table, and printing it. */
#include <base/alloc.h>
#include <base/options.h>

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t
options_find(const struct mr_option *table, size_t count, const char *name, size_t len)
{
    for (size_t i = 0; i < count; i++)
        if (strlen(table[i].name) == len && memcmp(table[i].name, name, len) == 0)
            return i;
    return count;
}

static void set_defaults(struct mr_options *options)
{
    for (size_t i = 0; i < options->count; i++) {
        const struct mr_option *option = &options->table[i];
        const char *value = option->env ? getenv(option->env) : NULL;
        options->values[i] = value && *value ? value : option->default_value;
    }
}

/* Takes one flag at argv[*at]; advances *at over its value. */
static int
take_flag(struct mr_options *options, int argc, char **argv, int *at, struct mr_error *error)
{
    const char *name = argv[*at] + 2;
    const char *equals = strchr(name, '=');
    size_t len = equals ? (size_t)(equals - name) : strlen(name);
    size_t index = options_find(options->table, options->count, name, len);
    if (index == options->count)
        return mr_fail(error, MR_CONFIG, "unknown option --%.*s; see --help", (int)len, name);
    if (!options->table[index].metavar) {
        if (equals)
            return mr_fail(error, MR_CONFIG, "--%.*s takes no value", (int)len, name);
        options->values[index] = "1";
        return 0;
    }
    if (equals) {
        options->values[index] = equals + 1;
        return 0;
    }
    if (*at + 1 >= argc)
        return mr_fail(
            error,
            MR_CONFIG,
            "--%s wants a value: --%s %s",
            name,
            name,
            options->table[index].metavar);
    options->values[index] = argv[++*at];
    return 0;
}

/* A word after "--" is an operand, whatever it looks like. On failure nothing is returned and
 * all is freed. */
int mr_options_parse(
    struct mr_options *ret_options,
    const struct mr_option *table,
    size_t count,
    int argc,
    char **argv,
    struct mr_error *error)
{
    struct mr_options options = {
        .table = table,
        .count = count,
        .values = mr_calloc(count, sizeof(char *)),
        .operands = mr_calloc((size_t)argc + 1, sizeof(char *)),
    };
    bool flags_over = false;
    int rc = 0;
    set_defaults(&options);
    for (int at = 1; at < argc && rc == 0; at++) {
        const char *word = argv[at];
        if (!flags_over && strcmp(word, "--") == 0)
            flags_over = true;
        else if (!flags_over && (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0))
            options.help_wanted = true;
        else if (!flags_over && strcmp(word, "--version") == 0)
            options.version_wanted = true;
        else if (!flags_over && strncmp(word, "--", 2) == 0)
            rc = take_flag(&options, argc, argv, &at, error);
        else
            options.operands[options.operands_count++] = argv[at];
    }
    if (rc)
        mr_options_clean_up(&options);
    else
        *ret_options = options;
    return rc;
}

void mr_options_clean_up(struct mr_options *options)
{
    free(options->values);
    free(options->operands);
    *options = (struct mr_options){0};
}

void mr_options_print_help(
    const struct mr_option *table,
    size_t count,
    const char *program,
    const char *synopsis,
    const char *purpose)
{
    printf("usage: %s %s\n\n%s\n\noptions:\n", program, synopsis, purpose);
    for (size_t i = 0; i < count; i++) {
        const struct mr_option *option = &table[i];
        int width = printf("  --%s %s", option->name, option->metavar ? option->metavar : "");
        printf("%*s%s", width < 32 ? 32 - width : 1, "", option->help);
        if (option->default_value)
            printf(" (default %s)", option->default_value);
        if (option->env)
            printf(" [$%s]", option->env);
        printf("\n");
    }
    printf("  --help                        print this and exit\n");
    printf("  --version                     print the version and exit\n");
}

void mr_options_print_version(const char *program)
{
    printf("%s %s\n", program, MILLRACE_VERSION);
}

const char *mr_options_text(const struct mr_options *options, const char *name)
{
    size_t index = options_find(options->table, options->count, name, strlen(name));
    assert(index < options->count);
    return options->values[index];
}

bool mr_options_switch(const struct mr_options *options, const char *name)
{
    const char *value = mr_options_text(options, name);
    return value && strcmp(value, "0") != 0;
}

int mr_options_integer(
    const struct mr_options *options,
    const char *name,
    int64_t min,
    int64_t max,
    int64_t *ret_value,
    struct mr_error *error)
{
    const char *text = mr_options_text(options, name);
    char *end = NULL;
    errno = 0;
    long long value = text ? strtoll(text, &end, 10) : 0;
    if (!text || end == text || *end || errno || value < min || value > max)
        return mr_fail(
            error,
            MR_CONFIG,
            "--%s %s: want a whole number from %lld to %lld",
            name,
            text ? text : "(not given)",
            (long long)min,
            (long long)max);
    *ret_value = value;
    return 0;
}

int mr_options_mebibytes(
    const struct mr_options *options, const char *name, size_t *ret_bytes, struct mr_error *error)
{
    int64_t mebibytes = 0;
    int rc = mr_options_integer(options, name, 1, 1 << 20, &mebibytes, error);
    if (rc == 0)
        *ret_bytes = (size_t)mebibytes << 20;
    return rc;
}
