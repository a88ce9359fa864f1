/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file bench_decisions.c
 * What does a decision cost? ns for each decision and millions of decisions a second, beside the floors of the machine and the
 * goals, in one table. See README.md for how to read it.
 */
#include <ration.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "floors.h"
#include "measure.h"
#include "streams.h"

#define BATCH 16
#define LIMITERS_MAX 64
#define CELLS_MAX 1024
#define KEYS_COUNT 4

static const char usage[] =
    "bench_decisions [quick] [all] [rounds=N] [ms=N] [threads=1,2,4] [keys=hot,1000,1m,10m] [spread=uniform,zipf]\n"
    "                [answer=allowed,refused] [mode=single,batch] [limits=1,3] [key=16,36] [clock=given,own]\n"
    "Each word keeps the variants it lists. Without key= and clock= keys of 36 bytes and the limiter's own clock are measured in\n"
    "single decisions of one limit only. quick: 5 rounds of 20 ms, no 10m, no 2 threads.\n";

static const struct {
    const char *name;
    uint64_t keys;
} key_sets[KEYS_COUNT] = {{"hot", 1}, {"1000", 1000}, {"1m", 1000000}, {"10m", 10000000}};

/** What a limiter is made for; several cells share it. */
typedef struct setting {
    unsigned keys;   /* index of key_sets */
    unsigned limits;
    unsigned key_len;
    bool refused;
    bool own_clock;
} setting;

typedef struct shared_limiter {
    setting made_for;
    ration_limiter *limiter;
    uint64_t base_ns;
} shared_limiter;

/** One row of the table. */
typedef struct cell {
    setting what;
    bool zipf;
    bool batch;
    unsigned threads;
    const shared_limiter *on;
    const bench_stream *stream;
    bench_samples ns;
    uint64_t decided; /* atomic, as `allowed` */
    uint64_t allowed;
} cell;

static shared_limiter limiters[LIMITERS_MAX];
static size_t limiter_count;
static cell cells[CELLS_MAX];
static size_t cell_count;
static bench_stream streams[KEYS_COUNT][2];

/* ---------------------------------------------------------------- deciding */

static void begin_requests(const cell *c, ration_request *requests, char (*keys)[STREAM_KEY_MAX], size_t count)
{
    memset(requests, 0, count * sizeof *requests);
    for (size_t i = 0; i < count; i++) {
        stream_begin_key(keys[i]);
        requests[i].key = keys[i];
        requests[i].key_len = c->what.key_len;
        requests[i].flags = c->what.own_clock ? 0 : RATION_AT;
    }
}

/* Time given moves on as time does, by a guess at what a decision takes; a thousandth of that is far less than the 5 s that
 * threads' clocks may differ by. */
static uint64_t given_ns(const cell *c, uint64_t at)
{
    return c->on->base_ns + 16 * at;
}

/* Threads begin at different places of the stream, so that they do not walk in step. */
static uint64_t stream_place(const cell *c, unsigned thread)
{
    return (c->stream->mask / 5 * 2 + 1) * thread;
}

static uint64_t decide_singly(void *context, unsigned thread, uint64_t at, uint64_t count)
{
    cell *c = context;
    char keys[1][STREAM_KEY_MAX];
    ration_request request;
    ration_decision decision;
    uint64_t allowed = 0, place = stream_place(c, thread) + at;
    begin_requests(c, &request, keys, 1);
    for (uint64_t i = 0; i < count; i++) {
        stream_write_key(keys[0], c->stream->numbers[(place + i) & c->stream->mask]);
        request.now_ns = given_ns(c, at + i);
        ration_acquire(c->on->limiter, &request, &decision);
        allowed += decision.allowed;
    }
    (void)__atomic_add_fetch(&c->decided, count, __ATOMIC_RELAXED);
    (void)__atomic_add_fetch(&c->allowed, allowed, __ATOMIC_RELAXED);
    return allowed;
}

