/* SPDX-License-Identifier: BSD-2-Clause */
/** @file test_decisions.c What one answer says: reasons, waits, costs, shares, shadows, several requests as one, refunds. */
#include "fixture.h"

#define BOTH 2

START_TEST(of_several_refusals_the_longest_wait_is_the_reason)
{
    ration_limiter *limiter = open_at(NEW_YEAR);
    ration_limit limits[] = {RATION_RATE(1, RATION_SECOND, 1), RATION_QUOTA(1, RATION_CALENDAR_DAY),
                             RATION_SLIDING(1, RATION_MINUTE)};
    set_plan(limiter, 1, limits, 3);
    ck_assert_uint_eq(ask(limiter, 1, "a", 1).allowed, 1);
    ration_decision decision = ask(limiter, 1, "a", 1);
    ck_assert_uint_eq(decision.allowed, 0);
    ck_assert_uint_eq(decision.granted, 0);
    ck_assert_uint_eq(decision.reason, RATION_REASON_QUOTA);
    ck_assert_uint_eq(decision.limit_index, 1);
    ck_assert_uint_eq(decision.limit, 1);
    ck_assert_uint_eq(decision.remaining, 0);
    ck_assert_uint_eq(decision.retry_after_ns, RATION_DAY);
    ck_assert_uint_eq(decision.reset_ns, RATION_DAY);
    ck_assert_uint_eq(decision.decided_at_ns, NEW_YEAR);
    fake_now_ns = NEW_YEAR + RATION_DAY - 1;
    decision = ask(limiter, 1, "a", 1);
    ck_assert_uint_eq(decision.allowed, 0);
    ck_assert_uint_eq(decision.retry_after_ns, 1);
    fake_now_ns = NEW_YEAR + RATION_DAY;
    ck_assert_uint_eq(ask(limiter, 1, "a", 1).allowed, 1);
    ration_close(limiter);
}
END_TEST

START_TEST(a_wait_for_a_permit_counts_as_one_second)
{
    static const struct {
        uint64_t period_ns;
        uint32_t reason;
        uint64_t retry_ns;
    } rows[] = {{2 * RATION_SECOND, RATION_REASON_RATE, 2 * RATION_SECOND},
                {RATION_SECOND / 2, RATION_REASON_CONCURRENCY, RATION_SECOND}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ration_limiter *limiter = open_at(NEW_YEAR);
        ration_limit limits[] = {RATION_RATE(1, rows[i].period_ns, 1), RATION_CONCURRENCY(1, 600 * RATION_SECOND)};
        ration_permit permit;
        ration_request request = request_of(1, "a", 1);
        request.permit = &permit;
        set_plan(limiter, 1, limits, 2);
        ck_assert_uint_eq(decide(limiter, &request).allowed, 1);
        ration_decision decision = decide(limiter, &request);
        ck_assert_uint_eq(decision.allowed, 0);
        ck_assert_uint_eq(decision.reason, rows[i].reason);
        ck_assert_uint_eq(decision.retry_after_ns, rows[i].retry_ns);
        ration_close(limiter);
    }
}
END_TEST

START_TEST(what_can_never_pass_says_so_and_spends_nothing) /* F1, F12 */
{
    static const uint64_t costs[] = {11, 12, UINT32_MAX, 200000000, INT64_MAX};
    const ration_limit kinds[] = {RATION_RATE(1, RATION_DAY, 10), RATION_QUOTA(10, RATION_CALENDAR_MONTH),
                                  RATION_QUOTA(10, RATION_MINUTE), RATION_SLIDING(10, RATION_MINUTE)};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        ration_limiter *limiter = open_at(NEW_YEAR);
        set_plan(limiter, 1, &kinds[i], 1);
        for (size_t j = 0; j < sizeof costs / sizeof costs[0]; j++) {
            ration_decision decision = ask(limiter, 1, "a", costs[j]);
            ck_assert_uint_eq(decision.allowed, 0);
            ck_assert_uint_eq(decision.flags, RATION_DECISION_NEVER);
            ck_assert_uint_eq(decision.retry_after_ns, RATION_NEVER);
            ck_assert_uint_eq(decision.reason, kinds[i].kind);
            ck_assert_uint_eq(decision.remaining, 10);
            ck_assert_uint_eq(left_of(limiter, 1, "a", 0), 10);
        }
        ck_assert_uint_eq(ask(limiter, 1, "a", 10).allowed, 1);
        ck_assert_uint_eq(ask(limiter, 1, "a", 1).flags, 0);
        ration_close(limiter);
    }
}
END_TEST

