/* retail_fuzz.c - any file, plain or xz: rows or a line and a reason; sums that fit what was read.
 */
#include "fuzz.h"

#include <tools/csv.h>
#include <tools/retail.h>

static void read_rows(struct mr_bytes bytes)
{
    static struct csv_row row;
    struct mr_error error = {0};
    struct text_source *source = text_source_of(bytes);
    struct csv_reader *reader = csv_reader_new(source);
    int64_t line = 0;
    int code;
    while ((code = csv_next(reader, &row, &error)) == 1) {
        FUZZ_HOLDS(row.line > line && row.fields_count >= 1 && row.fields_count <= CSV_FIELDS_MAX);
        line = row.line;
    }
    FUZZ_HOLDS(code == 0 || code == MR_MALFORMED || code == MR_TOO_LARGE);
    csv_reader_free(reader);
    text_source_close(source);
}

static void read_shop(struct mr_bytes bytes)
{
    struct mr_error error = {0};
    struct text_source *source = text_source_of(bytes);
    const struct retail *retail = NULL;
    if (retail_read(source, &retail, &error) == 0) {
        int64_t skipped = 0;
        for (int i = 0; i < RETAIL_SKIPS; i++)
            skipped += retail->lines_skipped[i];
        FUZZ_HOLDS(retail->lines_read == retail->lines_qualifying + skipped);
        FUZZ_HOLDS((int64_t)retail->lines_count == retail->lines_qualifying);
        struct retail_sums sums = retail_sums_of(retail, retail->baskets_count);
        int64_t units = 0;
        for (size_t i = 0; i < retail->products_count; i++)
            units += retail->products[i].units;
        FUZZ_HOLDS(sums.units == units && sums.lines == retail->lines_qualifying);
        retail_free(retail);
    } else {
        FUZZ_HOLDS(error.text[0] != '\0');
    }
    text_source_close(source);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int sign = 0;
    int64_t minor = -1;
    int32_t quantity = 0;
    struct mr_bytes bytes = mr_bytes_of(data, size);
    if (retail_parse_price(bytes, &sign, &minor))
        FUZZ_HOLDS(sign >= -1 && sign <= 1 && minor <= RETAIL_MINOR_MAX);
    (void)retail_parse_quantity(bytes, &quantity);
    read_rows(bytes);
    read_shop(bytes);
    return 0;
}
