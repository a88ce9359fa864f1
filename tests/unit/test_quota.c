/* SPDX-License-Identifier: BSD-2-Clause */
/* The quota's pure steps, against a reference that walks from window to window and against the laws of ration.h. */
#include "support/steps.h"

#include "core/calendar.h"
#include "core/quota.h"
#include "ration.h"

#define DAY_S INT64_C(86400)
#define MIDNIGHT_S INT64_C(1795219200) /* 2026-11-21, a Saturday */
#define NARROW_MAX UINT64_C(0xffffffff)
#define WIDE_MAX UINT64_C(0xffffffffff)

static ration_rule quota_rule(uint64_t units, uint64_t period)
{
    ration_rule rule = {.kind = RATION_KIND_QUOTA, .limit = units};

    rule.counter = units > NARROW_MAX ? RATION_COUNTER_WIDE : RATION_COUNTER_QUOTA;
    rule.calendar = period <= RATION_CALENDAR_MONTH ? (uint8_t)period : 0;
    rule.as.window.window_s = period <= RATION_CALENDAR_MONTH ? 0 : (uint32_t)(period / RATION_SECOND);
    rule.as.window.carry_end_s = INT64_MIN;
    return rule;
}

static int64_t now_s_of(const ration_time *time)
{
    return time->epoch_s + time->s;
}

static void window_of(int64_t s, const ration_rule *rule, int64_t *begin_s, int64_t *end_s)
{
    ration_calendar_window(s, rule, begin_s, end_s); /* test_calendar.c has its own reference */
}

static unsigned bits_of(const ration_rule *rule)
{
    return rule->counter == RATION_COUNTER_WIDE ? 40 : 32;
}

static uint64_t used_in(uint64_t word, const ration_rule *rule)
{
    return word & ((UINT64_C(1) << bits_of(rule)) - 1);
}

static uint64_t word_of(const ration_rule *rule, const ration_time *time, int64_t end_s, uint64_t used)
{
    int64_t relative_s = end_s - time->epoch_s;

    return (uint64_t)(rule->counter == RATION_COUNTER_WIDE ? (relative_s + 255) / 256 : relative_s) << bits_of(rule) | used;
}

/* ---------------------------------------------------------------- reference: walk over all windows the word may mean */

typedef struct reading {
    uint64_t used;
    int64_t end_s;
    bool redated;
} reading;

static reading read_slowly(uint64_t word, const ration_rule *rule, const ration_time *time)
{
    int64_t now_s = now_s_of(time), begin_s, end_s, later_begin_s, later_end_s;
    uint64_t end_bits = word >> bits_of(rule), lapse_s = rule->counter == RATION_COUNTER_WIDE ? end_bits * 256 : end_bits;
    reading fresh, kept;

    window_of(now_s, rule, &begin_s, &end_s);
    fresh = (reading){0, end_s, false};
    kept = (reading){used_in(word, rule), end_s, false};
    if (kept.used == 0 || (int64_t)lapse_s + time->epoch_s <= now_s) {
        return fresh;
    }
    if (begin_s > time->epoch_s && word_of(rule, time, begin_s, 0) >> bits_of(rule) == end_bits) {
        return fresh; /* the window before, although its rounded end is still to come */
    }
    for (later_begin_s = begin_s, later_end_s = end_s; later_begin_s <= now_s + 5;
         window_of(later_end_s, rule, &later_begin_s, &later_end_s)) {
        if (word_of(rule, time, later_end_s, 0) >> bits_of(rule) == end_bits) {
            kept.end_s = later_end_s;
            return kept;
        }
    }
    kept.redated = true;
    return kept;
}

static uint64_t most_of(const ration_rule *rule, int64_t end_s, uint32_t keep_permille)
{
    steps_wide kept = ((steps_wide)rule->limit * keep_permille + 999) / 1000;
    steps_wide most = (steps_wide)rule->limit - kept;

    if (end_s == rule->as.window.carry_end_s) {
        most -= (steps_wide)rule->as.window.carry_in;
    }
    return most > 0 ? (uint64_t)most : 0;
}

static uint64_t charge_slowly(uint64_t word, const ration_rule *rule, const ration_time *time, const ration_ask *ask, uint64_t *next)
{
    reading now = read_slowly(word, rule, time);
    steps_wide room = (steps_wide)most_of(rule, now.end_s, ask->keep_permille) - (steps_wide)now.used;
    steps_wide grant = (steps_wide)ask->cost < room ? (steps_wide)ask->cost : room;

    if (grant <= 0 || grant < (steps_wide)ask->least) {
        *next = now.redated ? word_of(rule, time, now.end_s, now.used) : word;
        return 0;
    }
    *next = word_of(rule, time, now.end_s, now.used + (uint64_t)grant);
    return (uint64_t)grant;
}

/* ---------------------------------------------------------------- random states */