static uint64_t decide_in_batches(void *context, unsigned thread, uint64_t at, uint64_t count)
{
    cell *c = context;
    char keys[BATCH][STREAM_KEY_MAX];
    ration_request requests[BATCH];
    ration_decision decisions[BATCH];
    uint64_t allowed = 0, place = stream_place(c, thread) + at;
    begin_requests(c, requests, keys, BATCH);
    for (uint64_t i = 0; i < count; i += BATCH) {
        for (unsigned j = 0; j < BATCH; j++) {
            stream_write_key(keys[j], c->stream->numbers[(place + i + j) & c->stream->mask]);
            requests[j].now_ns = given_ns(c, at + i);
        }
        ration_acquire_batch(c->on->limiter, requests, BATCH, decisions);
        for (unsigned j = 0; j < BATCH; j++) {
            allowed += decisions[j].allowed;
        }
    }
    (void)__atomic_add_fetch(&c->decided, count, __ATOMIC_RELAXED);
    (void)__atomic_add_fetch(&c->allowed, allowed, __ATOMIC_RELAXED);
    return allowed;
}

/* What the loop itself takes: the key's number, the request, an answer read; a call that the compiler cannot see through. */
static __attribute__((noinline)) int answer_nothing(const ration_request *request, ration_decision *decision)
{
    __asm__ __volatile__("" : : "r"(request), "r"(decision) : "memory");
    decision->allowed = 1;
    return RATION_OK;
}

static uint64_t loop_only(void *context, unsigned thread, uint64_t at, uint64_t count)
{
    cell *c = context;
    char keys[1][STREAM_KEY_MAX];
    ration_request request;
    ration_decision decision;
    uint64_t allowed = 0, place = stream_place(c, thread) + at;
    begin_requests(c, &request, keys, 1);
    for (uint64_t i = 0; i < count; i++) {
        stream_write_key(keys[0], c->stream->numbers[(place + i) & c->stream->mask]);
        request.now_ns = given_ns(c, at + i);
        answer_nothing(&request, &decision);
        allowed += decision.allowed;
    }
    return allowed;
}

/* ----------------------------------------------------------------- opening */

/* Allowed: bursts that no run uses up. Refused: one unit an hour, after the first all are refused. */
static void set_plan(ration_limiter *limiter, const setting *s)
{
    const ration_limit allowed[] = {RATION_RATE(5000000, RATION_SECOND, UINT64_C(40000000000)),
                                    RATION_QUOTA(4000000000, RATION_CALENDAR_DAY, .name = "day"),
                                    RATION_RATE(200000000, RATION_MINUTE, UINT64_C(40000000000), .name = "minute")};
    const ration_limit refused[] = {RATION_RATE(1, RATION_HOUR, 1), RATION_QUOTA(4000000000, RATION_CALENDAR_DAY, .name = "day"),
                                    RATION_RATE(200000000, RATION_MINUTE, UINT64_C(40000000000), .name = "minute")};
    int error = ration_set_plan(limiter, 0, s->refused ? refused : allowed, sizeof allowed[0], s->limits);
    if (error != RATION_OK) {
        fprintf(stderr, "plan: %s\n", ration_strerror(error));
        exit(1);
    }
}

/* Every key has its counters before anything is measured. */
static void insert_keys(const shared_limiter *l)
{
    char key[STREAM_KEY_MAX];
    ration_decision decision;
    stream_begin_key(key);
    for (uint64_t i = 0; i < key_sets[l->made_for.keys].keys; i++) {
        ration_request request = {.key = key, .key_len = l->made_for.key_len, .flags = l->made_for.own_clock ? 0 : RATION_AT, .now_ns = l->base_ns};
        stream_write_key(key, i);
        ration_acquire(l->limiter, &request, &decision);
    }
}

static bool same_setting(const setting *a, const setting *b)
{
    return a->keys == b->keys && a->limits == b->limits && a->key_len == b->key_len && a->refused == b->refused && a->own_clock == b->own_clock;
}

