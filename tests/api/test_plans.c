/* SPDX-License-Identifier: BSD-2-Clause */
/** @file test_plans.c Plans replaced while in use keep what keys have consumed (G8), and quotas begin where they are told to. */
#include "fixture.h"

/* A time in seconds since 1970, and what is left of its window. */
typedef struct boundary {
    uint64_t at_s;
    uint64_t until_s;
} boundary;

static uint64_t reset_of(ration_limiter *limiter, uint32_t plan, const char *key, size_t index)
{
    ration_usage usages[RATION_LIMITS_MAX];
    ration_request request = request_of(plan, key, 1);
    ck_assert_uint_lt(index, look(limiter, &request, usages));
    return usages[index].reset_ns;
}

START_TEST(a_plan_that_was_never_set_is_an_error)
{
    ration_limiter *limiter = open_at(NEW_YEAR);
    static const uint32_t unset[] = {0, 15, 16, UINT32_MAX};
    for (size_t i = 0; i < sizeof unset / sizeof unset[0]; i++) {
        ration_request request = request_of(unset[i], "a", 1);
        ration_decision decision;
        memset(&decision, 0xa5, sizeof decision);
        ck_assert_int_eq(ration_acquire(limiter, &request, &decision), RATION_ERR_NO_PLAN);
        ck_assert_uint_eq(decision.allowed, 0);
        ck_assert_uint_eq(decision.reason, RATION_REASON_ERROR);
    }
    ration_close(limiter);
}
END_TEST

START_TEST(a_changed_rate_keeps_the_time_to_full) /* F16, S11 */
{
    const ration_limit changes[] = {RATION_RATE(100, RATION_SECOND, 20), RATION_RATE(1, RATION_SECOND, 20),
                                    RATION_RATE(1, RATION_MINUTE, 100), RATION_RATE(10, RATION_SECOND, 5),
                                    RATION_RATE(10, RATION_SECOND, 200)};
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        ration_limiter *limiter = open_at(NEW_YEAR);
        ration_limit limit = RATION_RATE(10, RATION_SECOND, 20);
        set_plan(limiter, 1, &limit, 1);
        ck_assert_uint_eq(ask(limiter, 1, "a", 15).allowed, 1);
        set_plan(limiter, 1, &changes[i], 1);
        ck_assert_uint_eq(reset_of(limiter, 1, "a", 0), 1500 * RATION_MILLISECOND);
        ck_assert_uint_lt(left_of(limiter, 1, "a", 0), changes[i].burst);
        fake_now_ns += 1500 * RATION_MILLISECOND - 1;
        ck_assert_uint_lt(left_of(limiter, 1, "a", 0), changes[i].burst);
        fake_now_ns++;
        ck_assert_uint_eq(left_of(limiter, 1, "a", 0), changes[i].burst);
        ration_close(limiter);
    }
}
END_TEST

START_TEST(changed_units_keep_the_units_used) /* F16, S11 */
{
    const ration_limit kinds[] = {RATION_QUOTA(100, RATION_CALENDAR_DAY), RATION_QUOTA(100, RATION_MINUTE),
                                  RATION_SLIDING(100, RATION_MINUTE)};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        ration_limiter *limiter = open_at(NEW_YEAR);
        ration_limit limit = kinds[i];
        set_plan(limiter, 1, &limit, 1);
        ck_assert_uint_eq(ask(limiter, 1, "a", 60).allowed, 1);
        limit.units = 10;
        set_plan(limiter, 1, &limit, 1);
        ck_assert_uint_eq(left_of(limiter, 1, "a", 0), 0);
        ck_assert_uint_eq(ask(limiter, 1, "a", 1).allowed, 0);
        ck_assert_uint_eq(ask(limiter, 1, "b", 10).allowed, 1);
        limit.units = 1000;
        set_plan(limiter, 1, &limit, 1);
        ck_assert_uint_eq(left_of(limiter, 1, "a", 0), 940);
        ck_assert_uint_eq(left_of(limiter, 1, "b", 0), 990);
        ration_close(limiter);
    }
}
END_TEST

