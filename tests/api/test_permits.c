/* SPDX-License-Identifier: BSD-2-Clause */
/** @file test_permits.c Permits: given back once, never forged, lapsing by themselves, and remembering who was refused. */
#include "fixture.h"

#define LEASE (60 * RATION_SECOND)

static ration_limiter *open_with(uint64_t permits, uint32_t flags)
{
    ration_limiter *limiter = open_at(NEW_YEAR);
    ration_limit limit = RATION_CONCURRENCY(permits, LEASE, .flags = flags);
    set_plan(limiter, 1, &limit, 1);
    return limiter;
}

/** 1 where a permit was given. */
static unsigned take(ration_limiter *limiter, const char *key, ration_permit *permit)
{
    ration_request request = request_of(1, key, 1);
    request.permit = permit;
    return decide(limiter, &request).allowed;
}

START_TEST(as_many_hold_as_there_are_permits)
{
    enum { PERMITS = 5 };
    ration_limiter *limiter = open_with(PERMITS, 0);
    ration_permit permits[PERMITS], refused;
    for (unsigned i = 0; i < PERMITS; i++) {
        ck_assert_uint_eq(take(limiter, "a", &permits[i]), 1);
    }
    memset(&refused, 0xa5, sizeof refused);
    ck_assert_uint_eq(take(limiter, "a", &refused), 0);
    ck_assert_int_eq(ration_release(limiter, &refused, NULL), RATION_ERR_NOT_HELD);
    ck_assert_uint_eq(take(limiter, "b", &refused), 1);
    for (unsigned i = 0; i < PERMITS; i++) {
        ck_assert_int_eq(ration_release(limiter, &permits[i], NULL), RATION_OK);
        ck_assert_uint_eq(left_of(limiter, 1, "a", 0), i + 1);
    }
    ration_close(limiter);
}
END_TEST

START_TEST(any_cost_takes_one_permit)
{
    ration_limiter *limiter = open_with(3, 0);
    ration_permit permit;
    ration_request request = request_of(1, "a", 1000);
    request.permit = &permit;
    ration_decision decision = decide(limiter, &request);
    ck_assert_uint_eq(decision.allowed, 1);
    ck_assert_uint_eq(decision.remaining, 2);
    ration_close(limiter);
}
END_TEST

START_TEST(a_release_without_an_acquire_is_refused) /* F48 */
{
    ration_limiter *limiter = open_with(2, 0);
    ration_permit permit = {{0}};
    uint32_t again = 7;
    ck_assert_int_eq(ration_release(limiter, &permit, &again), RATION_ERR_NOT_HELD);
    ck_assert_uint_eq(again, 0);
    ck_assert_int_eq(ration_renew(limiter, &permit), RATION_ERR_NOT_HELD);
    memset(&permit, 0xff, sizeof permit);
    ck_assert_int_eq(ration_release(limiter, &permit, &again), RATION_ERR_NOT_HELD);
    ck_assert_uint_eq(left_of(limiter, 1, "a", 0), 2);
    ration_close(limiter);
}
END_TEST

START_TEST(a_second_release_is_refused_and_frees_nothing) /* F49 */
{
    ration_limiter *limiter = open_with(2, 0);
    ration_permit first, second;
    ck_assert_uint_eq(take(limiter, "a", &first), 1);
    ck_assert_uint_eq(take(limiter, "a", &second), 1);
    ck_assert_int_eq(ration_release(limiter, &first, NULL), RATION_OK);
    for (unsigned i = 0; i < 100; i++) {
        ck_assert_int_eq(ration_release(limiter, &first, NULL), RATION_ERR_NOT_HELD);
        ck_assert_int_eq(ration_renew(limiter, &first), RATION_ERR_NOT_HELD);
    }
    ck_assert_uint_eq(left_of(limiter, 1, "a", 0), 1);
    ration_close(limiter);
}
END_TEST

