/*
 * http_fuzz_test.c - mutations of good input: bodies, tokens, whole requests. The seed is printed.
 */
#include "../http/http_client.h"

#include <http/json.h>
#include <http/token.h>

#include <fcntl.h>
#include <sodium.h>

enum { ROUNDS = 20000, REQUESTS = 300, INPUT_BYTES_MAX = 4096 };

static uint64_t seed;

static uint32_t next_random(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)(seed >> 32);
}

struct input {
    char bytes[INPUT_BYTES_MAX];
    size_t len;
};

/* A copy of `text` with one to four changes: bytes replaced, taken out, doubled, cut off. */
static struct input mutate_request(const char *text, size_t len)
{
    struct input input = {.len = len < INPUT_BYTES_MAX / 2 ? len : INPUT_BYTES_MAX / 2};
    memcpy(input.bytes, text, input.len);
    for (uint32_t change = next_random() % 4 + 1; change > 0 && input.len > 0; change--) {
        size_t at = next_random() % input.len;
        size_t some = next_random() % 16 % (input.len - at) + 1;
        switch (next_random() % 5) {
        case 0:
            input.bytes[at] = (char)next_random();
            break;
        case 1:
            input.bytes[at] = "{}[]\",:\\0.-%&=;\0\xff"[next_random() % 18];
            break;
        case 2:
            memmove(input.bytes + at, input.bytes + at + some, input.len - at - some);
            input.len -= some;
            break;
        case 3:
            if (input.len + some <= INPUT_BYTES_MAX) {
                memmove(input.bytes + at + some, input.bytes + at, input.len - at);
                input.len += some;
            }
            break;
        default:
            input.len = at;
        }
    }
    return input;
}

static void mutated_bodies_are_read_or_refused(void **state)
{
    static const char *const corpus[] = {
        "{\"product_id\":\"prd_1\",\"quantity\":3}",
        "{\"quantity\":1,\"total\":{\"amount_minor\":-5,\"currency\":\"GBP\"}}",
        "{\"address\":{\"line\":[1,2,{\"x\":null}],\"t\":\"\\u00e9\\ud83d\\ude00\"},\"quantity\":"
        "9}",
    };
    struct mr_arena arena = {0};
    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        const char *text = corpus[next_random() % 3];
        struct input input = mutate_request(text, strlen(text));
        struct mr_bytes product_id = {0};
        struct mr_bytes currency = {0};
        struct mr_bytes address = {0};
        int64_t quantity = 0;
        int64_t minor = 0;
        const struct http_json_field total[] = {
            {.name = "amount_minor", .kind = HTTP_JSON_INTEGER, .out = &minor},
            {.name = "currency", .kind = HTTP_JSON_TEXT, .min = 3, .max = 3, .out = &currency}};
        const struct http_json_field fields[] = {
            {.name = "product_id", .kind = HTTP_JSON_TEXT, .max = 16, .out = &product_id},
            {.name = "quantity",
             .kind = HTTP_JSON_INTEGER,
             .required = true,
             .min = 1,
             .max = 9,
             .out = &quantity},
            {.name = "total", .kind = HTTP_JSON_OBJECT, .fields = total, .fields_count = 2},
            {.name = "address", .kind = HTTP_JSON_ANY, .out = &address}};
        struct http_json_errors errors;
        struct mr_error error;
        char *exact = mr_memdup(input.bytes, input.len + 1); /* So that asan sees its end. */
        int code =
            http_json_read(mr_bytes_of(exact, input.len), fields, 4, &arena, &errors, &error);
        free(exact);
        assert_true(
            code == 0 || code == MR_MALFORMED || code == MR_INVALID || code == MR_TOO_LARGE);
        assert_true((code == MR_INVALID) == (errors.count > 0));
        if (code == 0) {
            assert_in_range(quantity, 1, 9);
            assert_true(http_utf8_valid(product_id));
        }
        for (size_t j = 0; j < errors.count; j++)
            assert_true(http_utf8_valid(errors.items[j].pointer));
        mr_arena_reset(&arena);
    }
    mr_arena_clean_up(&arena);
}

static struct token_keys *make_keys(void)
{
    static const char *const names[] = {"jwt_ed25519.key", "jwt_ed25519.pub", "token_mac.key"};
    uint8_t keys[3][crypto_sign_SECRETKEYBYTES] = {{0}};
    const size_t lens[] = {crypto_sign_SECRETKEYBYTES, crypto_sign_PUBLICKEYBYTES, 32};
    char dir[] = "/tmp/http-fuzz-XXXXXX";
    char path[128];
    struct token_keys *loaded = NULL;
    assert_non_null(mkdtemp(dir));
    const uint8_t fixed[crypto_sign_SEEDBYTES] = {1}; /* So that a seed is a reproduction. */
    assert_true(sodium_init() >= 0);
    crypto_sign_seed_keypair(keys[1], keys[0], fixed);
    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        int fd = open(path, O_CREAT | O_WRONLY, 0600);
        assert_int_equal(write(fd, keys[i], lens[i]), (ssize_t)lens[i]);
        close(fd);
    }
    assert_int_equal(token_keys_load(dir, TOKEN_SIGN | TOKEN_VERIFY | TOKEN_MAC, &loaded, NULL), 0);
    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        unlink(path);
    }
    rmdir(dir);
    return loaded;
}

