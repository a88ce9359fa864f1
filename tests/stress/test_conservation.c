/* SPDX-License-Identifier: BSD-2-Clause */
/** @file test_conservation.c Threads on one limiter: what is admitted, spent and held is conserved (G1, G2, G4, G5, G8, P3). */
#define _GNU_SOURCE
#include <check.h>
#include <pthread.h>
#include <ration.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS 4
#define KEYS_MAX 4096

static _Atomic uint64_t clock_ns;
static ration_limiter *limiter;
static _Atomic uint64_t admitted[KEYS_MAX];
static uint32_t keys;
static uint32_t advance_every; /* decisions between two steps of the clock, 0: it stands still */

static uint64_t shared_clock(void *context)
{
    (void)context;
    return atomic_load(&clock_ns);
}

static uint64_t scaled(uint64_t count)
{
    const char *scale = getenv("RATION_TEST_SCALE");
    uint64_t result = count * (scale != NULL ? strtoull(scale, NULL, 10) : 100) / 100;
    return result > 0 ? result : 1;
}

static void begin(uint64_t counters, const ration_limit *limits, size_t count)
{
    atomic_store(&clock_ns, UINT64_C(1700000000) * RATION_SECOND);
    memset((void *)admitted, 0, sizeof admitted);
    const ration_options options = {.size = sizeof options, .counters = counters, .clock = RATION_CLOCK_CALLBACK, .now_ns = shared_clock};
    ck_assert_int_eq(ration_open(&options, &limiter), RATION_OK);
    ck_assert_int_eq(ration_set_plan(limiter, 0, limits, sizeof limits[0], count), RATION_OK);
}

static uint64_t random_next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void *storm(void *context)
{
    uint64_t state = (uint64_t)(uintptr_t)context * UINT64_C(0x9e3779b97f4a7c15) | 1, count = scaled(150000);
    for (uint64_t i = 0; i < count; i++) {
        uint32_t key = (uint32_t)(random_next(&state) % keys);
        ration_request request = {.key = &key, .key_len = sizeof key};
        ration_decision decision;
        if (advance_every != 0 && i % advance_every == 0) {
            atomic_fetch_add(&clock_ns, RATION_MILLISECOND);
        }
        if (ration_acquire(limiter, &request, &decision) != RATION_OK) {
            abort();
        }
        atomic_fetch_add(&admitted[key], decision.allowed);
    }
    return NULL;
}

static void run_threads(void *(*body)(void *))
{
    pthread_t threads[THREADS];
    for (uintptr_t i = 0; i < THREADS; i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, body, (void *)(i + 1)), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    }
}

static ration_stats stats_now(void)
{
    ration_stats stats = {.size = sizeof stats};
    ck_assert_int_eq(ration_get_stats(limiter, &stats), RATION_OK);
    return stats;
}

static uint64_t admitted_in_all(void)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < keys; i++) {
        sum += admitted[i];
    }
    return sum;
}

START_TEST(each_kind_admits_exactly_its_units) /* G1, F30, F53, S6 */
{
    const ration_limit kinds[] = {RATION_RATE(1, RATION_DAY, 50), RATION_QUOTA(50, RATION_CALENDAR_MONTH),
                                  RATION_QUOTA(UINT64_C(1) << 33, RATION_CALENDAR_MONTH), RATION_SLIDING(50, 1000000 * RATION_SECOND)};
    for (unsigned kind = 0; kind < 4; kind++) {
        begin(4096, &kinds[kind], 1);
        keys = 100;
        advance_every = 0;
        run_threads(storm);
        for (uint32_t i = 0; i < keys && kind != 2; i++) {
            ck_assert_uint_eq(admitted[i], 50);
        }
        ration_stats stats = stats_now();
        ck_assert_uint_eq(stats.allowed, admitted_in_all());
        ck_assert_uint_eq(stats.allowed + stats.refused, THREADS * scaled(150000));
        ration_close(limiter);
    }
}
END_TEST

START_TEST(a_rate_admits_burst_plus_rate_times_time) /* G1, G3 under threads, time moving */
{
    const ration_limit rate[] = {RATION_RATE(100, RATION_SECOND, 10)};
    begin(4096, rate, 1);
    keys = 2;
    advance_every = 50;
    uint64_t start = clock_ns;
    run_threads(storm);
    uint64_t most = 10 + (clock_ns - start) / (RATION_SECOND / 100);
    for (uint32_t i = 0; i < keys; i++) {
        ck_assert_uint_le(admitted[i], most);
        ck_assert_uint_ge(admitted[i] + 2, most); /* saturated: a thread may have looked just before the last step */
    }
    ration_close(limiter);
}
END_TEST

