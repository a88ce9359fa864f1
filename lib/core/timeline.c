/* SPDX-License-Identifier: BSD-2-Clause */
/** @file timeline.c Advancing the floor and beginning eras. */
#include "timeline.h"

static bool era_holds(uint64_t era, uint64_t now_ns)
{
    return era != 0 && now_ns - ration_era_epoch_ns(era) < RATION_ERA_NS;
}

/* The unit before the one that holds now, so that a clock may step back by at least a year within the era. */
static uint64_t begin_era(ration_region *region, uint64_t now_ns)
{
    for (;;) {
        uint64_t era = ration_atomic_load_acquire_64(&region->era);
        if (era_holds(era, now_ns)) {
            return era;
        }
        uint64_t unit = now_ns / RATION_NS_PER_S / (uint64_t)RATION_ERA_UNIT_S;
        uint64_t next = ((era >> 16) + 1) << 16 | unit; /* unit - 1, plus 1 */
        if (ration_atomic_cas_seq_64(&region->era, era, next)) {
            if (era != 0) {
                ration_atomic_fetch_add_relaxed_64(&region->jumps, 1);
            }
            return next;
        }
    }
}

static uint64_t raise_to_floor(ration_region *region, uint64_t now_ns)
{
    uint64_t floor_ns = ration_atomic_load_relaxed_64(&region->floor_ns);
    if (now_ns < floor_ns) {
        if (floor_ns - now_ns <= RATION_SLACK_NS) {
            return floor_ns;
        }
        if (ration_atomic_cas_seq_64(&region->floor_ns, floor_ns, now_ns)) {
            ration_atomic_fetch_add_relaxed_64(&region->jumps, 1);
        }
    } else if (now_ns - floor_ns >= RATION_FLOOR_STEP_NS) {
        /* Losing this swap means that another thread has just moved the floor. */
        (void)ration_atomic_cas_seq_64(&region->floor_ns, floor_ns, now_ns);
    }
    return now_ns;
}

void ration_timeline_move(ration_region *region, uint64_t now_ns, ration_time *time, uint64_t *era)
{
    now_ns = raise_to_floor(region, now_ns);
    *era = begin_era(region, now_ns);
    ration_timeline_fill(time, now_ns, *era, now_ns - ration_era_epoch_ns(*era), ration_atomic_load_relaxed_64(&region->wait_ticks));
}

uint64_t ration_timeline_ticks(const ration_time *time, uint64_t at_ns)
{
    uint64_t ago_ns = time->now_ns - at_ns;
    if (at_ns <= time->now_ns) {
        return ago_ns < time->ticks / RATION_TICKS_PER_NS ? time->ticks - ago_ns * RATION_TICKS_PER_NS : 0;
    }
    uint64_t ahead_ns = at_ns - time->now_ns;
    uint64_t room_ns = (UINT64_MAX - time->ticks) / RATION_TICKS_PER_NS;
    return ahead_ns < room_ns ? time->ticks + ahead_ns * RATION_TICKS_PER_NS : UINT64_MAX;
}

void ration_timeline_raise(ration_region *region, const ration_time *time)
{
    ration_atomic_max_64(&region->floor_ns, time->now_ns);
}
