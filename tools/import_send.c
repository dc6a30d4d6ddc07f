/* import_send.c - the file's products, customers and baskets as commands, each with an id of its
 * own. */
#include "import.h"

#include <base/clock.h>
#include <base/murmur2.h>
#include <sealing/email.h>

#include <inttypes.h>
#include <time.h>

enum { FULL_QUEUE_POLL_MS = 5, COMMAND_LIFETIME_MS = 24 * 3600 * 1000 };

static const struct mr_bytes importer = MR_LITERAL("import");
static const struct mr_bytes method = MR_LITERAL("IMPORT");

struct shop_id import_customer_command(const struct import *import, size_t customer)
{
    return shop_command_id(
        importer, method, mr_cstr("retail/customer"), import->retail->customers[customer]);
}

/* The owner of a basket, the same in every run. */
static struct shop_id owner_of(const struct import *import, size_t number)
{
    const struct retail_basket *basket = &import->retail->baskets[number];
    if (basket->customer != RETAIL_GUEST)
        return import->customers[basket->customer];
    struct shop_id id = shop_command_id(importer, method, mr_cstr("retail/guest"), basket->invoice);
    return shop_created_id("gst_", shop_id_view(&id));
}

static struct shop_id
place_command(const struct import *import, size_t number, struct mr_bytes owner)
{
    return shop_command_id(
        owner, method, mr_cstr("retail/order"), import->retail->baskets[number].invoice);
}

struct shop_id import_order_id(const struct import *import, size_t number)
{
    struct shop_id owner = owner_of(import, number);
    struct shop_id command = place_command(import, number, shop_id_view(&owner));
    return shop_order_id(shop_id_view(&owner), shop_id_view(&command));
}

static struct shop_command_meta meta_of(
    const struct import *import,
    const struct shop_id *command_id,
    struct mr_bytes fingerprint,
    struct mr_bytes principal,
    bool wants_reply)
{
    int64_t now = mr_unix_ms();
    return (struct shop_command_meta){
        .command_id = shop_id_view(command_id),
        .fingerprint = fingerprint,
        .principal = principal,
        .actor_kind = mr_cstr("system"),
        .issued_at = now,
        .deadline = now + COMMAND_LIFETIME_MS,
        .reply_to = mr_cstr(wants_reply ? "gateway.replies" : ""),
        .reply_partition = import->reply_partition,
        .correlation_id = shop_id_view(command_id),
    };
}

static void on_delivered(void *user, int code, int32_t partition, int64_t offset)
{
    struct import *import = user;
    int none = 0;
    (void)partition;
    (void)offset;
    if (code)
        atomic_compare_exchange_strong(&import->undelivered, &none, code);
}

static int send(
    struct import *import,
    const char *topic,
    struct mr_bytes key,
    enum shop_type type,
    const void *command,
    struct mr_bytes requires,
    struct mr_error *error)
{
    struct topo_header header = {mr_cstr("requires-position"), requires};
    mr_buffer_reset(&import->bytes);
    codec_encode(import->registry, type, topic, command, &import->bytes);
    struct topo_output output = {
        .key = key,
        .value = mr_buffer_view(&import->bytes),
        .headers = &header,
        .headers_count = requires.ptr ? 1 : 0,
    };
    for (;;) {
        int rc =
            topo_kafka_produce(import->producer, topic, -1, &output, on_delivered, import, error);
        if (rc != MR_AGAIN)
            return rc;
        nanosleep(&(struct timespec){.tv_nsec = FULL_QUEUE_POLL_MS * 1000000L}, NULL);
    }
}

/* Its answer is waited for. */
static void expect(struct import *import, const struct shop_id *command_id)
{
    (void)name_index_put(&import->commands, shop_id_view(command_id));
}

int import_send_product(struct import *import, size_t number, struct mr_error *error)
{
    const struct retail_product *product = &import->retail->products[number];
    struct mr_bytes product_id = shop_id_view(&import->products[number]);
    struct shop_id command_id =
        shop_command_id(importer, method, mr_cstr("retail/product"), product->sku);
    struct mr_bytes fingerprint = mr_arena_printf(
        &import->arena, "%.*s:%" PRId64, MR_ARG(product->title), product->price_minor);
    struct shop_create_product command = {
        .meta = meta_of(import, &command_id, fingerprint, importer, true),
        .product_id = product_id,
        .sku = product->sku,
        .title = product->title,
        .description = mr_cstr(""),
        .price = {product->price_minor, mr_cstr(IMPORT_CURRENCY)},
        .publish = true,
    };
    expect(import, &command_id);
    return send(
        import,
        "catalog.product.commands",
        product_id,
        SHOP_CREATE_PRODUCT,
        &command,
        (struct mr_bytes){0},
        error);
}

int import_send_stock(struct import *import, size_t number, struct mr_error *error)
{
    const struct retail_product *product = &import->retail->products[number];
    struct mr_bytes product_id = shop_id_view(&import->products[number]);
    struct shop_id command_id =
        shop_command_id(importer, method, mr_cstr("retail/stock"), product->sku);
    struct shop_adjust_stock command = {
        .meta = meta_of(
            import,
            &command_id,
            mr_arena_printf(&import->arena, "%" PRId64, product->units),
            importer,
            true),
        .product_id = product_id,
        .delta = product->units,
        .cause = mr_cstr(IMPORT_CAUSE),
    };
    expect(import, &command_id);
    return send(
        import,
        "inventory.stock.commands",
        product_id,
        SHOP_ADJUST_STOCK,
        &command,
        (struct mr_bytes){0},
        error);
}

