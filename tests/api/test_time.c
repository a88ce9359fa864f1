/* SPDX-License-Identifier: BSD-2-Clause */
/** @file test_time.c Clocks that step back, jump, wrap or stand at zero (G7), and waits that are exact to the nanosecond. */
#include "fixture.h"

#include <stdio.h>
#include <time.h>

#define RATE UINT64_C(10)
#define BURST UINT64_C(20)
#define FULL_NS (BURST * RATION_SECOND / RATE)
#define SLACK_NS (5 * RATION_SECOND)
#define YEAR (365 * RATION_DAY)

static uint64_t random_state;

static void seed_random(void)
{
    const char *given = getenv("RATION_SEED");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);
    printf("RATION_SEED=%llu\n", (unsigned long long)seed);
    random_state = seed * UINT64_C(0x9e3779b97f4a7c15) | 1;
}

static uint64_t next_random(uint64_t below)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (random_state >> 16) % below;
}

static ration_limiter *open_rate(uint64_t now_ns)
{
    ration_limiter *limiter = open_at(now_ns);
    ration_limit limit = RATION_RATE(RATE, RATION_SECOND, BURST);
    set_plan(limiter, 1, &limit, 1);
    return limiter;
}

/** Asks until refused; returns how many were admitted. */
static uint64_t drain(ration_limiter *limiter, uint32_t plan)
{
    uint64_t admitted = 0;
    while (ask(limiter, plan, "a", 1).allowed) {
        ck_assert_uint_lt(admitted++, 100000);
    }
    return admitted;
}

static uint64_t jumps_of(ration_limiter *limiter)
{
    ration_stats stats = {.size = sizeof stats};
    ck_assert_int_eq(ration_get_stats(limiter, &stats), RATION_OK);
    return stats.clock_jumps;
}

START_TEST(a_jump_costs_at_most_one_burst_and_locks_nobody_out) /* F19 */
{
    static const int64_t jumps_s[] = {-8 * 3600, -11, -6, -5, -4, -1, 3600, -3600, 86400 * 30, -86400 * 400, 86400 * 365 * 20};
    for (size_t i = 0; i < sizeof jumps_s / sizeof jumps_s[0]; i++) {
        ration_limiter *limiter = open_rate(NEW_YEAR);
        ck_assert_uint_eq(drain(limiter, 1), BURST);
        fake_now_ns += (uint64_t)(jumps_s[i] * (int64_t)RATION_SECOND);
        uint64_t admitted = drain(limiter, 1), waited_ns = 0;
        ck_assert_uint_le(admitted, BURST);
        while (!ask(limiter, 1, "a", 1).allowed) {
            fake_now_ns += RATION_MILLISECOND;
            waited_ns += RATION_MILLISECOND;
            ck_assert_uint_le(waited_ns, FULL_NS + SLACK_NS);
        }
        if (jumps_s[i] < -5) {
            ck_assert_uint_ge(jumps_of(limiter), 1);
        } else if (jumps_s[i] < 0) {
            ck_assert_uint_eq(admitted, 0);
            ck_assert_uint_eq(jumps_of(limiter), 0);
        }
        ration_close(limiter);
    }
}
END_TEST

/** Every 3 s of elapsed time the clock goes back by back_s. */
static void run_backwards(uint64_t back_s)
{
    enum { ROUNDS = 200, TICK_MS = 10, ROUND_MS = 3000 };
    ration_limiter *limiter = open_rate(NEW_YEAR);
    uint64_t admitted = 0, since_ms = 0;
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (unsigned ms = 0; ms < ROUND_MS; ms += TICK_MS) {
            uint64_t now = drain(limiter, 1);
            admitted += now;
            since_ms = now > 0 ? 0 : since_ms + TICK_MS;
            ck_assert_uint_le(since_ms * RATION_MILLISECOND, FULL_NS + SLACK_NS);
            fake_now_ns += TICK_MS * RATION_MILLISECOND;
        }
        fake_now_ns -= back_s * RATION_SECOND;
    }
    ck_assert_uint_le(admitted, ROUNDS * (BURST + RATE * ROUND_MS / 1000));
    ck_assert_uint_ge(jumps_of(limiter), 1);
    ration_close(limiter);
}

START_TEST(a_clock_that_goes_back_again_and_again_neither_locks_out_nor_grants_more_than_a_burst_each) /* F19 */
{
    run_backwards(11);
    run_backwards(6);
    run_backwards(8 * 3600);
}
END_TEST

