/*
 * hash_pool.c - a ring of jobs under one lock; a request is suspended before its job can be seen.
 */
#include "hash_pool.h"

#include <base/alloc.h>
#include <http/problem.h>
#include <sealing/password.h>
#include <sealing/random.h>

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

enum { QUEUE_MAX = 64, WORKERS_MAX = 64, WAIT_MS = 30 * 1000 };

/* One worker of a slow machine does so many; each took 26 ms where it was measured. */
enum { HASHES_PER_S = 20 };

struct job {
    struct http_waiter *waiter;
    char *password;
    size_t password_len;
    bool verify;
    char phc[SEALING_PHC_SIZE];
};

struct hash_pool {
    pthread_mutex_t lock;
    pthread_cond_t work;
    struct job jobs[QUEUE_MAX];
    size_t first;
    size_t count;
    int64_t done;
    int64_t refused;
    bool stopping;
    pthread_t threads[WORKERS_MAX];
    int threads_count;
};

static void pool_drop(struct job *job)
{
    http_waiter_release(job->waiter);
    sealing_wipe(job->password, job->password_len);
    free(job->password);
    sealing_wipe(job->phc, sizeof job->phc);
}

static void carry_out(struct job *job)
{
    struct mr_bytes password = mr_bytes_of(job->password, job->password_len);
    struct mr_bytes answer;
    if (job->verify)
        answer = mr_cstr(sealing_password_verify(job->phc, password) ? "1" : "0");
    else
        answer = mr_cstr(sealing_password_hash(password, job->phc, NULL) ? "" : job->phc);
    (void)http_wake(job->waiter, answer);
    pool_drop(job);
}

static bool pool_take(struct hash_pool *pool, struct job *ret_job)
{
    pthread_mutex_lock(&pool->lock);
    while (pool->count == 0 && !pool->stopping)
        pthread_cond_wait(&pool->work, &pool->lock);
    bool taken = !pool->stopping;
    if (taken) {
        *ret_job = pool->jobs[pool->first];
        pool->first = (pool->first + 1) % QUEUE_MAX;
        pool->count--;
        pool->done++;
    }
    pthread_mutex_unlock(&pool->lock);
    return taken;
}

static void *pool_work(void *user)
{
    struct job job;
    while (pool_take(user, &job))
        carry_out(&job);
    return NULL;
}

int hash_pool_start(int workers, struct hash_pool **ret_pool, struct mr_error *error)
{
    assert(ret_pool);
    struct hash_pool *pool = mr_calloc(1, sizeof *pool);
    if (pthread_mutex_init(&pool->lock, NULL) || pthread_cond_init(&pool->work, NULL))
        abort();
    for (int i = 0; i < workers && i < WORKERS_MAX; i++) {
        if (pthread_create(&pool->threads[i], NULL, pool_work, pool)) {
            hash_pool_stop(pool);
            return mr_fail(error, MR_FATAL, "starting a thread for password hashes failed");
        }
        pool->threads_count++;
    }
    *ret_pool = pool;
    return 0;
}

void hash_pool_stop(struct hash_pool *pool)
{
    if (!pool)
        return;
    pthread_mutex_lock(&pool->lock);
    pool->stopping = true;
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->lock);
    for (int i = 0; i < pool->threads_count; i++)
        pthread_join(pool->threads[i], NULL);
    for (; pool->count; pool->count--) {
        pool_drop(&pool->jobs[pool->first]);
        pool->first = (pool->first + 1) % QUEUE_MAX;
    }
    pthread_cond_destroy(&pool->work);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}

static struct job new_job(struct mr_bytes password, const char *phc)
{
    struct job job = {
        .password = mr_memdup(password.ptr, password.len),
        .password_len = password.len,
        .verify = phc != NULL,
    };
    if (phc)
        memcpy(job.phc, phc, strnlen(phc, sizeof job.phc - 1));
    return job;
}

bool hash_pool_submit(
    struct hash_pool *pool,
    struct http_request *request,
    struct mr_bytes password,
    const char *phc,
    http_continue_fn *resume,
    void *user)
{
    struct http_waiter *waiter = NULL;
    pthread_mutex_lock(&pool->lock);
    if (pool->count < QUEUE_MAX && !pool->stopping) {
        struct job job = new_job(password, phc);
        waiter = http_suspend(request, WAIT_MS, resume, user);
        job.waiter = waiter;
        if (waiter) {
            pool->jobs[(pool->first + pool->count++) % QUEUE_MAX] = job;
            pthread_cond_signal(&pool->work);
        } else {
            pool_drop(&job);
        }
    }
    pool->refused += waiter == NULL;
    pthread_mutex_unlock(&pool->lock);
    return waiter != NULL;
}

int hash_pool_drain_s(struct hash_pool *pool)
{
    assert(pool);
    pthread_mutex_lock(&pool->lock);
    size_t waiting = pool->count;
    pthread_mutex_unlock(&pool->lock);
    return http_drain_s(waiting, (size_t)pool->threads_count * HASHES_PER_S);
}

void hash_pool_metrics(struct hash_pool *pool, struct mr_buffer *out)
{
    pthread_mutex_lock(&pool->lock);
    mr_buffer_printf(
        out,
        "# TYPE millrace_password_hashes_total counter\nmillrace_password_hashes_total %lld\n"
        "# TYPE millrace_password_hashes_refused_total counter\n"
        "millrace_password_hashes_refused_total %lld\n"
        "# TYPE millrace_password_hashes_queued gauge\nmillrace_password_hashes_queued %zu\n",
        (long long)pool->done,
        (long long)pool->refused,
        pool->count);
    pthread_mutex_unlock(&pool->lock);
}
