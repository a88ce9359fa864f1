/* SPDX-License-Identifier: BSD-2-Clause */
/** @file sliding.c Reading, weighing and charging two windows. */
#include "sliding.h"

#include <stdbool.h>

#include "calendar.h"

#define SLIDING_NS_PER_S UINT64_C(1000000000)

/* What two words say at a time. */
typedef struct sliding_view {
    uint64_t current;
    uint64_t previous;
    uint64_t end_s;      /* of the window after the current one, since the epoch: what its word says */
    uint64_t window_ns;
    uint64_t left_ns;    /* until the current window ends, counted from the step's time; [1, window_ns] */
    uint64_t ahead_ns;   /* from now to the step's time: 0 but for words of a clock slightly ahead */
    bool redated;        /* the current word was dated by another clock */
} sliding_view;

static inline int64_t sliding_number(const ration_rule *rule, const ration_time *time, uint64_t s)
{
    return ration_calendar_quotient(time->epoch_s + (int64_t)s, rule->as.window.window_s);
}

/* When the window after window `number` ends, since the epoch. */
static inline uint64_t sliding_end_s(const ration_rule *rule, const ration_time *time, int64_t number)
{
    return (uint64_t)((number + 2) * (int64_t)rule->as.window.window_s - time->epoch_s);
}

static inline uint64_t sliding_used(uint64_t word)
{
    return word & UINT32_MAX;
}

unsigned ration_sliding_parity(const ration_rule *rule, const ration_time *time)
{
    return (unsigned)sliding_number(rule, time, time->s) & 1;
}

/* True where the word's later window has this parity and begins at most 5 s from now. */
static bool sliding_is_ahead(uint64_t word, uint64_t end_s, const ration_rule *rule, const ration_time *time)
{
    uint64_t window_s = rule->as.window.window_s;

    return (word >> 32) - 2 * window_s <= time->s + (uint64_t)RATION_SLACK_S && ((word >> 32) - end_s) % (2 * window_s) == 0;
}

static inline void sliding_read(uint64_t word, uint64_t previous, const ration_rule *rule, const ration_time *time, sliding_view *view)
{
    uint64_t window_s = rule->as.window.window_s;
    uint64_t now_ns = time->now_ns - (uint64_t)time->epoch_s * SLIDING_NS_PER_S; /* since the epoch; modulo 2^64 */

    view->end_s = sliding_end_s(rule, time, sliding_number(rule, time, time->s));
    view->current = sliding_used(word);
    view->window_ns = window_s * SLIDING_NS_PER_S;
    view->left_ns = (view->end_s - window_s) * SLIDING_NS_PER_S - now_ns;
    view->ahead_ns = 0;
    view->redated = false;
    if (word >> 32 < view->end_s || view->current == 0) {
        view->current = 0;
    } else if (word >> 32 > view->end_s) {
        if (sliding_is_ahead(word, view->end_s, rule, time)) {
            view->end_s = word >> 32;
            view->left_ns = view->window_ns;
            view->ahead_ns = (view->end_s - 2 * window_s) * SLIDING_NS_PER_S - now_ns;
        } else {
            view->redated = true;
            view->current = previous >> 32 == view->end_s - window_s && sliding_used(previous) != 0 ? 0 : view->current;
        }
    }
    view->previous = previous >> 32 >= view->end_s - window_s ? sliding_used(previous) : 0;
}

/* Units at which the previous window weighs, rounded up. */
static inline uint64_t sliding_weight(const sliding_view *view)
{
    if (view->previous == 0) {
        return 0;
    }
    return (uint64_t)(((ration_u128)view->previous * view->left_ns + view->window_ns - 1) / view->window_ns);
}

/* True where `units` pass under `most`: cur + units + ceil(prev * left / W) <= most, without the division. */
static inline bool sliding_fits(const sliding_view *view, uint64_t units, uint64_t most)
{
    if (view->current > most || units > most - view->current) {
        return false;
    }
    return (ration_u128)view->previous * view->left_ns <= (ration_u128)(most - view->current - units) * view->window_ns;
}

uint64_t ration_sliding_charge(uint64_t word, uint64_t previous, const ration_rule *rule, const ration_time *time,
                               const ration_ask *ask, uint64_t *next)
{
    uint64_t most = ration_ask_share(rule->limit, ask->keep_permille);
    uint64_t units = ask->cost;
    sliding_view view;

    sliding_read(word, previous, rule, time, &view);
    if (!sliding_fits(&view, units, most)) {
        uint64_t estimate = view.current + sliding_weight(&view);
        units = ask->least < ask->cost && estimate < most ? most - estimate : 0; /* below the cost, which does not fit */
    }
    if (units == 0 || units < ask->least) {
        *next = view.redated ? view.end_s << 32 | view.current : word;
        return 0;
    }
    *next = view.end_s << 32 | (view.current + units);
    return units;
}

