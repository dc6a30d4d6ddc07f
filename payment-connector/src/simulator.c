/*
 * simulator.c - the provider's ledger and its queue of answers.
 *
 * Invariants: the same operation key has the same answer, as long as the payment is remembered;
 * a payment that was voided is never authorized after.
 */
#include <base/alloc.h>
#include <payment_connector/simulator.h>
#include <processors/shop.h>

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

enum { LEDGER_SLOTS = 64 * 1024, ANSWERS_MAX = 16 * 1024, TEXT_MAX = 160 };

enum ledger_state {
    LEDGER_NONE,
    LEDGER_AUTHORIZED,
    LEDGER_DECLINED,
    LEDGER_CAPTURED,
    LEDGER_VOIDED,
    LEDGER_REFUNDED,
    LEDGER_STATES
};

enum method {
    METHOD_APPROVE,
    METHOD_DECLINE,
    METHOD_DECLINE_HARD,
    METHOD_SLOW,
    METHOD_NEVER,
    METHOD_TWICE,
    METHOD_UNKNOWN
};

/* Direct-mapped: a newer payment with the same slot displaces the older one. */
struct ledger_entry {
    uint64_t payment;
    enum ledger_state state;
    int64_t captured_minor; /* 0: not known, all of it is given back at once. */
    int64_t refunded_minor; /* A part, while the state is captured. */
};

struct text {
    char bytes[TEXT_MAX];
    size_t len;
};

struct answer {
    struct answer *next;
    int64_t due_ms;
    struct text payment_id;
    struct text op;
    struct text op_key;
    struct text currency;
    const char *result;
    const char *decline_class;
    const char *code;
    int64_t amount_minor;
};

struct psp_simulator {
    struct psp_simulator_options options;
    pthread_mutex_t lock;
    struct answer *answers; /* By due time; of equals the older first. */
    size_t answers_count;
    struct ledger_entry ledger[LEDGER_SLOTS];
};

static enum method method_of(struct mr_bytes token)
{
    static const char *const tokens[METHOD_UNKNOWN] = {
        "pm_approve", "pm_decline", "pm_decline_hard", "pm_slow", "pm_never", "pm_twice"};
    for (int i = 0; i < METHOD_UNKNOWN; i++)
        if (mr_bytes_equal(token, mr_cstr(tokens[i])))
            return (enum method)i;
    return METHOD_UNKNOWN;
}

static struct text text_of(struct mr_bytes bytes)
{
    struct text text = {.len = bytes.len < TEXT_MAX ? bytes.len : TEXT_MAX};
    if (text.len)
        memcpy(text.bytes, bytes.ptr, text.len);
    return text;
}

static struct ledger_entry *entry_of(struct psp_simulator *simulator, struct mr_bytes payment_id)
{
    uint64_t payment = mr_bytes_hash(payment_id);
    struct ledger_entry *entry = &simulator->ledger[payment % LEDGER_SLOTS];
    if (entry->payment != payment)
        *entry = (struct ledger_entry){.payment = payment};
    return entry;
}

static bool simulator_accepts(enum method method)
{
    return method == METHOD_APPROVE || method == METHOD_SLOW || method == METHOD_TWICE;
}

static enum ledger_state simulator_authorize(
    const struct psp_simulator *simulator, enum ledger_state state, enum method method)
{
    if (state != LEDGER_NONE || method == METHOD_NEVER)
        return state;
    if (!simulator_accepts(method))
        return LEDGER_DECLINED;
    return simulator->options.captures_at_once ? LEDGER_CAPTURED : LEDGER_AUTHORIZED;
}

static enum ledger_state void_it(enum ledger_state state)
{
    return state == LEDGER_CAPTURED || state == LEDGER_REFUNDED ? state : LEDGER_VOIDED;
}

static enum ledger_state simulator_refund(enum ledger_state state)
{
    return state == LEDGER_NONE || state == LEDGER_CAPTURED ? LEDGER_REFUNDED : void_it(state);
}

/* The payment's state after the operation; what is asked of a forgotten payment is believed. */
static enum ledger_state carry_out(
    const struct psp_simulator *simulator,
    enum ledger_state state,
    struct mr_bytes op,
    enum method method)
{
    if (mr_bytes_equal(op, mr_cstr(SHOP_OP_AUTHORIZE)))
        return simulator_authorize(simulator, state, method);
    if (mr_bytes_equal(op, mr_cstr(SHOP_OP_CAPTURE)))
        return state == LEDGER_NONE || state == LEDGER_AUTHORIZED ? LEDGER_CAPTURED : state;
    if (mr_bytes_equal(op, mr_cstr(SHOP_OP_VOID)))
        return void_it(state);
    if (mr_bytes_equal(op, mr_cstr(SHOP_OP_REFUND)))
        return simulator_refund(state);
    return state;
}

/* A key that comes twice names the same total, so it gives nothing back twice. */
static void simulator_note_amount(
    struct ledger_entry *entry, const struct psp_request *request, enum ledger_state before)
{
    bool refunds = mr_bytes_equal(request->op, mr_cstr(SHOP_OP_REFUND));
    if (!refunds && entry->state != before)
        entry->captured_minor = request->amount_minor;
    if (!refunds || entry->state != LEDGER_REFUNDED)
        return;
    int64_t total =
        request->refund_total_minor ? request->refund_total_minor : request->amount_minor;
    if (total > entry->refunded_minor)
        entry->refunded_minor = total;
    if (entry->refunded_minor < entry->captured_minor)
        entry->state = LEDGER_CAPTURED;
}

