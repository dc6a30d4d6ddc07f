/* id.h - identifiers: UUIDs (RFC 9562) as 16 bytes, and their text forms. */
#ifndef BASE_ID_H
#define BASE_ID_H

#include <base/bytes.h>

enum { MR_UUID_TEXT_LEN = 36 };

struct mr_uuid {
    uint8_t bytes[16];
};

/* UUIDv7: `unix_ms` in the first 48 bits, so that ids sort by time; the rest from `random`. */
struct mr_uuid mr_uuid_v7(int64_t unix_ms, const uint8_t random[10]);

/* Stamp version (5: name-based, 8: custom) and variant onto the first 16 bytes of a digest. */
struct mr_uuid mr_uuid_of_digest(const uint8_t digest[16], unsigned version);

/* "0198c0de-....": writes 36 characters and a NUL. */
void mr_uuid_format(struct mr_uuid uuid, char text[MR_UUID_TEXT_LEN + 1]);

/* False unless `text` is exactly the 36-character form (either case). */
bool mr_uuid_parse(struct mr_bytes text, struct mr_uuid *ret_uuid);

#endif
