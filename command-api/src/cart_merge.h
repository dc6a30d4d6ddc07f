/* cart_merge.h - a guest's cart into a customer's, for its own route and for the login. */
#ifndef COMMAND_API_CART_MERGE_H
#define COMMAND_API_CART_MERGE_H

#include "command_api.h"

/* The owner that a Cart-Token in a body stands for. False: a problem has been sent. */
bool merge_read_token(
    struct http_request *request, struct mr_bytes cart_token, struct mr_bytes *ret_guest_id);

/* Into the cart of the call's principal; `answered` gets the call. */
void merge_send(struct call *call, struct mr_bytes guest_id, dispatch_answer_fn *answered);

#endif
