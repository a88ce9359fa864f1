/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file reference.h
 * A sequential model of a limiter, written from include/ration.h alone: plain arrays and 128-bit numbers, one thread, a clock that
 * only goes forward. Slow and obvious on purpose: what the library answers is compared with what this says.
 */
#ifndef RATION_TESTS_REFERENCE_H
#define RATION_TESTS_REFERENCE_H

#include <ration.h>

#define REFERENCE_STATES 512
#define REFERENCE_PERMITS 256
#define REFERENCE_PLANS 4

__extension__ typedef __int128 reference_wide;

/* What one limit of one key has seen. */
typedef struct reference_state {
    uint32_t key, plan, kind, in_use;
    uint64_t window_s;
    char name[RATION_NAME_MAX + 1];
    reference_wide arrival;      /* rate: when the bucket is full again, sixteenths of ns since 1970 */
    int64_t window;              /* quota, sliding: number of the window that `used` is of */
    uint64_t used, used_before;  /* and what the window before used (sliding) */
    int64_t deaths_s[REFERENCE_PERMITS]; /* concurrency: when each permit lapses, 0: none */
} reference_state;

typedef struct reference {
    int64_t epoch_s; /* generations of permits count from here */
    uint32_t counts[REFERENCE_PLANS];
    ration_limit plans[REFERENCE_PLANS][RATION_LIMITS_MAX];
    reference_state states[REFERENCE_STATES];
} reference;

/* A permit as the model knows it: the states it is held of, and when each dies. */
typedef struct reference_permit {
    uint32_t count;
    reference_state *states[RATION_LIMITS_MAX];
    int64_t deaths_s[RATION_LIMITS_MAX];
} reference_permit;

void reference_begin(reference *model, uint64_t first_ns);
void reference_set_plan(reference *model, uint32_t plan, const ration_limit *limits, uint32_t count);
void reference_acquire(reference *model, uint32_t key, const ration_request *request, uint64_t now_ns, ration_decision *decision,
                       reference_permit *permit);
int reference_release(reference_permit *permit, uint64_t now_ns);
void reference_refund(reference *model, uint32_t key, const ration_request *request, uint64_t now_ns, uint64_t decided_at_ns, uint64_t units);
uint64_t reference_remaining(reference *model, uint32_t key, uint32_t plan, uint32_t limit, uint64_t now_ns);

#endif
