/* record.c - looking into a record. */
#include <topology/record.h>

struct mr_bytes topo_record_header(const struct topo_record *record, const char *name)
{
    struct mr_bytes wanted = mr_cstr(name);
    for (size_t i = record->headers_count; i > 0; i--)
        if (mr_bytes_equal(record->headers[i - 1].name, wanted))
            return record->headers[i - 1].value;
    return (struct mr_bytes){0};
}
