/* contract.c - the list of all operations, in the order of the document. */
#include <api/contract.h>

const struct api_operation *const api_operations[] = {
    &api_get_products,      &api_get_product,      &api_get_availability, &api_get_categories,
    &api_get_cart,          &api_post_cart_item,   &api_clear_cart,       &api_put_cart_item,
    &api_delete_cart_item,  &api_post_guest_cart,  &api_get_orders,       &api_post_order,
    &api_get_order,         &api_get_order_stream, &api_get_confirmation, &api_post_payment,
    &api_post_cancellation, &api_post_user,        &api_post_session,     &api_get_command,
    &api_get_jwks,          &api_get_problem,      &api_get_openapi,      &api_get_health,
    &api_get_ready,         &api_get_metrics,
};
const size_t api_operations_count = sizeof api_operations / sizeof api_operations[0];

const struct http_path *const api_paths[] = {
    &api_get_products.http,    &api_get_product.http,       &api_get_availability.http,
    &api_get_categories.http,  &api_get_cart.http,          &api_post_cart_item.http,
    &api_clear_cart.http,      &api_put_cart_item.http,     &api_delete_cart_item.http,
    &api_post_guest_cart.http, &api_get_orders.http,        &api_post_order.http,
    &api_get_order.http,       &api_get_order_stream.http,  &api_get_confirmation.http,
    &api_post_payment.http,    &api_post_cancellation.http, &api_post_user.http,
    &api_post_session.http,    &api_get_command.http,       &api_get_jwks.http,
    &api_get_problem.http,     &api_get_openapi.http,       &api_get_health.http,
    &api_get_ready.http,       &api_get_metrics.http,
};
_Static_assert(
    sizeof api_paths == sizeof api_operations, "an operation is in one of the lists only");
