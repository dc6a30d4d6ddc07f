/*
 * kept.c - answers kept in the form in which they are sent: what is asked often is made once.
 *
 * A table of sets: an answer is in one of the KEPT_WAYS places of its set, and the one used longest
 * ago makes room. It is kept the second time that it is asked for, so that a walk through
 * everything does not push out what is wanted.
 *
 * Invariants
 *   1. It is sent again only for the same owner, the same target and the same stamp, byte for byte.
 *   2. Without an owner only what the answer itself calls public is kept.
 *   3. Its bytes do not change. It lives until it is out of the table and no request sends it.
 *   4. A form belongs to one request at a time: the fields of that request are in its headers.
 */
#include "server_impl.h"

#include <base/log.h>

#include <assert.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/random.h>

enum {
    KEPT_SETS = 512,
    KEPT_WAYS = 4,
    KEPT_LOCKS = 64,
    KEPT_FORMS_MAX = 2, /* Spare ones of an answer. */
    KEPT_OWN_MAX = 2,   /* Headers that differ from request to request. */
    KEPT_ASKED = 4096,
    KEPT_ANSWER_BYTES_MAX = 16 << 10,
    KEPT_BYTES_MAX = 16 << 20,
    KEPT_OVERHEAD_BYTES = 2048, /* About as much as the library adds for a form. */
};

/* A response of the library with everything in it but the request's own headers. */
struct kept_form {
    struct kept_form *next;
    struct MHD_Response *response;
    struct answer_header own[KEPT_OWN_MAX];
    char values[KEPT_OWN_MAX][80];
};

struct kept_answer {
    _Atomic int references; /* The table's, and one for each request that sends it. */
    uint64_t hash;
    struct http_stamp stamp;
    int64_t used_us;
    struct mr_bytes owner;
    struct mr_bytes target;
    struct mr_bytes body;
    struct answer_header headers[ANSWER_HEADERS_MAX];
    size_t headers_count;
    struct kept_form *forms; /* Under the lock of its set, as is the count. */
    size_t forms_count;
    size_t bytes;
    char *text; /* Owner, target, body and headers. */
};

struct kept_table {
    uint64_t seed;
    _Atomic uint64_t sent;
    _Atomic size_t bytes;
    _Atomic size_t hand; /* The set that makes room next, when there is too much in all. */
    pthread_mutex_t locks[KEPT_LOCKS];
    struct kept_answer *sets[KEPT_SETS][KEPT_WAYS];
    _Atomic uint32_t asked[KEPT_ASKED];
};

struct kept_table *kept_new(void)
{
    struct kept_table *table = mr_calloc(1, sizeof *table);
    (void)!getrandom(&table->seed, sizeof table->seed, 0);
    for (size_t i = 0; i < KEPT_LOCKS; i++)
        pthread_mutex_init(&table->locks[i], NULL);
    return table;
}

static void free_form(struct kept_form *form)
{
    MHD_destroy_response(form->response);
    free(form);
}

static void drop_answer(struct kept_answer *answer)
{
    if (!answer || atomic_fetch_sub(&answer->references, 1) != 1)
        return;
    while (answer->forms) {
        struct kept_form *form = answer->forms;
        answer->forms = form->next;
        free_form(form);
    }
    free(answer->text);
    free(answer);
}

void kept_free(struct kept_table *table)
{
    if (!table)
        return;
    for (size_t i = 0; i < KEPT_SETS; i++)
        for (size_t j = 0; j < KEPT_WAYS; j++)
            drop_answer(table->sets[i][j]);
    for (size_t i = 0; i < KEPT_LOCKS; i++)
        pthread_mutex_destroy(&table->locks[i]);
    free(table);
}

static uint64_t hash_bytes(uint64_t hash, struct mr_bytes bytes)
{
    for (size_t i = 0; i < bytes.len; i++)
        hash = (hash ^ (unsigned char)bytes.ptr[i]) * UINT64_C(1099511628211);
    return (hash ^ bytes.len) * UINT64_C(0x9E3779B97F4A7C15);
}

static pthread_mutex_t *lock_of(struct kept_table *table, uint64_t hash)
{
    return &table->locks[(hash >> 32) % KEPT_SETS % KEPT_LOCKS];
}

static struct kept_answer **set_of(struct kept_table *table, uint64_t hash)
{
    return table->sets[(hash >> 32) % KEPT_SETS];
}

static bool is_answer_to(
    const struct kept_answer *answer,
    uint64_t hash,
    struct mr_bytes owner,
    const struct http_request *request)
{
    return answer && answer->hash == hash && mr_bytes_equal(answer->owner, owner) &&
           mr_bytes_equal(answer->target, request->uri);
}

/* Its answer may differ from that to the next request for other reasons than the three we look
 * at. */
