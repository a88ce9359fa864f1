/* SPDX-License-Identifier: BSD-2-Clause */
/* The clock: its pure part on readings of a made-up machine, its shared part under threads, signals and fork. F.. and S.. are
 * the rows of the list of other systems' failures that each test stands for. RATION_SEED repeats a random run. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <check.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.h"

#define S RATION_SECOND
/* What a reading may be off on a loaded or emulated machine, where a thread sleeps between two instructions. */
#define LOADED_NS RATION_MILLISECOND
#define NOW (UINT64_C(1800000000) * S)

/** As ck_assert, for loops of millions: Check's own notes every assertion, passed ones too, in a pipe. */
#define LAW(condition) \
    do { \
        if (!(condition)) { \
            ck_abort_msg("%s", #condition); \
        } \
    } while (0)

/* ---------------------------------------------------------- a made-up machine */

/** What its kernel and its CPU would say; the counter runs at 3 GHz. */
typedef struct machine {
    uint64_t boot_ns;
    uint64_t real_ns;
    uint64_t counter;
    ration_clock clock;
} machine;

static void follow_machine(machine *m, uint64_t *time_ns)
{
    const ration_clock_reading reading = {m->real_ns, m->boot_ns, m->real_ns, m->counter, true};

    *time_ns = ration_clock_follow(&m->clock, m->clock.anchor, &reading);
}

static machine started(void)
{
    machine m = {.boot_ns = 1000 * S, .real_ns = NOW, .counter = UINT64_C(1) << 40};
    uint64_t time_ns;

    m.clock.window = 750000;
    m.clock.scale = (UINT64_C(1) << 32) / 3;
    m.clock.scale -= m.clock.scale >> 10;
    m.clock.offset = m.real_ns - m.boot_ns;
    follow_machine(&m, &time_ns);
    ck_assert_uint_eq(time_ns, NOW);
    return m;
}

/** ration_clock_now on the made-up counter. */
static uint64_t ask_machine(machine *m)
{
    const uint64_t distance = m->counter - m->clock.anchor.low;
    uint64_t time_ns;

    if (m->clock.window != 0 && distance < m->clock.window) {
        return ration_clock_line(&m->clock, m->clock.anchor, distance);
    }
    follow_machine(m, &time_ns);
    return time_ns;
}

/** Everything goes on for a while; the kernel's clocks may be slewed by some parts in a million. */
static void pass(machine *m, uint64_t ns, int64_t slew_ppm)
{
    const uint64_t slewed_ns = ns + (uint64_t)((int64_t)ns * slew_ppm / 1000000);

    m->boot_ns += slewed_ns;
    m->real_ns += slewed_ns;
    m->counter += ns * 3;
}

static void set_wall(machine *m, int64_t by_ns)
{
    m->real_ns += (uint64_t)by_ns;
}

static int64_t ahead_of_wall(machine *m)
{
    return (int64_t)(ask_machine(m) - m->real_ns);
}

START_TEST(wall_time_is_followed_forward_at_once)
{
    machine m = started();

    pass(&m, S, 0);
    set_wall(&m, 3600 * (int64_t)S);
    ck_assert_int_eq(ahead_of_wall(&m), 0);
    set_wall(&m, 1000);
    pass(&m, S, 0);
    ck_assert_int_eq(ahead_of_wall(&m), 0);
    ck_assert_uint_eq(ration_clock_jumps(&m.clock), 0);
}
END_TEST

START_TEST(a_step_back_beyond_5_s_is_one_jump) /* F19 */
{
    machine m = started();

    for (uint64_t i = 1; i <= 3; i++) {
        pass(&m, S, 0);
        set_wall(&m, -8 * 3600 * (int64_t)S);
        for (uint32_t asked = 0; asked < 100; asked++) {
            ck_assert_int_eq(ahead_of_wall(&m), 0);
            pass(&m, S, 0);
        }
        ck_assert_uint_eq(ration_clock_jumps(&m.clock), i);
    }
    set_wall(&m, -5 * (int64_t)S - 1);
    ck_assert_int_eq(ahead_of_wall(&m), 0);
    ck_assert_uint_eq(ration_clock_jumps(&m.clock), 4);
}
END_TEST

START_TEST(steps_back_within_5_s_are_sat_out) /* F28: a leap second; F29 */
{
    machine m = started();
    uint64_t before, after;

    pass(&m, S, 0);
    before = ask_machine(&m);
    set_wall(&m, -(int64_t)S);
    pass(&m, S / 1000, 0);
    after = ask_machine(&m);
    ck_assert_uint_eq(after - before, S / 1000);
    ck_assert_int_eq(ahead_of_wall(&m), (int64_t)S);
    set_wall(&m, -4 * (int64_t)S);
    pass(&m, S, 0);
    ck_assert_int_eq(ahead_of_wall(&m), 5 * (int64_t)S);
    ck_assert_uint_eq(ration_clock_jumps(&m.clock), 0);
    set_wall(&m, -1); /* together more than 5 s */
    pass(&m, S, 0);
    ck_assert_int_eq(ahead_of_wall(&m), 0);
    ck_assert_uint_eq(ration_clock_jumps(&m.clock), 1);
}
END_TEST

START_TEST(a_boot_clock_10_us_lower_does_not_lower_time) /* F20 */
{
    machine m = started();
    uint64_t before;

    pass(&m, S, 0);
    before = ask_machine(&m);
    m.boot_ns -= 10000;
    m.real_ns -= 10000;
    m.counter += m.clock.window;
    ck_assert_uint_ge(ask_machine(&m), before);
    ck_assert_uint_eq(ration_clock_jumps(&m.clock), 0);
    pass(&m, S, 0);
    ck_assert_int_eq(ahead_of_wall(&m), 0);
}
END_TEST

START_TEST(a_suspend_is_time) /* F23: boot time counts it, the counter may stop or start anew */
{
    const uint64_t counters[] = {0, 5, 36000 * S * 3};

    for (size_t i = 0; i < 3; i++) {
        machine m = started();

        m.boot_ns += 36000 * S;
        m.real_ns += 36000 * S;
        m.counter = i == 1 ? 5 : m.counter + m.clock.window + counters[i];
        ck_assert_int_eq(ahead_of_wall(&m), 0);
    }
}
END_TEST

START_TEST(a_freeze_is_time) /* S13: every counter of the machine stood still while wall time went on */
{
    machine m = started();
    uint64_t before;

    pass(&m, S / 10000, 0);
    before = ask_machine(&m);
    set_wall(&m, 600 * (int64_t)S);
    ck_assert_uint_ge(ask_machine(&m), before);
    pass(&m, RATION_CLOCK_WINDOW_NS, 0); /* known a window later */
    ck_assert_int_eq(ahead_of_wall(&m), 0);
    ck_assert_uint_eq(ration_clock_jumps(&m.clock), 0);
}
END_TEST

START_TEST(a_restored_snapshot_finds_its_time) /* a stale wall clock at first, put right later; another machine's counter */
{
    machine m = started();
    uint64_t before, after;

    pass(&m, S, 0);
    before = ask_machine(&m);
    m.counter = 777;
    m.boot_ns += S / 100;
    set_wall(&m, -2 * (int64_t)S);
    after = ask_machine(&m);
    ck_assert_uint_ge(after, before);
    ck_assert_uint_le(after, before + S / 100);
    pass(&m, S / 10, 0);
    set_wall(&m, 86400 * (int64_t)S);
    ck_assert_int_eq(ahead_of_wall(&m), 0);
    ck_assert_uint_eq(ration_clock_jumps(&m.clock), 0);
}
END_TEST

START_TEST(another_boot_does_not_matter) /* F22 within a process: boot time starts anew, wall time goes on */
{
    machine m = started();

    pass(&m, S, 0);
    m.boot_ns = 7;
    m.counter = 9000000;
    ck_assert_int_eq(ahead_of_wall(&m), 0);
    ck_assert_uint_eq(ration_clock_jumps(&m.clock), 0);
}
END_TEST

START_TEST(a_thread_stopped_between_readings_changes_nothing)
{
    machine m = started();
    const uint64_t offset = m.clock.offset;
    ration_clock_reading reading = {m.real_ns, m.boot_ns + 60 * S, m.real_ns + 60 * S, m.counter + 180 * S, true};
    bool jumped;

    ck_assert_uint_eq(ration_clock_offset(offset, &reading, &jumped), offset); /* between the first and the second */
    ck_assert(!jumped);
    reading.real_before_ns = m.real_ns + 60 * S;
    reading.real_after_ns = m.real_ns + 120 * S;
    ck_assert_uint_eq(ration_clock_offset(offset, &reading, &jumped), offset); /* between the second and the third */
    ck_assert(!jumped);
}
END_TEST

START_TEST(a_line_that_ran_ahead_holds_until_the_kernel_has_passed_it)
{
    machine m = started();
    uint64_t last = ask_machine(&m), held;
    ration_pair line;

    m.counter += 3 * 200000; /* 200 us of counter, 150 us of the kernel */
    m.boot_ns += 150000;
    m.real_ns += 150000;
    line = m.clock.anchor;
    last = ask_machine(&m);
    m.counter += 3 * 60000;
    m.boot_ns += 10000;
    m.real_ns += 10000;
    held = ask_machine(&m);
    ck_assert_uint_ge(held, last);
    ck_assert_uint_eq(m.clock.anchor.low, 0);
    ck_assert_uint_eq(held, ration_clock_line(&m.clock, line, m.clock.window)); /* others may have read the old line to its end */
    pass(&m, 10000, 0);
    ck_assert_uint_eq(ask_machine(&m), held);
    pass(&m, 200000, 0);
    ck_assert_uint_gt(ask_machine(&m), held);
    ck_assert_int_eq(ahead_of_wall(&m), 0);
    ck_assert_uint_ne(m.clock.anchor.low, 0);
}
END_TEST

START_TEST(a_line_ended_early_holds_its_end) /* others may still read the old one */
{
    machine m = started();
    const ration_pair line = m.clock.anchor;
    uint64_t time_ns;

    m.counter += 3 * 200000;
    m.boot_ns += 150000;
    m.real_ns += 150000;
    follow_machine(&m, &time_ns);
    ck_assert_uint_eq(time_ns, ration_clock_line(&m.clock, line, m.clock.window));
    ck_assert_uint_eq(m.clock.anchor.low, 0);
}
END_TEST

START_TEST(a_leap_of_the_counter_does_not_lower_time)
{
    machine m = started();
    uint64_t last;

    m.counter += 3 * 200000;
    m.boot_ns += 150000;
    m.real_ns += 150000;
    last = ask_machine(&m);
    m.counter += 3 * 2 * S;
    m.boot_ns += 10000;
    m.real_ns += 10000;
    ck_assert_uint_ge(ask_machine(&m), last);
    ck_assert_int_le(ahead_of_wall(&m), (int64_t)RATION_CLOCK_WINDOW_NS);
}
END_TEST

START_TEST(an_uncertain_reading_starts_no_line)
{
    machine m = started();
    ration_clock_reading reading;

    pass(&m, S, 0);
    reading = (ration_clock_reading){m.real_ns, m.boot_ns, m.real_ns, m.counter, false};
    ck_assert_uint_eq(ration_clock_follow(&m.clock, m.clock.anchor, &reading), m.real_ns);
    ck_assert_uint_eq(m.clock.anchor.low, 0);
}
END_TEST

START_TEST(who_loses_the_swap_takes_the_winners_line)
{
    machine m = started();
    const ration_pair before = m.clock.anchor;
    ration_clock_reading late;
    uint64_t winner, loser;

    pass(&m, S, 0);
    late = (ration_clock_reading){m.real_ns, m.boot_ns, m.real_ns, m.counter, true};
    pass(&m, 300, 0);
    winner = ask_machine(&m);
    loser = ration_clock_follow(&m.clock, before, &late);
    ck_assert_uint_eq(loser, winner); /* read before, told after: what the winner's line begins with */
    pass(&m, 300, 0);
    late = (ration_clock_reading){m.real_ns, m.boot_ns, m.real_ns, m.counter, true};
    loser = ration_clock_follow(&m.clock, before, &late);
    ck_assert_uint_eq(loser, ask_machine(&m)); /* not its own, which lies above the line */
    ck_assert_uint_lt(loser, m.real_ns);
}
END_TEST

/** Slews, steps, freezes and restores at random: time never goes back but by a counted jump, and keeps to wall time. */
START_TEST(no_machine_turns_time_back)
{
    const char *given = getenv("RATION_SEED");
    const unsigned seed = given != NULL ? (unsigned)strtoul(given, NULL, 0) : 20261121u;
    machine m = started();
    uint64_t last = ask_machine(&m), jumps = 0, lined = 0;
    int64_t slew_ppm = 0;

    printf("RATION_SEED=%u\n", seed);
    srand(seed);
    for (uint32_t i = 0; i < 2000000; i++) {
        const int event = rand() % 10000;
        uint64_t time_ns;

        if (event == 0) {
            set_wall(&m, (int64_t)(rand() % 20000 - 10000) * 1000000);
        } else if (event == 1) {
            m.counter = (uint64_t)rand() + (UINT64_C(1) << 24); /* restored elsewhere */
        } else if (event == 2) {
            m.counter += (uint64_t)rand();
        } else if (event == 3) {
            m.boot_ns += (uint64_t)rand();
        } else if (event == 4) {
            slew_ppm = rand() % 1001 - 500;
        }
        pass(&m, (uint64_t)(rand() % 30000), slew_ppm);
        lined += m.counter - m.clock.anchor.low < m.clock.window;
        time_ns = ask_machine(&m);
        if (m.clock.jumps == jumps) {
            LAW(time_ns >= last);
        }
        LAW((int64_t)(time_ns - m.boot_ns - m.clock.offset) <= (int64_t)RATION_CLOCK_WINDOW_NS);
        if (m.clock.anchor.low == m.counter) { /* just compared with the kernel */
            const int64_t ahead = (int64_t)(time_ns - m.real_ns);

            LAW(ahead >= 0);
            LAW(ahead <= 5 * (int64_t)S + 1000);
        }
        jumps = m.clock.jumps;
        last = time_ns;
    }
    LAW(jumps > 10);
    LAW(lined > 1000000);
}
END_TEST

/* ------------------------------------------------------------ the real machine */

static uint64_t system_ns(int id)
{
    struct timespec time;

    clock_gettime(id, &time);
    return (uint64_t)time.tv_sec * S + (uint64_t)time.tv_nsec;
}

typedef struct reader {
    ration_clock *clock;
    uint64_t count;
    uint64_t backward;
    uint64_t strayed;
    uint64_t worst_ns;
} reader;

/** Reads the clock between two readings of boot time. */
static void *read_on(void *context)
{
    reader *r = context;
    uint64_t last = 0;

    for (uint64_t i = 0; i < r->count; i++) {
        const uint64_t least = system_ns(CLOCK_BOOTTIME) + ration_atomic_load_acquire_64(&r->clock->offset);
        const uint64_t time_ns = ration_clock_now(r->clock);
        const uint64_t most = system_ns(CLOCK_BOOTTIME) + ration_atomic_load_acquire_64(&r->clock->offset);
        uint64_t stray = time_ns < least ? least - time_ns : 0;

        stray = time_ns > most ? time_ns - most : stray;
        r->backward += time_ns < last;
        r->strayed += stray > 1000;
        r->worst_ns = stray > r->worst_ns ? stray : r->worst_ns;
        last = time_ns;
    }
    return NULL;
}

static void hammer(ration_clock *clock)
{
    pthread_t threads[4];
    reader readers[4];

    for (size_t i = 0; i < 4; i++) {
        readers[i] = (reader){.clock = clock, .count = 500000};
        ck_assert_int_eq(pthread_create(&threads[i], NULL, read_on, &readers[i]), 0);
    }
    for (size_t i = 0; i < 4; i++) {
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
        ck_assert_uint_eq(readers[i].backward, 0);
        ck_assert_msg(readers[i].strayed <= readers[i].count / 1000 && readers[i].worst_ns <= LOADED_NS,
                      "%" PRIu64 " readings strayed by more than 1 us, one by %" PRIu64 " ns", readers[i].strayed, readers[i].worst_ns);
    }
    ck_assert_uint_eq(ration_clock_jumps(clock), 0);
}

START_TEST(threads_agree_within_1_us_and_never_go_back)
{
    ration_clock clock;

    ck_assert_int_eq(ration_clock_open(&clock, RATION_CLOCK_SYSTEM, NULL, NULL), RATION_OK);
    if (clock.window == 0) {
        printf("this kernel does not keep time by the CPU's counter: only its own clock is tested\n");
    }
    hammer(&clock);
    clock.wide = false; /* a CPU without 16-byte loads */
    hammer(&clock);
    clock.window = 0; /* a machine without a trusted counter */
    hammer(&clock);
}
END_TEST

START_TEST(the_system_clock_is_wall_time)
{
    ration_clock clock;

    ck_assert_int_eq(ration_clock_open(&clock, RATION_CLOCK_SYSTEM, NULL, NULL), RATION_OK);
    for (uint32_t i = 0; i < 1000; i++) {
        const uint64_t least = system_ns(CLOCK_REALTIME), time_ns = ration_clock_now(&clock), most = system_ns(CLOCK_REALTIME);

        LAW(time_ns + LOADED_NS >= least && time_ns <= most + LOADED_NS);
    }
}
END_TEST

START_TEST(the_coarse_clock_keeps_to_wall_time)
{
    ration_clock clock;
    uint64_t last = 0;

    ck_assert_int_eq(ration_clock_open(&clock, RATION_CLOCK_COARSE, NULL, NULL), RATION_OK);
    ck_assert_uint_eq(clock.window, 0);
    for (uint32_t i = 0; i < 1000000; i++) {
        const uint64_t time_ns = ration_clock_now(&clock);

        LAW(time_ns >= last);
        last = time_ns;
    }
    ck_assert_uint_le(last, system_ns(CLOCK_REALTIME) + 10000000);
    ck_assert_uint_ge(last + 20000000, system_ns(CLOCK_REALTIME));
}
END_TEST

static uint64_t told_ns(void *context)
{
    return *(uint64_t *)context;
}

START_TEST(the_callback_is_asked_each_time)
{
    ration_clock clock;
    uint64_t time_ns = 5;

    ck_assert_int_eq(ration_clock_open(&clock, RATION_CLOCK_CALLBACK, told_ns, &time_ns), RATION_OK);
    ck_assert_uint_eq(ration_clock_now(&clock), 5);
    time_ns = 0;
    ck_assert_uint_eq(ration_clock_now(&clock), 0);
    time_ns = UINT64_MAX;
    ck_assert_uint_eq(ration_clock_now(&clock), UINT64_MAX);
    ck_assert_uint_eq(ration_clock_jumps(&clock), 0);
}
END_TEST

static ration_clock signalled_clock;
static volatile sig_atomic_t signal_count;

static void read_in_signal(int number)
{
    (void)number;
    (void)ration_clock_now(&signalled_clock);
    (void)ration_clock_read(&signalled_clock);
    signal_count = signal_count + 1;
}

START_TEST(signals_may_read_it_anywhere) /* F66 */
{
    const struct itimerval each = {{0, 100}, {0, 100}}, none = {{0, 0}, {0, 0}};
    struct sigaction action;
    uint64_t last = 0;

    memset(&action, 0, sizeof action);
    action.sa_handler = read_in_signal;
    action.sa_flags = SA_RESTART;
    ck_assert_int_eq(ration_clock_open(&signalled_clock, RATION_CLOCK_SYSTEM, NULL, NULL), RATION_OK);
    ck_assert_int_eq(sigaction(SIGALRM, &action, NULL), 0);
    ck_assert_int_eq(setitimer(ITIMER_REAL, &each, NULL), 0);
    while (signal_count < 200) {
        const uint64_t time_ns = signal_count % 2 == 0 ? ration_clock_read(&signalled_clock) : ration_clock_now(&signalled_clock);

        LAW(time_ns >= last);
        last = time_ns;
    }
    ck_assert_int_eq(setitimer(ITIMER_REAL, &none, NULL), 0);
}
END_TEST

START_TEST(it_goes_on_in_both_processes_after_fork) /* F65 */
{
    ration_clock clock;
    uint64_t before;
    pid_t child;
    int status;

    ck_assert_int_eq(ration_clock_open(&clock, RATION_CLOCK_SYSTEM, NULL, NULL), RATION_OK);
    before = ration_clock_now(&clock);
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        const uint64_t time_ns = ration_clock_now(&clock);

        _exit(time_ns >= before && time_ns < before + 60 * S ? 0 : 1);
    }
    ck_assert_uint_ge(ration_clock_now(&clock), before);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("clock");
    TCase *pure = tcase_create("made-up machine"), *real = tcase_create("real machine");
    SRunner *runner;
    int failed;

    tcase_add_test(pure, wall_time_is_followed_forward_at_once);
    tcase_add_test(pure, a_step_back_beyond_5_s_is_one_jump);
    tcase_add_test(pure, steps_back_within_5_s_are_sat_out);
    tcase_add_test(pure, a_boot_clock_10_us_lower_does_not_lower_time);
    tcase_add_test(pure, a_suspend_is_time);
    tcase_add_test(pure, a_freeze_is_time);
    tcase_add_test(pure, a_restored_snapshot_finds_its_time);
    tcase_add_test(pure, another_boot_does_not_matter);
    tcase_add_test(pure, a_thread_stopped_between_readings_changes_nothing);
    tcase_add_test(pure, a_line_that_ran_ahead_holds_until_the_kernel_has_passed_it);
    tcase_add_test(pure, a_line_ended_early_holds_its_end);
    tcase_add_test(pure, a_leap_of_the_counter_does_not_lower_time);
    tcase_add_test(pure, an_uncertain_reading_starts_no_line);
    tcase_add_test(pure, who_loses_the_swap_takes_the_winners_line);
    tcase_add_test(pure, no_machine_turns_time_back);
    tcase_add_test(real, threads_agree_within_1_us_and_never_go_back);
    tcase_add_test(real, the_system_clock_is_wall_time);
    tcase_add_test(real, the_coarse_clock_keeps_to_wall_time);
    tcase_add_test(real, the_callback_is_asked_each_time);
    tcase_add_test(real, signals_may_read_it_anywhere);
    tcase_add_test(real, it_goes_on_in_both_processes_after_fork);
    tcase_set_timeout(pure, 120);
    tcase_set_timeout(real, 120);
    suite_add_tcase(suite, pure);
    suite_add_tcase(suite, real);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