START_TEST(a_changed_window_kind_or_name_starts_anew)
{
    const ration_limit changes[] = {RATION_QUOTA(100, RATION_HOUR, .name = "x"), RATION_SLIDING(100, RATION_MINUTE, .name = "x"),
                                    RATION_QUOTA(100, RATION_CALENDAR_DAY, .name = "x"),
                                    RATION_QUOTA(100, RATION_MINUTE, .name = "y"),
                                    RATION_RATE(1, RATION_SECOND, 100, .name = "x")};
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        ration_limiter *limiter = open_at(NEW_YEAR);
        ration_limit limit = RATION_QUOTA(100, RATION_MINUTE, .name = "x");
        set_plan(limiter, 1, &limit, 1);
        ck_assert_uint_eq(ask(limiter, 1, "a", 60).allowed, 1);
        set_plan(limiter, 1, &changes[i], 1);
        ck_assert_uint_eq(left_of(limiter, 1, "a", 0), 100);
        set_plan(limiter, 1, &limit, 1);
        ck_assert_uint_eq(left_of(limiter, 1, "a", 0), 40);
        ration_close(limiter);
    }
}
END_TEST

START_TEST(limits_are_matched_by_name_and_not_by_place)
{
    ration_limiter *limiter = open_at(NEW_YEAR);
    ration_limit first = RATION_QUOTA(100, RATION_CALENDAR_DAY, .name = "first");
    ration_limit second = RATION_QUOTA(100, RATION_CALENDAR_DAY, .name = "second", .counts = RATION_CALLS);
    ration_limit added = RATION_QUOTA(100, RATION_CALENDAR_DAY, .name = "added");
    ration_limit before[] = {first, second}, after[] = {added, second, first};
    set_plan(limiter, 1, before, 2);
    ck_assert_uint_eq(ask(limiter, 1, "a", 30).allowed, 1);
    set_plan(limiter, 1, after, 3);
    ck_assert_uint_eq(left_of(limiter, 1, "a", 0), 100);
    ck_assert_uint_eq(left_of(limiter, 1, "a", 1), 99);
    ck_assert_uint_eq(left_of(limiter, 1, "a", 2), 70);
    ration_close(limiter);
}
END_TEST

START_TEST(plans_do_not_share_a_limit_unless_both_say_so)
{
    ration_limiter *limiter = open_at(NEW_YEAR);
    ration_limit own = RATION_QUOTA(100, RATION_CALENDAR_DAY),
                 shared = RATION_QUOTA(100, RATION_CALENDAR_DAY, .flags = RATION_SHARED);
    set_plan(limiter, 1, &own, 1);
    set_plan(limiter, 2, &own, 1);
    set_plan(limiter, 3, &shared, 1);
    set_plan(limiter, 4, &shared, 1);
    ck_assert_uint_eq(ask(limiter, 1, "a", 10).allowed, 1);
    ck_assert_uint_eq(ask(limiter, 3, "a", 30).allowed, 1);
    ck_assert_uint_eq(left_of(limiter, 1, "a", 0), 90);
    ck_assert_uint_eq(left_of(limiter, 2, "a", 0), 100);
    ck_assert_uint_eq(left_of(limiter, 3, "a", 0), 70);
    ck_assert_uint_eq(left_of(limiter, 4, "a", 0), 70);
    ration_close(limiter);
}
END_TEST

START_TEST(a_thousand_changes_refill_nothing_and_cost_no_memory) /* S11 */
{
    ration_limiter *limiter = open_at(NEW_YEAR);
    ration_stats before = {.size = sizeof before}, after = {.size = sizeof after};
    unsigned admitted = 0;
    ck_assert_int_eq(ration_get_stats(limiter, &before), RATION_OK);
    for (unsigned i = 0; i < 1000; i++) {
        ration_limit limits[] = {RATION_RATE(1, RATION_HOUR, 500 + i % 3), RATION_QUOTA(300 + i % 2, RATION_CALENDAR_DAY)};
        set_plan(limiter, 1, limits, 2);
        admitted += ask(limiter, 1, "a", 1).allowed;
        ck_assert_uint_eq(left_of(limiter, 1, "a", 1), i < 300 ? 299 + i % 2 - i : 0);
    }
    ck_assert_uint_eq(admitted, 301);
    ck_assert_int_eq(ration_get_stats(limiter, &after), RATION_OK);
    ck_assert_uint_eq(after.memory_bytes, before.memory_bytes);
    ck_assert_uint_eq(after.inserted, 2);
    ration_close(limiter);
}
END_TEST

START_TEST(limits_are_copied)
{
    ration_limiter *limiter = open_at(NEW_YEAR);
    char name[] = "passing";
    ration_limit limit = RATION_QUOTA(100, RATION_CALENDAR_DAY, .name = name);
    ration_usage usages[RATION_LIMITS_MAX];
    ration_request request = request_of(1, "a", 1);
    set_plan(limiter, 1, &limit, 1);
    memset(name, 'x', sizeof name);
    memset(&limit, 0xa5, sizeof limit);
    ck_assert_uint_eq(look(limiter, &request, usages), 1);
    ck_assert_str_eq(usages[0].name, "passing");
    ck_assert_uint_eq(usages[0].limit, 100);
    ration_close(limiter);
}
END_TEST

