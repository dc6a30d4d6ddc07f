/* page.c - what all listings share: limit, scans by prefix, the link to the next page. */
#include "query_api.h"

#include <assert.h>
#include <time.h>

void query_send_invalid_parameter(
    struct http_request *request, const char *parameter, const char *detail)
{
    assert(request && parameter && detail);
    struct mr_bytes extensions =
        mr_arena_printf(http_arena(request), "{\"parameter\":\"%s\"}", parameter);
    http_send_problem_full(
        request,
        &(struct http_problem){
            .slug = "invalid-parameter", .detail = mr_cstr(detail), .extensions = extensions});
}

bool query_read_limit(struct http_request *request, int max, int *ret_limit)
{
    assert(request && ret_limit && max >= API_PAGE_DEFAULT);
    struct mr_bytes text = http_query(request, "limit");
    int limit = 0;
    if (!text.ptr) {
        *ret_limit = API_PAGE_DEFAULT;
        return true;
    }
    for (size_t i = 0; i < text.len && i < 5; i++)
        limit = text.ptr[i] >= '0' && text.ptr[i] <= '9' ? limit * 10 + text.ptr[i] - '0' : max + 1;
    if (limit < 1 || limit > max || text.len > 4) {
        struct mr_bytes detail =
            mr_arena_printf(http_arena(request), "limit must be 1 to %d.", max);
        query_send_invalid_parameter(request, "limit", detail.ptr);
        return false;
    }
    *ret_limit = limit;
    return true;
}

/* So many digits at `at`; -1: they are not. */
static int digits_at(struct mr_bytes text, size_t at, size_t count)
{
    int number = 0;
    for (size_t i = at; i < at + count; i++) {
        if (i >= text.len || text.ptr[i] < '0' || text.ptr[i] > '9')
            return -1;
        number = number * 10 + (text.ptr[i] - '0');
    }
    return number;
}

/* Compares with the form, in which 0 stands for any digit. */
static bool has_form(struct mr_bytes text, const char *form)
{
    if (text.len != strlen(form))
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (form[i] == '0' ? digits_at(text, i, 1) < 0 : text.ptr[i] != form[i])
            return false;
    return true;
}

static bool parse_time(struct mr_bytes text, int64_t *ret_unix_ms)
{
    bool day = has_form(text, "0000-00-00");
    bool whole = has_form(text, "0000-00-00T00:00:00Z");
    bool exact = has_form(text, "0000-00-00T00:00:00.000Z");
    if (!day && !whole && !exact)
        return false;
    if (!day &&
        (digits_at(text, 11, 2) > 23 || digits_at(text, 14, 2) > 59 || digits_at(text, 17, 2) > 59))
        return false;
    int month = digits_at(text, 5, 2);
    int of_month = digits_at(text, 8, 2); /* The 31st of a shorter month is the day after it. */
    if (month < 1 || month > 12 || of_month < 1 || of_month > 31)
        return false;
    struct tm utc = {
        .tm_year = digits_at(text, 0, 4) - 1900,
        .tm_mon = month - 1,
        .tm_mday = of_month,
        .tm_hour = day ? 0 : digits_at(text, 11, 2),
        .tm_min = day ? 0 : digits_at(text, 14, 2),
        .tm_sec = day ? 0 : digits_at(text, 17, 2),
    };
    *ret_unix_ms = (int64_t)timegm(&utc) * 1000 + (exact ? digits_at(text, 20, 3) : 0);
    return true;
}

bool query_read_time(struct http_request *request, const char *parameter, int64_t *ret_unix_ms)
{
    assert(request && parameter && ret_unix_ms);
    struct mr_bytes text = http_query(request, parameter);
    *ret_unix_ms = INT64_MIN;
    if (!text.ptr || parse_time(text, ret_unix_ms))
        return true;
    query_send_invalid_parameter(
        request, parameter, "It must be a day or a time in UTC: 2026-09-01T10:15:00Z.");
    return false;
}

/* The first key that does not start with `prefix`. Our prefixes never end in 0xFF only. */
static struct mr_bytes end_prefix(struct mr_arena *arena, struct mr_bytes prefix)
{
    char *end = mr_arena_alloc(arena, prefix.len + 1);
    size_t len = prefix.len;
    memcpy(end, prefix.ptr, len);
    while (len > 0 && (unsigned char)end[len - 1] == 0xFF)
        len--;
    if (len > 0)
        end[len - 1] = (char)((unsigned char)end[len - 1] + 1);
    return len > 0 ? mr_bytes_of(end, len) : mr_bytes_of(NULL, 0);
}

struct query_range query_prefix_range(struct mr_arena *arena, struct mr_bytes prefix)
{
    return (struct query_range){.first = prefix, .end = end_prefix(arena, prefix)};
}

