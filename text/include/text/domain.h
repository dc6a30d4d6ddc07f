/*
 * domain.h - domain names in the one form in which they are compared (IDNA 2008, libidn2).
 *
 * Threads  Any.
 */
#ifndef TEXT_DOMAIN_H
#define TEXT_DOMAIN_H

#include <base/arena.h>
#include <base/bytes.h>

/* The A-labels in small letters ("xn--bcher-kva.example"), in the arena. False when a label is not
 * valid, or the name is over 253 bytes. Source: RFC 5891, UTS #46. */
bool text_domain_to_ascii(
    struct mr_bytes domain, struct mr_arena *arena, struct mr_bytes *ret_domain);

#endif
