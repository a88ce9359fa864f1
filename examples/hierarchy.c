/* SPDX-License-Identifier: BSD-2-Clause */
/* Hierarchy: a key's own limit, its limit on one method, and a limit on everything, in one decision: all are charged or none. */
#include <ration.h>
#include <stdio.h>
#include <string.h>

enum { PLAN_KEY, PLAN_METHOD, PLAN_GLOBAL };

static size_t join(const char *a, const char *b, char *buffer, size_t size)
{
    const ration_key_part parts[] = {{a, strlen(a)}, {b, strlen(b)}};
    size_t len;
    return ration_key_join(parts, 2, buffer, size, &len) == RATION_OK ? len : 0;
}

int main(void)
{
    ration_limiter *limiter;
    const ration_limit key[] = {RATION_RATE(10, RATION_SECOND, 10)};
    const ration_limit method[] = {RATION_RATE(2, RATION_SECOND, 2)};
    const ration_limit global[] = {RATION_RATE(100, RATION_SECOND, 5)};
    if (ration_open(NULL, &limiter) != RATION_OK || ration_set_plan(limiter, PLAN_KEY, key, sizeof key[0], 1) != RATION_OK ||
        ration_set_plan(limiter, PLAN_METHOD, method, sizeof method[0], 1) != RATION_OK ||
        ration_set_plan(limiter, PLAN_GLOBAL, global, sizeof global[0], 1) != RATION_OK) {
        return 1;
    }
    char key_and_method[64];
    size_t len = join("kris", "POST /refresh-cache", key_and_method, sizeof key_and_method);
    const ration_request requests[] = {
        {.key = "kris", .key_len = 4, .plan = PLAN_KEY, .flags = RATION_AT, .now_ns = RATION_SECOND},
        {.key = key_and_method, .key_len = len, .plan = PLAN_METHOD},
        {.key = "", .key_len = 0, .plan = PLAN_GLOBAL},
    };
    const char *names[] = {"the key", "the method", "everything"};
    ration_decision decision;
    int admitted = 0;
    for (int call = 1; call <= 4; call++) {
        if (ration_acquire_all(limiter, requests, 3, &decision) != RATION_OK) {
            return 1;
        }
        admitted += decision.allowed != 0;
        printf("call %d: %s by the limit on %s\n", call, decision.allowed != 0 ? "admitted, tightest" : "refused",
               names[decision.request_index]);
    }
    ration_usage usage;
    size_t count = 1;
    if (ration_inspect(limiter, &requests[0], &usage, sizeof usage, &count) != RATION_OK) {
        return 1;
    }
    printf("the key's own limit was charged for the %d that passed only: %llu of 10 left\n", admitted, (unsigned long long)usage.remaining);
    ration_close(limiter);
    return admitted == 2 && decision.request_index == 1 && usage.remaining == 8 ? 0 : 1;
}
