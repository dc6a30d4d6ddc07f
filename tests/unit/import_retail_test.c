/* import_retail_test.c - the lines that qualify, and the catalogue, customers and baskets made from
 * them. */
#include <base/alloc.h>
#include <tests/cmocka.h>
#include <tools/name_index.h>
#include <tools/retail.h>

#include <stdio.h>

#define HEADER "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
#define LINE(invoice, sku, title, quantity, price, customer)                                       \
    invoice "," sku "," title "," quantity ",2010-12-01 08:26:00," price "," customer ",UK\n"

static int read_text(const char *text, const struct retail **retail, struct mr_error *error)
{
    struct text_source *source = text_source_of(mr_cstr(text));
    int rc = retail_read(source, retail, error);
    text_source_close(source);
    return rc;
}

static const struct retail *read_well(const char *text)
{
    const struct retail *retail = NULL;
    struct mr_error error = {0};
    if (read_text(text, &retail, &error))
        fail_msg("%s", error.text);
    return retail;
}

static void stops_at(const char *text, const char *line, const char *reason)
{
    const struct retail *retail = NULL;
    struct mr_error error = {0};
    assert_true(read_text(text, &retail, &error) < 0);
    assert_null(retail);
    if (strncmp(error.text, line, strlen(line)) != 0 || !strstr(error.text, reason))
        fail_msg("%s", error.text);
}

static void text_is(struct mr_bytes text, const char *wanted)
{
    assert_true(mr_bytes_equal(text, mr_cstr(wanted)));
}

static void price_is(const char *text, int sign, int64_t minor)
{
    int ret_sign = 9;
    int64_t ret_minor = -99;
    assert_true(retail_parse_price(mr_cstr(text), &ret_sign, &ret_minor));
    assert_int_equal(ret_sign, sign);
    assert_int_equal(ret_minor, minor);
}

static void prices_round_half_up_from_their_decimals(void **state)
{
    (void)state;
    price_is("2.55", 1, 255);
    price_is("2.5", 1, 250);
    price_is("3", 1, 300);
    price_is("1.005", 1, 101);
    price_is("1.0049999999999999", 1, 100);
    price_is("0.995", 1, 100);
    price_is("0.285", 1, 29);
    price_is("0.001", 1, 0);
    price_is("0.0", 0, 0);
    price_is("-0.00", 0, 0);
    price_is("-11062.06", -1, -1106206);
    price_is("10000000000.00", 1, RETAIL_MINOR_MAX);
}

static void prices_are_read_as_databases_and_pandas_write_them(void **state)
{
    (void)state;
    price_is(".85", 1, 85);
    price_is("-.85", -1, -85);
    price_is("5.", 1, 500);
    price_is("+2.5", 1, 250);
    price_is("8.5E-05", 1, 0);
    price_is("1e-3", 1, 0);
    price_is("5e-3", 1, 1);
    price_is("1.50E+2", 1, 15000);
    price_is("1e10", 1, RETAIL_MINOR_MAX);
    price_is("0.0000000000000000000000000000001e31", 1, 100);
    price_is("0e400", 0, 0);
    price_is("00012.30", 1, 1230);
}

static void a_text_that_is_not_a_price_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "-",
        ".",
        "1.2.3",
        "e3",
        "1e",
        "1e+",
        "1e2.5",
        "1,5",
        "1.234,50",
        " 1",
        "1 ",
        "+-1",
        "nan",
        "inf",
        "1e99999",
        "9e11",
        "0x1",
        "--1",
        "10000000000.01",
        "99999999999999999999"};
    int sign = 0;
    int64_t minor = 0;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_false(retail_parse_price(mr_cstr(texts[i]), &sign, &minor));
}

static void quantities_are_whole_and_fit(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "", "-", ".", "1.5", "1e-1", " 1", "2147483648", "99999999999", "1e300"};
    int32_t quantity = 0;
    assert_true(retail_parse_quantity(mr_cstr("74215"), &quantity));
    assert_int_equal(quantity, 74215);
    assert_true(retail_parse_quantity(mr_cstr("-2147483648"), &quantity));
    assert_int_equal(quantity, INT32_MIN);
    assert_true(retail_parse_quantity(mr_cstr("6.0"), &quantity));
    assert_int_equal(quantity, 6);
    assert_true(retail_parse_quantity(mr_cstr("-1.2e2"), &quantity));
    assert_int_equal(quantity, -120);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(retail_parse_quantity(mr_cstr(bad[i]), &quantity));
}