static ration_rule draw_rule(void)
{
    bool wide = draw_below(3) == 0;
    uint64_t limit = 1 + draw_skewed() % (wide ? WIDE_MAX : NARROW_MAX);
    uint64_t period = 1 + draw_below(3);
    ration_rule rule;

    if (draw_below(2) == 0) {
        period = RATION_SECOND * (wide ? 512 + (draw_skewed() & 0xffffff) % (0xffffff - 511) : 1 + (draw_skewed() & 0xffffff) % 0xffffff);
    }
    rule = quota_rule(limit, period);
    rule.counter = wide ? RATION_COUNTER_WIDE : RATION_COUNTER_QUOTA;
    rule.as.window.utc_offset_s = (int32_t)draw_below(129601) - 64800;
    rule.anchor_day = (uint8_t)draw_below(period == RATION_CALENDAR_WEEK ? 7 : 28);
    return rule;
}

static ration_time draw_time(const ration_rule *rule)
{
    uint64_t ns = draw_below(4) == 0 ? draw_skewed() : UINT64_C(1700000000) * RATION_SECOND + (draw() >> 8);
    ration_time time = time_of_ns(ns);
    int64_t begin_s, end_s;

    if (draw_below(2) == 0) { /* near the window's end, where everything happens */
        window_of(now_s_of(&time), rule, &begin_s, &end_s);
        int64_t at_s = end_s - 8 + (int64_t)draw_below(16);
        time = time_of_ns((uint64_t)(at_s < 0 || at_s > INT64_C(18446744073) ? 0 : at_s) * RATION_SECOND + draw_below(RATION_SECOND));
    }
    return time;
}

static uint64_t draw_word(const ration_rule *rule, const ration_time *time)
{
    int64_t begin_s, end_s;
    uint64_t used = draw_below(2) == 0 ? draw_skewed() : rule->limit - draw_below(3) % rule->limit;

    used &= (UINT64_C(1) << bits_of(rule)) - 1;
    window_of(now_s_of(time), rule, &begin_s, &end_s);
    switch (draw_below(8)) {
    case 0:
        return draw(); /* F61 */
    case 1:
        return begin_s > time->epoch_s ? word_of(rule, time, begin_s, used) : 0;
    case 2:
    case 3:
        window_of(end_s, rule, &begin_s, &end_s);
        return word_of(rule, time, end_s, used);
    case 4:
        return word_of(rule, time, now_s_of(time) + (int64_t)draw_below(1000), used);
    default:
        return word_of(rule, time, end_s, used);
    }
}

static ration_ask draw_ask(const ration_rule *rule)
{
    ration_ask ask = ask_for(1 + draw_skewed() % INT64_MAX);

    if (draw_below(2) == 0) {
        ask = ask_for(1 + draw_below(rule->limit));
    }
    ask.least = draw_below(3) == 0 ? 1 : ask.cost;
    ask.keep_permille = draw_below(3) == 0 ? (uint32_t)draw_below(1001) : 0;
    return ask;
}

static void draw_carry(ration_rule *rule, const ration_time *time)
{
    int64_t begin_s;

    if (draw_below(3) == 0) {
        int64_t at_s = now_s_of(time);
        window_of(at_s, rule, &begin_s, &rule->as.window.carry_end_s);
        if (draw_below(2) == 0) {
            window_of(rule->as.window.carry_end_s, rule, &begin_s, &rule->as.window.carry_end_s);
        }
        rule->as.window.carry_in = 1 + draw_below(rule->limit);
    }
}

/* F14, F61: any word, any time, any question. */
START_TEST(quota_charges_as_the_reference_does)
{
    unsigned granted = 0, redated = 0;

    seed_random();
    for (int i = 0; i < 1000000; i++) {
        ration_rule rule = draw_rule();
        ration_time time = draw_time(&rule);
        draw_carry(&rule, &time);
        ration_ask ask = draw_ask(&rule);
        uint64_t word = draw_word(&rule, &time), next, expected_next;
        uint64_t units = ration_quota_charge(word, &rule, &time, &ask, &next);

        LAW(units == charge_slowly(word, &rule, &time, &ask, &expected_next));
        LAW(next == expected_next);
        granted += units != 0;
        redated += units == 0 && next != word;
    }
    ck_assert_uint_gt(granted, 100000);
    ck_assert_uint_gt(redated, 1000);
}
END_TEST

