/* SPDX-License-Identifier: BSD-2-Clause */
/* The sliding window's pure steps, against a table of windows in exact fractions and against the laws of ration.h. */
#include "support/steps.h"

#include "core/sliding.h"
#include "ration.h"

#define NOON_S INT64_C(1795262400) /* 2026-11-21 12:00 */
#define UNITS_MAX UINT64_C(0xffffffff)

static ration_rule sliding_rule(uint64_t units, uint32_t window_s)
{
    ration_rule rule = {.kind = RATION_KIND_SLIDING, .counter = RATION_COUNTER_SLIDING, .limit = units};

    rule.as.window.window_s = window_s;
    rule.as.window.carry_end_s = INT64_MIN;
    return rule;
}

/* ---------------------------------------------------------------- reference: what each window has used, in exact fractions */

static int64_t number_of(const ration_rule *rule, const ration_time *time)
{
    return (int64_t)(time->now_ns / ((uint64_t)rule->as.window.window_s * RATION_SECOND));
}

/* The least whole number that is at least previous * left / W. */
static uint64_t weight_of(uint64_t previous, const ration_rule *rule, const ration_time *time)
{
    steps_wide window_ns = (steps_wide)rule->as.window.window_s * STEPS_NS;
    steps_wide left_ns = window_ns - (steps_wide)(time->now_ns % (uint64_t)window_ns);
    steps_wide weight = (steps_wide)previous * left_ns / window_ns;

    while (weight * window_ns < (steps_wide)previous * left_ns) {
        weight++;
    }
    return (uint64_t)weight;
}

static uint64_t most_of(const ration_rule *rule, uint32_t keep_permille)
{
    return (uint64_t)((steps_wide)rule->limit - ((steps_wide)rule->limit * keep_permille + 999) / 1000);
}

static uint64_t word_of(const ration_rule *rule, const ration_time *time, int64_t number, uint64_t used)
{
    return (uint64_t)((number + 2) * (int64_t)rule->as.window.window_s - time->epoch_s) << 32 | used;
}

/** Two counters, as the table would hold them. */
typedef struct pair {
    uint64_t words[2];
} pair;

static uint64_t spend(pair *counters, const ration_rule *rule, const ration_time *time, const ration_ask *ask)
{
    unsigned parity = ration_sliding_parity(rule, time);

    LAW(parity == (number_of(rule, time) & 1));
    return ration_sliding_charge(counters->words[parity], counters->words[1 - parity], rule, time, ask, &counters->words[parity]);
}

static void look(const pair *counters, const ration_rule *rule, const ration_time *time, const ration_ask *ask, ration_report *report)
{
    unsigned parity = ration_sliding_parity(rule, time);

    ration_sliding_report(counters->words[parity], counters->words[1 - parity], rule, time, ask, report);
}

static uint64_t spend_units(pair *counters, const ration_rule *rule, const ration_time *time, uint64_t units)
{
    const ration_ask ask = ask_for(units);

    return spend(counters, rule, time, &ask);
}

static uint64_t spend_all(pair *counters, const ration_rule *rule, const ration_time *time)
{
    const ration_ask ask = {.cost = INT64_MAX, .least = 1};

    return spend(counters, rule, time, &ask);
}

/* ---------------------------------------------------------------- random states */

static ration_rule draw_rule(void)
{
    uint64_t limit = draw_below(2) == 0 ? 1 + draw_below(100) : 1 + draw_skewed() % UNITS_MAX;

    return sliding_rule(limit, draw_below(2) == 0 ? 1 + (uint32_t)draw_below(10) : 1 + (uint32_t)(draw_skewed() & 0xffffff) % 0xffffff);
}

static ration_time draw_time(void)
{
    return time_of_ns(draw_below(4) == 0 ? draw_skewed() : UINT64_C(1700000000) * RATION_SECOND + (draw() >> 8));
}

static ration_ask draw_ask(const ration_rule *rule)
{
    ration_ask ask = ask_for(draw_below(4) == 0 ? 1 + draw_skewed() % INT64_MAX : 1 + draw_below(rule->limit));

    ask.least = draw_below(3) == 0 ? 1 + draw_below(ask.cost) : ask.cost;
    ask.keep_permille = draw_below(3) == 0 ? (uint32_t)draw_below(1001) : 0;
    return ask;
}

static uint64_t draw_used(const ration_rule *rule)
{
    return draw_below(3) == 0 ? draw() & UNITS_MAX : draw_below(rule->limit + 1);
}

