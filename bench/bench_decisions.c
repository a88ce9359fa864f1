/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file bench_decisions.c
 * What does a decision cost? ns for each decision of one thread and Mops/s of several, beside the floors of the machine in the
 * same run. Variants are interleaved; median and minimum over the rounds.
 *
 *   bench_decisions [ROUNDS [KEYS]]      5 rounds, up to 10 000 000 keys
 */
#define _GNU_SOURCE
#include <ck_pr.h>
#include <math.h>
#include <pthread.h>
#include <ration.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define ROUNDS_MAX 21
#define STREAM (1 << 21)
#define BATCH 16

typedef struct variant {
    const char *name;
    uint64_t keys;
    int limits, refused, batch, zipf, own_time, key_len;
    int threads;
} variant;

static ration_limiter *limiter;
static uint32_t *stream;
static const variant *current;
static uint64_t base_ns;

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* Key numbers are drawn before the measurement. Zipf(0.99) by inverting an approximated distribution. */
static void draw_stream(const variant *v)
{
    uint64_t state = 88172645463325252;
    double n = (double)v->keys, exponent = 1 - 0.99;
    for (size_t i = 0; i < STREAM; i++) {
        double u = (double)(next_random(&state) >> 11) / 9007199254740992.0;
        double rank = v->zipf ? pow(u * (pow(n, exponent) - 1) + 1, 1 / exponent) - 1 : u * n;
        stream[i] = rank < n ? (uint32_t)rank : (uint32_t)(v->keys - 1);
    }
}

static void write_key(char *key, uint32_t number)
{
    /* 16 or 36 bytes; the rest is constant, as in an address or a UUID. */
    memcpy(key, &number, sizeof number);
}

static uint64_t decide_range(size_t from, size_t to)
{
    const variant *v = current;
    static const char fill[40] = "0123456789abcdef0123456789abcdef0123456";
    char keys[BATCH][40];
    ration_request requests[BATCH];
    ration_decision decisions[BATCH];
    uint64_t allowed = 0;
    memset(requests, 0, sizeof requests);
    for (int i = 0; i < BATCH; i++) {
        memcpy(keys[i], fill, sizeof fill);
        requests[i].key = keys[i];
        requests[i].key_len = (size_t)v->key_len;
        requests[i].flags = v->own_time ? 0 : RATION_AT;
    }
    size_t step = v->batch ? BATCH : 1;
    for (size_t i = from; i + step <= to; i += step) {
        for (size_t j = 0; j < step; j++) {
            write_key(keys[j], stream[i + j]);
            requests[j].now_ns = base_ns;
        }
        if (v->batch) {
            ration_acquire_batch(limiter, requests, step, decisions);
        } else {
            ration_acquire(limiter, requests, decisions);
        }
        allowed += decisions[0].allowed;
    }
    return allowed;
}

typedef struct slice {
    size_t from, to;
    uint64_t allowed;
} slice;

static void *run_slice(void *context)
{
    slice *s = context;
    s->allowed = decide_range(s->from, s->to);
    return NULL;
}

/* Seconds for the whole stream, by v->threads threads. */
static double run_stream(const variant *v)
{
    pthread_t threads[64];
    slice slices[64];
    double begin = now_s();
    for (int i = 0; i < v->threads; i++) {
        slices[i] = (slice){(size_t)STREAM / (size_t)v->threads * (size_t)i, (size_t)STREAM / (size_t)v->threads * (size_t)(i + 1), 0};
        pthread_create(&threads[i], NULL, run_slice, &slices[i]);
    }
    for (int i = 0; i < v->threads; i++) {
        pthread_join(threads[i], NULL);
    }
    return now_s() - begin;
}

