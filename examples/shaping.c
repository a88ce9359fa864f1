/* SPDX-License-Identifier: BSD-2-Clause */
/* Shaping: rather than being refused, wait: the request is charged now and told how long to sleep before it starts. */
#include <ration.h>
#include <stdio.h>

int main(void)
{
    ration_limiter *limiter;
    const ration_limit plan[] = {RATION_RATE(5, RATION_SECOND, 1)};
    if (ration_open(NULL, &limiter) != RATION_OK || ration_set_plan(limiter, 0, plan, sizeof plan[0], 1) != RATION_OK) {
        return 1;
    }
    int wrong = 0;
    for (uint64_t job = 0; job < 7; job++) {
        ration_request request = {.key = "mail", .key_len = 4, .max_wait_ns = RATION_SECOND, .flags = RATION_AT, .now_ns = RATION_HOUR};
        ration_decision decision;
        if (ration_acquire(limiter, &request, &decision) != RATION_OK) {
            return 1;
        }
        if (decision.allowed != 0) {
            printf("job %llu: starts in %llu ms\n", (unsigned long long)job, (unsigned long long)(decision.wait_ns / RATION_MILLISECOND));
            wrong += decision.wait_ns != job * 200 * RATION_MILLISECOND;
        } else {
            printf("job %llu: would have to wait longer than a second; again in %llu ms\n", (unsigned long long)job,
                   (unsigned long long)(decision.retry_after_ns / RATION_MILLISECOND));
            wrong += job < 6;
        }
    }
    ration_close(limiter);
    return wrong == 0 ? 0 : 1;
}
