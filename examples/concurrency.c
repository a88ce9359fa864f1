/* SPDX-License-Identifier: BSD-2-Clause */
/* Concurrency: one run at a time; whoever is refused meanwhile is not forgotten: the runner is told to run once more. */
#include <ration.h>
#include <stdio.h>

int main(void)
{
    ration_limiter *limiter;
    const ration_limit one[] = {RATION_CONCURRENCY(1, 30 * RATION_SECOND, .name = "refresh", .flags = RATION_COALESCE)};
    if (ration_open(NULL, &limiter) != RATION_OK || ration_set_plan(limiter, 0, one, sizeof one[0], 1) != RATION_OK) {
        return 1;
    }
    ration_permit running, other;
    ration_decision decision;
    ration_request request = {.key = "cache", .key_len = 5, .permit = &running};
    if (ration_acquire(limiter, &request, &decision) != RATION_OK || decision.allowed == 0) {
        return 1;
    }
    printf("event 1: runs\n");
    int refused = 0;
    request.permit = &other;
    for (int event = 2; event <= 100; event++) {
        if (ration_acquire(limiter, &request, &decision) != RATION_OK) {
            return 1;
        }
        refused += decision.allowed == 0 && (decision.flags & RATION_DECISION_PENDING) != 0;
    }
    printf("events 2 to 100: %d refused, and remembered\n", refused);
    uint32_t again = 1;
    int runs = 1;
    while (ration_release(limiter, &running, &again) == RATION_OK && again != 0) {
        runs++;
        printf("run %d: somebody was refused while the last one ran\n", runs);
    }
    printf("%d runs for 100 events; the permit is back: releasing it again says \"%s\"\n", runs,
           ration_strerror(ration_release(limiter, &running, NULL)));
    ration_close(limiter);
    return refused == 99 && runs == 2 ? 0 : 1;
}
