/* SPDX-License-Identifier: BSD-2-Clause */
/* The concurrency limit's pure steps, against a list of permits and against the laws of ration.h. */
#include "support/steps.h"

#include "core/permits.h"
#include "ration.h"

#define NOON_S INT64_C(1795262400) /* 2026-11-21 12:00 */
#define MOST UINT64_C(131071)

static ration_rule permits_rule(uint64_t permits, uint32_t lease_s)
{
    ration_rule rule = {.kind = RATION_KIND_CONCURRENCY, .counter = RATION_COUNTER_PERMITS, .limit = permits};

    rule.as.window.window_s = lease_s;
    rule.as.window.carry_end_s = INT64_MIN;
    return rule;
}

static uint64_t word_of(uint64_t death_s, bool pending, uint64_t current, uint64_t previous)
{
    return death_s << 35 | (uint64_t)pending << 34 | current << 17 | previous;
}

static uint64_t out_of(uint64_t word)
{
    return (word >> 17 & MOST) + (word & MOST);
}

/** A time at the beginning of a generation. */
static ration_time generation_begin(uint32_t lease_s)
{
    ration_time time = time_of_s(NOON_S);

    return time_after(&time, -(int64_t)(time.s % lease_s) * STEPS_NS);
}

/** Takes a permit; its death, 0: refused. */
static uint32_t take(uint64_t *word, const ration_rule *rule, const ration_time *time)
{
    const ration_ask ask = ask_for(1);
    ration_permits_grant grant;
    uint64_t units = ration_permits_charge(*word, rule, time, &ask, word, &grant);

    LAW(units <= 1 && (units == 1) == (grant.death_s != 0));
    return grant.death_s;
}

static unsigned take_all(uint64_t *word, const ration_rule *rule, const ration_time *time)
{
    unsigned count = 0;

    while (take(word, rule, time) != 0) {
        count++;
    }
    return count;
}

static bool give(uint64_t *word, const ration_rule *rule, const ration_time *time, uint32_t death_s)
{
    return ration_permits_release(*word, rule->as.window.window_s, time, death_s, word);
}

/* ---------------------------------------------------------------- reference: a list of permits */

#define LIST 64

typedef struct list {
    uint32_t death_s[LIST]; /* 0: free */
    bool pending;
} list;

static unsigned live(list *permits, const ration_time *time)
{
    unsigned count = 0;

    for (unsigned i = 0; i < LIST; i++) {
        count += permits->death_s[i] > time->s;
    }
    return count;
}

static uint32_t death_at(const ration_time *time, uint32_t lease_s)
{
    uint32_t death_s = time->s + 2 * lease_s;

    while (death_s % lease_s != 0) { /* the last multiple of the lease that is at most two leases away */
        death_s--;
    }
    return death_s;
}

static void take_both(uint64_t *word, list *permits, const ration_rule *rule, const ration_time *time)
{
    const ration_ask ask = ask_for(1 + draw_below(100));
    unsigned before = live(permits, time), slot = 0;
    ration_permits_grant grant;
    uint64_t next, units = ration_permits_charge(*word, rule, time, &ask, &next, &grant);

    LAW(units == (before < rule->limit));
    if (units == 0) {
        LAW(next == *word && grant.death_s == 0 && !grant.again);
        if (draw_below(2) == 0) {
            next = ration_permits_remember(*word);
            permits->pending = true;
        }
        *word = next;
        return;
    }
    LAW(grant.death_s == death_at(time, rule->as.window.window_s));
    LAW(grant.again == (permits->pending && before == 0));
    permits->pending = permits->pending && before != 0;
    while (permits->death_s[slot] > time->s) {
        slot++;
    }
    permits->death_s[slot] = grant.death_s;
    *word = next;
}

