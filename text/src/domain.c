/* domain.c - domain names by libidn2; the only file that includes it. */
#include <text/domain.h>

#include <idn2.h>

enum { DOMAIN_BYTES_MAX = 253, INPUT_BYTES_MAX = 1024 };

static bool has_empty_label(struct mr_bytes domain)
{
    for (size_t i = 0; i < domain.len; i++)
        if (domain.ptr[i] == '.' && (i == 0 || i + 1 == domain.len || domain.ptr[i + 1] == '.'))
            return true;
    return domain.len == 0;
}

bool text_domain_to_ascii(
    struct mr_bytes domain, struct mr_arena *arena, struct mr_bytes *ret_domain)
{
    char *ascii = NULL;
    if (domain.len == 0 || domain.len > INPUT_BYTES_MAX)
        return false;
    int code = idn2_to_ascii_8z(
        mr_arena_cstr(arena, domain), &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
    if (code != IDN2_OK)
        return false;
    struct mr_bytes result = mr_arena_copy(arena, mr_cstr(ascii));
    idn2_free(ascii);
    for (size_t i = 0; i < result.len; i++) {
        char *c = (char *)(uintptr_t)result.ptr + i;
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c - 'A' + 'a');
    }
    if (result.len > DOMAIN_BYTES_MAX || has_empty_label(result))
        return false;
    *ret_domain = result;
    return true;
}
