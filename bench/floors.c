/* SPDX-License-Identifier: BSD-2-Clause */
/** @file floors.c The floors, each as a body for bench_time. Includes Concurrency Kit and xxHash for themselves, not for libration. */
#define _GNU_SOURCE
#include "floors.h"

#include <ck_pr.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define LARGE ((size_t)1 << 30)
#define MIDDLE ((size_t)1 << 28)
#define CACHED ((size_t)1 << 25)
#define LINE 64
#define LINE_WORDS (LINE / sizeof(uint64_t))
#define AT_ONCE 16

typedef struct shared_line {
    _Alignas(128) uint64_t words[2];
    uint64_t after[14];
} shared_line;

static shared_line line;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static uint8_t secret[192];

/* ------------------------------------------------------------------ clocks */

static uint64_t read_clock(void *context, unsigned thread, uint64_t at, uint64_t count)
{
    struct timespec time;
    uint64_t sum = at + thread;
    for (uint64_t i = 0; i < count; i++) {
        clock_gettime(*(const clockid_t *)context, &time);
        sum += (uint64_t)time.tv_nsec;
    }
    return sum;
}

static uint64_t read_counter(void *context, unsigned thread, uint64_t at, uint64_t count)
{
    uint64_t sum = at + thread;
    (void)context;
    for (uint64_t i = 0; i < count; i++) {
#if defined(__x86_64__)
        sum += __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
        uint64_t counter;
        __asm__ __volatile__("mrs %0, cntvct_el0" : "=r"(counter));
        sum += counter;
#endif
    }
    return sum;
}

/* ------------------------------------------------------------------ hashes */

typedef struct hash_job {
    size_t len;
    bool latent;
} hash_job;

/* Inlined for each length, as a caller's is not: the length goes through memory. */
static uint64_t hash_keys(void *context, unsigned thread, uint64_t at, uint64_t count)
{
    const volatile hash_job *job = context;
    uint64_t key[128] = {at, thread}, sum = 0; /* longer than any key: the compiler sees the hash of long ones too */
    size_t len = job->len;
    uint64_t chain = job->latent ? UINT64_MAX : 0;
    for (uint64_t i = 0; i < count; i++) {
        key[0] = i + (sum & chain);
        sum += XXH3_128bits_withSecret(key, len, secret, sizeof secret).low64;
    }
    return sum;
}

/* ------------------------------------------------------------------- swaps */

static uint64_t swap_8(void *context, unsigned thread, uint64_t at, uint64_t count)
{
    uint64_t *word = context;
    for (uint64_t i = 0; i < count; i++) {
        uint64_t seen;
        do {
            seen = ck_pr_load_64(word);
        } while (!ck_pr_cas_64(word, seen, seen + 1));
    }
    return at + thread;
}

static uint64_t swap_16(void *context, unsigned thread, uint64_t at, uint64_t count)
{
    uint64_t *words = context;
    for (uint64_t i = 0; i < count; i++) {
        uint64_t seen[2], next[2];
        do {
            seen[0] = ck_pr_load_64(&words[0]);
            seen[1] = ck_pr_load_64(&words[1]);
            next[0] = seen[0];
            next[1] = seen[1] + 1;
        } while (!ck_pr_cas_64_2(words, seen, next));
    }
    return at + thread;
}

static uint64_t add_8(void *context, unsigned thread, uint64_t at, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        ck_pr_faa_64(context, 1);
    }
    return at + thread;
}

static uint64_t lock_mutex(void *context, unsigned thread, uint64_t at, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        pthread_mutex_lock(context);
        line.after[0]++;
        pthread_mutex_unlock(context);
    }
    return at + thread;
}

/* ------------------------------------------------------------------ memory */

typedef struct memory_job {
    uint64_t *words;
    size_t size;
} memory_job;

