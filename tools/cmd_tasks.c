/*
 * cmd_tasks.c - `millrace tasks list`: which instance has which tasks, and how far each one is.
 *
 * The programs are asked one after the other for their /readyz. An engine's status is found by its
 * form, an object with "application" and "tasks", wherever the answer of a program has it.
 */
#include "command.h"
#include "status_fetch.h"

#include <base/alloc.h>

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* -- a table -- */

static const char tasks_row[] = "%-22s %-16s %-10s %-20s %9s %-10s %10s %10s  %s\n";

static void tasks_print_head(void)
{
    printf(
        tasks_row,
        "ADDRESS",
        "APPLICATION",
        "INSTANCE",
        "TASK",
        "PARTITION",
        "STATE",
        "SINCE",
        "LAG",
        "RESTORE");
}

static const char *tasks_text(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "-";
}

/* "1:02:03" */
static void tasks_format_duration(char *out, size_t size, int64_t ms)
{
    int64_t s = ms / 1000;
    snprintf(out, size, "%" PRId64 ":%02" PRId64 ":%02" PRId64, s / 3600, s / 60 % 60, s % 60);
}

/* A number, or "?" where the program does not know it. */
static void tasks_format_count(char *out, size_t size, const json_t *count)
{
    if (json_is_integer(count))
        snprintf(out, size, "%" JSON_INTEGER_FORMAT, json_integer_value(count));
    else
        snprintf(out, size, "?");
}

/* "12000 left, 300000/s, 0:00:04", or the reason why the task stands still, or nothing. */
static void tasks_format_restore(char *out, size_t size, const json_t *task)
{
    const char *why = json_string_value(json_object_get(task, "error"));
    int64_t left = json_integer_value(json_object_get(task, "restore_lag"));
    int64_t rate = json_integer_value(json_object_get(task, "restore_per_second"));
    char remaining[32] = "?";
    out[0] = '\0';
    if (rate > 0)
        tasks_format_duration(remaining, sizeof remaining, left * 1000 / rate);
    if (why)
        snprintf(out, size, "%s", why);
    else if (left > 0)
        snprintf(out, size, "%" PRId64 " left, %" PRId64 "/s, %s", left, rate, remaining);
}

static void tasks_print_inputs(const json_t *task)
{
    const json_t *input = NULL;
    size_t i = 0;
    json_array_foreach(json_object_get(task, "inputs"), i, input)
    {
        char lag[32];
        tasks_format_count(lag, sizeof lag, json_object_get(input, "lag"));
        printf(
            "    %s/%" JSON_INTEGER_FORMAT "  position %" JSON_INTEGER_FORMAT "  lag %s\n",
            tasks_text(input, "topic"),
            json_integer_value(json_object_get(input, "partition")),
            json_integer_value(json_object_get(input, "position")),
            lag);
    }
}

/* A global task has all partitions, so it shows no number. */
static void
tasks_print_task(const char *address, const json_t *engine, const json_t *task, bool inputs)
{
    char partition[32];
    char since[32];
    char lag[32];
    char restore[512];
    snprintf(
        partition,
        sizeof partition,
        "%" JSON_INTEGER_FORMAT,
        json_integer_value(json_object_get(task, "partition")));
    tasks_format_duration(
        since, sizeof since, json_integer_value(json_object_get(task, "state_ms")));
    tasks_format_count(lag, sizeof lag, json_object_get(task, "input_lag"));
    tasks_format_restore(restore, sizeof restore, task);
    printf(
        tasks_row,
        address,
        tasks_text(engine, "application"),
        tasks_text(engine, "instance"),
        tasks_text(task, "name"),
        json_is_true(json_object_get(task, "global")) ? "all" : partition,
        tasks_text(task, "state"),
        since,
        lag,
        restore);
    if (inputs)
        tasks_print_inputs(task);
}

/* An engine without tasks has a row, too: it waits for its share, or it has failed. */
static void tasks_print_engine(const char *address, const json_t *engine, bool inputs)
{
    const json_t *tasks = json_object_get(engine, "tasks");
    const json_t *task = NULL;
    size_t i = 0;
    json_array_foreach(tasks, i, task) tasks_print_task(address, engine, task, inputs);
    if (json_array_size(tasks) == 0)
        printf(
            tasks_row,
            address,
            tasks_text(engine, "application"),
            tasks_text(engine, "instance"),
            "-",
            "-",
            tasks_text(engine, "state"),
            "-",
            "-",
            json_object_get(engine, "error") ? tasks_text(engine, "error") : "");
}