START_TEST(an_hour_forward_and_back_keeps_the_quota_of_the_day)
{
    ration_limiter *limiter = open_at(NEW_YEAR + RATION_HOUR);
    ration_limit limit = RATION_QUOTA(100, RATION_CALENDAR_DAY);
    set_plan(limiter, 1, &limit, 1);
    ck_assert_uint_eq(ask(limiter, 1, "a", 60).allowed, 1);
    for (unsigned i = 0; i < 100; i++) {
        fake_now_ns += RATION_HOUR;
        ck_assert_uint_eq(ask(limiter, 1, "a", 41).allowed, 0);
        fake_now_ns -= RATION_HOUR;
        ck_assert_uint_eq(ask(limiter, 1, "a", 41).allowed, 0);
    }
    ck_assert_uint_eq(drain(limiter, 1), 40);
    ration_close(limiter);
}
END_TEST

START_TEST(a_window_ahead_of_the_clock_is_read_as_this_one_with_what_it_used)
{
    ration_limiter *limiter = open_at(NEW_YEAR);
    ration_limit limit = RATION_QUOTA(100, RATION_CALENDAR_DAY);
    set_plan(limiter, 1, &limit, 1);
    ck_assert_uint_eq(ask(limiter, 1, "a", 60).allowed, 1);
    fake_now_ns -= 10 * RATION_DAY;
    ck_assert_uint_eq(ask(limiter, 1, "a", 41).allowed, 0);
    ration_decision decision = ask(limiter, 1, "a", 40);
    ck_assert_uint_eq(decision.allowed, 1);
    ck_assert_uint_eq(decision.reset_ns, RATION_DAY);
    ration_close(limiter);
}
END_TEST

START_TEST(permits_out_before_a_jump_back_lapse_within_two_leases)
{
    ration_limiter *limiter = open_at(NEW_YEAR);
    ration_limit limit = RATION_CONCURRENCY(1, RATION_MINUTE);
    ration_permit permit;
    ration_request request = request_of(1, "a", 1);
    request.permit = &permit;
    set_plan(limiter, 1, &limit, 1);
    ck_assert_uint_eq(decide(limiter, &request).allowed, 1);
    fake_now_ns -= 8 * RATION_HOUR;
    ck_assert_uint_eq(decide(limiter, &request).allowed, 0);
    fake_now_ns += 2 * RATION_MINUTE + SLACK_NS;
    ck_assert_uint_eq(decide(limiter, &request).allowed, 1);
    ration_close(limiter);
}
END_TEST

START_TEST(zero_and_one_are_times) /* F24 */
{
    for (unsigned given = 0; given < 2; given++) {
        for (uint64_t start_ns = 0; start_ns < 2; start_ns++) {
            ration_limiter *limiter = open_at(given ? NEW_YEAR : start_ns);
            ration_limit limits[] = {RATION_RATE(1, RATION_SECOND, 3), RATION_QUOTA(5, RATION_CALENDAR_DAY)};
            ration_request request = request_of(1, "a", 1);
            request.flags = given ? RATION_AT : 0;
            request.now_ns = start_ns;
            set_plan(limiter, 1, limits, 2);
            for (unsigned i = 0; i < 3; i++) {
                ration_decision decision = decide(limiter, &request);
                ck_assert_uint_eq(decision.allowed, 1);
                ck_assert_uint_eq(decision.decided_at_ns, start_ns);
            }
            ration_decision decision = decide(limiter, &request);
            ck_assert_uint_eq(decision.allowed, 0);
            ck_assert_uint_eq(decision.retry_after_ns, RATION_SECOND);
            fake_now_ns = request.now_ns = start_ns + RATION_SECOND - 1;
            ck_assert_uint_eq(decide(limiter, &request).allowed, 0);
            fake_now_ns = request.now_ns = start_ns + RATION_SECOND;
            ck_assert_uint_eq(decide(limiter, &request).allowed, 1);
            fake_now_ns = request.now_ns = RATION_DAY - 1;
            ck_assert_uint_eq(decide(limiter, &request).allowed, 1);
            decision = decide(limiter, &request);
            ck_assert_uint_eq(decision.reason, RATION_REASON_QUOTA);
            ck_assert_uint_eq(decision.retry_after_ns, 1);
            fake_now_ns = request.now_ns = RATION_DAY;
            ck_assert_uint_eq(decide(limiter, &request).allowed, 1);
            ration_close(limiter);
        }
    }
}
END_TEST

#define WRAP_STEPS 3000
#define WRAP_PERMITS 8

