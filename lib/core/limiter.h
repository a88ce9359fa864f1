/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file limiter.h
 * The handle behind the public functions, and what the files of the top level share: limiter.c (open, close, plans),
 * acquire.c (decisions), release.c (permits), refund.c, inspect.c (looking, forgetting, statistics).
 */
#ifndef RATION_CORE_LIMITER_H
#define RATION_CORE_LIMITER_H

#include "decide.h"
#include "plan.h"

struct ration_limiter {
    ration_engine engine;
    ration_plan *plans;
    uint32_t plan_count;
    ration_memory memory;
};

/** What a request asks, read once from the caller's memory and found right. */
typedef struct ration_question {
    const ration_request *request;
    const ration_plan *plan;
    uint64_t sequence; /* of the plan's version */
    unsigned count;    /* its rules */
    ration_hash hash;
} ration_question;

/** Says what is wrong with a request of which something is. */
int ration_request_error(const ration_request *request);
int ration_request_check_usages(const ration_request *request);

/** Checks a request by itself. @return as ration_acquire. */
static inline int ration_request_check(const ration_limiter *limiter, const ration_request *request)
{
    if (limiter == NULL || request == NULL) {
        return RATION_ERR_ARGUMENT;
    }
    if ((uintptr_t)request % _Alignof(ration_request) != 0) {
        return RATION_ERR_ALIGNMENT;
    }
    /* One branch for all that is right: this runs before every decision. */
    const uint32_t *r = request->reserved;
    uint32_t unknown = (request->flags & ~(uint32_t)(RATION_AT | RATION_PARTIAL | RATION_JITTER)) | r[0] | r[1] | r[2] | r[3] | r[4] |
                       r[5] | r[6];
    bool wrong = ((uintptr_t)request->permit % _Alignof(ration_permit) != 0) | ((request->key == NULL) & (request->key_len != 0)) |
                 (request->key_len > RATION_KEY_MAX) | (request->cost > INT64_MAX) | (request->keep_permille > 1000) |
                 (request->max_wait_ns > RATION_WAIT_MAX) | (unknown != 0);
    if (__builtin_expect(wrong, 0)) {
        return ration_request_error(request);
    }
    return request->usages != NULL ? ration_request_check_usages(request) : RATION_OK;
}

/** Reads the request's plan and hashes its key. Writes at most RATION_LIMITS_MAX rules. @return RATION_OK, RATION_ERR_NO_PLAN. */
int ration_question_read(const ration_limiter *limiter, const ration_request *request, ration_rule *rules, ration_question *question);

/** Adds the items of a question to a case; blocked and unlimited plans have none. */
void ration_question_add(ration_case *c, const ration_question *question, const ration_rule *rules, unsigned index);

/** Begins a case at the time of a request. */
static inline void ration_case_begin(ration_case *c, ration_limiter *limiter, const ration_request *request)
{
    c->engine = &limiter->engine;
    c->given = (request->flags & RATION_AT) != 0;
    c->given_ns = request->now_ns;
    c->partial = (request->flags & RATION_PARTIAL) != 0;
    c->count = 0;
    c->ordered = false;
    ration_case_place(c);
}

/** Where the n-th usage of a caller's array is. */
static inline ration_usage *ration_usage_at(ration_usage *usages, size_t usage_size, size_t index)
{
    return (ration_usage *)(void *)((unsigned char *)usages + index * usage_size);
}

/** Writes one limit's state; the name is the caller's to add. */
void ration_usage_fill(const ration_case *c, const ration_item *item, ration_usage *usage);

/** Writes the state of a plan that is blocked or (allowed) unlimited; the name stays. */
void ration_usage_fixed(bool allowed, ration_usage *usage);

#endif