static void lines_that_do_not_qualify_are_counted_by_reason(void **state)
{
    (void)state;
    const struct retail *retail = read_well(
        HEADER /**/
            LINE("1", "A", "a", "1", "1.0", "5.0") LINE("C2", "A", "a", "-1", "1.0", "5.0")
                LINE("", "A", "a", "1", "1.0", "") LINE("3", "A", "a", "0", "0.0", "")
                    LINE("3", "A", "a", "-4", "1.0", "") LINE("4", "A", "a", "4", "0.0", "")
                        LINE("5", "A", "a", "4", "-2.5", "") LINE("6", "B", "b", "1", "0.001", ""));
    assert_int_equal(retail->lines_read, 8);
    assert_int_equal(retail->lines_qualifying, 2);
    assert_int_equal(retail->lines_skipped[RETAIL_SKIP_INVOICE], 2);
    assert_int_equal(retail->lines_skipped[RETAIL_SKIP_QUANTITY], 2);
    assert_int_equal(retail->lines_skipped[RETAIL_SKIP_PRICE], 2);
    assert_int_equal(retail->products_count, 2);
    assert_int_equal(retail->products[1].price_minor, 0);
    assert_int_equal(retail->baskets_count, 2);
    retail_free(retail);
}

static void skus_that_differ_in_case_are_one_product(void **state)
{
    (void)state;
    const struct retail *retail = read_well(HEADER LINE("1", "85123a", "x", "1", "1.0", "")
                                                LINE("1", "85123A", "y", "2", "1.0", ""));
    assert_int_equal(retail->products_count, 1);
    text_is(retail->products[0].sku, "85123A");
    assert_int_equal(retail->products[0].units, 3);
    retail_free(retail);
}

static void the_title_is_the_last_description_that_is_not_blank(void **state)
{
    (void)state;
    const struct retail *retail =
        read_well(HEADER LINE("1", "A", "old", "1", "1.0", "")
                      LINE("2", "A", "\"new, and quoted \"", "1", "1.0", "")
                          LINE("3", "A", "", "1", "1.0", "") LINE("3", "A", "  ", "1", "1.0", "")
                              LINE("C4", "A", "cancelled", "-1", "1.0", "")
                                  LINE("5", "B", "", "1", "1.0", ""));
    text_is(retail->products[0].title, "new, and quoted ");
    text_is(retail->products[1].title, "B");
    retail_free(retail);
}

static void the_list_price_is_the_most_frequent_and_of_ties_the_lowest(void **state)
{
    (void)state;
    const struct retail *retail =
        read_well(HEADER LINE("1", "A", "a", "100", "9.0", "") LINE("1", "A", "a", "1", "2.004", "")
                      LINE("1", "A", "a", "1", "2.0", "") LINE("2", "B", "b", "1", "3.0", "")
                          LINE("2", "B", "b", "1", "1.0", "") LINE("2", "B", "b", "1", "3.0", "")
                              LINE("2", "B", "b", "1", "1.0", ""));
    assert_int_equal(retail->products[0].price_minor, 200);
    assert_int_equal(retail->products[1].price_minor, 100);
    retail_free(retail);
}