/* F15 for quotas: a ns before the time told it is refused, at the time it is admitted; never means not in the windows to come. */
START_TEST(quota_retry_is_exact)
{
    unsigned waits = 0, nevers = 0;

    seed_random();
    for (int i = 0; i < 500000; i++) {
        ration_rule rule = draw_rule();
        ration_time time = draw_time(&rule), then;
        draw_carry(&rule, &time);
        ration_ask ask = draw_ask(&rule);
        uint64_t word, next;
        ration_report report;
        uint64_t units = ration_quota_charge(draw_word(&rule, &time), &rule, &time, &ask, &word);

        if (units != 0) {
            ask.least = ask.cost; /* what was granted is spent: ask again */
        }
        ration_quota_report(word, &rule, &time, &ask, &report);
        if (report.retry_ns == 0) {
            LAW(ration_quota_charge(word, &rule, &time, &ask, &next) >= ask.least);
        } else if (report.retry_ns == UINT64_MAX) {
            LAW(ask.least > most_of(&rule, INT64_MAX, ask.keep_permille));
            LAW(ration_quota_charge(word, &rule, &time, &ask, &next) == 0);
            nevers++;
        } else if (time.now_ns < UINT64_MAX - report.retry_ns) {
            then = time_after(&time, (int64_t)report.retry_ns - 1);
            LAW(ration_quota_charge(word, &rule, &then, &ask, &next) == 0);
            then = time_after(&time, (int64_t)report.retry_ns);
            LAW(ration_quota_charge(word, &rule, &then, &ask, &next) >= ask.least);
            waits++;
        }
        LAW(report.wait_ns == 0);
    }
    ck_assert_uint_gt(waits, 10000);
    ck_assert_uint_gt(nevers, 10000);
}
END_TEST

START_TEST(quota_reports_what_could_be_had)
{
    seed_random();
    for (int i = 0; i < 500000; i++) {
        ration_rule rule = draw_rule();
        ration_time time = draw_time(&rule), then;
        draw_carry(&rule, &time);
        ration_ask ask = ask_for(1), all = {.cost = INT64_MAX, .least = 1};
        uint64_t word, next;
        ration_report report;

        (void)ration_quota_charge(draw_word(&rule, &time), &rule, &time, &ask, &word);
        ration_quota_report(word, &rule, &time, &ask, &report);
        LAW(ration_quota_charge(word, &rule, &time, &all, &next) == report.remaining);
        LAW((report.reset_ns == 0) == (report.remaining == rule.limit));
        if (report.reset_ns != 0 && rule.as.window.carry_in == 0 && time.now_ns < UINT64_MAX - report.reset_ns) {
            then = time_after(&time, (int64_t)report.reset_ns);
            ration_quota_report(word, &rule, &then, &ask, &report);
            LAW(report.remaining == rule.limit && report.reset_ns == 0);
            then = time_after(&then, -1);
            ration_quota_report(word, &rule, &then, &ask, &report);
            LAW(report.remaining < rule.limit && report.reset_ns == 1);
        }
    }
}
END_TEST

/* G1 in the long run: clocks of many threads within the slack of each other, charges and refunds; never above the limit. */
START_TEST(quota_admits_its_units_per_window_under_clocks_that_differ)
{
    enum { WINDOWS = 4096 };
    seed_random();
    for (int run = 0; run < 400; run++) {
        static uint64_t spent[WINDOWS];
        uint32_t window_s = 1 + (uint32_t)draw_below(20);
        bool wide = run % 4 == 3;
        ration_rule rule = quota_rule(1 + draw_below(30), (wide ? 512 : window_s) * RATION_SECOND);
        rule.counter = wide ? RATION_COUNTER_WIDE : RATION_COUNTER_QUOTA;
        window_s = rule.as.window.window_s;
        ration_time base = time_of_s(MIDNIGHT_S);
        uint64_t word = 0;
        int64_t ns = 0;
        int64_t first = now_s_of(&base) / window_s;

        memset(spent, 0, sizeof spent);
        for (int i = 0; i < 2000; i++) {
            ns += (int64_t)draw_below((uint64_t)window_s * RATION_SECOND / 20);
            int64_t lag_ns = draw_below(2) == 0 ? 0 : (int64_t)draw_below(5 * RATION_SECOND);
            ration_time time = time_after(&base, ns > lag_ns ? ns - lag_ns : 0);
            ration_ask ask = ask_for(1 + draw_below(3));
            uint64_t next, units = ration_quota_charge(word, &rule, &time, &ask, &next);
            if (units != 0) {
                /* The window charged is the one the word names: ours, or the one that a clock ahead of us has begun. */
                int64_t end = (int64_t)(next >> bits_of(&rule)) * (wide ? 256 : 1) + time.epoch_s;
                int64_t number = end / window_s - 1 - first;
                LAW(number >= (now_s_of(&time) / window_s) - first);
                LAW(number >= 0 && number < WINDOWS);
                spent[number] += units;
                LAW(spent[number] <= rule.limit);
            }
            word = next;
        }
    }
}
END_TEST

