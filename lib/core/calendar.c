/* SPDX-License-Identifier: BSD-2-Clause */
/** @file calendar.c Days, weeks and months without loops. */
#include "calendar.h"

#include "ration.h"

#define CALENDAR_DAY_S 86400
#define CALENDAR_EPOCH_DAY 719468 /* days from 0000-03-01, a Wednesday, to 1970-01-01 */
#define CALENDAR_ERA_DAYS 146097  /* 400 years */

/* Days from 0000-03-01 to the first of March of the year. */
static uint64_t calendar_year_day(uint64_t year)
{
    return 365 * year + year / 4 - year / 100 + year / 400;
}

/* The month, as days since 0000-03-01, that holds `day`. Months count from March: a leap day is then the last of its year. */
static void calendar_month(uint64_t day, uint64_t *first, uint64_t *next)
{
    uint64_t era = day / CALENDAR_ERA_DAYS;
    uint64_t of_era = day % CALENDAR_ERA_DAYS;
    uint64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    uint64_t year_day = calendar_year_day(year);
    uint64_t month = (5 * (of_era - year_day) + 2) / 153;

    *first = era * CALENDAR_ERA_DAYS + year_day + (153 * month + 2) / 5;
    *next = era * CALENDAR_ERA_DAYS + (month < 11 ? year_day + (153 * (month + 1) + 2) / 5 : calendar_year_day(year + 1));
}

static void calendar_days(uint64_t day, const ration_rule *rule, uint64_t *first, uint64_t *next)
{
    if (rule->calendar == RATION_CALENDAR_MONTH) {
        calendar_month(day - rule->anchor_day, first, next);
        *first += rule->anchor_day;
        *next += rule->anchor_day;
        return;
    }
    *first = day;
    *next = day + 1;
    if (rule->calendar == RATION_CALENDAR_WEEK) {
        *first -= (day + 9 - rule->anchor_day) % 7; /* day + 2 is a multiple of 7 on Mondays */
        *next = *first + 7;
    }
}

void ration_calendar_window(int64_t now_s, const ration_rule *rule, int64_t *begin_s, int64_t *end_s)
{
    const uint64_t origin_s = (uint64_t)CALENDAR_EPOCH_DAY * CALENDAR_DAY_S;
    /* Unsigned: times far outside wrap around instead of overflowing. */
    uint64_t offset_s = (uint64_t)(int64_t)rule->as.window.utc_offset_s;
    uint64_t local_s = (uint64_t)now_s + offset_s;
    uint64_t first, next;

    if (rule->calendar == 0) {
        uint32_t window_s = rule->as.window.window_s;
        uint64_t number = (uint64_t)ration_calendar_quotient((int64_t)local_s, window_s);
        *begin_s = (int64_t)(number * window_s - offset_s);
        *end_s = (int64_t)(number * window_s + window_s - offset_s);
        return;
    }
    calendar_days((local_s + origin_s) / CALENDAR_DAY_S, rule, &first, &next);
    *begin_s = (int64_t)(first * CALENDAR_DAY_S - origin_s - offset_s);
    *end_s = (int64_t)(next * CALENDAR_DAY_S - origin_s - offset_s);
}
