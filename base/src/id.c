/* id.c - UUIDs (RFC 9562): making, printing, reading. */
#include <base/id.h>

static void id_stamp(struct mr_uuid *uuid, unsigned version)
{
    uuid->bytes[6] = (uint8_t)((uuid->bytes[6] & 0x0fU) | version << 4);
    uuid->bytes[8] = (uint8_t)((uuid->bytes[8] & 0x3fU) | 0x80U);
}

struct mr_uuid mr_uuid_v7(int64_t unix_ms, const uint8_t random[10])
{
    struct mr_uuid uuid;
    uint8_t time[8];
    mr_put_be64(time, (uint64_t)unix_ms);
    memcpy(uuid.bytes, time + 2, 6);
    memcpy(uuid.bytes + 6, random, 10);
    id_stamp(&uuid, 7);
    return uuid;
}

struct mr_uuid mr_uuid_of_digest(const uint8_t digest[16], unsigned version)
{
    struct mr_uuid uuid;
    memcpy(uuid.bytes, digest, sizeof uuid.bytes);
    id_stamp(&uuid, version);
    return uuid;
}

static bool is_dash(int position)
{
    return position == 8 || position == 13 || position == 18 || position == 23;
}

void mr_uuid_format(struct mr_uuid uuid, char text[MR_UUID_TEXT_LEN + 1])
{
    static const char digits[] = "0123456789abcdef";
    int at = 0;
    for (int i = 0; i < 16; i++) {
        if (is_dash(at))
            text[at++] = '-';
        text[at++] = digits[uuid.bytes[i] >> 4];
        text[at++] = digits[uuid.bytes[i] & 15];
    }
    text[at] = '\0';
}

static int digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool mr_uuid_parse(struct mr_bytes text, struct mr_uuid *ret_uuid)
{
    if (text.len != MR_UUID_TEXT_LEN)
        return false;
    struct mr_uuid uuid = {0};
    int digits = 0;
    for (int i = 0; i < MR_UUID_TEXT_LEN; i++) {
        if (is_dash(i)) {
            if (text.ptr[i] != '-')
                return false;
            continue;
        }
        int value = digit_value(text.ptr[i]);
        if (value < 0)
            return false;
        uuid.bytes[digits / 2] = (uint8_t)(uuid.bytes[digits / 2] << 4 | value);
        digits++;
    }
    *ret_uuid = uuid;
    return true;
}