/* A sequence on one clock, with refunds, equals a table of windows. */
START_TEST(quota_follows_a_table_of_windows)
{
    seed_random();
    for (int run = 0; run < 300; run++) {
        ration_rule rule = draw_rule();
        rule.limit = 1 + draw_below(50);
        ration_time time = time_of_s(MIDNIGHT_S + (int64_t)draw_below(1u << 26)), decided = time;
        int64_t begin_s, end_s, table_end_s = 0;
        uint64_t word = 0, used = 0, next;

        for (int i = 0; i < 1000; i++) {
            window_of(now_s_of(&time), &rule, &begin_s, &end_s);
            if (end_s != table_end_s) {
                used = 0;
                table_end_s = end_s;
            }
            if (draw_below(4) == 0) {
                uint64_t units = draw_below(4), back;
                int64_t decided_end_s;
                window_of(now_s_of(&decided), &rule, &begin_s, &decided_end_s);
                back = decided_end_s == end_s ? (units < used ? units : used) : 0;
                LAW(ration_quota_refund(word, &rule, &time, decided.ticks, units, &next) == back);
                used -= back;
            } else {
                const ration_ask ask = ask_for(1 + draw_below(5));
                uint64_t expected = used + ask.cost <= rule.limit ? ask.cost : 0;
                LAW(ration_quota_charge(word, &rule, &time, &ask, &next) == expected);
                used += expected;
                decided = time;
            }
            word = next;
            int64_t step_ns = (int64_t)draw_below((uint64_t)(end_s - begin_s) * RATION_SECOND / 20 + 1);
            if (time.ticks / 16 + (uint64_t)step_ns > UINT64_C(14) * (1 << 25) * RATION_SECOND) {
                break;
            }
            time = time_after(&time, step_ns);
        }
    }
}
END_TEST

/* ---------------------------------------------------------------- stories */

static uint64_t spend(uint64_t *word, const ration_rule *rule, const ration_time *time, uint64_t cost)
{
    const ration_ask ask = ask_for(cost);

    return ration_quota_charge(*word, rule, time, &ask, word);
}

static uint64_t spend_all(uint64_t *word, const ration_rule *rule, const ration_time *time)
{
    uint64_t total = 0;

    while (spend(word, rule, time, 1) == 1) {
        total++;
    }
    return total;
}

/* F14: limits in [2^31, 2^32) and at the top of the wide word, to the unit. */
START_TEST(quota_is_exact_at_the_ends_of_its_range)
{
    static const uint64_t limits[] = {UINT64_C(1) << 31, (UINT64_C(1) << 31) + 1, NARROW_MAX - 1, NARROW_MAX,
                                      NARROW_MAX + 1, WIDE_MAX - 1, WIDE_MAX};

    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        const ration_rule rule = quota_rule(limits[i], 512 * RATION_SECOND);
        ration_time last = time_of_ns(((uint64_t)MIDNIGHT_S / 512 * 512 + 512) * RATION_SECOND - 1), next = time_after(&last, 1);
        uint64_t word = 0;

        ck_assert_uint_eq(spend(&word, &rule, &last, limits[i] + 1), 0);
        ck_assert_uint_eq(word, 0);
        ck_assert_uint_eq(spend(&word, &rule, &last, limits[i] - 1), limits[i] - 1);
        ck_assert_uint_eq(spend(&word, &rule, &last, 2), 0);
        ck_assert_uint_eq(spend(&word, &rule, &last, 1), 1);
        ck_assert_uint_eq(spend(&word, &rule, &last, 1), 0);
        ck_assert_uint_eq(used_in(word, &rule), limits[i]);
        ck_assert_uint_eq(spend(&word, &rule, &next, limits[i]), limits[i]);
    }
}
END_TEST

/* F16, G8: a lowered limit keeps what is used, a raised one gives the difference and no more. */
START_TEST(quota_keeps_what_is_used_when_the_limit_changes)
{
    ration_rule rule = quota_rule(100, RATION_CALENDAR_DAY);
    const ration_time time = time_of_s(MIDNIGHT_S + 10);
    const ration_ask ask = ask_for(1);
    ration_report report;
    uint64_t word = 0;

    ck_assert_uint_eq(spend(&word, &rule, &time, 60), 60);
    rule.limit = 10;
    ck_assert_uint_eq(spend(&word, &rule, &time, 1), 0);
    ration_quota_report(word, &rule, &time, &ask, &report);
    ck_assert_uint_eq(report.remaining, 0);
    ck_assert_uint_eq(report.retry_ns, (86400 - 10) * RATION_SECOND);
    rule.limit = 100;
    ck_assert_uint_eq(spend_all(&word, &rule, &time), 40);
}
END_TEST

/* F17: a window does not slide with the calls. */
START_TEST(quota_window_does_not_slide)
{
    const ration_rule rule = quota_rule(1, 100 * RATION_SECOND);
    ration_time time = time_of_s(MIDNIGHT_S / 100 * 100);
    int64_t last_window = -1;
    uint64_t word = 0;

    for (int i = 0; i < 1000; i++) {
        int64_t window = now_s_of(&time) / 100;
        ck_assert_uint_eq(spend(&word, &rule, &time, 1), window != last_window);
        last_window = window;
        time = time_after(&time, 90 * STEPS_NS);
    }
}
END_TEST

