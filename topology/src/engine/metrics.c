/* metrics.c - counters, histograms and reports. */
#include "metrics.h"

#include <base/alloc.h>

#include <stdlib.h>

void metrics_init(struct metrics *metrics, size_t nodes_count)
{
    metrics->nodes_count = nodes_count;
    metrics->dead_letters =
        mr_calloc((nodes_count + 1) * METRICS_CLASSES, sizeof *metrics->dead_letters);
    metrics->punctuation_failures =
        mr_calloc((nodes_count + 1) * METRICS_CLASSES, sizeof *metrics->punctuation_failures);
}

void metrics_clean_up(struct metrics *metrics)
{
    free(metrics->dead_letters);
    free(metrics->punctuation_failures);
}

void metrics_observe(struct metrics_histogram *histogram, uint64_t ns)
{
    size_t bucket = 0;
    for (uint64_t bound = METRICS_FIRST_BOUND_NS; bucket + 1 < METRICS_BUCKETS && ns > bound;
         bound *= 2)
        bucket++;
    metrics_add(&histogram->buckets[bucket], 1);
    metrics_add(&histogram->count, 1);
    metrics_add(&histogram->sum_ns, ns);
    uint64_t max = atomic_load_explicit(&histogram->max_ns, memory_order_relaxed);
    while (ns > max && !atomic_compare_exchange_weak(&histogram->max_ns, &max, ns))
        continue;
}

void metrics_add_input(struct metrics_task *task, const struct metrics_input *input)
{
    size_t size = (task->inputs_count + 1) * sizeof *task->inputs;
    task->inputs = mr_realloc(task->inputs, size);
    task->inputs[task->inputs_count++] = *input;
    task->input_unreadable += input->unreadable;
    if (input->lag < 0)
        task->input_unknown++;
    else
        task->input_lag += input->lag;
}

void metrics_clean_up_reports(struct metrics_reports *reports)
{
    for (size_t i = 0; i < reports->count; i++)
        free(reports->tasks[i].inputs);
    free(reports->tasks);
    *reports = (struct metrics_reports){0};
}