static void open_for(const variant *v)
{
    const ration_options options = {.size = sizeof options, .counters = v->keys * (uint64_t)v->limits + 4096};
    uint64_t burst = v->refused ? 1 : UINT64_C(4000000000);
    const ration_limit plan[] = {RATION_RATE(1000000, RATION_SECOND, burst), RATION_QUOTA(4000000000, RATION_CALENDAR_DAY),
                                 RATION_RATE(2000000, RATION_SECOND, 2000000000, .name = "second")};
    if (ration_open(&options, &limiter) != RATION_OK || ration_set_plan(limiter, 0, plan, sizeof plan[0], (size_t)v->limits) != RATION_OK) {
        fprintf(stderr, "cannot open for %s\n", v->name);
        exit(1);
    }
    current = v;
    base_ns = (uint64_t)time(NULL) * RATION_SECOND;
    /* Every key is there before the measurement. */
    char key[40] = "0123456789abcdef0123456789abcdef0123456";
    for (uint64_t i = 0; i < v->keys; i++) {
        ration_decision decision;
        write_key(key, (uint32_t)i);
        ration_request request = {.key = key, .key_len = (size_t)v->key_len, .flags = v->own_time ? 0 : RATION_AT, .now_ns = base_ns};
        ration_acquire(limiter, &request, &decision);
    }
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void measure(const variant *v, int rounds, double floor_ns)
{
    double ns[ROUNDS_MAX];
    draw_stream(v);
    open_for(v);
    (void)run_stream(v);
    for (int i = 0; i < rounds; i++) {
        ns[i] = run_stream(v) * 1e9 / STREAM;
    }
    qsort(ns, (size_t)rounds, sizeof ns[0], compare);
    double median = ns[rounds / 2];
    printf("%-52s %7d %10.1f %10.1f %10.1f %8.1f\n", v->name, v->threads, median * v->threads, ns[0] * v->threads, 1e3 / median,
           median * v->threads / floor_ns);
    fflush(stdout);
    ration_close(limiter);
}

/* ------------------------------------------------------------------ floors */

static _Alignas(64) uint64_t word[2];
static volatile uint64_t sink;

static double floor_of(void (*body)(size_t), size_t count, int rounds)
{
    double ns[ROUNDS_MAX];
    for (int i = 0; i < rounds; i++) {
        double begin = now_s();
        body(count);
        ns[i] = (now_s() - begin) * 1e9 / (double)count;
    }
    qsort(ns, (size_t)rounds, sizeof ns[0], compare);
    return ns[rounds / 2];
}

static void read_vdso(size_t count)
{
    struct timespec t;
    for (size_t i = 0; i < count; i++) {
        clock_gettime(CLOCK_MONOTONIC, &t);
    }
}

static void hash_16(size_t count)
{
    uint64_t key[2] = {1, 2};
    static const uint8_t secret[192] = {7};
    for (size_t i = 0; i < count; i++) {
        key[0] = XXH3_128bits_withSecret(key, 16, secret, sizeof secret).low64; /* each waits for the one before: latency */
    }
    sink = key[0];
}

static void swap_16_bytes(size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t old[2] = {word[0], word[1]}, next[2] = {word[0] + 1, word[1]};
        ck_pr_cas_64_2(word, old, next);
    }
}

static uint64_t *far_words;
static size_t far_mask;

static void read_far(size_t count)
{
    size_t at = 1;
    for (size_t i = 0; i < count; i++) {
        at = (size_t)(far_words[at & far_mask] + at * UINT64_C(0x9e3779b97f4a7c15) + i) >> 3;
    }
    sink = at;
}

