/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file fuzz_calendar.c
 * Bytes as a time, a calendar, an offset and an anchor: the end of the quota's window, as a decision reports it, is that of a calendar
 * built on the C library's gmtime_r and timegm.
 */
#define _DEFAULT_SOURCE
#include <ration.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first instant after `now` at which a window begins: days tried one after the other. */
static int64_t next_begin(int64_t now_s, uint64_t calendar, int64_t offset_s, unsigned anchor)
{
    time_t local = (time_t)(now_s + offset_s);
    struct tm day;
    gmtime_r(&local, &day);
    day.tm_hour = day.tm_min = day.tm_sec = 0;
    for (time_t at = timegm(&day) + 86400;; at += 86400) {
        gmtime_r(&at, &day);
        if (calendar == RATION_CALENDAR_DAY || (calendar == RATION_CALENDAR_WEEK && (unsigned)(day.tm_wday + 6) % 7 == anchor) ||
            (calendar == RATION_CALENDAR_MONTH && (unsigned)day.tm_mday == anchor + 1)) {
            return (int64_t)at - offset_s;
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t in[16] = {0};
    memcpy(in, data, size < sizeof in ? size : sizeof in);
    uint64_t seconds;
    memcpy(&seconds, in, sizeof seconds);
    seconds = 200000 + seconds % 18000000000; /* to 2540 */
    int16_t minutes;
    memcpy(&minutes, in + 8, sizeof minutes);
    ration_limit limit = ration_limit_quota(5, 1 + in[10] % 3);
    limit.utc_offset_s = minutes % 1081 * 60;
    limit.anchor_day = limit.period == RATION_CALENDAR_WEEK ? in[11] % 7 : limit.period == RATION_CALENDAR_MONTH ? in[11] % 28 : 0;
    ration_limiter *limiter;
    const ration_options options = {.size = sizeof options, .counters = 64, .plans = 1};
    if (ration_open(&options, &limiter) != RATION_OK || ration_set_plan(limiter, 0, &limit, sizeof limit, 1) != RATION_OK) {
        abort();
    }
    ration_request request = {.flags = RATION_AT, .now_ns = seconds * RATION_SECOND + in[12]};
    ration_decision decision;
    if (ration_acquire(limiter, &request, &decision) != RATION_OK || decision.allowed == 0) {
        abort();
    }
    uint64_t end_ns = (uint64_t)next_begin((int64_t)seconds, limit.period, limit.utc_offset_s, limit.anchor_day) * RATION_SECOND;
    if (decision.reset_ns != end_ns - request.now_ns || decision.remaining != 4) {
        abort();
    }
    ration_close(limiter);
    return 0;
}
