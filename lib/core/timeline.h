/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file timeline.h
 * The time of decisions: the region's floor and era.
 *
 * Floor: a shared word, the latest time that any decision has seen, to within a millisecond. Every decision uses
 * max(now, floor), and every judgement "this counter is stale" uses the floor: otherwise a lagging thread would create anew a
 * counter that a fast one has reclaimed, with its quota fresh. It is advanced once a millisecond, and before any eviction.
 * A decision that finds its counter absent reads the floor again and, where that has passed its own time, decides again: the
 * counter may have been reclaimed between.
 * A floor more than 5 s ahead of the clock was a jump: it is pulled back, and counted.
 *
 * Era: the epoch that words are relative to (counter.h). A time outside the era begins a new one, and is counted as a jump.
 */
#ifndef RATION_CORE_TIMELINE_H
#define RATION_CORE_TIMELINE_H

#include "counter.h"
#include "region.h"

#define RATION_NS_PER_S UINT64_C(1000000000)
#define RATION_SLACK_NS (RATION_SLACK_S * RATION_NS_PER_S)
#define RATION_FLOOR_STEP_NS UINT64_C(1000000)
#define RATION_ERA_UNIT_S (INT64_C(1) << 25)
#define RATION_ERA_UNITS 15

/** True where the floor is so far ahead that either this thread's reading is old or the clock has jumped: read the clock again. */
static inline bool ration_timeline_behind(const ration_region *region, uint64_t now_ns)
{
    uint64_t floor_ns = ration_atomic_load_relaxed_64(&region->floor_ns);
    return floor_ns > now_ns && floor_ns - now_ns > RATION_SLACK_NS;
}

/** ration_timeline_place where the floor or the era has to change. */
void ration_timeline_move(ration_region *region, uint64_t now_ns, ration_time *time, uint64_t *era);

static inline uint64_t ration_era_epoch_ns(uint64_t era)
{
    return ((era & 0xffff) - 1) * ((uint64_t)RATION_ERA_UNIT_S * RATION_NS_PER_S); /* modulo 2^64: it may be negative */
}

/** Nanoseconds since the era's epoch; RATION_ERA_NS or more: outside the era. */
#define RATION_ERA_NS ((uint64_t)RATION_ERA_UNITS * (uint64_t)RATION_ERA_UNIT_S * RATION_NS_PER_S)

static inline void ration_timeline_fill(ration_time *time, uint64_t now_ns, uint64_t era, uint64_t since_ns, uint64_t wait_ticks)
{
    time->now_ns = now_ns;
    time->epoch_s = ((int64_t)(era & 0xffff) - 1) * RATION_ERA_UNIT_S;
    time->ticks = since_ns * RATION_TICKS_PER_NS;
    time->s = (uint32_t)(since_ns / RATION_NS_PER_S);
    time->wait_ticks = wait_ticks;
}

/** Places now_ns on the region's time: raises it to the floor, advances or pulls back the floor, begins an era where needed. */
static inline void ration_timeline_place(ration_region *region, uint64_t now_ns, ration_time *time, uint64_t *era)
{
    uint64_t ahead_ns = now_ns - ration_atomic_load_relaxed_64(&region->floor_ns);
    uint64_t current = ration_atomic_load_acquire_64(&region->era);
    uint64_t since_ns = now_ns - ration_era_epoch_ns(current);
    if (__builtin_expect(ahead_ns >= RATION_FLOOR_STEP_NS || current == 0 || since_ns >= RATION_ERA_NS, 0)) {
        ration_timeline_move(region, now_ns, time, era);
        return;
    }
    *era = current;
    ration_timeline_fill(time, now_ns, current, since_ns, ration_atomic_load_relaxed_64(&region->wait_ticks));
}

/** Raises the floor to at least `time`. */
void ration_timeline_raise(ration_region *region, const ration_time *time);

/** Bits of the tag that tell eras apart, and what is mixed into fingerprints so that no two eras share a counter. */
static inline uint64_t ration_era_bits(uint64_t era)
{
    return (era >> 16 & 3) << RATION_TAG_ERA_SHIFT;
}

static inline uint64_t ration_era_mix(uint64_t era)
{
    return ((era >> 16) - 1) * UINT64_C(0x9e3779b97f4a7c15);
}

/** Nanoseconds since 1970 as ticks of the time's era: 0 before it, saturated after it. */
uint64_t ration_timeline_ticks(const ration_time *time, uint64_t at_ns);

#endif
