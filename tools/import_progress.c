/* import_progress.c - how far a step of an import is: a bar on a terminal, a line elsewhere. */
#include "import.h"

#include <base/clock.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { STALL_S = 120, LINE_EVERY_S = 5, BAR_CELLS = 40 };

struct import_progress import_progress_begin(const char *what)
{
    int64_t now = mr_monotonic_ms();
    return (struct import_progress){
        .what = what,
        .started_ms = now,
        .shown_ms = now,
        .moved_ms = now,
        .terminal = isatty(STDOUT_FILENO) == 1,
    };
}

static void
progress_print_bar(const struct import_progress *progress, size_t done, size_t total, int64_t now)
{
    char bar[BAR_CELLS + 1];
    size_t filled = total ? done * BAR_CELLS / total : BAR_CELLS;
    memset(bar, '.', BAR_CELLS);
    memset(bar, '#', filled);
    bar[BAR_CELLS] = '\0';
    printf(
        "\r%-10s [%s] %zu/%zu  %.1f s",
        progress->what,
        bar,
        done,
        total,
        (double)(now - progress->started_ms) / 1000);
}

void import_progress_show(struct import_progress *progress, size_t done, size_t total, bool last)
{
    int64_t now = mr_monotonic_ms();
    int64_t every_ms = progress->terminal ? 200 : LINE_EVERY_S * 1000;
    if (!last && now - progress->shown_ms < every_ms)
        return;
    progress->shown_ms = now;
    if (progress->terminal)
        progress_print_bar(progress, done, total, now);
    else
        printf(
            "%s %zu/%zu after %.1f s",
            progress->what,
            done,
            total,
            (double)(now - progress->started_ms) / 1000);
    if (last || !progress->terminal)
        printf("\n");
    fflush(stdout);
}

int import_progress_check(struct import_progress *progress, size_t done, struct mr_error *error)
{
    int64_t now = mr_monotonic_ms();
    if (done != progress->done)
        progress->moved_ms = now;
    progress->done = done;
    if (now - progress->moved_ms < STALL_S * 1000)
        return 0;
    if (progress->terminal)
        printf("\n");
    return mr_fail(
        error,
        MR_TIMEOUT,
        "%s: nothing has moved for %d s; are millrace-processors and millrace-payments running? "
        "The same command goes on where this one stopped",
        progress->what,
        STALL_S);
}