START_TEST(a_cost_of_zero_is_one) /* F12 */
{
    ration_limiter *limiter = open_at(NEW_YEAR);
    ration_limit limit = RATION_RATE(1, RATION_SECOND, 10);
    set_plan(limiter, 1, &limit, 1);
    ck_assert_uint_eq(ask(limiter, 1, "a", 0).granted, 1);
    ck_assert_uint_eq(left_of(limiter, 1, "a", 0), 9);
    ration_close(limiter);
}
END_TEST

START_TEST(calls_and_costs_are_counted_in_one_plan)
{
    ration_limiter *limiter = open_at(NEW_YEAR);
    ration_limit limits[] = {RATION_RATE(10, RATION_SECOND, 10, .counts = RATION_CALLS), RATION_QUOTA(1000, RATION_CALENDAR_DAY)};
    set_plan(limiter, 1, limits, 2);
    ck_assert_uint_eq(ask(limiter, 1, "a", 300).granted, 300);
    ck_assert_uint_eq(left_of(limiter, 1, "a", 0), 9);
    ck_assert_uint_eq(left_of(limiter, 1, "a", 1), 700);
    ration_decision decision = ask(limiter, 1, "a", 701);
    ck_assert_uint_eq(decision.allowed, 0);
    ck_assert_uint_eq(decision.reason, RATION_REASON_QUOTA);
    ck_assert_uint_eq(left_of(limiter, 1, "a", 0), 9);
    ration_close(limiter);
}
END_TEST

START_TEST(blocked_refuses_and_unlimited_admits)
{
    ration_limiter *limiter = open_at(NEW_YEAR);
    ration_limit blocked = RATION_BLOCKED, unlimited = RATION_UNLIMITED;
    set_plan(limiter, 1, &blocked, 1);
    set_plan(limiter, 2, &unlimited, 1);
    ration_decision decision = ask(limiter, 1, "a", 1);
    ck_assert_uint_eq(decision.allowed, 0);
    ck_assert_uint_eq(decision.reason, RATION_REASON_BLOCKED);
    ck_assert_uint_eq(decision.flags, RATION_DECISION_NEVER);
    ck_assert_uint_eq(decision.retry_after_ns, RATION_NEVER);
    decision = ask(limiter, 2, "a", INT64_MAX);
    ck_assert_uint_eq(decision.allowed, 1);
    ck_assert_uint_eq(decision.reason, RATION_REASON_NONE);
    ck_assert_uint_eq(decision.granted, INT64_MAX);
    ck_assert_uint_eq(decision.retry_after_ns, 0);
    ration_close(limiter);
}
END_TEST

START_TEST(keep_permille_leaves_a_share_rounded_against_the_request)
{
    ration_limiter *limiter = open_at(NEW_YEAR);
    ration_limit limit = RATION_QUOTA(9, RATION_CALENDAR_DAY);
    ration_request low = request_of(1, "a", 1);
    low.keep_permille = 200; /* a fifth of 9 is 1.8: 2 stay free */
    set_plan(limiter, 1, &limit, 1);
    for (unsigned i = 0; i < 7; i++) {
        ck_assert_uint_eq(decide(limiter, &low).allowed, 1);
    }
    ration_decision decision = decide(limiter, &low);
    ck_assert_uint_eq(decision.allowed, 0);
    ck_assert_uint_eq(decision.flags, 0);
    ck_assert_uint_eq(decision.remaining, 2);
    low.cost = 8;
    ck_assert_uint_eq(decide(limiter, &low).flags, RATION_DECISION_NEVER);
    low.cost = 1;
    low.keep_permille = 1000;
    ck_assert_uint_eq(decide(limiter, &low).flags, RATION_DECISION_NEVER);
    ck_assert_uint_eq(ask(limiter, 1, "a", 2).allowed, 1);
    ck_assert_uint_eq(ask(limiter, 1, "a", 1).allowed, 0);
    ration_close(limiter);
}
END_TEST

