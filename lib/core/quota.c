/* SPDX-License-Identifier: BSD-2-Clause */
/** @file quota.c Reading, charging and giving back fixed windows. */
#include "quota.h"

#include <stdbool.h>

#include "calendar.h"

#define QUOTA_NS_PER_S UINT64_C(1000000000)
#define QUOTA_WIDE_UNIT_S 256

/* What a word says at a time. */
typedef struct quota_view {
    uint64_t used;
    int64_t end_s; /* of the window it is read as, since 1970 */
    bool redated;  /* live, and dated by another clock or another offset */
} quota_view;

static inline bool quota_is_wide(const ration_rule *rule)
{
    return rule->counter == RATION_COUNTER_WIDE;
}

static inline unsigned quota_used_bits(unsigned kind)
{
    return kind == RATION_COUNTER_WIDE ? 40 : 32;
}

static inline uint64_t quota_used_mask(unsigned kind)
{
    return (UINT64_C(1) << quota_used_bits(kind)) - 1;
}

/* A window's end as the word has it; 0, no live word's end, for windows that ended by the epoch. */
static inline uint64_t quota_code(const ration_rule *rule, const ration_time *time, int64_t end_s)
{
    uint64_t relative_s = end_s > time->epoch_s ? (uint64_t)end_s - (uint64_t)time->epoch_s : 0;

    return quota_is_wide(rule) ? (relative_s + QUOTA_WIDE_UNIT_S - 1) / QUOTA_WIDE_UNIT_S : relative_s;
}

static inline uint64_t quota_word(const ration_rule *rule, const ration_time *time, int64_t end_s, uint64_t used)
{
    return quota_code(rule, time, end_s) << quota_used_bits(rule->counter) | used;
}

/* True where `code` is the end of a window that begins at most 5 s from now: a clock slightly ahead may have charged it. */
static bool quota_is_ahead(uint64_t code, const ration_rule *rule, const ration_time *time, int64_t now_s, int64_t *end_s)
{
    /* A wide window is longer than the slack, so that the only candidate is the one in 5 s. */
    int64_t within_s = quota_is_wide(rule) ? now_s + RATION_SLACK_S : time->epoch_s + (int64_t)code - 1;
    int64_t begin_s;

    ration_calendar_window(within_s, rule, &begin_s, end_s);
    return begin_s <= now_s + RATION_SLACK_S && quota_code(rule, time, *end_s) == code;
}

/* The view's fields are each written once: a struct returned whole is copied in wider loads than its stores, and waits for them. */
static inline void quota_read(uint64_t word, const ration_rule *rule, const ration_time *time, quota_view *view)
{
    uint64_t code = word >> quota_used_bits(rule->counter);
    int64_t now_s = time->epoch_s + (int64_t)time->s;
    int64_t begin_s, end_s;

    ration_calendar_window(now_s, rule, &begin_s, &end_s);
    uint64_t current = quota_code(rule, time, end_s);
    view->used = word & quota_used_mask(rule->counter);
    view->end_s = end_s;
    view->redated = false;
    if (__builtin_expect(code == current || view->used == 0, 1)) {
        return;
    }
    if ((quota_is_wide(rule) ? code * QUOTA_WIDE_UNIT_S : code) <= time->s || code == quota_code(rule, time, begin_s)) {
        view->used = 0;
    } else if (code > current && quota_is_ahead(code, rule, time, now_s, &end_s)) {
        view->end_s = end_s;
    } else {
        view->redated = true;
    }
}

/* Units of the window that ends at end_s that a request may use. */
static inline uint64_t quota_most(const ration_rule *rule, int64_t end_s, uint32_t keep_permille)
{
    uint64_t share = ration_ask_share(rule->limit, keep_permille);

    if (__builtin_expect(end_s == rule->as.window.carry_end_s, 0)) {
        return share > rule->as.window.carry_in ? share - rule->as.window.carry_in : 0;
    }
    return share;
}

uint64_t ration_quota_charge(uint64_t word, const ration_rule *rule, const ration_time *time, const ration_ask *ask, uint64_t *next)
{
    quota_view view;

    quota_read(word, rule, time, &view);
    uint64_t most = quota_most(rule, view.end_s, ask->keep_permille);
    uint64_t room = most > view.used ? most - view.used : 0;
    uint64_t units = ask->cost < room ? ask->cost : room;

    if (units == 0 || units < ask->least) {
        *next = view.redated ? quota_word(rule, time, view.end_s, view.used) : word;
        return 0;
    }
    *next = quota_word(rule, time, view.end_s, view.used + units);
    return units;
}

