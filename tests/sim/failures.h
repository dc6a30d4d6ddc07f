/* failures.h - the kinds of failure of the simulated log, as the crash loops go through them. */
#ifndef TESTS_FAILURES_H
#define TESTS_FAILURES_H

#include <topology/sim.h>

static const char *const failure_names[] = {
    [TOPO_SIM_RETRY] = "retry",
    [TOPO_SIM_ABORTABLE] = "abortable",
    [TOPO_SIM_FENCE] = "fence",
    [TOPO_SIM_CRASH] = "crash",
    [TOPO_SIM_CRASH_AFTER] = "crash-after",
    [TOPO_SIM_LOST_ANSWER] = "lost-answer",
    [TOPO_SIM_LATE] = "late",
    [TOPO_SIM_LATE_WRITE] = "late-write",
    [TOPO_SIM_LATE_OFFSETS] = "late-offsets",
};

/* Offsets that are late are those that the transaction commits at the second try, and harm nobody.
 * So it is aborted; and somebody dies before these partitions are committed again. */
static inline void
failures_arm_late_offsets(struct topo_sim *sim, int64_t k, enum topo_sim_failure failure)
{
    if (failure != TOPO_SIM_LATE_OFFSETS)
        return;
    topo_sim_fail_then(sim, 1, TOPO_SIM_ABORTABLE);
    topo_sim_fail_then(sim, 5 + k % 40, TOPO_SIM_CRASH_AFTER);
}

#endif