static void give_both(uint64_t *word, list *permits, const ration_rule *rule, const ration_time *time)
{
    uint32_t *death_s = &permits->death_s[draw_below(LIST)], new_death_s, lease_s = rule->as.window.window_s;
    bool held = *death_s > time->s;
    uint64_t next;

    if (*death_s == 0) {
        return;
    }
    if (draw_below(2) == 0) {
        LAW(ration_permits_release(*word, lease_s, time, *death_s, &next) == held);
        *death_s = 0;
    } else {
        bool clear = draw_below(2) == 0;
        LAW(ration_permits_renew(*word, lease_s, time, *death_s, clear, &next, &new_death_s) == held);
        LAW(new_death_s == (held ? death_at(time, lease_s) : *death_s));
        permits->pending = permits->pending && !(held && clear);
        *death_s = held ? new_death_s : 0;
    }
    LAW(held || next == *word);
    *word = next;
}

/* G1, F48, F51, F52: holders that release, renew, come too late or never; the word counts who holds, to the permit. */
START_TEST(permits_equal_a_list_of_permits)
{
    seed_random();
    for (int run = 0; run < 1000; run++) {
        ration_rule rule = permits_rule(1 + draw_below(LIST - 1), 1 + (uint32_t)draw_below(1000));
        ration_time time = time_of_s(NOON_S + (int64_t)draw_below(1u << 24));
        list permits = {{0}, false};
        uint64_t word = 0;

        for (int i = 0; i < 1000; i++) {
            if (draw_below(3) != 0) {
                take_both(&word, &permits, &rule, &time);
            } else {
                give_both(&word, &permits, &rule, &time);
            }
            ration_report report;
            const ration_ask ask = ask_for(1);
            unsigned held = live(&permits, &time);
            ration_permits_report(word, &rule, &time, &ask, &report);
            LAW(report.remaining == (rule.limit > held ? rule.limit - held : 0));
            LAW(report.retry_ns == (held < rule.limit ? 0 : RATION_SECOND));
            LAW(ration_permits_pending(word) == permits.pending);
            time = time_after(&time, (int64_t)draw_below(draw_below(20) == 0 ? (uint64_t)rule.as.window.window_s * RATION_SECOND
                                                                              : (uint64_t)rule.as.window.window_s * RATION_MILLISECOND));
            if (time.s > 14u * (1u << 25)) {
                break;
            }
            if (draw_below(50) == 0) {
                rule.limit = 1 + draw_below(LIST - 1); /* F55 */
            }
        }
    }
}
END_TEST

/* reset_ns: at it the word holds nobody, a ns earlier somebody. */
START_TEST(permits_report_when_all_have_lapsed)
{
    seed_random();
    for (int i = 0; i < 300000; i++) {
        const ration_rule rule = permits_rule(1 + draw_below(MOST), 1 + (uint32_t)draw_below(0xffffff));
        ration_time time = time_of_ns(draw_skewed()), then;
        const ration_ask ask = ask_for(1);
        uint64_t n = time.s / rule.as.window.window_s, death_s = (n + 1 + draw_below(2)) * rule.as.window.window_s;
        uint64_t word = word_of(death_s, false, draw_below(3), draw_below(3));
        ration_report report;

        ration_permits_report(word, &rule, &time, &ask, &report);
        LAW((report.reset_ns == 0) == (report.remaining == rule.limit));
        if (report.reset_ns != 0 && report.reset_ns < UINT64_MAX - time.now_ns) {
            then = time_after(&time, (int64_t)report.reset_ns);
            ration_permits_report(word, &rule, &then, &ask, &report);
            LAW(report.remaining == rule.limit);
            then = time_after(&then, -1);
            ration_permits_report(word, &rule, &then, &ask, &report);
            LAW(report.remaining < rule.limit && report.reset_ns == 1);
        }
    }
}
END_TEST

