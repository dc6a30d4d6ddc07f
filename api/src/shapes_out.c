/*
 * shapes_out.c - the bodies of answers, as shop_json.c and the handlers write them.
 *
 * `required` is what every answer has. A later version may add members.
 */
#include <api/shapes.h>

#define COUNT_OF(fields)  (sizeof(fields) / sizeof(fields)[0])
#define TEXT(key)         .name = (key), .kind = HTTP_JSON_TEXT
#define INTEGER(key)      .name = (key), .kind = HTTP_JSON_INTEGER
#define TIME(key)         .name = (key), .kind = HTTP_JSON_TIME
#define FLAG(key)         .name = (key), .kind = HTTP_JSON_BOOL
#define OBJECT(key, what) .name = (key), .kind = HTTP_JSON_OBJECT, .shape = (what)
#define ALWAYS            .required = true
#define ONE_OF(...)                                                                                \
    .values = (const char *const[])                                                                \
    {                                                                                              \
        __VA_ARGS__, NULL                                                                          \
    }

static const struct http_json_field money[] = {
    {INTEGER("amount_minor"), ALWAYS, .about = "In the currency's smallest unit."},
    {TEXT("currency"), ALWAYS, .about = "ISO 4217."},
    {INTEGER("exponent"), ALWAYS, .max = 3, .about = "Digits of the smallest unit."},
};
static const struct http_shape shape_money = {
    "Money", "1999 with exponent 2 is 19.99.", money, COUNT_OF(money)};

static const struct http_json_field field_error[] = {
    {TEXT("pointer"), ALWAYS, .about = "RFC 6901, into the body that was sent."},
    {TEXT("detail"), ALWAYS},
    {TEXT("code"), ALWAYS},
};
static const struct http_shape shape_field_error = {
    "FieldError", "One mistake in a body.", field_error, COUNT_OF(field_error)};

static const struct http_json_field problem[] = {
    {TEXT("type"), ALWAYS, .about = "A page that explains it."},
    {TEXT("title"), ALWAYS},
    {INTEGER("status"), ALWAYS},
    {TEXT("detail")},
    {TEXT("instance")},
    {OBJECT("errors", &shape_field_error), .many = true},
};
const struct http_shape api_shape_problem = {
    "Problem", "Why a request was refused (RFC 9457).", problem, COUNT_OF(problem)};

/* -- catalogue -- */

static const struct http_json_field product[] = {
    {TEXT("product_id"), ALWAYS},
    {TEXT("sku")},
    {TEXT("title")},
    {OBJECT("price", &shape_money)},
    {TEXT("category_ids"), .many = true},
    {TEXT("description"), .nullable = true},
    {TEXT("status"), ONE_OF("published", "discontinued")},
    {INTEGER("price_version")},
    {INTEGER("version")},
    {TIME("created_at")},
};
const struct http_shape api_shape_product = {
    "Product", "A product, or the members that were asked for.", product, COUNT_OF(product)};

static const struct http_json_field page[] = {
    {TEXT("first"), .about = "A link; absent on the first page."},
    {TEXT("prev"), .about = "A link; absent when nothing is known to be before."},
    {TEXT("next"), .about = "A link; absent on the last page."},
    {TEXT("cursor"), .about = "The one of `next`."},
    {.name = "incomplete",
     .kind = HTTP_JSON_BOOL,
     .about = "true: the search for items was ended before the page was full; `next` goes on."},
    {INTEGER("total_count"), .about = "After Prefer: return=total-count, of all pages."},
    {.name = "total_count_exact",
     .kind = HTTP_JSON_BOOL,
     .about = "false: there are at least so many; counting them all was too much."},
};
static const struct http_shape shape_page = {
    "Page", "Where the other pages are.", page, COUNT_OF(page)};

static const struct http_json_field products[] = {
    {OBJECT("items", &api_shape_product), ALWAYS, .many = true},
    {OBJECT("page", &shape_page), .about = "Absent when asked by id."},
};
const struct http_shape api_shape_products = {
    "ProductPage", "Products, in the order asked for.", products, COUNT_OF(products)};