static void mutated_tokens_are_never_believed(void **state)
{
    struct token_keys *keys = make_keys();
    struct mr_arena arena = {0};
    struct mr_buffer access = {0};
    struct mr_buffer positions = {0};
    const struct token_claims claims = {
        .subject = MR_LITERAL("usr_1"), .issued_at_s = 1000, .expires_at_s = 2000};
    const struct topo_position position = {"sales.cart.events", 3, 17};
    (void)state;
    token_sign(keys, &claims, &access);
    assert_int_equal(token_positions_write(keys, &position, 1, &positions), 0);
    for (int i = 0; i < ROUNDS; i++) {
        struct token_claims got;
        struct topo_position *read = NULL;
        size_t count = 0;
        struct input jwt = mutate_request(access.ptr, access.len);
        struct input opaque = mutate_request(positions.ptr, positions.len);
        struct mr_bytes jwt_view = mr_bytes_of(jwt.bytes, jwt.len);
        struct mr_bytes opaque_view = mr_bytes_of(opaque.bytes, opaque.len);
        if (!mr_bytes_equal(jwt_view, mr_buffer_view(&access)))
            if (token_verify(keys, jwt_view, 1500, &arena, &got) != TOKEN_INVALID)
                fail_msg(
                    "believed: %.*s instead of %.*s",
                    MR_ARG(jwt_view),
                    (int)access.len,
                    access.ptr);
        if (!mr_bytes_equal(opaque_view, mr_buffer_view(&positions)))
            assert_int_equal(
                token_positions_read(keys, opaque_view, &arena, &read, &count), MR_INVALID);
        mr_arena_reset(&arena);
    }
    mr_buffer_clean_up(&access);
    mr_buffer_clean_up(&positions);
    mr_arena_clean_up(&arena);
    token_keys_free(keys);
}

static void echo_request(struct http_request *request, void *user)
{
    int64_t version = 0;
    (void)user;
    struct json_w w = json_w_to(http_response(request));
    json_w_object(&w);
    json_w_key_text(&w, "id", http_path_param(request, 0));
    json_w_key_integer(&w, "if_match", (int64_t)http_if_match(request, &version));
    json_w_key_integer(&w, "wait", http_prefer_wait_ms(request, 1, 1000));
    json_w_key(&w, "query");
    json_w_array(&w);
    for (size_t i = 0; i < http_query_count(request); i++) {
        json_w_text(&w, http_query_name(request, i));
        json_w_text(&w, http_query_value(request, i));
    }
    json_w_array_end(&w);
    json_w_object_end(&w);
    if (http_etag_matches(request, mr_cstr("v1"), true))
        http_send(request, 304, NULL);
    else
        http_send(request, 200, NULL);
}

static const struct http_route routes[] = {
    {.method = "GET", .path = "/v1/things/{id}", .handle = echo_request},
    {.method = "POST", .path = "/v1/things/{id}", .handle = echo_request},
};

static void the_server_outlives_mutated_requests(void **state)
{
    static const char *const corpus[] = {
        "GET /v1/things/a%20b?q=x%26y&limit=20&cursor=AAAA HTTP/1.1\r\nHost: a\r\n"
        "If-None-Match: W/\"v1\", \"v2\"\r\nPrefer: wait=3, handling=lenient\r\n\r\n",
        "POST /v1/things/7 HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
        "If-Match: \"v17.3\"\r\nContent-Length: 14\r\n\r\n{\"quantity\":3}",
        "POST /v1/things/7 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        "5\r\n{\"qua\r\n9\r\nntity\":3}\r\n0\r\n\r\n",
    };
    struct http_server *server = NULL;
    static struct client_answer answer;
    struct mr_error error;
    const struct http_server_options options = {
        .routes = routes, .routes_count = 2, .receive_timeout_ms = 50};
    (void)state;
    assert_int_equal(http_server_start(&options, &server, &error), 0);
    for (int i = 0; i < REQUESTS; i++) {
        const char *text = corpus[next_random() % 3];
        struct input input = mutate_request(text, strlen(text));
        int fd = client_connect(http_server_port(server));
        client_send(fd, input.bytes, input.len);
        shutdown(fd, SHUT_WR);
        if (client_read(fd, false, &answer)) {
            assert_in_range(answer.status, 200, 505);
            assert_int_not_equal(answer.status, 500);
        }
        close(fd);
    }
    client_ask(
        http_server_port(server), "GET /v1/things/1 HTTP/1.1\r\nHost: a\r\n\r\n", false, &answer);
    assert_int_equal(answer.status, 200);
    http_server_free(server);
}

int main(void)
{
    const char *given = getenv("MILLRACE_SEED");
    seed = given ? strtoull(given, NULL, 10) : 20260901;
    printf("MILLRACE_SEED=%llu\n", (unsigned long long)seed);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mutated_bodies_are_read_or_refused),
        cmocka_unit_test(mutated_tokens_are_never_believed),
        cmocka_unit_test(the_server_outlives_mutated_requests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
