/* SPDX-License-Identifier: BSD-2-Clause */
/* A usage plan: 2 calls a second and 3 a day, and what the client is told, as a whole HTTP response. */
#include <ration.h>
#include <ration/http.h>
#include <stdio.h>
#include <string.h>

int main(void)
{
    ration_limiter *limiter;
    const ration_limit plan[] = {RATION_RATE(2, RATION_SECOND, 2, .name = "burst"), RATION_QUOTA(3, RATION_CALENDAR_DAY, .name = "daily")};
    if (ration_open(NULL, &limiter) != RATION_OK || ration_set_plan(limiter, 0, plan, sizeof plan[0], 2) != RATION_OK) {
        return 1;
    }
    const char *expected[] = {"200 OK", "200 OK", "429 Too Many Requests", "200 OK", "Limit Exceeded"};
    const uint64_t at_ms[] = {0, 0, 0, 1000, 2000};
    int wrong = 0;
    for (int call = 0; call < 5; call++) {
        ration_usage usages[2];
        ration_request request = {.key = "kris", .key_len = 4, .flags = RATION_AT, .now_ns = at_ms[call] * RATION_MILLISECOND,
                                  .usages = usages, .usage_size = sizeof usages[0], .usage_capacity = 2};
        ration_decision decision;
        char response[RATION_HTTP_SIZE_MAX + 1];
        size_t len;
        if (ration_acquire(limiter, &request, &decision) != RATION_OK ||
            ration_http_format(&decision, usages, sizeof usages[0], 2, response, sizeof response - 1, &len) != RATION_OK) {
            return 1;
        }
        response[len] = '\0';
        printf("--- at %llu ms\n%s\n", (unsigned long long)at_ms[call], response);
        wrong += strstr(response, expected[call]) == NULL;
    }
    ration_close(limiter);
    return wrong == 0 ? 0 : 1;
}
