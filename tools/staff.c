/* staff.c - the options of the staff's commands, and what they print: amounts and times. */
#include "staff.h"

#include <api/shop_json.h>
#include <base/clock.h>
#include <http/json.h>
#include <processors/limits.h>
#include <sealing/random.h>
#include <service/registry.h>
#include <tools/amount.h>

#include <ctype.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

enum {
    OPERATOR_BYTES_MAX = 64,
    KEY_BYTES_MIN = 8,
    KEY_BYTES_MAX = 64,
    TIMEOUT_S_MAX = 600,
};

int staff_text(
    const struct staff *staff,
    const char *option,
    size_t max,
    struct mr_bytes *ret_text,
    struct mr_error *error)
{
    struct mr_bytes text = mr_cstr(mr_options_text(staff->options, option));
    if (text.ptr && (text.len == 0 || text.len > max || !http_utf8_valid(text))) {
        mr_fail(error, MR_CONFIG, "--%s: 1 to %zu bytes of UTF-8 are needed", option, max);
        return EXIT_USAGE;
    }
    *ret_text = text;
    return 0;
}

/* Plain characters, so that a name reads the same in every log and report. */
static int staff_check_plain(
    const char *option, struct mr_bytes text, size_t min, size_t max, struct mr_error *error)
{
    bool plain = text.len >= min && text.len <= max;
    for (size_t i = 0; plain && i < text.len; i++)
        plain = isalnum((unsigned char)text.ptr[i]) || strchr("._@-", text.ptr[i]);
    if (plain)
        return 0;
    mr_fail(
        error, MR_CONFIG, "--%s: %zu to %zu letters, digits and ._@- are needed", option, min, max);
    return EXIT_USAGE;
}

int staff_refuse_missing(const char *option, struct mr_error *error)
{
    mr_fail(error, MR_CONFIG, "--%s is needed", option);
    return EXIT_USAGE;
}

static struct mr_bytes staff_login_name(struct mr_arena *arena)
{
    struct passwd entry;
    struct passwd *found = NULL;
    char *text = mr_arena_alloc(arena, 4096);
    if (getpwuid_r(geteuid(), &entry, text, 4096, &found) || !found)
        return mr_arena_printf(arena, "uid-%d", (int)geteuid());
    return mr_arena_copy(arena, mr_cstr(found->pw_name));
}

/* Commands that only read have none of these options. */
static bool staff_changes(const struct mr_options *options)
{
    for (size_t i = 0; i < options->count; i++)
        if (strcmp(options->table[i].name, "operator") == 0)
            return true;
    return false;
}

static int staff_take_identity(struct staff *staff, struct mr_error *error)
{
    const struct mr_options *options = staff->options;
    struct mr_bytes name = mr_cstr(mr_options_text(options, "operator"));
    if (!name.ptr)
        name = staff_login_name(&staff->arena);
    staff->key = mr_cstr(mr_options_text(options, "key"));
    if (!staff->key.ptr)
        staff->key = sealing_new_id(&staff->arena, "", staff->now_ms);
    int rc = staff_check_plain("operator", name, 1, OPERATOR_BYTES_MAX, error);
    rc = rc ? rc : staff_check_plain("key", staff->key, KEY_BYTES_MIN, KEY_BYTES_MAX, error);
    staff->principal = mr_arena_printf(&staff->arena, "operator:%.*s", MR_ARG(name));
    return rc ? rc : staff_text(staff, "reason", SHOP_REASON_BYTES_MAX, &staff->reason, error);
}

int staff_connect(struct staff *staff, struct mr_error *error)
{
    int64_t seconds = 0;
    if (staff->registry)
        return 0;
    int rc = mr_options_integer(staff->options, "timeout", 1, TIMEOUT_S_MAX, &seconds, error);
    if (rc)
        return EXIT_USAGE;
    staff->give_up_ms = mr_monotonic_ms() + seconds * 1000;
    rc = topo_kafka_ping(&staff->kafka, (int)(seconds * 1000), error);
    return rc ? rc : shop_registry_load(&staff->kafka, &staff->registry, error);
}

int staff_run(
    const struct mr_options *options, const char *words, staff_run_fn *run, struct mr_error *error)
{
    struct staff staff = {
        .options = options,
        .words = words,
        .kafka = tool_kafka(options),
        .now_ms = mr_unix_ms(),
        .json = mr_options_switch(options, "json"),
    };
    mr_arena_init(&staff.arena);
    mr_arena_init(&staff.scratch);
    int rc = staff_changes(options) ? staff_take_identity(&staff, error) : 0;
    rc = rc ? rc : run(&staff, error);
    codec_registry_free(staff.registry);
    mr_arena_clean_up(&staff.arena);
    mr_arena_clean_up(&staff.scratch);
    return rc;
}

/* -- amounts and times -- */

int staff_amount(
    const char *option,
    struct mr_bytes text,
    struct mr_bytes currency,
    int64_t *ret_minor,
    struct mr_error *error)
{
    int exponent = shop_exponent(currency);
    if (amount_read(text, exponent, SHOP_MONEY_MINOR_MAX, ret_minor))
        return 0;
    mr_fail(
        error,
        MR_CONFIG,
        "--%s: %.*s is not an amount of %.*s above 0, with at most %d digits behind the point",
        option,
        MR_ARG(text),
        MR_ARG(currency),
        exponent);
    return EXIT_USAGE;
}

struct mr_bytes staff_money(struct mr_arena *arena, const struct shop_money *money)
{
    struct mr_bytes amount = amount_write(arena, money->minor, shop_exponent(money->currency));
    return mr_arena_printf(arena, "%.*s %.*s", MR_ARG(amount), MR_ARG(money->currency));
}

struct mr_bytes staff_time(struct mr_arena *arena, int64_t unix_ms)
{
    struct mr_buffer text = {0};
    struct json_w w = json_w_to(&text);
    json_w_time(&w, unix_ms);
    /* "2026-09-01T10:15:00.000Z" in quotes. */
    struct mr_bytes json = mr_buffer_view(&text);
    struct mr_bytes time =
        mr_arena_printf(arena, "%.10s %.8s", json.ptr + 1, json.len > 12 ? json.ptr + 12 : "");
    mr_buffer_clean_up(&text);
    return time;
}

struct mr_bytes staff_sku(struct staff *staff, const char *operand)
{
    char *sku = mr_arena_cstr(&staff->arena, mr_cstr(operand));
    for (char *at = sku; *at; at++)
        *at = (char)toupper((unsigned char)*at);
    return mr_cstr(sku);
}

struct mr_bytes staff_product_id(struct staff *staff, const char *operand)
{
    if (mr_bytes_starts_with(mr_cstr(operand), mr_cstr("prd_")))
        return mr_cstr(operand);
    struct shop_id id = shop_product_id(staff_sku(staff, operand));
    return mr_arena_copy(&staff->arena, shop_id_view(&id));
}