static void say_machine(void)
{
    char line[256], model[256] = "unknown";
    FILE *file = fopen("/proc/cpuinfo", "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, "model name", 10) == 0) {
            snprintf(model, sizeof model, "%s", strchr(line, ':') + 2);
            break;
        }
    }
    if (file != NULL) {
        fclose(file);
    }
    model[strcspn(model, "\n")] = '\0';
    printf("machine: %s, %ld cores; compiler: %s\n", model, sysconf(_SC_NPROCESSORS_ONLN), __VERSION__);
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 5;
    uint64_t most = argc > 2 ? strtoull(argv[2], NULL, 10) : 10000000;
    rounds = rounds < 1 ? 1 : rounds > ROUNDS_MAX ? ROUNDS_MAX : rounds;
    int cores = (int)sysconf(_SC_NPROCESSORS_ONLN);
    cores = cores > 4 ? 4 : cores;
    stream = malloc(STREAM * sizeof *stream);
    size_t far_size = (size_t)1 << 29;
    far_words = mmap(NULL, far_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (stream == NULL || far_words == MAP_FAILED) {
        return 1;
    }
    madvise(far_words, far_size, MADV_HUGEPAGE);
    memset(far_words, 1, far_size);
    far_mask = far_size / sizeof *far_words - 1;
    say_machine();
    double hash_ns = floor_of(hash_16, 10000000, rounds), swap_ns = floor_of(swap_16_bytes, 10000000, rounds),
           far_ns = floor_of(read_far, 2000000, rounds);
    printf("floors, median ns: clock_gettime %.1f, XXH3-128 of 16 bytes %.1f (latency), 16-byte swap %.1f, dependent random read of 512 MiB %.1f\n",
           floor_of(read_vdso, 2000000, rounds), hash_ns, swap_ns, far_ns);
    printf("floor of a decision: hash + swap = %.1f ns where counters are in the cache, + one random read = %.1f ns where they are not\n\n",
           hash_ns + swap_ns, hash_ns + swap_ns + far_ns);
    munmap(far_words, far_size);

    const variant variants[] = {
        {"hot key, allowed", 1, 1, 0, 0, 0, 0, 16, 1},
        {"hot key, refused", 1, 1, 1, 0, 0, 0, 16, 1},
        {"hot key, allowed, the limiter's own clock", 1, 1, 0, 0, 0, 1, 16, 1},
        {"1 000 keys, allowed", 1000, 1, 0, 0, 0, 0, 16, 1},
        {"1 000 keys, allowed, 36-byte keys", 1000, 1, 0, 0, 0, 0, 36, 1},
        {"1 000 keys, refused", 1000, 1, 1, 0, 0, 0, 16, 1},
        {"1 000 keys, batch of 16", 1000, 1, 0, 1, 0, 0, 16, 1},
        {"1 000 keys, plan of 3 limits", 1000, 3, 0, 0, 0, 0, 16, 1},
        {"1 M keys, allowed", 1000000, 1, 0, 0, 0, 0, 16, 1},
        {"1 M keys, Zipf(0.99)", 1000000, 1, 0, 0, 1, 0, 16, 1},
        {"1 M keys, batch of 16", 1000000, 1, 0, 1, 0, 0, 16, 1},
        {"1 M keys, plan of 3 limits", 1000000, 3, 0, 0, 0, 0, 16, 1},
        {"10 M keys, allowed", 10000000, 1, 0, 0, 0, 0, 16, 1},
        {"10 M keys, refused", 10000000, 1, 1, 0, 0, 0, 16, 1},
        {"10 M keys, batch of 16", 10000000, 1, 0, 1, 0, 0, 16, 1},
        {"hot key, allowed", 1, 1, 0, 0, 0, 0, 16, 2},
        {"hot key, refused", 1, 1, 1, 0, 0, 0, 16, 2},
        {"1 000 keys, allowed", 1000, 1, 0, 0, 0, 0, 16, 2},
        {"hot key, allowed", 1, 1, 0, 0, 0, 0, 16, 4},
        {"hot key, refused", 1, 1, 1, 0, 0, 0, 16, 4},
        {"1 000 keys, allowed", 1000, 1, 0, 0, 0, 0, 16, 4},
        {"1 000 keys, batch of 16", 1000, 1, 0, 1, 0, 0, 16, 4},
        {"1 M keys, allowed", 1000000, 1, 0, 0, 0, 0, 16, 4},
        {"10 M keys, allowed", 10000000, 1, 0, 0, 0, 0, 16, 4},
        {"10 M keys, batch of 16", 10000000, 1, 0, 1, 0, 0, 16, 4},
    };
    printf("%-52s %7s %10s %10s %10s %8s\n", "decisions (ns: of one thread)", "threads", "median ns", "least ns", "Mops/s", "x floor");
    for (size_t i = 0; i < sizeof variants / sizeof variants[0]; i++) {
        if (variants[i].keys <= most && variants[i].threads <= cores) {
            measure(&variants[i], rounds, hash_ns + swap_ns + (variants[i].keys > 100000 ? far_ns : 0));
        }
    }
    return 0;
}
