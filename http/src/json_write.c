/* json_write.c - JSON straight into a buffer: one pass, no tree. */
#include <http/json.h>

#include <time.h>

static void before_value(struct json_w *w)
{
    if (w->comma)
        mr_buffer_add_byte(w->out, ',');
    w->comma = true;
}

static void open_with(struct json_w *w, char bracket)
{
    before_value(w);
    mr_buffer_add_byte(w->out, (uint8_t)bracket);
    w->comma = false;
}

static void close_with(struct json_w *w, char bracket)
{
    mr_buffer_add_byte(w->out, (uint8_t)bracket);
    w->comma = true;
}

void json_w_object(struct json_w *w)
{
    open_with(w, '{');
}

void json_w_object_end(struct json_w *w)
{
    close_with(w, '}');
}

void json_w_array(struct json_w *w)
{
    open_with(w, '[');
}

void json_w_array_end(struct json_w *w)
{
    close_with(w, ']');
}

void json_w_key(struct json_w *w, const char *key)
{
    size_t len = strlen(key);
    char *at = mr_buffer_reserve(w->out, len + 4);
    char *start = at;
    if (w->comma)
        *at++ = ',';
    *at++ = '"';
    memcpy(at, key, len);
    at += len;
    *at++ = '"';
    *at++ = ':';
    w->out->len += (size_t)(at - start);
    w->comma = false;
}

static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c != '"' && c != '\\';
}

/* Writes the escape of a byte that is not plain; at most 6 bytes. */
static char *escape_byte(char *at, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";
    static const char short_of[32] = {
        ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};
    *at++ = '\\';
    if (c == '"' || c == '\\') {
        *at++ = (char)c;
    } else if (short_of[c]) {
        *at++ = short_of[c];
    } else {
        memcpy(at, "u00", 3);
        at[3] = hex[c >> 4];
        at[4] = hex[c & 15];
        at += 5;
    }
    return at;
}

void json_w_text(struct json_w *w, struct mr_bytes text)
{
    if (!text.ptr) {
        json_w_null(w);
        return;
    }
    before_value(w);
    mr_buffer_add_byte(w->out, '"');
    size_t i = 0;
    while (i < text.len) {
        size_t plain = i;
        while (plain < text.len && is_plain((unsigned char)text.ptr[plain]))
            plain++;
        mr_buffer_add(w->out, mr_bytes_of(text.ptr + i, plain - i));
        i = plain;
        if (i < text.len) {
            char *at = mr_buffer_reserve(w->out, 6);
            w->out->len += (size_t)(escape_byte(at, (unsigned char)text.ptr[i]) - at);
            i++;
        }
    }
    mr_buffer_add_byte(w->out, '"');
}

void json_w_integer(struct json_w *w, int64_t value)
{
    char digits[20];
    size_t count = 0;
    uint64_t left = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do {
        digits[count++] = (char)('0' + left % 10);
        left /= 10;
    } while (left);
    before_value(w);
    char *at = mr_buffer_reserve(w->out, count + 1);
    size_t len = 0;
    if (value < 0)
        at[len++] = '-';
    while (count)
        at[len++] = digits[--count];
    w->out->len += len;
}

void json_w_bool(struct json_w *w, bool value)
{
    json_w_raw(w, mr_cstr(value ? "true" : "false"));
}

void json_w_null(struct json_w *w)
{
    json_w_raw(w, mr_cstr("null"));
}

void json_w_raw(struct json_w *w, struct mr_bytes value)
{
    before_value(w);
    mr_buffer_add(w->out, value);
}

void json_w_time(struct json_w *w, int64_t unix_ms)
{
    int64_t ms = ((unix_ms % 1000) + 1000) % 1000;
    time_t seconds = (time_t)((unix_ms - ms) / 1000);
    struct tm utc;
    char text[40];
    gmtime_r(&seconds, &utc);
    size_t len = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
    text[len] = '\0';
    before_value(w);
    mr_buffer_printf(w->out, "\"%s.%03dZ\"", text, (int)ms);
}

void json_w_key_text(struct json_w *w, const char *key, struct mr_bytes text)
{
    json_w_key(w, key);
    json_w_text(w, text);
}

void json_w_key_integer(struct json_w *w, const char *key, int64_t value)
{
    json_w_key(w, key);
    json_w_integer(w, value);
}

void json_w_key_bool(struct json_w *w, const char *key, bool value)
{
    json_w_key(w, key);
    json_w_bool(w, value);
}

void json_w_key_time(struct json_w *w, const char *key, int64_t unix_ms)
{
    json_w_key(w, key);
    json_w_time(w, unix_ms);
}
