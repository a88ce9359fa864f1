/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file decide.h
 * All or nothing over several counters: look at all of them, commit one after the other, undo where a race was lost (G2).
 *
 * A decision is a list of items, one for each limit of each request, ordered by limit and then by key, so that two decisions over
 * the same counters charge them in the same order. The rules of a plan are kept in that order; several requests are merged into
 * it, and equal counters become one item with the sum of the costs.
 *
 *   look     computes for each item, from what its counter holds, whether it would grant. If one would not, the decision is
 *            refused and nothing is written; the refusing counters are read again as one 16-byte load, so that no refusal rests
 *            on a torn read.
 *   commit   swaps each counter from exactly what was looked at, inserting absent ones. If a counter changed it is looked at
 *            again; if it then refuses, the items charged before are undone and the decision begins again.
 *   undo     restores the word from before where nobody changed it since, else gives back what was charged.
 *
 * A thread that dies between two commits leaves charges of one request behind: they lapse as any debt does; none is granted.
 *
 * Progress. A decision begins again only because another thread's charge came between; after RATION_DECIDE_ROUNDS of that it is
 * refused by the limit that was lost last (strict, never lax).
 */
#ifndef RATION_CORE_DECIDE_H
#define RATION_CORE_DECIDE_H

#include "clock.h"
#include "ration.h"
#include "table.h"

#define RATION_DECIDE_ROUNDS 16

/** What decisions run on: private to a process. */
typedef struct ration_engine {
    ration_table table;
    ration_region *region;
    ration_stripe *stripes;
    ration_clock clock;
    uint32_t when_full;
} ration_engine;

/** One limit of one request, and what became of it. */
typedef struct ration_item {
    const ration_rule *rule;
    ration_probe probe;
    ration_probe past; /* sliding: the previous window's counter */
    ration_ask ask;
    ration_pair *slot;
    ration_pair seen;   /* what was in the slot; EMPTY where the counter is absent */
    uint64_t before;    /* the word as the steps see it: inherited debt where the counter is absent or fresh */
    uint64_t past_word;
    uint64_t next;
    uint64_t granted;
    uint32_t death_s;   /* permits: when what was granted lapses */
    uint16_t request;   /* index of the request, and of the limit in its plan */
    uint16_t limit;
    int16_t merged;     /* the item that charges for this one, -1: itself */
    bool charged;
    bool again;         /* permits: somebody was refused while a holder lapsed */
    bool skipped;       /* admitted although there was no room */
} ration_item;

/** A decision under way. */
typedef struct ration_case {
    ration_engine *engine;
    ration_time time;
    uint64_t era;
    uint64_t given_ns; /* the caller's time, where `given` */
    bool given;
    bool partial;
    unsigned count;
    bool ordered; /* `order` says in which order items are charged; else their own */
    unsigned order[RATION_DECISION_LIMITS_MAX];
    ration_item items[RATION_DECISION_LIMITS_MAX];
} ration_case;

/** How a decision ended. */
enum {
    RATION_OUTCOME_ALLOWED,
    RATION_OUTCOME_REFUSED, /* items with granted == 0 that are no shadows refuse */
    RATION_OUTCOME_FULL
};

/** Reads the time of a case (its clock or the caller's), placed in the region. */
void ration_case_place(ration_case *c);

/** Sets an item's probes for the case's era and time. */
void ration_case_probe(const ration_case *c, ration_item *item, ration_hash hash);

/** Orders the items of several requests and merges equal ones. */
void ration_case_order(ration_case *c);

/** Takes what item->seen holds as the item's state, and computes what it would grant. */
void ration_case_weigh(ration_case *c, ration_item *item);

/**
 * Decides. `hashes` are those of the requests, for placing the items anew when the era or the window changed.
 * @param hashes one for each request.
 * @return RATION_OUTCOME_*.
 */
unsigned ration_decide(ration_case *c, const ration_hash *hashes);

/** The report of an item as it stands now: after its charge where it was charged. */
void ration_item_report(const ration_case *c, const ration_item *item, ration_report *report);

static inline bool ration_item_shadow(const ration_item *item)
{
    return (item->rule->flags & RATION_SHADOW) != 0;
}

static inline bool ration_item_refuses(const ration_item *item)
{
    return item->granted == 0 && !ration_item_shadow(item);
}

#endif
