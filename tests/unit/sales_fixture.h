/* sales_fixture.h - the sales aggregate on a fake context: products, and the usual commands. */
#ifndef TESTS_SALES_FIXTURE_H
#define TESTS_SALES_FIXTURE_H

#include "../../processors/src/sales.h"
#include "../../processors/src/sales_order.h"
#include "../support/fake_task.h"

#include <base/alloc.h>
#include <processors/product.h>
#include <tests/cmocka.h>

#include <stdlib.h>

#define SALES_OWNER "usr_a"
#define FIRST       "prd_first"
#define SECOND      "prd_second"
#define THIRD       "prd_third"

static const struct shop_sealed sales_method = {
    .key_id = MR_LITERAL("payment"),
    .alg = MR_LITERAL("XC20P"),
    .nonce = MR_LITERAL("nonce"),
    .ct = MR_LITERAL("pm_ok"),
};

static inline struct shop_money sales_pence(int64_t minor)
{
    return (struct shop_money){minor, mr_cstr("GBP")};
}

static inline void
sales_set_product(struct fake_task *task, const char *id, int status, struct shop_money price)
{
    static int64_t price_version;
    struct shop_product_state product = {
        .sku = mr_cstr(id),
        .title = mr_cstr(id),
        .status = status,
        .price = price,
        .price_version = ++price_version,
        .version = price_version,
    };
    fake_task_set_global(task, "price", SHOP_PRODUCT_STATE, id, &product);
}

static inline int sales_set_up(void **state)
{
    struct fake_task *task = mr_calloc(1, sizeof *task);
    fake_task_open(task, sales_aggregate);
    sales_set_product(task, FIRST, SHOP_PRODUCT_STATUS_PUBLISHED, sales_pence(100));
    sales_set_product(task, SECOND, SHOP_PRODUCT_STATUS_PUBLISHED, sales_pence(250));
    sales_set_product(task, THIRD, SHOP_PRODUCT_STATUS_PUBLISHED, sales_pence(999));
    *state = task;
    return 0;
}

static inline int sales_tear_down(void **state)
{
    fake_task_close(*state);
    free(*state);
    return 0;
}

/* A message that is taken: by an outcome, or by doing what it asks. */
static inline void sales_tell(struct fake_task *task, enum shop_type type, const void *message)
{
    struct mr_error error = {0};
    if (fake_task_tell(task, type, message, &error))
        fail_msg("%s: %s", shop_types[type].name, error.text);
}

static inline void sales_expect_accepted(const struct fake_task *task)
{
    assert_non_null(task->decision);
    if (task->decision->rejection)
        fail_msg("refused: %.*s", MR_ARG(task->decision->rejection->reason));
}

/* Refused for this reason, and nothing else happened. */
static inline void sales_expect_refused(const struct fake_task *task, enum shop_reason reason)
{
    assert_non_null(task->decision);
    assert_non_null(task->decision->rejection);
    if (shop_reason_of(task->decision->rejection->reason) != reason)
        fail_msg("refused: %.*s", MR_ARG(task->decision->rejection->reason));
    assert_int_equal(task->outputs_count, 0);
}

static inline void sales_add(struct fake_task *task, const char *product_id, int32_t quantity)
{
    struct shop_add_cart_item command = {
        .meta = fake_task_command(task, "customer"),
        .owner_id = mr_cstr(SALES_OWNER),
        .product_id = mr_cstr(product_id),
        .quantity = quantity,
    };
    sales_tell(task, SHOP_ADD_CART_ITEM, &command);
}

static inline void sales_set(struct fake_task *task, const char *product_id, int32_t quantity)
{
    struct shop_set_cart_item_quantity command = {
        .meta = fake_task_command(task, "customer"),
        .owner_id = mr_cstr(SALES_OWNER),
        .product_id = mr_cstr(product_id),
        .quantity = quantity,
    };
    sales_tell(task, SHOP_SET_CART_ITEM_QUANTITY, &command);
}

static inline void sales_remove(struct fake_task *task, const char *product_id)
{
    struct shop_remove_cart_item command = {
        .meta = fake_task_command(task, "customer"),
        .owner_id = mr_cstr(SALES_OWNER),
        .product_id = mr_cstr(product_id),
    };
    sales_tell(task, SHOP_REMOVE_CART_ITEM, &command);
}

static inline void sales_clear(struct fake_task *task)
{
    struct shop_clear_cart command = {
        .meta = fake_task_command(task, "customer"), .owner_id = mr_cstr(SALES_OWNER)};
    sales_tell(task, SHOP_CLEAR_CART, &command);
}

static inline const struct shop_cart_state *sales_cart(struct fake_task *task)
{
    return fake_task_state(task, "cart", SHOP_CART_STATE, mr_cstr(SALES_OWNER));
}

static inline const struct shop_cart_line_state *
sales_line(struct fake_task *task, const char *product_id)
{
    struct mr_bytes key =
        key_join(fake_task_arena(task), mr_cstr(SALES_OWNER), mr_cstr(product_id));
    return fake_task_state(task, "cart-lines", SHOP_CART_LINE_STATE, key);
}

/* PlaceOrder as the command API makes it; the order's id follows from the command's. */
static inline struct shop_place_order
sales_place_command(struct fake_task *task, const struct shop_sealed *method)
{
    struct shop_place_order command = {
        .meta = fake_task_command(task, "customer"),
        .owner_id = mr_cstr(SALES_OWNER),
        .method_token_sealed = method,
    };
    struct shop_id id = shop_order_id(command.owner_id, command.meta.command_id);
    command.order_id = mr_arena_copy(fake_task_arena(task), shop_id_view(&id));
    return command;
}

static inline struct mr_bytes sales_place(struct fake_task *task, const struct shop_sealed *method)
{
    struct shop_place_order command = sales_place_command(task, method);
    sales_tell(task, SHOP_PLACE_ORDER, &command);
    sales_expect_accepted(task);
    return command.order_id;
}

static inline const struct shop_order_state *
sales_order(struct fake_task *task, struct mr_bytes order_id)
{
    return fake_task_state(task, "orders", SHOP_ORDER_STATE, order_id);
}

/* The catalog's answer for one line. */
static inline void sales_hear_stock(
    struct fake_task *task, struct mr_bytes order_id, int32_t line_no, const char *result)
{
    struct shop_stock_reply reply = {
        .owner_id = mr_cstr(SALES_OWNER),
        .order_id = order_id,
        .line_no = line_no,
        .result = mr_cstr(result),
    };
    sales_tell(task, SHOP_STOCK_REPLY, &reply);
}

/* The payments service's answer for an attempt. */
static inline void sales_hear_payment(
    struct fake_task *task,
    struct mr_bytes order_id,
    int attempt,
    const char *result,
    const char *decline_class)
{
    struct shop_id id = shop_payment_id(order_id, attempt);
    struct shop_payment_reply reply = {
        .payment_id = shop_id_view(&id),
        .order_id = order_id,
        .owner_id = mr_cstr(SALES_OWNER),
        .result = mr_cstr(result),
        .decline_class = mr_cstr(decline_class),
    };
    sales_tell(task, SHOP_PAYMENT_REPLY, &reply);
}

#define SALES_TEST(name) cmocka_unit_test_setup_teardown(name, sales_set_up, sales_tear_down)

#endif
