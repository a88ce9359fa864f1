/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file kinds.h
 * Dispatch: the pure step of whichever kind an item's rule is.
 */
#ifndef RATION_CORE_KINDS_H
#define RATION_CORE_KINDS_H

#include "decide.h"
#include "permits.h"
#include "quota.h"
#include "rate.h"
#include "sliding.h"

/** The first word of a counter that inherits evicted debt. */
static inline uint64_t ration_kind_seed(uint64_t debt, const ration_rule *rule, const ration_time *time)
{
    switch (rule->counter) {
    case RATION_COUNTER_RATE:
        return ration_rate_seed(debt, rule, time);
    case RATION_COUNTER_QUOTA:
    case RATION_COUNTER_WIDE:
        return ration_quota_seed(debt, rule, time);
    case RATION_COUNTER_SLIDING:
        return ration_sliding_seed(debt, rule, time);
    default:
        return 0;
    }
}

/** Sets item->next, and for permits what was granted with it. @return units granted. */
static inline uint64_t ration_kind_charge(ration_item *item, const ration_time *time)
{
    switch (item->rule->counter) {
    case RATION_COUNTER_RATE:
        return ration_rate_charge(item->before, item->rule, time, &item->ask, &item->next);
    case RATION_COUNTER_QUOTA:
    case RATION_COUNTER_WIDE:
        return ration_quota_charge(item->before, item->rule, time, &item->ask, &item->next);
    case RATION_COUNTER_SLIDING:
        return ration_sliding_charge(item->before, item->past_word, item->rule, time, &item->ask, &item->next);
    default: {
        ration_permits_grant grant;
        uint64_t granted = ration_permits_charge(item->before, item->rule, time, &item->ask, &item->next, &grant);
        item->death_s = grant.death_s;
        item->again = grant.again;
        return granted;
    }
    }
}

/** What is left of an item's limit when its counter holds `word`. */
static inline void ration_kind_report(const ration_item *item, uint64_t word, const ration_time *time, const ration_ask *ask,
                                      ration_report *report)
{
    switch (item->rule->counter) {
    case RATION_COUNTER_RATE:
        ration_rate_report(word, item->rule, time, ask, report);
        break;
    case RATION_COUNTER_QUOTA:
    case RATION_COUNTER_WIDE:
        ration_quota_report(word, item->rule, time, ask, report);
        break;
    case RATION_COUNTER_SLIDING:
        ration_sliding_report(word, item->past_word, item->rule, time, ask, report);
        break;
    default:
        ration_permits_report(word, item->rule, time, ask, report);
    }
}

/** The word after `units` of the `spent` units charged at `decided_ticks` come back. */
static inline uint64_t ration_kind_refund(const ration_rule *rule, uint64_t word, const ration_time *time, uint64_t decided_ticks,
                                          uint64_t spent, uint64_t units)
{
    uint64_t next = word;
    switch (rule->counter) {
    case RATION_COUNTER_RATE:
        return ration_rate_refund(word, rule, time, decided_ticks, spent, units);
    case RATION_COUNTER_QUOTA:
    case RATION_COUNTER_WIDE:
        (void)ration_quota_refund(word, rule, time, decided_ticks, units, &next);
        return next;
    case RATION_COUNTER_SLIDING:
        (void)ration_sliding_refund(word, rule, time, decided_ticks, units, &next);
        return next;
    default:
        return word;
    }
}

/** The word after the charge of `item`, made at `decided`, is rolled back at `now` upon a word that others have changed. */
static inline uint64_t ration_kind_undo(const ration_item *item, uint64_t word, const ration_time *decided, const ration_time *now)
{
    uint64_t next;
    switch (item->rule->counter) {
    case RATION_COUNTER_RATE:
        return ration_rate_undo(word, item->rule, now, item->before, decided->ticks, item->granted * item->rule->as.rate.unit_ticks);
    case RATION_COUNTER_PERMITS:
        return ration_permits_release(word, item->rule->as.window.window_s, now, item->death_s, &next) ? next : word;
    case RATION_COUNTER_QUOTA:
    case RATION_COUNTER_WIDE:
        return ration_quota_undo(word, item->rule, item->next, item->granted);
    default:
        return ration_sliding_undo(word, item->next, item->granted);
    }
}

/** The share of the limit that is used, as the tag says it: 7 for more than half, one less for each halving, 0 below 1/128. */
static inline uint64_t ration_kind_share(uint64_t used, uint64_t limit)
{
    /* The difference of the bit lengths; |1 makes zero a length. */
    int below = __builtin_clzll(used | 1) - __builtin_clzll(limit | 1);
    below = below > 0 ? below : 0;
    return (uint64_t)(below < 7 ? 7 - below : 0) << RATION_TAG_SHARE_SHIFT;
}

/** The tag to write with item->next: the identity, and the attributes for those who evict (counter.h). */
static inline uint64_t ration_kind_tag(const ration_item *item, const ration_time *time)
{
    if (item->rule->counter == RATION_COUNTER_RATE) {
        uint64_t debt = item->next > time->ticks ? item->next - time->ticks : 0;
        return item->probe.tag | ration_kind_share(debt, item->rule->as.rate.full_ticks);
    }
    uint64_t used = item->next & (item->rule->counter == RATION_COUNTER_WIDE ? (UINT64_C(1) << 40) - 1 : UINT32_MAX);
    return item->probe.tag | ration_kind_share(used, item->rule->limit);
}

#endif
