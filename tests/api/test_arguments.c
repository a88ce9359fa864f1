/* SPDX-License-Identifier: BSD-2-Clause */
/** @file test_arguments.c Every error provoked, every out-parameter failing closed, and nothing changed after an error. */
#include "fixture.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

static int randomness_fails;

/* Stands before the system's, so that it can fail. */
ssize_t getrandom(void *buffer, size_t size, unsigned flags)
{
    return randomness_fails ? -1 : (ssize_t)syscall(SYS_getrandom, buffer, size, flags);
}

static const ration_limit quota = RATION_QUOTA(10, RATION_CALENDAR_DAY);
static const ration_limit permits = RATION_CONCURRENCY(2, RATION_MINUTE);

static ration_limiter *open_two(void)
{
    ration_limiter *limiter = open_at(NEW_YEAR);
    set_plan(limiter, 1, &quota, 1);
    set_plan(limiter, 2, &permits, 1);
    return limiter;
}

/** The address `by` bytes into a buffer that is aligned for anything. */
static void *misaligned(size_t by)
{
    static _Alignas(64) unsigned char buffer[8192];
    memset(buffer, 0, sizeof buffer);
    return buffer + by;
}

/* ------------------------------------------------------------------ limits */

typedef struct limit_case {
    ration_limit limit;
    int error;
    const char *field;
} limit_case;

#define NAME_47 "12345678901234567890123456789012345678901234567"

static const limit_case limit_cases[] = {
    {{.size = sizeof(ration_limit) - 8, .kind = RATION_KIND_BLOCKED}, RATION_ERR_RANGE, "size"},
    {{.size = 0, .kind = RATION_KIND_BLOCKED}, RATION_ERR_RANGE, "size"},
    {{.size = SIZE_MAX, .kind = RATION_KIND_BLOCKED}, RATION_ERR_RANGE, "size"},
    {{.size = sizeof(ration_limit)}, RATION_ERR_UNSUPPORTED, "kind"},
    {{.size = sizeof(ration_limit), .kind = 7}, RATION_ERR_UNSUPPORTED, "kind"},
    {RATION_RATE(1, RATION_SECOND, 1, .flags = 8), RATION_ERR_UNSUPPORTED, "flags"},
    {RATION_RATE(1, RATION_SECOND, 1, .flags = RATION_COALESCE), RATION_ERR_UNSUPPORTED, "flags"},
    {RATION_RATE(1, RATION_SECOND, 1, .counts = 2), RATION_ERR_UNSUPPORTED, "counts"},
    {RATION_RATE(1, RATION_SECOND, 1, .reserved = 1), RATION_ERR_UNSUPPORTED, "reserved"},
    {RATION_RATE(1, RATION_SECOND, 1, .name = ""), RATION_ERR_RANGE, "name"},
    {RATION_RATE(1, RATION_SECOND, 1, .name = NAME_47 "8"), RATION_ERR_RANGE, "name"},
    {RATION_RATE(1, RATION_SECOND, 1, .name = "a\"b"), RATION_ERR_RANGE, "name"},
    {RATION_RATE(1, RATION_SECOND, 1, .name = "a\\b"), RATION_ERR_RANGE, "name"},
    {RATION_RATE(1, RATION_SECOND, 1, .name = "a\nb"), RATION_ERR_RANGE, "name"},
    {RATION_RATE(1, RATION_SECOND, 1, .name = "\xc3\xa9"), RATION_ERR_RANGE, "name"},
    {RATION_RATE(1, RATION_SECOND, 1, .name = "\x7f"), RATION_ERR_RANGE, "name"},
    {RATION_RATE(0, RATION_SECOND, 1), RATION_ERR_RANGE, "units"}, /* F5 */
    {RATION_RATE(0, RATION_SECOND, 0), RATION_ERR_RANGE, "units"},
    {RATION_RATE(1, RATION_SECOND, 0), RATION_ERR_RANGE, "burst"},
    {RATION_RATE(1, 0, 1), RATION_ERR_RANGE, "period"},
    {RATION_RATE(1, (UINT64_C(1) << 59) + 1, 1), RATION_ERR_RANGE, "period"},
    {RATION_RATE(10000001, RATION_SECOND, 1), RATION_ERR_RANGE, "units"}, /* F6 */
    {RATION_RATE(UINT64_MAX, RATION_SECOND, 1), RATION_ERR_RANGE, "units"},
    {RATION_RATE(1, RATION_SECOND, UINT64_MAX), RATION_ERR_RANGE, "burst"},
    {RATION_RATE(1, RATION_SECOND, ((UINT64_C(1) << 63) - (UINT64_C(1) << 52)) / 16000000000 + 1), RATION_ERR_RANGE, "burst"},
    {RATION_RATE(1, RATION_SECOND, 1, .utc_offset_s = 1), RATION_ERR_UNSUPPORTED, "utc_offset_s"},
    {RATION_QUOTA(0, RATION_CALENDAR_DAY), RATION_ERR_RANGE, "units"},
    {RATION_QUOTA(UINT64_C(1) << 40, RATION_CALENDAR_DAY), RATION_ERR_RANGE, "units"},
    {RATION_QUOTA(UINT64_C(1) << 32, 511 * RATION_SECOND), RATION_ERR_RANGE, "units"},
    {RATION_QUOTA(1, 0), RATION_ERR_RANGE, "period"},
    {RATION_QUOTA(1, 4), RATION_ERR_RANGE, "period"},
    {RATION_QUOTA(1, RATION_SECOND + 1), RATION_ERR_RANGE, "period"},
    {RATION_QUOTA(1, 16777216 * RATION_SECOND), RATION_ERR_RANGE, "period"},
    {RATION_QUOTA(1, RATION_CALENDAR_DAY, .utc_offset_s = 64801), RATION_ERR_RANGE, "utc_offset_s"},
    {RATION_QUOTA(1, RATION_CALENDAR_DAY, .utc_offset_s = -64801), RATION_ERR_RANGE, "utc_offset_s"},
    {RATION_QUOTA(1, RATION_CALENDAR_WEEK, .anchor_day = 7), RATION_ERR_RANGE, "anchor_day"},
    {RATION_QUOTA(1, RATION_CALENDAR_MONTH, .anchor_day = 28), RATION_ERR_RANGE, "anchor_day"},
    {RATION_QUOTA(1, RATION_CALENDAR_DAY, .anchor_day = 1), RATION_ERR_RANGE, "anchor_day"},
    {RATION_QUOTA(1, RATION_CALENDAR_DAY, .carry_in = 2), RATION_ERR_RANGE, "carry_in"},
    {RATION_QUOTA(1, RATION_CALENDAR_DAY, .burst = 1), RATION_ERR_RANGE, "burst"},
    {RATION_SLIDING(0, RATION_SECOND), RATION_ERR_RANGE, "units"},
    {RATION_SLIDING(UINT64_C(1) << 32, RATION_SECOND), RATION_ERR_RANGE, "units"},
    {RATION_SLIDING(1, RATION_CALENDAR_DAY), RATION_ERR_RANGE, "period"},
    {RATION_CONCURRENCY(0, RATION_SECOND), RATION_ERR_RANGE, "units"},
    {RATION_CONCURRENCY(RATION_PERMITS_MAX + 1, RATION_SECOND), RATION_ERR_RANGE, "units"},
    {RATION_CONCURRENCY(1, RATION_LEASE_MAX + RATION_SECOND), RATION_ERR_RANGE, "period"},
    {{.size = sizeof(ration_limit), .kind = RATION_KIND_BLOCKED, .units = 1}, RATION_ERR_UNSUPPORTED, "units"},
    {{.size = sizeof(ration_limit), .kind = RATION_KIND_UNLIMITED, .flags = RATION_SHADOW}, RATION_ERR_UNSUPPORTED, "flags"},
};

