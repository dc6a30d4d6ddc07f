/* kafka_record.c - records to and from librdkafka: headers, and one produce call for all. */
#include "kafka_impl.h"

#include <base/alloc.h>

size_t kafka_headers_read(
    const rd_kafka_message_t *message, struct topo_header **ret_headers, size_t *capacity)
{
    rd_kafka_headers_t *list;
    if (rd_kafka_message_headers(message, &list) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return 0;
    size_t count = 0;
    const char *name;
    const void *value;
    size_t size;
    while (rd_kafka_header_get_all(list, count, &name, &value, &size) ==
           RD_KAFKA_RESP_ERR_NO_ERROR) {
        *ret_headers = mr_grow(*ret_headers, count, capacity, sizeof **ret_headers);
        (*ret_headers)[count++] = (struct topo_header){mr_cstr(name), mr_bytes_of(value, size)};
    }
    return count;
}

static rd_kafka_headers_t *headers_of(const struct kafka_send *send)
{
    if (send->headers_count == 0)
        return NULL;
    rd_kafka_headers_t *list = rd_kafka_headers_new(send->headers_count);
    for (size_t i = 0; i < send->headers_count; i++)
        rd_kafka_header_add(
            list,
            send->headers[i].name.ptr,
            (ssize_t)send->headers[i].name.len,
            send->headers[i].value.ptr,
            (ssize_t)send->headers[i].value.len);
    return list;
}

/* librdkafka takes both by a pointer that is not const, and with RD_KAFKA_MSG_F_COPY only reads. */
static void *record_unconst(const void *ptr)
{
    return (void *)(uintptr_t)ptr;
}

rd_kafka_resp_err_t kafka_send(rd_kafka_t *rk, const struct kafka_send *send)
{
    rd_kafka_headers_t *headers = headers_of(send);
    rd_kafka_vu_t fields[8] = {
        {.vtype = RD_KAFKA_VTYPE_PARTITION, .u.i32 = send->partition},
        {.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY},
        {.vtype = RD_KAFKA_VTYPE_KEY, .u.mem = {record_unconst(send->key.ptr), send->key.len}},
        {.vtype = RD_KAFKA_VTYPE_VALUE,
         .u.mem = {record_unconst(send->value.ptr), send->value.len}},
        {.vtype = RD_KAFKA_VTYPE_TIMESTAMP, .u.i64 = send->timestamp_ms},
        {.vtype = RD_KAFKA_VTYPE_OPAQUE, .u.ptr = send->opaque},
        {.vtype = RD_KAFKA_VTYPE_RKT, .u.rkt = send->rkt},
    };
    size_t count = 7;
    if (headers)
        fields[count++] = (rd_kafka_vu_t){.vtype = RD_KAFKA_VTYPE_HEADERS, .u.headers = headers};
    rd_kafka_error_t *failure = rd_kafka_produceva(rk, fields, count);
    if (!failure)
        return RD_KAFKA_RESP_ERR_NO_ERROR;
    rd_kafka_resp_err_t err = rd_kafka_error_code(failure);
    rd_kafka_error_destroy(failure);
    if (headers) /* Taken only when the record was. */
        rd_kafka_headers_destroy(headers);
    return err;
}
