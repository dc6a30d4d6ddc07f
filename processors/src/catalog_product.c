/*
 * catalog_product.c - products: created once, priced, described, published, discontinued.
 *
 * A product's version counts its own events; its price_version counts its prices, and is what an
 * order line remembers of the price it was promised.
 */
#include "catalog.h"

static const struct mr_bytes no_text = MR_LITERAL("");

struct product {
    struct work *work;
    struct mr_bytes id;
    const struct shop_product_state *state; /* NULL: unknown. */
    int64_t version;
};

static struct shop_meta product_next_meta(struct product *product)
{
    return work_meta(product->work, "product", product->id, ++product->version);
}

static void product_emit(
    struct product *product, enum shop_type type, const struct shop_meta *meta, const void *event)
{
    work_emit(product->work, "product-events", type, product->id, meta, event);
}

static void
product_emit_price(struct product *product, struct shop_money price, int64_t price_version)
{
    struct shop_price_changed event = {
        .meta = product_next_meta(product),
        .product_id = product->id,
        .price = price,
        .price_version = price_version,
        .effective_at = product->work->now_ms,
    };
    product_emit(product, SHOP_PRICE_CHANGED, &event.meta, &event);
}

static void product_emit_published(struct product *product)
{
    struct shop_product_published event = {
        .meta = product_next_meta(product), .product_id = product->id};
    product_emit(product, SHOP_PRODUCT_PUBLISHED, &event.meta, &event);
}

static void *product_reject_field(struct product *product, const char *what)
{
    return decision_reject(
        product->work,
        SHOP_REASON_FIELD_INVALID,
        product->id,
        &(struct shop_rejection){.subject = mr_cstr(what)});
}

static void *product_accept(struct product *product, enum decision_effect effect)
{
    struct decision *decision = decision_accept(product->work, effect, product->id);
    decision->subject_id = product->id;
    decision->has_version = true;
    decision->version = product->version;
    return decision;
}

static void *product_create(struct product *product, const struct shop_create_product *command)
{
    if (product->state)
        return decision_reject(product->work, SHOP_REASON_PRODUCT_EXISTS, product->id, NULL);
    if (command->sku.len == 0 || command->sku.len > SHOP_SKU_BYTES_MAX)
        return product_reject_field(product, "sku");
    if (command->title.len == 0 || command->title.len > SHOP_TITLE_BYTES_MAX)
        return product_reject_field(product, "title");
    if (command->description.len > SHOP_TEXT_BYTES_MAX)
        return product_reject_field(product, "description");
    if (!money_is_price(&command->price))
        return product_reject_field(product, "price");
    struct shop_product_created event = {
        .meta = product_next_meta(product),
        .product_id = product->id,
        .sku = command->sku,
        .title = command->title,
        .description = command->description,
        .category_ids = command->category_ids,
        .category_ids_count = command->category_ids_count,
    };
    product_emit(product, SHOP_PRODUCT_CREATED, &event.meta, &event);
    product_emit_price(product, command->price, 1);
    if (command->publish)
        product_emit_published(product);
    return product_accept(product, DECISION_CREATED);
}

static void *product_change_price(struct product *product, const struct shop_change_price *command)
{
    if (!money_is_price(&command->price))
        return product_reject_field(product, "price");
    if (!money_equal(&product->state->price, &command->price))
        product_emit_price(product, command->price, product->state->price_version + 1);
    return product_accept(product, DECISION_CHANGED);
}

static void *
product_change_details(struct product *product, const struct shop_change_product_details *command)
{
    if (command->title.len == 0 || command->title.len > SHOP_TITLE_BYTES_MAX)
        return product_reject_field(product, "title");
    if (command->description.len > SHOP_TEXT_BYTES_MAX)
        return product_reject_field(product, "description");
    struct shop_product_details_changed event = {
        .meta = product_next_meta(product),
        .product_id = product->id,
        .title = command->title,
        .description = command->description,
        .category_ids = command->category_ids,
        .category_ids_count = command->category_ids_count,
    };
    product_emit(product, SHOP_PRODUCT_DETAILS_CHANGED, &event.meta, &event);
    return product_accept(product, DECISION_CHANGED);
}

static void *product_publish(struct product *product)
{
    if (product->state->status == SHOP_PRODUCT_STATUS_DRAFT)
        product_emit_published(product);
    if (product->state->status == SHOP_PRODUCT_STATUS_DISCONTINUED)
        return decision_reject(product->work, SHOP_REASON_PRODUCT_DISCONTINUED, product->id, NULL);
    return product_accept(product, DECISION_CHANGED);
}

