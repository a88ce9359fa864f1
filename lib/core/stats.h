/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file stats.h
 * Statistics in stripes: threads count in lines of their own, so that counting never makes refusals share a line.
 *
 * A stripe is chosen by the thread's own pointer, spread by multiplication: neighbouring thread stacks get different stripes. Two
 * threads that meet in one stripe still count exactly (fetch-add), only slower.
 */
#ifndef RATION_CORE_STATS_H
#define RATION_CORE_STATS_H

#include <stddef.h>

#include "atomic.h"

#define RATION_STATS_STRIPES 64

enum {
    RATION_COUNT_ALLOWED,
    RATION_COUNT_REFUSED,
    RATION_COUNT_WOULD_REFUSE,
    RATION_COUNT_INSERTED,
    RATION_COUNT_RECLAIMED,
    RATION_COUNT_EVICTED,
    RATION_COUNT_FULL,
    RATION_COUNT_ROLLED_BACK,
    RATION_COUNT_INSANE,
    RATION_COUNTS
};

typedef struct ration_stripe {
    _Alignas(128) uint64_t counts[RATION_COUNTS];
} ration_stripe;

static inline ration_stripe *ration_stats_stripe(ration_stripe *stripes)
{
    uint64_t self = (uint64_t)(uintptr_t)__builtin_thread_pointer();
    return &stripes[(self >> 4) * UINT64_C(0x9e3779b97f4a7c15) >> 58];
}

static inline void ration_stats_count(ration_stripe *stripe, unsigned what, uint64_t many)
{
    (void)ration_atomic_fetch_add_relaxed_64(&stripe->counts[what], many);
}

static inline uint64_t ration_stats_sum(const ration_stripe *stripes, unsigned what)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < RATION_STATS_STRIPES; i++) {
        sum += ration_atomic_load_relaxed_64(&stripes[i].counts[what]);
    }
    return sum;
}

#endif
