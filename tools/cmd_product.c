/* cmd_product.c - `millrace product ...`: what the staff does with a product, and what it is. */
#include "staff.h"

#include <api/shop_json.h>
#include <base/murmur2.h>
#include <http/json.h>
#include <processors/limits.h>
#include <processors/product.h>

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    CURRENCY_LEN = 3,
    CATEGORIES_MAX = 32,
    CATEGORIES_BYTES_MAX = 2048,
    CATEGORY_BYTES_MAX = 64
};

static const struct mr_bytes no_text = MR_LITERAL("");

/* -- what it is -- */

static void product_take_details(
    struct staff_product *product,
    struct mr_bytes title,
    struct mr_bytes description,
    const struct mr_bytes *category_ids,
    size_t category_ids_count)
{
    product->title = title;
    product->description = description;
    product->category_ids = category_ids;
    product->category_ids_count = category_ids_count;
}

/* The fold of the catalog, with what people read beside it. */
static void product_take_event(
    void *user,
    const struct codec_message *event,
    const struct shop_meta *meta,
    struct mr_bytes key)
{
    struct staff_product *product = user;
    struct mr_bytes detail = {0};
    (void)key;
    switch (event->id) {
    case SHOP_PRODUCT_CREATED: {
        const struct shop_product_created *created = event->value;
        product->exists = true;
        product->sku = created->sku;
        product_take_details(
            product,
            created->title,
            created->description,
            created->category_ids,
            created->category_ids_count);
        break;
    }
    case SHOP_PRODUCT_DETAILS_CHANGED: {
        const struct shop_product_details_changed *changed = event->value;
        product_take_details(
            product,
            changed->title,
            changed->description,
            changed->category_ids,
            changed->category_ids_count);
        break;
    }
    case SHOP_PRICE_CHANGED: {
        const struct shop_price_changed *changed = event->value;
        product->price = changed->price;
        product->price_version = changed->price_version;
        detail = staff_money(&product->history.staff->arena, &changed->price);
        break;
    }
    case SHOP_PRODUCT_PUBLISHED:
        product->status = SHOP_PRODUCT_STATUS_PUBLISHED;
        break;
    case SHOP_PRODUCT_DISCONTINUED:
        product->status = SHOP_PRODUCT_STATUS_DISCONTINUED;
        break;
    default:
        break;
    }
    product->version = meta->aggregate_version;
    staff_history_add(&product->history, event, meta, detail);
}

int staff_read_product(
    struct staff *staff,
    struct mr_bytes product_id,
    struct staff_product *ret_product,
    struct mr_error *error)
{
    *ret_product = (struct staff_product){
        .history = {.staff = staff}, .sku = no_text, .title = no_text, .description = no_text};
    int32_t partitions = staff_partitions(staff, TOPIC_CATALOG_PRODUCT_EVENTS, error);
    if (partitions < 0)
        return partitions;
    int rc = staff_read(
        staff,
        TOPIC_CATALOG_PRODUCT_EVENTS,
        mr_partition_of(product_id, partitions),
        product_id,
        true,
        product_take_event,
        ret_product,
        error);
    if (rc == 0 && !ret_product->exists) {
        mr_fail(error, MR_NOT_FOUND, "there is no product %.*s", MR_ARG(product_id));
        rc = EXIT_REFUSED;
    }
    return rc;
}

static const char *product_status_name(int status)
{
    static const char *const names[] = {
        [SHOP_PRODUCT_STATUS_DRAFT] = "draft",
        [SHOP_PRODUCT_STATUS_PUBLISHED] = "published",
        [SHOP_PRODUCT_STATUS_DISCONTINUED] = "discontinued"};
    return names[status];
}

