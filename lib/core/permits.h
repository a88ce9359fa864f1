/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file permits.h
 * The concurrency limit: permits that lapse by themselves, as pure steps (step.h) on a word of two generations.
 *
 * State. [ death, s: 29 | pending: 1 | current: 17 | previous: 17 ], L whole seconds of lease, times since the epoch. A permit
 * belongs to generation n = floor(s / L), that of the time when it was granted or renewed, and dies at (n + 2) * L: after more
 * than L and at most 2 * L. The word's death is that of `current`; `previous` dies L earlier.
 *
 *      n * L          (n + 1) * L       (n + 2) * L
 *        |---- now -------|-----------------|
 *                         previous dies     current dies: death
 *
 * Reading. death <= now: nobody holds anything. death <= (n + 1) * L: what was current is previous. Up to now + 2 * L + 5 s the
 * word is of this generation, or a clock slightly ahead wrote it. A later one is of a clock that went back: all its permits are
 * current (G7), and a refusal writes that, or the lock-out would move with the clock.
 *
 * Invariant. current + previous >= permits granted and neither given back nor lapsed, with equality unless a word was read
 * after a jump; a grant leaves current + previous <= limit; no count goes below zero. A crashed holder's permits lapse without
 * anybody sweeping.
 *
 * Pending. Set only while permits are out; a release may keep the permit instead and clear it. If all holders lapse first,
 * the next grant clears it and says so. A counter that is stale by its lapse may be reclaimed, and its pending bit with it.
 *
 * Source. Leases: Gray, Cheriton, "Leases: an efficient fault-tolerant mechanism", 1989; two generations in place of a list of
 * deadlines are our own.
 * Cost. One division of 32 bits.
 */
#ifndef RATION_CORE_PERMITS_H
#define RATION_CORE_PERMITS_H

#include <stdbool.h>

#include "counter.h"

#define RATION_PERMITS_PENDING (UINT64_C(1) << 34)

/** What a grant of a permit says beside the word. */
typedef struct ration_permits_grant {
    uint32_t death_s; /* when the permit lapses, since the epoch */
    bool again;       /* somebody was refused, and all holders have lapsed or gone since: whoever holds now runs once more */
} ration_permits_grant;

/**
 * Charges one permit, whatever the cost; see step.h.
 * @return 1, or 0: refused. `grant` is written on both; refused: 0 and false.
 */
uint64_t ration_permits_charge(uint64_t word, const ration_rule *rule, const ration_time *time, const ration_ask *ask, uint64_t *next,
                               ration_permits_grant *grant);

/** Reports on the word; see step.h. When a permit comes back nobody knows: retry_ns of a full limit is one second. */
void ration_permits_report(uint64_t word, const ration_rule *rule, const ration_time *time, const ration_ask *ask,
                           ration_report *report);

/**
 * Gives back a permit that dies at death_s.
 *
 * A permit from before a jump may be counted in either generation, and is taken from where a count is left.
 *
 * @param lease_s L, at least 1.
 * @return false where the permit has lapsed or none of its generation is out; `next` is then the word.
 */
bool ration_permits_release(uint64_t word, uint32_t lease_s, const ration_time *time, uint32_t death_s, uint64_t *next);

/**
 * Moves a permit to the current generation, and clears the pending bit where asked.
 * @return as ration_permits_release; new_death_s is then death_s.
 */
bool ration_permits_renew(uint64_t word, uint32_t lease_s, const ration_time *time, uint32_t death_s, bool clear_pending,
                          uint64_t *next, uint32_t *new_death_s);

/** The word that remembers that somebody was refused: unchanged where no permit is out. */
static inline uint64_t ration_permits_remember(uint64_t word)
{
    return (word & RATION_PERMITS_OUT) != 0 ? word | RATION_PERMITS_PENDING : word;
}

static inline bool ration_permits_pending(uint64_t word)
{
    return (word & RATION_PERMITS_PENDING) != 0;
}

#endif
