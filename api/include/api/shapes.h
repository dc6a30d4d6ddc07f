/*
 * shapes.h - the bodies of the shop's API: what requests are read into, and what answers look like.
 *
 * A request's shape reads into the struct of its name (http_read_shape). An answer's is written by
 * shop_json.c and by the handlers; tests/contract compares real answers with them.
 */
#ifndef API_SHAPES_H
#define API_SHAPES_H

#include <http/json.h>
#include <schemas/shop.h>

struct api_registration {
    struct mr_bytes email;
    struct mr_bytes password;
    struct mr_bytes name;
    struct mr_bytes locale;
};

struct api_profile_patch {
    struct mr_bytes name;
    struct mr_bytes locale;
};

struct api_password {
    struct mr_bytes current;
    struct mr_bytes wanted;
};

struct api_login {
    struct mr_bytes email;
    struct mr_bytes password;
    struct mr_bytes refresh;
    struct mr_bytes cart_token;
};

struct api_renewal {
    struct mr_bytes refresh_token;
    struct mr_bytes refresh;
};

struct api_merge {
    struct mr_bytes cart_token;
};

struct api_cart_item {
    struct mr_bytes product_id;
    int64_t quantity;
};

struct api_cart_quantity {
    int64_t quantity;
};

struct api_checkout {
    int64_t cart_version;
    bool has_total;
    bool has_payment;
    struct shop_money total;
    int64_t exponent;
    struct mr_bytes address;
    struct mr_bytes contact;
    struct mr_bytes method_token;
};

struct api_payment {
    struct mr_bytes method_token;
};

struct api_cancellation {
    struct mr_bytes reason;
};

extern const struct http_shape api_shape_registration;
extern const struct http_shape api_shape_profile_patch;
extern const struct http_shape api_shape_password;
extern const struct http_shape api_shape_login;
extern const struct http_shape api_shape_renewal;
extern const struct http_shape api_shape_merge;
extern const struct http_shape api_shape_cart_item;
extern const struct http_shape api_shape_cart_quantity;
extern const struct http_shape api_shape_checkout;
extern const struct http_shape api_shape_payment;
extern const struct http_shape api_shape_cancellation;

extern const struct http_shape api_shape_problem;
extern const struct http_shape api_shape_product;
extern const struct http_shape api_shape_products;
extern const struct http_shape api_shape_availability;
extern const struct http_shape api_shape_categories;
extern const struct http_shape api_shape_cart;
extern const struct http_shape api_shape_guest_cart;
extern const struct http_shape api_shape_order;
extern const struct http_shape api_shape_orders;
extern const struct http_shape api_shape_order_event;
extern const struct http_shape api_shape_order_timeline;
extern const struct http_shape api_shape_confirmation;
extern const struct http_shape api_shape_payment_started;
extern const struct http_shape api_shape_user;
extern const struct http_shape api_shape_profile;
extern const struct http_shape api_shape_session;
extern const struct http_shape api_shape_sessions;
extern const struct http_shape api_shape_pending;
extern const struct http_shape api_shape_cancelling;
extern const struct http_shape api_shape_command;
extern const struct http_shape api_shape_jwks;
extern const struct http_shape api_shape_problem_type;
extern const struct http_shape api_shape_document;
extern const struct http_shape api_shape_health;
extern const struct http_shape api_shape_ready;

/* An id of ours, up to so many characters. */
#define API_ID_PATTERN "^[0-9A-Za-z_-]+$"
enum { API_ID_CHARACTERS = 63 };

#endif