static void baskets_keep_file_order_though_invoices_interleave(void **state)
{
    (void)state;
    const struct retail *retail = read_well(
        HEADER LINE("20", "A", "a", "1", "1.0", "7.0") LINE("10", "B", "b", "2", "1.0", "8")
            LINE("20", "B", "b", "3", "1.0", "7.0") LINE("20", "A", "a", "4", "1.0", "7.0"));
    assert_int_equal(retail->baskets_count, 2);
    assert_int_equal(retail->customers_count, 2);
    text_is(retail->customers[0], "7");
    text_is(retail->customers[1], "8");
    text_is(retail->baskets[0].invoice, "20");
    assert_int_equal(retail->baskets[0].lines_count, 3);
    assert_int_equal(retail->baskets[0].units, 8);
    assert_int_equal(retail->baskets[0].total_minor, 800);
    const struct retail_line *lines = &retail->lines[retail->baskets[0].lines_first];
    assert_int_equal(lines[0].quantity, 1);
    assert_int_equal(lines[1].quantity, 3);
    assert_int_equal(lines[1].product, 1);
    assert_int_equal(lines[2].quantity, 4);
    assert_int_equal(retail->baskets[1].customer, 1);
    retail_free(retail);
}

static void an_invoice_without_customer_is_a_guest_of_its_own(void **state)
{
    (void)state;
    const struct retail *retail =
        read_well(HEADER LINE("1", "A", "a", "1", "1.0", "") LINE("2", "A", "a", "1", "1.0", ""));
    assert_int_equal(retail->customers_count, 0);
    assert_int_equal(retail->baskets[0].customer, RETAIL_GUEST);
    assert_int_equal(retail->baskets[1].customer, RETAIL_GUEST);
    retail_free(retail);
}

static void sums_stop_at_the_baskets_asked_for(void **state)
{
    (void)state;
    const struct retail *retail = read_well(HEADER LINE("1", "A", "a", "2", "1.5", "") LINE(
        "2", "A", "a", "3", "1.5", "") LINE("3", "A", "a", "4", "1.5", ""));
    struct retail_sums two = retail_sums_of(retail, 2);
    struct retail_sums many = retail_sums_of(retail, SIZE_MAX);
    assert_int_equal(two.orders, 2);
    assert_int_equal(two.units, 5);
    assert_int_equal(two.total_minor, 750);
    assert_int_equal(many.orders, 3);
    assert_int_equal(many.total_minor, 1350);
    retail_free(retail);
}

static void malformed_lines_stop_it_with_line_and_reason(void **state)
{
    (void)state;
    stops_at("", "line 1: ", "empty");
    stops_at("InvoiceNo,StockCode\n", "line 1: ", "Description");
    stops_at(HEADER "1,A,a,1\n", "line 2: ", "4 columns");
    stops_at(HEADER "\n\nx\n", "line 4: ", "1 columns");
    stops_at(HEADER LINE("1", "A", "a", "x", "1.0", ""), "line 2: ", "Quantity \"x\"");
    stops_at(HEADER LINE("C1", "A", "a", "1.5", "1.0", ""), "line 2: ", "Quantity");
    stops_at(HEADER LINE("1", "A", "a", "1", "1.0.0", ""), "line 2: ", "UnitPrice \"1.0.0\"");
    stops_at(HEADER LINE("1", "A", "a", "1", "\"2,50\"", ""), "line 2: ", "a decimal point");
    stops_at(
        HEADER LINE("1", "A", "a", "\"1,000\"", "2.5", ""), "line 2: ", "thousands separators");
    stops_at(HEADER LINE("1", "A", "a", "1", "nan0", ""), "line 2: ", "UnitPrice \"nan0\"");
    stops_at(HEADER LINE("1", "", "a", "1", "1", ""), "line 2: ", "StockCode");
    stops_at(HEADER LINE("1", "A", "a", "1", "1", "no id"), "line 2: ", "CustomerID");
    stops_at(HEADER LINE("1", "NULL", "a", "1", "1", ""), "line 2: ", "StockCode is empty");
    stops_at(HEADER LINE("1", "A", "caf\xe9", "1", "1", ""), "line 2: ", "WINDOWS-1252");
    stops_at(HEADER LINE("1", "A", "a\x01", "1", "1", ""), "line 2: ", "control character U+0001");
    stops_at(
        HEADER LINE("1", "\"A\nB\"", "a", "1", "1", ""), "line 2: ", "StockCode has a line break");
    stops_at(HEADER LINE("1", "A\tB", "a", "1", "1", ""), "line 2: ", "StockCode has a tab");
    stops_at("InvoiceNo;StockCode;Description\n", "line 1: ", "separated by semicolons");
    stops_at("\"InvoiceNo\";\"StockCode\"\n", "line 1: ", "separated by semicolons");
    stops_at("InvoiceNo\tStockCode\n", "line 1: ", "separated by tabs");
    stops_at(
        HEADER LINE("1", "A", "a", "1", "1", "5") LINE("1", "A", "a", "1", "1", "6"),
        "line 3: ",
        "customer 5 already");
    stops_at(HEADER LINE("1", "A", "a", "1000000", "9000000000", ""), "line 2: invoice 1", "worth");
}