START_TEST(a_request_that_waits_is_told_how_long_exactly)
{
    ration_limiter *limiter = open_at(NEW_YEAR);
    ration_limit limit = RATION_RATE(10, RATION_SECOND, 2);
    ration_request request = request_of(1, "a", 1);
    request.max_wait_ns = 250 * RATION_MILLISECOND;
    set_plan(limiter, 1, &limit, 1);
    static const uint64_t waits_ms[] = {0, 0, 100, 200};
    for (unsigned i = 0; i < 4; i++) {
        ration_decision decision = decide(limiter, &request);
        ck_assert_uint_eq(decision.allowed, 1);
        ck_assert_uint_eq(decision.wait_ns, waits_ms[i] * RATION_MILLISECOND);
    }
    ration_decision decision = decide(limiter, &request);
    ck_assert_uint_eq(decision.allowed, 0);
    ck_assert_uint_eq(decision.wait_ns, 0);
    ck_assert_uint_eq(decision.retry_after_ns, 50 * RATION_MILLISECOND);
    fake_now_ns += decision.retry_after_ns - 1;
    ck_assert_uint_eq(decide(limiter, &request).allowed, 0);
    fake_now_ns++;
    ck_assert_uint_eq(decide(limiter, &request).wait_ns, request.max_wait_ns);
    ration_close(limiter);
}
END_TEST

START_TEST(a_partial_grant_is_the_least_over_the_limits)
{
    ration_limiter *limiter = open_at(NEW_YEAR);
    ration_limit limits[] = {RATION_RATE(1, RATION_SECOND, 7), RATION_QUOTA(100, RATION_CALENDAR_DAY),
                             RATION_QUOTA(50, RATION_MINUTE, .name = "calls", .counts = RATION_CALLS)};
    ration_request request = request_of(1, "a", 1000);
    request.flags = RATION_PARTIAL;
    set_plan(limiter, 1, limits, 3);
    ration_decision decision = decide(limiter, &request);
    ck_assert_uint_eq(decision.allowed, 1);
    ck_assert_uint_eq(decision.granted, 7);
    ck_assert_uint_eq(left_of(limiter, 1, "a", 0), 0);
    ck_assert_uint_eq(left_of(limiter, 1, "a", 1), 93);
    ck_assert_uint_eq(left_of(limiter, 1, "a", 2), 49);
    decision = decide(limiter, &request);
    ck_assert_uint_eq(decision.allowed, 0);
    ck_assert_uint_eq(decision.granted, 0);
    ck_assert_uint_eq(decision.retry_after_ns, RATION_SECOND);
    ck_assert_uint_eq(decision.flags, 0);
    fake_now_ns += 3 * RATION_SECOND + 1;
    ck_assert_uint_eq(decide(limiter, &request).granted, 3);
    ration_close(limiter);
}
END_TEST

START_TEST(a_shadow_reports_what_it_would_refuse)
{
    ration_limiter *limiter = open_at(NEW_YEAR);
    ration_limit limits[] = {RATION_RATE(1, RATION_SECOND, 5), RATION_QUOTA(2, RATION_CALENDAR_DAY, .flags = RATION_SHADOW),
                             RATION_SLIDING(3, RATION_MINUTE, .flags = RATION_SHADOW)};
    static const uint32_t bits[] = {0, 0, 2, 6, 6};
    ration_stats stats = {.size = sizeof stats};
    set_plan(limiter, 1, limits, 3);
    for (unsigned i = 0; i < 5; i++) {
        ration_decision decision = ask(limiter, 1, "a", 1);
        ck_assert_uint_eq(decision.allowed, 1);
        ck_assert_uint_eq(decision.would_refuse, bits[i]);
    }
    ration_decision decision = ask(limiter, 1, "a", 1);
    ck_assert_uint_eq(decision.allowed, 0);
    ck_assert_uint_eq(decision.reason, RATION_REASON_RATE);
    ck_assert_int_eq(ration_get_stats(limiter, &stats), RATION_OK);
    ck_assert_uint_eq(stats.allowed, 5);
    ck_assert_uint_eq(stats.refused, 1);
    ck_assert_uint_eq(stats.would_refuse, decision.would_refuse != 0 ? 4 : 3);
    ration_close(limiter);
}
END_TEST

