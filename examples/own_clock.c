/* SPDX-License-Identifier: BSD-2-Clause */
/* Own clock: a program with a clock of its own (a simulation, a replay, a test) gives it to the limiter. */
#include <ration.h>
#include <stdio.h>

static uint64_t simulated_now(void *context)
{
    return *(const uint64_t *)context;
}

int main(void)
{
    uint64_t now_ns = 1092009600 * RATION_SECOND; /* 2004-08-09T00:00:00Z, a Monday */
    ration_limiter *limiter;
    const ration_options options = {
        .size = sizeof options, .clock = RATION_CLOCK_CALLBACK, .now_ns = simulated_now, .context = &now_ns};
    const ration_limit plan[] = {RATION_QUOTA(2, RATION_CALENDAR_WEEK)};
    if (ration_open(&options, &limiter) != RATION_OK || ration_set_plan(limiter, 0, plan, sizeof plan[0], 1) != RATION_OK) {
        return 1;
    }
    int admitted = 0;
    for (int day = 0; day < 14; day++, now_ns += RATION_DAY) {
        ration_request request = {.key = "tenant", .key_len = 6};
        ration_decision decision;
        if (ration_acquire(limiter, &request, &decision) != RATION_OK) {
            return 1;
        }
        admitted += decision.allowed != 0;
        printf("day %2d: %s, the week ends in %llu h\n", day + 1, decision.allowed != 0 ? "admitted" : "refused ",
               (unsigned long long)(decision.reset_ns / RATION_HOUR));
    }
    ration_close(limiter);
    printf("two weeks of two: %d admitted\n", admitted);
    return admitted == 4 ? 0 : 1;
}