/* F14, F61 and the estimate: words of this window and the one before, and of long ago. */
START_TEST(sliding_charges_as_exact_fractions_do)
{
    unsigned granted = 0, partial = 0;

    seed_random();
    for (int i = 0; i < 1000000; i++) {
        const ration_rule rule = draw_rule();
        const ration_time time = draw_time();
        const ration_ask ask = draw_ask(&rule);
        int64_t number = number_of(&rule, &time);
        uint64_t current = draw_used(&rule), previous = draw_used(&rule), next;
        bool old = draw_below(8) == 0, older = draw_below(8) == 0;
        uint64_t word = old ? word_of(&rule, &time, number - 2, current) : word_of(&rule, &time, number, current);
        uint64_t before = older ? word_of(&rule, &time, number - 3, previous) : word_of(&rule, &time, number - 1, previous);

        if (time.s < 4 * (uint64_t)rule.as.window.window_s) {
            continue; /* words of before the epoch do not exist */
        }
        current = old ? 0 : current;
        previous = older ? 0 : previous;
        steps_wide room = (steps_wide)most_of(&rule, ask.keep_permille) - current - weight_of(previous, &rule, &time);
        steps_wide grant = (steps_wide)ask.cost < room ? (steps_wide)ask.cost : room;
        grant = grant < (steps_wide)ask.least ? 0 : grant;

        LAW(ration_sliding_charge(word, before, &rule, &time, &ask, &next) == (uint64_t)grant);
        LAW(next == (grant == 0 ? word : word_of(&rule, &time, number, current + (uint64_t)grant)));
        LAW(ration_sliding_previous_used(before, &rule, &time) == previous);
        granted += grant != 0;
        partial += grant != 0 && (uint64_t)grant < ask.cost;
    }
    ck_assert_uint_gt(granted, 100000);
    ck_assert_uint_gt(partial, 10000);
}
END_TEST

/* F15: a ns before the time told it is refused, at the time it is admitted, in this window or one of the next two. */
START_TEST(sliding_retry_is_exact)
{
    unsigned here = 0, beyond = 0, nevers = 0;

    seed_random();
    for (int i = 0; i < 1000000; i++) {
        const ration_rule rule = draw_rule();
        const ration_time time = draw_time();
        const ration_ask ask = draw_ask(&rule);
        int64_t number = number_of(&rule, &time);
        pair counters, copy;
        ration_report report;
        ration_time then;

        if (time.s < 4 * (uint64_t)rule.as.window.window_s) {
            continue;
        }
        counters.words[number & 1] = word_of(&rule, &time, number, draw_used(&rule));
        counters.words[(number + 1) & 1] = word_of(&rule, &time, number - 1, draw_used(&rule));
        look(&counters, &rule, &time, &ask, &report);
        copy = counters;
        LAW((report.retry_ns == 0) == (spend(&copy, &rule, &time, &ask) != 0));
        if (report.retry_ns == UINT64_MAX) {
            LAW(ask.least > most_of(&rule, ask.keep_permille));
            nevers++;
        } else if (report.retry_ns != 0 && report.retry_ns < UINT64_MAX - time.now_ns) {
            then = time_after(&time, (int64_t)report.retry_ns - 1);
            LAW(spend(&counters, &rule, &then, &ask) == 0);
            then = time_after(&time, (int64_t)report.retry_ns);
            LAW(spend(&counters, &rule, &then, &ask) >= ask.least);
            here += number_of(&rule, &then) == number;
            beyond += number_of(&rule, &then) != number;
        }
    }
    ck_assert_uint_gt(here, 10000);
    ck_assert_uint_gt(beyond, 10000);
    ck_assert_uint_gt(nevers, 10000);
}
END_TEST

START_TEST(sliding_reports_what_could_be_had)
{
    seed_random();
    for (int i = 0; i < 500000; i++) {
        const ration_rule rule = draw_rule();
        const ration_time time = draw_time();
        const ration_ask ask = ask_for(1);
        int64_t number = number_of(&rule, &time);
        pair counters;
        ration_report report;

        if (time.s < 4 * (uint64_t)rule.as.window.window_s) {
            continue;
        }
        counters.words[number & 1] = word_of(&rule, &time, number, draw_below(3) == 0 ? 0 : draw_used(&rule));
        counters.words[(number + 1) & 1] = word_of(&rule, &time, number - 1, draw_below(3) == 0 ? 0 : draw_used(&rule));
        look(&counters, &rule, &time, &ask, &report);
        LAW((report.reset_ns == 0) == (report.remaining == rule.limit));
        LAW(report.wait_ns == 0);
        if (report.reset_ns != 0 && report.reset_ns < UINT64_MAX - time.now_ns) {
            uint64_t reset_ns = report.reset_ns;
            ration_time then = time_after(&time, (int64_t)reset_ns);
            look(&counters, &rule, &then, &ask, &report);
            LAW(report.remaining == rule.limit);
            then = time_after(&time, (int64_t)reset_ns - 1);
            look(&counters, &rule, &then, &ask, &report);
            LAW(report.remaining < rule.limit && report.reset_ns == 1);
        }
        look(&counters, &rule, &time, &ask, &report);
        LAW(spend_all(&counters, &rule, &time) == report.remaining);
    }
}
END_TEST

