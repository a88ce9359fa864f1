/* SPDX-License-Identifier: BSD-2-Clause */
/** @file clock.c Readings of the kernel's clocks, and the anchors made of them. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* CLOCK_BOOTTIME, CLOCK_REALTIME_COARSE */
#endif
#include "clock.h"

#include <string.h>
#include <time.h>

#include <fcntl.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "cpu.h"

#define CLOCK_CALIBRATION_NS (RATION_MILLISECOND / 2)
#define CLOCK_AHEAD_MAX_NS RATION_MICROSECOND /* a line further ahead of the kernel is ended */
#define CLOCK_STALE_NS RATION_SECOND          /* an anchor so far ahead is from before a jump: lines stray by 0.25 ms at most */
#define CLOCK_TIGHT_PARTS 1250                /* of a window: 0.2 us */
#define CLOCK_TRIES 3

/* ------------------------------------------------------------------- pure */

uint64_t ration_clock_offset(uint64_t offset, const ration_clock_reading *reading, bool *jumped)
{
    /* Each difference errs to the side on which it changes nothing: a thread that was stopped between two readings must neither
     * push time ahead for good nor report a jump. */
    const uint64_t least = reading->real_before_ns - reading->boot_ns, most = reading->real_after_ns - reading->boot_ns;

    *jumped = (int64_t)(offset - most) > (int64_t)RATION_CLOCK_JUMP_NS;
    if (*jumped) {
        return most;
    }
    return (int64_t)(least - offset) > 0 ? least : offset;
}

/* The most that `anchor` can have told by the time its line is at `counter`. */
static uint64_t clock_told(const ration_clock *clock, ration_pair anchor, uint64_t counter)
{
    const uint64_t distance = counter - anchor.low;

    if (anchor.low == 0) {
        return anchor.high;
    }
    return ration_clock_line(clock, anchor, distance < clock->window ? distance : clock->window);
}

ration_pair ration_clock_anchor(const ration_clock *clock, ration_pair old, const ration_clock_reading *reading, uint64_t time_ns)
{
    const uint64_t told_ns = clock_told(clock, old, reading->counter);
    const bool line = clock->window != 0 && reading->tight;
    ration_pair next = {.low = line ? reading->counter : 0, .high = time_ns};

    if ((int64_t)(told_ns - time_ns) <= 0 || told_ns - time_ns > CLOCK_STALE_NS) {
        return next;
    }
    next.high = told_ns;
    if (!line || told_ns - time_ns > CLOCK_AHEAD_MAX_NS) {
        /* Others may be reading the old line a little later than this reading: hold the highest that they can see. */
        next.low = 0;
        next.high = old.low == 0 ? old.high : ration_clock_line(clock, old, clock->window);
    }
    return next;
}

/* ----------------------------------------------------------------- shared */

static ration_pair clock_load(const ration_clock *clock)
{
    ration_pair anchor;

    while (!ration_atomic_load_128(&clock->anchor, clock->wide, &anchor)) {
        /* others have published new anchors */
    }
    return anchor;
}

uint64_t ration_clock_follow(ration_clock *clock, ration_pair anchor, const ration_clock_reading *reading)
{
    const uint64_t before = ration_atomic_load_acquire_64(&clock->offset);
    bool jumped;
    uint64_t offset = ration_clock_offset(before, reading, &jumped);
    ration_pair next;

    ration_atomic_store_relaxed_64(&clock->checked, reading->boot_ns);
    if (offset != before) {
        if (!ration_atomic_cas_seq_64(&clock->offset, before, offset)) {
            offset = ration_atomic_load_acquire_64(&clock->offset); /* another's finding, as fresh as ours */
        } else if (jumped) {
            (void)ration_atomic_fetch_add_relaxed_64(&clock->jumps, 1);
        }
    }
    next = ration_clock_anchor(clock, anchor, reading, reading->boot_ns + offset);
    if (ration_atomic_cas_seq_128(&clock->anchor, anchor, next)) {
        return next.high;
    }
    /* The winner's line is the one that this thread will read next: its own reading may lie above it and must not be told. */
    next = clock_load(clock);
    return reading->counter - next.low > UINT64_MAX / 2 ? next.high : clock_told(clock, next, reading->counter);
}

/* ----------------------------------------------------------------- system */

static uint64_t clock_gettime_ns(int id)
{
    struct timespec time = {0};

    (void)clock_gettime(id, &time); /* tried at open */
    return (uint64_t)time.tv_sec * RATION_SECOND + (uint64_t)time.tv_nsec;
}

static void clock_look(const ration_clock *clock, ration_clock_reading *reading)
{
    reading->tight = false;
    for (int tries = 0; tries < CLOCK_TRIES && !reading->tight; tries++) {
        uint64_t counter;

        reading->real_before_ns = clock_gettime_ns(clock->real_id);
        counter = ration_clock_counter();
        reading->boot_ns = clock_gettime_ns(clock->boot_id);
        reading->counter = ration_clock_counter();
        reading->tight = clock->window == 0 || reading->counter - counter <= clock->window / CLOCK_TIGHT_PARTS + 1;
    }
    reading->real_after_ns = clock_gettime_ns(clock->real_id);
}