static void product_print_json(const struct staff_product *product, struct mr_bytes product_id)
{
    struct mr_buffer out = {0};
    struct json_w w = json_w_to(&out);
    json_w_object(&w);
    json_w_key_text(&w, "product_id", product_id);
    json_w_key_text(&w, "sku", product->sku);
    json_w_key_text(&w, "title", product->title);
    json_w_key_text(&w, "description", product->description);
    json_w_key(&w, "category_ids");
    json_w_array(&w);
    for (size_t i = 0; i < product->category_ids_count; i++)
        json_w_text(&w, product->category_ids[i]);
    json_w_array_end(&w);
    shop_json_key_money(&w, "price", &product->price);
    json_w_key_integer(&w, "price_version", product->price_version);
    json_w_key_text(&w, "status", mr_cstr(product_status_name(product->status)));
    json_w_key_integer(&w, "version", product->version);
    staff_history_write(&product->history, &w);
    json_w_object_end(&w);
    printf("%.*s\n", MR_ARG(mr_buffer_view(&out)));
    mr_buffer_clean_up(&out);
}

static void product_print_text(const struct staff_product *product, struct mr_bytes product_id)
{
    struct mr_bytes price = staff_money(&product->history.staff->arena, &product->price);
    printf(
        "%.*s  %.*s\n  title: %.*s\n  description: %.*s\n  categories:",
        MR_ARG(product_id),
        MR_ARG(product->sku),
        MR_ARG(product->title),
        MR_ARG(product->description));
    for (size_t i = 0; i < product->category_ids_count; i++)
        printf(" %.*s", MR_ARG(product->category_ids[i]));
    printf(
        "\n  price: %.*s, the %" PRId64 ". price\n  status: %s\n  version: %" PRId64 "\n",
        MR_ARG(price),
        product->price_version,
        product_status_name(product->status),
        product->version);
    staff_history_print(&product->history);
}

static int product_show(struct staff *staff, struct mr_error *error)
{
    struct staff_product product;
    struct mr_bytes product_id = staff_product_id(staff, staff->options->operands[0]);
    int rc = staff_read_product(staff, product_id, &product, error);
    if (rc == 0 && staff->json)
        product_print_json(&product, product_id);
    else if (rc == 0)
        product_print_text(&product, product_id);
    staff_history_clean_up(&product.history);
    return rc;
}

/* -- what is done with it -- */

static int product_read_categories(
    struct staff *staff, const struct mr_bytes **ret_ids, size_t *ret_count, struct mr_error *error)
{
    struct mr_bytes list = {0};
    int rc = staff_text(staff, "categories", CATEGORIES_BYTES_MAX, &list, error);
    struct mr_bytes *ids = mr_arena_alloc(&staff->arena, CATEGORIES_MAX * sizeof *ids);
    size_t count = 0;
    for (size_t from = 0, i = 0; rc == 0 && list.ptr && i <= list.len; i++) {
        if (i < list.len && list.ptr[i] != ',')
            continue;
        if (i == from || i - from > CATEGORY_BYTES_MAX || count == CATEGORIES_MAX) {
            mr_fail(
                error,
                MR_CONFIG,
                "--categories: up to %d names by commas, each of 1 to %d bytes",
                CATEGORIES_MAX,
                CATEGORY_BYTES_MAX);
            return EXIT_USAGE;
        }
        ids[count++] = mr_bytes_of(list.ptr + from, i - from);
        from = i + 1;
    }
    *ret_ids = ids;
    *ret_count = count;
    return rc;
}

static int
product_read_currency(struct staff *staff, struct mr_bytes *ret_currency, struct mr_error *error)
{
    struct mr_bytes currency = mr_cstr(mr_options_text(staff->options, "currency"));
    bool good = currency.len == CURRENCY_LEN;
    for (size_t i = 0; good && i < currency.len; i++)
        good = currency.ptr[i] >= 'A' && currency.ptr[i] <= 'Z';
    *ret_currency = currency;
    if (good)
        return 0;
    mr_fail(error, MR_CONFIG, "--currency: three capital letters are needed, as EUR");
    return EXIT_USAGE;
}