static const struct http_json_field availability[] = {
    {TEXT("product_id"), ALWAYS},
    {TEXT("band"), ALWAYS, ONE_OF("in_stock", "low", "out")},
    {INTEGER("available"), ALWAYS, .max = 10, .about = "10 stands for 10 or more."},
    {TIME("as_of"), ALWAYS, .nullable = true},
};
const struct http_shape api_shape_availability = {
    "Availability", "How many there are.", availability, COUNT_OF(availability)};

static const struct http_json_field category[] = {
    {TEXT("category_id"), ALWAYS},
    {INTEGER("products"), ALWAYS},
};
static const struct http_shape shape_category = {
    "Category", "A category and its products' number.", category, COUNT_OF(category)};

static const struct http_json_field categories[] = {
    {OBJECT("items", &shape_category), ALWAYS, .many = true},
};
const struct http_shape api_shape_categories = {
    "CategoryList", "All categories.", categories, COUNT_OF(categories)};

/* -- cart -- */

static const struct http_json_field cart_line[] = {
    {TEXT("product_id"), ALWAYS},
    {TEXT("sku"), ALWAYS},
    {TEXT("title"), ALWAYS},
    {INTEGER("quantity"), ALWAYS},
    {OBJECT("quoted_unit_price", &shape_money), ALWAYS},
    {OBJECT("current_unit_price", &shape_money)},
    {FLAG("price_changed")},
    {TEXT("availability"), ONE_OF("in_stock", "low", "out", "unavailable")},
    {OBJECT("line_total", &shape_money), ALWAYS},
};
static const struct http_shape shape_cart_line = {
    "CartLine",
    "A line as quoted; what is true now only where the cart was read.",
    cart_line,
    COUNT_OF(cart_line)};

static const struct http_json_field cart_totals[] = {
    {INTEGER("lines"), ALWAYS},
    {INTEGER("units")},
    {OBJECT("items", &shape_money), .about = "Absent in an empty cart."},
};
static const struct http_shape shape_cart_totals = {
    "CartTotals", "Sums over the lines.", cart_totals, COUNT_OF(cart_totals)};

static const struct http_json_field cart_warning[] = {
    {TEXT("code"), ALWAYS, ONE_OF("unavailable", "price_changed", "not_enough_stock")},
    {TEXT("product_id"), ALWAYS},
};
static const struct http_shape shape_cart_warning = {
    "CartWarning", "Why a line may not be ordered.", cart_warning, COUNT_OF(cart_warning)};

static const struct http_json_field cart[] = {
    {TEXT("cart_id"), .nullable = true, .about = "null until something was put in."},
    {INTEGER("version"), .about = "The ETag has it, too."},
    {OBJECT("lines", &shape_cart_line), .many = true},
    {OBJECT("line", &shape_cart_line), .about = "Instead of `lines`: the one that was changed."},
    {OBJECT("totals", &shape_cart_totals)},
    {OBJECT("warnings", &shape_cart_warning), .many = true},
};
const struct http_shape api_shape_cart = {
    "Cart",
    "The cart. After a change with Prefer: return=minimal, and where it is too large for the "
    "answer: only what changed.",
    cart,
    COUNT_OF(cart)};

static const struct http_json_field guest_cart[] = {
    {TEXT("cart_token"), ALWAYS, .about = "Sent as Cart-Token. It is given out once."},
};
const struct http_shape api_shape_guest_cart = {
    "GuestCart", "The cart of somebody without an account.", guest_cart, COUNT_OF(guest_cart)};

/* -- orders -- */

static const struct http_json_field order_line[] = {
    {INTEGER("line_no"), ALWAYS},
    {TEXT("product_id"), ALWAYS},
    {TEXT("sku"), ALWAYS},
    {TEXT("title"), ALWAYS},
    {INTEGER("quantity"), ALWAYS},
    {OBJECT("unit_price", &shape_money), ALWAYS},
    {OBJECT("line_total", &shape_money), ALWAYS},
};
static const struct http_shape shape_order_line = {
    "OrderLine", "Units of one product.", order_line, COUNT_OF(order_line)};