static bool is_kept_kind(const struct http_request *request)
{
    const struct http_server *server = request->server;
    return request->headers_count == 0 && !server->options.on_response &&
           (strcmp(request->method, "GET") == 0 || strcmp(request->method, "HEAD") == 0) &&
           !http_header(request, "If-None-Match").ptr && !http_header(request, "Origin").ptr &&
           !http_header(request, "Prefer").ptr && !atomic_load(&server->stopping);
}

static void set_own(struct kept_form *form, size_t index, const char *name, struct mr_bytes value)
{
    struct answer_header *own = &form->own[index];
    if (own->name)
        MHD_del_response_header(form->response, own->name, own->value);
    *own = (struct answer_header){0};
    if (!value.ptr)
        return;
    assert(value.len < sizeof form->values[index]);
    memcpy(form->values[index], value.ptr, value.len);
    form->values[index][value.len] = '\0';
    *own = (struct answer_header){name, form->values[index]};
    MHD_add_response_header(form->response, own->name, own->value);
}

static struct kept_form *make_form(const struct kept_answer *answer)
{
    struct kept_form *form = mr_calloc(1, sizeof *form);
    form->response = MHD_create_response_from_buffer(
        answer->body.len, (void *)(uintptr_t)answer->body.ptr, MHD_RESPMEM_PERSISTENT);
    if (!form->response) {
        free(form);
        return NULL;
    }
    answer_add_always(form->response);
    for (size_t i = 0; i < answer->headers_count; i++)
        MHD_add_response_header(form->response, answer->headers[i].name, answer->headers[i].value);
    return form;
}

/* The answer with a reference, and a form of it where one is spare. */
static struct kept_answer *take_answer(
    struct http_request *request,
    uint64_t hash,
    struct mr_bytes owner,
    const struct http_stamp *stamp,
    struct kept_form **ret_form)
{
    struct kept_table *table = request->server->kept;
    struct kept_answer **set = set_of(table, hash);
    struct kept_answer *found = NULL;
    pthread_mutex_lock(lock_of(table, hash));
    for (size_t i = 0; i < KEPT_WAYS && !found; i++)
        if (is_answer_to(set[i], hash, owner, request) &&
            memcmp(&set[i]->stamp, stamp, sizeof *stamp) == 0)
            found = set[i];
    if (found) {
        atomic_fetch_add(&found->references, 1);
        found->used_us = request->started_us;
        *ret_form = found->forms;
        if (found->forms) {
            found->forms = found->forms->next;
            found->forms_count--;
        }
    }
    pthread_mutex_unlock(lock_of(table, hash));
    return found;
}

/* A reference is held from here until the answer has been sent: another answer may take its place
 * meanwhile. The second request for what is not there yet asks for it to be kept. */
bool http_send_kept(
    struct http_request *request, struct mr_bytes owner, const struct http_stamp *stamp)
{
    assert(request && stamp && request->state == REQUEST_HANDED);
    struct kept_table *table = request->server->kept;
    struct kept_form *form = NULL;
    if (!is_kept_kind(request))
        return false;
    uint64_t hash = hash_bytes(hash_bytes(table->seed, owner), request->uri);
    struct kept_answer *answer = take_answer(request, hash, owner, stamp, &form);
    if (!answer) {
        uint32_t mark = (uint32_t)hash | 1;
        if (atomic_exchange(&table->asked[(hash >> 40) % KEPT_ASKED], mark) == mark)
            request->keep = (struct kept_wish){true, hash, owner, *stamp};
        return false;
    }
    if (!form)
        form = make_form(answer);
    if (!form) {
        drop_answer(answer);
        return false;
    }
    set_own(form, 0, "Request-Id", request->request_id);
    set_own(form, 1, "traceparent", http_traceparent(request));
    request->kept = answer;
    request->form = form;
    request->status = MHD_HTTP_OK;
    request->state = REQUEST_ANSWERED;
    atomic_fetch_add_explicit(&table->sent, 1, memory_order_relaxed);
    if (MHD_queue_response(request->connection, MHD_HTTP_OK, form->response) == MHD_NO)
        mr_log(MR_LOG_DEBUG, "response-refused", "status=%d", request->status);
    return true;
}

void http_keep_not(struct http_request *request)
{
    request->keep.wanted = false;
}

void kept_release(struct http_request *request)
{
    struct kept_answer *answer = request->kept;
    struct kept_form *form = request->form;
    if (!answer)
        return;
    pthread_mutex_t *lock = lock_of(request->server->kept, answer->hash);
    pthread_mutex_lock(lock);
    if (answer->forms_count < KEPT_FORMS_MAX) {
        form->next = answer->forms;
        answer->forms = form;
        answer->forms_count++;
        form = NULL;
    }
    pthread_mutex_unlock(lock);
    if (form)
        free_form(form);
    drop_answer(answer);
    request->kept = NULL;
    request->form = NULL;
}