/*
 * How long into a window must one be for `weighing` units of the window before to weigh at most `room`? Of the window, left
 * must satisfy ceil(weighing * left / W) <= room, left <= room * W / weighing: the largest such left is the floor, and a ns
 * earlier, with one more left, it would not fit.
 */
static uint64_t sliding_left_ns(const sliding_view *view, uint64_t weighing, uint64_t room)
{
    if (weighing <= room) {
        return view->window_ns;
    }
    return (uint64_t)((ration_u128)room * view->window_ns / weighing);
}

static uint64_t sliding_retry_ns(const sliding_view *view, uint64_t units, uint64_t most)
{
    if (units > most) {
        return UINT64_MAX;
    }
    if (sliding_fits(view, units, most)) {
        return 0;
    }
    if (view->current <= most - units) {
        /* Within this window, or at its end, where left is 0. */
        return view->ahead_ns + view->left_ns - sliding_left_ns(view, view->previous, most - units - view->current);
    }
    /* In the next window, where the current one weighs, or at the end of that. */
    return view->ahead_ns + view->left_ns + view->window_ns - sliding_left_ns(view, view->current, most - units);
}

void ration_sliding_report(uint64_t word, uint64_t previous, const ration_rule *rule, const ration_time *time, const ration_ask *ask,
                           ration_report *report)
{
    sliding_view view;

    sliding_read(word, previous, rule, time, &view);
    uint64_t estimate = view.current + sliding_weight(&view);
    report->remaining = estimate < rule->limit ? rule->limit - estimate : 0;
    report->reset_ns = 0;
    if (estimate != 0) { /* a window weighs at least one unit until it weighs none at its following window's end */
        report->reset_ns = view.ahead_ns + view.left_ns + (view.current != 0 ? view.window_ns : 0);
    }
    report->retry_ns = sliding_retry_ns(&view, ask->least, ration_ask_share(rule->limit, ask->keep_permille));
    report->wait_ns = 0;
}

uint64_t ration_sliding_previous_used(uint64_t previous, const ration_rule *rule, const ration_time *time)
{
    sliding_view view;

    sliding_read(0, previous, rule, time, &view);
    return view.previous;
}

/*
 * If this counter's own word is in the debt, its end is the debt's or earlier, and no earlier than the current window's: a debt
 * that ends before is not ours. Beyond it, ours may be of any window of this parity that begins within 5 s: the last is strict.
 */
uint64_t ration_sliding_seed(uint64_t debt, const ration_rule *rule, const ration_time *time)
{
    int64_t number = sliding_number(rule, time, time->s);
    int64_t ahead = sliding_number(rule, time, time->s + (uint64_t)RATION_SLACK_S);
    uint64_t used = sliding_used(debt) < rule->limit ? sliding_used(debt) : rule->limit;
    uint64_t end_s = sliding_end_s(rule, time, number);

    if (used == 0 || debt >> 32 < end_s) {
        return 0;
    }
    if (debt >> 32 > end_s) {
        end_s = sliding_end_s(rule, time, number + (ahead - number) / 2 * 2);
    }
    return end_s << 32 | used;
}

uint64_t ration_sliding_merge(uint64_t a, uint64_t b)
{
    if (sliding_used(a) == 0 || sliding_used(b) == 0) {
        return sliding_used(a) == 0 ? b : a;
    }
    uint64_t used = sliding_used(a) > sliding_used(b) ? sliding_used(a) : sliding_used(b);
    return (a > b ? a >> 32 : b >> 32) << 32 | used;
}

uint64_t ration_sliding_undo(uint64_t word, uint64_t charged, uint64_t units)
{
    uint64_t used = sliding_used(word);

    return word >> 32 == charged >> 32 ? word - (units < used ? units : used) : word;
}

uint64_t ration_sliding_refund(uint64_t word, const ration_rule *rule, const ration_time *time, uint64_t decided_ticks,
                               uint64_t units, uint64_t *next)
{
    uint64_t end_s = sliding_end_s(rule, time, sliding_number(rule, time, decided_ticks / RATION_TICKS_PER_S));
    sliding_view view;

    *next = word;
    sliding_read(word, 0, rule, time, &view);
    if (view.end_s == end_s && !view.redated) {
        *next = ration_sliding_undo(word, end_s << 32, units);
    }
    return word - *next;
}