static uint64_t *random_line(const memory_job *job, uint64_t *state)
{
    uint64_t lines = job->size / LINE;
    return &job->words[(bench_random(state) >> 32) * lines >> 32 << 3];
}

static uint64_t read_dependent(void *context, unsigned thread, uint64_t at, uint64_t count)
{
    const memory_job *job = context;
    uint64_t state = (at + 1) * UINT64_C(0x9e3779b97f4a7c15) + thread;
    for (uint64_t i = 0; i < count; i++) {
        state += *random_line(job, &state) & 0xff;
    }
    return state;
}

static void swap_line(uint64_t *words)
{
    uint64_t seen[2] = {ck_pr_load_64(&words[0]), ck_pr_load_64(&words[1])};
    uint64_t next[2] = {seen[0], seen[1] + 256};
    ck_pr_cas_64_2(words, seen, next);
}

static uint64_t swap_random(void *context, unsigned thread, uint64_t at, uint64_t count)
{
    const memory_job *job = context;
    uint64_t state = (at + 1) * UINT64_C(0x9e3779b97f4a7c15) + thread;
    for (uint64_t i = 0; i < count; i++) {
        swap_line(random_line(job, &state));
    }
    return state;
}

static uint64_t swap_prefetched(void *context, unsigned thread, uint64_t at, uint64_t count)
{
    const memory_job *job = context;
    uint64_t state = (at + 1) * UINT64_C(0x9e3779b97f4a7c15) + thread;
    for (uint64_t i = 0; i < count; i += AT_ONCE) {
        uint64_t *lines[AT_ONCE];
        for (unsigned j = 0; j < AT_ONCE; j++) {
            lines[j] = random_line(job, &state);
            __builtin_prefetch(lines[j], 1);
        }
        for (unsigned j = 0; j < AT_ONCE; j++) {
            swap_line(lines[j]);
        }
    }
    return state;
}

/* ------------------------------------------------------------------- table */

void floors_open(bench_floors *floors)
{
    uint64_t state = 42;
    memset(floors, 0, sizeof *floors);
    for (size_t i = 0; i < sizeof secret; i++) {
        secret[i] = (uint8_t)(bench_random(&state) >> 56);
    }
    floors->huge = bench_map(LARGE, true);
    floors->small = bench_map(LARGE, false);
}

void floors_measure(bench_floors *floors, const bench_settings *settings)
{
    static clockid_t exact = CLOCK_MONOTONIC, coarse = CLOCK_MONOTONIC_COARSE;
    static hash_job hashes[] = {{16, false}, {16, true}, {36, false}, {36, true}};
    memory_job slow = {floors->small, LARGE}, large = {floors->huge, LARGE};
    memory_job middle = {floors->huge, MIDDLE}, cached = {floors->huge, CACHED};
    const struct {
        bench_body *body;
        void *context;
        uint64_t chunk;
        bool shared;
    } jobs[FLOOR_COUNT] = {
        [FLOOR_CLOCK] = {read_clock, &exact, 1024, false},
        [FLOOR_COARSE] = {read_clock, &coarse, 1024, false},
        [FLOOR_COUNTER] = {read_counter, NULL, 4096, false},
        [FLOOR_HASH_16] = {hash_keys, &hashes[0], 4096, false},
        [FLOOR_HASH_16_LATENT] = {hash_keys, &hashes[1], 4096, false},
        [FLOOR_HASH_36] = {hash_keys, &hashes[2], 4096, false},
        [FLOOR_HASH_36_LATENT] = {hash_keys, &hashes[3], 4096, false},
        [FLOOR_SWAP_8] = {swap_8, line.words, 4096, false},
        [FLOOR_SWAP_16] = {swap_16, line.words, 4096, false},
        [FLOOR_MUTEX] = {lock_mutex, &mutex, 4096, false},
        [FLOOR_READ_SMALL] = {read_dependent, &slow, 256, false},
        [FLOOR_READ_HUGE] = {read_dependent, &large, 256, false},
        [FLOOR_READ_CACHED] = {read_dependent, &cached, 1024, false},
        [FLOOR_SWAP_RANDOM] = {swap_random, &middle, 256, false},
        [FLOOR_SWAP_PREFETCHED] = {swap_prefetched, &middle, 1024, false},
        [FLOOR_CACHED_PREFETCHED] = {swap_prefetched, &cached, 1024, false},
        [FLOOR_CACHED_RANDOM] = {swap_random, &cached, 1024, false},
        [FLOOR_ADD_SHARED] = {add_8, line.words, 1024, true},
        [FLOOR_SWAP_8_SHARED] = {swap_8, line.words, 1024, true},
        [FLOOR_SWAP_16_SHARED] = {swap_16, line.words, 1024, true},
        [FLOOR_MUTEX_SHARED] = {lock_mutex, &mutex, 256, true},
    };
    for (unsigned i = 0; i < FLOOR_COUNT; i++) {
        unsigned threads = jobs[i].shared ? bench_cores() : 1;
        bench_add(&floors->ns[i], bench_time(jobs[i].body, jobs[i].context, threads, jobs[i].chunk, settings->duration_ns / 4 + 1));
    }
}