/* The id is made of the SKU, so that one SKU is one product. */
static int product_create(struct staff *staff, struct mr_error *error)
{
    struct mr_bytes product_id = staff_product_id(staff, staff->options->operands[0]);
    char *sku = mr_arena_cstr(&staff->arena, mr_cstr(staff->options->operands[0]));
    struct mr_bytes price = mr_cstr(mr_options_text(staff->options, "price"));
    struct shop_create_product command = {
        .product_id = product_id,
        .description = no_text,
        .publish = mr_options_switch(staff->options, "publish"),
    };
    if (mr_bytes_starts_with(mr_cstr(sku), mr_cstr("prd_"))) {
        mr_fail(error, MR_CONFIG, "a SKU is needed, not an id: the id is made of it");
        return EXIT_USAGE;
    }
    command.sku = staff_sku(staff, sku);
    int rc = product_read_currency(staff, &command.price.currency, error);
    rc = rc ? rc : staff_text(staff, "title", SHOP_TITLE_BYTES_MAX, &command.title, error);
    struct mr_bytes description = {0};
    rc = rc ? rc : staff_text(staff, "description", SHOP_TEXT_BYTES_MAX, &description, error);
    rc = rc ? rc
            : product_read_categories(
                  staff, &command.category_ids, &command.category_ids_count, error);
    if (rc == 0 && (!command.title.ptr || !price.ptr))
        rc = staff_refuse_missing(command.title.ptr ? "price" : "title", error);
    rc =
        rc ? rc : staff_amount("price", price, command.price.currency, &command.price.minor, error);
    if (description.ptr)
        command.description = description;
    return rc ? rc
              : staff_send(
                    staff,
                    TOPIC_CATALOG_PRODUCT_COMMANDS,
                    product_id,
                    SHOP_CREATE_PRODUCT,
                    &command,
                    error);
}

/* Without --currency in the currency that the product has. */
static int product_price(struct staff *staff, struct mr_error *error)
{
    struct mr_bytes product_id = staff_product_id(staff, staff->options->operands[0]);
    struct mr_bytes price = mr_cstr(mr_options_text(staff->options, "price"));
    struct shop_change_price command = {.product_id = product_id};
    struct staff_product product = {0};
    int rc = price.ptr ? 0 : staff_refuse_missing("price", error);
    if (rc == 0 && mr_options_text(staff->options, "currency")) {
        rc = product_read_currency(staff, &command.price.currency, error);
    } else if (rc == 0) {
        rc = staff_read_product(staff, product_id, &product, error);
        command.price.currency = product.price.currency;
    }
    rc =
        rc ? rc : staff_amount("price", price, command.price.currency, &command.price.minor, error);
    rc = rc ? rc
            : staff_send(
                  staff,
                  TOPIC_CATALOG_PRODUCT_COMMANDS,
                  product_id,
                  SHOP_CHANGE_PRICE,
                  &command,
                  error);
    staff_history_clean_up(&product.history);
    return rc;
}

/* The key stands for what was given: what is filled in may have changed at a repetition. */
static struct mr_bytes product_ask_details(struct staff *staff)
{
    const char *title = mr_options_text(staff->options, "title");
    const char *description = mr_options_text(staff->options, "description");
    const char *categories = mr_options_text(staff->options, "categories");
    return mr_arena_printf(
        &staff->arena,
        "%s\n%s\n%s",
        title ? title : "-",
        description ? description : "-",
        categories ? categories : "-");
}

/* The event has all of the texts: those that are not given stay as they are, which another's change
 * meanwhile would undo; so the version is the one that was read. */
static int product_details(struct staff *staff, struct mr_error *error)
{
    struct mr_bytes product_id = staff_product_id(staff, staff->options->operands[0]);
    struct shop_change_product_details command = {.product_id = product_id};
    struct staff_product product = {0};
    int rc = staff_text(staff, "title", SHOP_TITLE_BYTES_MAX, &command.title, error);
    rc = rc ? rc
            : staff_text(staff, "description", SHOP_TEXT_BYTES_MAX, &command.description, error);
    rc = rc ? rc
            : product_read_categories(
                  staff, &command.category_ids, &command.category_ids_count, error);
    if (rc == 0 && !command.title.ptr && !command.description.ptr && !command.category_ids_count)
        rc = staff_refuse_missing("title, --description or --categories", error);
    rc = rc ? rc : staff_read_product(staff, product_id, &product, error);
    if (!command.title.ptr)
        command.title = product.title;
    if (!command.description.ptr)
        command.description = product.description;
    if (!command.category_ids_count) {
        command.category_ids = product.category_ids;
        command.category_ids_count = product.category_ids_count;
    }
    staff->asked = product_ask_details(staff);
    staff->expects_version = true;
    staff->expected_version = product.version;
    rc = rc ? rc
            : staff_send(
                  staff,
                  TOPIC_CATALOG_PRODUCT_COMMANDS,
                  product_id,
                  SHOP_CHANGE_PRODUCT_DETAILS,
                  &command,
                  error);
    staff_history_clean_up(&product.history);
    return rc;
}

