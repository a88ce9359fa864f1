/* SPDX-License-Identifier: BSD-2-Clause */
/** @file measure.c Threads, medians, words of the command line, the machine. */
#define _GNU_SOURCE
#include "measure.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#ifndef BENCH_FLAGS
#define BENCH_FLAGS "unknown flags"
#endif

/* Every thread runs this long before the others and the clock wait for it: caches, TLB and the CPU's speed settle. */
#define WARM_NS UINT64_C(2000000)

static volatile uint64_t kept;

void bench_keep(uint64_t value)
{
    kept = value;
}

uint64_t bench_now_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

/* ----------------------------------------------------------------- threads */

typedef struct measurement {
    bench_body *body;
    void *context;
    uint64_t chunk;
    uint64_t duration_ns;
    unsigned threads;
    unsigned ready;    /* atomic, as begin_ns: the last thread to be ready sets it, 0 before */
    uint64_t begin_ns;
} measurement;

typedef struct worker {
    measurement *shared;
    unsigned number;
    uint64_t made;
    uint64_t end_ns;
    pthread_t thread;
} worker;

/* One thread for each core: a scheduler that starts them on one core would show four threads running by turns. */
static void pin_thread(unsigned number)
{
    cpu_set_t mine, one;
    if (sched_getaffinity(0, sizeof mine, &mine) != 0) {
        return;
    }
    for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (CPU_ISSET(cpu, &mine) && number-- == 0) {
            CPU_ZERO(&one);
            CPU_SET(cpu, &one);
            (void)pthread_setaffinity_np(pthread_self(), sizeof one, &one);
            return;
        }
    }
}

/* Returns when the measurement begins, the same time for all its threads. */
static uint64_t wait_for_all(measurement *m)
{
    uint64_t begin_ns;
    if (__atomic_add_fetch(&m->ready, 1, __ATOMIC_SEQ_CST) == m->threads) {
        __atomic_store_n(&m->begin_ns, bench_now_ns(), __ATOMIC_SEQ_CST);
    }
    while ((begin_ns = __atomic_load_n(&m->begin_ns, __ATOMIC_SEQ_CST)) == 0) {
        sched_yield();
    }
    return begin_ns;
}

static void *run_worker(void *context)
{
    worker *w = context;
    measurement *m = w->shared;
    uint64_t at = 0, sum = 0;
    if (m->threads > 1) {
        pin_thread(w->number);
    }
    for (uint64_t until = bench_now_ns() + WARM_NS; bench_now_ns() < until; at += m->chunk) {
        sum += m->body(m->context, w->number, at, m->chunk);
    }
    uint64_t first = at, begin_ns = wait_for_all(m);
    do {
        sum += m->body(m->context, w->number, at, m->chunk);
        at += m->chunk;
        w->end_ns = bench_now_ns();
    } while (w->end_ns - begin_ns < m->duration_ns);
    w->made = at - first;
    bench_keep(sum);
    return NULL;
}

double bench_time(bench_body *body, void *context, unsigned threads, uint64_t chunk, uint64_t duration_ns)
{
    measurement shared = {body, context, chunk, duration_ns, threads, 0, 0};
    worker workers[BENCH_THREADS_MAX];
    uint64_t made = 0, end_ns = 0;
    for (unsigned i = 0; i < threads; i++) {
        workers[i] = (worker){.shared = &shared, .number = i};
        if (threads > 1 && pthread_create(&workers[i].thread, NULL, run_worker, &workers[i]) != 0) {
            fprintf(stderr, "no thread\n");
            exit(1);
        }
    }
    if (threads == 1) {
        run_worker(&workers[0]);
    }
    for (unsigned i = 0; i < threads; i++) {
        if (threads > 1) {
            pthread_join(workers[i].thread, NULL);
        }
        made += workers[i].made;
        end_ns = workers[i].end_ns > end_ns ? workers[i].end_ns : end_ns;
    }
    return (double)(end_ns - shared.begin_ns) / (double)made;
}

unsigned bench_cores(void)
{
    cpu_set_t set;
    int cores = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : (int)sysconf(_SC_NPROCESSORS_ONLN);
    return cores < 1 ? 1 : cores > BENCH_THREADS_MAX ? BENCH_THREADS_MAX : (unsigned)cores;
}

/* ----------------------------------------------------------------- samples */

void bench_add(bench_samples *samples, double value)
{
    /* Kept sorted. */
    unsigned at = samples->count++;
    while (at > 0 && samples->values[at - 1] > value) {
        samples->values[at] = samples->values[at - 1];
        at--;
    }
    samples->values[at] = value;
}

double bench_median(const bench_samples *samples)
{
    unsigned half = samples->count / 2;
    return samples->count % 2 != 0 ? samples->values[half] : (samples->values[half - 1] + samples->values[half]) / 2;
}

double bench_least(const bench_samples *samples)
{
    return samples->values[0];
}

double bench_noise(const bench_samples *samples)
{
    unsigned quarter = samples->count / 4;
    double spread = samples->values[samples->count - 1 - quarter] - samples->values[quarter];
    return 50 * spread / bench_median(samples);
}