START_TEST(shadows_of_several_requests_have_a_bit_each)
{
    ration_limiter *limiter = open_at(NEW_YEAR);
    ration_limit first[] = {RATION_RATE(1, RATION_SECOND, 100), RATION_QUOTA(1, RATION_CALENDAR_DAY)};
    ration_limit second[] = {RATION_RATE(1, RATION_SECOND, 100), RATION_QUOTA(1, RATION_CALENDAR_DAY, .flags = RATION_SHADOW)};
    ration_request requests[BOTH] = {request_of(1, "a", 1), request_of(2, "b", 2)};
    ration_decision decision;
    set_plan(limiter, 1, first, 2);
    set_plan(limiter, 2, second, 2);
    ck_assert_int_eq(ration_acquire_all(limiter, requests, BOTH, &decision), RATION_OK);
    ck_assert_uint_eq(decision.allowed, 1);
    ck_assert_uint_eq(decision.would_refuse, 1u << 3);
    ration_close(limiter);
}
END_TEST

START_TEST(jitter_spreads_callers_over_a_sixteenth_and_no_caller_comes_early)
{
    ration_limiter *limiter = open_at(NEW_YEAR);
    ration_limit minute = RATION_QUOTA(1, 160 * RATION_SECOND), month = RATION_QUOTA(1, RATION_CALENDAR_MONTH);
    uint64_t least = UINT64_MAX, most = 0;
    set_plan(limiter, 1, &minute, 1);
    set_plan(limiter, 2, &month, 1);
    for (unsigned i = 0; i < 1000; i++) {
        char key[2] = {(char)(i % 250 + 1), (char)(i / 250 + 1)};
        ration_request request = {.key = key, .key_len = sizeof key, .plan = 1};
        ck_assert_uint_eq(decide(limiter, &request).allowed, 1);
        uint64_t exact = decide(limiter, &request).retry_after_ns;
        request.flags = RATION_JITTER;
        uint64_t spread = decide(limiter, &request).retry_after_ns - exact;
        ck_assert_uint_eq(decide(limiter, &request).retry_after_ns - exact, spread);
        ck_assert_uint_le(spread, 10 * RATION_SECOND);
        least = spread < least ? spread : least;
        most = spread > most ? spread : most;
        request.plan = 2;
        ck_assert_uint_eq(decide(limiter, &request).allowed, 1);
        ck_assert_uint_le(decide(limiter, &request).retry_after_ns, 31 * RATION_DAY + RATION_HOUR);
    }
    ck_assert_uint_lt(least, RATION_SECOND);
    ck_assert_uint_gt(most, 9 * RATION_SECOND);
    ration_close(limiter);
}
END_TEST

/** Asserts that the request's limits stand as in `before`. */
static void assert_unspent(ration_limiter *limiter, const ration_request *request, const ration_usage *before)
{
    ration_usage after[RATION_LIMITS_MAX];
    size_t count = look(limiter, request, after);
    ck_assert_mem_eq(after, before, count * sizeof after[0]);
}

START_TEST(a_refusal_leaves_every_limit_of_the_plan_as_it_was) /* G2, S3, S8 */
{
    for (size_t tight = 0; tight < 4; tight++) {
        ration_limiter *limiter = open_at(NEW_YEAR);
        ration_limit limits[] = {RATION_RATE(1, RATION_HOUR, 10), RATION_QUOTA(10, RATION_CALENDAR_DAY),
                                 RATION_SLIDING(10, RATION_HOUR), RATION_CONCURRENCY(10, RATION_HOUR)};
        ration_permit permit;
        ration_usage before[RATION_LIMITS_MAX];
        ration_request request = request_of(1, "a", 1);
        request.permit = &permit;
        limits[tight].units = tight == 0 ? limits[tight].units : 2;
        limits[tight].burst = tight == 0 ? 2 : limits[tight].burst;
        set_plan(limiter, 1, limits, 4);
        ck_assert_uint_eq(decide(limiter, &request).allowed, 1);
        ck_assert_uint_eq(decide(limiter, &request).allowed, 1);
        look(limiter, &request, before);
        for (unsigned i = 0; i < 1000; i++) {
            ration_decision decision = decide(limiter, &request);
            ck_assert_uint_eq(decision.allowed, 0);
            ck_assert_uint_eq(decision.limit_index, tight);
            ck_assert_int_eq(ration_release(limiter, &permit, NULL), RATION_ERR_NOT_HELD);
        }
        assert_unspent(limiter, &request, before);
        ration_close(limiter);
    }
}
END_TEST

