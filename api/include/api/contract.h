/*
 * contract.h - every operation of the shop's origin, whichever of the two APIs answers it: the one
 * table that routing, 405s, metrics and the OpenAPI document come from.
 *
 * An operation stands in api/src/contract_NAME.c; the program that answers it names it in its
 * routes, beside the handler. The shapes of bodies: api/shapes.h. Threads: any, all is constant.
 */
#ifndef API_CONTRACT_H
#define API_CONTRACT_H

#include <api/shapes.h>
#include <http/server.h>

/* Traits that many operations share: each brings header fields and problems (openapi.c). */
enum api_trait {
    API_READS_VIEWS = 1 << 0,     /* Consistency-Token in, View-Position out. */
    API_HAS_ETAG = 1 << 1,        /* ETag out, If-None-Match in. */
    API_OF_OWNER = 1 << 2,        /* An access token or a Cart-Token is needed. */
    API_OF_ANYONE = 1 << 3,       /* Either is read, neither is needed. */
    API_SENDS_COMMAND = 1 << 4,   /* Idempotency-Key, Prefer and If-Match are read. */
    API_NEEDS_KEY = 1 << 5,       /* Idempotency-Key is required. */
    API_ANSWERS_LATER = 1 << 6,   /* 202 when the outcome takes too long. */
    API_CHECKS_QUERY = 1 << 7,    /* Unknown parameters are refused. */
    API_HAS_PAGES = 1 << 8,       /* Link, and a cursor. */
    API_CHECKS_VALUES = 1 << 9,   /* A parameter may have an invalid value. */
    API_NAMES_RESOURCE = 1 << 10, /* Something in the path may not be there. */
    API_OF_USER = 1 << 11         /* An access token is needed. */
};

enum api_place { API_IN_PATH, API_IN_QUERY, API_IN_HEADER };

struct api_parameter {
    enum api_place place;
    struct http_json_field field; /* `many`: separated by commas. */
};

struct api_answer {
    int status;
    const char *about;
    const struct http_shape *shape; /* NULL: not JSON, or no body. */
    const char *const *headers;     /* Besides those of the traits; up to NULL. */
};

struct api_operation {
    struct http_path http;
    const char *id;
    const char *tag;
    const char *summary;
    unsigned traits;
    const struct api_parameter *parameters; /* Up to one without a name; NULL: none. */
    const struct http_shape *body;          /* NULL: none. */
    bool body_is_optional;
    const struct api_answer *answers; /* Up to status 0. */
    const char *const *problems;      /* Slugs besides those of the traits; up to NULL. */
};

/* A client may ask for at most so many. */
enum {
    API_PAGE_DEFAULT = 20,
    API_PAGE_MAX = 100,
    API_ORDERS_PAGE_MAX = 50,
    API_BATCH_MAX = 50,
};

extern const struct api_operation api_get_products;
extern const struct api_operation api_get_product;
extern const struct api_operation api_get_availability;
extern const struct api_operation api_get_categories;

extern const struct api_operation api_get_cart;
extern const struct api_operation api_post_cart_item;
extern const struct api_operation api_clear_cart;
extern const struct api_operation api_put_cart_item;
extern const struct api_operation api_delete_cart_item;
extern const struct api_operation api_post_guest_cart;
extern const struct api_operation api_post_cart_merge;

extern const struct api_operation api_get_orders;
extern const struct api_operation api_post_order;
extern const struct api_operation api_get_order;
extern const struct api_operation api_get_order_stream;
extern const struct api_operation api_get_order_timeline;
extern const struct api_operation api_get_confirmation;
extern const struct api_operation api_post_payment;
extern const struct api_operation api_post_cancellation;

extern const struct api_operation api_post_user;
extern const struct api_operation api_get_profile;
extern const struct api_operation api_patch_profile;
extern const struct api_operation api_put_password;
extern const struct api_operation api_post_session;
extern const struct api_operation api_post_session_refresh;
extern const struct api_operation api_get_sessions;
extern const struct api_operation api_delete_sessions;
extern const struct api_operation api_delete_session;
extern const struct api_operation api_delete_current_session;
extern const struct api_operation api_get_command;

extern const struct api_operation api_get_jwks;
extern const struct api_operation api_get_problem;
extern const struct api_operation api_get_openapi;
extern const struct api_operation api_get_health;
extern const struct api_operation api_get_ready;
extern const struct api_operation api_get_metrics;

/* Both programs take it. */
#define API_CORS_OPTION                                                                            \
    {                                                                                              \
        "cors-origins", "MILLRACE_CORS_ORIGINS", "ORIGINS", "",                                    \
            "whose pages may use the API, as https://shop.example,https://m.shop.example"          \
    }

/* All of them, and the same as paths of the origin. */
extern const struct api_operation *const api_operations[];
extern const struct http_path *const api_paths[];
extern const size_t api_operations_count;

/* Whether a request to the operation can be answered with the problem. */
bool api_may_answer(const struct api_operation *operation, const char *slug);

/* The OpenAPI 3.1 document of the whole origin. */
void api_write_openapi(struct mr_buffer *out);

/* Answers with it. */
void api_send_openapi(struct http_request *request, void *user);

#endif