/* F19, G7: clocks that go back by hours lock nobody out for longer than a window, and grant at most one burst. */
START_TEST(quota_survives_a_clock_that_goes_back)
{
    const ration_rule rule = quota_rule(10, 3600 * RATION_SECOND);
    ration_time time = time_of_s(MIDNIGHT_S + 100), back;
    uint64_t word = 0;

    ck_assert_uint_eq(spend(&word, &rule, &time, 10), 10);
    back = time_after(&time, -8 * 3600 * STEPS_NS);
    const uint64_t untouched = word;
    ck_assert_uint_eq(spend(&word, &rule, &back, 1), 0); /* what was used is kept */
    ck_assert_uint_ne(word, untouched);                  /* and dated by the clock that is */
    back = time_after(&back, 3500 * STEPS_NS - 1);
    ck_assert_uint_eq(spend(&word, &rule, &back, 1), 0);
    back = time_after(&back, 1);
    ck_assert_uint_eq(spend_all(&word, &rule, &back), 10);

    back = time_after(&back, 1000 * STEPS_NS); /* within a window: each jump over a boundary may grant one burst */
    for (int i = 0; i < 100; i++) { /* every few seconds 11 s back */
        back = time_after(&back, i % 2 == 0 ? -11 * STEPS_NS : 15 * STEPS_NS);
        ck_assert_uint_eq(spend(&word, &rule, &back, 1), 0);
    }
    back = time_after(&back, 3600 * STEPS_NS);
    ck_assert_uint_eq(spend_all(&word, &rule, &back), 10); /* an hour forward */
    back = time_after(&back, -3600 * STEPS_NS);
    ck_assert_uint_eq(spend(&word, &rule, &back, 1), 0); /* and back */
}
END_TEST

/* A clock up to 5 s behind does not take a window back into the one before, where what it counts would be lost. */
START_TEST(quota_keeps_a_window_that_a_clock_ahead_has_begun)
{
    for (unsigned wide = 0; wide < 2; wide++) {
        ration_rule rule = quota_rule(10, RATION_CALENDAR_DAY);
        rule.counter = wide ? RATION_COUNTER_WIDE : RATION_COUNTER_QUOTA;
        const ration_time today = time_of_s(MIDNIGHT_S), behind = time_after(&today, -5 * STEPS_NS);
        const ration_time far_behind = time_after(&today, -6 * STEPS_NS), soon = time_after(&today, 1000);
        const ration_ask ask = ask_for(6);
        ration_report report;
        uint64_t word = 0;

        ck_assert_uint_eq(spend(&word, &rule, &today, 6), 6);
        ration_quota_report(word, &rule, &behind, &ask, &report);
        ck_assert_uint_eq(report.remaining, 4);
        ck_assert_uint_eq(report.retry_ns, 86405 * RATION_SECOND);
        ck_assert_uint_eq(spend(&word, &rule, &behind, 3), 3);
        ck_assert_uint_eq(spend_all(&word, &rule, &soon), 1);
        const uint64_t full = word;
        ck_assert_uint_eq(spend(&word, &rule, &behind, 1), 0);
        ck_assert_uint_eq(word, full);
        ck_assert_uint_eq(spend(&word, &rule, &far_behind, 1), 0); /* beyond the slack it is a jump */
        ck_assert_uint_ne(word, full);
        ck_assert_uint_eq(spend_all(&word, &rule, &today), 10);
    }
}
END_TEST

/* F28: a leap second repeats 23:59:59. It is the same window, and the new day counts once. */
START_TEST(quota_counts_a_repeated_second_once)
{
    const ration_rule rule = quota_rule(5, RATION_CALENDAR_DAY);
    const ration_time first = time_of_ns(UINT64_C(1483228799) * RATION_SECOND + 900000000); /* 2016-12-31 23:59:59.9 */
    const ration_time again = time_after(&first, -800000000), midnight = time_after(&first, 100000000);
    uint64_t word = 0;

    ck_assert_uint_eq(spend(&word, &rule, &first, 3), 3);
    ck_assert_uint_eq(spend_all(&word, &rule, &again), 2);
    ck_assert_uint_eq(spend(&word, &rule, &first, 1), 0);
    ck_assert_uint_eq(spend(&word, &rule, &midnight, 4), 4);
    ck_assert_uint_eq(spend_all(&word, &rule, &first), 1); /* a clock that repeats the second only now */
    ck_assert_uint_eq(spend(&word, &rule, &midnight, 1), 0);
}
END_TEST