START_TEST(a_wrong_limit_is_refused_by_field_and_the_plan_stays)
{
    ration_limiter *limiter = open_two();
    ck_assert_uint_eq(ask(limiter, 1, "a", 4).allowed, 1);
    for (size_t i = 0; i < sizeof limit_cases / sizeof limit_cases[0]; i++) {
        const limit_case *row = &limit_cases[i];
        ration_limit limits[] = {quota, row->limit};
        ration_fault fault;
        memset(&fault, 0xa5, sizeof fault);
        limits[0].name = "before";
        ck_assert_msg(ration_check_plan(limits, sizeof limits[0], 2, &fault) == row->error, "row %zu: error %d", i, fault.error);
        ck_assert_msg(strcmp(fault.field, row->field) == 0, "row %zu: %s", i, fault.field);
        ck_assert_int_eq(fault.error, row->error);
        ck_assert_uint_eq(fault.index, 1);
        ck_assert_int_eq(ration_set_plan(limiter, 1, limits, sizeof limits[0], 2), row->error);
        ck_assert_int_eq(ration_set_plan(limiter, 1, &limits[1], sizeof limits[0], 1), row->error);
    }
    ck_assert_uint_eq(left_of(limiter, 1, "a", 0), 6);
    ration_close(limiter);
}
END_TEST

START_TEST(limits_at_the_ends_of_their_ranges_are_taken)
{
    const ration_limit limits[] = {RATION_RATE(10000000, RATION_SECOND, 1, .name = NAME_47),
                                   RATION_RATE(2, UINT64_C(1) << 59, 1),
                                   RATION_RATE(1, 100, 1),
                                   RATION_RATE(1, RATION_SECOND, ((UINT64_C(1) << 63) - (UINT64_C(1) << 52)) / 16000000000),
                                   RATION_QUOTA((UINT64_C(1) << 40) - 1, 512 * RATION_SECOND),
                                   RATION_QUOTA(UINT32_MAX, RATION_SECOND),
                                   RATION_QUOTA(1, 16777215 * RATION_SECOND, .utc_offset_s = -64800),
                                   RATION_QUOTA(1, RATION_CALENDAR_MONTH, .anchor_day = 27, .carry_in = 1),
                                   RATION_QUOTA(1, RATION_CALENDAR_WEEK, .anchor_day = 6, .utc_offset_s = 64800),
                                   RATION_SLIDING(UINT32_MAX, 16777215 * RATION_SECOND),
                                   RATION_CONCURRENCY(RATION_PERMITS_MAX, RATION_LEASE_MAX, .flags = 7)};
    ration_limiter *limiter = open_two();
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        ration_permit permit;
        char key[] = {(char)('a' + i), '\0'}; /* or a rate before would have its debt kept */
        ration_request request = request_of(3, key, 1);
        request.permit = &permit;
        set_plan(limiter, 3, &limits[i], 1);
        ck_assert_uint_eq(decide(limiter, &request).allowed, i != 7);
    }
    ration_close(limiter);
}
END_TEST

