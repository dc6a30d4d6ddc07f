/* shapes_in.c - the bodies of requests: one table reads them and describes them. */
#include <api/shapes.h>

#include <processors/ids.h>

enum {
    NAME_CHARACTERS_MAX = 200,
    LOCALE_CHARACTERS_MAX = 35,
    EMAIL_CHARACTERS_MAX = 320,
    PASSWORD_CHARACTERS_MAX = 1024,
    METHOD_TOKEN_CHARACTERS_MAX = 256,
    DETAILS_BYTES_MAX = 4096,
    REASON_CHARACTERS_MAX = 200,
    REFRESH_MODE_CHARACTERS_MAX = 6,
    CART_TOKEN_CHARACTERS = 43,
    REFRESH_TOKEN_CHARACTERS_MAX = 256,
};

_Static_assert(API_ID_CHARACTERS == SHOP_ID_BYTES_MAX - 1, "the ids of both are the same");

#define COUNT_OF(fields)   (sizeof(fields) / sizeof(fields)[0])
#define CART_TOKEN_PATTERN "^[0-9A-Za-z_-]{43}$"
#define EXACT_INTEGER      INT64_C(9007199254740991) /* 2^53 - 1: exact in every JSON reader. */

static const struct http_json_field registration[] = {
    {.name = "email",
     .kind = HTTP_JSON_TEXT,
     .required = true,
     .min = 1,
     .max = EMAIL_CHARACTERS_MAX,
     .at = offsetof(struct api_registration, email),
     .example = "\"ada@shop.example\""},
    {.name = "password",
     .kind = HTTP_JSON_TEXT,
     .required = true,
     .max = HTTP_JSON_TEXT_MAX,
     .at = offsetof(struct api_registration, password),
     .about = "8 to 1,024 bytes, none of the most common ones, not the address.",
     .example = "\"correct horse battery staple\""},
    {.name = "name",
     .kind = HTTP_JSON_TEXT,
     .max = NAME_CHARACTERS_MAX,
     .at = offsetof(struct api_registration, name),
     .example = "\"Ada Lovelace\""},
    {.name = "locale",
     .kind = HTTP_JSON_TEXT,
     .min = 2,
     .max = LOCALE_CHARACTERS_MAX,
     .pattern = "^[0-9A-Za-z-]+$",
     .at = offsetof(struct api_registration, locale),
     .about = "A language tag; \"en\" when absent.",
     .example = "\"en-GB\""},
};
const struct http_shape api_shape_registration = {
    "Registration", "A new account.", registration, COUNT_OF(registration)};

static const struct http_json_field profile_patch[] = {
    {.name = "name",
     .kind = HTTP_JSON_TEXT,
     .max = NAME_CHARACTERS_MAX,
     .at = offsetof(struct api_profile_patch, name),
     .about = "Stays as it is when absent; \"\" takes it away.",
     .example = "\"Ada Lovelace\""},
    {.name = "locale",
     .kind = HTTP_JSON_TEXT,
     .min = 2,
     .max = LOCALE_CHARACTERS_MAX,
     .pattern = "^[0-9A-Za-z-]+$",
     .at = offsetof(struct api_profile_patch, locale),
     .about = "A language tag; stays as it is when absent.",
     .example = "\"en-GB\""},
};
const struct http_shape api_shape_profile_patch = {
    "ProfileChange", "What changes.", profile_patch, COUNT_OF(profile_patch)};

static const struct http_json_field password[] = {
    {.name = "current",
     .kind = HTTP_JSON_TEXT,
     .required = true,
     .min = 1,
     .max = PASSWORD_CHARACTERS_MAX,
     .at = offsetof(struct api_password, current),
     .example = "\"correct horse battery staple\""},
    {.name = "new",
     .kind = HTTP_JSON_TEXT,
     .required = true,
     .max = HTTP_JSON_TEXT_MAX,
     .at = offsetof(struct api_password, wanted),
     .about = "8 to 1,024 bytes, none of the most common ones, not the address.",
     .example = "\"nine bottles of green ink\""},
};
const struct http_shape api_shape_password = {
    "PasswordChange", "The password and the next one.", password, COUNT_OF(password)};

static const char *const refresh_modes[] = {"body", "cookie", NULL};