static const shared_limiter *limiter_for(const setting *s)
{
    for (size_t i = 0; i < limiter_count; i++) {
        if (same_setting(&limiters[i].made_for, s)) {
            return &limiters[i];
        }
    }
    shared_limiter *l = &limiters[limiter_count++];
    /* The recommended load: as many counters as are live. */
    ration_options options = {.size = sizeof options, .counters = key_sets[s->keys].keys * s->limits};
    int error = limiter_count > LIMITERS_MAX ? RATION_ERR_RANGE : ration_open(&options, &l->limiter);
    if (error != RATION_OK) {
        fprintf(stderr, "open: %s\n", ration_strerror(error));
        exit(1);
    }
    l->made_for = *s;
    l->base_ns = (uint64_t)time(NULL) * RATION_SECOND;
    set_plan(l->limiter, s);
    insert_keys(l);
    return l;
}

static bool wanted(const bench_settings *settings, const setting *s, const cell *c)
{
    char number[16];
    snprintf(number, sizeof number, "%u", c->threads);
    bool kept = bench_wants(settings, "threads", number);
    snprintf(number, sizeof number, "%u", s->limits);
    kept &= bench_wants(settings, "limits", number);
    snprintf(number, sizeof number, "%u", s->key_len);
    kept &= bench_wants(settings, "key", number);
    kept &= bench_wants(settings, "keys", key_sets[s->keys].name) && bench_wants(settings, "spread", c->zipf ? "zipf" : "uniform");
    kept &= bench_wants(settings, "answer", s->refused ? "refused" : "allowed") && bench_wants(settings, "mode", c->batch ? "batch" : "single");
    kept &= bench_wants(settings, "clock", s->own_clock ? "own" : "given");
    bool plain = s->key_len == 16 && !s->own_clock;
    bool simple = !c->batch && s->limits == 1 && !c->zipf;
    kept &= plain || simple || bench_chooses(settings, "key") || bench_chooses(settings, "clock");
    kept &= !(settings->quick && !bench_chooses(settings, "keys") && strcmp(key_sets[s->keys].name, "10m") == 0);
    kept &= !(settings->quick && !bench_chooses(settings, "threads") && c->threads == 2);
    return kept && !(c->zipf && key_sets[s->keys].keys == 1);
}

static void add_cell(const bench_settings *settings, cell c)
{
    if (!wanted(settings, &c.what, &c) || cell_count == CELLS_MAX) {
        return;
    }
    if (streams[c.what.keys][c.zipf].numbers == NULL) {
        streams[c.what.keys][c.zipf] = stream_open(key_sets[c.what.keys].keys, c.zipf);
    }
    c.stream = &streams[c.what.keys][c.zipf];
    c.on = limiter_for(&c.what);
    cells[cell_count++] = c;
}

/* All combinations, counted through like an odometer: the last wheel turns fastest. */
static void add_cells(const bench_settings *settings)
{
    unsigned cores = bench_cores();
    const unsigned threads[] = {1, 2, 4, cores};
    unsigned thread_counts = cores < 2 ? 1 : cores < 4 ? 2 : cores == 4 ? 3 : 4;
    const unsigned wheels[] = {thread_counts, 2, 2, 2, KEYS_COUNT, 2, 2, 2};
    unsigned total = 1;
    for (size_t i = 0; i < sizeof wheels / sizeof wheels[0]; i++) {
        total *= wheels[i];
    }
    for (unsigned number = 0; number < total; number++) {
        unsigned digits[8], rest = number;
        for (size_t i = 8; i-- > 0;) {
            digits[i] = rest % wheels[i];
            rest /= wheels[i];
        }
        cell c = {.threads = threads[digits[0]], .batch = digits[3] != 0, .zipf = digits[5] != 0};
        c.what = (setting){.keys = digits[4], .limits = digits[2] != 0 ? 3 : 1, .key_len = digits[7] != 0 ? 36 : 16,
                           .refused = digits[6] != 0, .own_clock = digits[1] != 0};
        add_cell(settings, c);
    }
}