/* Until a time that is later than now; modulo 2^64, which the difference never reaches. */
static uint64_t quota_until_ns(const ration_time *time, int64_t at_s)
{
    return (uint64_t)at_s * QUOTA_NS_PER_S - time->now_ns;
}

/* Until a request passes that the view's window refuses and a whole one would not: the next window may be the one carried into. */
static uint64_t quota_retry_ns(const quota_view *view, const ration_rule *rule, const ration_time *time, const ration_ask *ask)
{
    int64_t at_s = view->end_s;

    if (rule->as.window.carry_in > 0 && rule->as.window.carry_end_s > at_s) {
        int64_t begin_s, end_s;

        ration_calendar_window(at_s, rule, &begin_s, &end_s);
        if (quota_most(rule, end_s, ask->keep_permille) < ask->least) {
            at_s = end_s;
        }
    }
    return quota_until_ns(time, at_s);
}

void ration_quota_report(uint64_t word, const ration_rule *rule, const ration_time *time, const ration_ask *ask,
                         ration_report *report)
{
    quota_view view;

    quota_read(word, rule, time, &view);
    uint64_t most = quota_most(rule, view.end_s, 0);
    uint64_t may_use = quota_most(rule, view.end_s, ask->keep_permille);

    report->remaining = most > view.used ? most - view.used : 0;
    report->reset_ns = report->remaining < rule->limit ? quota_until_ns(time, view.end_s) : 0;
    report->wait_ns = 0;
    if (ask->least > ration_ask_share(rule->limit, ask->keep_permille)) {
        report->retry_ns = UINT64_MAX;
    } else if (may_use < view.used || may_use - view.used < ask->least) {
        report->retry_ns = quota_retry_ns(&view, rule, time, ask);
    } else {
        report->retry_ns = 0;
    }
}

/*
 * Merging took the latest end and the most used over several keys' words. If this counter's own word was among them, of window X
 * and used u, then the debt's end is X or later and its used u or more. X is the current window or, written by a clock slightly
 * ahead, at latest the one in 5 s; with an end beyond the current one it may be either, and the later one is strict in both.
 */
uint64_t ration_quota_seed(uint64_t debt, const ration_rule *rule, const ration_time *time)
{
    quota_view view;

    quota_read(debt, rule, time, &view);
    uint64_t used = view.used < rule->limit ? view.used : rule->limit;
    int64_t begin_s, current_s, ahead_s;

    if (used == 0) {
        return 0;
    }
    ration_calendar_window(time->epoch_s + (int64_t)time->s, rule, &begin_s, &current_s);
    ration_calendar_window(time->epoch_s + (int64_t)time->s + RATION_SLACK_S, rule, &begin_s, &ahead_s);
    bool later = debt >> quota_used_bits(rule->counter) > quota_code(rule, time, current_s);
    return quota_word(rule, time, later ? ahead_s : current_s, used);
}

uint64_t ration_quota_merge(unsigned kind, uint64_t a, uint64_t b)
{
    uint64_t mask = quota_used_mask(kind);
    uint64_t used = (a & mask) > (b & mask) ? a & mask : b & mask;

    if ((a & mask) == 0 || (b & mask) == 0) {
        return (a & mask) == 0 ? b : a; /* a window of which nothing is used owes nothing, however late it ends */
    }
    return (a > b ? a & ~mask : b & ~mask) | used;
}

static uint64_t quota_give_back(uint64_t word, const ration_rule *rule, uint64_t units)
{
    uint64_t used = word & quota_used_mask(rule->counter);

    return word - (units < used ? units : used);
}

uint64_t ration_quota_refund(uint64_t word, const ration_rule *rule, const ration_time *time, uint64_t decided_ticks, uint64_t units,
                             uint64_t *next)
{
    quota_view view;

    quota_read(word, rule, time, &view);
    int64_t begin_s, end_s;

    *next = word;
    if (view.used == 0 || view.redated) {
        return 0;
    }
    ration_calendar_window(time->epoch_s + (int64_t)(decided_ticks / RATION_TICKS_PER_S), rule, &begin_s, &end_s);
    if (end_s != view.end_s) {
        return 0;
    }
    *next = quota_give_back(word, rule, units);
    return word - *next;
}

uint64_t ration_quota_undo(uint64_t word, const ration_rule *rule, uint64_t charged, uint64_t units)
{
    unsigned bits = quota_used_bits(rule->counter);

    return word >> bits == charged >> bits ? quota_give_back(word, rule, units) : word;
}
