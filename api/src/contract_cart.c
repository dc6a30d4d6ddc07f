/* contract_cart.c - the cart: read on one side, changed on the other. */
#include <api/contract.h>

#define CHANGES_CART (API_OF_OWNER | API_SENDS_COMMAND | API_ANSWERS_LATER | API_CHECKS_QUERY)

static const char *const etag[] = {"ETag", NULL};
static const struct api_answer changed_cart[] = {
    {200, "The cart as it is after.", &api_shape_cart, etag}, {0}};
static const struct api_parameter product_in_path[] = {
    {API_IN_PATH,
     {.name = "product_id",
      .kind = HTTP_JSON_TEXT,
      .required = true,
      .min = 1,
      .about = "A product that is in the cart or for sale."}},
    {0}};

const struct api_operation api_get_cart = {
    .http = {"GET", "/v1/cart", 0, NULL},
    .id = "getCart",
    .tag = "cart",
    .summary = "The caller's cart, with the prices and the stock of now",
    .traits = API_OF_OWNER | API_READS_VIEWS | API_HAS_ETAG | API_CHECKS_QUERY,
    .answers = (const struct api_answer[]){{200, "The cart.", &api_shape_cart, NULL}, {0}},
};

const struct api_operation api_post_cart_item = {
    .http = {"POST", "/v1/cart/items", 0, NULL},
    .id = "addCartItem",
    .tag = "cart",
    .summary = "Adds units of a product",
    .traits = CHANGES_CART | API_NEEDS_KEY,
    .body = &api_shape_cart_item,
    .answers = changed_cart,
    .problems = (const char *const[]){"product-unavailable", "quantity-limit", "cart-full", NULL},
};

const struct api_operation api_clear_cart = {
    .http = {"DELETE", "/v1/cart/items", 0, NULL},
    .id = "clearCart",
    .tag = "cart",
    .summary = "Removes every line",
    .traits = CHANGES_CART,
    .answers = changed_cart,
};

const struct api_operation api_put_cart_item = {
    .http = {"PUT", "/v1/cart/items/{product_id}", 0, NULL},
    .id = "setCartItem",
    .tag = "cart",
    .summary = "Sets the units of a product",
    .traits = CHANGES_CART | API_NAMES_RESOURCE,
    .parameters = product_in_path,
    .body = &api_shape_cart_quantity,
    .answers = changed_cart,
    .problems = (const char *const[]){"product-unavailable", "quantity-limit", "cart-full", NULL},
};

const struct api_operation api_delete_cart_item = {
    .http = {"DELETE", "/v1/cart/items/{product_id}", 0, NULL},
    .id = "removeCartItem",
    .tag = "cart",
    .summary = "Removes a line; one that is not there is no mistake",
    .traits = CHANGES_CART | API_NAMES_RESOURCE,
    .parameters = product_in_path,
    .answers = changed_cart,
};

const struct api_operation api_post_guest_cart = {
    .http = {"POST", "/v1/guest-carts", 0, NULL},
    .id = "createGuestCart",
    .tag = "cart",
    .summary = "A cart without an account",
    .traits = API_CHECKS_QUERY,
    .answers = (const struct api_answer[]){{201, "Its token.", &api_shape_guest_cart, NULL}, {0}},
};

const struct api_operation api_post_cart_merge = {
    .http = {"POST", "/v1/cart/merge", 0, NULL},
    .id = "mergeCart",
    .tag = "cart",
    .summary = "Moves what a guest's cart has into the user's",
    .traits = API_OF_USER | API_SENDS_COMMAND | API_ANSWERS_LATER | API_CHECKS_QUERY,
    .body = &api_shape_merge,
    .answers = (const struct api_answer[]){{200, "The user's cart.", &api_shape_cart, NULL}, {0}},
};
