/*
 * policy.h - what the write side accepts from outside, as pure functions: keys, passwords,
 * positions.
 *
 * Threads  Any.
 */
#ifndef COMMAND_API_POLICY_H
#define COMMAND_API_POLICY_H

#include <base/arena.h>
#include <base/bytes.h>

#include <topology/record.h>

enum { POLICY_PASSWORD_BYTES_MIN = 8, POLICY_PASSWORD_BYTES_MAX = 1024 };

/* Idempotency-Key: an RFC 8941 string, or a bare token; 16 to 64 visible ASCII characters. False
 * when it is neither. *ret_key is in the arena. */
bool policy_idempotency_key(
    struct mr_bytes header, struct mr_arena *arena, struct mr_bytes *ret_key);

/* True for letters, digits and hyphens, as a BCP 47 language tag has them. */
bool policy_is_locale(struct mr_bytes locale);

/* The network that an address is in: "192.0.2." of IPv4, 56 bits of IPv6 in hex; "" of this machine
 * and of what is not an address. In the arena. */
struct mr_bytes policy_network(struct mr_bytes address, struct mr_arena *arena);

/* NULL when the password is good enough, else a sentence that says what it lacks. `email` is the
 * normal form of the address. */
const char *policy_password_problem(struct mr_bytes password, struct mr_bytes email);

/* "topic:partition:next,..." of those positions whose topic begins with `prefix`, for the header
 * requires-position; a NULL view when there is none. */
struct mr_bytes policy_requires_position(
    const struct topo_position *positions,
    size_t count,
    const char *prefix,
    struct mr_arena *arena);

#endif
