#include "server.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static char block[1 << 18];

static int send_all(int connection, const char *bytes, size_t count) {
    while (count) {
        ssize_t sent = send(connection, bytes, count, MSG_NOSIGNAL);
        if (sent <= 0) return -1;
        bytes += sent;
        count -= (size_t)sent;
    }
    return 0;
}

static void *serve(void *argument) {
    int connection = (int)(long)argument, on = 1;
    setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    char request[4096];
    size_t have = 0;
    for (;;) {
        ssize_t bytes = recv(connection, request + have, sizeof request - 1 - have, 0);
        if (bytes <= 0) break;
        have += (size_t)bytes;
        request[have] = 0;
        if (!strstr(request, "\r\n\r\n")) continue;
        long left = atol(request + 5) << 20;
        int is_last = strstr(request, "Connection: close") != NULL;
        have = 0;
        char head[128];
        int length = snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %ld\r\n\r\n", left ? left : 8);
        if (!left) length += snprintf(head + length, sizeof head - (size_t)length, "welcome\n");
        if (send_all(connection, head, (size_t)length)) break;
        for (; left > 0; left -= (long)sizeof block)
            if (send_all(connection, block, sizeof block)) break;
        if (is_last) break;
    }
    close(connection);
    return NULL;
}

static void *listen_on(void *argument) {
    for (;;) {
        int connection = accept((int)(long)argument, NULL, NULL);
        if (connection < 0) return NULL;
        pthread_t thread;
        if (pthread_create(&thread, NULL, serve, (void *)(long)connection)) {
            close(connection);
            continue;
        }
        pthread_detach(thread);
    }
}

int start_server(void) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    pthread_t thread;
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, size) || listen(listener, 256) ||
        getsockname(listener, (struct sockaddr *)&address, &size) ||
        pthread_create(&thread, NULL, listen_on, (void *)(long)listener)) {
        perror("server");
        exit(1);
    }
    return ntohs(address.sin_port);
}
