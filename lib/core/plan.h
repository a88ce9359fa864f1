/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file plan.h
 * Plans: compiles limits into rules, publishes them in a bounded ring of immutable versions, and copies them out whole.
 *
 * State. A plan is a sequence number and 4 versions; version `sequence % 4` is the current one. 0: the plan was never set.
 *
 *   word              written by              read by            order
 *   current           a publishing writer     every decision     swap (publishes the version); load acquire
 *   version.sequence  the writer that claims  reader, writer     claim: swap; publication: store release; a reader loads it
 *                                                                acquire before nothing else and again after an acquire fence
 *   version's rules   the writer that claims  readers            relaxed; made whole by the two lines above
 *
 * A reader copies and then compares the version's sequence: the copy is whole unless 3 changes were published meanwhile, then it
 * copies again. A writer claims a version that is not current by a swap of its sequence; one that stops for ever inside costs
 * the ring that version.
 */
#ifndef RATION_CORE_PLAN_H
#define RATION_CORE_PLAN_H

#include <string.h>

#include "atomic.h"
#include "ration.h"
#include "step.h"

#define RATION_PLAN_VERSIONS 4

typedef struct ration_plan_version {
    uint64_t sequence; /* the top bit: being written */
    uint64_t count;
    uint64_t dropped_ticks; /* the farthest ahead that states of rates dropped from this plan may lie */
    ration_rule rules[RATION_LIMITS_MAX];
    char names[RATION_LIMITS_MAX][RATION_NAME_MAX + 1];
} ration_plan_version;

typedef struct ration_plan {
    _Alignas(128) uint64_t current;
    ration_plan_version versions[RATION_PLAN_VERSIONS];
} ration_plan;

/** The name a limit without one gets. */
const char *ration_plan_kind_name(uint32_t kind);

/** Compiles and publishes limits that ration_check_plan found right. @return RATION_OK, RATION_ERR_BUSY. */
int ration_plan_publish(ration_plan *plan, uint32_t number, const void *secret, uint64_t now_ns, const ration_limit *limits,
                        size_t limit_size, size_t count);

/** Copies whole 8-byte words that others may be writing; the caller finds out by the version's sequence. */
static inline void ration_plan_load(void *to, const void *from, size_t size)
{
    for (size_t i = 0; i < size / sizeof(uint64_t); i++) {
        uint64_t word = ration_atomic_load_relaxed_64((const uint64_t *)from + i);
        memcpy((unsigned char *)to + i * sizeof word, &word, sizeof word);
    }
}

/** Copies the current rules. Returns their count, 0 where the plan is not set. `sequence` tells the version. */
static inline unsigned ration_plan_read(const ration_plan *plan, ration_rule *rules, uint64_t *sequence)
{
    for (;;) {
        *sequence = ration_atomic_load_acquire_64(&plan->current);
        if (*sequence == 0) {
            return 0;
        }
        const ration_plan_version *version = &plan->versions[*sequence % RATION_PLAN_VERSIONS];
        uint64_t count = ration_atomic_load_relaxed_64(&version->count);
        for (uint64_t i = 0; i < count && i < RATION_LIMITS_MAX; i++) {
            ration_plan_load(&rules[i], &version->rules[i], sizeof rules[i]);
        }
        ration_atomic_fence_acquire();
        if (ration_atomic_load_relaxed_64(&version->sequence) == *sequence && count - 1 < RATION_LIMITS_MAX) {
            return (unsigned)count;
        }
    }
}

/** ration_plan_read for a plan of one limit; false where it is another, or is being changed. */
static inline bool ration_plan_read_single(const ration_plan *plan, ration_rule *rule)
{
    uint64_t sequence = ration_atomic_load_acquire_64(&plan->current);
    const ration_plan_version *version = &plan->versions[sequence % RATION_PLAN_VERSIONS];
    uint64_t count = ration_atomic_load_relaxed_64(&version->count);
    ration_plan_load(rule, &version->rules[0], sizeof *rule);
    ration_atomic_fence_acquire();
    return sequence != 0 && count == 1 && ration_atomic_load_relaxed_64(&version->sequence) == sequence;
}

/** Copies a limit's name out of a version; false where that version is gone. */
bool ration_plan_name(const ration_plan *plan, uint64_t sequence, unsigned index, char *name);

#endif