double floors_ns(const bench_floors *floors, bench_floor floor)
{
    return bench_median(&floors->ns[floor]);
}

void floors_close(bench_floors *floors)
{
    static const char *const names[FLOOR_COUNT] = {
        [FLOOR_CLOCK] = "clock_gettime (vDSO)",
        [FLOOR_COARSE] = "clock_gettime, coarse",
        [FLOOR_COUNTER] = "time-stamp counter",
        [FLOOR_HASH_16] = "XXH3-128 of 16 bytes",
        [FLOOR_HASH_16_LATENT] = "XXH3-128 of 16 bytes, latency",
        [FLOOR_HASH_36] = "XXH3-128 of 36 bytes",
        [FLOOR_HASH_36_LATENT] = "XXH3-128 of 36 bytes, latency",
        [FLOOR_SWAP_8] = "locked 8-byte swap",
        [FLOOR_SWAP_16] = "locked 16-byte swap",
        [FLOOR_MUTEX] = "pthread mutex, lock and unlock",
        [FLOOR_READ_SMALL] = "dependent random read, 1 GiB, 4 KiB pages",
        [FLOOR_READ_HUGE] = "dependent random read, 1 GiB, huge pages",
        [FLOOR_READ_CACHED] = "dependent random read, 32 MiB, huge pages",
        [FLOOR_SWAP_RANDOM] = "16-byte swap, random line of 256 MiB",
        [FLOOR_SWAP_PREFETCHED] = "the same, 16 lines prefetched",
        [FLOOR_CACHED_PREFETCHED] = "16-byte swap, 32 MiB, 16 lines prefetched",
        [FLOOR_CACHED_RANDOM] = "16-byte swap, random line of 32 MiB",
        [FLOOR_ADD_SHARED] = "fetch-and-add, all cores on one word",
        [FLOOR_SWAP_8_SHARED] = "8-byte swap loop, all cores on one word",
        [FLOOR_SWAP_16_SHARED] = "16-byte swap loop, all cores on one pair",
        [FLOOR_MUTEX_SHARED] = "pthread mutex, all cores on one",
    };
    bench_unmap(floors->huge, LARGE);
    bench_unmap(floors->small, LARGE);
    printf("%-44s %9s %9s %7s %9s\n", "floors of this machine, in this run", "median ns", "least ns", "noise %", "Mops/s");
    for (unsigned i = 0; i < FLOOR_COUNT; i++) {
        const bench_samples *s = &floors->ns[i];
        printf("%-44s %9.1f %9.1f %7.1f %9.1f\n", names[i], bench_median(s), bench_least(s), bench_noise(s), 1000 / bench_median(s));
    }
    printf("\n");
    fflush(stdout);
}