/* G1, G3: one clock; equals a table of all windows, and no interval of length W holds more than twice the limit. */
START_TEST(sliding_admits_at_most_twice_its_units_in_any_window)
{
    enum { STEPS = 1500 };
    static uint64_t at_ns[STEPS], units_at[STEPS];
    uint64_t worst_permille = 0;

    seed_random();
    for (int run = 0; run < 400; run++) {
        const ration_rule rule = sliding_rule(1 + draw_below(40), 1 + (uint32_t)draw_below(30));
        const uint64_t window_ns = rule.as.window.window_s * RATION_SECOND;
        const uint64_t pace_ns = window_ns / (1 + draw_below(100));
        ration_time time = time_of_s(NOON_S);
        pair counters = {{0, 0}};
        uint64_t used[2] = {0, 0}, sum = 0;
        int64_t number = number_of(&rule, &time);
        unsigned first = 0;

        for (unsigned i = 0; i < STEPS; i++) {
            for (; number < number_of(&rule, &time); number++) {
                used[0] = used[1];
                used[1] = 0;
            }
            const ration_ask ask = {.cost = 1 + draw_below(draw_below(10) == 0 ? 50 : 3), .least = 1};
            uint64_t estimate = used[1] + weight_of(used[0], &rule, &time), room = estimate < rule.limit ? rule.limit - estimate : 0;
            units_at[i] = spend(&counters, &rule, &time, &ask);
            at_ns[i] = time.now_ns;
            LAW(units_at[i] == (ask.cost < room ? ask.cost : room));
            used[1] += units_at[i];
            sum += units_at[i];
            for (; at_ns[first] + window_ns <= at_ns[i]; first++) {
                sum -= units_at[first];
            }
            LAW(sum <= 2 * rule.limit);
            worst_permille = sum * 1000 / rule.limit > worst_permille ? sum * 1000 / rule.limit : worst_permille;
            time = time_after(&time, draw_below(20) == 0 ? (int64_t)(window_ns - time.now_ns % window_ns - draw_below(2)) : (int64_t)draw_below(pace_ns + 1));
        }
    }
    ck_assert_uint_gt(worst_permille, 1500); /* the test comes near the bound */
}
END_TEST

/* The same, exhaustively: every sequence of 8 steps of quarter windows and of 0, 1 or all units, limits 1 to 3. */
static void walk(const ration_rule *rule, const ration_time *time, pair counters, unsigned depth, const ration_time *begin, uint64_t spent[])
{
    if (depth == 8) {
        return;
    }
    for (unsigned choice = 0; choice < 6; choice++) {
        pair after = counters;
        ration_time then = time_after(time, (int64_t)(choice / 2) * 250000000);
        uint64_t quarter = (then.now_ns - begin->now_ns) / 250000000, units, sum = 0;
        units = choice % 2 == 0 ? spend_units(&after, rule, &then, 1) : spend_all(&after, rule, &then);
        spent[quarter] += units;
        for (uint64_t back = 0; back < 4 && back <= quarter; back++) {
            sum += spent[quarter - back];
        }
        LAW(sum <= 2 * rule->limit);
        walk(rule, &then, after, depth + 1, begin, spent);
        spent[quarter] -= units;
    }
}

START_TEST(sliding_bound_holds_for_every_short_sequence)
{
    for (uint64_t limit = 1; limit <= 3; limit++) {
        const ration_rule rule = sliding_rule(limit, 1);
        const ration_time begin = time_of_s(NOON_S);
        uint64_t spent[32] = {0};

        walk(&rule, &begin, (pair){{0, 0}}, 0, &begin, spent);
    }
}
END_TEST