static const struct http_json_field login[] = {
    {.name = "email",
     .kind = HTTP_JSON_TEXT,
     .required = true,
     .min = 1,
     .max = EMAIL_CHARACTERS_MAX,
     .at = offsetof(struct api_login, email),
     .example = "\"ada@shop.example\""},
    {.name = "password",
     .kind = HTTP_JSON_TEXT,
     .required = true,
     .min = 1,
     .max = PASSWORD_CHARACTERS_MAX,
     .at = offsetof(struct api_login, password),
     .example = "\"correct horse battery staple\""},
    {.name = "refresh",
     .kind = HTTP_JSON_TEXT,
     .max = REFRESH_MODE_CHARACTERS_MAX,
     .values = refresh_modes,
     .at = offsetof(struct api_login, refresh),
     .about = "Where the refresh token goes: \"body\" (when absent) or \"cookie\", which no script "
              "can read."},
    {.name = "cart_token",
     .kind = HTTP_JSON_TEXT,
     .min = CART_TOKEN_CHARACTERS,
     .max = CART_TOKEN_CHARACTERS,
     .pattern = CART_TOKEN_PATTERN,
     .at = offsetof(struct api_login, cart_token),
     .about = "Of a guest, whose cart moves into the user's.",
     .example = "\"hX3vQ2m0Yk7sT9aLr4cW8eBn1dUfGzJpKoI6tNxM5Eg\""},
};
const struct http_shape api_shape_login = {
    "Login", "The address and the password of an account.", login, COUNT_OF(login)};

static const struct http_json_field renewal[] = {
    {.name = "refresh_token",
     .kind = HTTP_JSON_TEXT,
     .min = 1,
     .max = REFRESH_TOKEN_CHARACTERS_MAX,
     .at = offsetof(struct api_renewal, refresh_token),
     .about = "The newest one; absent in cookie mode.",
     .example = "\"hX3vQ2m0Yk7sT9aLr4cW8eBn1dUfGzJpKoI6tNxM5Eg\""},
    {.name = "refresh",
     .kind = HTTP_JSON_TEXT,
     .max = REFRESH_MODE_CHARACTERS_MAX,
     .values = refresh_modes,
     .at = offsetof(struct api_renewal, refresh),
     .about = "\"cookie\": the token is in the cookie."},
};
const struct http_shape api_shape_renewal = {
    "Renewal", "A refresh token, or where it is.", renewal, COUNT_OF(renewal)};

static const struct http_json_field merge[] = {
    {.name = "cart_token",
     .kind = HTTP_JSON_TEXT,
     .required = true,
     .min = CART_TOKEN_CHARACTERS,
     .max = CART_TOKEN_CHARACTERS,
     .pattern = CART_TOKEN_PATTERN,
     .at = offsetof(struct api_merge, cart_token),
     .about = "The guest's.",
     .example = "\"hX3vQ2m0Yk7sT9aLr4cW8eBn1dUfGzJpKoI6tNxM5Eg\""},
};
const struct http_shape api_shape_merge = {
    "CartMerge", "The cart that is emptied.", merge, COUNT_OF(merge)};

static const struct http_json_field cart_item[] = {
    {.name = "product_id",
     .kind = HTTP_JSON_TEXT,
     .required = true,
     .min = 1,
     .max = API_ID_CHARACTERS,
     .pattern = API_ID_PATTERN,
     .at = offsetof(struct api_cart_item, product_id),
     .example = "\"prd_3f2b8c1e-5d0a-8b7e-9c44-1f0e6a2d7b95\""},
    {.name = "quantity",
     .kind = HTTP_JSON_INTEGER,
     .required = true,
     .min = 1,
     .max = INT32_MAX,
     .at = offsetof(struct api_cart_item, quantity),
     .about = "Is added to what the cart has.",
     .example = "2"},
};
const struct http_shape api_shape_cart_item = {
    "CartItem", "Units of a product to add.", cart_item, COUNT_OF(cart_item)};

static const struct http_json_field cart_quantity[] = {
    {.name = "quantity",
     .kind = HTTP_JSON_INTEGER,
     .required = true,
     .max = INT32_MAX,
     .at = offsetof(struct api_cart_quantity, quantity),
     .about = "The units from now on; 0 removes the line.",
     .example = "3"},
};
const struct http_shape api_shape_cart_quantity = {
    "CartQuantity", "The units of a line.", cart_quantity, COUNT_OF(cart_quantity)};

