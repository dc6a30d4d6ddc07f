/* retail_fuzz.c - any file, plain or xz: rows or a line and a reason; sums that fit what was read.
 */
#include "fuzz.h"

#include <base/buffer.h>
#include <tools/csv.h>
#include <tools/retail.h>

#include "retail_field.h"

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

/* Later steps rely on this: one line of UTF-8, within its bounds. */
static void check_text(struct mr_bytes text, size_t bytes_max)
{
    size_t at = 0;
    size_t len = 0;
    unsigned byte = 0;
    FUZZ_HOLDS(text.len > 0 && text.len <= bytes_max);
    FUZZ_HOLDS(retail_field_is_utf8(text, &byte));
    FUZZ_HOLDS(retail_field_find_control(text, &at, &len) < 0);
}

static void check_names(const struct retail *retail)
{
    for (size_t i = 0; i < retail->products_count; i++) {
        const struct retail_product *product = &retail->products[i];
        check_text(product->sku, RETAIL_CODE_BYTES_MAX);
        check_text(product->title, 512);
        FUZZ_HOLDS(!retail_field_is_nothing(retail_field_trim(product->sku)));
        FUZZ_HOLDS(product->price_minor >= 0 && product->price_minor <= RETAIL_MINOR_MAX);
    }
    for (size_t i = 0; i < retail->customers_count; i++)
        check_text(retail->customers[i], RETAIL_CODE_BYTES_MAX);
    for (size_t i = 0; i < retail->baskets_count; i++) {
        check_text(retail->baskets[i].invoice, RETAIL_CODE_BYTES_MAX);
        FUZZ_HOLDS(retail->baskets[i].total_minor <= RETAIL_MINOR_MAX);
        FUZZ_HOLDS(retail->baskets[i].file_line > 1);
    }
    for (size_t i = 0; i < retail->lines_count; i++)
        FUZZ_HOLDS(
            retail->lines[i].quantity > 0 && retail->lines[i].quantity <= RETAIL_LINE_QUANTITY_MAX);
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
        check_names(retail);
        retail_free(retail);
    } else {
        FUZZ_HOLDS(
            strncmp(error.text, "line ", 5) == 0 || strncmp(error.text, "StockCode ", 10) == 0);
    }
    text_source_close(source);
}

/* So that rows are reached, whatever becomes of the header. */
static void read_behind_header(struct mr_bytes bytes)
{
    struct mr_buffer text = {0};
    mr_buffer_add(
        &text,
        mr_cstr(
            "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"));
    mr_buffer_add(&text, bytes);
    read_shop(mr_buffer_view(&text));
    mr_buffer_clean_up(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int sign = 0;
    int64_t minor = -1;
    int32_t quantity = 0;
    struct mr_bytes bytes = mr_bytes_of(data, size);
    if (retail_parse_price(bytes, &sign, &minor))
        FUZZ_HOLDS(sign >= -1 && sign <= 1 && minor <= RETAIL_MINOR_MAX);
    else
        FUZZ_HOLDS(retail_number_fault(bytes, false) != NULL);
    if (!retail_parse_quantity(bytes, &quantity))
        FUZZ_HOLDS(retail_number_fault(bytes, true) != NULL);
    (void)retail_field_is_shortened(bytes);
    struct mr_bytes trimmed = retail_field_trim(bytes);
    FUZZ_HOLDS(mr_bytes_equal(retail_field_trim(trimmed), trimmed));
    read_rows(bytes);
    read_shop(bytes);
    read_behind_header(bytes);
    return 0;
}