/* F29: an earlier time never makes a live word look over. */
START_TEST(quota_is_not_forgotten_by_an_earlier_clock)
{
    seed_random();
    for (int i = 0; i < 200000; i++) {
        ration_rule rule = draw_rule();
        ration_time time = draw_time(&rule), earlier;
        const ration_ask ask = ask_for(rule.limit);
        uint64_t word = 0, next;

        if (time.s < 100 || ration_quota_charge(0, &rule, &time, &ask, &word) == 0) {
            continue;
        }
        earlier = time_at(time.epoch_s, time.now_ns - draw_skewed() % (time.ticks / 16));
        LAW(ration_quota_charge(word, &rule, &earlier, &ask, &next) == 0);
    }
}
END_TEST

/* F21: the same story before every wrap of the clock's and the era's numbers, three windows long, is the same story. */
START_TEST(quota_behaves_alike_at_every_wrap)
{
    static const uint64_t wraps_ns[] = {UINT64_C(1) << 31, (UINT64_C(1) << 32) * 1000000, (UINT64_C(1) << 31) * 1000000000,
                                        (UINT64_C(1) << 32) * 1000000000, UINT64_C(1) << 40, UINT64_C(1) << 48, UINT64_C(1) << 63};
    const ration_rule rule = quota_rule(7, 3 * RATION_SECOND);

    for (size_t i = 0; i < sizeof wraps_ns / sizeof wraps_ns[0]; i++) {
        uint64_t from_ns = (wraps_ns[i] - RATION_SECOND) / (3 * RATION_SECOND) * 3 * RATION_SECOND;
        ration_time here = time_of_ns(from_ns), plain = time_of_s(MIDNIGHT_S / 3 * 3);
        uint64_t word = 0, plain_word = 0;

        seed_random();
        for (int j = 0; j < 2000; j++) {
            uint64_t cost = 1 + draw_below(3);
            int64_t step_ns = (int64_t)draw_below(RATION_SECOND / 20);
            ck_assert_uint_eq(spend(&word, &rule, &here, cost), spend(&plain_word, &rule, &plain, cost));
            ck_assert_uint_eq((uint32_t)word, (uint32_t)plain_word);
            here = time_after(&here, step_ns);
            plain = time_after(&plain, step_ns);
        }
    }
}
END_TEST

/* F24: 0 is a time. */
START_TEST(quota_counts_at_time_zero)
{
    const ration_rule rule = quota_rule(2, RATION_CALENDAR_DAY);
    uint64_t word = 0;

    for (uint64_t ns = 0; ns < 2; ns++) {
        ration_time time = time_of_ns(ns);
        ck_assert_uint_eq(spend(&word, &rule, &time, 1), 1);
    }
    ration_time time = time_of_ns(1);
    ck_assert_uint_eq(spend(&word, &rule, &time, 1), 0);
    time = time_of_s(DAY_S);
    ck_assert_uint_eq(spend(&word, &rule, &time, 1), 1);
}
END_TEST

/* F25, F27, S1: the quota takes its windows from the calendar. */
START_TEST(quota_resets_when_the_calendar_says)
{
    ration_rule rule = quota_rule(3, RATION_CALENDAR_MONTH);
    const ration_ask ask = ask_for(1);
    ration_time time = time_of_s(INT64_C(1801267200)); /* 2027-01-30 */
    ration_report report;
    uint64_t word = 0;

    ck_assert_uint_eq(spend_all(&word, &rule, &time), 3);
    ration_quota_report(word, &rule, &time, &ask, &report);
    ck_assert_uint_eq(report.retry_ns, 2 * 86400 * RATION_SECOND); /* 1 February */
    ck_assert_uint_eq(report.reset_ns, report.retry_ns);
    rule = quota_rule(3, RATION_CALENDAR_WEEK);
    time = time_of_s(MIDNIGHT_S);
    word = 0;
    ck_assert_uint_eq(spend_all(&word, &rule, &time), 3);
    ration_quota_report(word, &rule, &time, &ask, &report);
    ck_assert_uint_eq(report.retry_ns, 2 * 86400 * RATION_SECOND); /* Saturday to Monday */
    rule = quota_rule(3, RATION_CALENDAR_DAY);
    rule.as.window.utc_offset_s = -8 * 3600;
    ration_quota_report(word = 0, &rule, &time, &ask, &report);
    ck_assert_uint_eq(report.retry_ns, 0);
    ck_assert_uint_eq(spend_all(&word, &rule, &time), 3);
    ration_quota_report(word, &rule, &time, &ask, &report);
    ck_assert_uint_eq(report.retry_ns, 8 * 3600 * RATION_SECOND); /* the provider's midnight */
}
END_TEST

