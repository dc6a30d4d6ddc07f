/*
 * sales_merge.c - a guest's cart moves into a customer's: two decisions, perhaps on two partitions.
 *
 *     MergeCart (guest) --CartMerged, TakeCartLines--> (customer) --CartItemAdded ...--> answer
 *
 * Emptying the guest's cart and sending its lines are one transaction, so no line is lost. Each
 * half is a command with an outcome of its own, so no line is added twice; the id of the second is
 * made of the first's. The customer is answered by the second half, under the id of the first. A
 * repeated MergeCart sends it again, without lines: it is answered with what is remembered.
 */
#include "sales_cart.h"
#include "sales_price.h"

static void merge_send_lines(
    struct work *work,
    const struct shop_merge_cart *command,
    const struct shop_taken_line *lines,
    size_t count)
{
    struct shop_id id = shop_created_id("mrg_", command->meta.command_id);
    struct shop_take_cart_lines message = {
        .meta = command->meta,
        .answers = command->meta.command_id,
        .owner_id = command->into_owner_id,
        .from_owner_id = command->owner_id,
        .lines = lines,
        .lines_count = count,
    };
    message.meta.command_id = shop_id_view(&id);
    work_send(work, "own-commands", SHOP_TAKE_CART_LINES, command->into_owner_id, &message);
}

int merge_decide(
    struct work *work,
    const struct shop_merge_cart *command,
    void **ret_decision,
    struct mr_error *error)
{
    struct cart cart;
    struct cart_item *items = NULL;
    size_t count = 0;
    bool exists;
    if (!shop_id_is_valid(command->owner_id) || !shop_id_is_valid(command->into_owner_id) ||
        mr_bytes_equal(command->owner_id, command->into_owner_id))
        return mr_fail(error, MR_INVALID, "MergeCart does not name two owners");
    int rc = cart_load(work, command->owner_id, &cart, &exists, error);
    if (!rc && exists)
        rc = cart_items(&cart, &items, &count, error);
    if (rc)
        return rc;
    struct shop_taken_line *lines = mr_arena_alloc(work->arena, (count + 1) * sizeof *lines);
    for (size_t i = 0; i < count; i++)
        lines[i] = (struct shop_taken_line){items[i].product_id, items[i].state.quantity};
    if (count > 0)
        cart_emit_merged(&cart, command->into_owner_id);
    merge_send_lines(work, command, lines, count);
    *ret_decision = decision_accept(work, DECISION_REQUESTED, cart.state.cart_id);
    if (!cart.state.cart_id.ptr)
        ((struct decision *)*ret_decision)->aggregate_id = command->owner_id;
    return 0;
}

int merge_take(
    struct work *work,
    const struct shop_take_cart_lines *command,
    void **ret_decision,
    struct mr_error *error)
{
    struct cart cart;
    bool exists;
    if (!shop_id_is_valid(command->owner_id))
        return mr_fail(error, MR_INVALID, "TakeCartLines names no owner");
    int rc = cart_load(work, command->owner_id, &cart, &exists, error);
    for (size_t i = 0; i < command->lines_count && !rc; i++)
        rc = cart_take(&cart, command->lines[i].product_id, command->lines[i].quantity, error);
    if (!rc)
        cart_accept(&cart, ret_decision);
    return rc;
}

struct codec_message *
merge_as_answer(struct mr_arena *arena, const struct codec_message *take_lines)
{
    struct codec_message *answer = mr_arena_alloc(arena, sizeof *answer);
    struct shop_take_cart_lines *value = mr_arena_alloc(arena, sizeof *value);
    *value = *(const struct shop_take_cart_lines *)take_lines->value;
    value->meta.command_id = value->answers;
    *answer = *take_lines;
    answer->value = value;
    return answer;
}

int merge_reply(
    struct topo_context *context,
    const struct shop_service *service,
    const struct topo_command *command,
    bool replayed)
{
    struct work work;
    work_begin(&work, context, service, "/shop/sales", command->message);
    if (replayed)
        merge_send_lines(&work, ((const struct codec_message *)command->message)->value, NULL, 0);
    return 0;
}