static void what_a_later_step_could_not_take_is_refused_first(void **state)
{
    (void)state;
    stops_at(HEADER LINE("1", "A", "a", "1000001", "1", ""), "line 2: ", "Quantity 1000001");
    stops_at(
        HEADER LINE("1", "A", "a", "600000", "0.01", "") LINE("1", "A", "a", "600000", "0.01", ""),
        "line 2: invoice 1",
        "1200000 units of A");
    stops_at(
        HEADER LINE("1", "A", "a", "1", "1", "ab1") LINE("2", "A", "a", "1", "1", "AB1"),
        "line 3: ",
        "\"AB1\" differs from \"ab1\" in case only");
    char text[64 * 6000];
    size_t len = (size_t)snprintf(text, sizeof text, "%s", HEADER);
    for (int i = 0; i < 5001; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, "1,S%d,a,1,2010,0.01,,UK\n", i);
    stops_at(text, "line 2: invoice 1", "5001 products");
}

static void rows_and_fields_of_nothing_are_nothing(void **state)
{
    (void)state;
    const struct retail *retail = read_well(
        "\r\n" HEADER "\n" LINE("1", "A", "a", "3", "2.5", "NULL") ",,,,,,,\r\n  , ,,,,,,\n" LINE(
            "2.0", "A", "#N/A", "6.0", "2.5", "nan") LINE("3", "A", "None", "1", "2.5", "\\N")
            LINE("NULL", "A", "a", "1", "2.5", "") LINE("4", "A", "a", "", "2.5", "")
                LINE("5", "A", "a", "1", "N/A", "") "\r\n\r\n");
    assert_int_equal(retail->lines_read, 6);
    assert_int_equal(retail->lines_qualifying, 3);
    assert_int_equal(retail->customers_count, 0);
    text_is(retail->products[0].title, "a");
    text_is(retail->baskets[1].invoice, "2");
    assert_int_equal(retail->baskets[1].units, 6);
    assert_int_equal(retail->lines_skipped[RETAIL_SKIP_INVOICE], 1);
    assert_int_equal(retail->lines_skipped[RETAIL_SKIP_QUANTITY], 1);
    assert_int_equal(retail->lines_skipped[RETAIL_SKIP_PRICE], 1);
    retail_free(retail);
}

static void a_line_break_or_a_tab_in_a_description_is_a_blank(void **state)
{
    (void)state;
    const struct retail *retail =
        read_well(HEADER LINE("1", "A", "\"GREEN RUG\nLARGE\"", "1", "1", "") LINE(
            "1", "B", "\"GREEN RUG\r\nLARGE\"", "1", "1", "") LINE("1", "C", "a\tb", "1", "1", ""));
    text_is(retail->products[0].title, "GREEN RUG LARGE");
    text_is(retail->products[1].title, "GREEN RUG LARGE");
    text_is(retail->products[2].title, "a b");
    retail_free(retail);
}