/* F26, G8: a plan that follows summer time gets a day of 23 or 25 hours, and never its quota twice. */
START_TEST(quota_is_not_doubled_by_a_change_of_offset)
{
    static const int64_t change_s[] = {INT64_C(1774746000), INT64_C(1792890000)};
    static const int32_t offsets[][2] = {{3600, 7200}, {7200, 3600}};

    for (int i = 0; i < 2; i++) {
        ration_rule rule = quota_rule(10, RATION_CALENDAR_DAY);
        ration_time time = time_of_s(change_s[i] - 1);
        int64_t begin_s, end_s, day_s = i == 0 ? 23 * 3600 : 25 * 3600;
        uint64_t word = 0;

        rule.as.window.utc_offset_s = offsets[i][0];
        window_of(now_s_of(&time), &rule, &begin_s, &end_s);
        ck_assert_uint_eq(spend(&word, &rule, &time, 8), 8);
        rule.as.window.utc_offset_s = offsets[i][1];
        time = time_after(&time, STEPS_NS);
        ck_assert_uint_eq(spend_all(&word, &rule, &time), 2);
        time = time_of_ns((uint64_t)(begin_s + day_s) * RATION_SECOND - 1);
        ck_assert_uint_eq(spend(&word, &rule, &time, 1), 0);
        time = time_after(&time, 1);
        ck_assert_uint_eq(spend_all(&word, &rule, &time), 10);
    }
}
END_TEST

START_TEST(quota_takes_the_carry_in_off_the_first_window_only)
{
    ration_rule rule = quota_rule(100, RATION_CALENDAR_DAY);
    ration_time time = time_of_s(MIDNIGHT_S + 1);
    const ration_ask ask = ask_for(80);
    ration_report report;
    uint64_t word = 0;

    rule.as.window.carry_in = 30;
    rule.as.window.carry_end_s = MIDNIGHT_S + DAY_S;
    ration_quota_report(word, &rule, &time, &ask, &report);
    ck_assert_uint_eq(report.remaining, 70);
    ck_assert_uint_eq(report.retry_ns, 86399 * RATION_SECOND); /* not never: the next window is whole */
    ck_assert_uint_eq(report.reset_ns, 86399 * RATION_SECOND);
    ck_assert_uint_eq(spend_all(&word, &rule, &time), 70);
    time = time_of_s(MIDNIGHT_S + DAY_S);
    ck_assert_uint_eq(spend_all(&word, &rule, &time), 100);
    time = time_of_s(MIDNIGHT_S - 1); /* carried into tomorrow: 80 pass the day after */
    word = 0;
    ck_assert_uint_eq(spend_all(&word, &rule, &time), 100);
    ration_quota_report(word, &rule, &time, &ask, &report);
    ck_assert_uint_eq(report.retry_ns, (86400 + 1) * RATION_SECOND);
}
END_TEST

START_TEST(quota_leaves_the_share_to_keep)
{
    const ration_rule rule = quota_rule(10, RATION_CALENDAR_DAY);
    const ration_time time = time_of_s(MIDNIGHT_S);
    ration_ask ask = {.cost = 20, .least = 1, .keep_permille = 250}; /* 2.5 of 10 stay free: 3 */
    ration_report report;
    uint64_t word = 0;

    ck_assert_uint_eq(ration_quota_charge(word, &rule, &time, &ask, &word), 7);
    ration_quota_report(word, &rule, &time, &ask, &report);
    ck_assert_uint_eq(report.remaining, 3);
    ck_assert_uint_eq(report.retry_ns, 86400 * RATION_SECOND);
    ask.keep_permille = 1000;
    ration_quota_report(word, &rule, &time, &ask, &report);
    ck_assert_uint_eq(report.retry_ns, UINT64_MAX);
}
END_TEST

/* G5: a counter evicted and inserted anew owes what it owed, also beside others' debt and under clocks slightly apart. */
START_TEST(quota_seed_and_merge_never_grant)
{
    seed_random();
    for (int i = 0; i < 500000; i++) {
        ration_rule rule = draw_rule();
        ration_time time = draw_time(&rule), writer;
        uint64_t other = draw_word(&rule, &time), word, merged, seeded;
        ration_ask ask = ask_for(1 + draw_below(rule.limit)), all = {.cost = INT64_MAX, .least = 1};

        writer = time_after(&time, time.now_ns < UINT64_MAX - 5 * RATION_SECOND ? (int64_t)draw_below(5 * RATION_SECOND) : 0);
        LAW(ration_quota_charge(0, &rule, &writer, &ask, &word) == ask.cost);
        merged = ration_quota_merge(rule.counter, word, draw_below(2) == 0 ? other : 0);
        LAW(merged == ration_quota_merge(rule.counter, merged, word));
        seeded = ration_quota_seed(merged, &rule, &time);
        LAW(used_in(seeded, &rule) <= rule.limit);
        ration_time later = time_after(&time, (int64_t)(writer.now_ns - time.now_ns));
        uint64_t next, left = rule.limit - ask.cost;
        LAW(ration_quota_charge(seeded, &rule, &time, &all, &next) <= left);
        LAW(ration_quota_charge(seeded, &rule, &later, &all, &next) <= left);
    }
}
END_TEST