START_TEST(copies_released_too_never_take_the_count_below_zero) /* F48, F49 */
{
    ration_limiter *limiter = open_with(2, 0);
    ration_permit permit, copy;
    ck_assert_uint_eq(take(limiter, "a", &permit), 1);
    for (unsigned i = 0; i < 10; i++) {
        copy = permit;
        (void)ration_release(limiter, &copy, NULL);
        ck_assert_uint_eq(left_of(limiter, 1, "a", 0), 2);
    }
    ration_close(limiter);
}
END_TEST

START_TEST(a_permit_with_any_bit_flipped_is_not_held)
{
    ration_limiter *limiter = open_with(2, 0);
    ration_permit permit;
    ck_assert_uint_eq(take(limiter, "a", &permit), 1);
    for (unsigned bit = 0; bit < 8 * sizeof permit; bit++) {
        ration_permit forged = permit;
        forged.words[bit / 64] ^= UINT64_C(1) << bit % 64;
        ration_permit renewed = forged;
        ck_assert_int_eq(ration_release(limiter, &forged, NULL), RATION_ERR_NOT_HELD);
        ck_assert_int_eq(ration_renew(limiter, &renewed), RATION_ERR_NOT_HELD);
    }
    ck_assert_uint_eq(left_of(limiter, 1, "a", 0), 1);
    ck_assert_int_eq(ration_release(limiter, &permit, NULL), RATION_OK);
    ration_close(limiter);
}
END_TEST

START_TEST(a_permit_of_another_limiter_is_not_held)
{
    ration_limiter *limiter = open_with(2, 0), *other = open_with(2, 0);
    ration_permit permit, mine;
    ck_assert_uint_eq(take(limiter, "a", &permit), 1);
    ck_assert_uint_eq(take(other, "a", &mine), 1);
    ck_assert_int_eq(ration_release(other, &permit, NULL), RATION_ERR_NOT_HELD);
    ck_assert_uint_eq(left_of(other, 1, "a", 0), 1);
    ration_close(limiter);
    ration_close(other);
}
END_TEST

START_TEST(a_holder_that_died_is_replaced_within_two_leases_and_not_within_one) /* F51 */
{
    for (unsigned start_s = 0; start_s < 60; start_s += 7) {
        ration_limiter *limiter = open_with(1, 0);
        ration_permit dead, next;
        uint64_t granted_ns = fake_now_ns += start_s * RATION_SECOND + 123456789;
        ck_assert_uint_eq(take(limiter, "a", &dead), 1);
        fake_now_ns = granted_ns + LEASE - 1;
        ck_assert_uint_eq(take(limiter, "a", &next), 0);
        fake_now_ns = granted_ns + 2 * LEASE;
        ck_assert_uint_eq(take(limiter, "a", &next), 1);
        ration_close(limiter);
    }
}
END_TEST

START_TEST(a_lapsed_holder_frees_nobody_elses_permit) /* F52 */
{
    ration_limiter *limiter = open_with(1, 0);
    ration_permit stopped, renewing, next;
    ck_assert_uint_eq(take(limiter, "a", &stopped), 1);
    renewing = stopped;
    fake_now_ns += 2 * LEASE;
    ck_assert_uint_eq(take(limiter, "a", &next), 1);
    ck_assert_int_eq(ration_renew(limiter, &renewing), RATION_ERR_NOT_HELD);
    ck_assert_int_eq(ration_release(limiter, &stopped, NULL), RATION_ERR_NOT_HELD);
    ck_assert_uint_eq(left_of(limiter, 1, "a", 0), 0);
    ck_assert_int_eq(ration_release(limiter, &next, NULL), RATION_OK);
    ck_assert_uint_eq(left_of(limiter, 1, "a", 0), 1);
    ration_close(limiter);
}
END_TEST

START_TEST(a_permit_that_is_renewed_lasts)
{
    ration_limiter *limiter = open_with(1, 0);
    ration_permit permit, other;
    ck_assert_uint_eq(take(limiter, "a", &permit), 1);
    for (unsigned i = 0; i < 100; i++) {
        fake_now_ns += LEASE * 9 / 10;
        ck_assert_int_eq(ration_renew(limiter, &permit), RATION_OK);
        ck_assert_uint_eq(take(limiter, "a", &other), 0);
    }
    fake_now_ns += LEASE;
    ck_assert_int_eq(ration_release(limiter, &permit, NULL), RATION_OK);
    ck_assert_uint_eq(take(limiter, "a", &other), 1);
    ration_close(limiter);
}
END_TEST