bool query_range_open(
    struct http_request *request,
    struct topo_reader *store,
    const struct query_range *range,
    struct mr_bytes last_key,
    bool reverse,
    struct topo_read_scan **ret_scan)
{
    assert(request && store && range && ret_scan);
    struct mr_arena *arena = http_arena(request);
    struct mr_error error;
    struct topo_read_options options = {
        .first = range->first, .end = range->end, .reverse = reverse};
    if (last_key.ptr && reverse)
        options.end = last_key;
    else if (last_key.ptr) /* The least key after it: itself and a byte 0. */
        options.first = mr_bytes_of(mr_arena_cstr(arena, last_key), last_key.len + 1);
    int rc = topo_read_scan_open(store, &options, arena, ret_scan, &error);
    if (rc != 0)
        query_send_failure(request, &error);
    return rc == 0;
}

bool query_scan_open(
    struct http_request *request,
    struct topo_reader *store,
    struct mr_bytes prefix,
    struct mr_bytes last_key,
    bool reverse,
    struct topo_read_scan **ret_scan)
{
    assert(request);
    struct query_range range = query_prefix_range(http_arena(request), prefix);
    return query_range_open(request, store, &range, last_key, reverse, ret_scan);
}

static void add_encoded(struct mr_buffer *out, struct mr_bytes text)
{
    static const char hex[] = "0123456789ABCDEF";
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     c == '-' || c == '_' || c == '.' || c == '~' || c == ',';
        if (plain) {
            mr_buffer_add_byte(out, c);
        } else {
            mr_buffer_add_byte(out, '%');
            mr_buffer_add_byte(out, (uint8_t)hex[c >> 4]);
            mr_buffer_add_byte(out, (uint8_t)hex[c & 15]);
        }
    }
}

/* The request's own target with another cursor; NULL view: without. */
static struct mr_bytes target_with(struct http_request *request, struct mr_bytes cursor)
{
    struct mr_buffer target = {0};
    char separator = '?';
    mr_buffer_add(&target, http_path(request));
    for (size_t i = 0; i < http_query_count(request); i++) {
        if (mr_bytes_equal(http_query_name(request, i), mr_cstr("cursor")))
            continue;
        mr_buffer_add_byte(&target, (uint8_t)separator);
        add_encoded(&target, http_query_name(request, i));
        mr_buffer_add_byte(&target, '=');
        add_encoded(&target, http_query_value(request, i));
        separator = '&';
    }
    if (cursor.ptr)
        mr_buffer_printf(&target, "%ccursor=%.*s", separator, MR_ARG(cursor));
    struct mr_bytes copy = mr_arena_copy(http_arena(request), mr_buffer_view(&target));
    mr_buffer_clean_up(&target);
    return copy;
}

/* One more link, in the body and in the header's text. */
static void add_link(
    struct http_request *request,
    struct json_w *w,
    const char *rel,
    struct mr_bytes cursor,
    struct mr_bytes *link)
{
    struct mr_bytes target = target_with(request, cursor);
    *link = mr_arena_printf(
        http_arena(request),
        "%.*s%s<%.*s>; rel=\"%s\"",
        MR_ARG(*link),
        link->len ? ", " : "",
        MR_ARG(target),
        rel);
    json_w_key_text(w, rel, target);
}

/* The way of the walk goes on where that ended; the other way begins at what is shown. */
static struct query_cursor cursor_of(const struct query_page *page, bool backwards)
{
    struct query_cursor cursor = {.backwards = backwards};
    if (page->cursor.backwards == backwards)
        cursor.key = page->more ? page->end_key : mr_bytes_of(NULL, 0);
    else if (backwards)
        cursor.key = page->cursor.key.ptr ? page->first_key : mr_bytes_of(NULL, 0);
    else
        cursor.key = page->last_key;
    return cursor;
}

bool query_wants_total(const struct http_request *request)
{
    return mr_bytes_equal(http_prefer(request, "return"), mr_cstr("total-count"));
}

void query_write_page(
    struct query_api *api,
    struct http_request *request,
    struct json_w *w,
    const struct query_page *page)
{
    assert(api && request && w && page);
    struct query_cursor prev = cursor_of(page, true);
    struct query_cursor next = cursor_of(page, false);
    struct mr_bytes link = {0};
    json_w_key(w, "page");
    json_w_object(w);
    if (page->cursor.key.ptr)
        add_link(request, w, "first", mr_bytes_of(NULL, 0), &link);
    if (prev.key.ptr)
        add_link(request, w, "prev", query_cursor_write(api, request, page->filter, &prev), &link);
    if (next.key.ptr) {
        struct mr_bytes cursor = query_cursor_write(api, request, page->filter, &next);
        add_link(request, w, "next", cursor, &link);
        json_w_key_text(w, "cursor", cursor);
    }
    if (page->incomplete)
        json_w_key_bool(w, "incomplete", true);
    if (page->counted) {
        json_w_key_integer(w, "total_count", page->total);
        json_w_key_bool(w, "total_count_exact", page->total_is_exact);
    }
    if (link.ptr)
        http_set_header(request, "Link", link);
    json_w_object_end(w);
}
