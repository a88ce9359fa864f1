/* SPDX-License-Identifier: BSD-2-Clause */
/** @file test_sequences.c Random sequences of operations: the library and the sequential reference agree on every answer. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "support/sequence.h"

#define SEQUENCE_BYTES 4000

static uint64_t random_state;

static uint64_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

START_TEST(random_sequences_agree_with_the_reference)
{
    const char *given = getenv("RATION_SEED"), *scale = getenv("RATION_TEST_SCALE");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);
    unsigned long rounds = 3000 * (scale != NULL ? strtoul(scale, NULL, 10) : 100) / 100 + 1;
    size_t operations = 0;
    printf("RATION_SEED=%llu\n", (unsigned long long)seed);
    for (unsigned long round = 0; round < rounds; round++) {
        uint8_t bytes[SEQUENCE_BYTES];
        size_t played;
        random_state = (seed + round) * UINT64_C(0x9e3779b97f4a7c15) | 1;
        for (size_t i = 0; i < sizeof bytes; i++) {
            bytes[i] = (uint8_t)(next_random() >> 32);
        }
        ck_assert_msg(sequence_play(bytes, sizeof bytes, &played) == 0, "RATION_SEED=%llu differs", (unsigned long long)(seed + round));
        operations += played;
    }
    printf("%zu operations in %lu sequences\n", operations, rounds);
    ck_assert_uint_gt(operations, rounds * 100);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sequences");
    TCase *tests = tcase_create("sequences");
    tcase_set_timeout(tests, 300);
    tcase_add_test(tests, random_sequences_agree_with_the_reference);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