START_TEST(what_was_refused_holds_nothing) /* F54 */
{
    ration_limiter *limiter = open_at(NEW_YEAR);
    ration_limit limits[] = {RATION_CONCURRENCY(2, LEASE), RATION_CONCURRENCY(1, LEASE, .name = "narrow"),
                             RATION_RATE(1, RATION_SECOND, 2)};
    ration_permit permit, other;
    set_plan(limiter, 1, limits, 3);
    ck_assert_uint_eq(take(limiter, "a", &permit), 1);
    for (unsigned i = 0; i < 100; i++) {
        ck_assert_uint_eq(take(limiter, "a", &other), 0);
    }
    ck_assert_uint_eq(left_of(limiter, 1, "a", 0), 1);
    ck_assert_uint_eq(left_of(limiter, 1, "a", 1), 0);
    ck_assert_uint_eq(left_of(limiter, 1, "a", 2), 1);
    ck_assert_int_eq(ration_release(limiter, &permit, NULL), RATION_OK);
    ck_assert_uint_eq(left_of(limiter, 1, "a", 0), 2);
    ck_assert_uint_eq(left_of(limiter, 1, "a", 1), 1);
    ration_close(limiter);
}
END_TEST

START_TEST(of_a_hundred_events_during_a_run_one_more_run_follows)
{
    ration_limiter *limiter = open_with(1, RATION_COALESCE);
    ration_permit permit, refused;
    ration_request event = request_of(1, "webhook", 1);
    unsigned runs = 1;
    uint32_t again;
    ck_assert_uint_eq(take(limiter, "webhook", &permit), 1);
    for (unsigned i = 0; i < 100; i++) {
        event.permit = &refused;
        ration_decision decision = decide(limiter, &event);
        ck_assert_uint_eq(decision.allowed, 0);
        ck_assert_uint_eq(decision.flags, RATION_DECISION_PENDING);
    }
    ck_assert_int_eq(ration_release(limiter, &permit, &again), RATION_OK);
    while (again) {
        runs++;
        ck_assert_uint_eq(left_of(limiter, 1, "webhook", 0), 0);
        ck_assert_int_eq(ration_release(limiter, &permit, &again), RATION_OK);
    }
    ck_assert_uint_eq(runs, 2);
    ck_assert_uint_eq(left_of(limiter, 1, "webhook", 0), 1);
    ck_assert_int_eq(ration_release(limiter, &permit, &again), RATION_ERR_NOT_HELD);
    ck_assert_uint_eq(take(limiter, "webhook", &permit), 1); /* and all is as at first */
    ck_assert_int_eq(ration_release(limiter, &permit, &again), RATION_OK);
    ck_assert_uint_eq(again, 0);
    ration_close(limiter);
}
END_TEST

START_TEST(a_run_once_more_has_a_fresh_lease)
{
    ration_limiter *limiter = open_with(1, RATION_COALESCE);
    ration_permit permit, refused;
    uint32_t again;
    ck_assert_uint_eq(take(limiter, "a", &permit), 1);
    ck_assert_uint_eq(take(limiter, "a", &refused), 0);
    fake_now_ns += LEASE;
    ck_assert_int_eq(ration_release(limiter, &permit, &again), RATION_OK);
    ck_assert_uint_eq(again, 1);
    fake_now_ns += LEASE;
    ck_assert_uint_eq(left_of(limiter, 1, "a", 0), 0);
    ck_assert_int_eq(ration_release(limiter, &permit, &again), RATION_OK);
    ck_assert_uint_eq(again, 0);
    ration_close(limiter);
}
END_TEST

