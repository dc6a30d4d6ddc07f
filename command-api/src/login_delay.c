/*
 * login_delay.c - two set-associative tables of failures: by account and network, and by network.
 *
 * A new entry takes the place of the least dangerous of its set: fewest failures, then tried
 * longest ago. So log-ins of others push each other out before they push out a guessed account.
 */
#include "login_delay.h"

#include <base/alloc.h>

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

enum {
    ACCOUNT_SETS = 8 * 1024,
    NETWORK_SETS = 1024,
    WAYS = 8,
    RUNNING_MAX = 16, /* At once, of an account without failures; of one with them: one. */
    DELAY_S_MAX = 3600,
    NETWORK_DELAY_S_MAX = 60,
    FORGET_MS = 24 * 3600 * 1000,
    NETWORK_HALVES_MS = 10 * 60 * 1000,
};

struct slot {
    uint64_t key; /* 0: free. */
    int32_t failures;
    int32_t running;
    int64_t failed_at_ms;
    int64_t tried_at_ms;
};

struct rule {
    int32_t free_failures;
    int32_t delay_s_max;
    int64_t halves_ms; /* Half of the failures are forgotten in this time; 0: all in a day. */
};
static const struct rule account_rule = {4, DELAY_S_MAX, 0};
static const struct rule network_rule = {30, NETWORK_DELAY_S_MAX, NETWORK_HALVES_MS};

struct login_delay {
    pthread_mutex_t lock;
    struct slot accounts[ACCOUNT_SETS][WAYS];
    struct slot networks[NETWORK_SETS][WAYS];
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

/* Odd, so never 0; the two parts do not commute. */
static uint64_t hash_pair(struct mr_bytes account, struct mr_bytes network)
{
    return (mr_bytes_hash(account) * UINT64_C(0x9e3779b97f4a7c15) ^ mr_bytes_hash(network)) | 1;
}

static struct slot *account_set(struct login_delay *delay, uint64_t key)
{
    return delay->accounts[(key >> 1) % ACCOUNT_SETS];
}

static struct slot *network_set(struct login_delay *delay, uint64_t key)
{
    return delay->networks[(key >> 1) % NETWORK_SETS];
}

static struct slot *find_slot(struct slot *set, uint64_t key)
{
    for (int i = 0; i < WAYS; i++)
        if (set[i].key == key)
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

static struct slot *take_slot(struct slot *set, uint64_t key)
{
    struct slot *found = find_slot(set, key);
    if (found)
        return found;
    struct slot *least = &set[0];
    for (int i = 1; i < WAYS; i++)
        if (is_less_dangerous(&set[i], least))
            least = &set[i];
    *least = (struct slot){.key = key};
    return least;
}

static int64_t delay_ms(const struct rule *rule, int32_t failures)
{
    int over = failures - rule->free_failures;
    if (over <= 0)
        return 0;
    int64_t seconds = over > 12 ? rule->delay_s_max : INT64_C(1) << (over - 1);
    return 1000 * (seconds > rule->delay_s_max ? rule->delay_s_max : seconds);
}

static void forget_failures(struct slot *slot, const struct rule *rule, int64_t now_ms)
{
    if (slot->failures > 0 && now_ms - slot->failed_at_ms > FORGET_MS)
        slot->failures = 0;
    while (rule->halves_ms && slot->failures > 0 &&
           now_ms - slot->failed_at_ms >= rule->halves_ms) {
        slot->failures /= 2;
        slot->failed_at_ms += rule->halves_ms;
    }
}

static int find_wait_s(struct slot *slot, const struct rule *rule, int64_t now_ms)
{
    forget_failures(slot, rule, now_ms);
    int64_t wait_ms = slot->failed_at_ms + delay_ms(rule, slot->failures) - now_ms;
    return slot->failures > 0 && wait_ms > 0 ? (int)((wait_ms + 999) / 1000) : 0;
}

int login_delay_begin(
    struct login_delay *delay, const struct login_attempt *attempt, int64_t now_ms)
{
    assert(delay && attempt && attempt->account.len > 0);
    uint64_t key = hash_pair(attempt->account, attempt->network);
    uint64_t network_key = hash_pair(mr_cstr(""), attempt->network);
    pthread_mutex_lock(&delay->lock);
    struct slot *slot = take_slot(account_set(delay, key), key);
    struct slot *network = find_slot(network_set(delay, network_key), network_key);
    int wait_s = find_wait_s(slot, &account_rule, now_ms);
    int network_s = network ? find_wait_s(network, &network_rule, now_ms) : 0;
    wait_s = network_s > wait_s ? network_s : wait_s;
    /* Many guesses at once do not get around the delay. */
    bool guessed = slot->failures >= account_rule.free_failures;
    if (!wait_s && slot->running >= (guessed ? 1 : RUNNING_MAX))
        wait_s = guessed ? 1 : LOGIN_DELAY_BUSY;
    if (!wait_s) {
        slot->running++;
        slot->tried_at_ms = now_ms;
    }
    pthread_mutex_unlock(&delay->lock);
    return wait_s;
}

static void add_failure(struct slot *slot, int64_t now_ms)
{
    if (slot->failures < INT32_MAX)
        slot->failures++;
    slot->failed_at_ms = slot->tried_at_ms = now_ms;
}

void login_delay_end(
    struct login_delay *delay,
    const struct login_attempt *attempt,
    enum login_end end,
    int64_t now_ms)
{
    assert(delay && attempt && attempt->account.len > 0);
    uint64_t key = hash_pair(attempt->account, attempt->network);
    uint64_t network_key = hash_pair(mr_cstr(""), attempt->network);
    pthread_mutex_lock(&delay->lock);
    struct slot *slot = find_slot(account_set(delay, key), key);
    if (slot && slot->running > 0)
        slot->running--;
    if (slot && end == LOGIN_WRONG)
        add_failure(slot, now_ms);
    else if (slot && end == LOGIN_RIGHT)
        slot->failures /= 2; /* Not to nothing: who guesses meanwhile would have four more. */
    /* A right password forgives a network nothing: whoever guesses may have an account too. */
    if (end == LOGIN_WRONG && attempt->network.len > 0)
        add_failure(take_slot(network_set(delay, network_key), network_key), now_ms);
    pthread_mutex_unlock(&delay->lock);
}
