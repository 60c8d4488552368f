#include "relay.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PIPE_BYTES (1 << 20)

static int server_port;

static struct sockaddr_in loopback(int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

/* Returns 0 at the end. */
static int pass_down(int server, int client, const int pipe[2]) {
    ssize_t held = splice(server, NULL, pipe[1], NULL, PIPE_BYTES, SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
    if (held <= 0) return held < 0;
    while (held > 0) {
        ssize_t moved = splice(pipe[0], NULL, client, NULL, (size_t)held, SPLICE_F_MOVE);
        if (moved <= 0) return 0;
        held -= moved;
    }
    return 1;
}

static int pass_up(int client, int server) {
    char bytes[4096];
    ssize_t count = recv(client, bytes, sizeof bytes, 0);
    return count > 0 && send(server, bytes, (size_t)count, MSG_NOSIGNAL) == count;
}

static void *relay(void *argument) {
    static const char established[] = "HTTP/1.1 200 OK\r\n\r\n";
    int client = (int)(long)argument, server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), pipe[2], on = 1;
    struct sockaddr_in address = loopback(server_port);
    char request[4096] = "";
    size_t have = 0;
    ssize_t count = 1;
    while (count > 0 && have < sizeof request - 1 && !strstr(request, "\r\n\r\n")) {
        count = recv(client, request + have, sizeof request - 1 - have, 0);
        have += count > 0 ? (size_t)count : 0;
    }
    setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(server, (struct sockaddr *)&address, sizeof address) || pipe2(pipe, O_CLOEXEC)) {
        perror("relay");
        exit(1);
    }
    fcntl(pipe[1], F_SETPIPE_SZ, PIPE_BYTES);
    send(client, established, sizeof established - 1, MSG_NOSIGNAL);
    struct pollfd both[] = {{.fd = client, .events = POLLIN}, {.fd = server, .events = POLLIN}};
    int goes_on = 1;
    while (goes_on && poll(both, 2, -1) > 0) {
        if (both[0].revents) goes_on = pass_up(client, server);
        if (goes_on && both[1].revents) goes_on = pass_down(server, client, pipe);
    }
    close(pipe[0]);
    close(pipe[1]);
    close(server);
    close(client);
    return NULL;
}

static void *listen_on(void *argument) {
    for (;;) {
        int client = accept((int)(long)argument, NULL, NULL);
        if (client < 0) return NULL;
        pthread_t thread;
        if (pthread_create(&thread, NULL, relay, (void *)(long)client)) {
            close(client);
            continue;
        }
        pthread_detach(thread);
    }
}

int start_relay(int port) {
    struct sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    pthread_t thread;
    server_port = port;
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, size) || listen(listener, 256) ||
        getsockname(listener, (struct sockaddr *)&address, &size) ||
        pthread_create(&thread, NULL, listen_on, (void *)(long)listener)) {
        perror("relay");
        exit(1);
    }
    return ntohs(address.sin_port);
}