/* Boot time alone, where the counter is not used and wall time was compared a moment ago. */
static uint64_t clock_since_checked(const ration_clock *clock, uint64_t boot_ns)
{
    const uint64_t time_ns = boot_ns + ration_atomic_load_acquire_64(&clock->offset);
    const uint64_t told_ns = ration_atomic_load_relaxed_64(&clock->anchor.high);

    /* Kernels have been seen whose clock went back by microseconds. */
    return told_ns - time_ns <= CLOCK_STALE_NS ? told_ns : time_ns;
}

uint64_t ration_clock_read(ration_clock *clock)
{
    ration_clock_reading reading;
    ration_pair anchor;

    if (clock->kind == RATION_CLOCK_CALLBACK) {
        return clock->now(clock->context);
    }
    if (clock->window == 0) {
        const uint64_t boot_ns = clock_gettime_ns(clock->boot_id);

        if (boot_ns - ration_atomic_load_relaxed_64(&clock->checked) < RATION_CLOCK_WINDOW_NS) {
            return clock_since_checked(clock, boot_ns);
        }
    }
    anchor = clock_load(clock);
    clock_look(clock, &reading);
    return ration_clock_follow(clock, anchor, &reading);
}

uint64_t ration_clock_jumps(const ration_clock *clock)
{
    return ration_atomic_load_relaxed_64(&clock->jumps);
}

/* ---------------------------------------------------------------- opening */

/* True where the kernel keeps its own time by the counter that we would read. */
static bool clock_trusted(void)
{
#if defined(__x86_64__) || defined(__aarch64__)
    char name[32] = "";
    ssize_t len;
    int file = open("/sys/devices/system/clocksource/clocksource0/current_clocksource", O_RDONLY | O_CLOEXEC);

    if (file < 0) {
        return false;
    }
    len = read(file, name, sizeof name - 1);
    (void)close(file);
    name[len > 0 ? len : 0] = '\0';
#endif
#if defined(__x86_64__)
    unsigned a, b, c, d = 0;
    const unsigned invariant = 1u << 8; /* same speed in all power states */

    return strcmp(name, "tsc\n") == 0 && __get_cpuid(0x80000007u, &a, &b, &c, &d) != 0 && (d & invariant) != 0;
#elif defined(__aarch64__)
    return strcmp(name, "arch_sys_counter\n") == 0;
#else
    return false;
#endif
}

/* A counter and boot time read as close to each other as they can be: the best of 16. */
static uint64_t clock_pair(const ration_clock *clock, uint64_t *boot_ns)
{
    uint64_t best = UINT64_MAX, counter = 0;

    for (int tries = 0; tries < 16; tries++) {
        const uint64_t before = ration_clock_counter();
        const uint64_t now_ns = clock_gettime_ns(clock->boot_id);
        const uint64_t after = ration_clock_counter();

        if (after - before < best) {
            best = after - before;
            counter = before + best / 2;
            *boot_ns = now_ns;
        }
    }
    return counter;
}

/* Measures the counter's speed against the kernel's clock for half a millisecond. */
static void clock_calibrate(ration_clock *clock)
{
    uint64_t from_ns = 0, to_ns = 0, counts, ns;
    const uint64_t from = clock_pair(clock, &from_ns);

    while (clock_gettime_ns(clock->boot_id) - from_ns < CLOCK_CALIBRATION_NS) {
    }
    counts = clock_pair(clock, &to_ns) - from;
    ns = to_ns - from_ns;
    /* 1 MHz to 16 GHz, and not stopped half way for a second: then all products below fit 64 bits. */
    if (ns > RATION_SECOND || counts < ns / 1000 || counts > ns * 16) {
        return;
    }
    clock->scale = (ns << 32) / counts;
    clock->scale -= clock->scale >> 10;
    clock->window = counts * RATION_CLOCK_WINDOW_NS / ns;
}

int ration_clock_open(ration_clock *clock, uint32_t kind, uint64_t (*now)(void *context), void *context)
{
    struct timespec time;
    ration_clock_reading reading;

    memset(clock, 0, sizeof *clock);
    clock->kind = kind;
    clock->now = now;
    clock->context = context;
    clock->boot_id = kind == RATION_CLOCK_COARSE ? CLOCK_MONOTONIC_COARSE : CLOCK_BOOTTIME;
    clock->real_id = kind == RATION_CLOCK_COARSE ? CLOCK_REALTIME_COARSE : CLOCK_REALTIME;
    if (kind == RATION_CLOCK_CALLBACK) {
        return RATION_OK;
    }
    if (clock_gettime(clock->boot_id, &time) != 0 || clock_gettime(clock->real_id, &time) != 0) {
        return RATION_ERR_SYSTEM;
    }
    clock->wide = ration_cpu_loads_16_bytes();
    if (kind == RATION_CLOCK_SYSTEM && clock_trusted()) {
        clock_calibrate(clock);
    }
    clock_look(clock, &reading);
    clock->offset = reading.real_before_ns - reading.boot_ns;
    (void)ration_clock_follow(clock, clock->anchor, &reading);
    return RATION_OK;
}