/* F61, F19: any word heals: no lock-out beyond two leases and the slack, no count beyond the limit by a grant, none below 0. */
START_TEST(permits_take_any_word)
{
    seed_random();
    for (int i = 0; i < 1000000; i++) {
        const ration_rule rule = permits_rule(1 + draw_below(MOST), 1 + (uint32_t)(draw_skewed() & 0xffffff) % 0xffffff);
        ration_time time = time_of_ns(draw_skewed());
        uint32_t lease_s = rule.as.window.window_s, new_death_s;
        uint64_t word = draw_below(2) == 0 ? draw() : word_of((time.s + draw_below(4u * lease_s)) & 0x1fffffff, draw() & 1, draw() & MOST, draw() & MOST);
        ration_ask ask = ask_for(1);
        ration_permits_grant grant;
        uint64_t next, after;

        if (ration_permits_charge(word, &rule, &time, &ask, &next, &grant) == 1) {
            LAW(out_of(next) <= rule.limit && out_of(next) >= 1);
            LAW(grant.death_s > time.s + lease_s && grant.death_s <= time.s + 2 * (uint64_t)lease_s + 5);
            LAW(ration_permits_release(next, lease_s, &time, grant.death_s, &after));
            LAW(out_of(after) == out_of(next) - 1);
        } else if (time.now_ns < UINT64_MAX - (2 * (uint64_t)lease_s + 5) * RATION_SECOND) {
            LAW(ration_counter_lapse(RATION_COUNTER_PERMITS, next) / RATION_TICKS_PER_S <= time.s + 2 * (uint64_t)lease_s + 5);
            ration_time then = time_after(&time, (int64_t)(2 * (uint64_t)lease_s + 5) * STEPS_NS);
            LAW(ration_permits_charge(next, &rule, &then, &ask, &after, &grant) == 1);
        }
        bool released = ration_permits_release(word, lease_s, &time, (uint32_t)draw_skewed(), &after);
        LAW(released ? out_of(after) < 2 * MOST : after == word);
        bool renewed = ration_permits_renew(word, lease_s, &time, (uint32_t)draw_skewed(), draw() & 1, &after, &new_death_s);
        LAW(renewed ? out_of(after) > 0 && new_death_s > time.s : after == word);
        LAW((ration_permits_remember(word) ^ word) == (out_of(word) != 0 ? ~word & RATION_PERMITS_PENDING : 0));
    }
}
END_TEST

/* ---------------------------------------------------------------- stories */

/* F51: a killed holder's permit is back after more than one and at most two leases: not earlier, not never. */
START_TEST(permit_lapses_between_one_and_two_leases)
{
    const ration_rule rule = permits_rule(1, 30);
    const ration_time begin = generation_begin(30);

    for (int64_t ns = 0; ns < 30 * STEPS_NS; ns += STEPS_NS / 2 - 1) {
        ration_time time = time_after(&begin, ns), then;
        uint64_t word = 0;
        ck_assert_uint_ne(take(&word, &rule, &time), 0);
        then = time_after(&time, 30 * STEPS_NS);
        ck_assert_uint_eq(take(&word, &rule, &then), 0);
        then = time_after(&begin, 60 * STEPS_NS - 1);
        ck_assert_uint_eq(take(&word, &rule, &then), 0);
        then = time_after(&then, 1);
        ck_assert_uint_ne(take(&word, &rule, &then), 0);
    }
}
END_TEST

/* F48: released without being acquired. */
START_TEST(permit_never_taken_cannot_be_released)
{
    const ration_rule rule = permits_rule(3, 10);
    const ration_time time = generation_begin(10);
    uint64_t word = 0;

    ck_assert(!give(&word, &rule, &time, time.s + 20));
    ck_assert_uint_eq(word, 0);
    const uint32_t death_s = take(&word, &rule, &time);
    const uint64_t held = word;
    ck_assert(!give(&word, &rule, &time, death_s - 10)); /* nobody of the generation before */
    ck_assert(!give(&word, &rule, &time, death_s - 20));
    ck_assert(!give(&word, &rule, &time, 0));
    ck_assert_uint_eq(word, held);
}
END_TEST

