/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file quota.h
 * The quota: units per fixed window, as pure steps (step.h) on a word that names its window by the window's end.
 *
 * State. RATION_COUNTER_QUOTA [ end, s: 32 | used: 32 ], RATION_COUNTER_WIDE [ end in 256 s, rounded up: 24 | used: 40 ]; ends
 * are relative to the epoch. The rounded end still names its window: a rule is wide only where windows are 512 s or longer, so
 * adjacent ends differ by 512 at least, and ceil(a / 256), ceil((a + 512) / 256) = ceil(a / 256) + 2 are never equal. Reset and
 * retry times come from the calendar, never from the rounded end. A rounded end lies up to 255 s after the true one; in between
 * the word equals the code of the current window's beginning, which is the end of the one before, and is read as over.
 *
 * Reading. With E the end of the window that holds now:
 *
 *     end == E                           the current window
 *     end <= now, or nothing used        a fresh window
 *     a window's end, and that window    a clock slightly ahead wrote it, and ours is still in the window before: kept as it is,
 *       begins at most 5 s from now        charges join it. Read as the current window it would be lost when ours gets there.
 *     any other                          a clock went back (later), or the plan's offset changed (earlier): the current window,
 *                                          what was used kept (G7, G8). A refusal writes that, or it would move with the clock.
 *
 * Invariant (G1). For each window, the sum of the grants written under its end is at most its limit: used only grows under one
 * end but for refunds, which give back no more than was granted under the same end, and a grant leaves used <= limit.
 *
 * Carry-in. In the window that ends at carry_end_s that many units are as good as spent before it begins.
 *
 * Source. The fixed window of API Gateway's usage plans. We differ in calendars, offsets, anchors and what happens to clocks.
 * Cost. One window (calendar.h) a step, a second one only where the word names a later window. A charge is some 7 ns by the day,
 * the week or n seconds, 16 by the month.
 */
#ifndef RATION_CORE_QUOTA_H
#define RATION_CORE_QUOTA_H

#include "step.h"

/** Charges the word; see step.h. On a refusal `next` differs from `word` only where another clock or offset dated it. */
uint64_t ration_quota_charge(uint64_t word, const ration_rule *rule, const ration_time *time, const ration_ask *ask, uint64_t *next);

/** Reports on the word; see step.h. reset_ns is until the window ends where anything is used or carried in. */
void ration_quota_report(uint64_t word, const ration_rule *rule, const ration_time *time, const ration_ask *ask,
                         ration_report *report);

/**
 * The word of a counter that inherits `debt`: as much used as the debt says, at most the limit, in the current window. Where the
 * debt may be this counter's own from a clock slightly ahead, in that clock's window: it is strict in both.
 */
uint64_t ration_quota_seed(uint64_t debt, const ration_rule *rule, const ration_time *time);

/** The least word of the kind (RATION_COUNTER_QUOTA, _WIDE) that owes what both owe: the later end, the more used. */
uint64_t ration_quota_merge(unsigned kind, uint64_t a, uint64_t b);

/**
 * Gives back units of a grant decided at `decided_ticks`, at most what is used; nothing where that time's window is not the
 * word's, or is over.
 * @return the units given back; `next` is the word to write.
 */
uint64_t ration_quota_refund(uint64_t word, const ration_rule *rule, const ration_time *time, uint64_t decided_ticks, uint64_t units,
                             uint64_t *next);

/** The word after a grant of `units` that left `charged` is rolled back: unchanged where the word is of another window. */
uint64_t ration_quota_undo(uint64_t word, const ration_rule *rule, uint64_t charged, uint64_t units);

#endif