/* -- what the programs answer -- */

/* Appends the engines in `value` to `engines`; returns whether all of them run. */
static bool tasks_find_engines(json_t *value, json_t *engines)
{
    const char *name = NULL;
    json_t *member = NULL;
    bool running = true;
    if (json_object_get(value, "application") && json_object_get(value, "tasks")) {
        json_array_append(engines, value);
        return strcmp(tasks_text(value, "state"), "running") == 0;
    }
    json_object_foreach(value, name, member) running =
        tasks_find_engines(member, engines) && running;
    return running;
}

struct tasks_report {
    json_t *programs; /* [{address, engines: [...]}] */
    int failed;       /* Programs that did not answer, or whose engines do not all run. */
};

/* A program that does not answer is in the report with its error, and the next one is asked. */
static void tasks_ask_program(struct tasks_report *report, const char *address)
{
    struct mr_buffer body = {0};
    struct mr_error error = {.text = "not JSON"};
    json_error_t where;
    json_t *engines = json_array();
    json_t *answer = NULL;
    int rc = status_fetch(address, &body, &error);
    if (rc == 0)
        answer = json_loadb(body.ptr ? body.ptr : "", body.len, 0, &where);
    report->failed += !answer || !tasks_find_engines(answer, engines);
    json_t *program = json_pack("{s:s, s:o}", "address", address, "engines", engines);
    if (!answer)
        json_object_set_new(program, "error", json_string(error.text));
    json_array_append_new(report->programs, program);
    json_decref(answer);
    mr_buffer_clean_up(&body);
}

static void tasks_print_table(const json_t *programs, bool inputs)
{
    const json_t *program = NULL;
    size_t i = 0;
    tasks_print_head();
    json_array_foreach(programs, i, program)
    {
        const char *address = tasks_text(program, "address");
        const json_t *engine = NULL;
        size_t k = 0;
        json_array_foreach(json_object_get(program, "engines"), k, engine)
            tasks_print_engine(address, engine, inputs);
        if (json_object_get(program, "error"))
            printf("%s\n", tasks_text(program, "error"));
    }
}

static int tasks_run_list(const struct mr_options *options, struct mr_error *error)
{
    struct tasks_report report = {.programs = json_array()};
    char *addresses = mr_strdup(mr_options_text(options, "programs"));
    char *rest = NULL;
    for (char *one = strtok_r(addresses, ", ", &rest); one; one = strtok_r(NULL, ", ", &rest))
        tasks_ask_program(&report, one);
    size_t asked = json_array_size(report.programs);
    if (mr_options_switch(options, "json")) {
        json_dumpf(report.programs, stdout, JSON_INDENT(2));
        putchar('\n');
    } else {
        tasks_print_table(report.programs, mr_options_switch(options, "inputs"));
    }
    json_decref(report.programs);
    free(addresses);
    if (asked == 0)
        return mr_fail(error, MR_CONFIG, "--programs names no program");
    if (report.failed)
        return mr_fail(
            error, MR_UNAVAILABLE, "%d of %zu programs are not running", report.failed, asked);
    return 0;
}

static const struct mr_option list_options[] = {
    {"programs",
     "MILLRACE_PROGRAMS",
     "HOST:PORT,...",
     "localhost:8081,localhost:8082,localhost:8083,localhost:8084",
     "the programs to ask, each by the address of its /readyz"},
    {"inputs", NULL, NULL, NULL, "print the position and the lag of each input partition, too"},
    {"json", NULL, NULL, NULL, "print JSON"},
};

const struct tool_command tool_tasks_list = {
    .words = "tasks list",
    .operands = "",
    .purpose = "print which instance has which tasks, since when, and how far each one is",
    .notes =
        "Exits with 1 when a program does not answer or when one of its engines does not run.\n"
        "LAG is in records; ? means that the program does not know the end of its input.\n",
    .options = list_options,
    .options_count = sizeof list_options / sizeof list_options[0],
    .run = tasks_run_list,
};