START_TEST(without_room_for_the_message_the_permit_is_given_back)
{
    ration_limiter *limiter = open_with(1, RATION_COALESCE);
    ration_permit permit, refused;
    ck_assert_uint_eq(take(limiter, "a", &permit), 1);
    ck_assert_uint_eq(take(limiter, "a", &refused), 0);
    ck_assert_int_eq(ration_release(limiter, &permit, NULL), RATION_OK);
    ck_assert_uint_eq(left_of(limiter, 1, "a", 0), 1);
    ration_close(limiter);
}
END_TEST

START_TEST(who_follows_a_holder_that_lapsed_is_told_to_run_once_more)
{
    ration_limiter *limiter = open_with(1, RATION_COALESCE);
    ration_permit permit, refused;
    ration_request request = request_of(1, "a", 1);
    ck_assert_uint_eq(take(limiter, "a", &permit), 1);
    ck_assert_uint_eq(take(limiter, "a", &refused), 0);
    fake_now_ns += 2 * LEASE;
    request.permit = &permit;
    ration_decision decision = decide(limiter, &request);
    ck_assert_uint_eq(decision.allowed, 1);
    ck_assert_uint_eq(decision.flags, RATION_DECISION_AGAIN);
    ration_close(limiter);
}
END_TEST

START_TEST(a_refusal_by_another_limit_is_not_remembered)
{
    ration_limiter *limiter = open_at(NEW_YEAR);
    ration_limit limits[] = {RATION_CONCURRENCY(1, LEASE, .flags = RATION_COALESCE), RATION_RATE(1, RATION_HOUR, 1)};
    ration_permit permit, refused;
    ration_request request = request_of(1, "a", 1);
    uint32_t again;
    set_plan(limiter, 1, limits, 2);
    ck_assert_uint_eq(take(limiter, "a", &permit), 1);
    request.permit = &refused;
    ck_assert_uint_eq(decide(limiter, &request).flags, 0);
    ck_assert_int_eq(ration_release(limiter, &permit, &again), RATION_OK);
    ck_assert_uint_eq(again, 0);
    ration_close(limiter);
}
END_TEST

START_TEST(a_limit_lowered_below_its_holders_admits_nobody_until_they_go) /* F55 */
{
    enum { HOLDERS = 5 };
    ration_limiter *limiter = open_with(HOLDERS, 0);
    ration_limit lower = RATION_CONCURRENCY(2, LEASE);
    ration_permit permits[HOLDERS], next;
    for (unsigned i = 0; i < HOLDERS; i++) {
        ck_assert_uint_eq(take(limiter, "a", &permits[i]), 1);
    }
    set_plan(limiter, 1, &lower, 1);
    for (unsigned i = 0; i < HOLDERS - 1; i++) {
        ck_assert_uint_eq(left_of(limiter, 1, "a", 0), 0);
        ck_assert_uint_eq(take(limiter, "a", &next), 0);
        ck_assert_int_eq(ration_release(limiter, &permits[i], NULL), RATION_OK);
    }
    ck_assert_uint_eq(take(limiter, "a", &next), 1);
    ck_assert_uint_eq(left_of(limiter, 1, "a", 0), 0);
    ration_close(limiter);
}
END_TEST

START_TEST(permits_of_a_plan_made_unlimited_are_given_back_still) /* F55 */
{
    ration_limiter *limiter = open_with(2, 0);
    ration_limit unlimited = RATION_UNLIMITED, before = RATION_CONCURRENCY(2, LEASE);
    ration_permit permit, none;
    ck_assert_uint_eq(take(limiter, "a", &permit), 1);
    set_plan(limiter, 1, &unlimited, 1);
    ck_assert_uint_eq(take(limiter, "a", &none), 1);
    ck_assert_int_eq(ration_release(limiter, &none, NULL), RATION_ERR_NOT_HELD);
    set_plan(limiter, 1, &before, 1);
    ck_assert_uint_eq(left_of(limiter, 1, "a", 0), 1);
    set_plan(limiter, 1, &unlimited, 1);
    ck_assert_int_eq(ration_release(limiter, &permit, NULL), RATION_OK);
    set_plan(limiter, 1, &before, 1);
    ck_assert_uint_eq(left_of(limiter, 1, "a", 0), 2);
    ration_close(limiter);
}
END_TEST