START_TEST(several_requests_are_all_admitted_or_none) /* G2, F54 */
{
    ration_limiter *limiter = open_at(NEW_YEAR);
    ration_limit caller[] = {RATION_RATE(1, RATION_HOUR, 10), RATION_CONCURRENCY(5, RATION_HOUR)};
    ration_limit global = RATION_QUOTA(3, RATION_CALENDAR_DAY);
    ration_permit permit;
    ration_usage callers[RATION_LIMITS_MAX], globals[RATION_LIMITS_MAX];
    ration_request requests[BOTH] = {request_of(1, "a", 1), request_of(2, "all", 1)};
    ration_decision decision;
    requests[0].permit = &permit;
    set_plan(limiter, 1, caller, 2);
    set_plan(limiter, 2, &global, 1);
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_int_eq(ration_acquire_all(limiter, requests, BOTH, &decision), RATION_OK);
        ck_assert_uint_eq(decision.allowed, 1);
        ck_assert_uint_eq(decision.remaining, 2 - i);
        ck_assert_uint_eq(decision.request_index, 1);
        ck_assert_uint_eq(decision.limit_index, 0);
    }
    look(limiter, &requests[0], callers);
    look(limiter, &requests[1], globals);
    ck_assert_uint_eq(callers[0].remaining, 7);
    ck_assert_uint_eq(callers[1].remaining, 2);
    for (unsigned i = 0; i < 100; i++) {
        ck_assert_int_eq(ration_acquire_all(limiter, requests, BOTH, &decision), RATION_OK);
        ck_assert_uint_eq(decision.allowed, 0);
        ck_assert_uint_eq(decision.reason, RATION_REASON_QUOTA);
        ck_assert_uint_eq(decision.request_index, 1);
        ck_assert_int_eq(ration_release(limiter, &permit, NULL), RATION_ERR_NOT_HELD);
    }
    assert_unspent(limiter, &requests[0], callers);
    assert_unspent(limiter, &requests[1], globals);
    ration_close(limiter);
}
END_TEST

START_TEST(a_blocked_plan_among_several_refuses_all)
{
    ration_limiter *limiter = open_at(NEW_YEAR);
    ration_limit rate = RATION_RATE(1, RATION_HOUR, 10), blocked = RATION_BLOCKED, unlimited = RATION_UNLIMITED;
    ration_request requests[3] = {request_of(1, "a", 1), request_of(3, "b", 1), request_of(2, "c", 1)};
    ration_decision decision;
    set_plan(limiter, 1, &rate, 1);
    set_plan(limiter, 2, &blocked, 1);
    set_plan(limiter, 3, &unlimited, 1);
    ck_assert_int_eq(ration_acquire_all(limiter, requests, 3, &decision), RATION_OK);
    ck_assert_uint_eq(decision.reason, RATION_REASON_BLOCKED);
    ck_assert_uint_eq(decision.request_index, 2);
    ck_assert_uint_eq(left_of(limiter, 1, "a", 0), 10);
    ck_assert_int_eq(ration_acquire_all(limiter, requests, BOTH, &decision), RATION_OK);
    ck_assert_uint_eq(decision.allowed, 1);
    ck_assert_uint_eq(decision.remaining, 9);
    ration_close(limiter);
}
END_TEST