/** Plays one sequence, the same for every start, and records its answers with times relative to the start. */
static void play(uint64_t start_ns, uint64_t seed, ration_decision answers[WRAP_STEPS])
{
    ration_limiter *limiter = open_at(start_ns);
    ration_limit limits[] = {RATION_RATE(1, RATION_SECOND, 30), RATION_QUOTA(60, 64 * RATION_SECOND, .counts = RATION_CALLS),
                             RATION_SLIDING(500, 1024 * RATION_SECOND), RATION_CONCURRENCY(4, 32 * RATION_SECOND)};
    ration_permit permits[WRAP_PERMITS] = {{{0}}};
    uint64_t kept_random = random_state;
    set_plan(limiter, 1, limits, 4);
    random_state = seed;
    for (unsigned i = 0; i < WRAP_STEPS; i++) {
        static const uint64_t scales_ns[] = {2, 1000000, 1000000000, 3000000000, 600000000000};
        uint64_t scale_ns = scales_ns[next_random(64) == 0 ? 4 : next_random(4)];
        char key[2] = {(char)('a' + next_random(2)), '\0'};
        ration_request request = request_of(1, key, 1 + next_random(4));
        request.permit = &permits[i % WRAP_PERMITS];
        (void)ration_release(limiter, request.permit, NULL);
        answers[i] = decide(limiter, &request);
        if (answers[i].allowed && next_random(8) == 0) {
            ck_assert_int_eq(ration_refund(limiter, &request, answers[i].decided_at_ns, request.cost), RATION_OK);
        }
        ck_assert_uint_eq(answers[i].decided_at_ns, fake_now_ns);
        answers[i].decided_at_ns -= start_ns;
        fake_now_ns += next_random(scale_ns);
    }
    ck_assert_uint_eq(jumps_of(limiter), 0);
    ration_close(limiter);
    random_state = kept_random;
}

START_TEST(a_clock_that_passes_a_power_of_two_decides_as_any_other) /* F21 */
{
    static const struct {
        const char *what;
        uint64_t wrap_ns;
    } rows[] = {{"2^31 s", (UINT64_C(1) << 31) * RATION_SECOND},
                {"2^32 ms", (UINT64_C(1) << 32) * RATION_MILLISECOND},
                {"2^32 s", (UINT64_C(1) << 32) * RATION_SECOND},
                {"2^40 ns", UINT64_C(1) << 40},
                {"2^48 ns", UINT64_C(1) << 48},
                {"2^63 ns", UINT64_C(1) << 63},
                {"2^25 s", (UINT64_C(1) << 25) * RATION_SECOND}};
    static ration_decision wrapped[WRAP_STEPS], ordinary[WRAP_STEPS];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint64_t period_ns = 1024 * RATION_SECOND; /* all windows divide it: both runs start at one phase */
        uint64_t start_ns = rows[i].wrap_ns - RATION_SECOND, seed = next_random(UINT64_MAX) | 1;
        unsigned allowed = 0;
        play(start_ns, seed, wrapped);
        play(NEW_YEAR - NEW_YEAR % period_ns + start_ns % period_ns, seed, ordinary);
        for (unsigned j = 0; j < WRAP_STEPS; j++) {
            ck_assert_msg(memcmp(&wrapped[j], &ordinary[j], sizeof wrapped[j]) == 0, "%s differs at step %u", rows[i].what, j);
            allowed += wrapped[j].allowed;
        }
        ck_assert_uint_gt(allowed, WRAP_STEPS / 20);
        ck_assert_uint_lt(allowed, WRAP_STEPS - WRAP_STEPS / 20);
    }
}
END_TEST

START_TEST(the_end_of_64_bit_time_is_a_jump_like_any_other)
{
    ration_limiter *limiter = open_rate(UINT64_MAX - RATION_SECOND);
    ck_assert_uint_eq(drain(limiter, 1), BURST);
    for (unsigned i = 0; i < 100; i++) {
        uint64_t waited_ns = 0;
        while (!ask(limiter, 1, "a", 1).allowed) {
            fake_now_ns += 50 * RATION_MILLISECOND;
            waited_ns += 50 * RATION_MILLISECOND;
            ck_assert_uint_le(waited_ns, FULL_NS + SLACK_NS);
        }
    }
    ck_assert_uint_lt(fake_now_ns, RATION_HOUR);
    ck_assert_uint_eq(jumps_of(limiter), 1);
    ration_close(limiter);
}
END_TEST

START_TEST(whoever_was_idle_has_the_full_burst_and_no_more) /* F8 */
{
    static const uint64_t idles_ns[] = {RATION_HOUR, YEAR, 15 * YEAR, 16 * YEAR, 292 * YEAR};
    for (size_t i = 0; i < sizeof idles_ns / sizeof idles_ns[0]; i++) {
        ration_limiter *limiter = open_rate(NEW_YEAR);
        ck_assert_uint_eq(drain(limiter, 1), BURST);
        fake_now_ns += idles_ns[i];
        ck_assert_uint_eq(drain(limiter, 1), BURST);
        ck_assert_uint_eq(ask(limiter, 1, "a", 1).retry_after_ns, RATION_SECOND / RATE);
        ration_close(limiter);
    }
}
END_TEST

