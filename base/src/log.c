/* log.c - logfmt lines on stderr, each written with one write(2) so that threads do not mix. */
#include <base/log.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 2048 };

static const char *const level_names[] = {"debug", "info", "warn", "error"};
static const char *log_program = "millrace";
static enum mr_log_level log_level = MR_LOG_INFO;

void mr_log_init(const char *program, enum mr_log_level level)
{
    log_program = program;
    log_level = level;
}

enum mr_log_level mr_log_level_of(const char *name)
{
    for (int i = 0; i < 4; i++)
        if (strcmp(name, level_names[i]) == 0)
            return (enum mr_log_level)i;
    return MR_LOG_INFO;
}

static size_t start_line(char *line, enum mr_log_level level, const char *event)
{
    struct timespec now;
    struct tm utc;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    size_t len = strftime(line, LINE_MAX_BYTES, "ts=%Y-%m-%dT%H:%M:%S", &utc);
    int more = snprintf(
        line + len,
        LINE_MAX_BYTES - len,
        ".%03ldZ level=%s prog=%s event=%s ",
        now.tv_nsec / 1000000,
        level_names[level],
        log_program,
        event);
    return len + (size_t)more;
}

void mr_log(enum mr_log_level level, const char *event, const char *fields, ...)
{
    if (level < log_level)
        return;
    char line[LINE_MAX_BYTES];
    size_t len = start_line(line, level, event);
    va_list args;
    va_start(args, fields);
    int more = vsnprintf(line + len, sizeof line - len - 1, fields, args);
    va_end(args);
    len += (size_t)more;
    if (len > sizeof line - 1)
        len = sizeof line - 1;
    for (size_t i = 0; i < len; i++)
        if (line[i] == '\n' || line[i] == '\r')
            line[i] = ' ';
    line[len++] = '\n';
    if (write(STDERR_FILENO, line, len) < 0)
        return;
}
