/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file measure.h
 * What every benchmark needs: threads that measure together, medians over rounds, the words of its command line, the machine.
 *
 * A body makes `count` operations in a row. A measurement lets 1 or more threads repeat the body for a while (each on a core of
 * its own, all from one time to one time), and counts operations and time. A benchmark interleaves: it measures all its variants
 * once, then all of them again, so that a noisy minute spoils one sample of each and not all of one.
 */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BENCH_THREADS_MAX 64
#define BENCH_ROUNDS_MAX 99

/** Makes `count` operations. `thread` is 0, 1, ...; `at` is how many this thread has made before. Returns anything at all. */
typedef uint64_t bench_body(void *context, unsigned thread, uint64_t at, uint64_t count);

/** The time of a steady clock, ns. */
uint64_t bench_now_ns(void);

/** Runs `body` in `threads` threads for `duration_ns`, `chunk` operations between two looks at the clock. Returns ns per
 * operation of all threads together: with 4 threads at 10 ns each, 2.5. */
double bench_time(bench_body *body, void *context, unsigned threads, uint64_t chunk, uint64_t duration_ns);

/** Samples of one variant, one a round. */
typedef struct bench_samples {
    double values[BENCH_ROUNDS_MAX];
    unsigned count;
} bench_samples;

void bench_add(bench_samples *samples, double value);
double bench_median(const bench_samples *samples);
double bench_least(const bench_samples *samples);

/** Half the distance between the quartiles, in percent of the median: how noisy it was. */
double bench_noise(const bench_samples *samples);

/** How to measure, from the command line: words like `rounds=7 ms=60 quick keys=1000,1m`. */
typedef struct bench_settings {
    unsigned rounds;
    uint64_t duration_ns;
    bool quick;
    int count;
    char **words;
} bench_settings;

/** Reads the command line; prints `usage` and exits where a word is none of rounds=, ms=, quick or the `names`. */
bench_settings bench_read_settings(int argc, char **argv, const char *usage, const char *const *names, size_t name_count);

/** True where the command line has no word `name=...`, or one that lists `value`. */
bool bench_wants(const bench_settings *settings, const char *name, const char *value);

/** True where the command line has a word `name=...`. */
bool bench_chooses(const bench_settings *settings, const char *name);

/** Threads that run at once here: the cores this process may use. */
unsigned bench_cores(void);

/** Prints the machine, the build and the way of measuring. */
void bench_print_machine(const bench_settings *settings);

/** Keeps a result from being optimised away. */
void bench_keep(uint64_t value);

/** The next of a sequence of pseudo-random numbers; never 0 where *state is not. */
static inline uint64_t bench_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state * UINT64_C(0x2545f4914f6cdd1d);
}

/** Memory of its own pages, asked to be huge or ordinary, touched. Exits where there is none. */
void *bench_map(size_t size, bool huge);
void bench_unmap(void *memory, size_t size);

/** Resident memory of this process in bytes. */
uint64_t bench_resident(void);

#endif
