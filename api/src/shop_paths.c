/* shop_paths.c - the paths of the origin. Each API tests that its routes are here. */
#include <api/shop_paths.h>

const struct http_path shop_paths[] = {
    {"GET", "/v1/products"},
    {"GET", "/v1/products/{id}"},
    {"GET", "/v1/products/{id}/availability"},
    {"GET", "/v1/categories"},
    {"GET", "/v1/cart"},
    {"POST", "/v1/cart/items"},
    {"DELETE", "/v1/cart/items"},
    {"PUT", "/v1/cart/items/{product_id}"},
    {"DELETE", "/v1/cart/items/{product_id}"},
    {"POST", "/v1/guest-carts"},
    {"GET", "/v1/orders"},
    {"POST", "/v1/orders"},
    {"GET", "/v1/orders/{id}"},
    {"GET", "/v1/orders/{id}/confirmation"},
    {"POST", "/v1/orders/{order_id}/payments"},
    {"POST", "/v1/orders/{order_id}/cancellation"},
    {"POST", "/v1/users"},
    {"POST", "/v1/sessions"},
    {"GET", "/v1/commands/{command_id}"},
    {"GET", "/.well-known/jwks.json"},
    {"GET", "/problems/{slug}"},
    {"GET", "/healthz"},
    {"GET", "/readyz"},
    {"GET", "/metrics"},
};

const size_t shop_paths_count = sizeof shop_paths / sizeof shop_paths[0];