/* F49: released twice. The generation tells it from other holders' permits once it is another generation's. */
START_TEST(permit_cannot_be_released_twice)
{
    const ration_rule rule = permits_rule(2, 10);
    const ration_time time = generation_begin(10), next_generation = time_after(&time, 10 * STEPS_NS);
    uint64_t word = 0;
    const uint32_t first = take(&word, &rule, &time);

    ck_assert(give(&word, &rule, &time, first));
    ck_assert(!give(&word, &rule, &time, first));
    ck_assert_uint_eq(take_all(&word, &rule, &time), 2);
    const uint32_t old = first;
    ck_assert(give(&word, &rule, &time, old));
    ck_assert(give(&word, &rule, &time, old));
    const uint32_t fresh = take(&word, &rule, &next_generation);
    ck_assert_uint_ne(fresh, old);
    ck_assert(!give(&word, &rule, &next_generation, old));
    ck_assert_uint_eq(take_all(&word, &rule, &next_generation), 1);
}
END_TEST

/* F50: from a full word, releases and acquires in every order: never below zero, never above the limit. */
START_TEST(permits_stay_between_zero_and_the_limit)
{
    const ration_rule rule = permits_rule(2, 10);
    const ration_time time = generation_begin(10);

    for (unsigned order = 0; order < 1u << 12; order++) {
        uint64_t word = 0;
        unsigned held = 0;
        for (unsigned i = 0; i < 12; i++) {
            if ((order >> i & 1) != 0) {
                held += take(&word, &rule, &time) != 0;
            } else {
                bool given = give(&word, &rule, &time, time.s + 20);
                LAW(given == (held > 0));
                held -= given;
            }
            LAW(held <= 2 && out_of(word) == held);
        }
    }
}
END_TEST

/* F52: stopped past its lease, then continuing: it holds nothing, and the new holder keeps its permit. */
START_TEST(permit_that_lapsed_is_neither_released_nor_renewed)
{
    const ration_rule rule = permits_rule(1, 10);
    const ration_time time = generation_begin(10), later = time_after(&time, 20 * STEPS_NS);
    uint64_t word = 0, next;
    uint32_t new_death_s;
    const uint32_t stopped = take(&word, &rule, &time);
    const uint32_t holder = take(&word, &rule, &later);

    ck_assert_uint_ne(holder, 0);
    ck_assert(!give(&word, &rule, &later, stopped));
    ck_assert(!ration_permits_renew(word, 10, &later, stopped, false, &next, &new_death_s));
    ck_assert_uint_eq(next, word);
    ck_assert_uint_eq(take(&word, &rule, &later), 0);
    ck_assert(give(&word, &rule, &later, holder));
}
END_TEST

/* A permit that is renewed each lease is held for ever. */
START_TEST(permit_lives_while_it_is_renewed)
{
    const ration_rule rule = permits_rule(1, 10);
    ration_time time = time_of_s(NOON_S + 3);
    uint64_t word = 0;
    uint32_t death_s = take(&word, &rule, &time);

    for (int i = 0; i < 100; i++) {
        time = time_after(&time, 10 * STEPS_NS);
        ck_assert_uint_eq(take(&word, &rule, &time), 0);
        ck_assert(ration_permits_renew(word, 10, &time, death_s, false, &word, &death_s));
        ck_assert_uint_eq(out_of(word), 1);
    }
    ck_assert(give(&word, &rule, &time, death_s));
    ck_assert_uint_ne(take(&word, &rule, &time), 0);
}
END_TEST

/* F55: a limit lowered below its holders takes no new one until they are fewer; releases of old ones work. */
START_TEST(permits_wait_when_the_limit_is_lowered)
{
    ration_rule rule = permits_rule(5, 100);
    const ration_time time = generation_begin(100);
    uint64_t word = 0;
    uint32_t death_s = take(&word, &rule, &time);

    ck_assert_uint_eq(take_all(&word, &rule, &time), 4);
    rule.limit = 2;
    for (int i = 0; i < 3; i++) {
        ck_assert_uint_eq(take(&word, &rule, &time), 0);
        ck_assert(give(&word, &rule, &time, death_s));
    }
    ck_assert_uint_eq(take(&word, &rule, &time), 0);
    ck_assert(give(&word, &rule, &time, death_s));
    ck_assert_uint_ne(take(&word, &rule, &time), 0);
}
END_TEST

