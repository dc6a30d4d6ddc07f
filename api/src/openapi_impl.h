/* openapi_impl.h - the parts of the OpenAPI document. Private to api/src. */
#ifndef API_OPENAPI_IMPL_H
#define API_OPENAPI_IMPL_H

#include <api/contract.h>

#include <stdio.h>

/* openapi_schema.c */
void openapi_write_ref(struct json_w *w, const char *kind, const char *name);
void openapi_write_parameter(struct json_w *w, const struct api_parameter *parameter);
void openapi_write_schemas(struct json_w *w); /* All bodies, each once. */

/* openapi_traits.c */
void openapi_write_trait_parameters(struct json_w *w, unsigned traits);
void openapi_write_headers(struct json_w *w, unsigned traits, const char *const *own, int status);
void openapi_write_problem_headers(struct json_w *w, int status);
void openapi_write_components(struct json_w *w); /* The members of `components`. */

#endif
