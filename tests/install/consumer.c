/* SPDX-License-Identifier: BSD-2-Clause */
/** @file consumer.c A user's C11 program: a plan of two limits, three calls at one instant, of which two pass. */
#include <ration.h>
#include <stdio.h>
#include <string.h>

static int expect(int holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "consumer.c: %s does not hold\n", what);
    }
    return holds ? 0 : 1;
}

int main(int argc, char **argv)
{
    char version[32];
    snprintf(version, sizeof version, "%d.%d.%d", RATION_VERSION_MAJOR, RATION_VERSION_MINOR, RATION_VERSION_PATCH);
    int failures = expect(argc == 2 && strcmp(argv[1], version) == 0, "the package's version is the header's");
    failures += expect(ration_version() == RATION_VERSION_NUMBER, "the library's version is the header's");

    ration_limiter *limiter;
    if (ration_open(NULL, &limiter) != RATION_OK) {
        return 1 + expect(0, "ration_open succeeds");
    }
    const ration_limit limits[] = {RATION_RATE(1, RATION_HOUR, 2, .name = "burst"), RATION_QUOTA(100, RATION_CALENDAR_DAY)};
    failures += expect(ration_set_plan(limiter, 1, limits, sizeof limits[0], 2) == RATION_OK, "the plan is accepted");
    const ration_request request = {.key = "caller", .key_len = 6, .plan = 1, .flags = RATION_AT, .now_ns = 1700000000 * RATION_SECOND};
    unsigned allowed = 0;
    ration_decision decision;
    for (int call = 0; call < 3; call++) {
        failures += expect(ration_acquire(limiter, &request, &decision) == RATION_OK, "the call is decided");
        allowed += decision.allowed;
    }
    failures += expect(allowed == 2 && decision.reason == RATION_REASON_RATE, "two calls pass and the third does not");
    failures += expect(decision.retry_after_ns == RATION_HOUR, "the third may come back in an hour");
    ration_close(limiter);
    return failures == 0 ? 0 : 1;
}
