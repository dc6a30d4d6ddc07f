/* import_send.c - the file's products, customers and baskets as commands, each with an id of its
 * own. */
#include "import.h"

#include <base/alloc.h>
#include <base/clock.h>
#include <base/murmur2.h>
#include <sealing/email.h>

#include <assert.h>
#include <inttypes.h>
#include <time.h>

enum { FULL_QUEUE_POLL_MS = 5, COMMAND_LIFETIME_MS = 24 * 3600 * 1000 };

static const struct mr_bytes importer = MR_LITERAL("import");
static const struct mr_bytes method = MR_LITERAL("IMPORT");

/* Named by this run: what depends on the state that it has read. */
static struct shop_id send_name_by_run(
    struct import *import, struct mr_bytes principal, const char *route, struct mr_bytes name)
{
    return shop_command_id(
        principal,
        method,
        mr_cstr(route),
        mr_arena_printf(&import->arena, "%s:%.*s", import->run, MR_ARG(name)));
}

/* A guest has a cart of its own in every run. */
static struct shop_id send_find_owner(struct import *import, size_t number)
{
    const struct retail_basket *basket = &import->retail->baskets[number];
    if (basket->customer != RETAIL_GUEST)
        return import->customers[basket->customer].user_id;
    struct shop_id id = send_name_by_run(import, importer, "retail/guest", basket->invoice);
    return shop_created_id("gst_", shop_id_view(&id));
}

/* import_plan.c finds an order's file and invoice by it. */
static struct mr_bytes send_correlate(struct import *import, struct mr_bytes name)
{
    return mr_arena_printf(&import->arena, "retail:%s:%.*s", import->digest, MR_ARG(name));
}

static struct shop_command_meta send_make_meta(
    struct import *import,
    const struct shop_id *command_id,
    struct mr_bytes fingerprint,
    struct mr_bytes principal,
    struct mr_bytes correlated_name,
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
        .reply_to = mr_cstr(wants_reply ? TOPIC_GATEWAY_REPLIES : ""),
        .reply_partition = import->reply_partition,
        .correlation_id = send_correlate(import, correlated_name),
    };
}

static void send_note_delivery(void *user, int code, int32_t partition, int64_t offset)
{
    struct import *import = user;
    int none = 0;
    (void)partition;
    (void)offset;
    if (code)
        atomic_compare_exchange_strong(&import->undelivered, &none, code);
}

static int send_record(
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
        int rc = topo_kafka_produce(
            import->producer, topic, -1, &output, send_note_delivery, import, error);
        if (rc != MR_AGAIN)
            return rc;
        nanosleep(&(struct timespec){.tv_nsec = FULL_QUEUE_POLL_MS * 1000000L}, NULL);
    }
}

/* Its answer is waited for. */
static void send_expect_answer(
    struct import *import, const struct shop_id *command_id, enum import_setup kind, size_t number)
{
    uint32_t at = name_index_put(&import->command_ids, shop_id_view(command_id));
    import->commands =
        mr_grow(import->commands, at, &import->commands_capacity, sizeof *import->commands);
    import->commands[at] = (struct import_command){.kind = kind, .number = (uint32_t)number};
}

static int send_clear(
    struct import *import,
    struct mr_bytes owner,
    const struct shop_id *command_id,
    bool wants_reply,
    struct mr_error *error)
{
    struct shop_clear_cart command = {
        .meta = send_make_meta(
            import, command_id, mr_cstr("clear"), owner, mr_cstr("clear"), wants_reply),
        .owner_id = owner,
    };
    return send_record(
        import,
        TOPIC_SALES_COMMANDS,
        owner,
        SHOP_CLEAR_CART,
        &command,
        (struct mr_bytes){0},
        error);
}

int import_send_barriers(struct import *import, struct mr_error *error)
{
    int32_t found = 0;
    int rc = 0;
    for (int32_t i = 0; rc == 0 && found < import->sales_partitions; i++) {
        struct shop_id id = send_name_by_run(
            import, importer, "retail/barrier", mr_arena_printf(&import->arena, "%" PRId32, i));
        struct shop_id owner = shop_created_id("gst_", shop_id_view(&id));
        /* Owners are tried until every partition has had one. */
        if (mr_partition_of(shop_id_view(&owner), import->sales_partitions) == found) {
            send_expect_answer(import, &id, SETUP_BARRIER, (size_t)found);
            rc = send_clear(import, shop_id_view(&owner), &id, true, error);
            found++;
        }
        mr_arena_reset(&import->arena);
    }
    return rc;
}

static int send_create_product(struct import *import, size_t number, struct mr_error *error)
{
    const struct retail_product *product = &import->retail->products[number];
    struct mr_bytes product_id = shop_id_view(&import->products[number].id);
    struct shop_id command_id =
        shop_command_id(importer, method, mr_cstr("retail/product"), product->sku);
    struct mr_bytes fingerprint = mr_arena_printf(
        &import->arena, "%.*s:%" PRId64, MR_ARG(product->title), product->price_minor);
    struct shop_create_product command = {
        .meta = send_make_meta(import, &command_id, fingerprint, importer, product->sku, true),
        .product_id = product_id,
        .sku = product->sku,
        .title = product->title,
        .description = mr_cstr(""),
        .price = {product->price_minor, mr_cstr(IMPORT_CURRENCY)},
        .publish = true,
    };
    send_expect_answer(import, &command_id, SETUP_PRODUCT, number);
    return send_record(
        import,
        TOPIC_CATALOG_PRODUCT_COMMANDS,
        product_id,
        SHOP_CREATE_PRODUCT,
        &command,
        (struct mr_bytes){0},
        error);
}

