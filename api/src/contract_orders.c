/* contract_orders.c - orders: placed, paid, cancelled, read, proved. */
#include <api/contract.h>

#define CHANGES_ORDER                                                                              \
    (API_OF_OWNER | API_SENDS_COMMAND | API_NEEDS_KEY | API_ANSWERS_LATER | API_CHECKS_QUERY)
#define READS_ORDERS (API_OF_OWNER | API_READS_VIEWS | API_CHECKS_QUERY)

static const char *const tag_and_place[] = {"ETag", "Location", NULL};
static const char *const place[] = {"Location", NULL};
static const char *const order_statuses[] = {
    "PENDING_STOCK", "PENDING_PAYMENT", "CONFIRMING", "CONFIRMED", "CANCELLING", "CANCELLED", NULL};
static const struct api_parameter id_in_path[] = {
    {API_IN_PATH,
     {.name = "id",
      .kind = HTTP_JSON_TEXT,
      .required = true,
      .min = 1,
      .about = "An order of the caller."}},
    {0}};
static const struct api_parameter order_in_path[] = {
    {API_IN_PATH,
     {.name = "order_id",
      .kind = HTTP_JSON_TEXT,
      .required = true,
      .min = 1,
      .about = "An order of the caller."}},
    {0}};

const struct api_operation api_get_orders = {
    .http = {"GET", "/v1/orders", 0, NULL},
    .id = "listOrders",
    .tag = "orders",
    .summary = "The caller's orders, newest first",
    .traits = READS_ORDERS | API_CHECKS_VALUES | API_HAS_PAGES,
    .parameters =
        (const struct api_parameter[]){
            {API_IN_QUERY,
             {.name = "status", .kind = HTTP_JSON_TEXT, .about = "As an order's status."}},
            {API_IN_QUERY,
             {.name = "since",
              .kind = HTTP_JSON_TEXT,
              .pattern = "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
                         "(T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{3})?Z)?$",
              .about = "Placed then or later: a day or a time in UTC, as answers have it."}},
            {API_IN_QUERY,
             {.name = "limit",
              .kind = HTTP_JSON_INTEGER,
              .min = 1,
              .max = API_ORDERS_PAGE_MAX,
              .about = "Items of a page; 20 when absent."}},
            {API_IN_QUERY,
             {.name = "cursor",
              .kind = HTTP_JSON_TEXT,
              .about = "Of the page before, with the same parameters."}},
            {0}},
    .answers = (const struct api_answer[]){{200, "A page.", &api_shape_orders, NULL}, {0}},
};

const struct api_operation api_post_order = {
    .http = {"POST", "/v1/orders", 0, NULL},
    .id = "placeOrder",
    .tag = "orders",
    .summary = "Orders what the cart has",
    .traits = CHANGES_ORDER,
    .body = &api_shape_checkout,
    .answers =
        (const struct api_answer[]){{201, "The order.", &api_shape_order, tag_and_place}, {0}},
    .problems =
        (const char *const[]){
            "cart-empty",
            "cart-full",
            "price-changed",
            "product-unavailable",
            "too-many-unpaid-orders",
            "too-many-unpaid-units",
            "payment-method-required",
            "card-data-not-accepted",
            NULL},
};

const struct api_operation api_get_order = {
    .http = {"GET", "/v1/orders/{id}", 0, NULL},
    .id = "getOrder",
    .tag = "orders",
    .summary = "One order",
    .traits = READS_ORDERS | API_HAS_ETAG | API_NAMES_RESOURCE | API_CHECKS_VALUES,
    .parameters =
        (const struct api_parameter[]){
            {API_IN_PATH,
             {.name = "id",
              .kind = HTTP_JSON_TEXT,
              .required = true,
              .min = 1,
              .about = "An order of the caller."}},
            {API_IN_QUERY,
             {.name = "wait_status",
              .kind = HTTP_JSON_TEXT,
              .many = true,
              .values = order_statuses,
              .about = "Waits until the order has one of these statuses, or for as long as "
                       "Prefer: wait says, 10 s at most; then it is answered as it is."}},
            {0}},
    .problems = (const char *const[]){"too-many-streams", NULL},
    .answers = (const struct api_answer[]){{200, "The order.", &api_shape_order, NULL}, {0}},
};