START_TEST(plans_are_charged_whole_or_not_at_all) /* G2, F54, S3 */
{
    const ration_limit plan[] = {RATION_QUOTA(100, RATION_CALENDAR_MONTH, .name = "small"), RATION_QUOTA(100000, RATION_CALENDAR_MONTH, .name = "large"),
                                 RATION_RATE(1, RATION_DAY, 5000, .name = "rate")};
    begin(4096, plan, 3);
    keys = 20;
    advance_every = 0;
    run_threads(storm);
    for (uint32_t key = 0; key < keys; key++) {
        ration_request request = {.key = &key, .key_len = sizeof key};
        ration_usage usages[3];
        size_t count = 3;
        ck_assert_int_eq(ration_inspect(limiter, &request, usages, sizeof usages[0], &count), RATION_OK);
        ck_assert_uint_eq(admitted[key], 100);
        for (unsigned i = 0; i < 3; i++) {
            ck_assert_uint_eq(usages[i].limit - usages[i].remaining, 100);
        }
    }
    ration_close(limiter);
}
END_TEST

START_TEST(eviction_never_grants) /* G5, S7, F38: forty times more keys than counters, one of them spent before */
{
    const ration_limit plan[] = {RATION_QUOTA(50, RATION_CALENDAR_MONTH), RATION_RATE(1, RATION_DAY, 50)};
    begin(100, plan, 2);
    keys = 4000;
    advance_every = 1000;
    uint32_t victim = 7;
    ration_request request = {.key = &victim, .key_len = sizeof victim, .cost = 50};
    ration_decision decision;
    ck_assert_int_eq(ration_acquire(limiter, &request, &decision), RATION_OK);
    ck_assert_uint_eq(decision.allowed, 1);
    uint64_t memory = stats_now().memory_bytes;
    run_threads(storm);
    ration_stats stats = stats_now();
    ck_assert_uint_gt(stats.evicted, 0);
    ck_assert_uint_eq(stats.memory_bytes, memory);
    ck_assert_uint_eq(admitted[victim], 0);
    for (uint32_t i = 0; i < keys; i++) {
        ck_assert_uint_le(admitted[i], 50);
    }
    ration_close(limiter);
}
END_TEST

static _Atomic int64_t holders, most_holders;

static void *hold_and_release(void *context)
{
    uint64_t state = (uint64_t)(uintptr_t)context * UINT64_C(0x9e3779b97f4a7c15) | 1, count = scaled(100000);
    for (uint64_t i = 0; i < count; i++) {
        ration_permit permit;
        ration_request request = {.key = "k", .key_len = 1, .permit = &permit};
        ration_decision decision;
        if (ration_acquire(limiter, &request, &decision) != RATION_OK) {
            abort();
        }
        if (decision.allowed == 0) {
            continue;
        }
        int64_t now = atomic_fetch_add(&holders, 1) + 1, seen = atomic_load(&most_holders);
        while (now > seen && !atomic_compare_exchange_weak(&most_holders, &seen, now)) {
        }
        if (random_next(&state) % 8 == 0 && ration_renew(limiter, &permit) != RATION_OK) {
            abort();
        }
        atomic_fetch_sub(&holders, 1);
        if (ration_release(limiter, &permit, NULL) != RATION_OK || ration_release(limiter, &permit, NULL) != RATION_ERR_NOT_HELD) {
            abort();
        }
    }
    return NULL;
}

START_TEST(never_more_holders_than_permits) /* G1, F48, F49, F50 */
{
    const ration_limit two[] = {RATION_CONCURRENCY(2, 30 * RATION_SECOND)};
    begin(1024, two, 1);
    holders = most_holders = 0;
    run_threads(hold_and_release);
    ck_assert_int_le(most_holders, 2);
    ck_assert_int_gt(most_holders, 0);
    ration_request request = {.key = "k", .key_len = 1};
    ration_usage usage;
    size_t count = 1;
    ck_assert_int_eq(ration_inspect(limiter, &request, &usage, sizeof usage, &count), RATION_OK);
    ck_assert_uint_eq(usage.remaining, 2);
    ration_close(limiter);
}
END_TEST

static _Atomic int deciding;

static void *change_plans(void *context)
{
    (void)context;
    for (uint32_t i = 0; atomic_load(&deciding) != 0; i++) {
        /* One plan has units n and burst n, the other m and m: a mixture would show. */
        uint64_t n = i % 2 == 0 ? 1000 : 2000;
        const ration_limit plan[] = {RATION_QUOTA(n, RATION_CALENDAR_MONTH, .name = "q"), RATION_RATE(n, RATION_SECOND, n, .name = "r")};
        int error = ration_set_plan(limiter, 0, plan, sizeof plan[0], 2);
        if (error != RATION_OK && error != RATION_ERR_BUSY) {
            abort();
        }
    }
    return NULL;
}

