/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file floors.h
 * What the machine itself takes for the steps that any limiter is made of. Measured in the same run as what they are compared
 * with: on a shared machine only ratios last.
 */
#ifndef BENCH_FLOORS_H
#define BENCH_FLOORS_H

#include "measure.h"

typedef enum bench_floor {
    FLOOR_CLOCK,          /* clock_gettime(CLOCK_MONOTONIC) through the vDSO */
    FLOOR_COARSE,         /* clock_gettime(CLOCK_MONOTONIC_COARSE) */
    FLOOR_COUNTER,        /* the CPU's time-stamp counter */
    FLOOR_HASH_16,        /* XXH3-128 under a secret, one after the other: throughput */
    FLOOR_HASH_16_LATENT, /* each waits for the one before: latency */
    FLOOR_HASH_36,
    FLOOR_HASH_36_LATENT,
    FLOOR_SWAP_8, /* locked compare-and-swap in the nearest cache */
    FLOOR_SWAP_16,
    FLOOR_MUTEX,             /* pthread mutex, lock and unlock, nobody else */
    FLOOR_READ_SMALL,        /* dependent random read over 1 GiB, 4 KiB pages */
    FLOOR_READ_HUGE,         /* the same, huge pages */
    FLOOR_READ_CACHED,       /* over 32 MiB, huge pages: what 1 M counters take */
    FLOOR_SWAP_RANDOM,       /* locked 16-byte swap on a random line of 256 MiB, huge pages */
    FLOOR_SWAP_PREFETCHED,   /* the same on 16 lines asked for together */
    FLOOR_CACHED_PREFETCHED, /* the same over 32 MiB */
    FLOOR_CACHED_RANDOM,     /* one at a time over 32 MiB */
    FLOOR_ADD_SHARED,        /* contended by all cores, of all together: fetch-and-add */
    FLOOR_SWAP_8_SHARED,     /* loop of load and swap until it succeeds */
    FLOOR_SWAP_16_SHARED,
    FLOOR_MUTEX_SHARED,
    FLOOR_COUNT
} bench_floor;

typedef struct bench_floors {
    bench_samples ns[FLOOR_COUNT];
    void *huge;  /* 1 GiB each, as huge pages and as pages of 4 KiB */
    void *small;
} bench_floors;

/** Takes the memory of the random reads. */
void floors_open(bench_floors *floors);

/** Measures every floor once more: call it in each round. */
void floors_measure(bench_floors *floors, const bench_settings *settings);

/** Frees the memory and prints the table. */
void floors_close(bench_floors *floors);

/** Median ns. */
double floors_ns(const bench_floors *floors, bench_floor floor);

#endif