/* F61: any two words, any time; a grant leaves a word within the limit, and the key is usable after a window and the slack. */
START_TEST(sliding_takes_any_words)
{
    seed_random();
    for (int i = 0; i < 1000000; i++) {
        const ration_rule rule = draw_rule();
        const ration_time time = draw_time();
        const ration_ask ask = ask_for(1);
        pair counters = {{draw(), draw()}};
        uint64_t lock_ns = (2 * (uint64_t)rule.as.window.window_s + 5) * RATION_SECOND;
        ration_report report;

        if (draw_below(2) == 0) {
            counters.words[0] = word_of(&rule, &time, number_of(&rule, &time) + (int64_t)draw_below(7), draw_used(&rule));
            counters.words[1] = word_of(&rule, &time, number_of(&rule, &time) + (int64_t)draw_below(7), draw_used(&rule));
        }
        look(&counters, &rule, &time, &ask, &report);
        LAW(report.retry_ns <= lock_ns && report.reset_ns <= lock_ns);
        if (spend(&counters, &rule, &time, &ask) == 1) {
            LAW((uint32_t)counters.words[ration_sliding_parity(&rule, &time)] <= rule.limit);
        } else if (time.now_ns < UINT64_MAX - 3 * lock_ns && time.s < 14u * (1u << 25)) {
            uint64_t sum = 0;
            for (uint64_t step = 0; step <= 8 && sum == 0; step++) {
                ration_time then = time_after(&time, (int64_t)(step * (lock_ns / 4)));
                sum = spend(&counters, &rule, &then, &ask);
            }
            LAW(sum == 1);
        }
    }
}
END_TEST

/* ---------------------------------------------------------------- stories */

START_TEST(sliding_weighs_the_previous_window)
{
    const ration_rule rule = sliding_rule(100, 60);
    ration_time time = time_of_s(NOON_S), half = time_after(&time, 90 * STEPS_NS), end = time_after(&time, 119 * STEPS_NS);
    pair counters = {{0, 0}};

    ck_assert_uint_eq(spend_all(&counters, &rule, &time), 100);
    ck_assert_uint_eq(spend_all(&counters, &rule, &half), 50);
    ck_assert_uint_eq(spend_all(&counters, &rule, &end), 48); /* 100 / 60 rounds up to 2 */
    end = time_after(&end, 2 * STEPS_NS);
    ck_assert_uint_eq(spend_all(&counters, &rule, &end), 3); /* 98 * 59 / 60 rounds up to 97 */
}
END_TEST

/* F14. */
START_TEST(sliding_is_exact_at_the_ends_of_its_range)
{
    static const uint64_t limits[] = {1, UINT64_C(1) << 31, (UINT64_C(1) << 31) + 1, UNITS_MAX - 1, UNITS_MAX};

    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        const ration_rule rule = sliding_rule(limits[i], 0xffffff);
        ration_time time = time_of_s(NOON_S / 0xffffff * 0xffffff), last = time_after(&time, 0xffffff * STEPS_NS - 1), next = time_after(&last, 1);
        ration_time over = time_after(&next, 0xffffff * STEPS_NS);
        pair counters = {{0, 0}};

        ck_assert_uint_eq(spend_units(&counters, &rule, &last, limits[i] + 1), 0);
        ck_assert_uint_eq(spend_units(&counters, &rule, &last, limits[i]), limits[i]);
        ck_assert_uint_eq(spend_all(&counters, &rule, &last), 0);
        ck_assert_uint_eq(spend_all(&counters, &rule, &next), 0);
        ck_assert_uint_eq(spend_all(&counters, &rule, &over), limits[i]);
    }
}
END_TEST

/* F16: units used are kept when the limit changes. */
START_TEST(sliding_keeps_what_is_used_when_the_limit_changes)
{
    ration_rule rule = sliding_rule(100, 60);
    const ration_time time = time_of_s(NOON_S + 10);
    pair counters = {{0, 0}};

    ck_assert_uint_eq(spend_units(&counters, &rule, &time, 60), 60);
    rule.limit = 10;
    ck_assert_uint_eq(spend_all(&counters, &rule, &time), 0);
    rule.limit = 100;
    ck_assert_uint_eq(spend_all(&counters, &rule, &time), 40);
}
END_TEST

/* F19, G7: after a jump back over any distance the lock-out is at most two windows, the life of a full word, and the slack; where
 * both words are of another time, as long as the first window. */
