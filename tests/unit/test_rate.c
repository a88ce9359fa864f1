/* SPDX-License-Identifier: BSD-2-Clause */
/* The rate limit's pure steps, against a 128-bit oracle and against the laws that ration.h promises. F.. and S.. are the rows
 * of the list of other systems' failures that each test stands for. RATION_SEED repeats a random run. */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/rate.h"

__extension__ typedef __int128 wide;

#define S RATION_SECOND
#define TICKS_PER_S ((uint64_t)RATION_TICKS_PER_S)
#define LAST_TICK (UINT64_C(15) * (1 << 25) * TICKS_PER_S) /* where an era ends */

/** As ck_assert, for loops of millions: Check's own notes every assertion, passed ones too, in a pipe. */
#define LAW(condition) \
    do { \
        if (!(condition)) { \
            ck_abort_msg("%s", #condition); \
        } \
    } while (0)

static uint64_t random_state;

static uint64_t draw(void)
{
    uint64_t z = (random_state += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/** Any number of bits with equal chance, so that small and huge both come up. */
static uint64_t draw_skewed(void)
{
    return draw() >> (draw() % 64);
}

static uint64_t draw_below(uint64_t end)
{
    return draw() % end;
}

static void seed_random(void)
{
    const char *given = getenv("RATION_SEED");

    random_state = given != NULL ? strtoull(given, NULL, 0) : UINT64_C(20261121);
    printf("RATION_SEED=%" PRIu64 "\n", random_state);
    fflush(stdout);
}

static ration_rule compiled(uint64_t units, uint64_t period_ns, uint64_t burst)
{
    const ration_limit limit = RATION_RATE(units, period_ns, burst);
    ration_rule rule;

    memset(&rule, 0, sizeof rule);
    ck_assert_int_eq(ration_rate_compile(&limit, &rule), RATION_OK);
    return rule;
}

static int compile_result(uint64_t units, uint64_t period_ns, uint64_t burst)
{
    const ration_limit limit = RATION_RATE(units, period_ns, burst);
    ration_rule rule, before;
    int result;

    memset(&rule, 0x5a, sizeof rule);
    before = rule;
    result = ration_rate_compile(&limit, &rule);
    if (result != RATION_OK) {
        ck_assert_mem_eq(&rule, &before, sizeof rule);
    }
    return result;
}

static ration_time at_ticks(uint64_t ticks)
{
    const ration_time time = {.now_ns = ticks / 16, .ticks = ticks, .s = (uint32_t)(ticks / TICKS_PER_S)};

    return time;
}

static ration_time at_ns(uint64_t ns)
{
    return at_ticks(ns * 16);
}

static ration_ask ask_for(uint64_t cost)
{
    const ration_ask ask = {.cost = cost, .least = cost};

    return ask;
}

/** Charges in place; units granted. */
static uint64_t take(uint64_t *word, const ration_rule *rule, uint64_t ns, uint64_t cost)
{
    const ration_time time = at_ns(ns);
    const ration_ask ask = ask_for(cost);

    return ration_rate_charge(*word, rule, &time, &ask, word);
}

static ration_report report_of(uint64_t word, const ration_rule *rule, uint64_t ns, uint64_t cost)
{
    const ration_time time = at_ns(ns);
    const ration_ask ask = ask_for(cost);
    ration_report report;

    ration_rate_report(word, rule, &time, &ask, &report);
    return report;
}

/* ------------------------------------------------------------------ oracle */

/** What the charge should be, in 128 bits, by definition rather than by the library's shortcuts. */
typedef struct oracle {
    uint64_t granted;
    uint64_t next;
    uint64_t remaining;
    uint64_t reset_ns;
    uint64_t retry_ns;
    uint64_t wait_ns;
    int insane;
} oracle;

static oracle consult(uint64_t word, const ration_rule *rule, const ration_limit *limit, const ration_time *time, const ration_ask *ask)
{
    const wide unit = ((wide)limit->period * 16 + limit->units - 1) / (wide)limit->units;
    const wide full = unit * limit->burst;
    const wide share = (wide)limit->burst - ((wide)limit->burst * ask->keep_permille + 999) / 1000;
    const wide most = share * unit + ask->wait_ticks;
    wide debt = (wide)word - time->ticks;
    wide units = 0;
    oracle answer = {0};

    if (debt > (wide)rule->as.rate.sane_ticks + time->wait_ticks + (wide)5 * 16 * 1000000000) {
        debt = full;
        answer.insane = 1;
    }
    debt = debt > 0 ? debt : 0;
    /* The most units of [least, cost] that the share and the room have place for. */
    if (most > debt) {
        units = (most - debt) / unit;
    }
    units = units < share ? units : share;
    units = units < (wide)ask->cost ? units : (wide)ask->cost;
    units = units < (wide)ask->least ? 0 : units;
    answer.granted = (uint64_t)units;
    if (units > 0) {
        answer.next = (uint64_t)(time->ticks + debt + units * unit);
        answer.wait_ns = debt + units * unit > share * unit ? (uint64_t)((debt + units * unit - share * unit + 15) / 16) : 0;
    } else {
        const wide short_of = debt + (wide)ask->least * unit - most;

        answer.next = answer.insane ? (uint64_t)(time->ticks + debt) : word;
        answer.retry_ns = (wide)ask->least > share ? UINT64_MAX : (uint64_t)((short_of + 15) / 16);
    }
    answer.remaining = debt < full ? (uint64_t)((full - debt) / unit) : 0;
    answer.reset_ns = (uint64_t)((debt + 15) / 16);
    return answer;
}

/** A limit of any size that compiles, its rule, and a time. */
static void draw_limit(ration_limit *limit, ration_rule *rule)
{
    memset(rule, 0, sizeof *rule);
    do {
        const ration_limit candidate = RATION_RATE(draw_skewed(), draw_skewed() >> 4, draw_skewed());

        *limit = candidate;
    } while (ration_rate_compile(limit, rule) != RATION_OK);
    if (draw_below(4) == 0) { /* as after a change from a larger limit */
        rule->as.rate.sane_ticks += draw_below(RATION_RATE_FULL_MAX - rule->as.rate.sane_ticks + 1);
    }
}

static ration_time draw_time(void)
{
    const uint64_t edges[] = {0, 16, LAST_TICK - 16, (UINT64_C(1) << 63) - 16};
    ration_time time = at_ticks(draw_below(8) == 0 ? edges[draw_below(4)] : (draw_skewed() >> 1) / 16 * 16);

    time.wait_ticks = draw_below(2) == 0 ? 0 : draw_below(RATION_WAIT_MAX * 16 + 1);
    return time;
}

static uint64_t draw_word(const ration_rule *rule, const ration_time *time)
{
    switch (draw_below(6)) {
    case 0:
        return draw();
    case 1:
        return UINT64_MAX - draw_below(2000);
    case 2: /* about the border of sanity */
        return time->ticks + rule->as.rate.sane_ticks + time->wait_ticks + RATION_SLACK_TICKS + draw_below(64) - 32;
    case 3: /* about the border of refusal */
        return time->ticks + rule->as.rate.full_ticks - draw_below(rule->as.rate.unit_ticks) + draw_below(32);
    case 4:
        return time->ticks + draw_below(rule->as.rate.full_ticks + 1);
    default:
        return draw_skewed();
    }
}

static ration_ask draw_ask(const ration_rule *rule, const ration_time *time)
{
    const uint64_t costs[] = {1, rule->limit, rule->limit + 1, INT64_MAX, 1 + draw_below(rule->limit), 1 + (draw_skewed() >> 2)};
    ration_ask ask = ask_for(costs[draw_below(6)]);

    ask.cost = ask.cost > INT64_MAX ? INT64_MAX : ask.cost;
    ask.least = draw_below(3) == 0 ? 1 : ask.cost;
    ask.wait_ticks = time->wait_ticks == 0 ? 0 : draw_below(time->wait_ticks / 16 + 1) * 16;
    ask.keep_permille = draw_below(3) == 0 ? (uint32_t)draw_below(1001) : 0;
    return ask;
}

START_TEST(charge_and_report_equal_the_128_bit_oracle) /* F1 F2 F7 F12 */
{
    uint32_t granted = 0, refused = 0, insane = 0, partial = 0, waited = 0;

    seed_random();
    for (uint32_t i = 0; i < 1000000; i++) {
        ration_limit limit;
        ration_rule rule;
        ration_time time;
        ration_ask ask;
        ration_report report;
        uint64_t word, next = 0, units;
        oracle expected;

        draw_limit(&limit, &rule);
        time = draw_time();
        word = draw_word(&rule, &time);
        ask = draw_ask(&rule, &time);
        expected = consult(word, &rule, &limit, &time, &ask);
        units = ration_rate_charge(word, &rule, &time, &ask, &next);
        ration_rate_report(word, &rule, &time, &ask, &report);
        if (units != expected.granted || next != expected.next || report.remaining != expected.remaining ||
            report.reset_ns != expected.reset_ns || report.retry_ns != expected.retry_ns || report.wait_ns != expected.wait_ns) {
            ck_abort_msg("state %u: units %" PRIu64 " period %" PRIu64 " burst %" PRIu64 " now %" PRIu64 " word %" PRIu64
                         " cost %" PRIu64 ": granted %" PRIu64 " for %" PRIu64 ", next %" PRIu64 " for %" PRIu64 ", retry %" PRIu64
                         " for %" PRIu64 ", remaining %" PRIu64 " for %" PRIu64,
                         i, limit.units, limit.period, limit.burst, time.ticks, word, ask.cost, units, expected.granted, next,
                         expected.next, report.retry_ns, expected.retry_ns, report.remaining, expected.remaining);
        }
        if (units > 0) {
            LAW(ration_rate_wait_ns(next, &rule, &time, &ask) == expected.wait_ns);
        }
        LAW(report.wait_ns * 16 <= ask.wait_ticks);
        granted += units > 0;
        refused += units == 0;
        insane += expected.insane != 0;
        partial += units > 0 && units < ask.cost;
        waited += expected.wait_ns > 0;
    }
    /* Each case must have come up often, or the run shows nothing. */
    LAW(granted > 100000);
    LAW(refused > 100000);
    LAW(insane > 50000);
    LAW(partial > 10000);
    ck_assert_uint_gt(waited, 10000);
}
END_TEST

START_TEST(retry_is_exact_to_the_nanosecond) /* F15 S10 */
{
    uint32_t checked = 0;

    seed_random();
    for (uint32_t i = 0; i < 1000000; i++) {
        ration_limit limit;
        ration_rule rule;
        ration_time time, later;
        ration_ask ask;
        ration_report report;
        uint64_t word, healed, ignored;

        draw_limit(&limit, &rule);
        time = draw_time();
        word = draw_word(&rule, &time);
        ask = draw_ask(&rule, &time);
        ration_rate_report(word, &rule, &time, &ask, &report);
        if (ration_rate_charge(word, &rule, &time, &ask, &healed) != 0) {
            LAW(report.retry_ns == 0);
            continue;
        }
        LAW(report.retry_ns >= 1);
        if (report.retry_ns >= ((UINT64_C(1) << 63) - time.ticks) / 16) {
            continue; /* never, or past the end of time */
        }
        later = time;
        later.ticks = time.ticks + report.retry_ns * 16;
        LAW(ration_rate_charge(healed, &rule, &later, &ask, &ignored) >= ask.least);
        later.ticks -= 16;
        LAW(ration_rate_charge(healed, &rule, &later, &ask, &ignored) == 0);
        checked++;
    }
    ck_assert_uint_gt(checked, 100000);
}
END_TEST

START_TEST(division_by_reciprocal_is_exact)
{
    seed_random();
    for (uint32_t i = 0; i < 1000000; i++) {
        ration_rule rule;
        uint64_t unit = 1600 + (draw_skewed() >> 1), ticks;

        memset(&rule, 0, sizeof rule);
        rule.as.rate.unit_ticks = unit;
        rule.as.rate.reciprocal = UINT64_MAX / unit;
        ticks = draw_below(2) == 0 ? draw_skewed() : draw_below(UINT64_MAX / unit) * unit + draw_below(3) - 1;
        LAW(ration_rate_units(&rule, ticks) == ticks / unit);
    }
}
END_TEST

/* -------------------------------------------------------------- parameters */

START_TEST(cost_beyond_the_limit_never_passes_and_changes_nothing) /* F1 */
{
    const ration_rule rule = compiled(1, 86400 * S, 1);
    uint64_t word = 12345, before = word;

    ck_assert_uint_eq(take(&word, &rule, 1000, 200000000), 0);
    ck_assert_uint_eq(word, before);
    ck_assert_uint_eq(report_of(word, &rule, 1000, 200000000).retry_ns, UINT64_MAX);
}
END_TEST

START_TEST(words_at_the_top_are_insane_at_any_time) /* F2 */
{
    const ration_rule rules[] = {compiled(10, S, 20), compiled(1, S, RATION_RATE_FULL_MAX / (16 * S))};
    const uint64_t times_ns[] = {0, 1, S, LAST_TICK / 16, INT64_MAX / 16};

    for (size_t r = 0; r < 2; r++) {
        for (size_t t = 0; t < 5; t++) {
            for (uint64_t k = 0; k < 2000; k++) {
                uint64_t word = UINT64_MAX - k;

                LAW(report_of(word, &rules[r], times_ns[t], 1).retry_ns == (rules[r].as.rate.unit_ticks + 15) / 16);
                LAW(take(&word, &rules[r], times_ns[t], 1) == 0);
                LAW(word == times_ns[t] * 16 + rules[r].as.rate.full_ticks);
            }
        }
    }
}
END_TEST

START_TEST(rates_too_slow_to_represent_are_refused) /* F3 */
{
    ck_assert_int_eq(compile_result(1, UINT64_C(10000000000) * S, 1), RATION_ERR_RANGE);
    ck_assert_int_eq(compile_result(1, UINT64_MAX, 1), RATION_ERR_RANGE);
    ck_assert_int_eq(compile_result(1, (UINT64_C(1) << 59) + 1, 1), RATION_ERR_RANGE);
    ck_assert_int_eq(compile_result(1, 315360000 * S, 1), RATION_OK); /* one in ten years */
    ck_assert_int_eq(compile_result(1, 315360000 * S, 2), RATION_ERR_RANGE);
    ck_assert_int_eq(compile_result(1, (UINT64_C(1) << 59), 1), RATION_ERR_RANGE); /* 2^63 ticks */
}
END_TEST

START_TEST(full_debt_stops_at_its_stated_limit)
{
    const uint64_t unit = 1600, most = RATION_RATE_FULL_MAX / unit;

    ck_assert_int_eq(compile_result(1, 100, most), RATION_OK);
    ck_assert_int_eq(compile_result(1, 100, most + 1), RATION_ERR_RANGE);
    ck_assert_int_eq(compile_result(1, 100, UINT64_MAX), RATION_ERR_RANGE);
    ck_assert_uint_le(compiled(1, 100, most).as.rate.full_ticks, RATION_RATE_FULL_MAX);
}
END_TEST

START_TEST(horizon_covers_full_debt_and_no_more)
{
    const struct {
        uint64_t period_ns, burst;
        uint8_t horizon;
    } rows[] = {{1000, 1, 1}, {S, 1, 1}, {S, 2, 2}, {S, 3, 3}, {S, 4, 3}, {S, 5, 4}, {S, 576000000, 31}};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ck_assert_uint_eq(compiled(1, rows[i].period_ns, rows[i].burst).horizon, rows[i].horizon);
    }
    ck_assert_uint_eq(compiled(1, S + 1, 1).horizon, 2);
}
END_TEST

START_TEST(times_told_are_positive_and_bounded) /* F4 */
{
    const ration_rule rules[] = {compiled(120, S, 120), compiled(1, 8640000 * S, 1)};
    const uint64_t longest_ns[] = {S + 120, 8640000 * S};

    for (size_t i = 0; i < 2; i++) {
        uint64_t word = 0;

        while (take(&word, &rules[i], 7, 1) == 1) {
            ck_assert_uint_gt(report_of(word, &rules[i], 7, 1).reset_ns, 0);
        }
        ck_assert_uint_le(report_of(word, &rules[i], 7, 1).reset_ns, longest_ns[i]);
        ck_assert_uint_gt(report_of(word, &rules[i], 7, 1).retry_ns, 0);
        ck_assert_uint_le(report_of(word, &rules[i], 7, 1).retry_ns, longest_ns[i]);
    }
}
END_TEST

START_TEST(zeroes_are_refused_at_compile) /* F5 */
{
    ck_assert_int_eq(compile_result(0, S, 0), RATION_ERR_RANGE);
    ck_assert_int_eq(compile_result(0, S, 1), RATION_ERR_RANGE);
    ck_assert_int_eq(compile_result(1, S, 0), RATION_ERR_RANGE);
    ck_assert_int_eq(compile_result(1, 0, 1), RATION_ERR_RANGE);
    ck_assert_int_eq(compile_result(0, 0, 0), RATION_ERR_RANGE);
}
END_TEST

/** Units admitted in [0, ns], asking whenever the last answer said to. */
static uint64_t saturate(const ration_rule *rule, uint64_t ns, uint64_t cost)
{
    uint64_t word = 0, total = 0, now = 0;

    while (now <= ns) {
        const uint64_t granted = take(&word, rule, now, cost);

        total += granted;
        now += granted > 0 ? 0 : report_of(word, rule, now, cost).retry_ns;
    }
    return total;
}

START_TEST(measured_rate_is_the_stated_one) /* F6 */
{
    const uint64_t rates[] = {999, 1001, 6000, 150000, 300000, 700000, 2000000, 9999999, 10000000};
    const uint64_t too_fast[] = {10000001, 999999999, 1000000000, 1000000001, UINT64_C(5000000000)};

    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        const ration_rule rule = compiled(rates[i], S, 1);
        const uint64_t cost_ns = rates[i] > 1000000 ? S / 10 : 10 * S;
        const uint64_t admitted = saturate(&rule, cost_ns, 1);
        const wide ideal = (wide)rates[i] * cost_ns;

        ck_assert((wide)(admitted - 1) * S <= ideal);
        /* Slower by the factor rate / 1.6e10 at most, and by the waking-up at whole ns that this caller adds. */
        ck_assert((wide)(admitted + 1) * S >= ideal - ideal * rates[i] / UINT64_C(16000000000) - ideal * rates[i] / S);
    }
    for (size_t i = 0; i < sizeof too_fast / sizeof too_fast[0]; i++) {
        ck_assert_int_eq(compile_result(too_fast[i], S, 1), RATION_ERR_RANGE);
    }
}
END_TEST

START_TEST(bulk_requests_pass_no_more_than_the_burst)
{
    const ration_rule rule = compiled(9999999, S, 1000000);
    uint64_t word = 0, total = 0, granted;

    while ((granted = take(&word, &rule, 5, 100)) > 0) {
        total += granted;
    }
    ck_assert_uint_eq(total, 1000000);
}
END_TEST

START_TEST(costs_at_the_border) /* F12 */
{
    const ration_rule rule = compiled(3, S, 7);
    uint64_t word = 0;

    ck_assert_uint_eq(take(&word, &rule, 100, 8), 0);
    ck_assert_uint_eq(take(&word, &rule, 100, UINT32_MAX), 0);
    ck_assert_uint_eq(take(&word, &rule, 100, INT64_MAX), 0);
    ck_assert_uint_eq(word, 0);
    ck_assert_uint_eq(report_of(word, &rule, 100, 8).retry_ns, UINT64_MAX);
    ck_assert_uint_eq(report_of(word, &rule, 100, INT64_MAX).retry_ns, UINT64_MAX);
    ck_assert_uint_eq(take(&word, &rule, 100, 7), 7);
    ck_assert_uint_eq(take(&word, &rule, 100, 1), 0);
}
END_TEST

/* ------------------------------------------------------------------- rates */

START_TEST(idle_bucket_is_full_however_long) /* F8 */
{
    const ration_rule rule = compiled(100, S, 50);
    const uint64_t idle_ns[] = {3600 * S, 31557600 * S, LAST_TICK / 16 - 1, INT64_MAX / 16 - 1};

    for (size_t i = 0; i < 4; i++) {
        uint64_t word = 0, admitted = 0;

        ck_assert_uint_eq(take(&word, &rule, 1, 50), 50);
        ck_assert_uint_eq(report_of(word, &rule, 1 + idle_ns[i], 1).remaining, 50);
        while (take(&word, &rule, 1 + idle_ns[i], 1) == 1) {
            admitted++;
        }
        ck_assert_uint_eq(admitted, 50);
    }
}
END_TEST

START_TEST(fractions_are_never_lost) /* F9: asked every ns; here every ns near each refill and coarser between */
{
    const ration_rule rule = compiled(1, S, 1);
    uint64_t word = 0, admitted = 0;

    for (uint64_t second = 0; second < 10; second++) {
        for (uint64_t ns = 0; ns < S; ns += ns < 2000 || ns >= S - 2000 ? 1 : 997) {
            admitted += take(&word, &rule, second * S + ns, 1);
        }
    }
    admitted += take(&word, &rule, 10 * S, 1);
    ck_assert_uint_eq(admitted, 1 + 10);
}
END_TEST

START_TEST(slow_rates_admit_the_first_at_once_and_the_next_on_time) /* F10 */
{
    const struct {
        uint64_t units, period_ns, unit_ns;
    } rows[] = {{10, 13 * S, 1300000000}, {1, 3600 * S, 3600 * S}, {1, 10000 * S, 10000 * S}, {1, 315360000 * S, 315360000 * S}};

    for (size_t i = 0; i < 4; i++) {
        const ration_rule rule = compiled(rows[i].units, rows[i].period_ns, 1);
        uint64_t word = 0;

        ck_assert_uint_eq(take(&word, &rule, 3, 1), 1);
        ck_assert_uint_eq(take(&word, &rule, 3 + rows[i].unit_ns - 1, 1), 0);
        ck_assert_uint_eq(take(&word, &rule, 3 + rows[i].unit_ns, 1), 1);
    }
}
END_TEST

START_TEST(no_spurious_unit_after_a_drain) /* F11 */
{
    for (uint64_t burst = 1; burst < 300; burst += 13) {
        const ration_rule rule = compiled(10, S, burst);
        uint64_t word = 0;

        for (uint64_t i = 0; i < burst; i++) {
            ck_assert_uint_eq(take(&word, &rule, 50, 1), 1);
        }
        ck_assert_uint_eq(take(&word, &rule, 50, 1), 0);
        ck_assert_uint_eq(take(&word, &rule, 50 + S / 10 - 1, 1), 0);
        ck_assert_uint_eq(take(&word, &rule, 50 + S / 10, 1), 1);
        ck_assert_uint_eq(take(&word, &rule, 50 + S / 10, 1), 0);
    }
}
END_TEST

START_TEST(below_the_rate_nothing_is_refused) /* S4: 4 000 a second under 5 000 */
{
    const ration_rule rule = compiled(5000, S, 1);
    uint64_t word = 0;

    for (uint64_t i = 0; i < 100000; i++) {
        LAW(take(&word, &rule, i * 250000, 1) == 1);
    }
}
END_TEST

/** Polls saturated at random times: what comes out must be the charge of the header to the unit. */
START_TEST(long_run_is_exact_for_any_arrivals) /* G3 F7 */
{
    seed_random();
    for (uint32_t round = 0; round < 300; round++) {
        ration_limit limit;
        ration_rule rule;
        uint64_t word = 0, total = 0, ticks = 0, unit;

        do {
            draw_limit(&limit, &rule);
        } while (limit.burst < 2);
        unit = rule.as.rate.unit_ticks;
        for (uint32_t i = 0; i < 3000; i++) {
            const ration_time time = at_ticks(ticks);
            ration_ask ask = ask_for(limit.burst); /* all there is: the bucket is never full for longer than an instant */

            ask.least = 1;
            total += ration_rate_charge(word, &rule, &time, &ask, &word);
            LAW(total == limit.burst + ticks / unit);
            /* Less than burst - 1 units of time apart: then no arrival finds the bucket full. */
            ticks += draw_below(draw_below(2) == 0 ? unit : rule.as.rate.full_ticks - unit) / 16 * 16;
            if (ticks > LAST_TICK) {
                break;
            }
        }
    }
}
END_TEST

/* ---------------------------------------------------------------------- G1 */

typedef struct grant {
    uint64_t start; /* ticks */
    uint64_t units;
} grant;

static int by_start(const void *a, const void *b)
{
    const grant *x = a, *y = b;

    return (x->start > y->start) - (x->start < y->start);
}

/** Every interval [a, b] of starts holds at most burst + rate * (b - a): rational, in 128 bits, by the stated rate. */
static void check_never_faster(const ration_limit *limit, grant *grants, size_t count)
{
    const wide period_ticks = (wide)limit->period * 16, units = (wide)limit->units;
    wide sum = 0, least = 0;

    qsort(grants, count, sizeof grants[0], by_start);
    for (size_t i = 0; i < count; i++) {
        /* sum * period - units * t, before the first and after the last grant of an interval */
        const wide before = sum * period_ticks - units * (wide)grants[i].start;

        least = i == 0 || before < least ? before : least;
        sum += grants[i].units;
        LAW(sum * period_ticks - units * (wide)grants[i].start - least <= (wide)limit->burst * period_ticks);
    }
}

START_TEST(no_interval_admits_more_than_burst_and_rate) /* G1 F18, mixed costs, keeps, partial grants, waits, refusals */
{
    static grant grants[20000];

    seed_random();
    for (uint32_t round = 0; round < 100; round++) {
        const uint64_t burst = 1 + (draw_skewed() >> (34 + draw_below(30)));
        const ration_limit limit = RATION_RATE(1 + draw_below(10000000), S * (1 + draw_below(100)), burst);
        const ration_rule rule = compiled(limit.units, limit.period, limit.burst);
        uint64_t word = 0, ticks = draw_below(1000) * 16;
        size_t count = 0;

        for (uint32_t i = 0; i < 20000; i++) {
            ration_time time = at_ticks(ticks);
            ration_ask ask = ask_for(1 + draw_below(draw_below(2) == 0 ? 2 : burst + 1));
            uint64_t units, full;

            time.wait_ticks = 3 * rule.as.rate.full_ticks < RATION_WAIT_MAX * 16 ? 3 * rule.as.rate.full_ticks : RATION_WAIT_MAX * 16;
            ask.least = draw_below(2) == 0 ? 1 : ask.cost;
            ask.keep_permille = draw_below(4) == 0 ? (uint32_t)draw_below(1001) : 0;
            ask.wait_ticks = draw_below(4) == 0 ? draw_below(time.wait_ticks / 16) * 16 : 0;
            units = ration_rate_charge(word, &rule, &time, &ask, &word);
            if (units > 0) {
                full = ration_ask_share(limit.burst, ask.keep_permille) * rule.as.rate.unit_ticks;
                grants[count].start = word - ticks > full ? word - full : ticks;
                LAW((grants[count].start - ticks + 15) / 16 == ration_rate_wait_ns(word, &rule, &time, &ask));
                grants[count++].units = units;
            }
            ticks += draw_below(3) == 0 ? 0 : draw_below(draw_below(50) == 0 ? rule.as.rate.full_ticks * 2 : rule.as.rate.unit_ticks * 3);
            ticks = ticks / 16 * 16;
        }
        LAW(count > 100);
        check_never_faster(&limit, grants, count);
    }
}
END_TEST

/* ------------------------------------------------------------------- clock */

START_TEST(lagging_worker_neither_slows_nor_speeds) /* F18: two workers, the second 5 ms behind */
{
    const ration_rule rule = compiled(1000, S, 100);
    const uint64_t lag_ns = 5000000, step_ns = 100000;
    uint64_t word = 0, total = 0, last = 0;

    for (uint64_t i = 0; i < 500000; i++) {
        last = S + i * step_ns;
        total += take(&word, &rule, last, 1);
        total += take(&word, &rule, last - lag_ns, 1);
    }
    ck_assert_uint_eq(total, 100 + (last - S) / 1000000);
}
END_TEST

/** Asks every ms of true time with a clock that is `shift` off; the first grant's time after `from`, and the units in all. */
static uint64_t poll_shifted(uint64_t *word, const ration_rule *rule, uint64_t from_ns, uint64_t to_ns, int64_t shift_ns, uint64_t *units)
{
    uint64_t first = UINT64_MAX;

    for (uint64_t now = from_ns; now < to_ns; now += 1000000) {
        const uint64_t granted = take(word, rule, now + (uint64_t)shift_ns, 1);

        first = granted > 0 && first == UINT64_MAX ? now - from_ns : first;
        *units += granted;
    }
    return first;
}

START_TEST(clock_steps_lock_nobody_out_and_grant_one_burst_at_most) /* F19 G7 */
{
    const ration_rule rule = compiled(10, S, 20);
    const uint64_t start = 200000 * S, refill_ns = 2 * S;
    const int64_t hour = 3600 * (int64_t)S;
    const int64_t shifts[3][6] = {{0, -8 * hour, -8 * hour, -8 * hour, -8 * hour, -8 * hour},
                                  {0, -11 * (int64_t)S, -22 * (int64_t)S, -33 * (int64_t)S, -44 * (int64_t)S, -55 * (int64_t)S},
                                  {0, hour, 0, hour, 0, hour}};
    const uint64_t jumps[3] = {1, 5, 5};

    for (size_t row = 0; row < 3; row++) {
        uint64_t word = 0, units = 0, now = start;

        for (size_t part = 0; part < 6; part++) {
            const uint64_t first = poll_shifted(&word, &rule, now, now + 10 * S, shifts[row][part], &units);

            ck_assert_uint_le(first, refill_ns + 5 * S + 1000000);
            now += 10 * S;
        }
        ck_assert_uint_le(units, 20 + 600 + 20 * jumps[row]);
    }
}
END_TEST

START_TEST(small_step_back_is_no_step) /* F20: 10 us lower */
{
    const ration_rule rule = compiled(1000, S, 5);
    uint64_t word = 0, reached;

    ck_assert_uint_eq(take(&word, &rule, S, 3), 3);
    reached = word;
    ck_assert_uint_eq(take(&word, &rule, S - 10000, 1), 1);
    ck_assert_uint_eq(word, reached + rule.as.rate.unit_ticks);
    ck_assert_uint_eq(take(&word, &rule, S - 10000, 1), 0); /* 10 us too early for the fifth */
    ck_assert_uint_eq(take(&word, &rule, S, 1), 1);
    ck_assert_uint_eq(take(&word, &rule, S, 1), 0);
}
END_TEST

START_TEST(time_has_no_wraps) /* F21 */
{
    const ration_rule rule = compiled(7, S, 12);
    const uint64_t bases_ns[] = {UINT64_C(1) << 31, (UINT64_C(1) << 32) * 1000000 % (LAST_TICK / 16), UINT64_C(1) << 40,
                                 UINT64_C(1) << 48, (UINT64_C(1) << 58), LAST_TICK / 16, (UINT64_C(1) << 59) - 3 * S};

    seed_random();
    for (size_t b = 0; b < sizeof bases_ns / sizeof bases_ns[0]; b++) {
        const uint64_t origin = 1000 * S, offset = bases_ns[b] - S;
        uint64_t here = 0, there = 0;

        for (uint64_t ns = 0; ns < 3 * S; ns += draw_below(S / 20)) {
            const uint64_t cost = 1 + draw_below(4);
            const ration_report expected = report_of(here, &rule, origin + ns, cost), got = report_of(there, &rule, offset + ns, cost);

            LAW(memcmp(&got, &expected, sizeof got) == 0);
            LAW(take(&there, &rule, offset + ns, cost) == take(&here, &rule, origin + ns, cost));
            LAW(there - offset * 16 == here - origin * 16);
        }
    }
}
END_TEST

START_TEST(the_first_instants_are_times_like_others) /* F24 */
{
    const ration_rule rule = compiled(10, S, 2);

    for (uint64_t now = 0; now < 3; now++) {
        uint64_t word = 0;

        ck_assert_uint_eq(report_of(word, &rule, now, 1).remaining, 2);
        ck_assert_uint_eq(take(&word, &rule, now, 1), 1);
        ck_assert_uint_eq(take(&word, &rule, now, 1), 1);
        ck_assert_uint_eq(take(&word, &rule, now, 1), 0);
        ck_assert_uint_eq(take(&word, &rule, now + S / 10, 1), 1);
    }
}
END_TEST

/* ---------------------------------------------------------- changes, refusals */

START_TEST(changed_limits_refill_nothing) /* F16 */
{
    const ration_rule large = compiled(100, S, 100), faster = compiled(100, S, 10);
    ration_rule small = compiled(10, S, 10);
    uint64_t word = 0;

    small.as.rate.sane_ticks = large.as.rate.sane_ticks;
    ck_assert_uint_eq(take(&word, &large, S, 100), 100); /* 1 s of debt */
    ck_assert_uint_eq(take(&word, &small, S, 1), 0);
    ck_assert_uint_eq(report_of(word, &small, S, 1).retry_ns, S / 10);
    ck_assert_uint_eq(report_of(word, &small, 100 * S, 1).remaining, 10);

    word = 0;
    ck_assert_uint_eq(take(&word, &small, S, 10), 10); /* 1 s of debt again, which is 100 units of the larger limit */
    ck_assert_uint_eq(report_of(word, &large, S, 1).remaining, 0);
    ck_assert_uint_eq(take(&word, &large, S, 1), 0);

    /* The interval shrinks: the debt is now ten times the burst, and sane because an older version could have made it. */
    word = 0;
    small.as.rate.sane_ticks = small.as.rate.full_ticks;
    ck_assert_uint_eq(take(&word, &small, 60 * S, 10), 10);
    ck_assert_uint_eq(report_of(word, &faster, 60 * S, 1).remaining, 0);
    ck_assert_uint_eq(take(&word, &faster, 60 * S, 1), 0);
    ck_assert_uint_eq(report_of(word, &faster, 60 * S, 1).retry_ns, S - S / 10 + S / 100);
}
END_TEST

START_TEST(a_negative_cost_does_not_exist_and_a_refund_is_bounded) /* S2 F13 */
{
    const ration_rule rule = compiled(10, S, 20);
    const ration_time time = at_ns(5 * S);
    uint64_t word = 0;

    ck_assert_uint_eq(take(&word, &rule, 5 * S, (uint64_t)-1), 0);
    ck_assert_uint_eq(word, 0);
    ck_assert_uint_eq(take(&word, &rule, 5 * S, 3), 3);
    word = ration_rate_refund(word, &rule, &time, time.ticks, 1, UINT64_C(1) << 52); /* times the unit: 0 in 64 bits */
    ck_assert_uint_eq(report_of(word, &rule, 5 * S, 1).remaining, 18);
    word = ration_rate_refund(word, &rule, &time, time.ticks, 1, UINT64_MAX);
    ck_assert_uint_eq(report_of(word, &rule, 5 * S, 1).remaining, 19);
    ck_assert_uint_eq(ration_rate_refund(word, &rule, &time, time.ticks, UINT64_C(1) << 52, 1), time.ticks);
    word = ration_rate_refund(word, &rule, &time, time.ticks, UINT64_MAX, UINT64_MAX);
    ck_assert_uint_eq(report_of(word, &rule, 5 * S, 1).remaining, 20);
    word = ration_rate_refund(word, &rule, &time, time.ticks, UINT64_MAX, UINT64_MAX);
    ck_assert_uint_eq(report_of(word, &rule, 5 * S, 1).remaining, 20);
}
END_TEST

START_TEST(refusals_spend_nothing) /* S8 G4 */
{
    const ration_rule rule = compiled(10, S, 20);
    uint64_t word = 0, before;

    LAW(take(&word, &rule, S, 20) == 20);
    before = word;
    for (uint32_t i = 0; i < 1000000; i++) {
        LAW(take(&word, &rule, S + i, 1) == 0);
    }
    LAW(word == before);
    ck_assert_uint_eq(take(&word, &rule, S + S / 10, 1), 1);
}
END_TEST

START_TEST(an_insane_word_is_healed_once)
{
    const ration_rule rule = compiled(10, S, 20);
    uint64_t word = (100 * S + 2 * S + 5 * S) * 16 + 1, healed;

    ck_assert_uint_eq(take(&word, &rule, 100 * S, 1), 0);
    healed = word;
    ck_assert_uint_eq(healed, (100 * S + 2 * S) * 16);
    ck_assert_uint_eq(take(&word, &rule, 100 * S, 1), 0);
    ck_assert_uint_eq(word, healed);

    word = (100 * S + 2 * S + 5 * S) * 16; /* a tick less is what a lagging clock may leave */
    ck_assert_uint_eq(take(&word, &rule, 100 * S, 1), 0);
    ck_assert_uint_eq(word, (100 * S + 2 * S + 5 * S) * 16);
}
END_TEST

/* ------------------------------------------------------- partial, keep, wait */

START_TEST(partial_grants_give_what_there_is)
{
    const ration_rule rule = compiled(10, S, 20);
    const ration_time time = at_ns(S);
    ration_ask ask = ask_for(50);
    uint64_t word = 0;

    ask.least = 21;
    ck_assert_uint_eq(ration_rate_charge(word, &rule, &time, &ask, &word), 0);
    ask.least = 5;
    ck_assert_uint_eq(take(&word, &rule, S, 8), 8);
    ck_assert_uint_eq(ration_rate_charge(word, &rule, &time, &ask, &word), 12);
    ck_assert_uint_eq(ration_rate_charge(word, &rule, &time, &ask, &word), 0);
    ck_assert_uint_eq(word, (S + 2 * S) * 16);
}
END_TEST

START_TEST(keep_leaves_its_share_free)
{
    const ration_rule rule = compiled(10, S, 21);
    const ration_time time = at_ns(S);
    ration_ask ask = ask_for(1);
    ration_report report;
    uint64_t word = 0, admitted = 0;

    ask.keep_permille = 200; /* 4.2 units, rounded against the request: 5 */
    while (ration_rate_charge(word, &rule, &time, &ask, &word) > 0) {
        admitted++;
    }
    ck_assert_uint_eq(admitted, 16);
    ration_rate_report(word, &rule, &time, &ask, &report);
    ck_assert_uint_eq(report.remaining, 5);
    ck_assert_uint_eq(report.retry_ns, S / 10);
    ask.cost = ask.least = 17;
    ration_rate_report(0, &rule, &time, &ask, &report);
    ck_assert_uint_eq(report.retry_ns, UINT64_MAX);
    ask.keep_permille = 1000;
    ask.cost = ask.least = 1;
    ck_assert_uint_eq(ration_rate_charge(0, &rule, &time, &ask, &word), 0);
}
END_TEST

START_TEST(waits_borrow_no_further_than_accepted)
{
    const ration_rule rule = compiled(10, S, 2);
    ration_time time = at_ns(S);
    ration_ask ask = ask_for(1);
    uint64_t word = 0;

    time.wait_ticks = ask.wait_ticks = S * 16 / 4;
    for (uint64_t i = 0; i < 4; i++) {
        ck_assert_uint_eq(ration_rate_charge(word, &rule, &time, &ask, &word), 1);
        ck_assert_uint_eq(ration_rate_wait_ns(word, &rule, &time, &ask), i < 2 ? 0 : (i - 1) * S / 10);
    }
    ck_assert_uint_eq(ration_rate_charge(word, &rule, &time, &ask, &word), 0);
    ck_assert_uint_eq(report_of(word, &rule, S, 1).retry_ns, 3 * S / 10); /* for one that does not wait */
}
END_TEST

/* ------------------------------------------------------------ refund and undo */

typedef struct charge_record {
    uint64_t decided, units;
    int refunded;
} charge_record;

/**
 * World A charges and refunds later; world B was asked for less at once. B must be able to grant the same, and A must never owe
 * less than B.
 */
START_TEST(refunds_never_grant) /* G1 */
{
    uint32_t tight = 0, refunds = 0;

    seed_random();
    for (uint32_t round = 0; round < 2000; round++) {
        const uint64_t burst = 1 + draw_below(50);
        const ration_rule rule = compiled(1 + draw_below(100000), S, burst);
        charge_record records[64];
        uint64_t backs[64], a = 0, b = 0, ticks = draw_below(100) * 16;
        uint32_t count = 0;

        for (uint32_t i = 0; i < 400; i++) {
            const ration_time time = at_ticks(ticks);

            if (draw_below(2) == 0 && count < 64) {
                const ration_ask ask = ask_for(1 + draw_below(burst));
                const uint64_t units = ration_rate_charge(a, &rule, &time, &ask, &a);

                if (units > 0) {
                    ration_ask smaller;

                    backs[count] = draw_below(units + 1);
                    records[count] = (charge_record){.decided = ticks, .units = units};
                    smaller = ask_for(units - backs[count]);
                    if (smaller.cost > 0) {
                        LAW(ration_rate_charge(b, &rule, &time, &smaller, &b) == smaller.cost);
                    }
                    count++;
                }
            } else if (count > 0) {
                const uint32_t chosen = (uint32_t)draw_below(count);

                if (!records[chosen].refunded) {
                    a = ration_rate_refund(a, &rule, &time, records[chosen].decided, records[chosen].units, backs[chosen]);
                    records[chosen].refunded = 1;
                    refunds++;
                }
            }
            LAW((a > ticks ? a - ticks : 0) >= (b > ticks ? b - ticks : 0));
            tight += a == b && a > ticks;
            ticks += draw_below(3) == 0 ? 0 : draw_below(rule.as.rate.unit_ticks * 8) / 16 * 16;
        }
    }
    LAW(refunds > 10000);
    LAW(tight > 1000); /* and often all of it comes back */
}
END_TEST

START_TEST(refund_knows_what_has_refilled)
{
    const ration_rule rule = compiled(10, S, 10);
    uint64_t word = 0;
    ration_time time = at_ns(S);

    ck_assert_uint_eq(take(&word, &rule, S, 4), 4);
    ck_assert_uint_eq(ration_rate_refund(word, &rule, &time, time.ticks, 4, 3), word - 3 * rule.as.rate.unit_ticks);
    time = at_ns(S + S / 10); /* one of four units refilled: three can still come back, not less */
    ck_assert_uint_eq(ration_rate_refund(word, &rule, &time, 16 * S, 4, 3), word - 3 * rule.as.rate.unit_ticks);
    time = at_ns(S + 3 * S / 10);
    ck_assert_uint_eq(ration_rate_refund(word, &rule, &time, 16 * S, 4, 3), word - 1 * rule.as.rate.unit_ticks);
    time = at_ns(S + 4 * S / 10);
    ck_assert_uint_eq(ration_rate_refund(word, &rule, &time, 16 * S, 4, 4), word);
    /* Somebody else's debt stays when the time of the refunded charge is over. */
    ck_assert_uint_eq(take(&word, &rule, S + 4 * S / 10, 9), 9);
    ck_assert_uint_eq(ration_rate_refund(word, &rule, &time, 16 * S, 4, 4), word);
    /* A clock that went back gives back the whole, and no more. */
    time = at_ns(S / 2);
    ck_assert_uint_eq(ration_rate_refund(word, &rule, &time, 16 * S, 4, 4), word - 4 * rule.as.rate.unit_ticks);
    /* A full bucket's word stays, and one that owes less than what comes back stops at now, not below zero. */
    ck_assert_uint_eq(ration_rate_refund(5, &rule, &time, time.ticks, 4, 4), 5);
    time = at_ns(1);
    ck_assert_uint_eq(ration_rate_refund(17, &rule, &time, 16, 4, 4), 16);
}
END_TEST

START_TEST(undo_restores_what_would_have_been) /* G2: exact, others charging meanwhile or time passing */
{
    uint32_t restored = 0;

    seed_random();
    for (uint32_t i = 0; i < 200000; i++) {
        const uint64_t burst = 2 + draw_below(30);
        const ration_rule rule = compiled(1 + draw_below(100000), S, burst);
        const uint64_t start = draw_below(1000) * 16;
        const ration_time time = at_ticks(start);
        const uint64_t before = draw_below(3) == 0 ? draw_below(start + 1) : start + draw_below(rule.as.rate.full_ticks);
        const ration_ask ask = ask_for(1 + draw_below(burst));
        uint64_t with = before, without = before, units, later;
        ration_time then;

        units = ration_rate_charge(before, &rule, &time, &ask, &with);
        if (units == 0) {
            continue;
        }
        later = start + draw_below(rule.as.rate.full_ticks / 16 + 2) * 16 * draw_below(2);
        then = at_ticks(later);
        if (draw_below(2) == 0) { /* somebody else was charged in between, in both worlds */
            const ration_ask other = ask_for(1 + draw_below(burst));

            if (ration_rate_charge(with, &rule, &then, &other, &with) > 0) {
                LAW(ration_rate_charge(without, &rule, &then, &other, &without) == other.cost);
            }
        }
        with = ration_rate_undo(with, &rule, &then, before, start, units * rule.as.rate.unit_ticks);
        LAW((with > later ? with - later : 0) == (without > later ? without - later : 0));
        restored++;
    }
    ck_assert_uint_gt(restored, 50000);
}
END_TEST

START_TEST(seed_owes_at_most_full_debt)
{
    const ration_rule rule = compiled(10, S, 20);
    const ration_time time = at_ns(100 * S);

    ck_assert_uint_eq(ration_rate_seed(0, &rule, &time), 0);
    ck_assert_uint_eq(ration_rate_seed(100 * S * 16, &rule, &time), 0);
    ck_assert_uint_eq(ration_rate_seed(100 * S * 16 + 1, &rule, &time), 100 * S * 16 + 1);
    ck_assert_uint_eq(ration_rate_seed(102 * S * 16, &rule, &time), 102 * S * 16);
    ck_assert_uint_eq(ration_rate_seed(102 * S * 16 + 1, &rule, &time), 102 * S * 16);
    ck_assert_uint_eq(ration_rate_seed(UINT64_MAX, &rule, &time), 102 * S * 16);
    ck_assert_uint_eq(ration_rate_merge(3, 9), 9);
    ck_assert_uint_eq(ration_rate_merge(9, 3), 9);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("rate");
    TCase *parameters = tcase_create("parameters"), *laws = tcase_create("laws"), *times = tcase_create("times");
    SRunner *runner;
    int failed;

    tcase_add_test(parameters, cost_beyond_the_limit_never_passes_and_changes_nothing);
    tcase_add_test(parameters, words_at_the_top_are_insane_at_any_time);
    tcase_add_test(parameters, rates_too_slow_to_represent_are_refused);
    tcase_add_test(parameters, full_debt_stops_at_its_stated_limit);
    tcase_add_test(parameters, horizon_covers_full_debt_and_no_more);
    tcase_add_test(parameters, times_told_are_positive_and_bounded);
    tcase_add_test(parameters, zeroes_are_refused_at_compile);
    tcase_add_test(parameters, measured_rate_is_the_stated_one);
    tcase_add_test(parameters, bulk_requests_pass_no_more_than_the_burst);
    tcase_add_test(parameters, costs_at_the_border);
    tcase_add_test(laws, charge_and_report_equal_the_128_bit_oracle);
    tcase_add_test(laws, retry_is_exact_to_the_nanosecond);
    tcase_add_test(laws, division_by_reciprocal_is_exact);
    tcase_add_test(laws, fractions_are_never_lost);
    tcase_add_test(laws, slow_rates_admit_the_first_at_once_and_the_next_on_time);
    tcase_add_test(laws, no_spurious_unit_after_a_drain);
    tcase_add_test(laws, below_the_rate_nothing_is_refused);
    tcase_add_test(laws, long_run_is_exact_for_any_arrivals);
    tcase_add_test(laws, no_interval_admits_more_than_burst_and_rate);
    tcase_add_test(laws, changed_limits_refill_nothing);
    tcase_add_test(laws, a_negative_cost_does_not_exist_and_a_refund_is_bounded);
    tcase_add_test(laws, refusals_spend_nothing);
    tcase_add_test(laws, an_insane_word_is_healed_once);
    tcase_add_test(laws, partial_grants_give_what_there_is);
    tcase_add_test(laws, keep_leaves_its_share_free);
    tcase_add_test(laws, waits_borrow_no_further_than_accepted);
    tcase_add_test(laws, refunds_never_grant);
    tcase_add_test(laws, refund_knows_what_has_refilled);
    tcase_add_test(laws, undo_restores_what_would_have_been);
    tcase_add_test(laws, seed_owes_at_most_full_debt);
    tcase_add_test(times, idle_bucket_is_full_however_long);
    tcase_add_test(times, lagging_worker_neither_slows_nor_speeds);
    tcase_add_test(times, clock_steps_lock_nobody_out_and_grant_one_burst_at_most);
    tcase_add_test(times, small_step_back_is_no_step);
    tcase_add_test(times, time_has_no_wraps);
    tcase_add_test(times, the_first_instants_are_times_like_others);
    suite_add_tcase(suite, parameters);
    suite_add_tcase(suite, laws);
    suite_add_tcase(suite, times);
    tcase_set_timeout(parameters, 120);
    tcase_set_timeout(laws, 120);
    tcase_set_timeout(times, 120);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