START_TEST(equal_limits_of_equal_keys_are_merged)
{
    ration_limiter *limiter = open_at(NEW_YEAR);
    ration_limit limit = RATION_RATE(1, RATION_HOUR, 10, .flags = RATION_SHARED, .name = "shared");
    ration_request requests[3] = {request_of(1, "a", 3), request_of(2, "a", 4), request_of(1, "b", 5)};
    ration_decision decision;
    set_plan(limiter, 1, &limit, 1);
    set_plan(limiter, 2, &limit, 1);
    ck_assert_int_eq(ration_acquire_all(limiter, requests, 3, &decision), RATION_OK);
    ck_assert_uint_eq(decision.allowed, 1);
    ck_assert_uint_eq(left_of(limiter, 1, "a", 0), 3);
    ck_assert_uint_eq(left_of(limiter, 2, "a", 0), 3);
    ck_assert_uint_eq(left_of(limiter, 1, "b", 0), 5);
    requests[1].cost = 1; /* each alone would pass, together they are 4 of 3 */
    requests[2].cost = 1;
    ck_assert_int_eq(ration_acquire_all(limiter, requests, 3, &decision), RATION_OK);
    ck_assert_uint_eq(decision.allowed, 0);
    ck_assert_uint_eq(decision.request_index, 0);
    ck_assert_uint_eq(left_of(limiter, 1, "a", 0), 3);
    ck_assert_uint_eq(left_of(limiter, 1, "b", 0), 5);
    fake_now_ns += decision.retry_after_ns - 1;
    ck_assert_int_eq(ration_acquire_all(limiter, requests, 3, &decision), RATION_OK);
    ck_assert_uint_eq(decision.allowed, 0);
    fake_now_ns++;
    ck_assert_int_eq(ration_acquire_all(limiter, requests, 3, &decision), RATION_OK);
    ck_assert_uint_eq(decision.allowed, 1);
    ration_close(limiter);
}
END_TEST

START_TEST(a_batch_answers_as_single_requests_do)
{
    enum { COUNT = 200 };
    static ration_request requests[COUNT];
    static ration_decision batched[COUNT];
    static ration_permit permits[COUNT];
    static char keys[COUNT][2];
    ration_limiter *limiters[BOTH];
    ration_limit one = RATION_RATE(2, RATION_SECOND, 5);
    ration_limit several[] = {RATION_RATE(1, RATION_SECOND, 9), RATION_QUOTA(12, RATION_MINUTE),
                              RATION_CONCURRENCY(3, RATION_MINUTE)};
    for (unsigned i = 0; i < BOTH; i++) {
        limiters[i] = open_at(NEW_YEAR);
        set_plan(limiters[i], 1, &one, 1);
        set_plan(limiters[i], 2, several, 3);
    }
    for (unsigned i = 0; i < COUNT; i++) {
        keys[i][0] = (char)('a' + i * i % 7);
        requests[i] = (ration_request){.key = keys[i], .key_len = 1, .plan = 1 + i % 2, .cost = i % 3, .permit = &permits[i]};
        requests[i].flags = (i % 5 == 0 ? RATION_PARTIAL : 0) | RATION_AT;
        requests[i].now_ns = NEW_YEAR + i * 20 * RATION_MILLISECOND;
    }
    ck_assert_int_eq(ration_acquire_batch(limiters[0], requests, COUNT, batched), RATION_OK);
    unsigned allowed = 0;
    for (unsigned i = 0; i < COUNT; i++) {
        ration_decision single = decide(limiters[1], &requests[i]);
        ck_assert_mem_eq(&single, &batched[i], sizeof single);
        allowed += single.allowed;
    }
    ck_assert_uint_gt(allowed, 20);
    ck_assert_uint_lt(allowed, COUNT - 20);
    ration_close(limiters[0]);
    ration_close(limiters[1]);
}
END_TEST

START_TEST(a_refund_gives_back_what_was_spent_and_never_overfills)
{
    ration_limiter *limiter = open_at(NEW_YEAR);
    ration_limit limits[] = {RATION_QUOTA(10, RATION_CALENDAR_DAY), RATION_RATE(1, RATION_HOUR, 10),
                             RATION_QUOTA(10, RATION_CALENDAR_DAY, .name = "calls", .counts = RATION_CALLS)};
    ration_request request = request_of(1, "a", 6);
    set_plan(limiter, 1, limits, 3);
    ration_decision decision = decide(limiter, &request);
    ck_assert_int_eq(ration_refund(limiter, &request, decision.decided_at_ns, 4), RATION_OK);
    ck_assert_uint_eq(left_of(limiter, 1, "a", 0), 8);
    ck_assert_uint_eq(left_of(limiter, 1, "a", 1), 8);
    ck_assert_uint_eq(left_of(limiter, 1, "a", 2), 9); /* not all of the cost came back: the call was made */
    ck_assert_int_eq(ration_refund(limiter, &request, decision.decided_at_ns, 6), RATION_OK);
    ck_assert_int_eq(ration_refund(limiter, &request, decision.decided_at_ns, 6), RATION_OK);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_uint_eq(left_of(limiter, 1, "a", i), 10);
    }
    ration_close(limiter);
}
END_TEST

