/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file calendar.h
 * The windows of quotas: pure date arithmetic, from a time to the day, ISO week, month or n seconds that holds it.
 *
 * State. None. A window is [begin_s, end_s) in seconds since 1970-01-01T00:00:00Z.
 *
 * Invariant. begin_s <= now_s < end_s, and the windows of one rule tile the time line: end_s begins the next window. A day has
 * 86400 s and a week 604800; a month has as many days as the calendar says, 28 to 31, counted from the anchor day. Leap seconds
 * do not exist in seconds since 1970: the repeated second belongs to the window it names.
 *
 * An offset says where the window's day begins, seconds east of UTC, and is constant: a zone with summer time is two offsets,
 * and a plan that changes from one to the other has one window of 23 or 25 hours (quota.h keeps what was used).
 *
 * Source. Howard Hinnant, "chrono-compatible low-level date algorithms" (days_from_civil, civil_from_days). We differ in that
 * only the first day of the month is computed, and that years count from March of the year 0 so that nothing is negative.
 * Cost. No loop, no table; a day or a week is one division by a constant, a month seven, n seconds one of 32 bits.
 */
#ifndef RATION_CORE_CALENDAR_H
#define RATION_CORE_CALENDAR_H

#include "step.h"

/** floor(now_s / divisor), of 32 bits wherever the time allows: until 2106. Later, and before 1970, it is one of 64 bits. */
static inline int64_t ration_calendar_quotient(int64_t now_s, uint32_t divisor)
{
    if (__builtin_expect((uint64_t)now_s <= UINT32_MAX, 1)) {
        return (uint32_t)now_s / divisor;
    }
    return now_s / divisor - (now_s % divisor < 0);
}

/**
 * The window of the rule (calendar, anchor_day, window_s, utc_offset_s) that holds now_s.
 *
 * Right for every time from the year 0 to far beyond 2554, where 64 bits of nanoseconds end; other times give some window and
 * no undefined behaviour.
 *
 * @param rule calendar RATION_CALENDAR_* or 0; with 0 window_s is at least 1.
 */
void ration_calendar_window(int64_t now_s, const ration_rule *rule, int64_t *begin_s, int64_t *end_s);

#endif
