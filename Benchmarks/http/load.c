// SPDX-License-Identifier: Apache-2.0
// Loads a pbt server: claims and finishes intervals over many connections, as fast as it answers.
//
//   load PORT EXPERIMENT CONNECTIONS SECONDS      pairs of claim and finish; prints one line of JSON
//   load PORT EXPERIMENT CONNECTIONS SECONDS idle claims that wait, and get nothing
//   load PORT EXPERIMENT CONNECTIONS SECONDS streams N    the first, while N connections follow the events; what they get
//                                                 is thrown away unread, as on a machine of their own
//
// Plain sockets and epoll, so that it costs the server's machine little. A claim's lease is sent back as it came.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { ROOM = 1 << 16 };

typedef struct {
    int socket, number;
    int finishing;           // what was asked: a claim or a finish
    double asked;            // when
    char lease[1024], path[128], checkpoint[64];
    char in[ROOM];
    int length;
} Connection;

static int idle, port;
static const char *experiment;
static long pairs, empty, errors, streamed;
static double *times[2];
static long counts[2], rooms[2];

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec * 1e-9;
}

static void fail(const char *what) {
    perror(what);
    exit(70);
}

static void note(int kind, double seconds) {
    if (counts[kind] == rooms[kind]) {
        rooms[kind] = rooms[kind] ? 2 * rooms[kind] : 1 << 16;
        times[kind] = realloc(times[kind], rooms[kind] * sizeof(double));
        if (!times[kind]) fail("realloc");
    }
    times[kind][counts[kind]++] = seconds;
}

static void ask(Connection *c) {
    char body[2048], request[4096];
    if (c->finishing) {
        snprintf(body, sizeof body,
                 "{\"lease\":%s,\"score\":%.6f,\"metrics\":{\"score\":0.5},\"checkpoint\":\"%s\"}", c->lease,
                 drand48(), c->checkpoint);
    } else {
        snprintf(body, sizeof body, "{\"worker\":\"load-%d\",\"term\":60,\"wait\":%d,\"definition\":false,\"key\":"
                 "\"%08lx%08lx%08lx%08lx\"}", c->number, idle ? 60 : 20, lrand48(), lrand48(), lrand48(), lrand48());
    }
    int length = snprintf(request, sizeof request,
                          "POST /api/v1/experiments/%s/%s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n"
                          "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                          experiment, c->finishing ? c->path : "claims", port, strlen(body), body);
    if (send(c->socket, request, length, MSG_NOSIGNAL) != length) fail("send");
    c->asked = now();
    c->length = 0;
}

// The object after a name, copied whole; 0 when it is not there.
static int object(const char *text, const char *name, char *out, size_t room) {
    const char *start = strstr(text, name);
    if (!start) return 0;
    start += strlen(name);
    const char *end = strchr(start, '}');
    if (!end || (size_t)(end - start) + 2 > room) return 0;
    memcpy(out, start, end - start + 1);
    out[end - start + 1] = 0;
    return 1;
}

// Takes in an answer; returns whether it was whole.
static int answered(Connection *c) {
    c->in[c->length] = 0;
    char *body = strstr(c->in, "\r\n\r\n");
    if (!body) return 0;
    char *field = strcasestr(c->in, "content-length:");
    long length = field && field < body ? atol(field + 15) : 0;
    body += 4;
    if (c->in + c->length - body < length) return 0;
    note(c->finishing, now() - c->asked);
    if (strncmp(c->in, "HTTP/1.1 200", 12) != 0) {
        if (errors++ < 3) fprintf(stderr, "%.300s\n", c->in);
        c->finishing = 0;
    } else if (c->finishing) {
        pairs++;
        c->finishing = 0;
    } else if (object(body, "\"lease\":", c->lease, sizeof c->lease)) {
        const char *member = strstr(c->lease, "\"member\":"), *interval = strstr(c->lease, "\"interval\":");
        const char *attempt = strstr(c->lease, "\"attempt\":");
        if (!member || !interval || !attempt) fail("lease");
        snprintf(c->checkpoint, sizeof c->checkpoint, "m%04d-i%04d-a%d", atoi(member + 9), atoi(interval + 11),
                 atoi(attempt + 10));
        snprintf(c->path, sizeof c->path, "intervals/%d/%d/finish", atoi(member + 9), atoi(interval + 11));
        c->finishing = 1;
        // The server takes checkpoints only that are there: an empty one, as a worker on its machine would make.
        const char *place = getenv("LOAD_CHECKPOINTS");
        char made[4096];
        if (place && snprintf(made, sizeof made, "%s/%s", place, c->checkpoint) < (int)sizeof made) mkdir(made, 0777);
    } else {
        empty++;
    }
    return 1;
}

static int byTime(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double percentile(int kind, double part) {
    return counts[kind] ? 1000 * times[kind][(long)(part * (counts[kind] - 1))] : 0;
}

static int connected(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int one = 1, s = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(s, (struct sockaddr *)&address, sizeof address) != 0) fail("connect");
    setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return s;
}

// Opens streams of the events to come, and waits until each has begun. A stream is a Connection without a number.
static void follow(int poll, Connection *streams, int count) {
    char request[1024], answer[ROOM];
    int asking = connected();
    snprintf(request, sizeof request, "GET /api/v1/events?limit=0 HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nConnection: close\r\n\r\n", port);
    send(asking, request, strlen(request), MSG_NOSIGNAL);
    ssize_t size = 0, read;
    while ((read = recv(asking, answer + size, sizeof answer - 1 - size, 0)) > 0) size += read;
    answer[size] = 0;
    close(asking);
    const char *last = strstr(answer, "\"last\":");
    if (!last) fail("the number of the last event");
    long long newest = atoll(last + 7);
    for (int i = 0; i < count; i++) {
        streams[i].number = -1;
        streams[i].socket = connected();
        int length = snprintf(request, sizeof request,
                              "GET /api/v1/experiments/%s/events?after=%lld HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n"
                              "Accept: text/event-stream\r\n%s\r\n", experiment, newest, port,
                              getenv("LOAD_GZIP") ? "Accept-Encoding: gzip\r\n" : "");
        if (send(streams[i].socket, request, length, MSG_NOSIGNAL) != length) fail("send");
    }
    for (int i = 0; i < count; i++) {
        ssize_t got = recv(streams[i].socket, answer, sizeof answer - 1, 0);
        if (got <= 0 || strncmp(answer, "HTTP/1.1 200", 12) != 0) fail("the server refused a stream");
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &streams[i]};
        epoll_ctl(poll, EPOLL_CTL_ADD, streams[i].socket, &event);
    }
}

