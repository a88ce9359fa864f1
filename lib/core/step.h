/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file step.h
 * What every kind of limit shares: the compiled rule, the time and the question that the pure steps take.
 *
 * A step is a function of its arguments alone: `(word, rule, time, ask) -> word`. It reads no clock and no memory but its
 * arguments, uses integers only, and is total: every 64-bit word is a state, so a hostile or torn one can do no harm beyond
 * one wrong answer. Each kind has the same functions, <kind> being rate, quota, sliding, permits:
 *
 *   uint64_t ration_<kind>_charge(word, rule, time, ask, &next)  units granted, 0: refused. `next` is the word to write; on a
 *                                        refusal it equals `word` unless the word was insane, then it is the healed word.
 *   void ration_<kind>_report(word, rule, time, ask, &report)    what is left, and when this ask would pass.
 *   uint64_t ration_<kind>_seed(debt, rule, time)                the first word of a counter that inherits `debt`, a word of the
 *                                        same kind merged from evicted counters: at most the limit's own full debt.
 *   uint64_t ration_<kind>_merge(a, b)                           the least word that owes at least what a and b owe.
 *
 * Times are relative to the region's epoch (counter.h): `ticks` are sixteenths of a nanosecond.
 */
#ifndef RATION_CORE_STEP_H
#define RATION_CORE_STEP_H

#include <stdint.h>

/** Kinds of counter; 3 bits of the tag. Zero is no kind, so that no tag is EMPTY. */
enum {
    RATION_COUNTER_RATE = 1,
    RATION_COUNTER_QUOTA = 2,
    RATION_COUNTER_WIDE = 3, /* a quota with 40 bits of units */
    RATION_COUNTER_SLIDING = 4,
    RATION_COUNTER_PERMITS = 5
};

/** For products that 64 bits cannot hold. */
__extension__ typedef unsigned __int128 ration_u128;

#define RATION_TICKS_PER_NS UINT64_C(16)
#define RATION_TICKS_PER_S (RATION_TICKS_PER_NS * UINT64_C(1000000000))

/** How far a clock may lag behind without its states being taken for another clock's (G7). */
#define RATION_SLACK_S 5
#define RATION_SLACK_TICKS (RATION_SLACK_S * RATION_TICKS_PER_S)

/** A limit as compiled: one cache line. Its name is kept beside it (plan.h). */
typedef struct ration_rule {
    uint8_t counter;   /* RATION_COUNTER_* */
    uint8_t kind;      /* RATION_KIND_* */
    uint8_t flags;     /* RATION_SHADOW ... */
    uint8_t counts;    /* RATION_COST, RATION_CALLS */
    uint8_t calendar;  /* RATION_CALENDAR_*, 0: window_s */
    uint8_t anchor_day;
    uint8_t horizon;   /* ceil(log2(seconds of full debt)) + 1, at most 31: the class of the sketch (counter.h) */
    uint8_t index;     /* of the limit in its plan; rules are kept ordered by tag_salt */
    uint64_t home_salt; /* mixed with the key's hash: where the counter lives */
    uint64_t tag_salt;  /* and what its tag is: above, mixed into the fingerprint; below, the kind and the attributes themselves */
    uint64_t limit;     /* burst, units or permits */
    union {
        struct {
            uint64_t unit_ticks; /* ceil(16 * period / units) */
            uint64_t full_ticks; /* burst * unit_ticks, at most 2^63 - 2^52 */
            uint64_t sane_ticks; /* the largest full_ticks of this limit's versions */
            uint64_t reciprocal; /* floor((2^64 - 1) / unit_ticks) */
        } rate;
        struct {
            uint32_t window_s;    /* quota without a calendar, sliding, lease of permits */
            int32_t utc_offset_s; /* quota */
            uint64_t carry_in;    /* quota: units taken off the window that ends at carry_end_s */
            int64_t carry_end_s;  /* seconds since 1970 */
        } window;
    } as;
} ration_rule;

/** The time of a decision: max(clock, floor), in the units that the words use. */
typedef struct ration_time {
    uint64_t now_ns;   /* since 1970 */
    uint64_t ticks;    /* since the epoch; below 2^63 */
    uint64_t wait_ticks; /* the longest wait ever granted in this region: states may lie that much further ahead */
    int64_t epoch_s;   /* seconds since 1970, a multiple of 2^25; may be negative */
    uint32_t s;        /* whole seconds since the epoch, below 2^29 - 2^25 */
} ration_time;

/** What is asked of one limit. */
typedef struct ration_ask {
    uint64_t cost;          /* units wanted, [1, INT64_MAX] */
    uint64_t least;         /* units that are enough: cost, or 1 for a partial grant */
    uint64_t wait_ticks;    /* rate: how long the caller would wait, at most one day */
    uint32_t keep_permille; /* share of the limit to leave free, [0, 1000] */
} ration_ask;

/** What to tell about one limit. */
typedef struct ration_report {
    uint64_t remaining; /* units that could be had now, keep_permille aside */
    uint64_t reset_ns;  /* until remaining is the limit again; 0: it is */
    uint64_t retry_ns;  /* until ask->least units pass; 0: now; UINT64_MAX: never. Exact: 1 ns earlier would be refused. */
    uint64_t wait_ns;   /* rate: how long a grant of the ask now must sleep, at most ask->wait_ticks; rounded up */
} ration_report;

/** Units of `limit` that a request may use when it must leave keep_permille of it free: rounded against the request. */
static inline uint64_t ration_ask_share(uint64_t limit, uint32_t keep_permille)
{
    if (keep_permille == 0) {
        return limit;
    }
    return limit - (uint64_t)(((ration_u128)limit * keep_permille + 999) / 1000);
}

#endif