/* ----------------------------------------------------------------- printing */

/* The goals of the project for uniform access and one limit, ns with one thread and Mops/s with four; the rest follows from
 * them: refused as allowed, 36 bytes 5 ns more, three limits twice one. 0: no goal. */
static double goal_ns(const cell *c)
{
    static const double goals[KEYS_COUNT][2] = {{14, 15}, {16, 15}, {90, 25}, {130, 28}};
    if (c->zipf || c->threads != 1 || c->what.own_clock) {
        return 0;
    }
    return goals[c->what.keys][c->batch] * (c->what.limits == 3 ? 2 : 1) + (c->what.key_len == 36 ? 5 : 0);
}

static double goal_mops(const cell *c)
{
    static const double goals[KEYS_COUNT][2] = {{40, 0}, {150, 200}, {60, 150}, {35, 140}};
    if (c->zipf || c->threads != 4 || c->what.own_clock || c->what.key_len != 16) {
        return 0;
    }
    double goal = c->what.keys == 0 && c->what.refused && !c->batch ? 350 : goals[c->what.keys][c->batch];
    return goal / (c->what.limits == 3 ? 2 : 1);
}

/* The least that hashing the key and swapping its counters takes here, all threads together. */
static double floor_ns(const cell *c, const bench_floors *floors)
{
    bool cached = key_sets[c->what.keys].keys <= 1000, large = key_sets[c->what.keys].keys > 1000000;
    bool alone = !c->batch;
    bench_floor hash = c->what.key_len == 16 ? (alone ? FLOOR_HASH_16_LATENT : FLOOR_HASH_16) : (alone ? FLOOR_HASH_36_LATENT : FLOOR_HASH_36);
    double ns = floors_ns(floors, hash) + (c->what.own_clock ? floors_ns(floors, FLOOR_COUNTER) : 0);
    double swaps = c->what.limits;
    if (c->what.refused) {
        /* Only read. In batches the reads overlap with the other work entirely. */
        ns += cached || c->batch ? 0 : floors_ns(floors, large ? FLOOR_READ_HUGE : FLOOR_READ_CACHED);
        return ns / c->threads;
    }
    if (cached) {
        bool contended = c->what.keys == 0 && c->threads == bench_cores() && c->threads > 1;
        double shared = swaps * floors_ns(floors, FLOOR_SWAP_16_SHARED);
        ns = (ns + swaps * floors_ns(floors, FLOOR_SWAP_16)) / c->threads;
        return contended && shared > ns ? shared : ns;
    }
    if (c->batch) {
        ns += swaps * floors_ns(floors, large ? FLOOR_SWAP_PREFETCHED : FLOOR_CACHED_PREFETCHED);
    } else {
        /* The first is waited for, the others come with it. */
        ns += floors_ns(floors, large ? FLOOR_SWAP_RANDOM : FLOOR_CACHED_RANDOM) + (swaps - 1) * floors_ns(floors, FLOOR_SWAP_16);
    }
    return ns / c->threads;
}

static void print_cell(const cell *c, const bench_floors *floors)
{
    double median = bench_median(&c->ns), least = bench_least(&c->ns), floor = floor_ns(c, floors);
    char goal[24] = "-", met[24] = "-";
    if (goal_ns(c) > 0) {
        snprintf(goal, sizeof goal, "<= %.0f ns", goal_ns(c));
        snprintf(met, sizeof met, "%.2f", median / goal_ns(c));
    } else if (goal_mops(c) > 0) {
        snprintf(goal, sizeof goal, ">= %.0f Mops", goal_mops(c));
        snprintf(met, sizeof met, "%.2f", goal_mops(c) / (1000 / median));
    }
    printf("%7u %-5s %-7s %-6s %6u %4s %-7s %3u %8.1f %9.1f %9.1f %9.1f %7.1f %7.2f %8.1f %8.2f %12s %7s\n", c->threads,
           key_sets[c->what.keys].name, c->what.keys == 0 ? "-" : c->zipf ? "zipf" : "uniform", c->batch ? "batch" : "single", c->what.limits,
           c->what.own_clock ? "own" : "at", c->what.refused ? "refused" : "allowed", c->what.key_len, 100.0 * (double)c->allowed / (double)c->decided,
           median * c->threads, least * c->threads, 1000 / median, bench_noise(&c->ns), median / floors_ns(floors, FLOOR_CLOCK), floor * c->threads,
           median / floor, goal, met);
}