START_TEST(sliding_survives_a_clock_that_goes_back)
{
    const ration_rule rule = sliding_rule(20, 10);
    const ration_time begin = time_of_s(NOON_S), full = time_after(&begin, 5 * STEPS_NS), later = time_after(&begin, 18 * STEPS_NS);

    for (int64_t jump_s = 1; jump_s < 300; jump_s++) {
        const ration_time back = time_after(&later, -jump_s * STEPS_NS);
        pair counters = {{0, 0}};
        uint64_t granted = 0, before_back;
        LAW(spend_all(&counters, &rule, &full) == 20);
        before_back = spend_all(&counters, &rule, &later);
        LAW(before_back == 16);
        for (int64_t wait_s = 0; wait_s <= 25; wait_s++) {
            ration_time then = time_after(&back, wait_s * STEPS_NS);
            granted += spend_all(&counters, &rule, &then);
        }
        LAW(granted > 0);
        LAW(granted <= 70); /* 25 s are two and a half windows, and one burst for the jump */
        int64_t far = number_of(&rule, &begin) / 2 * 2 + 1000000; /* ahead by months, both */
        counters.words[0] = word_of(&rule, &begin, far, 20);
        counters.words[1] = word_of(&rule, &begin, far + 1, 20);
        LAW(spend_all(&counters, &rule, &back) == 0);
        const ration_time soon = time_after(&back, 11 * STEPS_NS), end = time_after(&back, 12 * STEPS_NS);
        granted = spend_all(&counters, &rule, &soon);
        LAW(granted + spend_all(&counters, &rule, &end) > 0);
    }
}
END_TEST

/* Clocks within the slack of each other: no window's counter is taken back to an earlier one, and each stays within the limit. */
START_TEST(sliding_keeps_windows_that_a_clock_ahead_has_begun)
{
    seed_random();
    for (int run = 0; run < 400; run++) {
        enum { WINDOWS = 8192 };
        static uint64_t spent[WINDOWS];
        const ration_rule rule = sliding_rule(1 + draw_below(20), 1 + (uint32_t)draw_below(12));
        const ration_time base = time_of_s(NOON_S);
        int64_t ns = 6 * STEPS_NS, first = number_of(&rule, &base);
        pair counters = {{0, 0}};

        memset(spent, 0, sizeof spent);
        for (int i = 0; i < 2000; i++) {
            ns += (int64_t)draw_below(rule.as.window.window_s * RATION_SECOND / 20);
            const ration_time time = time_after(&base, ns - (draw_below(2) == 0 ? 0 : (int64_t)draw_below(5 * RATION_SECOND)));
            uint64_t units = spend_units(&counters, &rule, &time, 1 + draw_below(3));
            if (units != 0) {
                uint64_t word = counters.words[ration_sliding_parity(&rule, &time)];
                int64_t number = ((int64_t)(word >> 32) + time.epoch_s) / rule.as.window.window_s - 2 - first;
                LAW(number >= number_of(&rule, &time) - first && number < WINDOWS);
                spent[number] += units;
                LAW(spent[number] <= rule.limit);
            }
        }
    }
}
END_TEST

/* F21, F24: the same story at time 0 and across every wrap. */
START_TEST(sliding_behaves_alike_at_every_wrap)
{
    static const uint64_t wraps_ns[] = {0, UINT64_C(1) << 31, UINT64_C(1) << 40, UINT64_C(1) << 48, (UINT64_C(1) << 31) * 1000000000,
                                        (UINT64_C(1) << 32) * 1000000000, UINT64_C(1) << 63};
    const ration_rule rule = sliding_rule(7, 2);

    for (size_t i = 0; i < sizeof wraps_ns / sizeof wraps_ns[0]; i++) {
        uint64_t from_ns = wraps_ns[i] == 0 ? 0 : (wraps_ns[i] - RATION_SECOND) / (2 * RATION_SECOND) * 2 * RATION_SECOND;
        ration_time here = time_of_ns(from_ns), plain = time_of_s(NOON_S);
        pair counters = {{0, 0}}, plain_counters = {{0, 0}};

        seed_random();
        for (int j = 0; j < 2000; j++) {
            uint64_t units = 1 + draw_below(3);
            int64_t step_ns = (int64_t)draw_below(RATION_SECOND / 20);
            LAW(spend_units(&counters, &rule, &here, units) == spend_units(&plain_counters, &rule, &plain, units));
            here = time_after(&here, step_ns);
            plain = time_after(&plain, step_ns);
        }
    }
}
END_TEST

