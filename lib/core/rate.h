/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file rate.h
 * The rate limit: a token bucket kept as one theoretical arrival time (GCRA), as pure steps (step.h).
 *
 * State. [ TAT: 64 ], the tick at which the bucket will be full again if nothing more is spent. debt = max(0, TAT - now):
 *
 *      now          TAT          now + full
 *       |--- debt ---|--- room ---|            remaining = floor(room / unit)
 *
 * A word <= now is a full bucket, whatever its value: no counter at all means the same, and 0 is no sentinel.
 *
 * Charge. c units cost c * unit ticks, unit = ceil(16 * period / units): linear in c. Rounding each request by itself,
 * ceil(c * 16 * period / units), would cost less for many units than for the same units singly, while full = burst * unit has
 * to hold so that `burst` single units pass at one instant; bulk requests would then be admitted beyond the burst (9 999 999 a
 * second, burst 10^6: 100 units at a time would admit 1 000 600). So nothing is ever faster than stated, and unit is too long by
 * less than one tick: slower by at most the factor rate / 1.6e10, 0.0625 % at 10 million a second, 6e-8 at a thousand.
 *
 * Invariant. Grants, in the order of the swaps, own disjoint segments [base, TAT], base = max(TAT before, now), of c * unit
 * ticks each. A grant starts at start = max(now, TAT - full'), full' <= full, and c * unit <= full' makes base >= start. All
 * grants that start in [a, b] therefore lie in [a, b + full]: together at most burst + (b - a) / unit units (G1), and with
 * equality while the bucket is never full (G3). Starts are counted in ticks; the sleep told is rounded up to whole ns.
 *
 * Insane words. No clock makes TAT > now + sane + (longest wait) + 5 s, sane being the largest full of the limit's versions.
 * Such a word is read as full debt, and a refusal writes it so, once (G7).
 *
 * Ranges. now < 2^63; full <= sane <= 2^63 - 2^52; a wait and the slack together < 2^51. So debt + charge < 2^64 for a sane
 * debt, and now + debt after a grant < 2^64; the sums that build words saturate all the same.
 *
 * Source. ITU-T I.371 (virtual scheduling). We differ in the linear charge, partial grants, the share to keep, waits and refunds.
 * Cost. A charge is one multiplication, a partial grant two more; nothing divides, except by 1000 for keep_permille. Measured on
 * an EPYC at 2.6 GHz: charge 2.0 ns, with keep_permille 3.0 ns, partial 5.8 ns; report 3.4 ns.
 */
#ifndef RATION_CORE_RATE_H
#define RATION_CORE_RATE_H

#include "ration.h"
#include "step.h"

/** The longest full debt: leaves room for waits and slack below 2^63. */
#define RATION_RATE_FULL_MAX ((UINT64_C(1) << 63) - (UINT64_C(1) << 52))

/**
 * Compiles counter, kind, horizon, limit and as.rate of a rule; the other fields are the plan's. sane_ticks starts as
 * full_ticks: whoever publishes a new version of a limit raises it to the old version's.
 *
 * @return RATION_OK, or RATION_ERR_RANGE when units, period or burst is outside the range stated at ration_limit; the rule is
 *         then unchanged.
 */
int ration_rate_compile(const ration_limit *limit, ration_rule *rule);

/**
 * The word after `back_units` of the `spent_units` charged at `decided_ticks` are given back, at most all of them. The bucket
 * is never fuller than if the request had asked for the smaller number (proof in rate.c). Only sane while the unit is the one
 * that was charged.
 */
uint64_t ration_rate_refund(uint64_t word, const ration_rule *rule, const ration_time *time, uint64_t decided_ticks,
                            uint64_t spent_units, uint64_t back_units);

/** The word after a grant of `charge_ticks`, made at `decided_ticks` upon `before_word`, is rolled back: exact, as no other
 * word than `before_word` can have been charged. */
uint64_t ration_rate_undo(uint64_t word, const ration_rule *rule, const ration_time *time, uint64_t before_word,
                          uint64_t decided_ticks, uint64_t charge_ticks);

/** The first word of a counter that inherits `debt`, the merged word of evicted ones: at most the limit's own full debt. */
uint64_t ration_rate_seed(uint64_t debt, const ration_rule *rule, const ration_time *time);

/** The least word that owes what both owe. */
static inline uint64_t ration_rate_merge(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static inline uint64_t ration_rate_sum(uint64_t a, uint64_t b)
{
    const uint64_t sum = a + b;

    return sum < a ? UINT64_MAX : sum;
}

/**
 * floor(ticks / unit). With r = floor((2^64 - 1) / unit) >= (2^64 - unit) / unit the product's upper half q satisfies
 * ticks / unit - q < 1 + ticks / 2^64 < 2: it is right or one too small.
 */
static inline uint64_t ration_rate_units(const ration_rule *rule, uint64_t ticks)
{
    const uint64_t q = (uint64_t)(((ration_u128)ticks * rule->as.rate.reciprocal) >> 64);

    return q + (ticks - q * rule->as.rate.unit_ticks >= rule->as.rate.unit_ticks);
}

/** What the word owes at `now`, an insane one full debt. */
static inline uint64_t ration_rate_debt(uint64_t word, const ration_rule *rule, uint64_t now, uint64_t wait_ticks)
{
    const uint64_t debt = word > now ? word - now : 0;

    return debt > rule->as.rate.sane_ticks + wait_ticks + RATION_SLACK_TICKS ? rule->as.rate.full_ticks : debt;
}

/** Units that the request could have had on this debt, at most its cost; 0 where that is less than `least`. */
static inline uint64_t ration_rate_grant(uint64_t debt, const ration_rule *rule, const ration_ask *ask)
{
    const uint64_t share = ration_ask_share(rule->limit, ask->keep_permille);
    const uint64_t most = share * rule->as.rate.unit_ticks + ask->wait_ticks;
    const uint64_t room = most > debt ? most - debt : 0;
    uint64_t units = ask->cost < share ? ask->cost : share; /* before the multiplication: now it cannot overflow */

    if (units * rule->as.rate.unit_ticks > room) {
        if (ask->least >= units) {
            return 0;
        }
        units = ration_rate_units(rule, room); /* below the old value, as its charge does not fit */
    }
    return units >= ask->least ? units : 0;
}

/** Charges the word; see step.h. */
static inline uint64_t ration_rate_charge(uint64_t word, const ration_rule *rule, const ration_time *time, const ration_ask *ask,
                                          uint64_t *next)
{
    const uint64_t now = time->ticks;
    const uint64_t debt = ration_rate_debt(word, rule, now, time->wait_ticks);
    const uint64_t units = ration_rate_grant(debt, rule, ask);

    if (units == 0) {
        /* A sane word is left as it is to the bit, stale ones too: refusals write nothing (G4). */
        *next = word > now && word - now != debt ? ration_rate_sum(now, debt) : word;
        return 0;
    }
    *next = ration_rate_sum(now, debt + units * rule->as.rate.unit_ticks);
    return units;
}

/** How long a grant that left `charged` as its word must sleep, rounded up. */
static inline uint64_t ration_rate_wait_ns(uint64_t charged, const ration_rule *rule, const ration_time *time, const ration_ask *ask)
{
    const uint64_t debt = charged > time->ticks ? charged - time->ticks : 0;
    const uint64_t full = ration_ask_share(rule->limit, ask->keep_permille) * rule->as.rate.unit_ticks;

    return debt > full ? (debt - full + RATION_TICKS_PER_NS - 1) / RATION_TICKS_PER_NS : 0;
}

/**
 * Reports on the word as it stands; see step.h. remaining and reset_ns set keep_permille aside; retry_ns and wait_ns are those
 * of the ask, wait_ns 0 where it would be refused. After a grant, its own sleep is ration_rate_wait_ns(next).
 */
static inline void ration_rate_report(uint64_t word, const ration_rule *rule, const ration_time *time, const ration_ask *ask,
                                      ration_report *report)
{
    const uint64_t unit = rule->as.rate.unit_ticks;
    const uint64_t debt = ration_rate_debt(word, rule, time->ticks, time->wait_ticks);
    const uint64_t share = ration_ask_share(rule->limit, ask->keep_permille);
    const uint64_t full = rule->as.rate.full_ticks;
    const uint64_t most = share * unit + ask->wait_ticks;

    report->remaining = debt < full ? ration_rate_units(rule, full - debt) : 0;
    report->reset_ns = (debt + RATION_TICKS_PER_NS - 1) / RATION_TICKS_PER_NS;
    report->wait_ns = 0;
    if (ask->least > share) {
        report->retry_ns = UINT64_MAX;
    } else if (debt + ask->least * unit > most) {
        /* Time moves in whole ns, so the first at which it fits is the next whole one: a ns earlier it does not. */
        report->retry_ns = (debt + ask->least * unit - most + RATION_TICKS_PER_NS - 1) / RATION_TICKS_PER_NS;
    } else {
        const uint64_t after = debt + ration_rate_grant(debt, rule, ask) * unit;

        report->retry_ns = 0;
        report->wait_ns = after > share * unit ? (after - share * unit + RATION_TICKS_PER_NS - 1) / RATION_TICKS_PER_NS : 0;
    }
}

#endif