static struct mr_bytes put_text(char **at, struct mr_bytes bytes)
{
    struct mr_bytes copy = mr_bytes_of(*at, bytes.len);
    if (bytes.len)
        memcpy(*at, bytes.ptr, bytes.len);
    (*at)[bytes.len] = '\0';
    *at += bytes.len + 1;
    return copy;
}

static bool is_own_header(const char *name)
{
    return strcasecmp(name, "Request-Id") == 0 || strcasecmp(name, "traceparent") == 0;
}

static size_t text_size(const struct http_request *request)
{
    size_t size = request->keep.owner.len + request->uri.len + request->response.len + 3;
    for (size_t i = 0; i < request->headers_count; i++)
        size += strlen(request->headers[i].value) + 1;
    return size;
}

static struct kept_answer *copy_answer(const struct http_request *request)
{
    struct kept_answer *answer = mr_calloc(1, sizeof *answer);
    size_t size = text_size(request);
    char *at = mr_malloc(size);
    atomic_init(&answer->references, 1);
    answer->text = at;
    answer->hash = request->keep.hash;
    answer->stamp = request->keep.stamp;
    answer->used_us = request->started_us;
    answer->bytes = sizeof *answer + size + KEPT_OVERHEAD_BYTES;
    answer->owner = put_text(&at, request->keep.owner);
    answer->target = put_text(&at, request->uri);
    answer->body = put_text(&at, mr_buffer_view(&request->response));
    for (size_t i = 0; i < request->headers_count; i++) {
        const struct answer_header *header = &request->headers[i];
        if (!is_own_header(header->name))
            answer->headers[answer->headers_count++] =
                (struct answer_header){header->name, put_text(&at, mr_cstr(header->value)).ptr};
    }
    return answer;
}

/* The place of an older answer to the same, an empty one, or the one used longest ago. */
static struct kept_answer **
choose_place(struct kept_answer **set, const struct http_request *request, uint64_t hash)
{
    struct kept_answer **oldest = &set[0];
    for (size_t i = 0; i < KEPT_WAYS; i++)
        if (is_answer_to(set[i], hash, request->keep.owner, request))
            return &set[i];
    for (size_t i = 0; i < KEPT_WAYS && *oldest; i++)
        if (!set[i] || set[i]->used_us < (*oldest)->used_us)
            oldest = &set[i];
    return oldest;
}

/* A set after the other gives up what it has, until the bound is kept. */
static void make_room(struct kept_table *table)
{
    for (size_t i = 0; i < KEPT_SETS && atomic_load(&table->bytes) > KEPT_BYTES_MAX; i++) {
        size_t index = atomic_fetch_add(&table->hand, 1) % KEPT_SETS;
        struct kept_answer *given_up[KEPT_WAYS];
        pthread_mutex_lock(&table->locks[index % KEPT_LOCKS]);
        memcpy(given_up, table->sets[index], sizeof given_up);
        memset(table->sets[index], 0, sizeof given_up);
        pthread_mutex_unlock(&table->locks[index % KEPT_LOCKS]);
        for (size_t j = 0; j < KEPT_WAYS; j++) {
            if (given_up[j])
                atomic_fetch_sub(&table->bytes, given_up[j]->bytes);
            drop_answer(given_up[j]);
        }
    }
}

void kept_add(struct http_request *request)
{
    struct kept_table *table = request->server->kept;
    if (!request->keep.wanted || request->is_stream || request->status != MHD_HTTP_OK ||
        request->response.len > KEPT_ANSWER_BYTES_MAX || atomic_load(&request->server->stopping))
        return;
    if (request->keep.owner.len == 0 &&
        !mr_bytes_starts_with(answer_value(request, "Cache-Control"), mr_cstr("public")))
        return;
    struct kept_answer *answer = copy_answer(request);
    atomic_fetch_add(&table->bytes, answer->bytes);
    pthread_mutex_lock(lock_of(table, answer->hash));
    struct kept_answer **place = choose_place(set_of(table, answer->hash), request, answer->hash);
    struct kept_answer *before = *place;
    *place = answer;
    pthread_mutex_unlock(lock_of(table, answer->hash));
    if (before)
        atomic_fetch_sub(&table->bytes, before->bytes);
    drop_answer(before);
    make_room(table);
}

void kept_write_metrics(const struct kept_table *table, struct mr_buffer *out)
{
    mr_buffer_printf(
        out,
        "# TYPE millrace_http_kept_sent_total counter\nmillrace_http_kept_sent_total %llu\n"
        "# TYPE millrace_http_kept_bytes gauge\nmillrace_http_kept_bytes %zu\n",
        (unsigned long long)atomic_load(&table->sent),
        atomic_load(&table->bytes));
}
