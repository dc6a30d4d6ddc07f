/* contract_system.c - for verifiers and operators: keys, problem types, the document, readiness. */
#include <api/contract.h>

const struct api_operation api_get_jwks = {
    .http = {"GET", "/.well-known/jwks.json", 0, "application/jwk-set+json"},
    .id = "getKeys",
    .tag = "operation",
    .summary = "The keys that verify access tokens",
    .answers = (const struct api_answer[]){{200, "The keys.", &api_shape_jwks, NULL}, {0}},
};

const struct api_operation api_get_problem = {
    .http = {"GET", "/problems/{slug}", 0, NULL},
    .id = "getProblemType",
    .tag = "operation",
    .summary = "What a type of problem means",
    .traits = API_NAMES_RESOURCE,
    .parameters =
        (const struct api_parameter[]){
            {API_IN_PATH,
             {.name = "slug",
              .kind = HTTP_JSON_TEXT,
              .required = true,
              .min = 1,
              .about = "The end of a problem\'s `type`."}},
            {0}},
    .answers = (const struct api_answer[]){{200, "The type.", &api_shape_problem_type, NULL}, {0}},
};

const struct api_operation api_get_openapi = {
    .http = {"GET", "/openapi.json", 0, NULL},
    .id = "getDocument",
    .tag = "operation",
    .summary = "This document",
    .traits = API_HAS_ETAG,
    .answers = (const struct api_answer[]){{200, "OpenAPI 3.1.", &api_shape_document, NULL}, {0}},
};

const struct api_operation api_get_health = {
    .http = {"GET", "/healthz", 0, NULL},
    .id = "getHealth",
    .tag = "operation",
    .summary = "Whether the program works",
    .answers =
        (const struct api_answer[]){
            {200, "It works.", &api_shape_health, NULL},
            {503, "It hangs: a restart may help.", &api_shape_health, NULL},
            {0}},
};

const struct api_operation api_get_ready = {
    .http = {"GET", "/readyz", 0, NULL},
    .id = "getReadiness",
    .tag = "operation",
    .summary = "Whether it can serve; for this machine with the reasons",
    .answers =
        (const struct api_answer[]){
            {200, "It can.", &api_shape_ready, NULL},
            {503,
             "Not yet, or too far behind.",
             &api_shape_ready,
             (const char *const[]){"Retry-After", NULL}},
            {0}},
    .problems = (const char *const[]){"not-ready", NULL},
};

const struct api_operation api_get_metrics = {
    .http = {"GET", "/metrics", 0, "text/plain"},
    .id = "getMetrics",
    .tag = "operation",
    .summary = "Measurements in Prometheus' text format; for this machine only",
    .answers = (const struct api_answer[]){{200, "The measurements.", NULL, NULL}, {0}},
    .problems = (const char *const[]){"not-found", NULL},
};
