/* SPDX-License-Identifier: BSD-2-Clause */
/* Windows by the calendar, against a calendar that counts one day after the other. */
#include "support/steps.h"

#include "core/calendar.h"
#include "ration.h"

#define DAY_S 86400
#define ANCHORS 28

static ration_rule rule_of(uint64_t calendar, unsigned anchor_day, int32_t utc_offset_s)
{
    ration_rule rule = {.counter = RATION_COUNTER_QUOTA, .calendar = (uint8_t)calendar, .anchor_day = (uint8_t)anchor_day};

    rule.as.window.utc_offset_s = utc_offset_s;
    return rule;
}

static ration_rule rule_of_s(uint32_t window_s, int32_t utc_offset_s)
{
    ration_rule rule = rule_of(0, 0, utc_offset_s);

    rule.as.window.window_s = window_s;
    return rule;
}

/* Windows of one kind and anchor as the day counter meets them. */
typedef struct track {
    int64_t begin_day;
    int64_t claimed_end_s; /* what the library says of the open window; 0: nothing yet */
    bool open;
} track;

static void meet_day(track *windows, bool begins, int64_t day)
{
    if (begins) {
        if (windows->open && windows->claimed_end_s != 0) {
            LAW(windows->claimed_end_s == day * DAY_S);
        }
        *windows = (track){day, 0, true};
    }
}

static void claim(track *windows, const ration_rule *rule, int64_t local_s)
{
    int64_t begin_s, end_s, offset_s = rule->as.window.utc_offset_s;

    ration_calendar_window(local_s - offset_s, rule, &begin_s, &end_s);
    LAW(begin_s + offset_s == windows->begin_day * DAY_S);
    LAW(windows->claimed_end_s == 0 || windows->claimed_end_s == end_s + offset_s);
    LAW(local_s < end_s + offset_s);
    windows->claimed_end_s = end_s + offset_s;
}

static void claim_day(track *windows, uint64_t calendar, unsigned anchor, int64_t day)
{
    static const int32_t offsets[] = {0, 3600, -28800, 64800, -64800, 20700, 1, -1};
    ration_rule rule = rule_of(calendar, anchor, offsets[draw_below(sizeof offsets / sizeof offsets[0])]);

    claim(windows, &rule, day * DAY_S);
    rule.as.window.utc_offset_s = (int32_t)draw_below(129601) - 64800;
    claim(windows, &rule, day * DAY_S + DAY_S - 1);
    rule.as.window.utc_offset_s = 0;
    claim(windows, &rule, day * DAY_S + (int64_t)draw_below(DAY_S));
}

static int month_days(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return days[month] + (month == 1 && leap);
}

/* F25, S1: every day from November 1969 to 2400, every anchor; a day begins each day, a week on a Monday, a month on a first. */
START_TEST(calendar_is_right_on_every_day_from_1970_to_2400)
{
    track days = {0}, weeks[7] = {{0}}, months[ANCHORS] = {{0}};
    int year = 1969, month = 10, date = 1;
    unsigned weekday = 5; /* 1 November 1969, 61 days before 1970, was a Saturday; Monday is 0 */

    seed_random();
    for (int64_t day = -61; year <= 2400; day++) {
        meet_day(&days, true, day);
        claim_day(&days, RATION_CALENDAR_DAY, 0, day);
        for (unsigned anchor = 0; anchor < 7; anchor++) {
            meet_day(&weeks[anchor], weekday == anchor, day);
            if (weeks[anchor].open) {
                claim_day(&weeks[anchor], RATION_CALENDAR_WEEK, anchor, day);
            }
        }
        for (unsigned anchor = 0; anchor < ANCHORS; anchor++) {
            meet_day(&months[anchor], date == (int)anchor + 1, day);
            if (months[anchor].open) {
                claim_day(&months[anchor], RATION_CALENDAR_MONTH, anchor, day);
            }
        }
        weekday = (weekday + 1) % 7;
        if (++date > month_days(year, month)) {
            date = 1;
            month = (month + 1) % 12;
            year += month == 0;
        }
    }
}
END_TEST

static void expect_window(const ration_rule *rule, int64_t now_s, int64_t begin_s, int64_t end_s)
{
    int64_t begin, end;

    ration_calendar_window(now_s, rule, &begin, &end);
    ck_assert_int_eq(begin, begin_s);
    ck_assert_int_eq(end, end_s);
}

/* F25: the days on which a "month" of 28 or 30 days goes wrong. Numbers are those of date(1). */
START_TEST(month_ends_where_the_civil_month_ends)
{
    const ration_rule month = rule_of(RATION_CALENDAR_MONTH, 0, 0);

    expect_window(&month, INT64_C(1806494400), INT64_C(1803859200), INT64_C(1806537600)); /* 2027-03-31 12:00 */
    expect_window(&month, INT64_C(1801267200), INT64_C(1798761600), INT64_C(1801440000)); /* 2027-01-30 */
    expect_window(&month, INT64_C(1835395200), INT64_C(1832976000), INT64_C(1835481600)); /* 2028-02-29 */
    expect_window(&month, INT64_C(4107456000), INT64_C(4105123200), INT64_C(4107542400)); /* 2100-02-28, no leap year */
    expect_window(&month, INT64_C(1830211200), INT64_C(1827619200), INT64_C(1830297600)); /* 2027-12-31 */
}
END_TEST