static int send_change_price(struct import *import, size_t number, struct mr_error *error)
{
    const struct retail_product *product = &import->retail->products[number];
    struct mr_bytes product_id = shop_id_view(&import->products[number].id);
    struct shop_id command_id = send_name_by_run(import, importer, "retail/price", product->sku);
    struct shop_change_price command = {
        .meta = send_make_meta(import, &command_id, mr_cstr("price"), importer, product->sku, true),
        .product_id = product_id,
        .price = {product->price_minor, mr_cstr(IMPORT_CURRENCY)},
    };
    send_expect_answer(import, &command_id, SETUP_PRICE, number);
    return send_record(
        import,
        TOPIC_CATALOG_PRODUCT_COMMANDS,
        product_id,
        SHOP_CHANGE_PRICE,
        &command,
        (struct mr_bytes){0},
        error);
}

int import_send_product(struct import *import, size_t number, struct mr_error *error)
{
    assert(number < import->retail->products_count);
    const struct import_product *product = &import->products[number];
    int rc = 0;
    if (!product->exists)
        rc = send_create_product(import, number, error);
    else if (
        product->is_needed && product->price_minor != import->retail->products[number].price_minor)
        rc = send_change_price(import, number, error);
    import->products_accepted += product->exists;
    mr_arena_reset(&import->arena);
    return rc;
}

/* Named by file and product: a run that was cut short has perhaps sent it, and its answer is the
 * same then. */
int import_send_stock(struct import *import, size_t number, struct mr_error *error)
{
    assert(number < import->retail->products_count);
    const struct import_product *product = &import->products[number];
    struct mr_bytes product_id = shop_id_view(&product->id);
    if (product->stock_is_known || product->brought == 0)
        return 0;
    struct shop_adjust_stock command = {
        .meta = send_make_meta(
            import,
            &product->stock_command,
            mr_arena_printf(&import->arena, "%" PRId64, product->brought),
            importer,
            import->retail->products[number].sku,
            true),
        .product_id = product_id,
        .delta = product->brought,
        .cause = mr_cstr(IMPORT_CAUSE),
    };
    send_expect_answer(import, &product->stock_command, SETUP_STOCK, number);
    int rc = send_record(
        import,
        TOPIC_INVENTORY_STOCK_COMMANDS,
        product_id,
        SHOP_ADJUST_STOCK,
        &command,
        (struct mr_bytes){0},
        error);
    mr_arena_reset(&import->arena);
    return rc;
}

/* The part before the @ has room for 64 characters. */
static struct mr_bytes send_make_address(struct import *import, struct mr_bytes customer)
{
    enum { PREFIXED_MAX = 55 };
    return customer.len <= PREFIXED_MAX
               ? mr_arena_printf(&import->arena, "customer-%.*s@retail.example", MR_ARG(customer))
               : mr_arena_printf(&import->arena, "%.*s@customer.retail.example", MR_ARG(customer));
}

/* Claimed in every run: a claim by the same account is accepted again, by another one refused. */
int import_send_customer(struct import *import, size_t number, struct mr_error *error)
{
    assert(number < import->retail->customers_count);
    struct mr_arena *arena = &import->arena;
    struct mr_bytes name = import->retail->customers[number];
    const struct import_customer *customer = &import->customers[number];
    struct mr_bytes user_id = shop_id_view(&customer->user_id);
    struct mr_bytes email = {0};
    struct sealing_key key;
    if (!sealing_email_normalise(send_make_address(import, name), arena, &email))
        return mr_fail(error, MR_INVALID, "CustomerID %.*s cannot be in an address", MR_ARG(name));
    struct mr_bytes email_key = sealing_email_key(&import->email_hmac, email, arena);
    struct shop_wrapped_key wrapped = sealing_wrap_new(&import->kek, user_id, arena, &key);
    struct shop_claim_email command = {
        .meta = send_make_meta(import, &customer->command_id, email_key, importer, name, true),
        .email_key = email_key,
        .user_id = user_id,
        .email_sealed = sealing_seal(
            &key, wrapped.key_id, (struct sealing_context){"email", user_id}, email, arena),
        .locale = mr_cstr("en-GB"),
        .subject_key = wrapped,
    };
    send_expect_answer(import, &customer->command_id, SETUP_CUSTOMER, number);
    int rc = send_record(
        import,
        TOPIC_IDENTITY_CLAIM_COMMANDS,
        email_key,
        SHOP_CLAIM_EMAIL,
        &command,
        (struct mr_bytes){0},
        error);
    mr_arena_reset(arena);
    return rc;
}

