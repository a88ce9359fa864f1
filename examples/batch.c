/* SPDX-License-Identifier: BSD-2-Clause */
/* Batch: what arrived together is decided together: one reading of the clock, memory fetched ahead, one answer each. */
#include <ration.h>
#include <stdio.h>

#define PACKETS 64
#define CALLERS 4

int main(void)
{
    ration_limiter *limiter;
    const ration_limit plan[] = {RATION_RATE(1, RATION_MINUTE, 10)};
    if (ration_open(NULL, &limiter) != RATION_OK || ration_set_plan(limiter, 0, plan, sizeof plan[0], 1) != RATION_OK) {
        return 1;
    }
    ration_request requests[PACKETS];
    ration_decision decisions[PACKETS];
    static const char *const callers[CALLERS] = {"a", "b", "c", "d"};
    for (int i = 0; i < PACKETS; i++) {
        requests[i] = (ration_request){.key = callers[i % CALLERS], .key_len = 1};
    }
    if (ration_acquire_batch(limiter, requests, PACKETS, decisions) != RATION_OK) {
        return 1;
    }
    int admitted[CALLERS] = {0};
    for (int i = 0; i < PACKETS; i++) {
        admitted[i % CALLERS] += decisions[i].allowed != 0;
    }
    int wrong = 0;
    for (int i = 0; i < CALLERS; i++) {
        printf("caller %s: %d of %d packets admitted\n", callers[i], admitted[i], PACKETS / CALLERS);
        wrong += admitted[i] != 10;
    }
    ration_close(limiter);
    return wrong == 0 ? 0 : 1;
}
