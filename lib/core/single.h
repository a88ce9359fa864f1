/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file single.h
 * The common case, short: a plan of one rate or quota, asked for all of its cost, whose counter is in its home group.
 *
 * It is ration_decide and ration_answer_write for one item with everything left out that such a request cannot meet; whenever
 * something else turns up (an absent, fresh or insane counter, a shadow, usages, a wait, a partial grant) it says so and the
 * general path decides from the start. tests/model runs the same sequences through both.
 */
#ifndef RATION_CORE_SINGLE_H
#define RATION_CORE_SINGLE_H

#include "answer.h"
#include "kinds.h"

static inline bool ration_single_fits(const ration_request *request, const ration_rule *rule)
{
    return rule->counter - RATION_COUNTER_RATE <= RATION_COUNTER_QUOTA - RATION_COUNTER_RATE && (rule->flags & RATION_SHADOW) == 0 &&
           request->usages == NULL &&
           (request->max_wait_ns | request->keep_permille | (request->flags & (RATION_PARTIAL | RATION_JITTER))) == 0;
}

/* Tries to charge a sane word of a rate: ration_rate_charge without what a whole grant with nothing kept cannot meet. */
static inline bool ration_single_rate(uint64_t word, const ration_rule *rule, uint64_t now, uint64_t cost, uint64_t *debt)
{
    *debt = word > now ? word - now : 0;
    if (cost > rule->limit) {
        return false;
    }
    uint64_t after = *debt + cost * rule->as.rate.unit_ticks; /* both terms below 2^63 */
    if (after > rule->as.rate.full_ticks) {
        return false;
    }
    *debt = after;
    return true;
}

static inline void ration_single_write(const ration_engine *engine, uint64_t now_ns, const ration_rule *rule, bool allowed,
                                       uint64_t granted, const ration_report *report, ration_decision *decision)
{
    decision->allowed = allowed;
    decision->reason = allowed ? RATION_REASON_NONE : rule->kind;
    decision->limit_index = 0;
    decision->request_index = 0;
    decision->flags = report->retry_ns == RATION_NEVER ? RATION_DECISION_NEVER : 0;
    decision->would_refuse = 0;
    decision->granted = granted;
    decision->limit = rule->limit;
    decision->remaining = report->remaining;
    decision->reset_ns = report->reset_ns;
    decision->retry_after_ns = report->retry_ns;
    decision->wait_ns = 0;
    decision->decided_at_ns = now_ns;
    decision->reserved[0] = decision->reserved[1] = decision->reserved[2] = 0;
    ration_stats_count(ration_stats_stripe(engine->stripes), allowed ? RATION_COUNT_ALLOWED : RATION_COUNT_REFUSED, 1);
}

/* What a rate's refusal says: the refused word is sane and as one load saw it. */
static inline void ration_single_refuse(const ration_engine *engine, const ration_time *time, const ration_rule *rule, uint64_t word,
                                        uint64_t cost, ration_decision *decision)
{
    ration_ask ask = {cost, cost, 0, 0};
    ration_report report;
    if (rule->counter == RATION_COUNTER_RATE) {
        ration_rate_report(word, rule, time, &ask, &report);
    } else {
        ration_quota_report(word, rule, time, &ask, &report);
    }
    ration_single_write(engine, time->now_ns, rule, false, 0, &report, decision);
}

/* The word that a grant leaves, and what it tells; false: refused, `next` is the healed word where the old one was insane. */
static inline bool ration_single_step(uint64_t word, const ration_rule *rule, const ration_time *time, uint64_t cost, uint64_t *next,
                                      uint64_t *share, ration_report *report)
{
    report->retry_ns = 0;
    if (rule->counter == RATION_COUNTER_RATE) {
        uint64_t debt;
        bool granted = ration_single_rate(word, rule, time->ticks, cost, &debt);
        *next = granted ? time->ticks + debt : word;
        *share = ration_kind_share(debt, rule->as.rate.full_ticks);
        report->reset_ns = (debt + RATION_TICKS_PER_NS - 1) / RATION_TICKS_PER_NS;
        report->remaining = granted ? ration_rate_units(rule, rule->as.rate.full_ticks - debt) : 0;
        return granted;
    }
    ration_ask ask = {cost, cost, 0, 0};
    if (ration_quota_charge(word, rule, time, &ask, next) == 0) {
        return false;
    }
    *share = ration_kind_share((uint32_t)*next, rule->limit);
    ration_quota_report(*next, rule, time, &ask, report);
    report->retry_ns = 0;
    return true;
}

/** Decides and answers a request that fits. False: nothing was changed, take the general path. */
static inline __attribute__((always_inline)) bool ration_single_decide(const ration_engine *engine, const ration_time *time,
                                                                       const ration_request *request, const ration_rule *rule,
                                                                       ration_probe probe, ration_decision *decision)
{
    const ration_table *table = &engine->table;
    uint64_t granted = request->cost != 0 ? request->cost : 1;
    uint64_t cost = rule->counts == RATION_CALLS ? 1 : granted;
    ration_group *home = &table->groups[probe.home];
    unsigned bits = ration_table_match(home, probe.tag);
    if (__builtin_expect(bits == 0, 0)) {
        return false;
    }
    ration_pair *slot = &home->counters[__builtin_ctz(bits)];
    for (;;) {
        ration_pair seen = {ration_atomic_load_relaxed_64(&slot->low), ration_atomic_load_relaxed_64(&slot->high)};
        if (!ration_table_same(seen.low, probe.tag) || (seen.low & RATION_TAG_FRESH) != 0 ||
            (rule->counter == RATION_COUNTER_RATE && seen.high > time->ticks + rule->as.rate.sane_ticks + time->wait_ticks)) {
            return false;
        }
        ration_pair next;
        uint64_t share = 0;
        ration_report report;
        if (__builtin_expect(ration_single_step(seen.high, rule, time, cost, &next.high, &share, &report), 1)) {
            next.low = probe.tag | share;
            if (ration_atomic_cas_seq_128(slot, seen, next)) {
                ration_single_write(engine, time->now_ns, rule, true, granted, &report, decision);
                return true;
            }
            continue;
        }
        ration_pair whole;
        if (!ration_table_load(table, slot, &whole) || !ration_pair_equal(whole, seen)) {
            continue;
        }
        if (next.high != seen.high) {
            return false; /* insane: the general path puts it right */
        }
        ration_single_refuse(engine, time, rule, seen.high, cost, decision);
        return true;
    }
}

#endif