int main(int count, char **arguments) {
    if (count < 5) return fprintf(stderr, "usage: load PORT EXPERIMENT CONNECTIONS SECONDS [idle | streams N]\n"), 64;
    port = atoi(arguments[1]);
    experiment = arguments[2];
    int connections = atoi(arguments[3]);
    double seconds = atof(arguments[4]);
    idle = count == 6;
    int followers = count > 6 ? atoi(arguments[6]) : 0;
    int poll = epoll_create1(0);
    Connection *all = calloc(connections, sizeof *all);
    Connection *streams = calloc(followers + 1, sizeof *streams);
    if (!all || !streams) fail("calloc");
    follow(poll, streams, followers);
    for (int i = 0; i < connections; i++) {
        all[i].number = i;
        all[i].socket = connected();
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &all[i]};
        epoll_ctl(poll, EPOLL_CTL_ADD, all[i].socket, &event);
        ask(&all[i]);
    }
    double start = now(), end = start + seconds;
    while (now() < end) {
        struct epoll_event events[64];
        int ready = epoll_wait(poll, events, 64, 100);
        for (int i = 0; i < ready; i++) {
            Connection *c = events[i].data.ptr;
            if (c->number < 0) {
                ssize_t got = recv(c->socket, NULL, 1 << 24, MSG_TRUNC);
                if (got <= 0) fail("the server closed a stream");
                streamed += got;
                continue;
            }
            ssize_t got = recv(c->socket, c->in + c->length, ROOM - 1 - c->length, 0);
            if (got <= 0) fail("the server closed a connection");
            c->length += got;
            if (answered(c)) ask(c);
        }
    }
    double time = now() - start;
    for (int kind = 0; kind < 2; kind++) qsort(times[kind], counts[kind], sizeof(double), byTime);
    printf("{\"connections\":%d,\"streams\":%d,\"streamed_mib\":%.1f,\"seconds\":%.3f,\"pairs\":%ld,\"pairs_a_second\":%.1f,\"empty_claims\":%ld,\"errors\":%ld,"
           "\"claim_ms\":{\"p50\":%.3f,\"p99\":%.3f,\"max\":%.3f},\"finish_ms\":{\"p50\":%.3f,\"p99\":%.3f,\"max\":%.3f}}\n",
           connections, followers, streamed / 1048576.0, time, pairs, pairs / time, empty, errors, percentile(0, 0.5), percentile(0, 0.99),
           percentile(0, 1), percentile(1, 0.5), percentile(1, 0.99), percentile(1, 1));
    return errors > 0;
}
