/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file counter.h
 * The counter, 16 bytes of state: its tag, its epoch, and what any thread may read from it without knowing the plan.
 *
 * State. A counter is a ration_pair {low: tag, high: word}, changed by 16-byte compare-and-swap only.
 *
 *   tag   63                 15 14   13 12    10 9     7 6       2    1      0
 *        [ fingerprint: 49      |  era  |  kind  | share | horizon | shadow| fresh ]
 *         \------------ identity -------------/ \---------- attributes ---------/
 *
 *   identity: fingerprint of (key, limit), the low bits of the era and the kind. Two counters with equal identities in one probe
 *             window are one counter: 49 bits, so of 100 million keys flooding a table of windows with some 85 live counters the
 *             chance that any two share a budget is about 1.5e-5.
 *   attributes, set by whoever charges, for those who evict without knowing the plan: the class of the limit's horizon
 *             (the time full debt takes to lapse is at most 2^(horizon - 1) s), shadow, and how much of the limit is used
 *             (share: 7: more than half, 6: more than a quarter, ... 0: less than 1/128).
 *   fresh:    the counter was inserted and never charged; its word is the ticket of its insertion, which never recurs. Whoever
 *             charges it first reads the sketch of evicted debt.
 *   EMPTY:    tag 0; the word is the ticket of the reclaim, 0 in memory never used.
 *
 * word, by kind (seconds and ticks are relative to the region's epoch):
 *   rate      [ theoretical arrival time, ticks: 64 ]
 *   quota     [ end of window, s: 32 | used: 32 ]
 *   wide      [ end of window in 256 s, rounded up: 24 | used: 40 ]
 *   sliding   [ end of the following window, s: 32 | used: 32 ]; windows of odd and even number are two counters
 *   permits   [ death, s: 29 | pending: 1 | current: 17 | previous: 17 ]
 *
 * Era. The epoch is a multiple of 2^25 s, one to two of them before the first decision; when a clock leaves
 * [epoch, epoch + 15 * 2^25 s) the region begins a new era: a new epoch and new tags. It happens after 13.8 years of uptime, or
 * when a clock jumps outside that range, and is counted as a jump (G7: at most one extra burst).
 */
#ifndef RATION_CORE_COUNTER_H
#define RATION_CORE_COUNTER_H

#include "step.h"

#define RATION_TAG_FRESH UINT64_C(0x1)
#define RATION_TAG_SHADOW UINT64_C(0x2)
#define RATION_TAG_HORIZON_SHIFT 2
#define RATION_TAG_HORIZON (UINT64_C(31) << RATION_TAG_HORIZON_SHIFT)
#define RATION_TAG_SHARE_SHIFT 7
#define RATION_TAG_SHARE (UINT64_C(7) << RATION_TAG_SHARE_SHIFT)
#define RATION_TAG_ATTRIBUTES UINT64_C(0x3ff)
#define RATION_TAG_KIND_SHIFT 10
#define RATION_TAG_KIND (UINT64_C(7) << RATION_TAG_KIND_SHIFT)
#define RATION_TAG_ERA_SHIFT 13
#define RATION_TAG_ERA (UINT64_C(3) << RATION_TAG_ERA_SHIFT)
#define RATION_TAG_FINGERPRINT (~UINT64_C(0x7fff))
#define RATION_TAG_IDENTITY (~RATION_TAG_ATTRIBUTES)
#define RATION_TAG_EMPTY UINT64_C(0)

static inline unsigned ration_tag_kind(uint64_t tag)
{
    return (unsigned)((tag & RATION_TAG_KIND) >> RATION_TAG_KIND_SHIFT);
}

static inline unsigned ration_tag_horizon(uint64_t tag)
{
    return (unsigned)((tag & RATION_TAG_HORIZON) >> RATION_TAG_HORIZON_SHIFT);
}

static inline unsigned ration_tag_share(uint64_t tag)
{
    return (unsigned)((tag & RATION_TAG_SHARE) >> RATION_TAG_SHARE_SHIFT);
}

#define RATION_PERMITS_DEATH_SHIFT 35
#define RATION_PERMITS_OUT UINT64_C(0x3ffffffff) /* current and previous */

/** Seconds as ticks. Sane seconds are below 2^29 + 2^25; greater ones, which only damage makes, saturate at 2^30. */
static inline uint64_t ration_ticks_of_s(uint64_t s)
{
    const uint64_t most = UINT64_C(1) << 30;
    return (s < most ? s : most) * RATION_TICKS_PER_S;
}

/**
 * The time, in ticks since the epoch, from which the word means nothing (stale: lapse <= floor). The previous generation of
 * permits dies a lease earlier than the word does: stale is judged by the whole word.
 */
static inline uint64_t ration_counter_lapse(unsigned kind, uint64_t word)
{
    switch (kind) {
    case RATION_COUNTER_RATE:
        return word;
    case RATION_COUNTER_QUOTA:
    case RATION_COUNTER_SLIDING:
        return (uint32_t)word == 0 ? 0 : ration_ticks_of_s(word >> 32);
    case RATION_COUNTER_WIDE:
        return (word & ((UINT64_C(1) << 40) - 1)) == 0 ? 0 : ration_ticks_of_s((word >> 40) * 256);
    case RATION_COUNTER_PERMITS:
        return (word & RATION_PERMITS_OUT) == 0 ? 0 : ration_ticks_of_s(word >> RATION_PERMITS_DEATH_SHIFT);
    default:
        return 0;
    }
}

#endif
