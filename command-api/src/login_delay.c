/*
 * login_delay.c - a set-associative table of failures by account.
 *
 * A new account takes the place of the least dangerous of its set: fewest failures, then tried
 * longest ago. So log-ins of others push each other out before they push out a guessed account.
 */
#include "login_delay.h"

#include <base/alloc.h>

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

enum {
    SETS = 8 * 1024,
    WAYS = 8,
    FREE_FAILURES = 4,
    RUNNING_MAX = 16, /* At once, of an account without failures; of one with them: one. */
    DELAY_S_MAX = 3600,
    FORGET_MS = 24 * 3600 * 1000,
};

struct slot {
    uint64_t account; /* 0: free. */
    int32_t failures;
    int32_t running;
    int64_t failed_at_ms;
    int64_t tried_at_ms;
};

struct login_delay {
    pthread_mutex_t lock;
    struct slot sets[SETS][WAYS];
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

static uint64_t hash_account(struct mr_bytes account)
{
    uint64_t hash = mr_bytes_hash(account);
    return hash ? hash : 1;
}

static struct slot *find_slot(struct login_delay *delay, uint64_t account)
{
    struct slot *set = delay->sets[account % SETS];
    for (int i = 0; i < WAYS; i++)
        if (set[i].account == account)
            return &set[i];
    return NULL;
}

/* Fewer failures first, then whoever tried longest ago. */
static bool is_less_dangerous(const struct slot *a, const struct slot *b)
{
    if (a->failures != b->failures)
        return a->failures < b->failures;
    return a->tried_at_ms < b->tried_at_ms;
}

static struct slot *take_slot(struct login_delay *delay, uint64_t account)
{
    struct slot *found = find_slot(delay, account);
    if (found)
        return found;
    struct slot *set = delay->sets[account % SETS];
    struct slot *least = &set[0];
    for (int i = 1; i < WAYS; i++)
        if (is_less_dangerous(&set[i], least))
            least = &set[i];
    *least = (struct slot){.account = account};
    return least;
}

static int64_t delay_ms(int32_t failures)
{
    int over = failures - FREE_FAILURES;
    if (over <= 0)
        return 0;
    int64_t seconds = over > 12 ? DELAY_S_MAX : INT64_C(1) << (over - 1);
    return 1000 * (seconds > DELAY_S_MAX ? DELAY_S_MAX : seconds);
}

int login_delay_begin(struct login_delay *delay, struct mr_bytes account, int64_t now_ms)
{
    assert(delay && account.len > 0);
    uint64_t hash = hash_account(account);
    pthread_mutex_lock(&delay->lock);
    struct slot *slot = take_slot(delay, hash);
    if (slot->failures > 0 && now_ms - slot->failed_at_ms > FORGET_MS)
        slot->failures = 0;
    int64_t wait_ms = slot->failed_at_ms + delay_ms(slot->failures) - now_ms;
    int wait_s = slot->failures > 0 && wait_ms > 0 ? (int)((wait_ms + 999) / 1000) : 0;
    /* Many guesses at once do not get around the delay. */
    bool guessed = slot->failures >= FREE_FAILURES;
    if (!wait_s && slot->running >= (guessed ? 1 : RUNNING_MAX))
        wait_s = guessed ? 1 : LOGIN_DELAY_BUSY;
    if (!wait_s) {
        slot->running++;
        slot->tried_at_ms = now_ms;
    }
    pthread_mutex_unlock(&delay->lock);
    return wait_s;
}

void login_delay_end(
    struct login_delay *delay, struct mr_bytes account, enum login_end end, int64_t now_ms)
{
    assert(delay && account.len > 0);
    pthread_mutex_lock(&delay->lock);
    struct slot *slot = find_slot(delay, hash_account(account));
    if (slot && slot->running > 0)
        slot->running--;
    if (slot && end == LOGIN_WRONG) {
        if (slot->failures < INT32_MAX)
            slot->failures++;
        slot->failed_at_ms = now_ms;
    } else if (slot && end == LOGIN_RIGHT) {
        slot->failures /= 2; /* Not to nothing: who guesses meanwhile would have four more. */
    }
    pthread_mutex_unlock(&delay->lock);
}