static const struct http_json_field expected_total[] = {
    {.name = "amount_minor",
     .kind = HTTP_JSON_INTEGER,
     .required = true,
     .max = INT64_C(1000000000000),
     .at = offsetof(struct api_checkout, total.minor),
     .example = "3998"},
    {.name = "currency",
     .kind = HTTP_JSON_TEXT,
     .required = true,
     .min = 3,
     .max = 3,
     .at = offsetof(struct api_checkout, total.currency),
     .example = "\"GBP\""},
    {.name = "exponent",
     .kind = HTTP_JSON_INTEGER,
     .max = 3,
     .at = offsetof(struct api_checkout, exponent),
     .about = "As the currency has it; may be left out.",
     .example = "2"},
};
static const struct http_shape shape_expected_total = {
    "ExpectedTotal",
    "An amount as a cart's totals have it.",
    expected_total,
    COUNT_OF(expected_total)};

static const struct http_json_field payment[] = {
    {.name = "method_token",
     .kind = HTTP_JSON_TEXT,
     .required = true,
     .min = 1,
     .max = METHOD_TOKEN_CHARACTERS_MAX,
     .at = offsetof(struct api_payment, method_token),
     .about = "The payment provider's token; never a card number.",
     .example = "\"pm_approve\""},
};
const struct http_shape api_shape_payment = {
    "PaymentMethod", "Pays with this.", payment, COUNT_OF(payment)};

static const struct http_json_field checkout_payment[] = {
    {.name = "method_token",
     .kind = HTTP_JSON_TEXT,
     .required = true,
     .min = 1,
     .max = METHOD_TOKEN_CHARACTERS_MAX,
     .at = offsetof(struct api_checkout, method_token),
     .about = "The payment provider's token; never a card number.",
     .example = "\"pm_approve\""},
};
static const struct http_shape shape_checkout_payment = {
    "CheckoutPayment",
    "Pays as soon as the stock is held.",
    checkout_payment,
    COUNT_OF(checkout_payment)};

static const struct http_json_field checkout[] = {
    {.name = "cart_version",
     .kind = HTTP_JSON_INTEGER,
     .max = EXACT_INTEGER,
     .at = offsetof(struct api_checkout, cart_version),
     .about = "Orders only what the client saw; If-Match does the same.",
     .example = "17"},
    {.name = "expected_total",
     .kind = HTTP_JSON_OBJECT,
     .at = offsetof(struct api_checkout, has_total),
     .fields = expected_total,
     .fields_count = COUNT_OF(expected_total),
     .shape = &shape_expected_total},
    {.name = "shipping_address",
     .kind = HTTP_JSON_ANY,
     .max = DETAILS_BYTES_MAX,
     .at = offsetof(struct api_checkout, address),
     .example = "{\"name\": \"Ada Lovelace\", \"street\": \"12 St James's Square\", "
                "\"city\": \"London\", \"postcode\": \"SW1Y 4JH\", \"country\": \"GB\"}"},
    {.name = "contact",
     .kind = HTTP_JSON_ANY,
     .max = DETAILS_BYTES_MAX,
     .at = offsetof(struct api_checkout, contact),
     .example = "{\"email\": \"ada@shop.example\"}"},
    {.name = "payment",
     .kind = HTTP_JSON_OBJECT,
     .fields = checkout_payment,
     .fields_count = COUNT_OF(checkout_payment),
     .at = offsetof(struct api_checkout, has_payment),
     .shape = &shape_checkout_payment},
};
const struct http_shape api_shape_checkout = {
    "Checkout", "Orders what the cart has.", checkout, COUNT_OF(checkout)};

static const struct http_json_field cancellation[] = {
    {.name = "reason",
     .kind = HTTP_JSON_TEXT,
     .max = REASON_CHARACTERS_MAX,
     .at = offsetof(struct api_cancellation, reason),
     .example = "\"Ordered the wrong size.\""},
};
const struct http_shape api_shape_cancellation = {
    "Cancellation", "Why, in the customer's words.", cancellation, COUNT_OF(cancellation)};