static const struct http_json_field order_totals[] = {
    {OBJECT("items", &shape_money), ALWAYS},
    {OBJECT("shipping", &shape_money), ALWAYS},
    {OBJECT("tax", &shape_money), ALWAYS},
    {OBJECT("grand", &shape_money), ALWAYS, .about = "What is paid."},
};
static const struct http_shape shape_order_totals = {
    "OrderTotals", "Sums over the lines.", order_totals, COUNT_OF(order_totals)};

static const struct http_json_field order_payment[] = {
    {TEXT("payment_id"), ALWAYS},
    {INTEGER("attempt"), ALWAYS},
    {TEXT("status"), ALWAYS, .about = "started, authorized, captured or declined."},
    {TEXT("decline_class")},
};
static const struct http_shape shape_order_payment = {
    "OrderPayment", "One attempt to pay.", order_payment, COUNT_OF(order_payment)};

static const struct http_json_field short_line[] = {
    {INTEGER("line_no"), ALWAYS},
    {TEXT("product_id"), ALWAYS},
    {INTEGER("quantity"), ALWAYS},
    {INTEGER("available"), ALWAYS},
};
static const struct http_shape shape_short_line = {
    "ShortLine", "A line for which there was too little.", short_line, COUNT_OF(short_line)};

static const struct http_json_field order_links[] = {
    {TEXT("self"), ALWAYS},
    {TEXT("confirmation"), .about = "Once the order is confirmed."},
};
static const struct http_shape shape_order_links = {
    "OrderLinks", "Where to go on.", order_links, COUNT_OF(order_links)};

static const struct http_json_field order[] = {
    {TEXT("order_id"), ALWAYS},
    {INTEGER("version")},
    {TEXT("status"),
     ONE_OF(
         "PENDING_STOCK", "PENDING_PAYMENT", "CONFIRMING", "CONFIRMED", "CANCELLING", "CANCELLED")},
    {TEXT("goal"), .about = "fulfil or abort."},
    {OBJECT("lines", &shape_order_line), .many = true, .about = "Absent in listings."},
    {OBJECT("totals", &shape_order_totals)},
    {TIME("placed_at")},
    {TIME("pay_deadline")},
    {OBJECT("payments", &shape_order_payment), .many = true},
    {TEXT("payment_id"), .about = "The attempt that a command has started."},
    {TEXT("confirmation_no")},
    {TIME("confirmed_at")},
    {OBJECT("captured", &shape_money)},
    {TEXT("cause"), .about = "Why it is being cancelled."},
    {OBJECT("short_lines", &shape_short_line), .many = true},
    {OBJECT("refund", &shape_money)},
    {TEXT("allowed_actions"), .many = true, ONE_OF("pay", "cancel")},
    {TEXT("next_action"), ONE_OF("pay"), .about = "Expected of the owner, by `pay_deadline`."},
    {TEXT("attention"),
     ONE_OF("payment_declined", "refund_pending"),
     .about = "The last payment was declined and another is possible; or money is to come back."},
    {OBJECT("links", &shape_order_links)},
};
const struct http_shape api_shape_order = {
    "Order", "An order; after Prefer: return=minimal only its id.", order, COUNT_OF(order)};

static const struct http_json_field orders[] = {
    {OBJECT("items", &api_shape_order), ALWAYS, .many = true},
    {OBJECT("page", &shape_page), ALWAYS},
};
const struct http_shape api_shape_orders = {
    "OrderPage", "The caller's orders, newest first.", orders, COUNT_OF(orders)};

/* The fields of one Server-Sent Event. */
static const struct http_json_field order_event[] = {
    {TEXT("event"), ALWAYS, ONE_OF("snapshot", "change", "end")},
    {TEXT("id"), .about = "The order's version; absent at the end."},
    {TEXT("data"), ALWAYS, .about = "JSON: an Order; at the end an object with `reason`."},
};
const struct http_shape api_shape_order_event = {
    "OrderEvent", "One event of a stream.", order_event, COUNT_OF(order_event)};

