/* Sends requests to 127.0.0.1:PORT, through the proxy of http_proxy if there is one, and prints the milliseconds of one.
 * usage: client MODE PORT COUNT
 *   connect  a connection (through a tunnel) for each request
 *   plain    a connection for each request, in absolute form where there is a proxy
 *   keep     all requests on one connection (through one tunnel)
 *   bulk     one answer of COUNT MiB; the milliseconds of all of it
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static int proxy_port;

static double now_ms(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static int dial(int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int socket_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (socket_ < 0 || connect(socket_, (struct sockaddr *)&address, sizeof address)) fail("connect");
    return socket_;
}

/* Sends a request and reads its answer; gives the bytes of the body. */
static long ask(int connection, const char *request) {
    static char buffer[1 << 18];
    if (write(connection, request, strlen(request)) < 0) fail("write");
    size_t have = 0;
    char *end = NULL;
    while (!end) {
        ssize_t bytes = read(connection, buffer + have, sizeof buffer - 1 - have);
        if (bytes <= 0) fail("read");
        have += (size_t)bytes;
        buffer[have] = 0;
        end = strstr(buffer, "\r\n\r\n");
    }
    if (strncmp(buffer, "HTTP/1.1 200", 12)) {
        fprintf(stderr, "%.300s\n", buffer);
        exit(1);
    }
    char *length = strstr(buffer, "Content-Length: ");
    long body = length && length < end ? atol(length + 16) : 0, left = body - (long)(buffer + have - end - 4);
    while (left > 0) {
        ssize_t bytes = read(connection, buffer, sizeof buffer);
        if (bytes <= 0) fail("read");
        left -= bytes;
    }
    return body;
}

/* A connection to the server, through a tunnel where there is a proxy. */
static int reach(int port) {
    if (!proxy_port) return dial(port);
    char request[128];
    int connection = dial(proxy_port);
    snprintf(request, sizeof request, "CONNECT 127.0.0.1:%d HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n", port, port);
    ask(connection, request);
    return connection;
}

int main(int argc, char **argv) {
    if (argc != 4) return 2;
    int port = atoi(argv[2]), count = atoi(argv[3]), is_plain = !strcmp(argv[1], "plain");
    const char *proxy = getenv("http_proxy"), *colon = proxy ? strrchr(proxy, ':') : NULL;
    proxy_port = colon ? atoi(colon + 1) : 0;
    char request[160], url[64] = "";
    if (is_plain && proxy_port) snprintf(url, sizeof url, "http://127.0.0.1:%d", port);
    snprintf(request, sizeof request, "GET %s/%s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n", url,
             strcmp(argv[1], "bulk") ? "" : argv[3], port);
    int kept = strcmp(argv[1], "keep") ? -1 : reach(port);
    if (!strcmp(argv[1], "bulk")) count = 1;
    double start = now_ms();
    for (int i = 0; i < count; i++) {
        int connection = kept >= 0 ? kept : is_plain ? dial(proxy_port ? proxy_port : port) : reach(port);
        ask(connection, request);
        if (kept < 0) close(connection);
    }
    printf("%.6f\n", (now_ms() - start) / count);
    return 0;
}