/* S1: envoyproxy's weeks begin where 1970 did, on a Thursday. 2026-11-21 is a Saturday of the week from Monday the 16th. */
START_TEST(week_begins_on_monday)
{
    const ration_rule week = rule_of(RATION_CALENDAR_WEEK, 0, 0);
    const ration_rule from_saturday = rule_of(RATION_CALENDAR_WEEK, 5, 0);

    expect_window(&week, INT64_C(1795219200), INT64_C(1794787200), INT64_C(1795392000));
    expect_window(&week, 0, -3 * DAY_S, 4 * DAY_S);
    expect_window(&from_saturday, INT64_C(1795219200), INT64_C(1795219200), INT64_C(1795219200) + 7 * DAY_S);
    expect_window(&from_saturday, INT64_C(1795219199), INT64_C(1795219200) - 7 * DAY_S, INT64_C(1795219200));
}
END_TEST

/* F27: the provider's day is UTC-8, ours UTC: which one is said by the offset, and nothing else. */
START_TEST(day_begins_where_the_offset_says)
{
    const ration_rule utc = rule_of(RATION_CALENDAR_DAY, 0, 0);
    const ration_rule pacific = rule_of(RATION_CALENDAR_DAY, 0, -8 * 3600);
    const int64_t midnight_s = INT64_C(1795219200); /* 2026-11-21 */

    expect_window(&utc, midnight_s, midnight_s, midnight_s + DAY_S);
    expect_window(&pacific, midnight_s, midnight_s + 8 * 3600 - DAY_S, midnight_s + 8 * 3600);
    expect_window(&pacific, midnight_s + 8 * 3600, midnight_s + 8 * 3600, midnight_s + 8 * 3600 + DAY_S);
}
END_TEST

/* F26: summer time is a change from one constant offset to another. The window that is open then has 23 or 25 hours, and ends
 * at the first midnight of the new offset; every instant has a window under each offset, so there is no hour that does not exist. */
START_TEST(day_over_a_change_of_offset_has_23_or_25_hours)
{
    const ration_rule winter = rule_of(RATION_CALENDAR_DAY, 0, 3600);
    const ration_rule summer = rule_of(RATION_CALENDAR_DAY, 0, 7200);
    const int64_t spring_s = INT64_C(1774746000); /* 2026-03-29 01:00 UTC, when Berlin's clocks go forward */
    const int64_t autumn_s = INT64_C(1792890000); /* 2026-10-25 01:00 UTC, and back */
    int64_t begin_s, end_s, other_s;

    ration_calendar_window(spring_s - 1, &winter, &begin_s, &other_s);
    ration_calendar_window(spring_s, &summer, &other_s, &end_s);
    ck_assert_int_eq(end_s - begin_s, 23 * 3600);
    ration_calendar_window(autumn_s - 1, &summer, &begin_s, &other_s);
    ration_calendar_window(autumn_s, &winter, &other_s, &end_s);
    ck_assert_int_eq(end_s - begin_s, 25 * 3600);
}
END_TEST

/* Windows of n seconds: whole numbers of windows since 1970, and the one that holds now. This says all there is. */
START_TEST(seconds_tile_the_time_since_1970)
{
    seed_random();
    for (int i = 0; i < 1000000; i++) {
        uint32_t window_s = 1 + (uint32_t)(draw_skewed() & 0xffffff) % 0xffffff;
        const ration_rule rule = rule_of_s(window_s, (int32_t)draw_below(129601) - 64800);
        int64_t now_s = (int64_t)(draw_skewed() % UINT64_C(18446744074)) - (int64_t)draw_below(3) * (1 << 24);
        int64_t begin_s, end_s;

        ration_calendar_window(now_s, &rule, &begin_s, &end_s);
        LAW(begin_s <= now_s && now_s < end_s && end_s - begin_s == window_s);
        LAW((begin_s + rule.as.window.utc_offset_s) % window_s == 0);
    }
}
END_TEST

/* F21: the division of 32 bits hands over to that of 64 where seconds leave 32 bits, in 2106, and before 1970. */
START_TEST(seconds_are_right_at_every_wrap)
{
    static const int64_t wraps[] = {0, INT64_C(1) << 31, INT64_C(1) << 32, INT64_C(9223372036), INT64_C(18446744073)};

    for (size_t i = 0; i < sizeof wraps / sizeof wraps[0]; i++) {
        for (int64_t d = -20; d <= 20; d++) {
            const ration_rule rule = rule_of_s(7, 0);
            int64_t begin_s, end_s, expected_s = (wraps[i] + d + 700) / 7 * 7 - 700;

            ration_calendar_window(wraps[i] + d, &rule, &begin_s, &end_s);
            ck_assert_int_eq(begin_s, expected_s);
            ck_assert_int_eq(end_s, expected_s + 7);
        }
    }
}
END_TEST

/* F61: no time at all is undefined behaviour (run under UBSan). */
START_TEST(any_time_gives_some_window)
{
    int64_t begin_s, end_s, sum = 0;

    seed_random();
    for (int i = 0; i < 1000000; i++) {
        ration_rule rule = rule_of(draw_below(4), (unsigned)draw_below(28), (int32_t)draw_below(129601) - 64800);

        rule.as.window.window_s = 1 + (uint32_t)draw_below(0xffffff);
        ration_calendar_window((int64_t)draw_skewed(), &rule, &begin_s, &end_s);
        sum ^= begin_s ^ end_s;
    }
    ck_assert_int_ne(sum, 0);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("calendar");

    tcase_set_timeout(cases, 300);
    tcase_add_test(cases, calendar_is_right_on_every_day_from_1970_to_2400);
    tcase_add_test(cases, month_ends_where_the_civil_month_ends);
    tcase_add_test(cases, week_begins_on_monday);
    tcase_add_test(cases, day_begins_where_the_offset_says);
    tcase_add_test(cases, day_over_a_change_of_offset_has_23_or_25_hours);
    tcase_add_test(cases, seconds_tile_the_time_since_1970);
    tcase_add_test(cases, seconds_are_right_at_every_wrap);
    tcase_add_test(cases, any_time_gives_some_window);
    return run_tests(cases, "calendar");
}
