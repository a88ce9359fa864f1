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
    return (rule->counter == RATION_COUNTER_RATE || rule->counter == RATION_COUNTER_QUOTA) && (rule->flags & RATION_SHADOW) == 0 &&
           request->usages == NULL && (request->max_wait_ns | (request->flags & (RATION_PARTIAL | RATION_JITTER))) == 0;
}

static inline void ration_single_answer(const ration_engine *engine, const ration_time *time, const ration_item *item, uint64_t word,
                                        ration_decision *decision)
{
    const ration_rule *rule = item->rule;
    bool allowed = item->granted != 0;
    ration_report report;
    if (rule->counter == RATION_COUNTER_RATE && allowed) {
        uint64_t debt = word - time->ticks; /* just charged: ahead of now, and sane */
        report.remaining = debt < rule->as.rate.full_ticks ? ration_rate_units(rule, rule->as.rate.full_ticks - debt) : 0;
        report.reset_ns = (debt + RATION_TICKS_PER_NS - 1) / RATION_TICKS_PER_NS;
        report.retry_ns = 0;
    } else if (rule->counter == RATION_COUNTER_RATE) {
        ration_rate_report(word, rule, time, &item->ask, &report);
    } else {
        ration_quota_report(word, rule, time, &item->ask, &report);
    }
    decision->allowed = allowed;
    decision->reason = allowed ? RATION_REASON_NONE : rule->kind;
    decision->limit_index = 0;
    decision->request_index = 0;
    decision->flags = !allowed && report.retry_ns == RATION_NEVER ? RATION_DECISION_NEVER : 0;
    decision->would_refuse = 0;
    decision->granted = 0;
    decision->limit = rule->limit;
    decision->remaining = report.remaining;
    decision->reset_ns = report.reset_ns;
    decision->retry_after_ns = allowed ? 0 : report.retry_ns;
    decision->wait_ns = 0;
    decision->decided_at_ns = time->now_ns;
    decision->reserved[0] = decision->reserved[1] = decision->reserved[2] = 0;
    ration_stats_count(ration_stats_stripe(engine->stripes), allowed ? RATION_COUNT_ALLOWED : RATION_COUNT_REFUSED, 1);
}

static inline uint64_t ration_single_charge(ration_item *item, const ration_time *time)
{
    return item->rule->counter == RATION_COUNTER_RATE
               ? ration_rate_charge(item->seen.high, item->rule, time, &item->ask, &item->next)
               : ration_quota_charge(item->seen.high, item->rule, time, &item->ask, &item->next);
}

/** Decides and answers. False: nothing was changed, take the general path. */
static inline bool ration_single_decide(ration_engine *engine, const ration_time *time, uint64_t era, const ration_request *request,
                                        const ration_rule *rule, ration_hash hash, ration_decision *decision)
{
    const ration_table *table = &engine->table;
    uint64_t cost = request->cost != 0 ? request->cost : 1;
    ration_item item;
    item.rule = rule;
    item.probe = ration_table_probe(table, hash, rule, 0, era);
    item.ask = (ration_ask){rule->counts == RATION_CALLS ? 1 : cost, rule->counts == RATION_CALLS ? 1 : cost, 0, request->keep_permille};
    ration_group *home = &table->groups[item.probe.home];
    unsigned bits = ration_table_match(home, item.probe.tag);
    if (__builtin_expect(bits == 0, 0)) {
        return false;
    }
    item.slot = &home->counters[__builtin_ctz(bits)];
    for (;;) {
        item.seen.low = ration_atomic_load_relaxed_64(&item.slot->low);
        item.seen.high = ration_atomic_load_relaxed_64(&item.slot->high);
        if (!ration_table_same(item.seen.low, item.probe.tag) || (item.seen.low & RATION_TAG_FRESH) != 0 ||
            (rule->counter == RATION_COUNTER_RATE &&
             item.seen.high > time->ticks + rule->as.rate.sane_ticks + time->wait_ticks)) {
            return false;
        }
        item.granted = ration_single_charge(&item, time);
        if (__builtin_expect(item.granted != 0, 1)) {
            ration_pair next = {ration_kind_tag(&item, time), item.next};
            if (ration_atomic_cas_seq_128(item.slot, item.seen, next)) {
                ration_single_answer(engine, time, &item, item.next, decision);
                decision->granted = cost;
                return true;
            }
            continue;
        }
        ration_pair whole;
        if (!ration_table_load(table, item.slot, &whole) || !ration_pair_equal(whole, item.seen)) {
            continue;
        }
        if (item.next != item.seen.high) {
            return false; /* insane: the general path puts it right */
        }
        ration_single_answer(engine, time, &item, item.seen.high, decision);
        return true;
    }
}

#endif