static void words_for_nothing_are_nothing_in_every_column(void **state)
{
    (void)state;
    static const char *const words[] = {
        "",         "  ",      "NULL",         "null",     "Null",  "(null)", "[NULL]", "<null>",
        "\\N",      "NaN",     "nan",          "-nan",     "NA",    "N/A",    "n/a",    "#N/A",
        "#N/A N/A", "-1.#IND", "<NA>",         "NaT",      "None",  "nil",    "pd.NA",  "-",
        "\"nan\"",  "?",       "\xe2\x80\x94", "\xc2\xa0", "#NULL!"};
    char text[1024];
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        const char *word = words[i];
        snprintf(
            text,
            sizeof text,
            HEADER "1,A,a,1,2010,1.00,%s,UK\n1,A,%s,1,2010,1.00,,UK\n%s,A,a,1,2010,1.00,,UK\n"
                   "1,A,a,%s,2010,1.00,,UK\n1,A,a,1,2010,%s,,UK\n1,A,a,1,%s,1.00,,%s\n",
            word,
            word,
            word,
            word,
            word,
            word,
            word);
        const struct retail *retail = read_well(text);
        assert_int_equal(retail->customers_count, 0);
        text_is(retail->products[0].title, "a");
        assert_int_equal(retail->lines_skipped[RETAIL_SKIP_INVOICE], 1);
        assert_int_equal(retail->lines_skipped[RETAIL_SKIP_QUANTITY], 1);
        assert_int_equal(retail->lines_skipped[RETAIL_SKIP_PRICE], 1);
        assert_int_equal(retail->lines_qualifying, 3);
        retail_free(retail);
        snprintf(text, sizeof text, HEADER "1,%s,a,1,2010,1.00,,UK\n", word);
        stops_at(text, "line 2: ", "StockCode is empty");
    }
}

static void a_row_of_words_for_nothing_is_not_a_line(void **state)
{
    (void)state;
    const struct retail *retail = read_well(HEADER "NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL\n" LINE(
        "1",
        "A",
        "a",
        "1",
        "1",
        "") "nan,nan,nan,nan,nan,nan,nan,nan\n\xc2\xa0\n\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\"\n");
    assert_int_equal(retail->lines_read, 1);
    retail_free(retail);
}

static void what_looks_like_nothing_and_is_a_value_is_judged_as_one(void **state)
{
    (void)state;
    stops_at(HEADER LINE("1", "A", "a", "1", "#VALUE!", ""), "line 2: ", "UnitPrice \"#VALUE!\"");
    stops_at(HEADER LINE("1", "A", "a", "unknown", "1", ""), "line 2: ", "Quantity \"unknown\"");
    const struct retail *retail = read_well(HEADER LINE("1", "NAPKIN", "Nanny", "1", "1", "0"));
    text_is(retail->products[0].sku, "NAPKIN");
    text_is(retail->products[0].title, "Nanny");
    text_is(retail->customers[0], "0");
    retail_free(retail);
}

static void names_that_became_floats_are_whole_again(void **state)
{
    (void)state;
    const struct retail *retail = read_well(
        HEADER LINE("7.0", "22.0", "a", "1.0", "1", "13085.0")
            LINE("7", "22", "a", "1", "1", "13085") LINE("7.00", "22", "a", "1", "1", "13085.")
                LINE("8", "22.5", "b", "1", "1", "13085.00"));
    assert_int_equal(retail->customers_count, 1);
    assert_int_equal(retail->baskets_count, 2);
    assert_int_equal(retail->baskets[0].units, 3);
    text_is(retail->products[0].sku, "22");
    text_is(retail->products[1].sku, "22.5");
    retail_free(retail);
    stops_at(
        HEADER LINE("5.4E+05", "A", "a", "1", "1", ""), "line 2: ", "InvoiceNo \"5.4E+05\" was");
    stops_at(HEADER LINE("5", "A", "a", "1", "1", "1.3e4"), "line 2: ", "CustomerID \"1.3e4\" was");
    retail = read_well(HEADER LINE("5", "A", "a", "1", "1", "12e4"));
    text_is(retail->customers[0], "12e4");
    retail_free(retail);
}