/* F19, G7: after a jump back no lock-out beyond two leases, and old permits can be released, in whatever generation. */
START_TEST(permits_survive_a_clock_that_goes_back)
{
    const ration_rule rule = permits_rule(4, 10);
    const ration_time time = generation_begin(10);

    for (int64_t jump_s = 1; jump_s < 200; jump_s++) {
        for (int64_t wait_s = 0; wait_s < 25; wait_s++) {
            ration_time later = time_after(&time, 12 * STEPS_NS), back = time_after(&later, -jump_s * STEPS_NS), then;
            uint64_t word = 0;
            uint32_t old[4];
            old[0] = take(&word, &rule, &time);
            old[1] = take(&word, &rule, &time);
            old[2] = take(&word, &rule, &later);
            old[3] = take(&word, &rule, &later);
            LAW(take(&word, &rule, &back) == 0); /* heals, if it is to be healed */
            then = time_after(&back, wait_s * STEPS_NS);
            unsigned fresh = take_all(&word, &rule, &then), given = 0;
            LAW(fresh <= 4);
            bool lapsed = ration_counter_lapse(RATION_COUNTER_PERMITS, word) <= then.ticks;
            LAW(!lapsed || fresh == 0);
            for (int i = 0; i < 4; i++) {
                given += give(&word, &rule, &then, old[i]);
            }
            /* Nothing has lapsed before the second generation after the jump: all four were held. */
            LAW(given == 4 || fresh > 0 || then.s >= old[0]);
            LAW(out_of(word) <= 4);
        }
        ration_time back = time_after(&time, -jump_s * STEPS_NS), end = time_after(&back, 25 * STEPS_NS);
        uint64_t word = 0;
        LAW(take_all(&word, &rule, &time) == 4);
        LAW(take(&word, &rule, &back) == 0);
        LAW(take_all(&word, &rule, &end) == 4);
    }
}
END_TEST

/* A clock up to 5 s behind leaves a generation that another has begun as it is. */
START_TEST(permits_keep_a_generation_that_a_clock_ahead_has_begun)
{
    const ration_rule rule = permits_rule(2, 10);
    const ration_time time = generation_begin(10), behind = time_after(&time, -5 * STEPS_NS);
    uint64_t word = 0;
    const uint32_t death_s = take(&word, &rule, &time);

    ck_assert_uint_eq(take(&word, &rule, &behind), death_s);
    const uint64_t full = word;
    ck_assert_uint_eq(take(&word, &rule, &behind), 0);
    ck_assert_uint_eq(word, full);
    ck_assert(give(&word, &rule, &behind, death_s));
    ck_assert(give(&word, &rule, &time, death_s));
}
END_TEST

/* Coalescing: pending stays while somebody holds, and is told to the next holder when all have lapsed. */
START_TEST(permits_tell_the_next_holder_when_all_lapsed)
{
    const ration_rule rule = permits_rule(1, 10);
    const ration_time time = generation_begin(10), later = time_after(&time, 20 * STEPS_NS);
    const ration_ask ask = ask_for(1);
    ration_permits_grant grant;
    uint64_t word = 0, next;
    uint32_t death_s;

    ck_assert_uint_eq(ration_permits_remember(0), 0);
    death_s = take(&word, &rule, &time);
    word = ration_permits_remember(word);
    ck_assert(ration_permits_pending(word));
    ck_assert_uint_eq(ration_permits_charge(word, &rule, &later, &ask, &next, &grant), 1);
    ck_assert(grant.again);
    ck_assert(!ration_permits_pending(next));
    ck_assert(ration_permits_renew(word, 10, &time, death_s, true, &next, &death_s));
    ck_assert(!ration_permits_pending(next));
    ck_assert_uint_eq(out_of(next), 1);
    ck_assert(ration_permits_renew(word, 10, &time, death_s, false, &next, &death_s));
    ck_assert(ration_permits_pending(next));
}
END_TEST