START_TEST(carry_in_is_taken_off_the_first_window_only)
{
    ration_limiter *limiter = open_at(NEW_YEAR + RATION_HOUR);
    ration_limit limit = RATION_QUOTA(100, RATION_CALENDAR_DAY, .carry_in = 30);
    set_plan(limiter, 1, &limit, 1);
    ck_assert_uint_eq(ask(limiter, 1, "a", 71).allowed, 0);
    ck_assert_uint_eq(ask(limiter, 1, "a", 70).allowed, 1);
    fake_now_ns += 12 * RATION_HOUR;
    set_plan(limiter, 1, &limit, 1); /* the same again: not carried in twice */
    ck_assert_uint_eq(left_of(limiter, 1, "a", 0), 0);
    ck_assert_uint_eq(left_of(limiter, 1, "b", 0), 70);
    fake_now_ns += 12 * RATION_HOUR;
    ck_assert_uint_eq(left_of(limiter, 1, "a", 0), 100);
    set_plan(limiter, 1, &limit, 1);
    ck_assert_uint_eq(left_of(limiter, 1, "a", 0), 100);
    ration_close(limiter);
}
END_TEST

START_TEST(carry_in_outlives_plan_changes_and_nothing_else)
{
    ration_limiter *limiter = open_at(NEW_YEAR + RATION_HOUR);
    const ration_limit without[] = {RATION_QUOTA(100, RATION_CALENDAR_DAY)}, with[] = {RATION_QUOTA(100, RATION_CALENDAR_DAY, .carry_in = 30)},
                       moved[] = {RATION_QUOTA(100, RATION_CALENDAR_DAY, .utc_offset_s = 3600, .carry_in = 30)};
    const struct {
        const ration_limit *limits;
        uint64_t day, left;
    } steps[] = {{without, 0, 100}, {with, 0, 70}, {with, 0, 70}, {moved, 0, 70}, {moved, 1, 100}, {moved, 1, 100}};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        fake_now_ns = NEW_YEAR + RATION_HOUR + steps[i].day * RATION_DAY;
        set_plan(limiter, 0, steps[i].limits, 1);
        ration_usage usages[RATION_LIMITS_MAX];
        ration_request request = request_of(0, "a", 1);
        ck_assert_uint_eq(look(limiter, &request, usages), 1);
        ck_assert_msg(usages[0].remaining == steps[i].left, "step %zu leaves %llu", i, (unsigned long long)usages[0].remaining);
    }
    ration_close(limiter);
}
END_TEST

START_TEST(carry_in_waits_for_the_window_it_is_meant_for)
{
    ration_limiter *limiter = open_at(NEW_YEAR);
    ration_limit limit = RATION_QUOTA(100, RATION_CALENDAR_MONTH, .carry_in = 100, .carry_from_ns = NEW_YEAR + 40 * RATION_DAY);
    set_plan(limiter, 1, &limit, 1);
    ck_assert_uint_eq(ask(limiter, 1, "a", 100).allowed, 1);
    ration_decision decision = ask(limiter, 1, "a", 1); /* nothing in February: the first of March */
    ck_assert_uint_eq(decision.retry_after_ns, (31 + 28) * RATION_DAY);
    fake_now_ns += 31 * RATION_DAY;
    ck_assert_uint_eq(ask(limiter, 1, "a", 1).allowed, 0);
    fake_now_ns += 28 * RATION_DAY;
    ck_assert_uint_eq(ask(limiter, 1, "a", 100).allowed, 1);
    ration_close(limiter);
}
END_TEST

/** Each time of rows lies so far before the end of its window, and nothing is left over into the next. */
static void assert_boundaries(const ration_limit *limit, const boundary *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        ration_limiter *limiter = open_at(rows[i].at_s * RATION_SECOND);
        set_plan(limiter, 1, limit, 1);
        ck_assert_uint_eq(ask(limiter, 1, "a", limit->units).allowed, 1);
        ration_decision decision = ask(limiter, 1, "a", limit->units);
        ck_assert_uint_eq(decision.allowed, 0);
        ck_assert_uint_eq(decision.retry_after_ns, rows[i].until_s * RATION_SECOND);
        fake_now_ns += rows[i].until_s * RATION_SECOND - 1;
        ck_assert_uint_eq(ask(limiter, 1, "a", 1).allowed, 0);
        fake_now_ns++;
        ck_assert_uint_eq(ask(limiter, 1, "a", limit->units).allowed, 1);
        ration_close(limiter);
    }
}

