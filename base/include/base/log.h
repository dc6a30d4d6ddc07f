/*
 * log.h - the log of a program: one logfmt line per state change or failure, on stderr.
 *
 *     ts=2026-09-01T10:15:00.123Z level=info prog=command-api event=ready port=8081
 *
 * Libraries return errors; programs log them. Values are quoted when they need it.
 * A secret is never a value. Threads: any.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <base/api_begin.h>

enum mr_log_level { MR_LOG_DEBUG, MR_LOG_INFO, MR_LOG_WARN, MR_LOG_ERROR };

/* Once, first thing in main. `program` must outlive the process. Lines below `level` are
 * dropped. */
void mr_log_init(const char *program, enum mr_log_level level);

/* "debug", "info", "warn" or "error"; anything else gives MR_LOG_INFO. */
enum mr_log_level mr_log_level_of(const char *name);

#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
/* `event` is a word; `fields` is a printf format of logfmt pairs: "topic=%s error=\"%s\"". */
void mr_log(enum mr_log_level level, const char *event, const char *fields, ...);

#include <base/api_end.h>

#endif
