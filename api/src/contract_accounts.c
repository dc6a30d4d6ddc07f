/* contract_accounts.c - accounts, sessions, and what became of a command. */
#include <api/contract.h>

const struct api_operation api_post_user = {
    .http = {"POST", "/v1/users", 0, NULL},
    .id = "register",
    .tag = "accounts",
    .summary = "Makes an account",
    .traits = API_SENDS_COMMAND | API_NEEDS_KEY | API_ANSWERS_LATER | API_CHECKS_QUERY,
    .body = &api_shape_registration,
    .answers =
        (const struct api_answer[]){
            {201, "The account.", &api_shape_user, (const char *const[]){"Location", NULL}}, {0}},
    .problems = (const char *const[]){"email-taken", "password-too-weak", NULL},
};

const struct api_operation api_get_profile = {
    .http = {"GET", "/v1/users/me", 0, NULL},
    .id = "getProfile",
    .tag = "accounts",
    .summary = "The user who asks",
    .traits = API_OF_USER | API_HAS_ETAG | API_CHECKS_QUERY,
    .answers = (const struct api_answer[]){{200, "The user.", &api_shape_profile, NULL}, {0}},
};

const struct api_operation api_patch_profile = {
    .http = {"PATCH", "/v1/users/me", 0, NULL},
    .id = "changeProfile",
    .tag = "accounts",
    .summary = "Changes the user's name or language",
    .traits = API_OF_USER | API_SENDS_COMMAND | API_CHECKS_QUERY,
    .body = &api_shape_profile_patch,
    .answers =
        (const struct api_answer[]){
            {200, "The user.", &api_shape_profile, (const char *const[]){"ETag", NULL}}, {0}},
    .problems = (const char *const[]){"not-found", NULL},
};

const struct api_operation api_put_password = {
    .http = {"PUT", "/v1/users/me/password", 0, NULL},
    .id = "changePassword",
    .tag = "accounts",
    .summary = "Sets another password, and ends the user's other sessions",
    .traits = API_OF_USER | API_SENDS_COMMAND | API_CHECKS_QUERY,
    .body = &api_shape_password,
    .answers = (const struct api_answer[]){{204, "It counts from now on.", NULL, NULL}, {0}},
    .problems =
        (const char *const[]){
            "invalid-credentials", "password-too-weak", "too-many-attempts", "not-found", NULL},
};

const struct api_operation api_post_session = {
    .http = {"POST", "/v1/sessions", 0, NULL},
    .id = "logIn",
    .tag = "accounts",
    .summary = "A password for an access token",
    .traits = API_SENDS_COMMAND | API_CHECKS_QUERY,
    .body = &api_shape_login,
    .answers =
        (const struct api_answer[]){
            {201, "The session.", &api_shape_session, (const char *const[]){"Set-Cookie", NULL}},
            {0}},
    .problems =
        (const char *const[]){
            "invalid-credentials",
            "too-many-attempts",
            "view-behind",
            "not-found",
            "forbidden",
            NULL},
};

const struct api_operation api_post_session_refresh = {
    .http = {"POST", "/v1/sessions/refresh", 0, NULL},
    .id = "refreshSession",
    .tag = "accounts",
    .summary = "A refresh token for the next pair of tokens",
    .traits = API_SENDS_COMMAND | API_CHECKS_QUERY,
    .body = &api_shape_renewal,
    .answers =
        (const struct api_answer[]){
            {200, "The next pair.", &api_shape_session, (const char *const[]){"Set-Cookie", NULL}},
            {0}},
    .problems =
        (const char *const[]){"token-invalid", "refresh-reused", "not-found", "forbidden", NULL},
};

#define ENDS_SESSIONS (API_OF_USER | API_SENDS_COMMAND | API_CHECKS_QUERY)

const struct api_operation api_get_sessions = {
    .http = {"GET", "/v1/sessions", 0, NULL},
    .id = "listSessions",
    .tag = "accounts",
    .summary = "Where the user is logged in, newest first",
    .traits = API_OF_USER | API_READS_VIEWS | API_CHECKS_QUERY,
    .answers = (const struct api_answer[]){{200, "The sessions.", &api_shape_sessions, NULL}, {0}},
};

const struct api_operation api_delete_sessions = {
    .http = {"DELETE", "/v1/sessions", 0, NULL},
    .id = "logOutEverywhere",
    .tag = "accounts",
    .summary = "Ends all sessions of the user",
    .traits = ENDS_SESSIONS,
    .answers =
        (const struct api_answer[]){
            {204, "They are over.", NULL, (const char *const[]){"Set-Cookie", NULL}}, {0}},
    .problems = (const char *const[]){"not-found", NULL},
};

const struct api_operation api_delete_current_session = {
    .http = {"DELETE", "/v1/sessions/current", 0, NULL},
    .id = "logOut",
    .tag = "accounts",
    .summary = "Ends the session of the access token",
    .traits = ENDS_SESSIONS,
    .answers =
        (const struct api_answer[]){
            {204, "It is over.", NULL, (const char *const[]){"Set-Cookie", NULL}}, {0}},
    .problems = (const char *const[]){"not-found", NULL},
};

const struct api_operation api_delete_session = {
    .http = {"DELETE", "/v1/sessions/{session_id}", 0, NULL},
    .id = "endSession",
    .tag = "accounts",
    .summary = "Ends a session of the user",
    .traits = ENDS_SESSIONS | API_NAMES_RESOURCE,
    .parameters =
        (const struct api_parameter[]){
            {API_IN_PATH,
             {.name = "session_id",
              .kind = HTTP_JSON_TEXT,
              .required = true,
              .min = 1,
              .about = "As GET /v1/sessions has it."}},
            {0}},
    .answers = (const struct api_answer[]){{204, "It is over.", NULL, NULL}, {0}},
};

const struct api_operation api_get_command = {
    .http = {"GET", "/v1/commands/{command_id}", 0, NULL},
    .id = "getCommand",
    .tag = "accounts",
    .summary = "What became of a command that was answered with 202",
    .traits = API_OF_ANYONE | API_CHECKS_QUERY | API_NAMES_RESOURCE,
    .parameters =
        (const struct api_parameter[]){
            {API_IN_PATH,
             {.name = "command_id",
              .kind = HTTP_JSON_TEXT,
              .required = true,
              .min = 1,
              .about = "As the 202 has it."}},
            {API_IN_QUERY,
             {.name = "ticket",
              .kind = HTTP_JSON_TEXT,
              .about = "As the Location of the 202 has it."}},
            {0}},
    .answers =
        (const struct api_answer[]){
            {200,
             "The outcome, or that there is none yet.",
             &api_shape_command,
             (const char *const[]){"Consistency-Token", "Retry-After", NULL}},
            {0}},
    .problems = (const char *const[]){"view-behind", NULL},
};