START_TEST(limits_must_fit_together)
{
    ration_limit limits[RATION_LIMITS_MAX + 1], held[5];
    static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i"};
    ration_limiter *limiter = open_two();
    ration_fault fault;
    for (unsigned i = 0; i < RATION_LIMITS_MAX + 1; i++) {
        limits[i] = quota;
        limits[i].name = names[i];
        held[i % 5] = permits;
        held[i % 5].name = names[i % 5];
    }
    ck_assert_int_eq(ration_set_plan(limiter, 1, limits, sizeof limits[0], RATION_LIMITS_MAX), RATION_OK);
    ck_assert_int_eq(ration_set_plan(limiter, 1, limits, sizeof limits[0], RATION_LIMITS_MAX + 1), RATION_ERR_RANGE);
    ck_assert_int_eq(ration_set_plan(limiter, 1, limits, sizeof limits[0], 0), RATION_ERR_RANGE);
    ck_assert_int_eq(ration_set_plan(limiter, 1, held, sizeof held[0], 5), RATION_ERR_RANGE);
    ck_assert_int_eq(ration_set_plan(limiter, 1, held, sizeof held[0], 4), RATION_OK);
    limits[5].name = "b";
    ck_assert_int_eq(ration_check_plan(limits, sizeof limits[0], 6, &fault), RATION_ERR_DUPLICATE);
    ck_assert_str_eq(fault.field, "name");
    ck_assert_uint_eq(fault.index, 5);
    limits[0].name = limits[1].name = NULL;
    ck_assert_int_eq(ration_set_plan(limiter, 1, limits, sizeof limits[0], 2), RATION_ERR_DUPLICATE);
    limits[1] = (ration_limit)RATION_BLOCKED;
    ck_assert_int_eq(ration_set_plan(limiter, 1, limits, sizeof limits[0], 2), RATION_ERR_ARGUMENT);
    ck_assert_int_eq(ration_set_plan(limiter, 1, NULL, sizeof limits[0], 1), RATION_ERR_ARGUMENT);
    ck_assert_int_eq(ration_set_plan(NULL, 1, &quota, sizeof quota, 1), RATION_ERR_ARGUMENT);
    ck_assert_int_eq(ration_set_plan(limiter, 16, &quota, sizeof quota, 1), RATION_ERR_RANGE);
    ck_assert_int_eq(ration_set_plan(limiter, 1, misaligned(4), sizeof quota, 1), RATION_ERR_ALIGNMENT);
    ck_assert_int_eq(ration_set_plan(limiter, 1, &quota, sizeof quota + 4, 1), RATION_ERR_ALIGNMENT);
    ck_assert_int_eq(ration_set_plan(limiter, 1, &quota, sizeof quota - 8, 1), RATION_ERR_RANGE);
    ck_assert_int_eq(ration_check_plan(&quota, sizeof quota, 1, NULL), RATION_ERR_ARGUMENT);
    ration_close(limiter);
}
END_TEST

/** A limit as a later version of the header might have it. */
typedef struct later_limit {
    ration_limit known;
    uint64_t tail;
} later_limit;

START_TEST(a_tail_of_zeroes_is_taken_and_any_other_is_not)
{
    ration_limiter *limiter = open_two();
    later_limit limits[] = {{quota, 0}, {permits, 0}};
    struct {
        ration_options known;
        uint64_t tail;
    } options = {{.size = sizeof options}, 0};
    ration_limiter *opened;
    limits[0].known.size = limits[1].known.size = sizeof limits[0];
    ck_assert_int_eq(ration_set_plan(limiter, 3, &limits[0].known, sizeof limits[0], 2), RATION_OK);
    limits[1].tail = UINT64_C(1) << 63;
    ck_assert_int_eq(ration_set_plan(limiter, 3, &limits[0].known, sizeof limits[0], 2), RATION_ERR_UNSUPPORTED);
    limits[1].known.size = sizeof(ration_limit); /* beyond its size it says nothing */
    ck_assert_int_eq(ration_set_plan(limiter, 3, &limits[0].known, sizeof limits[0], 2), RATION_OK);
    limits[1].known.size = sizeof limits[0] + 8; /* reaches into the next */
    ck_assert_int_eq(ration_set_plan(limiter, 3, &limits[0].known, sizeof limits[0], 2), RATION_ERR_RANGE);
    ck_assert_int_eq(ration_open(&options.known, &opened), RATION_OK);
    ration_close(opened);
    options.tail = 1;
    ck_assert_int_eq(ration_open(&options.known, &opened), RATION_ERR_UNSUPPORTED);
    ck_assert_ptr_null(opened);
    ration_close(limiter);
}
END_TEST

/* ----------------------------------------------------------------- options */

static void *take_block(void *context, size_t size, size_t alignment)
{
    int *calls_left = context;
    return (*calls_left)-- > 0 ? aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment) : NULL;
}

static void *take_misaligned(void *context, size_t size, size_t alignment)
{
    unsigned char *block = take_block(context, size + alignment, alignment);
    return block + 8;
}

static size_t given_back;

static void give_block(void *context, void *memory, size_t size)
{
    (void)context;
    given_back++;
    memset(memory, 0xdd, size); /* the size is that which was asked for: else the sanitizer objects */
    free(memory);
}

static void give_misaligned(void *context, void *memory, size_t size)
{
    give_block(context, (unsigned char *)memory - 8, size);
}