START_TEST(one_permit_holds_four_limits_over_two_requests)
{
    ration_limiter *limiter = open_at(NEW_YEAR);
    ration_limit pair[] = {RATION_CONCURRENCY(2, LEASE, .name = "x"), RATION_CONCURRENCY(3, LEASE, .name = "y")};
    ration_permit permit;
    ration_request requests[] = {request_of(1, "a", 1), request_of(1, "b", 1)};
    ration_decision decision;
    requests[0].permit = &permit;
    set_plan(limiter, 1, pair, 2);
    ck_assert_int_eq(ration_acquire_all(limiter, requests, 2, &decision), RATION_OK);
    ck_assert_uint_eq(decision.allowed, 1);
    ck_assert_uint_eq(left_of(limiter, 1, "a", 0) + left_of(limiter, 1, "b", 0), 2);
    ck_assert_uint_eq(left_of(limiter, 1, "a", 1) + left_of(limiter, 1, "b", 1), 4);
    ck_assert_int_eq(ration_renew(limiter, &permit), RATION_OK);
    ck_assert_int_eq(ration_release(limiter, &permit, NULL), RATION_OK);
    ck_assert_uint_eq(left_of(limiter, 1, "a", 0) + left_of(limiter, 1, "b", 0), 4);
    ck_assert_uint_eq(left_of(limiter, 1, "a", 1) + left_of(limiter, 1, "b", 1), 6);
    ration_close(limiter);
}
END_TEST

START_TEST(one_key_asked_twice_in_one_decision_gives_back_all_it_took)
{
    ration_limiter *limiter = open_with(5, 0);
    ration_permit permit;
    ration_request requests[] = {request_of(1, "a", 1), request_of(1, "a", 1)};
    ration_decision decision;
    requests[0].permit = &permit;
    ck_assert_int_eq(ration_acquire_all(limiter, requests, 2, &decision), RATION_OK);
    ck_assert_uint_eq(decision.allowed, 1);
    ck_assert_uint_lt(left_of(limiter, 1, "a", 0), 5);
    ck_assert_int_eq(ration_release(limiter, &permit, NULL), RATION_OK);
    ck_assert_uint_eq(left_of(limiter, 1, "a", 0), 5);
    ration_close(limiter);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("permits");
    tcase_add_test(tests, as_many_hold_as_there_are_permits);
    tcase_add_test(tests, any_cost_takes_one_permit);
    tcase_add_test(tests, a_release_without_an_acquire_is_refused);
    tcase_add_test(tests, a_second_release_is_refused_and_frees_nothing);
    tcase_add_test(tests, copies_released_too_never_take_the_count_below_zero);
    tcase_add_test(tests, a_permit_with_any_bit_flipped_is_not_held);
    tcase_add_test(tests, a_permit_of_another_limiter_is_not_held);
    tcase_add_test(tests, a_holder_that_died_is_replaced_within_two_leases_and_not_within_one);
    tcase_add_test(tests, a_lapsed_holder_frees_nobody_elses_permit);
    tcase_add_test(tests, a_permit_that_is_renewed_lasts);
    tcase_add_test(tests, what_was_refused_holds_nothing);
    tcase_add_test(tests, of_a_hundred_events_during_a_run_one_more_run_follows);
    tcase_add_test(tests, a_run_once_more_has_a_fresh_lease);
    tcase_add_test(tests, without_room_for_the_message_the_permit_is_given_back);
    tcase_add_test(tests, who_follows_a_holder_that_lapsed_is_told_to_run_once_more);
    tcase_add_test(tests, a_refusal_by_another_limit_is_not_remembered);
    tcase_add_test(tests, a_limit_lowered_below_its_holders_admits_nobody_until_they_go);
    tcase_add_test(tests, permits_of_a_plan_made_unlimited_are_given_back_still);
    tcase_add_test(tests, one_permit_holds_four_limits_over_two_requests);
    tcase_add_test(tests, one_key_asked_twice_in_one_decision_gives_back_all_it_took);
    return run_suite("permits", tests, 60);
}