static void *
product_discontinue(struct product *product, const struct shop_discontinue_product *command)
{
    if (product->state->status != SHOP_PRODUCT_STATUS_DISCONTINUED) {
        struct shop_product_discontinued event = {
            .meta = product_next_meta(product), .product_id = product->id, .cause = command->cause};
        product_emit(product, SHOP_PRODUCT_DISCONTINUED, &event.meta, &event);
    }
    return product_accept(product, DECISION_CHANGED);
}

static struct mr_bytes product_id_of(const struct codec_message *message)
{
    switch (message->id) {
    case SHOP_CREATE_PRODUCT:
        return ((const struct shop_create_product *)message->value)->product_id;
    case SHOP_CHANGE_PRICE:
        return ((const struct shop_change_price *)message->value)->product_id;
    case SHOP_CHANGE_PRODUCT_DETAILS:
        return ((const struct shop_change_product_details *)message->value)->product_id;
    case SHOP_PUBLISH_PRODUCT:
        return ((const struct shop_publish_product *)message->value)->product_id;
    case SHOP_DISCONTINUE_PRODUCT:
        return ((const struct shop_discontinue_product *)message->value)->product_id;
    default:
        return (struct mr_bytes){0};
    }
}

static void *product_change(struct product *product, const struct codec_message *message)
{
    switch (message->id) {
    case SHOP_CHANGE_PRICE:
        return product_change_price(product, message->value);
    case SHOP_CHANGE_PRODUCT_DETAILS:
        return product_change_details(product, message->value);
    case SHOP_PUBLISH_PRODUCT:
        return product_publish(product);
    default:
        return product_discontinue(product, message->value);
    }
}

int product_decide(
    struct work *work,
    const struct codec_message *message,
    bool *ret_found,
    void **ret_decision,
    struct mr_error *error)
{
    struct product product = {.work = work, .id = product_id_of(message)};
    const void *found;
    *ret_found = product.id.ptr != NULL;
    if (!*ret_found)
        return 0;
    if (!shop_id_is_valid(product.id))
        return mr_fail(error, MR_INVALID, "product_id is not a valid id");
    int rc = state_get(work->context, "product", SHOP_PRODUCT_STATE, product.id, &found, error);
    if (rc)
        return rc;
    product.state = found;
    product.version = product.state ? product.state->version : 0;
    bool needs_reason = message->id == SHOP_DISCONTINUE_PRODUCT;
    if (needs_reason)
        work_take_reason(work, ((const struct shop_discontinue_product *)message->value)->cause);
    if (decision_lacks_reason(work, needs_reason, product.id, ret_decision) ||
        decision_stale(work, product.version, product.id, ret_decision))
        return 0;
    if (message->id == SHOP_CREATE_PRODUCT)
        *ret_decision = product_create(&product, message->value);
    else if (!product.state)
        *ret_decision = decision_reject(work, SHOP_REASON_PRODUCT_UNKNOWN, product.id, NULL);
    else
        *ret_decision = product_change(&product, message);
    return 0;
}

/* -- the fold -- */

static bool product_apply(struct shop_product_state *state, const struct codec_message *event)
{
    switch (event->id) {
    case SHOP_PRODUCT_CREATED: {
        const struct shop_product_created *created = event->value;
        *state = (struct shop_product_state){
            .sku = created->sku, .title = created->title, .price.currency = no_text};
        return true;
    }
    case SHOP_PRODUCT_DETAILS_CHANGED:
        state->title = ((const struct shop_product_details_changed *)event->value)->title;
        return true;
    case SHOP_PRICE_CHANGED: {
        const struct shop_price_changed *changed = event->value;
        state->price = changed->price;
        state->price_version = changed->price_version;
        return true;
    }
    case SHOP_PRODUCT_PUBLISHED:
        state->status = SHOP_PRODUCT_STATUS_PUBLISHED;
        return true;
    case SHOP_PRODUCT_DISCONTINUED:
        state->status = SHOP_PRODUCT_STATUS_DISCONTINUED;
        return true;
    default:
        return false;
    }
}

int product_fold(
    struct topo_context *context,
    const char *store,
    const struct codec_message *event,
    struct mr_error *error)
{
    const struct shop_meta *meta = event_meta(event);
    struct shop_product_state state = {.sku = no_text, .title = no_text, .price.currency = no_text};
    const void *found;
    int rc = state_get(context, store, SHOP_PRODUCT_STATE, meta->aggregate_id, &found, error);
    if (rc)
        return rc;
    if (found)
        state = *(const struct shop_product_state *)found;
    if (!product_apply(&state, event))
        return 0;
    state.version = meta->aggregate_version;
    state_put(context, store, SHOP_PRODUCT_STATE, meta->aggregate_id, &state);
    return 0;
}

int product_evolve(
    struct topo_context *context, const struct codec_message *event, struct mr_error *error)
{
    return product_fold(context, "product", event, error);
}
