/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file sliding.h
 * The sliding window: two fixed windows weighted, as pure steps (step.h) on the words of two counters.
 *
 * State. Window k is [k * W, (k + 1) * W) in seconds since 1970. Windows of even and of odd number are two counters; each word is
 * [ end of the following window, s: 32 | used: 32 ], (k + 2) * W relative to the epoch: until then it weighs.
 *
 *         k - 1            k           k + 1
 *     |-----prev-----|--cur---now--|-----------|       estimate = cur + ceil(prev * (W - elapsed) / W), rounded against the caller
 *                    |<- elapsed ->|
 *
 * Reading. In the counter of the current window: F = (k + 2) * W is the current window; earlier is over; a later window that
 * begins at most 5 s from now is a clock slightly ahead, and is kept: the step is then taken at that window's beginning. Any
 * other later end is a clock that went back: what was used is kept as the current window's, and a refusal writes it so (G7). But
 * if the other counter has been written since, this word's time is over: nothing is used, else one jump would lock out twice. In
 * the counter of the previous window earlier ends are over, and all others weigh as the previous window.
 *
 * Invariant (G1). A grant leaves estimate <= limit, hence cur <= limit: any interval of length W meets two windows, at most
 * 2 * limit. That is reached but for one unit: the estimate takes the units of the previous window for spread evenly, and they may
 * have come at its end. Who needs an exact ceiling wants a rate. Retry times are exact for words that no other clock wrote.
 *
 * Source. Cloudflare's "counting things, a lot of different things", 2017. We differ in integers only and rounding up.
 * Cost. One division of 32 bits, two multiplications in 128 bits where the previous window weighs; a report divides in 128 bits.
 */
#ifndef RATION_CORE_SLIDING_H
#define RATION_CORE_SLIDING_H

#include "step.h"

/** 0 or 1: which of the two counters the current window's is. The previous window's is the other one. */
unsigned ration_sliding_parity(const ration_rule *rule, const ration_time *time);

/**
 * Charges the current window's word; see step.h.
 *
 * @param word the current window's counter.
 * @param previous the other counter; a debt read from the sketch will do.
 * @param next the current window's next word.
 */
uint64_t ration_sliding_charge(uint64_t word, uint64_t previous, const ration_rule *rule, const ration_time *time,
                               const ration_ask *ask, uint64_t *next);

/** Reports on both words; see step.h. */
void ration_sliding_report(uint64_t word, uint64_t previous, const ration_rule *rule, const ration_time *time, const ration_ask *ask,
                           ration_report *report);

/** Units that the other counter's word weighs with: what it must not have grown by between reading it and charging. */
uint64_t ration_sliding_previous_used(uint64_t previous, const ration_rule *rule, const ration_time *time);

/** The word of a current counter that inherits `debt`: at most the limit, in the current window or a slightly later one. */
uint64_t ration_sliding_seed(uint64_t debt, const ration_rule *rule, const ration_time *time);

/** The least word that owes what both owe: the later end, the more used. */
uint64_t ration_sliding_merge(uint64_t a, uint64_t b);

/**
 * Gives back units of a grant decided at `decided_ticks`, at most what is used; nothing once that window is over.
 * @param word the current window's counter.
 * @return the units given back; `next` is the word to write.
 */
uint64_t ration_sliding_refund(uint64_t word, const ration_rule *rule, const ration_time *time, uint64_t decided_ticks,
                               uint64_t units, uint64_t *next);

/** The word after a grant of `units` that left `charged` is rolled back: unchanged where the word is of another window. */
uint64_t ration_sliding_undo(uint64_t word, uint64_t charged, uint64_t units);

#endif
