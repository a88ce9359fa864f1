/* SPDX-License-Identifier: BSD-2-Clause */
/** @file fixture.h What the tests against the public header share: a limiter on a fake clock, and short ways to ask it. */
#ifndef RATION_TESTS_API_FIXTURE_H
#define RATION_TESTS_API_FIXTURE_H

#include <check.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ration.h"

/** 2026-01-01T00:00:00Z, a Thursday. */
#define NEW_YEAR (UINT64_C(1767225600) * RATION_SECOND)

/** The time that limiters of open_at read. */
static uint64_t fake_now_ns;

static inline uint64_t read_fake_clock(void *context)
{
    (void)context;
    return fake_now_ns;
}

/** Opens a limiter with 4096 counters and 16 plans whose clock reads fake_now_ns, set to now_ns. */
static inline ration_limiter *open_at(uint64_t now_ns)
{
    ration_limiter *limiter;
    ration_options options = {
        .size = sizeof options, .counters = 4096, .plans = 16, .clock = RATION_CLOCK_CALLBACK, .now_ns = read_fake_clock};
    fake_now_ns = now_ns;
    ck_assert_int_eq(ration_open(&options, &limiter), RATION_OK);
    return limiter;
}

static inline void set_plan(ration_limiter *limiter, uint32_t plan, const ration_limit *limits, size_t count)
{
    ck_assert_int_eq(ration_set_plan(limiter, plan, limits, sizeof limits[0], count), RATION_OK);
}

static inline ration_request request_of(uint32_t plan, const char *key, uint64_t cost)
{
    return (ration_request){.key = key, .key_len = strlen(key), .plan = plan, .cost = cost};
}

/** Decides, and fails the test on an error. */
static inline ration_decision decide(ration_limiter *limiter, const ration_request *request)
{
    ration_decision decision;
    memset(&decision, 0xa5, sizeof decision);
    ck_assert_int_eq(ration_acquire(limiter, request, &decision), RATION_OK);
    return decision;
}

static inline ration_decision ask(ration_limiter *limiter, uint32_t plan, const char *key, uint64_t cost)
{
    ration_request request = request_of(plan, key, cost);
    return decide(limiter, &request);
}

/** The state of every limit of the request's plan; returns their number. */
static inline size_t look(ration_limiter *limiter, const ration_request *request, ration_usage usages[RATION_LIMITS_MAX])
{
    size_t count = RATION_LIMITS_MAX;
    memset(usages, 0, RATION_LIMITS_MAX * sizeof usages[0]);
    ck_assert_int_eq(ration_inspect(limiter, request, usages, sizeof usages[0], &count), RATION_OK);
    return count;
}

/** What is left of the plan's limit at `index`. */
static inline uint64_t left_of(ration_limiter *limiter, uint32_t plan, const char *key, size_t index)
{
    ration_usage usages[RATION_LIMITS_MAX];
    ration_request request = request_of(plan, key, 1);
    ck_assert_uint_lt(index, look(limiter, &request, usages));
    return usages[index].remaining;
}

static inline int run_suite(const char *name, TCase *tests, double timeout_s)
{
    Suite *suite = suite_create(name);
    tcase_set_timeout(tests, timeout_s);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}

#endif
