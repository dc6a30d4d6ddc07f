/*
 * resume.h - where a task's input goes on: the stores keep the positions too, beside the data.
 *
 * The group's offsets can go (they expire, they are deleted, a mirrored cluster has none) while
 * the stores stay. Then the stores' positions are used, or the retained input would be done twice.
 *
 * Threads  The task's.
 */
#ifndef TOPOLOGY_RESUME_H
#define TOPOLOGY_RESUME_H

#include "task.h"

/* The positions as the open transaction leaves them, and the time: for the batch that its data goes
 * into. */
void resume_stage_positions(struct task *task, int64_t now_ms);

/* Since the stores last knew all that their logs had; -1: an earlier version did not keep it. */
int64_t resume_age_ms(const struct task *task, int64_t now_ms);

/* In a restore, before a record of ours is folded: its input may lie behind the kept positions. */
void resume_fall_behind(struct task *task);

/* Sets queue->next to the later of the group's offset and the stores' position. When neither can
 * be trusted the task is to block: task->must_block, with the reason. */
void resume_find_next(struct task *task, struct queue *queue, int64_t low, int64_t high);

/* In a restore, when all inputs have their place: it is what the state is as of. */
void resume_keep_positions(struct task *task, int64_t now_ms);

/* A rebuild removes the files; what they knew of the input stays. */
int64_t *resume_save_positions(const struct task *task);
void resume_put_back_positions(struct task *task, const int64_t *saved);

#endif