static const struct http_json_field timeline_row[] = {
    {INTEGER("version"), ALWAYS, .about = "The order's, with this event."},
    {TIME("at"), ALWAYS},
    {TEXT("type"),
     ALWAYS,
     ONE_OF(
         "placed",
         "stock_held",
         "payment_started",
         "payment_failed",
         "payment_authorized",
         "refund_requested",
         "refunded",
         "confirmation_resent",
         "confirmed",
         "cancelling",
         "cancelled")},
    {TEXT("actor"), ALWAYS, ONE_OF("customer", "staff", "system", "payment_provider")},
    {TEXT("cause"), .about = "Why it is cancelled, or the class of a decline."},
    {OBJECT("amount", &shape_money), .about = "Ordered, asked for, authorized, paid or returned."},
    {INTEGER("attempt"), .about = "Which payment it is about."},
};
static const struct http_shape shape_timeline_row = {
    "OrderTimelineRow", "One event.", timeline_row, COUNT_OF(timeline_row)};

static const struct http_json_field order_timeline[] = {
    {TEXT("order_id"), ALWAYS},
    {OBJECT("items", &shape_timeline_row), ALWAYS, .many = true},
};
const struct http_shape api_shape_order_timeline = {
    "OrderTimeline", "Events, oldest first.", order_timeline, COUNT_OF(order_timeline)};

static const struct http_json_field confirmation[] = {
    {TEXT("order_id"), ALWAYS},
    {TEXT("confirmation_no"), ALWAYS},
    {TIME("issued_at"), ALWAYS},
    {OBJECT("lines", &shape_order_line), ALWAYS, .many = true},
    {OBJECT("totals", &shape_order_totals), ALWAYS},
    {OBJECT("captured", &shape_money)},
    {TEXT("payment_reference"), ALWAYS, .about = "Its last characters."},
};
const struct http_shape api_shape_confirmation = {
    "Confirmation", "The proof of a purchase.", confirmation, COUNT_OF(confirmation)};

static const struct http_json_field payment_started[] = {
    {TEXT("payment_id")},
    {TEXT("order_id")},
    {INTEGER("attempt")},
    {TEXT("status"), ONE_OF("started")},
};
const struct http_shape api_shape_payment_started = {
    "PaymentStarted",
    "The order has its result; empty after Prefer: return=minimal.",
    payment_started,
    COUNT_OF(payment_started)};

/* -- accounts and commands -- */

static const struct http_json_field user[] = {
    {TEXT("user_id"), ALWAYS},
};
const struct http_shape api_shape_user = {"User", "The new account.", user, COUNT_OF(user)};

static const struct http_json_field profile[] = {
    {TEXT("user_id"), ALWAYS},
    {TEXT("email"), ALWAYS},
    {TEXT("name"), ALWAYS, .nullable = true},
    {TEXT("locale"), ALWAYS},
    {TEXT("role"), ALWAYS, ONE_OF("customer", "operator", "auditor")},
    {TIME("registered_at"), ALWAYS},
    {INTEGER("version"), ALWAYS},
};
const struct http_shape api_shape_profile = {
    "Profile", "The user who asks.", profile, COUNT_OF(profile)};

static const struct http_json_field session[] = {
    {TEXT("access_token"), ALWAYS},
    {TEXT("token_type"), ALWAYS, ONE_OF("Bearer")},
    {INTEGER("expires_in"), ALWAYS, .about = "Seconds."},
    {TEXT("refresh_token"), .about = "For the next pair; absent in cookie mode."},
    {TEXT("session_id"), ALWAYS},
    {TEXT("user_id"), ALWAYS},
};
const struct http_shape api_shape_session = {
    "Session", "Sent as Authorization: Bearer.", session, COUNT_OF(session)};