START_TEST(quota_seed_drops_what_is_past)
{
    const ration_rule rule = quota_rule(UINT64_C(1) << 33, 1000 * RATION_SECOND);
    const ration_time before = time_of_s(MIDNIGHT_S / 1000 * 1000), after = time_after(&before, 1000 * STEPS_NS);
    uint64_t word = 0;

    ck_assert_uint_eq(spend(&word, &rule, &before, 9), 9);
    ck_assert_uint_eq(ration_quota_seed(word, &rule, &before), word);
    ck_assert_uint_eq(ration_quota_seed(word, &rule, &after), 0); /* over, although the rounded end is not */
    ck_assert_uint_eq(ration_quota_seed(0, &rule, &after), 0);
}
END_TEST

START_TEST(quota_undo_takes_back_exactly_its_own)
{
    const ration_rule rule = quota_rule(10, RATION_CALENDAR_DAY);
    const ration_time today = time_of_s(MIDNIGHT_S), tomorrow = time_of_s(MIDNIGHT_S + DAY_S);
    uint64_t word = 0, charged;

    ck_assert_uint_eq(spend(&word, &rule, &today, 4), 4);
    charged = word;
    ck_assert_uint_eq(spend(&word, &rule, &today, 3), 3);
    ck_assert_uint_eq((uint32_t)ration_quota_undo(word, &rule, charged, 4), 3);
    ck_assert_uint_eq(spend(&word, &rule, &tomorrow, 5), 5);
    ck_assert_uint_eq(ration_quota_undo(word, &rule, charged, 4), word);
}
END_TEST

START_TEST(quota_refund_gives_back_in_its_window_only)
{
    for (unsigned wide = 0; wide < 2; wide++) {
        ration_rule rule = quota_rule(10, RATION_CALENDAR_DAY);
        rule.counter = wide ? RATION_COUNTER_WIDE : RATION_COUNTER_QUOTA;
        const ration_time today = time_of_s(MIDNIGHT_S), tomorrow = time_of_s(MIDNIGHT_S + DAY_S);
        uint64_t word = 0, next;

        ck_assert_uint_eq(spend(&word, &rule, &today, 6), 6);
        ck_assert_uint_eq(ration_quota_refund(word, &rule, &today, today.ticks, 2, &next), 2);
        ck_assert_uint_eq(used_in(next, &rule), 4);
        ck_assert_uint_eq(ration_quota_refund(word, &rule, &today, today.ticks, 100, &next), 6); /* at most what is used */
        ck_assert_uint_eq(used_in(next, &rule), 0);
        ck_assert_uint_eq(ration_quota_refund(word, &rule, &tomorrow, today.ticks, 2, &next), 0);
        ck_assert_uint_eq(ration_quota_refund(word, &rule, &today, UINT64_MAX, 2, &next), 0);
        ck_assert_uint_eq(spend(&word, &rule, &tomorrow, 5), 5);
        ck_assert_uint_eq(ration_quota_refund(word, &rule, &tomorrow, today.ticks, 2, &next), 0); /* others' units */
        ck_assert_uint_eq(next, word);
    }
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("quota");

    tcase_set_timeout(cases, 300);
    tcase_add_test(cases, quota_charges_as_the_reference_does);
    tcase_add_test(cases, quota_retry_is_exact);
    tcase_add_test(cases, quota_reports_what_could_be_had);
    tcase_add_test(cases, quota_admits_its_units_per_window_under_clocks_that_differ);
    tcase_add_test(cases, quota_follows_a_table_of_windows);
    tcase_add_test(cases, quota_is_exact_at_the_ends_of_its_range);
    tcase_add_test(cases, quota_keeps_what_is_used_when_the_limit_changes);
    tcase_add_test(cases, quota_window_does_not_slide);
    tcase_add_test(cases, quota_survives_a_clock_that_goes_back);
    tcase_add_test(cases, quota_keeps_a_window_that_a_clock_ahead_has_begun);
    tcase_add_test(cases, quota_counts_a_repeated_second_once);
    tcase_add_test(cases, quota_is_not_forgotten_by_an_earlier_clock);
    tcase_add_test(cases, quota_behaves_alike_at_every_wrap);
    tcase_add_test(cases, quota_counts_at_time_zero);
    tcase_add_test(cases, quota_resets_when_the_calendar_says);
    tcase_add_test(cases, quota_is_not_doubled_by_a_change_of_offset);
    tcase_add_test(cases, quota_takes_the_carry_in_off_the_first_window_only);
    tcase_add_test(cases, quota_leaves_the_share_to_keep);
    tcase_add_test(cases, quota_seed_and_merge_never_grant);
    tcase_add_test(cases, quota_seed_drops_what_is_past);
    tcase_add_test(cases, quota_refund_gives_back_in_its_window_only);
    tcase_add_test(cases, quota_undo_takes_back_exactly_its_own);
    return run_tests(cases, "quota");
}