/* ------------------------------------------------------------ command line */

static const char *value_of(const char *word, const char *name)
{
    size_t len = strlen(name);
    return strncmp(word, name, len) == 0 && word[len] == '=' ? word + len + 1 : NULL;
}

static void read_word(bench_settings *settings, const char *word, const char *usage, const char *const *names, size_t name_count)
{
    const char *value;
    bool known = strcmp(word, "quick") == 0;
    if ((value = value_of(word, "rounds")) != NULL) {
        settings->rounds = (unsigned)strtoul(value, NULL, 10);
        known = settings->rounds >= 1 && settings->rounds <= BENCH_ROUNDS_MAX;
    } else if ((value = value_of(word, "ms")) != NULL) {
        settings->duration_ns = strtoull(value, NULL, 10) * 1000000;
        known = settings->duration_ns > 0;
    }
    for (size_t i = 0; i < name_count; i++) {
        known |= value_of(word, names[i]) != NULL;
    }
    if (!known) {
        fputs(usage, strcmp(word, "--help") == 0 ? stdout : stderr);
        exit(strcmp(word, "--help") == 0 ? 0 : 2);
    }
}

bench_settings bench_read_settings(int argc, char **argv, const char *usage, const char *const *names, size_t name_count)
{
    bench_settings settings = {7, 60 * UINT64_C(1000000), false, argc - 1, argv + 1};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "quick") == 0) {
            settings.quick = true;
            settings.rounds = 5;
            settings.duration_ns = 20 * UINT64_C(1000000);
        }
    }
    for (int i = 1; i < argc; i++) {
        read_word(&settings, argv[i], usage, names, name_count);
    }
    return settings;
}

bool bench_chooses(const bench_settings *settings, const char *name)
{
    for (int i = 0; i < settings->count; i++) {
        if (value_of(settings->words[i], name) != NULL) {
            return true;
        }
    }
    return false;
}

bool bench_wants(const bench_settings *settings, const char *name, const char *value)
{
    size_t len = strlen(value);
    for (int i = 0; i < settings->count; i++) {
        const char *list = value_of(settings->words[i], name);
        while (list != NULL) {
            size_t item = strcspn(list, ",");
            if (item == len && strncmp(list, value, len) == 0) {
                return true;
            }
            list = list[item] == ',' ? list + item + 1 : NULL;
        }
    }
    return !bench_chooses(settings, name);
}

/* ----------------------------------------------------------------- machine */

static void read_line(const char *path, const char *name, char *line, size_t size)
{
    FILE *file = fopen(path, "r");
    char whole[256];
    snprintf(line, size, "%s", "unknown");
    while (file != NULL && fgets(whole, sizeof whole, file) != NULL) {
        if (strncmp(whole, name, strlen(name)) == 0) {
            const char *value = name[0] != '\0' ? strchr(whole, ':') : NULL;
            snprintf(line, size, "%.255s", value != NULL ? value + 2 : whole);
            line[strcspn(line, "\n")] = '\0';
            break;
        }
    }
    if (file != NULL) {
        fclose(file);
    }
}

void bench_print_machine(const bench_settings *settings)
{
    char model[256], clock[256], pages[256], load[256], date[64] = "";
    struct utsname system = {.release = "unknown"};
    time_t now = time(NULL);
    struct tm day;
    uname(&system);
    read_line("/proc/cpuinfo", "model name", model, sizeof model);
    read_line("/sys/devices/system/clocksource/clocksource0/current_clocksource", "", clock, sizeof clock);
    read_line("/sys/kernel/mm/transparent_hugepage/enabled", "", pages, sizeof pages);
    read_line("/proc/loadavg", "", load, sizeof load);
    strftime(date, sizeof date, "%Y-%m-%d", gmtime_r(&now, &day) != NULL ? &day : &(struct tm){.tm_mday = 1});
    printf("machine   %s, %u cores for this process, %s %s %s\n", model, bench_cores(), system.sysname, system.release, system.machine);
    printf("system    clocksource %s, huge pages %s, load %s\n", clock, pages, load);
#if defined(__clang__)
    printf("build     clang %s, %s\n", __clang_version__, BENCH_FLAGS);
#else
    printf("build     gcc %s, %s\n", __VERSION__, BENCH_FLAGS);
#endif
    printf("measured  %s, %u rounds of %llu ms each, variants interleaved, several threads pinned to a core each\n\n", date, settings->rounds,
           (unsigned long long)(settings->duration_ns / 1000000));
    fflush(stdout);
}

/* ------------------------------------------------------------------ memory */

void *bench_map(size_t size, bool huge)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        fprintf(stderr, "no memory: %zu bytes\n", size);
        exit(1);
    }
    madvise(memory, size, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
    memset(memory, 1, size);
    return memory;
}

void bench_unmap(void *memory, size_t size)
{
    munmap(memory, size);
}

uint64_t bench_resident(void)
{
    unsigned long long whole = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file != NULL) {
        if (fscanf(file, "%llu %llu", &whole, &resident) != 2) {
            resident = 0;
        }
        fclose(file);
    }
    return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}