START_TEST(a_refund_of_a_window_that_is_over_gives_nothing)
{
    ration_limiter *limiter = open_at(NEW_YEAR);
    ration_limit limit = RATION_QUOTA(10, RATION_CALENDAR_DAY);
    ration_request request = request_of(1, "a", 6);
    set_plan(limiter, 1, &limit, 1);
    ration_decision decision = decide(limiter, &request);
    fake_now_ns += RATION_DAY;
    ck_assert_uint_eq(decide(limiter, &request).remaining, 4);
    ck_assert_int_eq(ration_refund(limiter, &request, decision.decided_at_ns, 6), RATION_OK);
    ck_assert_uint_eq(left_of(limiter, 1, "a", 0), 4);
    ration_close(limiter);
}
END_TEST

START_TEST(settling_gives_back_what_the_work_did_not_need)
{
    ration_limiter *limiter = open_at(NEW_YEAR);
    ration_limit limit = RATION_QUOTA(10, RATION_CALENDAR_DAY);
    ration_request request = request_of(1, "a", 50);
    request.flags = RATION_PARTIAL;
    set_plan(limiter, 1, &limit, 1);
    ration_decision decision = decide(limiter, &request);
    ck_assert_uint_eq(decision.granted, 10);
    ck_assert_int_eq(ration_settle(limiter, &request, &decision, 11), RATION_ERR_RANGE);
    ck_assert_int_eq(ration_settle(limiter, &request, &decision, 10), RATION_OK);
    ck_assert_uint_eq(left_of(limiter, 1, "a", 0), 0);
    ck_assert_int_eq(ration_settle(limiter, &request, &decision, 3), RATION_OK);
    ck_assert_uint_eq(left_of(limiter, 1, "a", 0), 7);
    ration_close(limiter);
}
END_TEST

START_TEST(forgetting_clears_what_was_spent_and_leaves_permits_out)
{
    ration_limiter *limiter = open_at(NEW_YEAR);
    ration_limit limits[] = {RATION_RATE(1, RATION_HOUR, 10), RATION_QUOTA(10, RATION_CALENDAR_DAY),
                             RATION_SLIDING(10, RATION_MINUTE), RATION_CONCURRENCY(3, RATION_MINUTE)};
    ration_permit permit;
    ration_request request = request_of(1, "a", 10);
    request.permit = &permit;
    set_plan(limiter, 1, limits, 4);
    ck_assert_uint_eq(decide(limiter, &request).allowed, 1);
    ck_assert_int_eq(ration_forget(limiter, &request), RATION_OK);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_uint_eq(left_of(limiter, 1, "a", i), 10);
    }
    ck_assert_uint_eq(left_of(limiter, 1, "a", 3), 2);
    ck_assert_int_eq(ration_release(limiter, &permit, NULL), RATION_OK);
    ck_assert_uint_eq(left_of(limiter, 1, "a", 3), 3);
    ration_close(limiter);
}
END_TEST

START_TEST(a_million_looks_change_nothing) /* S5 */
{
    ration_limiter *limiter = open_at(NEW_YEAR);
    ration_limit limits[] = {RATION_RATE(1, RATION_HOUR, 10), RATION_QUOTA(10, RATION_CALENDAR_DAY)};
    ration_usage before[RATION_LIMITS_MAX], usages[RATION_LIMITS_MAX];
    ration_request request = request_of(1, "a", 4), stranger = request_of(1, "never seen", 4);
    ration_stats stats = {.size = sizeof stats}, later = {.size = sizeof later};
    set_plan(limiter, 1, limits, 2);
    ck_assert_uint_eq(decide(limiter, &request).allowed, 1);
    look(limiter, &request, before);
    ck_assert_int_eq(ration_get_stats(limiter, &stats), RATION_OK);
    for (unsigned i = 0; i < 500000; i++) {
        look(limiter, &stranger, usages);
        look(limiter, &request, usages);
    }
    assert_unspent(limiter, &request, before);
    ck_assert_uint_eq(left_of(limiter, 1, "never seen", 0), 10);
    ck_assert_int_eq(ration_get_stats(limiter, &later), RATION_OK);
    ck_assert_mem_eq(&stats, &later, sizeof stats);
    ration_close(limiter);
}
END_TEST