START_TEST(permits_leave_the_share_to_keep)
{
    const ration_rule rule = permits_rule(5, 10);
    const ration_time time = generation_begin(10);
    ration_ask ask = {.cost = 9, .least = 9, .keep_permille = 300}; /* 1.5 of 5 stay free: 2 */
    ration_permits_grant grant;
    ration_report report;
    uint64_t word = 0;

    for (int i = 0; i < 3; i++) {
        ration_permits_report(word, &rule, &time, &ask, &report);
        ck_assert_uint_eq(report.retry_ns, 0);
        ck_assert_uint_eq(ration_permits_charge(word, &rule, &time, &ask, &word, &grant), 1);
    }
    ck_assert_uint_eq(ration_permits_charge(word, &rule, &time, &ask, &word, &grant), 0);
    ration_permits_report(word, &rule, &time, &ask, &report);
    ck_assert_uint_eq(report.retry_ns, RATION_SECOND);
    ck_assert_uint_eq(report.remaining, 2);
    ask.keep_permille = 1000;
    ration_permits_report(word, &rule, &time, &ask, &report);
    ck_assert_uint_eq(report.retry_ns, UINT64_MAX);
}
END_TEST

/* F24, F21: time 0, and generations across the wraps of the clock. */
START_TEST(permits_count_at_time_zero_and_at_every_wrap)
{
    static const uint64_t at_ns[] = {0, 1, UINT64_C(1) << 31, UINT64_C(2147483647) * RATION_SECOND, UINT64_C(4294967295) * RATION_SECOND,
                                     UINT64_C(1) << 40, UINT64_C(1) << 48, (UINT64_C(1) << 63) - RATION_SECOND};

    for (size_t i = 0; i < sizeof at_ns / sizeof at_ns[0]; i++) {
        const ration_rule rule = permits_rule(MOST, 7);
        const ration_time time = time_of_ns(at_ns[i]), soon = time_after(&time, 2 * STEPS_NS), end = time_after(&time, 14 * STEPS_NS);
        uint64_t word = 0;
        ck_assert_uint_eq(take_all(&word, &rule, &time), MOST);
        ck_assert_uint_eq(take(&word, &rule, &soon), 0);
        ck_assert_uint_eq(take_all(&word, &rule, &end), MOST);
    }
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("permits");

    tcase_set_timeout(cases, 300);
    tcase_add_test(cases, permits_equal_a_list_of_permits);
    tcase_add_test(cases, permits_report_when_all_have_lapsed);
    tcase_add_test(cases, permits_take_any_word);
    tcase_add_test(cases, permit_lapses_between_one_and_two_leases);
    tcase_add_test(cases, permit_never_taken_cannot_be_released);
    tcase_add_test(cases, permit_cannot_be_released_twice);
    tcase_add_test(cases, permits_stay_between_zero_and_the_limit);
    tcase_add_test(cases, permit_that_lapsed_is_neither_released_nor_renewed);
    tcase_add_test(cases, permit_lives_while_it_is_renewed);
    tcase_add_test(cases, permits_wait_when_the_limit_is_lowered);
    tcase_add_test(cases, permits_survive_a_clock_that_goes_back);
    tcase_add_test(cases, permits_keep_a_generation_that_a_clock_ahead_has_begun);
    tcase_add_test(cases, permits_tell_the_next_holder_when_all_lapsed);
    tcase_add_test(cases, permits_leave_the_share_to_keep);
    tcase_add_test(cases, permits_count_at_time_zero_and_at_every_wrap);
    return run_tests(cases, "permits");
}