static void numbers_are_refused_for_what_is_wrong_with_them(void **state)
{
    (void)state;
    static const struct {
        const char *price;
        const char *reason;
    } prices[] = {
        {"\"2,50\"", "has a comma"},
        {"\"1,234.50\"", "has a comma"},
        {"\"1.234,50\"", "has a comma"},
        {"1 234.50", "thousands separators"},
        {"1'234.50", "thousands separators"},
        {"\xc2\xa3"
         "2.50",
         "has a currency"},
        {"2.50 EUR", "has a currency"},
        {"inf", "is not finite"},
        {"-Infinity", "is not finite"},
        {"1e30", "is out of range"},
        {"10000000000.01", "is out of range"},
        {"(2.50)", "is not a decimal number"},
        {"0x10", "is not a decimal number"},
        {"=1+1", "is not a decimal number"},
    };
    char text[256];
    for (size_t i = 0; i < sizeof prices / sizeof prices[0]; i++) {
        snprintf(text, sizeof text, HEADER "1,A,a,1,2010,%s,,UK\n", prices[i].price);
        stops_at(text, "line 2: UnitPrice ", prices[i].reason);
    }
    stops_at(HEADER LINE("1", "A", "a", "1.5", "1", ""), "line 2: ", "is not a whole number");
    stops_at(HEADER LINE("1", "A", "a", "3 pcs", "1", ""), "line 2: ", "is not a whole number");
    stops_at(HEADER LINE("1", "A", "a", "1e10", "1", ""), "line 2: ", "is out of range");
    stops_at(HEADER LINE("1", "A", "a", "-99999999999", "1", ""), "line 2: ", "is out of range");
}

static void headers_of_other_hands_are_understood(void **state)
{
    (void)state;
    static const char *const headers[] = {
        "Invoice,StockCode,Description,Quantity,InvoiceDate,Price,Customer ID,Country\n",
        "invoice_no,stock_code,description,quantity,invoice_date,unit_price,customer_id,country\n",
        "\xef\xbb\xbf\"InvoiceNo\", StockCode ,DESCRIPTION,Quantity,InvoiceDate,UnitPrice,"
        "CustomerID,Country\n",
        "sep=,\nInvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,"
        "Country\n",
    };
    char text[512];
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        snprintf(text, sizeof text, "%s%s", headers[i], LINE("1", "A", "a", "3", "2.5", "7"));
        const struct retail *retail = read_well(text);
        assert_int_equal(retail->baskets[0].total_minor, 750);
        retail_free(retail);
    }
    snprintf(text, sizeof text, ",%s0,%s", HEADER, LINE("1", "A", "a", "3", "2.5", "7"));
    const struct retail *retail = read_well(text);
    assert_int_equal(retail->baskets[0].total_minor, 750);
    retail_free(retail);
}

static void headers_that_are_wrong_say_what_is(void **state)
{
    (void)state;
    stops_at(
        "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,CustomerID\n",
        "line 1: ",
        "the columns UnitPrice, Country are missing");
    stops_at("a,b\n", "line 1: ", "none of the columns");
    stops_at(
        "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,Price,CustomerID,Country\n",
        "line 1: ",
        "the column UnitPrice is missing");
    stops_at("Total," HEADER, "line 1: ", "the column \"Total\" is not one of");
    stops_at("stock code," HEADER, "line 1: ", "the column \"StockCode\" is there twice");
    stops_at("\n\nInvoiceNo,caf\xe9\n", "line 3: ", "not UTF-8");
    stops_at(HEADER "1;A;a;1;2010;1.00;;UK\n", "line 2: ", "1 columns, want 8");
}

static void characters_that_are_not_text_are_named(void **state)
{
    (void)state;
    stops_at(
        HEADER LINE("1", "A", "\"x\x1b\"", "1", "1", ""),
        "line 2: ",
        "Description has the control character U+001B");
    stops_at(
        HEADER LINE("1", "A\xc2\x9f", "a", "1", "1", ""),
        "line 2: ",
        "StockCode has the control character U+009F");
    stops_at(
        HEADER LINE("1", "A", "\xed\xa0\x80", "1", "1", ""), "line 2: ", "not UTF-8 (byte 0xED)");
    const struct retail *retail = read_well(HEADER LINE(
        "1",
        "A",
        "a\xe2\x80\xa8"
        "b\x0b"
        "c\xc2\x85"
        "d",
        "1",
        "\"2.5\n\"",
        "\"7\r\n\""));
    text_is(retail->products[0].title, "a b c d");
    text_is(retail->customers[0], "7");
    retail_free(retail);
}