/* The positions of the catalogue that sales must have reached before the first command of a
 * partition. The commands behind it need none. */
static struct mr_bytes send_require_catalog(struct import *import, struct mr_bytes owner)
{
    struct mr_bytes list = {0};
    int32_t partition = mr_partition_of(owner, import->sales_partitions);
    if (import->sales_waits[partition])
        return list;
    import->sales_waits[partition] = true;
    for (int32_t i = 0; i < IMPORT_PARTITIONS_MAX; i++)
        if (import->catalog_next[i])
            list = mr_arena_printf(
                &import->arena,
                "%.*s%s" TOPIC_CATALOG_PRODUCT_EVENTS ":%" PRId32 ":%" PRId64,
                MR_ARG(list),
                list.len ? "," : "",
                i,
                import->catalog_next[i]);
    return list;
}

/* A cart that an import before left something in is emptied first. */
static int
send_clear_cart(struct import *import, struct mr_bytes owner, size_t number, struct mr_error *error)
{
    const struct retail_basket *basket = &import->retail->baskets[number];
    struct import_customer *customer =
        basket->customer == RETAIL_GUEST ? NULL : &import->customers[basket->customer];
    if (!customer || !customer->was_there || customer->is_cleared)
        return 0;
    struct shop_id command_id = send_name_by_run(import, owner, "retail/clear", basket->invoice);
    customer->is_cleared = true;
    return send_clear(import, owner, &command_id, false, error);
}

static int send_line(
    struct import *import,
    struct mr_bytes owner,
    const struct retail_basket *basket,
    size_t line,
    struct mr_error *error)
{
    int32_t quantity = import->left[line];
    struct mr_bytes product_id =
        shop_id_view(&import->products[import->retail->lines[line].product].id);
    struct shop_id command_id = send_name_by_run(
        import, owner, "retail/line", mr_arena_printf(&import->arena, "%zu", line));
    struct shop_add_cart_item command = {
        .meta = send_make_meta(
            import,
            &command_id,
            mr_arena_printf(&import->arena, "%.*s:%" PRId32, MR_ARG(product_id), quantity),
            owner,
            basket->invoice,
            false),
        .owner_id = owner,
        .product_id = product_id,
        .quantity = quantity,
    };
    return send_record(
        import,
        TOPIC_SALES_COMMANDS,
        owner,
        SHOP_ADD_CART_ITEM,
        &command,
        send_require_catalog(import, owner),
        error);
}

static int64_t send_sum_order(const struct import *import, const struct retail_basket *basket)
{
    int64_t total = 0;
    for (size_t i = basket->lines_first; i < basket->lines_first + basket->lines_count; i++)
        total += import->left[i] *
                 import->retail->products[import->retail->lines[i].product].price_minor;
    return total;
}

/* Names the expected total, so that a cart with anything else in it is refused, not ordered. */
static int
send_order(struct import *import, struct mr_bytes owner, size_t number, struct mr_error *error)
{
    const struct retail_basket *basket = &import->retail->baskets[number];
    struct shop_id command_id = send_name_by_run(import, owner, "retail/order", basket->invoice);
    struct shop_id order_id = shop_order_id(owner, shop_id_view(&command_id));
    struct shop_money total = {send_sum_order(import, basket), mr_cstr(IMPORT_CURRENCY)};
    struct shop_sealed token = sealing_seal(
        &import->payment,
        mr_cstr(SEALING_PAYMENT_ID),
        (struct sealing_context){"method", shop_id_view(&order_id)},
        mr_cstr("pm_approve"),
        &import->arena);
    struct shop_place_order command = {
        .meta = send_make_meta(
            import,
            &command_id,
            mr_arena_printf(&import->arena, "%" PRId64, total.minor),
            owner,
            basket->invoice,
            true),
        .owner_id = owner,
        .order_id = shop_id_view(&order_id),
        .expected_total = &total,
        .method_token_sealed = &token,
    };
    (void)import_add_order(import, shop_id_view(&order_id), (uint32_t)number, true);
    return send_record(
        import,
        TOPIC_SALES_COMMANDS,
        owner,
        SHOP_PLACE_ORDER,
        &command,
        (struct mr_bytes){0},
        error);
}

/* The lines of a basket need not be waited for: an owner's commands keep their order. */
int import_send_basket(struct import *import, size_t number, struct mr_error *error)
{
    assert(number < import->baskets_count && import->baskets[number].to_place);
    const struct retail_basket *basket = &import->retail->baskets[number];
    struct shop_id owner = send_find_owner(import, number);
    int rc = send_clear_cart(import, shop_id_view(&owner), number, error);
    size_t end = basket->lines_first + basket->lines_count;
    for (size_t i = basket->lines_first; rc == 0 && i < end; i++) {
        if (import->left[i] > 0)
            rc = send_line(import, shop_id_view(&owner), basket, i, error);
        mr_arena_reset(&import->arena);
    }
    if (rc == 0)
        rc = send_order(import, shop_id_view(&owner), number, error);
    mr_arena_reset(&import->arena);
    import->baskets[number].orders_open++;
    return rc;
}