const struct api_operation api_get_order_stream = {
    .http = {"GET", "/v1/orders/{id}/stream", 0, "text/event-stream"},
    .id = "streamOrder",
    .tag = "orders",
    .summary = "One order and every change of it, as Server-Sent Events",
    .traits = READS_ORDERS | API_NAMES_RESOURCE,
    .parameters =
        (const struct api_parameter[]){
            {API_IN_PATH,
             {.name = "id",
              .kind = HTTP_JSON_TEXT,
              .required = true,
              .min = 1,
              .about = "An order of the caller."}},
            {API_IN_HEADER,
             {.name = "Last-Event-ID",
              .kind = HTTP_JSON_TEXT,
              .about = "The id of the last event that the client has: what is newer follows."}},
            {0}},
    .answers =
        (const struct api_answer[]){
            {200,
             "Events: snapshot, then change, each with the order (schema Order) as data and its "
             "version as id; end, with a reason: final, expired or stopping. A comment every 15 s.",
             &api_shape_order_event,
             NULL},
            {204, "The client has the last event: do not come again.", NULL, NULL},
            {0}},
    .problems = (const char *const[]){"too-many-streams", NULL},
};

const struct api_operation api_get_order_timeline = {
    .http = {"GET", "/v1/orders/{id}/timeline", 0, NULL},
    .id = "getOrderTimeline",
    .tag = "orders",
    .summary = "What has happened to an order",
    .traits = READS_ORDERS | API_HAS_ETAG | API_NAMES_RESOURCE,
    .parameters = id_in_path,
    .answers =
        (const struct api_answer[]){{200, "All of it.", &api_shape_order_timeline, NULL}, {0}},
};

const struct api_operation api_get_confirmation = {
    .http = {"GET", "/v1/orders/{id}/confirmation", 0, NULL},
    .id = "getConfirmation",
    .tag = "orders",
    .summary = "The proof of a paid order",
    .traits = READS_ORDERS | API_HAS_ETAG | API_NAMES_RESOURCE,
    .parameters = id_in_path,
    .answers =
        (const struct api_answer[]){{200, "The confirmation.", &api_shape_confirmation, NULL}, {0}},
    .problems = (const char *const[]){"not-confirmed-yet", NULL},
};

const struct api_operation api_post_payment = {
    .http = {"POST", "/v1/orders/{order_id}/payments", 0, NULL},
    .id = "startPayment",
    .tag = "orders",
    .summary = "Pays an order that waits for it",
    .traits = CHANGES_ORDER | API_NAMES_RESOURCE,
    .parameters = order_in_path,
    .body = &api_shape_payment,
    .answers =
        (const struct api_answer[]){
            {201, "The attempt has begun.", &api_shape_payment_started, place}, {0}},
    .problems =
        (const char *const[]){
            "payment-not-expected",
            "payment-in-progress",
            "attempts-exhausted",
            "card-data-not-accepted",
            NULL},
};

const struct api_operation api_post_cancellation = {
    .http = {"POST", "/v1/orders/{order_id}/cancellation", 0, NULL},
    .id = "cancelOrder",
    .tag = "orders",
    .summary = "Cancels an order",
    .traits = CHANGES_ORDER | API_NAMES_RESOURCE,
    .parameters = order_in_path,
    .body = &api_shape_cancellation,
    .body_is_optional = true,
    .answers =
        (const struct api_answer[]){
            {200, "It was cancelled already.", &api_shape_order, tag_and_place},
            {202,
             "It is being cancelled (an order), or the outcome is late (a pending command).",
             &api_shape_cancelling,
             tag_and_place},
            {0}},
    .problems = (const char *const[]){"card-data-not-accepted", NULL},
};
