/* SPDX-License-Identifier: BSD-2-Clause */
/** @file permits.c Granting, giving back and renewing permits. */
#include "permits.h"

#define PERMITS_NS_PER_S UINT64_C(1000000000)
#define PERMITS_COUNT UINT64_C(0x1ffff)
#define PERMITS_CURRENT_SHIFT 17

/* What a word says at a time. */
typedef struct permits_view {
    uint64_t death_s; /* of the current generation; the previous one dies a lease earlier */
    uint64_t current;
    uint64_t previous;
    bool pending;
    bool redated;     /* dated by a clock that went back since */
} permits_view;

static inline permits_view permits_read(uint64_t word, uint32_t lease_s, const ration_time *time)
{
    permits_view view = {word >> RATION_PERMITS_DEATH_SHIFT, word >> PERMITS_CURRENT_SHIFT & PERMITS_COUNT, word & PERMITS_COUNT,
                         ration_permits_pending(word), false};
    uint64_t next_s = ((uint64_t)(time->s / lease_s) + 1) * lease_s; /* when the next generation begins */
    uint64_t death_s = next_s + lease_s;

    if (view.death_s <= time->s) {
        view.current = 0;
        view.previous = 0;
    } else if (view.death_s <= next_s) {
        view.previous = view.current;
        view.current = 0;
    } else if (view.death_s > (uint64_t)time->s + 2 * (uint64_t)lease_s + RATION_SLACK_S) {
        uint64_t out = view.current + view.previous;
        view.redated = true;
        view.death_s = death_s;
        view.current = out < PERMITS_COUNT ? out : PERMITS_COUNT;
        view.previous = 0;
    }
    view.death_s = view.death_s > death_s ? view.death_s : death_s;
    return view;
}

static inline uint64_t permits_word(const permits_view *view)
{
    return view->death_s << RATION_PERMITS_DEATH_SHIFT | (view->pending ? RATION_PERMITS_PENDING : 0) |
           view->current << PERMITS_CURRENT_SHIFT | view->previous;
}

uint64_t ration_permits_charge(uint64_t word, const ration_rule *rule, const ration_time *time, const ration_ask *ask, uint64_t *next,
                               ration_permits_grant *grant)
{
    permits_view view = permits_read(word, rule->as.window.window_s, time);
    uint64_t out = view.current + view.previous;

    *grant = (ration_permits_grant){0, false};
    if (out >= ration_ask_share(rule->limit, ask->keep_permille)) { /* a limit is at most what 17 bits count */
        *next = view.redated ? permits_word(&view) : word;
        return 0;
    }
    grant->death_s = (uint32_t)view.death_s;
    grant->again = view.pending && out == 0;
    view.pending = view.pending && out != 0;
    view.current++;
    *next = permits_word(&view);
    return 1;
}

void ration_permits_report(uint64_t word, const ration_rule *rule, const ration_time *time, const ration_ask *ask,
                           ration_report *report)
{
    permits_view view = permits_read(word, rule->as.window.window_s, time);
    uint64_t out = view.current + view.previous;
    uint64_t share = ration_ask_share(rule->limit, ask->keep_permille);
    uint64_t last_s = view.current != 0 ? view.death_s : view.death_s - rule->as.window.window_s;
    uint64_t now_ns = time->now_ns - (uint64_t)time->epoch_s * PERMITS_NS_PER_S; /* since the epoch; modulo 2^64 */

    report->remaining = out < rule->limit ? rule->limit - out : 0;
    report->reset_ns = out != 0 ? last_s * PERMITS_NS_PER_S - now_ns : 0;
    report->retry_ns = share == 0 ? UINT64_MAX : out >= share ? PERMITS_NS_PER_S : 0;
    report->wait_ns = 0;
}

/*
 * Takes a permit that dies at death_s out of the counts. A permit of the current generation or, after a jump, of one that the
 * word no longer has may be counted in either: right after the jump all are current, and every old death is at least the new
 * one; each generation later the counts and the deaths move along, so a permit that dies with `previous` is counted there.
 * One that dies before it has lapsed or is held by nobody: `previous` dies after now.
 */
static bool permits_take(permits_view *view, uint32_t lease_s, uint32_t death_s)
{
    if ((uint64_t)death_s + lease_s < view->death_s) {
        return false;
    }
    bool may_be_current = (uint64_t)death_s + lease_s > view->death_s;
    if (may_be_current && view->current != 0) {
        view->current--;
        return true;
    }
    if (view->previous != 0) {
        view->previous--;
        return true;
    }
    return false;
}

bool ration_permits_release(uint64_t word, uint32_t lease_s, const ration_time *time, uint32_t death_s, uint64_t *next)
{
    permits_view view = permits_read(word, lease_s, time);

    if (!permits_take(&view, lease_s, death_s)) {
        *next = word;
        return false;
    }
    *next = permits_word(&view);
    return true;
}

bool ration_permits_renew(uint64_t word, uint32_t lease_s, const ration_time *time, uint32_t death_s, bool clear_pending,
                          uint64_t *next, uint32_t *new_death_s)
{
    permits_view view = permits_read(word, lease_s, time);

    *new_death_s = death_s;
    *next = word;
    if (!permits_take(&view, lease_s, death_s) || view.current == PERMITS_COUNT) {
        return false;
    }
    view.current++;
    view.pending = view.pending && !clear_pending;
    *next = permits_word(&view);
    *new_death_s = (uint32_t)view.death_s;
    return true;
}
