/*
 * bare_server.c - the limit of GET: libmicrohttpd by itself, with one answer whatever is asked.
 *
 *     bare_server PORT THREADS each|once FILE
 *
 * FILE has header lines, an empty line, and the body. `each`: the answer is made for every request,
 * as a program must that has something new in it; `once`: a single one, made before. It listens on
 * 127.0.0.1 and ends at SIGTERM.
 */
#include <base/buffer.h>

#include <arpa/inet.h>
#include <microhttpd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEADERS_MAX = 32 };

struct answer {
    char *names[HEADERS_MAX];
    char *values[HEADERS_MAX];
    size_t count;
    char *body;
    size_t body_len;
    struct MHD_Response *once;
};

static struct MHD_Response *make_response(const struct answer *answer)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(answer->body_len, answer->body, MHD_RESPMEM_PERSISTENT);
    for (size_t i = 0; i < answer->count; i++)
        MHD_add_response_header(response, answer->names[i], answer->values[i]);
    return response;
}

static enum MHD_Result answer_request(
    void *user,
    struct MHD_Connection *connection,
    const char *url,
    const char *method,
    const char *version,
    const char *upload_data,
    size_t *upload_data_size,
    void **context)
{
    static char seen;
    const struct answer *answer = user;
    (void)url;
    (void)method;
    (void)version;
    (void)upload_data;
    (void)upload_data_size;
    if (!*context) { /* The headers are there: the answer is due at the next call. */
        *context = &seen;
        return MHD_YES;
    }
    if (answer->once)
        return MHD_queue_response(connection, MHD_HTTP_OK, answer->once);
    struct MHD_Response *response = make_response(answer);
    enum MHD_Result result = MHD_queue_response(connection, MHD_HTTP_OK, response);
    MHD_destroy_response(response);
    return result;
}

/* Cuts the text in place: its lines up to the empty one are headers. */
static bool split_answer(char *text, size_t len, struct answer *answer)
{
    char *end = text + len;
    char *line = text;
    while (line < end && *line != '\n') {
        char *stop = memchr(line, '\n', (size_t)(end - line));
        char *colon = stop ? memchr(line, ':', (size_t)(stop - line)) : NULL;
        if (!colon || answer->count == HEADERS_MAX)
            return false;
        *stop = '\0';
        *colon = '\0';
        answer->names[answer->count] = line;
        answer->values[answer->count++] = colon + 1 + strspn(colon + 1, " ");
        line = stop + 1;
    }
    answer->body = line + 1;
    answer->body_len = line < end ? (size_t)(end - answer->body) : 0;
    return line < end;
}

static bool read_answer(const char *path, struct mr_buffer *text, struct answer *answer)
{
    char piece[4096];
    FILE *file = fopen(path, "r");
    if (!file)
        return false;
    for (size_t got; (got = fread(piece, 1, sizeof piece, file)) > 0;)
        mr_buffer_add(text, mr_bytes_of(piece, got));
    bool good = !ferror(file);
    (void)fclose(file);
    return good && split_answer(text->ptr, text->len, answer);
}

static struct MHD_Daemon *start_bare(const char *port, const char *threads, struct answer *answer)
{
    struct sockaddr_in where = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)strtoul(port, NULL, 10)),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    return MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD,
        0,
        NULL,
        NULL,
        answer_request,
        answer,
        MHD_OPTION_SOCK_ADDR,
        (struct sockaddr *)&where,
        MHD_OPTION_THREAD_POOL_SIZE,
        (unsigned)strtoul(threads, NULL, 10),
        MHD_OPTION_END);
}

int main(int argc, char **argv)
{
    struct mr_buffer text = {0};
    struct answer answer = {0};
    sigset_t ends;
    int number;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    sigprocmask(SIG_BLOCK, &ends, NULL);
    if (argc != 5 || !read_answer(argv[4], &text, &answer)) {
        (void)fprintf(stderr, "usage: bare_server PORT THREADS each|once FILE\n");
        return 2;
    }
    if (strcmp(argv[3], "once") == 0)
        answer.once = make_response(&answer);
    struct MHD_Daemon *daemon = start_bare(argv[1], argv[2], &answer);
    if (!daemon) {
        (void)fprintf(stderr, "bare_server: cannot listen on port %s\n", argv[1]);
        return 1;
    }
    (void)sigwait(&ends, &number);
    MHD_stop_daemon(daemon);
    if (answer.once)
        MHD_destroy_response(answer.once);
    mr_buffer_clean_up(&text);
    return 0;
}
