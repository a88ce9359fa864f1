/* SPDX-License-Identifier: BSD-2-Clause */
/* What tests of pure steps share: a random source that prints its seed, times on a fake clock, a cheap assertion. */
#ifndef TESTS_SUPPORT_STEPS_H
#define TESTS_SUPPORT_STEPS_H

#include <check.h>
#include <stdbool.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/step.h"

__extension__ typedef __int128 steps_wide;

#define STEPS_NS INT64_C(1000000000)

/** As ck_assert, for loops of millions: Check's own notes every assertion, passed ones too, in a pipe. */
#define LAW(condition) \
    do { \
        if (!(condition)) { \
            ck_abort_msg("%s", #condition); \
        } \
    } while (0)

static uint64_t steps_state;

static inline uint64_t draw(void)
{
    uint64_t z = (steps_state += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/** Any number of bits with equal chance, so that small and huge both come up. */
static inline uint64_t draw_skewed(void)
{
    return draw() >> (draw() % 64);
}

static inline uint64_t draw_below(uint64_t end)
{
    return draw() % end;
}

static inline void seed_random(void)
{
    const char *given = getenv("RATION_SEED");

    steps_state = given != NULL ? strtoull(given, NULL, 0) : UINT64_C(20261121);
    printf("RATION_SEED=%" PRIu64 "\n", steps_state);
    fflush(stdout);
}

/** The time `ns` after 1970, in an era that begins at epoch_s. */
static inline ration_time time_at(int64_t epoch_s, uint64_t now_ns)
{
    uint64_t since_ns = now_ns - (uint64_t)epoch_s * (uint64_t)STEPS_NS;
    const ration_time time = {.now_ns = now_ns, .ticks = since_ns * 16, .epoch_s = epoch_s, .s = (uint32_t)(since_ns / (uint64_t)STEPS_NS)};

    return time;
}

/** The same time, in the era that a region opened then would have. */
static inline ration_time time_of_ns(uint64_t now_ns)
{
    return time_at(((int64_t)(now_ns / (uint64_t)STEPS_NS >> 25) - 1) * (INT64_C(1) << 25), now_ns);
}

static inline ration_time time_of_s(int64_t s)
{
    return time_of_ns((uint64_t)(s * STEPS_NS));
}

/** A later or earlier time of the same era. */
static inline ration_time time_after(const ration_time *time, int64_t ns)
{
    return time_at(time->epoch_s, time->now_ns + (uint64_t)ns);
}

static inline ration_ask ask_for(uint64_t cost)
{
    const ration_ask ask = {.cost = cost, .least = cost};

    return ask;
}

static inline int run_tests(TCase *cases, const char *name)
{
    Suite *suite = suite_create(name);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
