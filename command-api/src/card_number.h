/*
 * card_number.h - finds the numbers of payment cards in what clients send, to refuse them.
 *
 * A card number has its issuer's prefix at its issuer's length and a right check digit; digits of
 * any script, with blanks, dots and dashes between. Times, parcels and devices have other prefixes.
 *
 * Threads  Any.
 */
#ifndef COMMAND_API_CARD_NUMBER_H
#define COMMAND_API_CARD_NUMBER_H

#include <base/arena.h>
#include <base/bytes.h>

/* True when the text is a card number or holds one. */
bool card_number_in_text(struct mr_bytes text);

/* True when a string, a name or a number of the JSON text holds one. *ret_pointer says where, as an
 * RFC 6901 pointer in the arena. Text that is not JSON is searched as far as it goes. */
bool card_number_in_json(
    struct mr_bytes json, struct mr_arena *arena, struct mr_bytes *ret_pointer);

#endif