static void files_of_other_kinds_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *start;
        const char *reason;
    } kinds[] = {
        {"PK\x03\x04rest", "Excel workbook"},
        {"\xd0\xcf\x11\xe0rest", "old Excel"},
        {"\x1f\x8brest", "gzip"},
        {"PAR1rest", "Parquet"},
        {"SQLite format 3", "SQLite"},
        {"<!DOCTYPE html>", "HTML"},
        {"[{\"InvoiceNo\":1}]", "JSON"},
        {"\n {\"InvoiceNo\":1}", "JSON"},
        {"\xef\xbb\xbf<html>", "HTML"},
        {"version https://git-lfs.github.com/spec/v1\n", "a Git LFS pointer"},
        {"\x01\x02", "not text"},
        {"\xff\xfeI", "UTF-16"},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        stops_at(kinds[i].start, "line 1: the file is ", kinds[i].reason);
}

static void columns_are_found_by_name(void **state)
{
    (void)state;
    const struct retail *retail = read_well(
        "Country,CustomerID,UnitPrice,InvoiceDate,Quantity,Description,StockCode,InvoiceNo\n"
        "UK,12.0,2.5,2010,3,thing,a1,77\n");
    text_is(retail->products[0].sku, "A1");
    text_is(retail->customers[0], "12");
    assert_int_equal(retail->baskets[0].total_minor, 750);
    retail_free(retail);
}

static void names_are_numbered_in_order_of_arrival(void **state)
{
    (void)state;
    struct name_index index;
    char name[16];
    uint32_t number = 0;
    name_index_init(&index);
    for (int round = 0; round < 2; round++)
        for (uint32_t i = 0; i < 1000; i++) {
            snprintf(name, sizeof name, "name-%u", i);
            assert_int_equal(name_index_put(&index, mr_cstr(name)), i);
        }
    assert_int_equal(index.count, 1000);
    assert_true(name_index_find(&index, mr_cstr("name-999"), &number));
    assert_int_equal(number, 999);
    assert_false(name_index_find(&index, mr_cstr("name-1000"), &number));
    name_index_clean_up(&index);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prices_round_half_up_from_their_decimals),
        cmocka_unit_test(a_text_that_is_not_a_price_is_refused),
        cmocka_unit_test(quantities_are_whole_and_fit),
        cmocka_unit_test(lines_that_do_not_qualify_are_counted_by_reason),
        cmocka_unit_test(skus_that_differ_in_case_are_one_product),
        cmocka_unit_test(the_title_is_the_last_description_that_is_not_blank),
        cmocka_unit_test(the_list_price_is_the_most_frequent_and_of_ties_the_lowest),
        cmocka_unit_test(baskets_keep_file_order_though_invoices_interleave),
        cmocka_unit_test(an_invoice_without_customer_is_a_guest_of_its_own),
        cmocka_unit_test(sums_stop_at_the_baskets_asked_for),
        cmocka_unit_test(malformed_lines_stop_it_with_line_and_reason),
        cmocka_unit_test(prices_are_read_as_databases_and_pandas_write_them),
        cmocka_unit_test(what_a_later_step_could_not_take_is_refused_first),
        cmocka_unit_test(rows_and_fields_of_nothing_are_nothing),
        cmocka_unit_test(a_line_break_or_a_tab_in_a_description_is_a_blank),
        cmocka_unit_test(files_of_other_kinds_are_named),
        cmocka_unit_test(words_for_nothing_are_nothing_in_every_column),
        cmocka_unit_test(a_row_of_words_for_nothing_is_not_a_line),
        cmocka_unit_test(what_looks_like_nothing_and_is_a_value_is_judged_as_one),
        cmocka_unit_test(names_that_became_floats_are_whole_again),
        cmocka_unit_test(numbers_are_refused_for_what_is_wrong_with_them),
        cmocka_unit_test(headers_of_other_hands_are_understood),
        cmocka_unit_test(headers_that_are_wrong_say_what_is),
        cmocka_unit_test(characters_that_are_not_text_are_named),
        cmocka_unit_test(columns_are_found_by_name),
        cmocka_unit_test(names_are_numbered_in_order_of_arrival),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
