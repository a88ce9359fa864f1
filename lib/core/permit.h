/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file permit.h
 * What a permit says: which counters it holds a permit of, until when, under a check value that only the region can make.
 *
 * State. words: [0] check, never 0; [1] count: 8 | coalescing limits, a bit each: 8 | time was the caller's: 1; [2] era; [3] time of the decision;
 * then for each limit held { home, tag, [ lease_s: 32 | death_s: 32 ] }.
 *
 * Invariant. check = keyed hash of words 1 to 15, with the lowest bit set; release swaps it to 0, so that of two releases of one
 * permit only one succeeds. A byte copy made before is a second permit as far as the words go: releasing both breaks the
 * contract, and costs at most one holder too many until the lease ends; no count goes below zero.
 */
#ifndef RATION_CORE_PERMIT_H
#define RATION_CORE_PERMIT_H

#include "ration.h"
#include "table.h"

typedef struct ration_held {
    ration_probe probe;
    uint32_t lease_s;
    uint32_t death_s;
    bool coalesces;
} ration_held;

/** The words of a permit, unpacked. */
typedef struct ration_holding {
    unsigned count;
    bool given; /* the time was the caller's own (RATION_AT) */
    uint64_t era;
    uint64_t decided_at_ns;
    ration_held held[RATION_PERMIT_LIMITS_MAX];
} ration_holding;

/** Writes a permit; with nothing held, all zero: it then holds nothing and cannot be released. */
void ration_permit_seal(ration_permit *permit, const ration_holding *holding, const void *secret);

/** Takes a permit apart and makes it worthless to anybody else. False where it is forged or used. */
bool ration_permit_take(ration_permit *permit, ration_holding *holding, const void *secret, uint64_t group_count);

#endif