static void print_cells(const bench_floors *floors)
{
    printf("%7s %-5s %-7s %-6s %6s %4s %-7s %3s %8s %9s %9s %9s %7s %7s %8s %8s %12s %7s\n", "threads", "keys", "spread", "mode", "limits", "time",
           "answer", "key", "allowed%", "median ns", "least ns", "Mops/s", "noise %", "x clock", "floor ns", "x floor", "goal", "x goal");
    unsigned met = 0, goals = 0;
    for (size_t i = 0; i < cell_count; i++) {
        const cell *c = &cells[i];
        double median = bench_median(&c->ns);
        if (goal_ns(c) > 0 || goal_mops(c) > 0) {
            goals++;
            met += goal_ns(c) > 0 ? median <= goal_ns(c) : 1000 / median >= goal_mops(c);
        }
        print_cell(c, floors);
    }
    printf("\n%u of %u goals met in the median of this run; x goal above 1 is a goal missed\n", met, goals);
}

/* A limiter that shows what no median does: counters lost, decisions rolled back. */
static void print_oddities(void)
{
    for (size_t i = 0; i < limiter_count; i++) {
        ration_stats stats = {.size = sizeof stats};
        ration_get_stats(limiters[i].limiter, &stats);
        if ((stats.evicted | stats.full | stats.insane | stats.clock_jumps) != 0) {
            printf("odd: %s keys, %u limits, %s: %llu evicted, %llu full, %llu insane, %llu clock jumps\n", key_sets[limiters[i].made_for.keys].name,
                   limiters[i].made_for.limits, limiters[i].made_for.refused ? "refused" : "allowed", (unsigned long long)stats.evicted,
                   (unsigned long long)stats.full, (unsigned long long)stats.insane, (unsigned long long)stats.clock_jumps);
        }
    }
}

int main(int argc, char **argv)
{
    static const char *const names[] = {"threads", "keys", "spread", "answer", "mode", "limits", "key", "clock"};
    bench_settings settings = bench_read_settings(argc, argv, usage, names, sizeof names / sizeof names[0]);
    bench_samples loop = {.count = 0};
    bench_floors floors;
    bench_print_machine(&settings);
    add_cells(&settings);
    if (cell_count == 0) {
        fputs("no variant has all of that\n", stderr);
        return 2;
    }
    floors_open(&floors);
    for (unsigned round = 0; round < settings.rounds; round++) {
        floors_measure(&floors, &settings);
        bench_add(&loop, bench_time(loop_only, &cells[0], 1, 1024, settings.duration_ns));
        for (size_t i = 0; i < cell_count; i++) {
            cell *c = &cells[i];
            bench_add(&c->ns, bench_time(c->batch ? decide_in_batches : decide_singly, c, c->threads, 1024, settings.duration_ns));
        }
    }
    floors_close(&floors);
    printf("the loop around each decision, contained in all figures below: %.1f ns\n\n", bench_median(&loop));
    print_cells(&floors);
    print_oddities();
    for (size_t i = 0; i < limiter_count; i++) {
        ration_close(limiters[i].limiter);
    }
    for (unsigned i = 0; i < KEYS_COUNT; i++) {
        stream_close(&streams[i][0]);
        stream_close(&streams[i][1]);
    }
    return 0;
}
