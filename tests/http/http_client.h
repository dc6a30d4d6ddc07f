/* http_client.h - a client of raw sockets: sends exactly what a test says, reads one answer. */
#ifndef TESTS_HTTP_CLIENT_H
#define TESTS_HTTP_CLIENT_H

#include <tests/cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

struct client_answer {
    int status;
    char head[16384];
    char body[262144];
    size_t body_len;
};

/* Reads give up after ten seconds: only a hanging server takes that long. */
static inline int client_connect(uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval patience = {.tv_sec = 10};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static inline void client_send(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t sent = send(fd, bytes, len, MSG_NOSIGNAL);
        if (sent <= 0)
            return; /* The server may have answered and closed already. */
        bytes += sent;
        len -= (size_t)sent;
    }
}

static inline void client_send_text(int fd, const char *text)
{
    client_send(fd, text, strlen(text));
}

/* The value of a header, NULL when there is none. Valid until this thread's next call. */
static inline const char *client_header(const struct client_answer *answer, const char *name)
{
    static _Thread_local char value[2048];
    size_t len = strlen(name);
    for (const char *line = answer->head; line; line = strstr(line, "\r\n")) {
        if (line[0] == '\r')
            line += 2;
        if (strncasecmp(line, name, len) == 0 && line[len] == ':') {
            const char *start = line + len + 1 + strspn(line + len + 1, " ");
            (void)snprintf(value, sizeof value, "%.*s", (int)strcspn(start, "\r"), start);
            return value;
        }
    }
    return NULL;
}

/* False when the connection ended before a whole answer. `head_only`: no body follows. */
static inline bool client_read(int fd, bool head_only, struct client_answer *ret_answer)
{
    memset(ret_answer, 0, sizeof *ret_answer);
    size_t len = 0;
    while (!strstr(ret_answer->head, "\r\n\r\n")) {
        if (len == sizeof ret_answer->head - 1 || recv(fd, ret_answer->head + len, 1, 0) != 1)
            return false;
        len++;
    }
    if (strncmp(ret_answer->head, "HTTP/1.1 ", 9) != 0)
        return false;
    ret_answer->status = (int)strtol(ret_answer->head + 9, NULL, 10);
    if (ret_answer->status == 100)
        return client_read(fd, head_only, ret_answer);
    const char *length = client_header(ret_answer, "Content-Length");
    size_t wanted = length && !head_only ? (size_t)strtoul(length, NULL, 10) : 0;
    assert_true(wanted < sizeof ret_answer->body);
    while (ret_answer->body_len < wanted) {
        ssize_t got =
            recv(fd, ret_answer->body + ret_answer->body_len, wanted - ret_answer->body_len, 0);
        if (got <= 0)
            return false;
        ret_answer->body_len += (size_t)got;
    }
    return true;
}

/* True when the server has closed: nothing more to read. */
static inline bool client_closed(int fd)
{
    char byte;
    return recv(fd, &byte, 1, 0) <= 0;
}

/* One request on a connection of its own. */
static inline void
client_ask(uint16_t port, const char *request, bool head_only, struct client_answer *ret_answer)
{
    int fd = client_connect(port);
    client_send_text(fd, request);
    if (!client_read(fd, head_only, ret_answer))
        fail_msg("no answer to: %.60s", request);
    close(fd);
}

#endif
