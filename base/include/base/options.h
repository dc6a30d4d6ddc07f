/*
 * options.h - configuration by flag and environment, one table per program.
 *
 * A program lists its options once; that table parses argv, reads the environment, and
 * prints --help. A flag beats the environment, which beats the default. Secrets are never
 * options: programs take the path of a file that holds them.
 *
 *     static const struct mr_option options[] = {
 *         {"brokers", "MILLRACE_BROKERS", "HOST:PORT", "localhost:9092", "Kafka to connect to"},
 *         {"verbose", NULL, NULL, NULL, "log more"},          // metavar NULL: a switch
 *     };
 */
#ifndef BASE_OPTIONS_H
#define BASE_OPTIONS_H

#include <base/error.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mr_option {
    const char *name;          /* "brokers" is given as --brokers VALUE or --brokers=VALUE. */
    const char *env;           /* Environment variable, or NULL. */
    const char *metavar;       /* The value's name in --help; NULL for a switch. */
    const char *default_value; /* NULL: none. */
    const char *help;
};

struct mr_options {
    const struct mr_option *table;
    size_t count;
    const char **values; /* Parallel to table; NULL where not given and without default. */
    char **operands;     /* The rest of argv, in order. */
    size_t operands_count;
    bool help_wanted;    /* --help or -h was given; the caller prints and exits 0. */
    bool version_wanted; /* --version was given; likewise. */
};

/* argv[0] is skipped. MR_CONFIG names the flag that is unknown or lacks its value. */
int mr_options_parse(
    struct mr_options *ret_options,
    const struct mr_option *table,
    size_t count,
    int argc,
    char **argv,
    struct mr_error *error);

void mr_options_clean_up(struct mr_options *options);

/* "usage: NAME SYNOPSIS", the purpose, then a line per option with its environment and default. */
void mr_options_print_help(
    const struct mr_option *table,
    size_t count,
    const char *program,
    const char *synopsis,
    const char *purpose);

/* "PROGRAM 1.2.3": the version is the whole project's. */
void mr_options_print_version(const char *program);

/* NULL when not given and without default. Asserts that `name` is in the table. */
const char *mr_options_text(const struct mr_options *options, const char *name);
bool mr_options_switch(const struct mr_options *options, const char *name);

/* MR_CONFIG, naming the flag and the bounds, when the text is not a whole number in [min, max]. */
int mr_options_integer(
    const struct mr_options *options,
    const char *name,
    int64_t min,
    int64_t max,
    int64_t *ret_value,
    struct mr_error *error);

/* A number of MiB, from 1 to 1 TiB, as bytes. */
int mr_options_mebibytes(
    const struct mr_options *options, const char *name, size_t *ret_bytes, struct mr_error *error);

#endif
