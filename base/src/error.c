/* error.c - codes, their texts and classes. */
#include <base/error.h>

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

static const struct {
    int code;
    enum mr_class class;
    const char *text;
} codes[] = {
#define ROW(code, value, class, text) {(value), MR_CLASS_##class, (text)},
    MR_CODES(ROW)
#undef ROW
};

const char *mr_code_text(int code)
{
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        if (codes[i].code == code)
            return codes[i].text;
    return "unknown error";
}

enum mr_class mr_code_class(int code)
{
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        if (codes[i].code == code)
            return codes[i].class;
    return MR_CLASS_FATAL;
}

int mr_fail(struct mr_error *error, int code, const char *format, ...)
{
    if (!error)
        return code;
    va_list args;
    va_start(args, format);
    error->code = code;
    (void)vsnprintf(error->text, sizeof error->text, format, args);
    va_end(args);
    return code;
}
