/* shop_json.c - the shop's records as JSON, one function per thing that is shown. */
#include <api/shop_json.h>
#include <assert.h>

enum { LOW_STOCK = 10, MASKED_SHOWN = 4 };

/* Two digits but for these. */
int shop_exponent(struct mr_bytes currency)
{
    static const char none[][4] = {
        "BIF",
        "CLP",
        "DJF",
        "GNF",
        "ISK",
        "JPY",
        "KMF",
        "KRW",
        "PYG",
        "RWF",
        "UGX",
        "VND",
        "VUV",
        "XAF",
        "XOF",
        "XPF"};
    static const char three[][4] = {"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        if (mr_bytes_equal(currency, mr_cstr(none[i])))
            return 0;
    for (size_t i = 0; i < sizeof three / sizeof three[0]; i++)
        if (mr_bytes_equal(currency, mr_cstr(three[i])))
            return 3;
    return 2;
}

static void write_money(struct json_w *w, const struct shop_money *money)
{
    json_w_object(w);
    json_w_key_integer(w, "amount_minor", money->minor);
    json_w_key_text(w, "currency", money->currency);
    json_w_key_integer(w, "exponent", shop_exponent(money->currency));
    json_w_object_end(w);
}

void shop_json_key_money(struct json_w *w, const char *key, const struct shop_money *money)
{
    json_w_key(w, key);
    write_money(w, money);
}

const char *shop_band(int64_t available)
{
    if (available <= 0)
        return "out";
    return available < LOW_STOCK ? "low" : "in_stock";
}

static bool same_price(const struct shop_money *a, const struct shop_money *b)
{
    return a->minor == b->minor && mr_bytes_equal(a->currency, b->currency);
}

static void
cart_line(struct json_w *w, const struct shop_cart_line *line, const struct shop_line_now *now)
{
    json_w_object(w);
    json_w_key_text(w, "product_id", line->product_id);
    json_w_key_text(w, "sku", line->sku);
    json_w_key_text(w, "title", line->title);
    json_w_key_integer(w, "quantity", line->quantity);
    shop_json_key_money(w, "quoted_unit_price", &line->unit_price);
    if (now && now->known) {
        shop_json_key_money(w, "current_unit_price", &now->price);
        json_w_key_bool(w, "price_changed", !same_price(&now->price, &line->unit_price));
        json_w_key_text(
            w, "availability", mr_cstr(now->sold ? shop_band(now->available) : "unavailable"));
    }
    shop_json_key_money(w, "line_total", &line->line_total);
    json_w_object_end(w);
}

static void write_warning(struct json_w *w, const char *code, struct mr_bytes product_id)
{
    json_w_object(w);
    json_w_key_text(w, "code", mr_cstr(code));
    json_w_key_text(w, "product_id", product_id);
    json_w_object_end(w);
}

static void cart_warnings(
    struct json_w *w, const struct shop_cart_snapshot *cart, const struct shop_line_now *now)
{
    json_w_key(w, "warnings");
    json_w_array(w);
    for (size_t i = 0; now && i < cart->lines_count; i++) {
        const struct shop_cart_line *line = &cart->lines[i];
        if (!now[i].known || !now[i].sold)
            write_warning(w, "unavailable", line->product_id);
        else if (!same_price(&now[i].price, &line->unit_price))
            write_warning(w, "price_changed", line->product_id);
        else if (now[i].available < line->quantity)
            write_warning(w, "not_enough_stock", line->product_id);
    }
    json_w_array_end(w);
}

/* A cart of which one line is known, or none: its version, its totals and that line. */
static void cart_minimal(struct json_w *w, const struct shop_cart_snapshot *cart)
{
    json_w_object(w);
    json_w_key_text(w, "cart_id", cart->cart_id.len ? cart->cart_id : mr_bytes_of(NULL, 0));
    json_w_key_integer(w, "version", cart->version);
    if (cart->lines_count > 0) {
        json_w_key(w, "line");
        cart_line(w, &cart->lines[0], NULL);
    }
    json_w_key(w, "totals");
    json_w_object(w);
    json_w_key_integer(w, "lines", cart->lines_total);
    if (cart->total.currency.len)
        shop_json_key_money(w, "items", &cart->total);
    json_w_object_end(w);
    json_w_object_end(w);
}

void shop_json_cart(
    struct json_w *w, const struct shop_cart_snapshot *cart, const struct shop_line_now *now)
{
    assert(w && cart);
    int64_t units = 0;
    if (cart->has_lines_total) {
        cart_minimal(w, cart);
        return;
    }
    json_w_object(w);
    json_w_key_text(w, "cart_id", cart->cart_id.len ? cart->cart_id : mr_bytes_of(NULL, 0));
    json_w_key_integer(w, "version", cart->version);
    json_w_key(w, "lines");
    json_w_array(w);
    for (size_t i = 0; i < cart->lines_count; i++) {
        cart_line(w, &cart->lines[i], now ? &now[i] : NULL);
        units += cart->lines[i].quantity;
    }
    json_w_array_end(w);
    json_w_key(w, "totals");
    json_w_object(w);
    json_w_key_integer(w, "lines", (int64_t)cart->lines_count);
    json_w_key_integer(w, "units", units);
    if (cart->total.currency.len)
        shop_json_key_money(w, "items", &cart->total);
    json_w_object_end(w);
    cart_warnings(w, cart, now);
    json_w_object_end(w);
}

static void order_lines(struct json_w *w, const struct shop_order_snapshot *order)
{
    json_w_key(w, "lines");
    json_w_array(w);
    for (size_t i = 0; i < order->lines_count; i++) {
        const struct shop_order_line *line = &order->lines[i];
        json_w_object(w);
        json_w_key_integer(w, "line_no", line->line_no);
        json_w_key_text(w, "product_id", line->product_id);
        json_w_key_text(w, "sku", line->sku);
        json_w_key_text(w, "title", line->title);
        json_w_key_integer(w, "quantity", line->quantity);
        shop_json_key_money(w, "unit_price", &line->unit_price);
        shop_json_key_money(w, "line_total", &line->line_total);
        json_w_object_end(w);
    }
    json_w_array_end(w);
}

static void order_totals(struct json_w *w, const struct shop_order_snapshot *order)
{
    json_w_key(w, "totals");
    json_w_object(w);
    shop_json_key_money(w, "items", &order->items_total);
    shop_json_key_money(w, "shipping", &order->shipping_total);
    shop_json_key_money(w, "tax", &order->tax_total);
    shop_json_key_money(w, "grand", &order->grand_total);
    json_w_object_end(w);
}

/* The owner may do this now, by the rules of the checkout. */
static void allowed_actions(struct json_w *w, const char *status)
{
    bool pending = strncmp(status, "PENDING_", 8) == 0;
    json_w_key(w, "allowed_actions");
    json_w_array(w);
    if (strcmp(status, "PENDING_PAYMENT") == 0)
        json_w_text(w, mr_cstr("pay"));
    if (pending || strcmp(status, "CONFIRMING") == 0 || strcmp(status, "CONFIRMED") == 0)
        json_w_text(w, mr_cstr("cancel"));
    json_w_array_end(w);
}

static void order_links(struct json_w *w, struct mr_bytes order_id, const char *status)
{
    json_w_key(w, "links");
    json_w_object(w);
    json_w_key(w, "self");
    mr_buffer_printf(w->out, "\"/v1/orders/%.*s\"", MR_ARG(order_id));
    w->comma = true;
    if (strcmp(status, "CONFIRMED") == 0) {
        json_w_key(w, "confirmation");
        mr_buffer_printf(w->out, "\"/v1/orders/%.*s/confirmation\"", MR_ARG(order_id));
        w->comma = true;
    }
    json_w_object_end(w);
}

enum { STATUS_BYTES_MAX = 32 };

/* The API's statuses are in capitals, however the record has them. */
static void upper_status(struct mr_bytes status, char out[STATUS_BYTES_MAX])
{
    size_t len = status.len < STATUS_BYTES_MAX - 1 ? status.len : STATUS_BYTES_MAX - 1;
    for (size_t i = 0; i < len; i++) {
        char c = status.ptr[i];
        out[i] = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
    }
    out[len] = '\0';
}

static void
order_payments(struct json_w *w, const struct shop_order_payment_view *payments, size_t count)
{
    json_w_key(w, "payments");
    json_w_array(w);
    for (size_t i = 0; i < count; i++) {
        json_w_object(w);
        json_w_key_text(w, "payment_id", payments[i].payment_id);
        json_w_key_integer(w, "attempt", payments[i].attempt);
        json_w_key_text(w, "status", payments[i].status);
        if (payments[i].decline_class.ptr)
            json_w_key_text(w, "decline_class", payments[i].decline_class);
        json_w_object_end(w);
    }
    json_w_array_end(w);
}

static void short_lines(struct json_w *w, const struct shop_order_snapshot *order)
{
    json_w_key(w, "short_lines");
    json_w_array(w);
    for (size_t i = 0; i < order->short_lines_count; i++) {
        const struct shop_short_line *line = &order->short_lines[i];
        json_w_object(w);
        json_w_key_integer(w, "line_no", line->line_no);
        json_w_key_text(w, "product_id", line->product_id);
        json_w_key_integer(w, "quantity", line->quantity);
        json_w_key_integer(w, "available", line->available);
        json_w_object_end(w);
    }
    json_w_array_end(w);
}

static void order_end(struct json_w *w, const struct shop_order_snapshot *order)
{
    if (order->confirmation_no.ptr)
        json_w_key_text(w, "confirmation_no", order->confirmation_no);
    if (order->has_confirmed_at)
        json_w_key_time(w, "confirmed_at", order->confirmed_at);
    if (order->captured)
        shop_json_key_money(w, "captured", order->captured);
    if (order->cause.ptr)
        json_w_key_text(w, "cause", order->cause);
    if (order->short_lines_count > 0)
        short_lines(w, order);
}

void shop_json_order(
    struct json_w *w, const struct shop_order_snapshot *order, const struct shop_order_extra *extra)
{
    assert(w && order);
    char status[STATUS_BYTES_MAX];
    upper_status(order->status, status);
    json_w_object(w);
    json_w_key_text(w, "order_id", order->order_id);
    json_w_key_integer(w, "version", order->version);
    json_w_key_text(w, "status", mr_cstr(status));
    json_w_key_text(w, "goal", order->goal);
    /* An order has lines: none means that they were too many for a reply. */
    if (order->lines_count > 0 && (!extra || !extra->without_lines))
        order_lines(w, order);
    order_totals(w, order);
    json_w_key_time(w, "placed_at", order->placed_at);
    json_w_key_time(w, "pay_deadline", order->pay_deadline);
    if (extra)
        order_payments(w, extra->payments, extra->payments_count);
    else if (order->payment_id.ptr)
        json_w_key_text(w, "payment_id", order->payment_id);
    order_end(w, order);
    if (extra && extra->refund)
        shop_json_key_money(w, "refund", extra->refund);
    allowed_actions(w, status);
    if (extra && extra->next_action)
        json_w_key_text(w, "next_action", mr_cstr(extra->next_action));
    if (extra && extra->attention)
        json_w_key_text(w, "attention", mr_cstr(extra->attention));
    order_links(w, order->order_id, status);
    json_w_object_end(w);
}

static void write_masked(struct json_w *w, const char *key, struct mr_bytes text)
{
    size_t shown = text.len > MASKED_SHOWN ? MASKED_SHOWN : 0;
    json_w_key(w, key);
    mr_buffer_printf(
        w->out, "\"****%.*s\"", (int)shown, text.ptr ? text.ptr + text.len - shown : "");
    w->comma = true;
}

void shop_json_confirmation(struct json_w *w, const struct shop_order_snapshot *order)
{
    assert(w && order);
    json_w_object(w);
    json_w_key_text(w, "order_id", order->order_id);
    json_w_key_text(w, "confirmation_no", order->confirmation_no);
    json_w_key_time(w, "issued_at", order->confirmed_at);
    order_lines(w, order);
    order_totals(w, order);
    if (order->captured)
        shop_json_key_money(w, "captured", order->captured);
    write_masked(w, "payment_reference", order->payment_id);
    json_w_object_end(w);
}
