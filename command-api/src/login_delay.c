/* login_delay.c - a direct-mapped table of failures by account. */
#include "login_delay.h"

#include <base/alloc.h>

#include <pthread.h>
#include <stdlib.h>

enum { SLOTS = 16 * 1024, FREE_FAILURES = 4, DELAY_S_MAX = 3600, FORGET_MS = 24 * 3600 * 1000 };

struct slot {
    uint64_t account;
    int32_t failures;
    int64_t tried_at_ms;
};

struct login_delay {
    pthread_mutex_t lock;
    struct slot slots[SLOTS];
};

struct login_delay *login_delay_new(void)
{
    struct login_delay *delay = mr_calloc(1, sizeof *delay);
    if (pthread_mutex_init(&delay->lock, NULL))
        abort();
    return delay;
}

void login_delay_free(struct login_delay *delay)
{
    if (!delay)
        return;
    pthread_mutex_destroy(&delay->lock);
    free(delay);
}

static struct slot *slot_of(struct login_delay *delay, uint64_t account)
{
    return &delay->slots[account % SLOTS];
}

static int64_t delay_ms(int32_t failures)
{
    int over = failures - FREE_FAILURES;
    if (over <= 0)
        return 0;
    int64_t seconds = over > 12 ? DELAY_S_MAX : INT64_C(1) << (over - 1);
    return 1000 * (seconds > DELAY_S_MAX ? DELAY_S_MAX : seconds);
}

int login_delay_try(struct login_delay *delay, struct mr_bytes account, int64_t now_ms)
{
    uint64_t hash = mr_bytes_hash(account);
    pthread_mutex_lock(&delay->lock);
    struct slot *slot = slot_of(delay, hash);
    if (slot->account != hash || now_ms - slot->tried_at_ms > FORGET_MS)
        *slot = (struct slot){.account = hash};
    int64_t wait_ms = slot->tried_at_ms + delay_ms(slot->failures) - now_ms;
    if (wait_ms <= 0) {
        if (slot->failures < INT32_MAX)
            slot->failures++;
        slot->tried_at_ms = now_ms;
    }
    pthread_mutex_unlock(&delay->lock);
    return wait_ms > 0 ? (int)((wait_ms + 999) / 1000) : 0;
}

void login_delay_succeeded(struct login_delay *delay, struct mr_bytes account)
{
    uint64_t hash = mr_bytes_hash(account);
    pthread_mutex_lock(&delay->lock);
    struct slot *slot = slot_of(delay, hash);
    if (slot->account == hash)
        *slot = (struct slot){0};
    pthread_mutex_unlock(&delay->lock);
}

void login_delay_withdraw(struct login_delay *delay, struct mr_bytes account)
{
    uint64_t hash = mr_bytes_hash(account);
    pthread_mutex_lock(&delay->lock);
    struct slot *slot = slot_of(delay, hash);
    if (slot->account == hash && slot->failures > 0)
        slot->failures--;
    pthread_mutex_unlock(&delay->lock);
}
