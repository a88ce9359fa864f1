/* SPDX-License-Identifier: BSD-2-Clause */
/* Hello: 10 calls a second with a burst of 20, 5 000 a day, for one caller. */
#include <ration.h>
#include <stdio.h>

int main(void)
{
    ration_limiter *limiter;
    const ration_limit basic[] = {RATION_RATE(10, RATION_SECOND, 20), RATION_QUOTA(5000, RATION_CALENDAR_DAY)};
    int error = ration_open(NULL, &limiter);
    if (error == RATION_OK) {
        error = ration_set_plan(limiter, 1, basic, sizeof basic[0], 2);
    }
    if (error != RATION_OK) {
        fprintf(stderr, "hello: %s\n", ration_strerror(error));
        return 1;
    }
    int admitted = 0;
    for (int call = 1; call <= 25; call++) {
        ration_request request = {.key = "203.0.113.7", .key_len = 11, .plan = 1};
        ration_decision decision;
        error = ration_acquire(limiter, &request, &decision);
        if (error != RATION_OK) {
            fprintf(stderr, "hello: %s\n", ration_strerror(error));
            return 1;
        }
        admitted += decision.allowed != 0;
        if (decision.allowed != 0) {
            printf("call %2d: admitted, %llu left\n", call, (unsigned long long)decision.remaining);
        } else {
            printf("call %2d: refused, try again in %llu ms\n", call, (unsigned long long)(decision.retry_after_ns / 1000000));
        }
    }
    ration_close(limiter);
    printf("The burst of 20 passed at once; the rest waits for the rate.\n");
    return admitted >= 20 && admitted <= 24 ? 0 : 1; /* a slow machine may refill a few meanwhile */
}