START_TEST(months_end_by_the_civil_calendar) /* F25, S1 */
{
    static const boundary rows[] = {
        {1767225600, 31 * 86400}, /* 2026-01-01: all of January */
        {1774915200, 86400},      /* 2026-03-31 */
        {1769731200, 2 * 86400},  /* 2026-01-30 */
        {1835395200, 86400},      /* 2028-02-29 */
        {1835308800, 2 * 86400},  /* 2028-02-28 */
        {4107456000, 86400},      /* 2100-02-28: no leap year */
        {1798761599, 1},          /* 2026-12-31T23:59:59 */
    };
    ration_limit limit = RATION_QUOTA(5, RATION_CALENDAR_MONTH);
    assert_boundaries(&limit, rows, sizeof rows / sizeof rows[0]);
}
END_TEST

START_TEST(weeks_begin_on_monday) /* S1 */
{
    static const boundary rows[] = {
        {1767225600, 4 * 86400}, /* Thursday, 2026-01-01 */
        {1767571199, 1},         /* Sunday's last second */
        {1767571200, 7 * 86400}, /* Monday */
    };
    ration_limit limit = RATION_QUOTA(5, RATION_CALENDAR_WEEK);
    assert_boundaries(&limit, rows, sizeof rows / sizeof rows[0]);
}
END_TEST

START_TEST(an_anchor_day_moves_the_beginning)
{
    static const boundary months[] = {{1767225600, 14 * 86400}, {1768435200, 31 * 86400}}; /* 1 and 15 January */
    static const boundary weeks[] = {{1767225600, 3 * 86400}, {1767484800, 7 * 86400}};    /* Thursday, Sunday */
    ration_limit month = RATION_QUOTA(5, RATION_CALENDAR_MONTH, .anchor_day = 14);
    ration_limit week = RATION_QUOTA(5, RATION_CALENDAR_WEEK, .anchor_day = 6);
    assert_boundaries(&month, months, 2);
    assert_boundaries(&week, weeks, 2);
}
END_TEST

START_TEST(an_offset_from_utc_moves_midnight) /* F27 */
{
    static const boundary west[] = {{1767225600, 8 * 3600}, {1767254400, 86400}};         /* UTC-8 */
    static const boundary east[] = {{1767225600, 18 * 3600 + 1800}, {1767292200, 86400}}; /* UTC+5:30 */
    static const boundary month[] = {{1767225600, 8 * 3600}};                             /* it is still December there */
    ration_limit day = RATION_QUOTA(5, RATION_CALENDAR_DAY, .utc_offset_s = -8 * 3600);
    assert_boundaries(&day, west, 2);
    day.utc_offset_s = 5 * 3600 + 1800;
    assert_boundaries(&day, east, 2);
    day.period = RATION_CALENDAR_MONTH;
    day.utc_offset_s = -8 * 3600;
    assert_boundaries(&day, month, 1);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("plans");
    tcase_add_test(tests, a_plan_that_was_never_set_is_an_error);
    tcase_add_test(tests, a_changed_rate_keeps_the_time_to_full);
    tcase_add_test(tests, changed_units_keep_the_units_used);
    tcase_add_test(tests, a_changed_window_kind_or_name_starts_anew);
    tcase_add_test(tests, limits_are_matched_by_name_and_not_by_place);
    tcase_add_test(tests, plans_do_not_share_a_limit_unless_both_say_so);
    tcase_add_test(tests, a_thousand_changes_refill_nothing_and_cost_no_memory);
    tcase_add_test(tests, limits_are_copied);
    tcase_add_test(tests, carry_in_is_taken_off_the_first_window_only);
    tcase_add_test(tests, carry_in_outlives_plan_changes_and_nothing_else);
    tcase_add_test(tests, carry_in_waits_for_the_window_it_is_meant_for);
    tcase_add_test(tests, months_end_by_the_civil_calendar);
    tcase_add_test(tests, weeks_begin_on_monday);
    tcase_add_test(tests, an_anchor_day_moves_the_beginning);
    tcase_add_test(tests, an_offset_from_utc_moves_midnight);
    return run_suite("plans", tests, 60);
}