static int product_publish(struct staff *staff, struct mr_error *error)
{
    struct shop_publish_product command = {
        .product_id = staff_product_id(staff, staff->options->operands[0])};
    return staff_send(
        staff,
        TOPIC_CATALOG_PRODUCT_COMMANDS,
        command.product_id,
        SHOP_PUBLISH_PRODUCT,
        &command,
        error);
}

static int product_discontinue(struct staff *staff, struct mr_error *error)
{
    struct shop_discontinue_product command = {
        .product_id = staff_product_id(staff, staff->options->operands[0]), .cause = staff->reason};
    if (!staff->reason.ptr)
        return staff_refuse_missing("reason", error);
    return staff_send(
        staff,
        TOPIC_CATALOG_PRODUCT_COMMANDS,
        command.product_id,
        SHOP_DISCONTINUE_PRODUCT,
        &command,
        error);
}

/* -- the commands -- */

#define PRODUCT_DETAIL_OPTIONS                                                                     \
    {"title", NULL, "TEXT", NULL, "its name in the shop"},                                         \
        {"description", NULL, "TEXT", NULL, "what it is"},                                         \
    {                                                                                              \
        "categories", NULL, "A,B", NULL, "the categories that it is in"                            \
    }

static const struct mr_option show_options[] = {STAFF_OPTIONS};
static const struct mr_option change_options[] = {STAFF_CHANGE_OPTIONS};
static const struct mr_option details_options[] = {PRODUCT_DETAIL_OPTIONS, STAFF_CHANGE_OPTIONS};
static const struct mr_option create_options[] = {
    PRODUCT_DETAIL_OPTIONS,
    {"price", NULL, "AMOUNT", NULL, "as 12.50"},
    {"currency", NULL, "CODE", "EUR", "of the price"},
    {"publish", NULL, NULL, NULL, "put it up for sale at once"},
    STAFF_CHANGE_OPTIONS,
};
static const struct mr_option price_options[] = {
    {"price", NULL, "AMOUNT", NULL, "as 12.50"},
    {"currency", NULL, "CODE", NULL, "of the price (default: the one that the product has)"},
    STAFF_CHANGE_OPTIONS,
};

#define PRODUCT_COMMAND(name, table, operand, does)                                                \
    .words = "product " name, .operands = operand, .operands_count = 1, .purpose = does,           \
    .notes = STAFF_EXIT_NOTES, .options = table, .options_count = sizeof(table) / sizeof(table)[0]

const struct tool_command tool_product_show = {
    PRODUCT_COMMAND("show", show_options, "PRODUCT", "print a product and who changed it and why"),
    .run_staff = product_show,
};
const struct tool_command tool_product_create = {
    PRODUCT_COMMAND("create", create_options, "SKU", "create a product, a draft unless --publish"),
    .run_staff = product_create,
};
const struct tool_command tool_product_price = {
    PRODUCT_COMMAND("price", price_options, "PRODUCT", "set the price of a product"),
    .run_staff = product_price,
};
const struct tool_command tool_product_details = {
    PRODUCT_COMMAND("details", details_options, "PRODUCT", "change a product's texts"),
    .run_staff = product_details,
};
const struct tool_command tool_product_publish = {
    PRODUCT_COMMAND("publish", change_options, "PRODUCT", "put a draft up for sale"),
    .run_staff = product_publish,
};
const struct tool_command tool_product_discontinue = {
    PRODUCT_COMMAND(
        "discontinue",
        change_options,
        "PRODUCT",
        "take a product off sale for good, with a reason"),
    .run_staff = product_discontinue,
};