START_TEST(a_decision_sees_one_version_of_its_plan) /* G8 */
{
    const ration_limit plan[] = {RATION_QUOTA(1000, RATION_CALENDAR_MONTH, .name = "q"), RATION_RATE(1000, RATION_SECOND, 1000, .name = "r")};
    begin(4096, plan, 2);
    atomic_store(&deciding, 1);
    pthread_t changers[2];
    for (unsigned i = 0; i < 2; i++) {
        ck_assert_int_eq(pthread_create(&changers[i], NULL, change_plans, NULL), 0);
    }
    for (uint64_t i = 0, count = scaled(100000); i < count; i++) {
        ration_usage usages[2];
        ration_request request = {.key = &i, .key_len = sizeof i, .usages = usages, .usage_size = sizeof usages[0], .usage_capacity = 2};
        ration_decision decision;
        ck_assert_int_eq(ration_acquire(limiter, &request, &decision), RATION_OK);
        ck_assert_uint_eq(usages[0].limit, usages[1].limit);
        ck_assert_str_eq(usages[0].name, "q");
        ck_assert_str_eq(usages[1].name, "r");
    }
    atomic_store(&deciding, 0);
    for (unsigned i = 0; i < 2; i++) {
        ck_assert_int_eq(pthread_join(changers[i], NULL), 0);
    }
    ration_close(limiter);
}
END_TEST

static volatile sig_atomic_t admitted_in_handler, calls_in_handler;

static void acquire_in_handler(int signal)
{
    (void)signal;
    ration_request request = {.key = "k", .key_len = 1};
    ration_decision decision;
    if (ration_acquire(limiter, &request, &decision) == RATION_OK) {
        admitted_in_handler += decision.allowed != 0;
    }
    calls_in_handler++;
}

START_TEST(a_signal_handler_may_decide) /* P3, F66 */
{
    const ration_limit quota[] = {RATION_QUOTA(200000, RATION_CALENDAR_MONTH)};
    begin(1024, quota, 1);
    signal(SIGALRM, acquire_in_handler);
    const struct itimerval often = {{0, 100}, {0, 100}}, never = {{0, 0}, {0, 0}};
    setitimer(ITIMER_REAL, &often, NULL);
    uint64_t mine = 0;
    for (uint64_t i = 0; i < 1000000 && (i < 300000 || calls_in_handler < 10); i++) {
        ration_request request = {.key = "k", .key_len = 1};
        ration_decision decision;
        ck_assert_int_eq(ration_acquire(limiter, &request, &decision), RATION_OK);
        mine += decision.allowed;
    }
    setitimer(ITIMER_REAL, &never, NULL);
    ck_assert_int_gt(calls_in_handler, 0);
    ck_assert_uint_eq(mine + (uint64_t)admitted_in_handler, 200000);
    ration_close(limiter);
}
END_TEST

static int spend_all(uint64_t units)
{
    uint64_t spent = 0;
    for (uint64_t i = 0; i < 2 * units; i++) {
        ration_request request = {.key = "k", .key_len = 1};
        ration_decision decision;
        if (ration_acquire(limiter, &request, &decision) != RATION_OK) {
            return 1;
        }
        spent += decision.allowed;
    }
    return spent != units;
}

START_TEST(both_processes_go_on_after_fork) /* P3, F65: private memory is two limiters from then on */
{
    const ration_limit quota[] = {RATION_QUOTA(1000, RATION_CALENDAR_MONTH)};
    begin(1024, quota, 1);
    keys = 50;
    advance_every = 0;
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, storm, (void *)1), 0);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        _exit(spend_all(1000));
    }
    ck_assert_int_eq(spend_all(1000), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    int status = 0;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the child's quota is not its own");
    ration_close(limiter);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("conservation");
    TCase *tests = tcase_create("conservation");
    tcase_set_timeout(tests, 300);
    tcase_add_test(tests, each_kind_admits_exactly_its_units);
    tcase_add_test(tests, a_rate_admits_burst_plus_rate_times_time);
    tcase_add_test(tests, plans_are_charged_whole_or_not_at_all);
    tcase_add_test(tests, eviction_never_grants);
    tcase_add_test(tests, never_more_holders_than_permits);
    tcase_add_test(tests, a_decision_sees_one_version_of_its_plan);
    tcase_add_test(tests, a_signal_handler_may_decide);
    tcase_add_test(tests, both_processes_go_on_after_fork);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