START_TEST(sliding_refund_gives_back_in_its_window_only)
{
    const ration_rule rule = sliding_rule(10, 10);
    const ration_time time = time_of_s(NOON_S), same = time_after(&time, 10 * STEPS_NS - 1), next_window = time_after(&time, 10 * STEPS_NS);
    pair counters = {{0, 0}};
    uint64_t *word = &counters.words[ration_sliding_parity(&rule, &time)], next;

    ck_assert_uint_eq(spend_units(&counters, &rule, &time, 6), 6);
    ck_assert_uint_eq(ration_sliding_refund(*word, &rule, &next_window, time.ticks, 2, &next), 0);
    ck_assert_uint_eq(next, *word);
    ck_assert_uint_eq(ration_sliding_refund(*word, &rule, &same, time.ticks, 2, &next), 2);
    ck_assert_uint_eq((uint32_t)next, 4);
    ck_assert_uint_eq(ration_sliding_refund(*word, &rule, &same, time.ticks, 100, &next), 6);
    ck_assert_uint_eq((uint32_t)next, 0);
    ck_assert_uint_eq(ration_sliding_refund(*word, &rule, &same, UINT64_MAX, 100, &next), 0);
    const uint64_t charged = *word;
    ck_assert_uint_eq(spend_units(&counters, &rule, &time, 3), 3);
    ck_assert_uint_eq((uint32_t)ration_sliding_undo(*word, charged, 6), 3);
    ck_assert_uint_eq(ration_sliding_undo(*word, charged + (UINT64_C(20) << 32), 6), *word);
}
END_TEST

/* G5: an evicted counter owes what it owed when it is inserted anew, in its own window and to the following one. */
START_TEST(sliding_seed_and_merge_never_grant)
{
    seed_random();
    for (int i = 0; i < 500000; i++) {
        const ration_rule rule = draw_rule();
        ration_time time = draw_time(), writer;
        const ration_ask ask = ask_for(1 + draw_below(rule.limit)), all = {.cost = INT64_MAX, .least = 1};
        uint64_t word, merged, seeded, next;

        if (time.now_ns > UINT64_MAX - 6 * RATION_SECOND || time.s > 15u * (1u << 25) - 10) {
            continue;
        }
        writer = time_after(&time, (int64_t)draw_below(5 * RATION_SECOND));
        if (ration_sliding_parity(&rule, &writer) != ration_sliding_parity(&rule, &time)) {
            writer = time;
        }
        LAW(ration_sliding_charge(0, 0, &rule, &writer, &ask, &word) == ask.cost);
        merged = ration_sliding_merge(word, draw_below(2) == 0 ? draw() : word_of(&rule, &time, number_of(&rule, &time) + 2, draw_used(&rule)));
        LAW(merged == ration_sliding_merge(word, merged) && ration_sliding_merge(word, 0) == word);
        seeded = ration_sliding_seed(merged, &rule, &time);
        LAW((uint32_t)seeded <= rule.limit && (uint32_t)seeded >= ask.cost);
        LAW(ration_sliding_charge(seeded, 0, &rule, &time, &all, &next) <= rule.limit - ask.cost);
        LAW(ration_sliding_charge(seeded, 0, &rule, &writer, &all, &next) <= rule.limit - ask.cost);
        LAW(ration_sliding_previous_used(seeded, &rule, &time) >= ask.cost); /* a seed weighs in the next window too */
    }
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("sliding");

    tcase_set_timeout(cases, 300);
    tcase_add_test(cases, sliding_charges_as_exact_fractions_do);
    tcase_add_test(cases, sliding_retry_is_exact);
    tcase_add_test(cases, sliding_reports_what_could_be_had);
    tcase_add_test(cases, sliding_admits_at_most_twice_its_units_in_any_window);
    tcase_add_test(cases, sliding_bound_holds_for_every_short_sequence);
    tcase_add_test(cases, sliding_takes_any_words);
    tcase_add_test(cases, sliding_weighs_the_previous_window);
    tcase_add_test(cases, sliding_is_exact_at_the_ends_of_its_range);
    tcase_add_test(cases, sliding_keeps_what_is_used_when_the_limit_changes);
    tcase_add_test(cases, sliding_survives_a_clock_that_goes_back);
    tcase_add_test(cases, sliding_keeps_windows_that_a_clock_ahead_has_begun);
    tcase_add_test(cases, sliding_behaves_alike_at_every_wrap);
    tcase_add_test(cases, sliding_refund_gives_back_in_its_window_only);
    tcase_add_test(cases, sliding_seed_and_merge_never_grant);
    return run_tests(cases, "sliding");
}