START_TEST(usages_of_a_decision_are_those_of_a_look_after_it)
{
    ration_limiter *limiter = open_at(NEW_YEAR);
    ration_limit limits[] = {RATION_RATE(1, RATION_HOUR, 10, .name = "calls an hour"), RATION_QUOTA(7, RATION_CALENDAR_DAY)};
    ration_usage told[RATION_LIMITS_MAX] = {{0}};
    ration_request request = request_of(1, "a", 4);
    request.usages = told;
    request.usage_size = sizeof told[0];
    request.usage_capacity = RATION_LIMITS_MAX;
    set_plan(limiter, 1, limits, 2);
    ck_assert_uint_eq(decide(limiter, &request).allowed, 1);
    ck_assert_str_eq(told[0].name, "calls an hour");
    ck_assert_str_eq(told[1].name, "quota");
    ck_assert_uint_eq(told[0].remaining, 6);
    ck_assert_uint_eq(told[0].reset_ns, 4 * RATION_HOUR);
    ck_assert_uint_eq(told[0].period_ns, 10 * RATION_HOUR);
    ck_assert_uint_eq(told[1].remaining, 3);
    ck_assert_uint_eq(told[1].reset_ns, RATION_DAY);
    ck_assert_uint_eq(told[0].refused + told[1].refused, 0);
    ck_assert_uint_eq(decide(limiter, &request).allowed, 0);
    ck_assert_uint_eq(told[0].refused, 0);
    ck_assert_uint_eq(told[1].refused, 1);
    ck_assert_uint_eq(told[1].remaining, 3);
    ck_assert_uint_eq(told[0].remaining, 6);
    ck_assert_uint_eq(told[1].retry_after_ns, RATION_DAY);
    ration_close(limiter);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("decisions");
    tcase_add_test(tests, of_several_refusals_the_longest_wait_is_the_reason);
    tcase_add_test(tests, a_wait_for_a_permit_counts_as_one_second);
    tcase_add_test(tests, what_can_never_pass_says_so_and_spends_nothing);
    tcase_add_test(tests, a_cost_of_zero_is_one);
    tcase_add_test(tests, calls_and_costs_are_counted_in_one_plan);
    tcase_add_test(tests, blocked_refuses_and_unlimited_admits);
    tcase_add_test(tests, keep_permille_leaves_a_share_rounded_against_the_request);
    tcase_add_test(tests, a_request_that_waits_is_told_how_long_exactly);
    tcase_add_test(tests, a_partial_grant_is_the_least_over_the_limits);
    tcase_add_test(tests, a_shadow_reports_what_it_would_refuse);
    tcase_add_test(tests, shadows_of_several_requests_have_a_bit_each);
    tcase_add_test(tests, jitter_spreads_callers_over_a_sixteenth_and_no_caller_comes_early);
    tcase_add_test(tests, a_refusal_leaves_every_limit_of_the_plan_as_it_was);
    tcase_add_test(tests, several_requests_are_all_admitted_or_none);
    tcase_add_test(tests, a_blocked_plan_among_several_refuses_all);
    tcase_add_test(tests, equal_limits_of_equal_keys_are_merged);
    tcase_add_test(tests, a_batch_answers_as_single_requests_do);
    tcase_add_test(tests, a_refund_gives_back_what_was_spent_and_never_overfills);
    tcase_add_test(tests, a_refund_of_a_window_that_is_over_gives_nothing);
    tcase_add_test(tests, settling_gives_back_what_the_work_did_not_need);
    tcase_add_test(tests, forgetting_clears_what_was_spent_and_leaves_permits_out);
    tcase_add_test(tests, a_million_looks_change_nothing);
    tcase_add_test(tests, usages_of_a_decision_are_those_of_a_look_after_it);
    return run_suite("decisions", tests, 120);
}