START_TEST(wrong_options_open_nothing)
{
    static const unsigned char secret[256] = {1};
    int calls = 9;
    const struct {
        ration_options options;
        int error;
        const char *field;
    } rows[] = {
        {{.size = 0}, RATION_ERR_RANGE, "size"},
        {{.size = sizeof(ration_options) - 8}, RATION_ERR_RANGE, "size"},
        {{.size = SIZE_MAX}, RATION_ERR_RANGE, "size"},
        {{.size = sizeof(ration_options), .counters = (UINT64_C(1) << 32) + 1}, RATION_ERR_RANGE, "counters"},
        {{.size = sizeof(ration_options), .counters = UINT64_MAX}, RATION_ERR_RANGE, "counters"},
        {{.size = sizeof(ration_options), .plans = 65537}, RATION_ERR_RANGE, "plans"},
        {{.size = sizeof(ration_options), .clock = 3}, RATION_ERR_UNSUPPORTED, "clock"},
        {{.size = sizeof(ration_options), .when_full = 2}, RATION_ERR_UNSUPPORTED, "when_full"},
        {{.size = sizeof(ration_options), .reserved = 1}, RATION_ERR_UNSUPPORTED, "reserved"},
        {{.size = sizeof(ration_options), .clock = RATION_CLOCK_CALLBACK}, RATION_ERR_ARGUMENT, "now_ns"},
        {{.size = sizeof(ration_options), .now_ns = read_fake_clock}, RATION_ERR_ARGUMENT, "now_ns"},
        {{.size = sizeof(ration_options), .allocate = take_block, .context = &calls}, RATION_ERR_ARGUMENT, "deallocate"},
        {{.size = sizeof(ration_options), .deallocate = give_block}, RATION_ERR_ARGUMENT, "allocate"},
        {{.size = sizeof(ration_options), .secret = secret}, RATION_ERR_ARGUMENT, "secret"},
        {{.size = sizeof(ration_options), .secret_len = 192}, RATION_ERR_ARGUMENT, "secret"},
        {{.size = sizeof(ration_options), .secret = secret, .secret_len = 191}, RATION_ERR_RANGE, "secret_len"},
        {{.size = sizeof(ration_options), .secret = secret, .secret_len = 257}, RATION_ERR_RANGE, "secret_len"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ration_limiter *limiter = misaligned(0);
        ration_fault fault;
        ck_assert_msg(ration_check_options(&rows[i].options, &fault) == rows[i].error, "row %zu: error %d", i, fault.error);
        ck_assert_msg(strcmp(fault.field, rows[i].field) == 0, "row %zu: %s", i, fault.field);
        ck_assert_int_eq(ration_open(&rows[i].options, &limiter), rows[i].error);
        ck_assert_ptr_null(limiter);
    }
    ration_limiter *limiter = misaligned(0);
    ck_assert_int_eq(ration_open(misaligned(4), &limiter), RATION_ERR_ALIGNMENT);
    ck_assert_ptr_null(limiter);
    ck_assert_int_eq(ration_open(NULL, NULL), RATION_ERR_ARGUMENT);
    ck_assert_int_eq(ration_check_options(NULL, NULL), RATION_ERR_ARGUMENT);
    ck_assert_int_eq(calls, 9);
}
END_TEST

START_TEST(every_allocation_that_fails_is_told_and_all_others_are_given_back)
{
    ration_limiter *limiter = NULL;
    int opened_after = -1;
    for (int allowed = 0; opened_after < 0; allowed++) {
        int calls = allowed;
        ration_options options = {.size = sizeof options, .counters = 100, .plans = 1, .context = &calls};
        options.allocate = take_block;
        options.deallocate = give_block;
        given_back = 0;
        int error = ration_open(&options, &limiter);
        ck_assert_int_lt(allowed, 20);
        if (error == RATION_OK) {
            opened_after = allowed;
            ck_assert_int_eq(calls, 0);
            ck_assert_uint_eq(given_back, 0);
            ration_close(limiter);
        } else {
            ck_assert_int_eq(error, RATION_ERR_MEMORY);
            ck_assert_ptr_null(limiter);
        }
        ck_assert_uint_eq(given_back, (size_t)allowed);
    }
    ck_assert_int_ge(opened_after, 1);
}
END_TEST

START_TEST(a_misaligned_block_is_no_memory) /* F62 */
{
    ration_limiter *limiter;
    int calls = 9;
    ration_options options = {.size = sizeof options, .counters = 100, .plans = 1, .context = &calls};
    options.allocate = take_misaligned;
    options.deallocate = give_misaligned;
    given_back = 0;
    ck_assert_int_eq(ration_open(&options, &limiter), RATION_ERR_MEMORY);
    ck_assert_ptr_null(limiter);
    ck_assert_uint_eq(given_back, (size_t)(9 - calls));
}
END_TEST

START_TEST(without_randomness_nothing_opens)
{
    ration_limiter *limiter;
    int calls = 9;
    unsigned char secret[192] = {1};
    ration_options options = {.size = sizeof options, .counters = 100, .plans = 1, .context = &calls};
    options.allocate = take_block;
    options.deallocate = give_block;
    given_back = 0;
    randomness_fails = 1;
    ck_assert_int_eq(ration_open(&options, &limiter), RATION_ERR_SYSTEM);
    ck_assert_ptr_null(limiter);
    ck_assert_uint_eq(given_back, (size_t)(9 - calls));
    options.secret = secret; /* and with a secret of one's own none is needed */
    options.secret_len = sizeof secret;
    ck_assert_int_eq(ration_open(&options, &limiter), RATION_OK);
    ration_close(limiter);
    ration_close(NULL);
}
END_TEST

/* ---------------------------------------------------------------- requests */

typedef struct request_case {
    ration_request request;
    int error;
} request_case;

static ration_usage room[RATION_LIMITS_MAX];

#define ASKING .key = "a", .key_len = 1, .plan = 1

static const request_case request_cases[] = {
    {{.key = NULL, .key_len = 1, .plan = 1}, RATION_ERR_ARGUMENT},
    {{.key = "a", .key_len = RATION_KEY_MAX + 1, .plan = 1}, RATION_ERR_RANGE}, /* F33 */
    {{.key = "a", .key_len = SIZE_MAX, .plan = 1}, RATION_ERR_RANGE},
    {{ASKING, .cost = (uint64_t)INT64_MAX + 1}, RATION_ERR_RANGE}, /* F13: -1 through a signed binding is of these */
    {{ASKING, .cost = UINT64_MAX}, RATION_ERR_RANGE},
    {{ASKING, .max_wait_ns = RATION_WAIT_MAX + 1}, RATION_ERR_RANGE},
    {{ASKING, .keep_permille = 1001}, RATION_ERR_RANGE},
    {{ASKING, .flags = 8}, RATION_ERR_UNSUPPORTED},
    {{ASKING, .flags = 1u << 31}, RATION_ERR_UNSUPPORTED},
    {{ASKING, .reserved = {1}}, RATION_ERR_UNSUPPORTED},
    {{ASKING, .reserved = {0, 0, 0, 0, 0, 0, 1}}, RATION_ERR_UNSUPPORTED},
    {{.key = "a", .key_len = 1, .plan = 3}, RATION_ERR_NO_PLAN},
    {{.key = "a", .key_len = 1, .plan = UINT32_MAX}, RATION_ERR_NO_PLAN},
};

static const request_case deciding_cases[] = {
    {{.key = "a", .key_len = 1, .plan = 2}, RATION_ERR_ARGUMENT}, /* no room for a permit */
    {{ASKING, .usages = room, .usage_size = sizeof room[0], .usage_capacity = 0}, RATION_ERR_ARGUMENT},
    {{ASKING, .usages = room, .usage_size = sizeof room[0] - 8, .usage_capacity = 8}, RATION_ERR_ARGUMENT},
    {{ASKING, .usages = room, .usage_size = sizeof room[0] + 4, .usage_capacity = 8}, RATION_ERR_ALIGNMENT},
};

static void assert_closed(const ration_decision *decision)
{
    ck_assert_uint_eq(decision->allowed, 0);
    ck_assert_uint_eq(decision->granted, 0);
    ck_assert_uint_eq(decision->reason, RATION_REASON_ERROR);
    ck_assert_uint_ge(decision->retry_after_ns, 1);
}

/** The request is an error of every function that decides, and each of its answers is a refusal. */
static void assert_refused(ration_limiter *limiter, const ration_request *request, int error)
{
    ration_request requests[3] = {request_of(1, "b", 1), *request, request_of(1, "b", 1)};
    ration_decision decisions[3];
    memset(decisions, 0xa5, sizeof decisions);
    ck_assert_int_eq(ration_acquire(limiter, request, &decisions[0]), error);
    assert_closed(&decisions[0]);
    memset(decisions, 0xa5, sizeof decisions);
    ck_assert_int_eq(ration_acquire_all(limiter, requests, 3, &decisions[0]), error);
    assert_closed(&decisions[0]);
    memset(decisions, 0xa5, sizeof decisions);
    ck_assert_int_eq(ration_acquire_batch(limiter, requests, 3, decisions), error);
    for (unsigned i = 0; i < 3; i++) {
        assert_closed(&decisions[i]);
    }
}

START_TEST(a_wrong_request_is_refused_everywhere_and_charges_nothing)
{
    ration_limiter *limiter = open_two();
    ck_assert_uint_eq(ask(limiter, 1, "a", 4).allowed, 1);
    for (size_t i = 0; i < sizeof request_cases / sizeof request_cases[0]; i++) {
        const ration_request *request = &request_cases[i].request;
        ration_usage usages[RATION_LIMITS_MAX];
        size_t count = RATION_LIMITS_MAX;
        assert_refused(limiter, request, request_cases[i].error);
        ck_assert_int_eq(ration_refund(limiter, request, NEW_YEAR, 1), request_cases[i].error);
        ck_assert_int_eq(ration_forget(limiter, request), request_cases[i].error);
        ck_assert_int_eq(ration_inspect(limiter, request, usages, sizeof usages[0], &count), request_cases[i].error);
        ck_assert_uint_eq(count, 0);
    }
    for (size_t i = 0; i < sizeof deciding_cases / sizeof deciding_cases[0]; i++) {
        assert_refused(limiter, &deciding_cases[i].request, deciding_cases[i].error);
    }
    ck_assert_uint_eq(left_of(limiter, 1, "a", 0), 6);
    ck_assert_uint_eq(left_of(limiter, 1, "b", 0), 10);
    ck_assert_uint_eq(left_of(limiter, 2, "a", 0), 2);
    ration_close(limiter);
}
END_TEST

START_TEST(null_and_misaligned_pointers_are_errors)
{
    ration_limiter *limiter = open_two();
    ration_request request = request_of(1, "a", 1), odd = request;
    ration_decision decision = {.allowed = 1};
    ration_stats stats = {.size = sizeof stats};
    ration_usage usages[RATION_LIMITS_MAX];
    size_t count = RATION_LIMITS_MAX, len;
    uint32_t again;
    ck_assert_int_eq(ration_acquire(NULL, &request, &decision), RATION_ERR_ARGUMENT);
    assert_closed(&decision);
    ck_assert_int_eq(ration_acquire(limiter, NULL, &decision), RATION_ERR_ARGUMENT);
    ck_assert_int_eq(ration_acquire(limiter, &request, NULL), RATION_ERR_ARGUMENT);
    ck_assert_int_eq(ration_acquire(limiter, misaligned(4), &decision), RATION_ERR_ALIGNMENT);
    ck_assert_int_eq(ration_acquire(limiter, &request, misaligned(4)), RATION_ERR_ALIGNMENT);
    odd.permit = misaligned(4);
    ck_assert_int_eq(ration_acquire(limiter, &odd, &decision), RATION_ERR_ALIGNMENT);
    ck_assert_int_eq(ration_acquire_all(limiter, NULL, 1, &decision), RATION_ERR_ARGUMENT);
    ck_assert_int_eq(ration_acquire_all(limiter, &request, 1, NULL), RATION_ERR_ARGUMENT);
    ck_assert_int_eq(ration_acquire_batch(limiter, NULL, 1, &decision), RATION_ERR_ARGUMENT);
    ck_assert_int_eq(ration_acquire_batch(limiter, &request, 1, NULL), RATION_ERR_ARGUMENT);
    ck_assert_int_eq(ration_release(limiter, NULL, &again), RATION_ERR_ARGUMENT);
    ck_assert_int_eq(ration_release(NULL, misaligned(0), &again), RATION_ERR_ARGUMENT);
    ck_assert_int_eq(ration_release(limiter, misaligned(4), &again), RATION_ERR_ALIGNMENT);
    ck_assert_int_eq(ration_renew(limiter, misaligned(4)), RATION_ERR_ALIGNMENT);
    ck_assert_int_eq(ration_settle(limiter, &request, NULL, 0), RATION_ERR_ARGUMENT);
    ck_assert_int_eq(ration_settle(limiter, &request, &(ration_decision){0}, 0), RATION_ERR_ARGUMENT);
    ck_assert_int_eq(ration_inspect(limiter, &request, NULL, sizeof usages[0], &count), RATION_ERR_ARGUMENT);
    ck_assert_int_eq(ration_inspect(limiter, &request, usages, sizeof usages[0], NULL), RATION_ERR_ARGUMENT);
    ck_assert_int_eq(ration_inspect(limiter, &request, misaligned(4), sizeof usages[0], &count), RATION_ERR_ALIGNMENT);
    count = 0;
    ck_assert_int_eq(ration_inspect(limiter, &request, usages, sizeof usages[0], &count), RATION_ERR_BUFFER);
    ck_assert_uint_eq(count, 1);
    ck_assert_int_eq(ration_get_stats(limiter, NULL), RATION_ERR_ARGUMENT);
    ck_assert_int_eq(ration_get_stats(limiter, misaligned(4)), RATION_ERR_ALIGNMENT);
    stats.size = 8;
    ck_assert_int_eq(ration_get_stats(limiter, &stats), RATION_ERR_UNSUPPORTED);
    ck_assert_int_eq(ration_key_join(NULL, 1, NULL, 0, &len), RATION_ERR_ARGUMENT);
    ck_assert_uint_eq(left_of(limiter, 1, "a", 0), 10);
    ration_close(limiter);
}
END_TEST

START_TEST(several_requests_must_agree)
{
    ration_limiter *limiter = open_two();
    ration_request requests[RATION_REQUESTS_MAX + 1];
    ration_decision decision;
    ration_permit permit;
    for (unsigned i = 0; i < RATION_REQUESTS_MAX + 1; i++) {
        requests[i] = request_of(1, "a", 1);
    }
    ck_assert_int_eq(ration_acquire_all(limiter, requests, 0, &decision), RATION_ERR_RANGE);
    assert_closed(&decision);
    ck_assert_int_eq(ration_acquire_all(limiter, requests, RATION_REQUESTS_MAX + 1, &decision), RATION_ERR_RANGE);
    requests[1].permit = &permit;
    ck_assert_int_eq(ration_acquire_all(limiter, requests, 2, &decision), RATION_ERR_ARGUMENT);
    requests[1].permit = NULL;
    requests[1].flags = RATION_AT;
    ck_assert_int_eq(ration_acquire_all(limiter, requests, 2, &decision), RATION_ERR_ARGUMENT);
    ration_decision decisions[2];
    ck_assert_int_eq(ration_acquire_batch(limiter, requests, 2, decisions), RATION_ERR_ARGUMENT);
    requests[1] = request_of(2, "a", 1); /* a permit is needed, wherever the limit is */
    ck_assert_int_eq(ration_acquire_all(limiter, requests, 2, &decision), RATION_ERR_ARGUMENT);
    ck_assert_int_eq(ration_acquire_batch(limiter, requests, 0, NULL), RATION_OK);
    ck_assert_int_eq(ration_refund(limiter, &requests[0], NEW_YEAR, 2), RATION_ERR_RANGE);
    ck_assert_uint_eq(left_of(limiter, 1, "a", 0), 10);
    ration_close(limiter);
}
END_TEST

START_TEST(more_limits_than_a_decision_holds_are_an_error)
{
    ration_limiter *limiter = open_at(NEW_YEAR);
    ration_limit limits[RATION_LIMITS_MAX];
    ration_request requests[RATION_REQUESTS_MAX];
    ration_decision decision;
    static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h"};
    for (unsigned i = 0; i < RATION_LIMITS_MAX; i++) {
        limits[i] = quota;
        limits[i].name = names[i];
        requests[i] = request_of(1, names[i], 1);
    }
    set_plan(limiter, 1, limits, RATION_LIMITS_MAX);
    ck_assert_int_eq(ration_acquire_all(limiter, requests, 4, &decision), RATION_OK);
    ck_assert_uint_eq(decision.allowed, 1);
    ck_assert_int_eq(ration_acquire_all(limiter, requests, 5, &decision), RATION_ERR_RANGE);
    assert_closed(&decision);
    ck_assert_uint_eq(left_of(limiter, 1, "a", 0), 9);
    ck_assert_uint_eq(left_of(limiter, 1, "e", 0), 10);
    ration_close(limiter);
}
END_TEST

/* ------------------------------------------------------------- being busy */

typedef struct setting {
    ration_limiter *limiter;
    atomic_int *busy;
} setting;

static void *set_again_and_again(void *given)
{
    const setting *mine = given;
    for (unsigned i = 0; i < 5000000 && atomic_load(mine->busy) == 0; i++) {
        int error = ration_set_plan(mine->limiter, 1, &quota, sizeof quota, 1);
        if (error != RATION_OK) {
            atomic_store(mine->busy, error);
        }
    }
    return NULL;
}

START_TEST(of_two_who_set_one_plan_at_once_one_may_be_told_to_try_again)
{
    enum { THREADS = 4 };
    atomic_int busy = 0;
    setting mine = {open_two(), &busy};
    pthread_t threads[THREADS];
    for (unsigned i = 0; i < THREADS; i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, set_again_and_again, &mine), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    ck_assert_int_eq(atomic_load(&busy), RATION_ERR_BUSY);
    ck_assert_int_eq(ration_set_plan(mine.limiter, 1, &quota, sizeof quota, 1), RATION_OK);
    ration_close(mine.limiter);
}
END_TEST

/* ------------------------------------------------------------------- words */

START_TEST(every_error_has_its_name)
{
    static const char *const names[] = {
        "RATION_OK",         "RATION_ERR_ARGUMENT", "RATION_ERR_RANGE",     "RATION_ERR_UNSUPPORTED", "RATION_ERR_ALIGNMENT",
        "RATION_ERR_MEMORY", "RATION_ERR_NO_PLAN",  "RATION_ERR_DUPLICATE", "RATION_ERR_NOT_HELD",    "RATION_ERR_BUSY",
        "RATION_ERR_BUFFER", "RATION_ERR_SYSTEM"};
    for (int i = 0; i < (int)(sizeof names / sizeof names[0]); i++) {
        ck_assert_mem_eq(ration_strerror(-i), names[i], strlen(names[i]));
        ck_assert_int_eq(ration_strerror(-i)[strlen(names[i])], ':');
    }
    ck_assert_ptr_nonnull(ration_strerror(1));
    ck_assert_ptr_nonnull(ration_strerror(-12));
    ck_assert_ptr_nonnull(ration_strerror(INT32_MIN));
    ck_assert_uint_eq(ration_version(), RATION_VERSION_NUMBER);
}
END_TEST

START_TEST(a_fault_reads_as_a_sentence)
{
    ration_limit limits[] = {quota, RATION_RATE(1, RATION_SECOND, 0),
                             RATION_QUOTA(1, RATION_CALENDAR_DAY, .utc_offset_s = -70000)};
    char text[200], small[11];
    ration_fault fault;
    ck_assert_int_eq(ration_check_plan(limits, sizeof limits[0], 2, &fault), RATION_ERR_RANGE);
    size_t len = ration_fault_format(&fault, "limits", text, sizeof text);
    ck_assert_uint_eq(len, strlen(text));
    ck_assert_mem_eq(text, "limits[1].burst is 0; allowed is 1 to 576", 41);
    ck_assert_uint_eq(ration_fault_format(&fault, "limits", small, sizeof small), len);
    ck_assert_str_eq(small, "limits[1].");
    ck_assert_uint_eq(ration_fault_format(&fault, "limits", NULL, 0), len);
    ration_fault_format(&fault, NULL, text, sizeof text);
    ck_assert_mem_eq(text, "burst is 0", 10);
    limits[2].name = "third";
    ck_assert_int_eq(ration_check_plan(&limits[2], sizeof limits[0], 1, &fault), RATION_ERR_RANGE);
    ration_fault_format(&fault, "plan", text, sizeof text);
    ck_assert_mem_eq(text, "plan[0].utc_offset_s is -70000; allowed is -64800 to 64800", 58);
    ck_assert_int_eq(ration_check_plan(limits, sizeof limits[0], 1, &fault), RATION_OK);
    ck_assert_str_eq(fault.field, "");
    ck_assert_int_eq(fault.error, RATION_OK);
}
END_TEST

START_TEST(no_two_lists_of_parts_are_one_key) /* F42 */
{
    static const ration_key_part lists[][3] = {{{"a", 1}, {"bc", 2}},
                                               {{"ab", 2}, {"c", 1}},
                                               {{"abc", 3}},
                                               {{"", 0}, {"abc", 3}},
                                               {{"abc", 3}, {"", 0}},
                                               {{NULL, 0}},
                                               {{"a", 1}, {"b", 1}, {"c", 1}},
                                               {{"\1a", 2}},
                                               {{"a\2bc", 4}},
                                               {{"\1a\2bc", 5}},
                                               {{"a\0b", 3}, {"c", 1}}};
    static const size_t counts[] = {2, 2, 1, 2, 2, 1, 3, 1, 1, 1, 2};
    enum { LISTS = sizeof counts / sizeof counts[0] };
    unsigned char keys[LISTS][16], none[1];
    size_t lens[LISTS], len;
    for (unsigned i = 0; i < LISTS; i++) {
        ck_assert_int_eq(ration_key_join(lists[i], counts[i], keys[i], sizeof keys[i], &lens[i]), RATION_OK);
        ck_assert_int_eq(ration_key_join(lists[i], counts[i], NULL, 0, &len), RATION_ERR_BUFFER);
        ck_assert_uint_eq(len, lens[i]);
        for (unsigned j = 0; j < i; j++) {
            ck_assert(lens[i] != lens[j] || memcmp(keys[i], keys[j], lens[i]) != 0);
        }
    }
    ck_assert_int_eq(ration_key_join(lists[0], 0, none, 0, &len), RATION_OK);
    ck_assert_uint_eq(len, 0);
}
END_TEST

START_TEST(a_part_of_128_bytes_is_not_taken_for_three) /* F42: where the length takes a second byte */
{
    unsigned char whole[128] = {'x', 126}, one[160], three[160];
    const ration_key_part part = {whole, sizeof whole}, parts[] = {{"", 0}, {"x", 1}, {whole + 2, 126}};
    size_t one_len, three_len;
    ck_assert_int_eq(ration_key_join(&part, 1, one, sizeof one, &one_len), RATION_OK);
    ck_assert_int_eq(ration_key_join(parts, 3, three, sizeof three, &three_len), RATION_OK);
    ck_assert(one_len != three_len || memcmp(one, three, one_len) != 0);
}
END_TEST

START_TEST(a_joined_key_is_never_longer_than_a_key_may_be)
{
    static unsigned char part[RATION_KEY_MAX + 1], key[RATION_KEY_MAX + 16];
    ration_key_part parts[] = {{part, RATION_KEY_MAX - 3}, {NULL, 1}, {part, SIZE_MAX}};
    size_t len;
    ck_assert_int_eq(ration_key_join(parts, 1, key, sizeof key, &len), RATION_OK);
    ck_assert_uint_eq(len, RATION_KEY_MAX);
    ck_assert_int_eq(ration_key_join(parts, 2, key, sizeof key, &len), RATION_ERR_ARGUMENT);
    ck_assert_uint_eq(len, 0);
    parts[1] = (ration_key_part){NULL, 0};
    ck_assert_int_eq(ration_key_join(parts, 2, key, sizeof key, &len), RATION_ERR_RANGE);
    ck_assert_int_eq(ration_key_join(&parts[2], 1, key, sizeof key, &len), RATION_ERR_RANGE);
    ck_assert_int_eq(ration_key_join(parts, 1, key, sizeof key, NULL), RATION_ERR_ARGUMENT);
}
END_TEST

START_TEST(keys_are_bytes_and_a_length) /* F31, F32, F33 */
{
    static unsigned char large[65537];
    static const size_t places[] = {0, 255, 256, 65535, 65536};
    ration_limiter *limiter = open_two();
    const ration_key_part keys[] = {
        {"AB\0CD", 5}, {"AB", 2}, {NULL, 0}, {"", 1}, {"AB\0", 3}, {"\x80", 1}, {"x\r\nFLUSHALL\r\n", 13}};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        ration_request request = {.key = keys[i].bytes, .key_len = keys[i].len, .plan = 1, .cost = 10};
        ck_assert_uint_eq(decide(limiter, &request).allowed, 1);
        ck_assert_uint_eq(decide(limiter, &request).allowed, 0);
    }
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        ration_request request = {.key = large, .key_len = sizeof large, .plan = 1, .cost = 10};
        large[places[i]]++;
        ck_assert_uint_eq(decide(limiter, &request).allowed, 1);
    }
    char first[] = "same;one", second[] = "same,two";
    ration_request one = {.key = first, .key_len = 4, .plan = 1, .cost = 10},
                   two = {.key = second, .key_len = 4, .plan = 1, .cost = 10};
    ck_assert_uint_eq(decide(limiter, &one).allowed, 1);
    ck_assert_uint_eq(decide(limiter, &two).allowed, 0);
    ration_close(limiter);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("arguments");
    tcase_add_test(tests, a_wrong_limit_is_refused_by_field_and_the_plan_stays);
    tcase_add_test(tests, limits_at_the_ends_of_their_ranges_are_taken);
    tcase_add_test(tests, limits_must_fit_together);
    tcase_add_test(tests, a_tail_of_zeroes_is_taken_and_any_other_is_not);
    tcase_add_test(tests, wrong_options_open_nothing);
    tcase_add_test(tests, every_allocation_that_fails_is_told_and_all_others_are_given_back);
    tcase_add_test(tests, a_misaligned_block_is_no_memory);
    tcase_add_test(tests, without_randomness_nothing_opens);
    tcase_add_test(tests, a_wrong_request_is_refused_everywhere_and_charges_nothing);
    tcase_add_test(tests, null_and_misaligned_pointers_are_errors);
    tcase_add_test(tests, several_requests_must_agree);
    tcase_add_test(tests, more_limits_than_a_decision_holds_are_an_error);
    tcase_add_test(tests, of_two_who_set_one_plan_at_once_one_may_be_told_to_try_again);
    tcase_add_test(tests, every_error_has_its_name);
    tcase_add_test(tests, a_fault_reads_as_a_sentence);
    tcase_add_test(tests, no_two_lists_of_parts_are_one_key);
    tcase_add_test(tests, a_part_of_128_bytes_is_not_taken_for_three);
    tcase_add_test(tests, a_joined_key_is_never_longer_than_a_key_may_be);
    tcase_add_test(tests, keys_are_bytes_and_a_length);
    return run_suite("arguments", tests, 120);
}