static const char *simulator_result_of(enum ledger_state state)
{
    static const char *const results[LEDGER_STATES] = {
        [LEDGER_NONE] = SHOP_PSP_NOT_FOUND,
        [LEDGER_AUTHORIZED] = SHOP_PSP_AUTHORIZED,
        [LEDGER_DECLINED] = SHOP_PSP_DECLINED,
        [LEDGER_CAPTURED] = SHOP_PSP_CAPTURED,
        [LEDGER_VOIDED] = SHOP_PSP_VOIDED,
        [LEDGER_REFUNDED] = SHOP_PSP_REFUNDED,
    };
    return results[state];
}

static void simulator_enqueue(struct psp_simulator *simulator, const struct answer *answer)
{
    struct answer **at = &simulator->answers;
    struct answer *copy = mr_memdup(answer, sizeof *answer);
    while (*at && (*at)->due_ms <= answer->due_ms)
        at = &(*at)->next;
    copy->next = *at;
    *at = copy;
    simulator->answers_count++;
}

static struct answer answer_to(
    const struct psp_request *request,
    const struct ledger_entry *entry,
    enum method method,
    int64_t due_ms)
{
    enum ledger_state state = entry->state;
    bool part = state == LEDGER_CAPTURED && entry->refunded_minor > 0;
    struct answer answer = {
        .due_ms = due_ms,
        .payment_id = text_of(request->payment_id),
        .op = text_of(request->op),
        .op_key = text_of(request->op_key),
        .currency = text_of(request->currency),
        .amount_minor = request->amount_minor,
        .result = simulator_result_of(part ? LEDGER_REFUNDED : state),
    };
    if (entry->refunded_minor > 0)
        answer.amount_minor = entry->refunded_minor;
    if (state == LEDGER_DECLINED) {
        answer.decline_class = method == METHOD_DECLINE_HARD ? "hard" : "soft";
        answer.code = method == METHOD_UNKNOWN ? "unknown_method" : "do_not_honour";
    }
    return answer;
}

static int simulator_submit(
    void *self, const struct psp_request *request, int64_t now_ms, struct mr_error *error)
{
    struct psp_simulator *simulator = self;
    enum method method = method_of(request->method_token);
    bool authorizes = mr_bytes_equal(request->op, mr_cstr(SHOP_OP_AUTHORIZE));
    int64_t delay_ms = authorizes && method == METHOD_SLOW ? simulator->options.slow_ms : 0;
    int rc = 0;
    pthread_mutex_lock(&simulator->lock);
    if (simulator->answers_count + 2 > ANSWERS_MAX) {
        rc = mr_fail(error, MR_AGAIN, "the payment simulator has %d answers waiting", ANSWERS_MAX);
    } else {
        struct ledger_entry *entry = entry_of(simulator, request->payment_id);
        enum ledger_state before = entry->state;
        entry->state = carry_out(simulator, before, request->op, method);
        simulator_note_amount(entry, request, before);
        struct answer answer = answer_to(request, entry, method, now_ms + delay_ms);
        bool silent = authorizes && entry->state == LEDGER_NONE;
        for (int times = silent ? 0 : method == METHOD_TWICE ? 2 : 1; times > 0; times--)
            simulator_enqueue(simulator, &answer);
    }
    pthread_mutex_unlock(&simulator->lock);
    return rc;
}

static struct mr_bytes view_of(const struct text *text, struct mr_arena *arena)
{
    return mr_arena_copy(arena, mr_bytes_of(text->bytes, text->len));
}

static struct psp_answer simulator_publish(const struct answer *answer, struct mr_arena *arena)
{
    struct psp_answer published = {
        .payment_id = view_of(&answer->payment_id, arena),
        .op = view_of(&answer->op, arena),
        .op_key = view_of(&answer->op_key, arena),
        .result = mr_cstr(answer->result),
        .decline_class = mr_cstr(answer->decline_class),
        .psp_code = mr_cstr(answer->code),
        .amount_minor = answer->amount_minor,
        .currency = view_of(&answer->currency, arena),
    };
    published.psp_ref = mr_arena_printf(arena, "sim_%.*s", MR_ARG(published.payment_id));
    published.psp_event_id =
        mr_arena_printf(arena, "%.*s:%s", MR_ARG(published.op_key), answer->result);
    return published;
}

static bool
simulator_take(void *self, int64_t now_ms, struct mr_arena *arena, struct psp_answer *ret_answer)
{
    struct psp_simulator *simulator = self;
    struct answer *answer = NULL;
    pthread_mutex_lock(&simulator->lock);
    if (simulator->answers && simulator->answers->due_ms <= now_ms) {
        answer = simulator->answers;
        simulator->answers = answer->next;
        simulator->answers_count--;
    }
    pthread_mutex_unlock(&simulator->lock);
    if (!answer)
        return false;
    *ret_answer = simulator_publish(answer, arena);
    free(answer);
    return true;
}

struct psp_simulator *psp_simulator_new(const struct psp_simulator_options *options)
{
    struct psp_simulator *simulator = mr_calloc(1, sizeof *simulator);
    simulator->options = *options;
    if (simulator->options.slow_ms == 0)
        simulator->options.slow_ms = 3000;
    int rc = pthread_mutex_init(&simulator->lock, NULL);
    assert(rc == 0);
    return simulator;
}

void psp_simulator_free(struct psp_simulator *simulator)
{
    if (!simulator)
        return;
    while (simulator->answers) {
        struct answer *next = simulator->answers->next;
        free(simulator->answers);
        simulator->answers = next;
    }
    pthread_mutex_destroy(&simulator->lock);
    free(simulator);
}

struct psp psp_simulator_psp(struct psp_simulator *simulator)
{
    return (struct psp){.self = simulator, .submit = simulator_submit, .take = simulator_take};
}
