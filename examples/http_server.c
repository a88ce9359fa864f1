/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An HTTP server guarded by libration (libmicrohttpd, a thread for each connection, 127.0.0.1 only).
 *
 *   http_server [--port N] [--plan article | --plan load --rate N --burst N]
 *
 * article: 10 calls a day, 1 a second with a burst of 1, 1 at a time, for the API key in the header x-api-key. GET /timestamp answers
 * at once, GET /slow?ms=N holds its permit for N ms. load: one rate for everybody; GET /stats tells what was decided.
 * SIGUSR1 moves the server's clock on by a day (to see tomorrow); SIGTERM and SIGINT stop it.
 */
#define _POSIX_C_SOURCE 200809L
#include <arpa/inet.h>
#include <microhttpd.h>
#include <pthread.h>
#include <ration.h>
#include <ration/http.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char api_key[] = "1234567890asdfghjkl";

typedef struct server {
    ration_limiter *limiter;
    size_t limits;
    int article;
    _Atomic uint64_t admitted, refused, first_ns, last_ns;
} server;

static _Atomic uint64_t days_ahead;
static volatile sig_atomic_t stopped;

static void advance_a_day(int signal)
{
    (void)signal;
    atomic_fetch_add(&days_ahead, 1);
}

static void stop(int signal)
{
    (void)signal;
    stopped = 1;
}

static uint64_t now_ns(void *context)
{
    struct timespec now;
    (void)context;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * RATION_SECOND + (uint64_t)now.tv_nsec + atomic_load(&days_ahead) * RATION_DAY;
}

/* Of keys of the right length, takes as long for one that is wrong in its first byte as for one that is wrong in its last. */
static int key_is_known(const char *key)
{
    unsigned char difference = 1;
    if (key != NULL && strlen(key) == sizeof api_key - 1) {
        difference = 0;
        for (size_t i = 0; i < sizeof api_key - 1; i++) {
            difference |= (unsigned char)(key[i] ^ api_key[i]);
        }
    }
    return difference == 0;
}

static enum MHD_Result send_reply(struct MHD_Connection *connection, const ration_http_reply *reply, const char *body, size_t body_len)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(body_len, (void *)(uintptr_t)body, MHD_RESPMEM_MUST_COPY);
    if (response == NULL) {
        return MHD_NO;
    }
    for (uint32_t i = 0; i < reply->header_count; i++) {
        MHD_add_response_header(response, reply->headers[i].name, reply->headers[i].value);
    }
    enum MHD_Result queued = MHD_queue_response(connection, reply->status, response);
    MHD_destroy_response(response);
    return queued;
}

static void record(server *s, const ration_decision *decision)
{
    uint64_t at = decision->decided_at_ns, seen = atomic_load(&s->first_ns);
    atomic_fetch_add(decision->allowed != 0 ? &s->admitted : &s->refused, 1);
    while ((seen == 0 || at < seen) && !atomic_compare_exchange_weak(&s->first_ns, &seen, at)) {
    }
    seen = atomic_load(&s->last_ns);
    while (at > seen && !atomic_compare_exchange_weak(&s->last_ns, &seen, at)) {
    }
}

static enum MHD_Result send_stats(server *s, struct MHD_Connection *connection)
{
    char text[160];
    int len = snprintf(text, sizeof text, "admitted %llu refused %llu nanoseconds %llu\n", (unsigned long long)s->admitted,
                       (unsigned long long)s->refused, (unsigned long long)(s->last_ns - s->first_ns));
    ration_http_reply plain = {.size = sizeof plain, .status = 200};
    return send_reply(connection, &plain, text, (size_t)len);
}

/* The work that is being guarded. */
static size_t work(struct MHD_Connection *connection, const char *url, char *body, size_t size)
{
    const char *ms = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, "ms");
    if (strcmp(url, "/slow") == 0 && ms != NULL) {
        long wait_ms = strtol(ms, NULL, 10);
        wait_ms = wait_ms < 0 ? 0 : wait_ms > 10000 ? 10000 : wait_ms;
        nanosleep(&(struct timespec){wait_ms / 1000, wait_ms % 1000 * 1000000}, NULL);
    }
    return (size_t)snprintf(body, size, "{\"timestamp\":%lld}", (long long)time(NULL));
}