static const struct http_json_field session_item[] = {
    {TEXT("session_id"), ALWAYS},
    {TIME("started_at"), ALWAYS},
    {TIME("renewed_at"), ALWAYS, .about = "When its refresh token was used last."},
    {TIME("expires_at"), ALWAYS, .about = "Unless it is renewed before."},
    {FLAG("current"), ALWAYS, .about = "Whether it is the one that asks."},
};
static const struct http_shape shape_session_item = {
    "SessionItem", "One session of the user.", session_item, COUNT_OF(session_item)};

static const struct http_json_field sessions[] = {
    {OBJECT("items", &shape_session_item), ALWAYS, .many = true},
};
const struct http_shape api_shape_sessions = {
    "SessionList", "The sessions of the user, newest first.", sessions, COUNT_OF(sessions)};

static const struct http_json_field pending_links[] = {
    {TEXT("self"), ALWAYS},
};
static const struct http_shape shape_pending_links = {
    "CommandLinks", "Where the outcome will be.", pending_links, COUNT_OF(pending_links)};

static const struct http_json_field pending[] = {
    {TEXT("command_id"), ALWAYS},
    {TEXT("status"), ALWAYS, ONE_OF("pending")},
    {OBJECT("links", &shape_pending_links), ALWAYS},
};
const struct http_shape api_shape_pending = {
    "PendingCommand", "Accepted for good and not decided yet.", pending, COUNT_OF(pending)};

/* One status, two bodies: a oneOf would need a member that is in one of them only. */
static const struct http_json_field cancelling[] = {
    {TEXT("order_id"), .about = "Of an order that is being cancelled."},
    {TEXT("command_id"), .about = "Of a command whose outcome is late."},
    {TEXT("status")},
    {OBJECT("links", &shape_pending_links)},
};
const struct http_shape api_shape_cancelling = {
    "Cancelling", "An order, or a pending command.", cancelling, COUNT_OF(cancelling)};

static const struct http_json_field command[] = {
    {TEXT("command_id"), ALWAYS},
    {TEXT("status"), ALWAYS, ONE_OF("pending", "accepted", "rejected")},
    {INTEGER("http_status"), .about = "The status that the command's own answer has."},
    {TIME("decided_at")},
    {TEXT("subject_id")},
    {OBJECT("problem", &api_shape_problem)},
    {OBJECT("cart", &api_shape_cart)},
    {OBJECT("order", &api_shape_order)},
};
const struct http_shape api_shape_command = {
    "Command", "What became of a command.", command, COUNT_OF(command)};

/* -- operation -- */

static const struct http_json_field jwks[] = {
    {.name = "keys", .kind = HTTP_JSON_ANY, .required = true, .many = true},
};
const struct http_shape api_shape_jwks = {
    "KeySet", "RFC 7517: what access tokens are verified with.", jwks, COUNT_OF(jwks)};

static const struct http_json_field problem_type[] = {
    {TEXT("slug"), ALWAYS},
    {INTEGER("status"), ALWAYS},
    {TEXT("title"), ALWAYS},
    {TEXT("cause"), ALWAYS},
    {TEXT("remedy"), ALWAYS},
};
const struct http_shape api_shape_problem_type = {
    "ProblemType", "A type of problem.", problem_type, COUNT_OF(problem_type)};

static const struct http_json_field document[] = {
    {TEXT("openapi"), ALWAYS},
};
const struct http_shape api_shape_document = {
    "Document", "This document.", document, COUNT_OF(document)};

static const struct http_json_field health[] = {
    {TEXT("status"), ALWAYS, ONE_OF("ok", "stuck")},
    {TEXT("reason")},
};
const struct http_shape api_shape_health = {
    "Health", "Whether the program works.", health, COUNT_OF(health)};

static const struct http_json_field ready[] = {
    {FLAG("ready"), ALWAYS},
    {TEXT("state")},
    {TEXT("reason")},
};
const struct http_shape api_shape_ready = {
    "Readiness", "Whether it can serve, and why not.", ready, COUNT_OF(ready)};
