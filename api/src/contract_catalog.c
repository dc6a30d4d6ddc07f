/* contract_catalog.c - what can be asked about products: for anyone, without a token. */
#include <api/contract.h>

#define ID_IN_PATH                                                                                 \
    {                                                                                              \
        API_IN_PATH,                                                                               \
        {                                                                                          \
            .name = "id", .kind = HTTP_JSON_TEXT, .required = true, .min = 1,                      \
            .about = "A product\'s."                                                               \
        }                                                                                          \
    }
#define PRODUCT_FIELDS                                                                             \
    {                                                                                              \
        API_IN_QUERY,                                                                              \
        {                                                                                          \
            .name = "fields[product]", .kind = HTTP_JSON_TEXT, .many = true, .min = 1,             \
            .values = product_members, .about = "Only these members, and the id."                  \
        }                                                                                          \
    }

static const char *const product_members[] = {
    "product_id",
    "sku",
    "title",
    "price",
    "category_ids",
    "description",
    "status",
    "price_version",
    "version",
    "created_at",
    NULL};

static const struct api_parameter products_parameters[] = {
    {API_IN_QUERY, {.name = "category", .kind = HTTP_JSON_TEXT, .about = "A category's id."}},
    {API_IN_QUERY,
     {.name = "q",
      .kind = HTTP_JSON_TEXT,
      .about = "Words of the title, in any case; the last one may be the start of one."}},
    {API_IN_QUERY,
     {.name = "sort",
      .kind = HTTP_JSON_TEXT,
      .values =
          (const char *const[]){
              "relevance", "name", "price", "created", "-name", "-price", "-created", NULL},
      .about = "Absent: by relevance with q, else by name; - turns the order round."}},
    {API_IN_QUERY,
     {.name = "in_stock", .kind = HTTP_JSON_BOOL, .about = "true: of which there are some."}},
    {API_IN_QUERY,
     {.name = "price_min",
      .kind = HTTP_JSON_INTEGER,
      .max = INT64_C(9999999999999),
      .about = "In minor units."}},
    {API_IN_QUERY,
     {.name = "price_max",
      .kind = HTTP_JSON_INTEGER,
      .max = INT64_C(9999999999999),
      .about = "In minor units."}},
    {API_IN_QUERY,
     {.name = "limit",
      .kind = HTTP_JSON_INTEGER,
      .min = 1,
      .max = API_PAGE_MAX,
      .about = "Items of a page; 20 when absent."}},
    {API_IN_QUERY,
     {.name = "cursor",
      .kind = HTTP_JSON_TEXT,
      .about = "Of the page before, with the same parameters."}},
    {API_IN_QUERY,
     {.name = "id",
      .kind = HTTP_JSON_TEXT,
      .many = true,
      .max = API_BATCH_MAX,
      .about = "These products instead of a listing; only fields[product] may stand beside it."}},
    PRODUCT_FIELDS,
    {0},
};

const struct api_operation api_get_products = {
    .http = {"GET", "/v1/products", 0, NULL},
    .id = "listProducts",
    .tag = "catalogue",
    .summary = "Products, page by page or by id",
    .traits = API_READS_VIEWS | API_HAS_ETAG | API_CHECKS_QUERY | API_CHECKS_VALUES | API_HAS_PAGES,
    .parameters = products_parameters,
    .answers = (const struct api_answer[]){{200, "A page.", &api_shape_products, NULL}, {0}},
};

const struct api_operation api_get_product = {
    .http = {"GET", "/v1/products/{id}", 0, NULL},
    .id = "getProduct",
    .tag = "catalogue",
    .summary = "One product",
    .traits =
        API_READS_VIEWS | API_HAS_ETAG | API_CHECKS_QUERY | API_CHECKS_VALUES | API_NAMES_RESOURCE,
    .parameters = (const struct api_parameter[]){ID_IN_PATH, PRODUCT_FIELDS, {0}},
    .answers = (const struct api_answer[]){{200, "The product.", &api_shape_product, NULL}, {0}},
};

const struct api_operation api_get_availability = {
    .http = {"GET", "/v1/products/{id}/availability", 0, NULL},
    .id = "getAvailability",
    .tag = "catalogue",
    .summary = "How many of a product there are",
    .traits = API_READS_VIEWS | API_HAS_ETAG | API_CHECKS_QUERY | API_NAMES_RESOURCE,
    .parameters = (const struct api_parameter[]){ID_IN_PATH, {0}},
    .answers =
        (const struct api_answer[]){
            {200, "A band and a number.", &api_shape_availability, NULL}, {0}},
};

const struct api_operation api_get_categories = {
    .http = {"GET", "/v1/categories", 0, NULL},
    .id = "listCategories",
    .tag = "catalogue",
    .summary = "All categories",
    .traits = API_READS_VIEWS | API_HAS_ETAG | API_CHECKS_QUERY,
    .answers =
        (const struct api_answer[]){{200, "The categories.", &api_shape_categories, NULL}, {0}},
};