int import_send_customer(struct import *import, size_t number, struct mr_error *error)
{
    struct mr_arena *arena = &import->arena;
    struct mr_bytes user_id = shop_id_view(&import->customers[number]);
    struct shop_id command_id = import_customer_command(import, number);
    struct mr_bytes address = mr_arena_printf(
        arena, "customer-%.*s@retail.example", MR_ARG(import->retail->customers[number]));
    struct mr_bytes email = {0};
    struct sealing_key key;
    if (!sealing_email_normalise(address, arena, &email))
        return mr_fail(error, MR_INVALID, "%.*s is no address", MR_ARG(address));
    struct mr_bytes email_key = sealing_email_key(&import->email_hmac, email, arena);
    struct shop_wrapped_key wrapped = sealing_wrap_new(&import->kek, user_id, arena, &key);
    struct shop_claim_email command = {
        .meta = meta_of(import, &command_id, email_key, importer, true),
        .email_key = email_key,
        .user_id = user_id,
        .email_sealed = sealing_seal(
            &key, wrapped.key_id, (struct sealing_context){"email", user_id}, email, arena),
        .locale = mr_cstr("en-GB"),
        .subject_key = wrapped,
    };
    expect(import, &command_id);
    return send(
        import,
        "identity.claim.commands",
        email_key,
        SHOP_CLAIM_EMAIL,
        &command,
        (struct mr_bytes){0},
        error);
}

/* What sales must have seen of the catalogue before the first command of a partition; nothing for
 * the others, which come after it. */
static struct mr_bytes required_by(struct import *import, struct mr_bytes owner)
{
    struct mr_bytes list = {0};
    int32_t partition = mr_partition_of(owner, import->sales_partitions);
    if (import->sales_told[partition])
        return list;
    import->sales_told[partition] = true;
    for (int32_t i = 0; i < IMPORT_PARTITIONS_MAX; i++)
        if (import->catalog_next[i])
            list = mr_arena_printf(
                &import->arena,
                "%.*s%scatalog.product.events:%" PRId32 ":%" PRId64,
                MR_ARG(list),
                list.len ? "," : "",
                i,
                import->catalog_next[i]);
    return list;
}

static int send_line(
    struct import *import,
    struct mr_bytes owner,
    const struct retail_basket *basket,
    size_t number,
    struct mr_error *error)
{
    const struct retail_line *line = &import->retail->lines[basket->lines_first + number];
    struct mr_bytes product_id = shop_id_view(&import->products[line->product]);
    struct shop_id command_id = shop_command_id(
        owner,
        method,
        mr_cstr("retail/line"),
        mr_arena_printf(&import->arena, "%.*s:%zu", MR_ARG(basket->invoice), number));
    struct shop_add_cart_item command = {
        .meta = meta_of(
            import,
            &command_id,
            mr_arena_printf(&import->arena, "%.*s:%" PRId32, MR_ARG(product_id), line->quantity),
            owner,
            false),
        .owner_id = owner,
        .product_id = product_id,
        .quantity = line->quantity,
    };
    return send(
        import,
        "sales.commands",
        owner,
        SHOP_ADD_CART_ITEM,
        &command,
        required_by(import, owner),
        error);
}

static int
send_order(struct import *import, struct mr_bytes owner, size_t number, struct mr_error *error)
{
    const struct retail_basket *basket = &import->retail->baskets[number];
    struct shop_id command_id = place_command(import, number, owner);
    struct shop_id order_id = shop_order_id(owner, shop_id_view(&command_id));
    struct shop_money total = {basket->total_minor, mr_cstr(IMPORT_CURRENCY)};
    struct shop_sealed token = sealing_seal(
        &import->payment,
        mr_cstr(SEALING_PAYMENT_ID),
        (struct sealing_context){"method", shop_id_view(&order_id)},
        mr_cstr("pm_approve"),
        &import->arena);
    struct shop_place_order command = {
        .meta = meta_of(
            import,
            &command_id,
            mr_arena_printf(&import->arena, "%" PRId64, basket->total_minor),
            owner,
            true),
        .owner_id = owner,
        .order_id = shop_id_view(&order_id),
        .expected_total = &total,
        .method_token_sealed = &token,
    };
    return send(
        import, "sales.commands", owner, SHOP_PLACE_ORDER, &command, (struct mr_bytes){0}, error);
}

/* The lines of a basket need not be waited for: an owner's commands keep their order. */
int import_send_basket(struct import *import, size_t number, struct mr_error *error)
{
    const struct retail_basket *basket = &import->retail->baskets[number];
    struct shop_id owner = owner_of(import, number);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < basket->lines_count; i++) {
        rc = send_line(import, shop_id_view(&owner), basket, i, error);
        mr_arena_reset(&import->arena);
    }
    if (rc == 0)
        rc = send_order(import, shop_id_view(&owner), number, error);
    mr_arena_reset(&import->arena);
    import->baskets[number].sent = true;
    return rc;
}