START_TEST(one_in_ten_years_is_one_in_ten_years) /* F3, F10 */
{
    ration_limiter *limiter = open_at(NEW_YEAR);
    ration_limit limit = RATION_RATE(1, 10 * YEAR, 1);
    set_plan(limiter, 1, &limit, 1);
    ck_assert_uint_eq(ask(limiter, 1, "a", 1).allowed, 1);
    ck_assert_uint_eq(ask(limiter, 1, "a", 1).retry_after_ns, 10 * YEAR);
    for (unsigned year = 1; year < 10; year++) {
        fake_now_ns = NEW_YEAR + year * YEAR;
        ck_assert_uint_eq(ask(limiter, 1, "a", 1).retry_after_ns, (10 - year) * YEAR);
    }
    fake_now_ns = NEW_YEAR + 10 * YEAR - 1;
    ck_assert_uint_eq(ask(limiter, 1, "a", 1).retry_after_ns, 1);
    fake_now_ns++;
    ck_assert_uint_eq(ask(limiter, 1, "a", 1).allowed, 1);
    ck_assert_uint_eq(ask(limiter, 1, "a", 1).allowed, 0);
    ration_close(limiter);
}
END_TEST

START_TEST(who_comes_back_when_told_passes_and_a_nanosecond_earlier_does_not) /* F11, F15, S10 */
{
    const ration_limit plans[][3] = {
        {RATION_RATE(10, 13 * RATION_SECOND, 7)},
        {RATION_QUOTA(9, 7 * RATION_SECOND)},
        {RATION_SLIDING(9, 7 * RATION_SECOND)},
        {RATION_RATE(7, 3 * RATION_SECOND, 5), RATION_QUOTA(20, 11 * RATION_SECOND), RATION_SLIDING(30, 23 * RATION_SECOND)}};
    for (uint32_t plan = 0; plan < 4; plan++) {
        ration_limiter *limiter = open_at(NEW_YEAR);
        unsigned refused = 0;
        set_plan(limiter, plan, plans[plan], plan < 3 ? 1 : 3);
        while (refused < 20000) {
            uint64_t cost = 1 + next_random(5);
            ration_decision decision = ask(limiter, plan, "a", cost);
            if (!decision.allowed) {
                refused++;
                ck_assert_uint_ge(decision.retry_after_ns, 1);
                fake_now_ns += decision.retry_after_ns - 1;
                ck_assert_uint_eq(ask(limiter, plan, "a", cost).allowed, 0);
                fake_now_ns++;
                ck_assert_uint_eq(ask(limiter, plan, "a", cost).allowed, 1);
            }
            fake_now_ns += next_random(2) * next_random(2 * RATION_SECOND);
        }
        ration_close(limiter);
    }
}
END_TEST

START_TEST(a_fixed_window_does_not_slide_along_with_its_calls) /* F17 */
{
    ration_limiter *limiter = open_at(NEW_YEAR);
    ration_limit limit = RATION_QUOTA(1, 10 * RATION_SECOND);
    unsigned admitted = 0;
    set_plan(limiter, 1, &limit, 1);
    for (unsigned i = 0; i < 1000; i++) {
        unsigned now = ask(limiter, 1, "a", 1).allowed;
        ck_assert_uint_eq(now, i == 0 || i * 9 / 10 != (i - 1) * 9 / 10);
        admitted += now;
        fake_now_ns += 9 * RATION_SECOND;
    }
    ck_assert_uint_eq(admitted, 900);
    ration_close(limiter);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("time");
    seed_random();
    tcase_add_test(tests, a_jump_costs_at_most_one_burst_and_locks_nobody_out);
    tcase_add_test(tests, a_clock_that_goes_back_again_and_again_neither_locks_out_nor_grants_more_than_a_burst_each);
    tcase_add_test(tests, an_hour_forward_and_back_keeps_the_quota_of_the_day);
    tcase_add_test(tests, a_window_ahead_of_the_clock_is_read_as_this_one_with_what_it_used);
    tcase_add_test(tests, permits_out_before_a_jump_back_lapse_within_two_leases);
    tcase_add_test(tests, zero_and_one_are_times);
    tcase_add_test(tests, a_clock_that_passes_a_power_of_two_decides_as_any_other);
    tcase_add_test(tests, the_end_of_64_bit_time_is_a_jump_like_any_other);
    tcase_add_test(tests, whoever_was_idle_has_the_full_burst_and_no_more);
    tcase_add_test(tests, one_in_ten_years_is_one_in_ten_years);
    tcase_add_test(tests, who_comes_back_when_told_passes_and_a_nanosecond_earlier_does_not);
    tcase_add_test(tests, a_fixed_window_does_not_slide_along_with_its_calls);
    return run_suite("time", tests, 120);
}
