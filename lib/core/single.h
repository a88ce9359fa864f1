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
           request->usages == NULL && request->max_wait_ns == 0 && (request->flags & (RATION_PARTIAL | RATION_JITTER)) == 0;
}

static inline void ration_single_answer(ration_case *c, const ration_item *item, const ration_request *request, uint64_t word,
                                        ration_decision *decision)
{
    ration_report report;
    bool allowed = item->granted != 0;
    if (item->rule->counter == RATION_COUNTER_RATE) {
        ration_rate_report(word, item->rule, &c->time, &item->ask, &report);
    } else {
        ration_quota_report(word, item->rule, &c->time, &item->ask, &report);
    }
    *decision = (ration_decision){.allowed = allowed,
                                  .granted = !allowed ? 0 : request->cost != 0 ? request->cost : 1,
                                  .limit = item->rule->limit,
                                  .remaining = report.remaining,
                                  .reset_ns = report.reset_ns,
                                  .decided_at_ns = c->time.now_ns};
    if (!allowed) {
        decision->reason = item->rule->kind;
        decision->retry_after_ns = report.retry_ns;
        decision->flags = report.retry_ns == RATION_NEVER ? RATION_DECISION_NEVER : 0;
    }
    ration_stats_count(ration_stats_stripe(c->engine->stripes), allowed ? RATION_COUNT_ALLOWED : RATION_COUNT_REFUSED, 1);
}

/** Decides and answers. False: nothing was changed, take the general path. */
static inline bool ration_single_decide(ration_case *c, const ration_request *request, const ration_rule *rule, ration_hash hash,
                                        ration_decision *decision)
{
    const ration_table *table = &c->engine->table;
    ration_item item;
    item.rule = rule;
    item.probe = ration_table_probe(table, hash, rule, 0, c->era);
    item.ask.cost = rule->counts == RATION_CALLS || request->cost == 0 ? 1 : request->cost;
    item.ask.least = item.ask.cost;
    item.ask.wait_ticks = 0;
    item.ask.keep_permille = request->keep_permille;
    ration_group *home = &table->groups[item.probe.home];
    unsigned bits = ration_table_match(home, item.probe.tag);
    if (__builtin_expect(bits == 0, 0)) {
        return false;
    }
    item.slot = &home->counters[__builtin_ctz(bits)];
    for (;;) {
        item.seen.low = ration_atomic_load_relaxed_64(&item.slot->low);
        item.seen.high = ration_atomic_load_relaxed_64(&item.slot->high);
        if (!ration_table_same(item.seen.low, item.probe.tag) || (item.seen.low & RATION_TAG_FRESH) != 0) {
            return false;
        }
        if (rule->counter == RATION_COUNTER_RATE) {
            if (item.seen.high > c->time.ticks + rule->as.rate.sane_ticks + c->time.wait_ticks) {
                return false;
            }
            item.granted = ration_rate_charge(item.seen.high, rule, &c->time, &item.ask, &item.next);
        } else {
            item.granted = ration_quota_charge(item.seen.high, rule, &c->time, &item.ask, &item.next);
        }
        if (item.granted != 0) {
            ration_pair next = {ration_kind_tag(&item, &c->time), item.next};
            if (ration_atomic_cas_seq_128(item.slot, item.seen, next)) {
                ration_single_answer(c, &item, request, item.next, decision);
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
        ration_single_answer(c, &item, request, item.seen.high, decision);
        return true;
    }
}

#endif
