/* contract.c - the list of all operations, in the order of the document. */
#include <api/contract.h>

#define CONTRACT_OPERATIONS(X)                                                                     \
    X(api_get_products)                                                                            \
    X(api_get_product)                                                                             \
    X(api_get_availability)                                                                        \
    X(api_get_categories)                                                                          \
    X(api_get_cart)                                                                                \
    X(api_post_cart_item)                                                                          \
    X(api_clear_cart)                                                                              \
    X(api_put_cart_item)                                                                           \
    X(api_delete_cart_item)                                                                        \
    X(api_post_guest_cart)                                                                         \
    X(api_post_cart_merge)                                                                         \
    X(api_get_orders)                                                                              \
    X(api_post_order)                                                                              \
    X(api_get_order)                                                                               \
    X(api_get_order_stream)                                                                        \
    X(api_get_order_timeline)                                                                      \
    X(api_get_confirmation)                                                                        \
    X(api_post_payment)                                                                            \
    X(api_post_cancellation)                                                                       \
    X(api_post_user)                                                                               \
    X(api_get_profile)                                                                             \
    X(api_patch_profile)                                                                           \
    X(api_put_password)                                                                            \
    X(api_post_session)                                                                            \
    X(api_post_session_refresh)                                                                    \
    X(api_get_sessions)                                                                            \
    X(api_delete_sessions)                                                                         \
    X(api_delete_current_session)                                                                  \
    X(api_delete_session)                                                                          \
    X(api_get_command)                                                                             \
    X(api_get_jwks)                                                                                \
    X(api_get_problem)                                                                             \
    X(api_get_openapi)                                                                             \
    X(api_get_health)                                                                              \
    X(api_get_ready)                                                                               \
    X(api_get_metrics)

#define CONTRACT_OPERATION(name) &(name),
const struct api_operation *const api_operations[] = {CONTRACT_OPERATIONS(CONTRACT_OPERATION)};
const size_t api_operations_count = sizeof api_operations / sizeof api_operations[0];

#define CONTRACT_PATH(name) &(name).http,
const struct http_path *const api_paths[] = {CONTRACT_OPERATIONS(CONTRACT_PATH)};