static enum MHD_Result answer(void *context, struct MHD_Connection *connection, const char *url, const char *method, const char *version,
                              const char *upload, size_t *upload_size, void **state)
{
    server *s = context;
    (void)method, (void)version, (void)upload;
    static char seen;
    if (*state == NULL) {
        *state = &seen; /* the headers are here, the request is not over yet */
        return MHD_YES;
    }
    *upload_size = 0;
    if (strcmp(url, "/stats") == 0) {
        return send_stats(s, connection);
    }
    ration_http_reply reply = {.size = sizeof reply};
    const char *key = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "x-api-key");
    if (s->article && !key_is_known(key)) {
        ration_http_reply_forbidden(&reply);
        return send_reply(connection, &reply, reply.body, reply.body_len);
    }
    ration_usage usages[RATION_LIMITS_MAX];
    ration_permit permit;
    ration_request request = {.key = s->article ? key : "everybody", .permit = &permit};
    request.key_len = strlen(request.key);
    request.usages = usages;
    request.usage_size = sizeof usages[0];
    request.usage_capacity = RATION_LIMITS_MAX;
    ration_decision decision;
    (void)ration_acquire(s->limiter, &request, &decision); /* an error is a refusal, and answered as 500 */
    record(s, &decision);
    char buffer[RATION_HTTP_SIZE_MAX], body[64];
    size_t len;
    (void)ration_http_reply_format(&decision, usages, sizeof usages[0], s->limits, 0, buffer, sizeof buffer, &len, &reply);
    if (decision.allowed == 0) {
        return send_reply(connection, &reply, reply.body, reply.body_len);
    }
    len = work(connection, url, body, sizeof body);
    if (s->article) {
        (void)ration_release(s->limiter, &permit, NULL);
    }
    return send_reply(connection, &reply, body, len);
}

static int set_plan(server *s, uint64_t rate, uint64_t burst)
{
    const ration_limit article[] = {RATION_RATE(1, RATION_SECOND, 1, .name = "second"), RATION_QUOTA(10, RATION_CALENDAR_DAY, .name = "daily"),
                                    RATION_CONCURRENCY(1, 30 * RATION_SECOND, .name = "at-a-time")};
    const ration_limit load[] = {RATION_RATE(rate, RATION_SECOND, burst)};
    s->limits = s->article ? 3 : 1;
    return ration_set_plan(s->limiter, 0, s->article ? article : load, sizeof article[0], s->limits);
}

int main(int argc, char **argv)
{
    server s = {.article = 1};
    uint64_t rate = 1000, burst = 100;
    uint16_t port = 0;
    for (int i = 1; i + 1 < argc; i += 2) {
        unsigned long long number = strtoull(argv[i + 1], NULL, 10);
        if (strcmp(argv[i], "--port") == 0) {
            port = (uint16_t)number;
        } else if (strcmp(argv[i], "--plan") == 0) {
            s.article = strcmp(argv[i + 1], "load") != 0;
        } else if (strcmp(argv[i], "--rate") == 0) {
            rate = number;
        } else if (strcmp(argv[i], "--burst") == 0) {
            burst = number;
        } else {
            fprintf(stderr, "http_server: unknown option %s\n", argv[i]);
            return 2;
        }
    }
    const ration_options options = {.size = sizeof options, .clock = RATION_CLOCK_CALLBACK, .now_ns = now_ns};
    int error = ration_open(&options, &s.limiter);
    error = error == RATION_OK ? set_plan(&s, rate, burst) : error;
    if (error != RATION_OK) {
        fprintf(stderr, "http_server: %s\n", ration_strerror(error));
        return 1;
    }
    signal(SIGUSR1, advance_a_day);
    signal(SIGTERM, stop);
    signal(SIGINT, stop);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct MHD_Daemon *daemon = MHD_start_daemon(MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL, answer, &s,
                                                 MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_END);
    if (daemon == NULL) {
        fprintf(stderr, "http_server: cannot listen on 127.0.0.1:%u\n", port);
        return 1;
    }
    printf("listening on 127.0.0.1:%u\n", MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port);
    fflush(stdout);
    while (!stopped) {
        sleep(1); /* ended early by a signal; a signal between the test and the call costs a second, not for ever */
    }
    MHD_stop_daemon(daemon);
    ration_close(s.limiter);
    return 0;
}
