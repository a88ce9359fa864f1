/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file clock.h
 * The clock: nanoseconds since 1970 that move on over a suspend or a freeze, and go back only when wall time was set back.
 *
 * Time is boot + offset: CLOCK_BOOTTIME, which counts suspends and is never set, anchored to wall time. The offset follows
 * wall time forward at once (a sandbox was frozen, the machine got the right time) and back only when wall time was set back
 * by more than 5 s, which counts as a jump. Steps back up to that, leap seconds among them, are sat out.
 *
 * Between readings of the kernel's clocks, at most a quarter of a millisecond, the CPU's counter interpolates:
 *
 *     time(counter) = anchor.high + (counter - anchor.low) * scale / 2^32,       counter - anchor.low < window
 *
 * Only where the kernel itself keeps time by that counter. A counter outside the window (a freeze, another machine after a
 * snapshot's restore, an anchor newer than the counter's reading) means: ask the kernel.
 *
 * State, shared by the threads of a process (private memory: a child of fork has its own copy, whole):
 *
 *   word     written by            read by    moves                       order
 *   anchor   ration_clock_follow   all        swapped from the anchor     swap: seq; load: as one, acquire
 *                                             read before the clocks
 *   offset   ration_clock_follow   the same   up, or down by a jump       seq swap, before the anchor's: whoever sees an anchor
 *                                                                         reads the offset that made it, or a later one
 *   checked  ration_clock_follow   slow path  any                         relaxed: a hint when to compare with wall time again
 *   jumps    ration_clock_follow   stats      up                          relaxed: a count
 *
 * Invariant. A thread's time does not go back, jumps excepted. The scale is one constant, so of two anchors the newer lies on
 * or above the line of the older, and every time told lies on the line of an anchor that was current; the kernel's own reading
 * is told only after it became an anchor, because the line may lag behind it. Where the lines have run ahead of the kernel by
 * more than 1 us the next anchor has no line (low = 0): its time is the highest that the line before can have told, and holds
 * until the kernel's clock has passed it.
 *
 * Scale. Deliberately slow by 1/1024, more than the kernel's largest slew (500 ppm) and our error of calibration (at most 400
 * ppm), so that an anchor seldom lies ahead. The lag at a window's end is 0.25 ms * (977 + 500 + 400 ppm) = 0.47 us at most.
 *
 * Progress. Lock-free: one swap is tried, whoever loses it takes the winner's anchor, and loading that repeats only where
 * others publish newer ones on a CPU without 16-byte loads. Nothing is ever half written, so a thread that dies, forks or takes a signal anywhere leaves nothing behind.
 *
 * Source. The kernel's own timekeeping (arch vDSO), less its lock. Cost: see docs/clock.md.
 */
#ifndef RATION_CORE_CLOCK_H
#define RATION_CORE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "atomic.h"
#include "ration.h"

/** Wall time set back by more than this is a jump. */
#define RATION_CLOCK_JUMP_NS (5 * RATION_SECOND)
/** How long the counter is trusted without asking the kernel. */
#define RATION_CLOCK_WINDOW_NS (RATION_MILLISECOND / 4)

typedef struct ration_clock {
    ration_pair anchor;  /* low: counter, 0: no line; high: time in ns */
    uint64_t offset;     /* time - boot, modulo 2^64 */
    uint64_t checked;    /* boot_ns of the latest comparison with wall time */
    uint64_t jumps;
    uint64_t window;     /* in counts; 0: the counter is not used. Constant after open, as all that follows. */
    uint64_t scale;      /* ns per count * 2^32 */
    uint32_t kind;       /* RATION_CLOCK_* */
    bool wide;           /* the CPU loads 16 bytes as one */
    int boot_id; /* the system's names of the two clocks */
    int real_id;
    uint64_t (*now)(void *context);
    void *context;
} ration_clock;

/** One look at the kernel's clocks, in this order. */
typedef struct ration_clock_reading {
    uint64_t real_before_ns; /* wall time, then boot time: their difference can only be too small, however long the thread slept between */
    uint64_t boot_ns;
    uint64_t real_after_ns;  /* and this one's too great */
    uint64_t counter;        /* the CPU's, just after boot_ns */
    bool tight;              /* counter was read within 0.2 us of boot_ns */
} ration_clock_reading;

/**
 * Opens a clock. @return RATION_OK, or RATION_ERR_SYSTEM when the system has no such clock.
 * @param now, context RATION_CLOCK_CALLBACK only.
 */
int ration_clock_open(ration_clock *clock, uint32_t kind, uint64_t (*now)(void *context), void *context);

/** Asks the kernel, or the callback: what ration_clock_now does where the counter will not do. */
uint64_t ration_clock_read(ration_clock *clock);

/** Times that wall time was set back by more than 5 s. */
uint64_t ration_clock_jumps(const ration_clock *clock);

/** Pure: the offset after this reading. *jumped: it went back. */
uint64_t ration_clock_offset(uint64_t offset, const ration_clock_reading *reading, bool *jumped);

/** Pure: the anchor after `old`, the kernel's clocks having come to `time_ns` in this reading. */
ration_pair ration_clock_anchor(const ration_clock *clock, ration_pair old, const ration_clock_reading *reading, uint64_t time_ns);

/** Takes in a reading that was begun after `anchor` was loaded, and tells the time. No system call. */
uint64_t ration_clock_follow(ration_clock *clock, ration_pair anchor, const ration_clock_reading *reading);

/** The CPU's counter; 0 where there is none. Not ordered with loads: the window takes care of a reading that came early. */
static inline uint64_t ration_clock_counter(void)
{
#if defined(__x86_64__)
    return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
    uint64_t counter;

    __asm__ __volatile__("mrs %0, cntvct_el0" : "=r"(counter));
    return counter;
#else
    return 0;
#endif
}

/** The anchor's line at a distance below the window. */
static inline uint64_t ration_clock_line(const ration_clock *clock, ration_pair anchor, uint64_t distance)
{
    return anchor.high + ((distance * clock->scale) >> 32);
}

/** The time, ns since 1970. */
static inline uint64_t ration_clock_now(ration_clock *clock)
{
    ration_pair anchor;

    if (clock->window != 0 && ration_atomic_load_128(&clock->anchor, clock->wide, &anchor)) {
        const uint64_t distance = ration_clock_counter() - anchor.low;

        if (distance < clock->window) {
            return ration_clock_line(clock, anchor, distance);
        }
    }
    return ration_clock_read(clock);
}

#endif
