/* SPDX-License-Identifier: BSD-2-Clause */
/** @file acquire.c Decisions: one request, several as one, several in a row. */
#include "answer.h"
#include "single.h"

/** Requests whose memory is fetched ahead together. */
#define ACQUIRE_BATCH 16

static bool needs_permit(const ration_rule *rules, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (rules[i].counter == RATION_COUNTER_PERMITS && (rules[i].flags & RATION_SHADOW) == 0) {
            return true;
        }
    }
    return false;
}

static void prefetch_items(const ration_case *c)
{
    for (unsigned i = 0; i < c->count; i++) {
        ration_table_prefetch(&c->engine->table, &c->items[i].probe);
    }
}

/* Decides a request whose plan has been read, at the time the case was begun. */
static void decide_question(ration_case *c, const ration_question *question, const ration_rule *rules, ration_decision *decision)
{
    c->count = 0;
    if (rules[0].counter == 0) {
        ration_answer_fixed(c, rules[0].kind == RATION_KIND_UNLIMITED, question, 0, decision);
        return;
    }
    ration_question_add(c, question, rules, 0);
    if (c->count > 1) {
        prefetch_items(c);
    }
    unsigned outcome = ration_decide(c, &question->hash);
    ration_answer_write(c, outcome, question, 1, decision);
}

static int read_question(const ration_limiter *limiter, const ration_request *request, ration_rule *rules, ration_question *question)
{
    int error = ration_question_read(limiter, request, rules, question);
    if (error == RATION_OK && request->permit == NULL && needs_permit(rules, question->count)) {
        error = RATION_ERR_ARGUMENT;
    }
    return error;
}

/* Checked requests that the short path does not take. */
static __attribute__((noinline)) int acquire_any(ration_limiter *limiter, const ration_request *request, ration_decision *decision)
{
    ration_question question;
    ration_rule rules[RATION_LIMITS_MAX];
    int error = read_question(limiter, request, rules, &question);
    if (error != RATION_OK) {
        ration_answer_error(decision);
        return error;
    }
    if (request->permit != NULL) {
        *request->permit = (ration_permit){{0}};
    }
    ration_case c;
    ration_case_begin(&c, limiter, request);
    decide_question(&c, &question, rules, decision);
    return RATION_OK;
}

/* True where the short path has decided. */
static inline bool acquire_single(ration_limiter *limiter, const ration_request *request, ration_decision *decision)
{
    ration_engine *engine = &limiter->engine;
    ration_rule rule;
    if (request->plan >= limiter->plan_count || !ration_plan_read_single(&limiter->plans[request->plan], &rule) ||
        !ration_single_fits(request, &rule)) {
        return false;
    }
    ration_time time;
    uint64_t era;
    uint64_t now_ns = (request->flags & RATION_AT) != 0 ? request->now_ns : ration_clock_now(&engine->clock);
    if (__builtin_expect(ration_timeline_behind(engine->region, now_ns), 0)) {
        return false; /* the general path reads the clock twice */
    }
    ration_timeline_place(engine->region, now_ns, &time, &era);
    ration_hash hash = ration_hash_bytes(request->key, request->key_len, engine->region->secret);
    if (!ration_single_decide(engine, &time, request, &rule, ration_table_probe(&engine->table, hash, &rule, 0, era), decision)) {
        return false;
    }
    if (request->permit != NULL) {
        *request->permit = (ration_permit){{0}};
    }
    return true;
}

int ration_acquire(ration_limiter *limiter, const ration_request *request, ration_decision *decision)
{
    if (decision == NULL) {
        return RATION_ERR_ARGUMENT;
    }
    if ((uintptr_t)decision % _Alignof(ration_decision) != 0) {
        return RATION_ERR_ALIGNMENT;
    }
    int error = ration_request_check(limiter, request);
    if (error != RATION_OK) {
        ration_answer_error(decision);
        return error;
    }
    return acquire_single(limiter, request, decision) ? RATION_OK : acquire_any(limiter, request, decision);
}

/* The questions of several requests that are decided as one. */
typedef struct acquire_all {
    ration_rule rules[RATION_DECISION_LIMITS_MAX];
    ration_question questions[RATION_REQUESTS_MAX];
    ration_hash hashes[RATION_REQUESTS_MAX];
    unsigned firsts[RATION_REQUESTS_MAX]; /* where each question's rules begin */
    unsigned rule_count;
    unsigned concurrency;
} acquire_all;

static int check_all(const ration_limiter *limiter, const ration_request *requests, size_t count)
{
    if (limiter == NULL || requests == NULL) {
        return RATION_ERR_ARGUMENT;
    }
    if (count < 1 || count > RATION_REQUESTS_MAX) {
        return RATION_ERR_RANGE;
    }
    for (size_t i = 0; i < count; i++) {
        int error = ration_request_check(limiter, &requests[i]);
        if (error != RATION_OK) {
            return error;
        }
        if ((requests[i].flags & RATION_PARTIAL) != 0) {
            return RATION_ERR_UNSUPPORTED;
        }
        if (i > 0 && (requests[i].permit != NULL || (requests[i].flags & RATION_AT) != 0)) {
            return RATION_ERR_ARGUMENT;
        }
    }
    return RATION_OK;
}

static int read_all(const ration_limiter *limiter, const ration_request *requests, size_t count, acquire_all *all)
{
    for (size_t i = 0; i < count; i++) {
        ration_rule rules[RATION_LIMITS_MAX];
        int error = ration_question_read(limiter, &requests[i], rules, &all->questions[i]);
        if (error != RATION_OK) {
            return error;
        }
        unsigned have = all->questions[i].count;
        if (all->rule_count + have > RATION_DECISION_LIMITS_MAX) {
            return RATION_ERR_RANGE;
        }
        all->firsts[i] = all->rule_count;
        for (unsigned j = 0; j < have; j++) {
            all->concurrency += rules[j].counter == RATION_COUNTER_PERMITS;
            all->rules[all->rule_count++] = rules[j];
        }
        all->hashes[i] = all->questions[i].hash;
        if (requests[0].permit == NULL && needs_permit(rules, have)) {
            return RATION_ERR_ARGUMENT;
        }
    }
    return all->concurrency > RATION_PERMIT_LIMITS_MAX ? RATION_ERR_RANGE : RATION_OK;
}

int ration_acquire_all(ration_limiter *limiter, const ration_request *requests, size_t count, ration_decision *decision)
{
    if (decision == NULL) {
        return RATION_ERR_ARGUMENT;
    }
    if ((uintptr_t)decision % _Alignof(ration_decision) != 0) {
        return RATION_ERR_ALIGNMENT;
    }
    acquire_all all;
    all.rule_count = 0;
    all.concurrency = 0;
    int error = check_all(limiter, requests, count);
    if (error == RATION_OK) {
        error = read_all(limiter, requests, count, &all);
    }
    if (error != RATION_OK) {
        ration_answer_error(decision);
        return error;
    }
    if (requests[0].permit != NULL) {
        *requests[0].permit = (ration_permit){{0}};
    }
    ration_case c;
    ration_case_begin(&c, limiter, &requests[0]);
    unsigned fixed = 0;
    for (unsigned i = 0; i < count; i++) {
        const ration_rule *rules = &all.rules[all.firsts[i]];
        if (rules->kind == RATION_KIND_BLOCKED) {
            ration_answer_fixed(&c, false, all.questions, i, decision);
            return RATION_OK;
        }
        fixed += rules->counter == 0;
        ration_question_add(&c, &all.questions[i], rules, i);
    }
    if (fixed == count) {
        ration_answer_fixed(&c, true, all.questions, 0, decision);
        return RATION_OK;
    }
    prefetch_items(&c);
    ration_case_order(&c);
    unsigned outcome = ration_decide(&c, all.hashes);
    ration_answer_write(&c, outcome, all.questions, (unsigned)count, decision);
    return RATION_OK;
}

/* What the checks of a batch remember of the plan before: batches mostly ask for one plan. */
typedef struct acquire_plan {
    bool known;
    uint32_t plan;
    unsigned count;
    bool needs_permit;
} acquire_plan;

static int check_batch_plan(const ration_limiter *limiter, const ration_request *request, acquire_plan *last)
{
    if (!last->known || last->plan != request->plan) {
        ration_rule rules[RATION_LIMITS_MAX];
        uint64_t sequence;
        if (request->plan >= limiter->plan_count) {
            return RATION_ERR_NO_PLAN;
        }
        last->count = ration_plan_read(&limiter->plans[request->plan], rules, &sequence);
        if (last->count == 0) {
            return RATION_ERR_NO_PLAN;
        }
        last->known = true;
        last->plan = request->plan;
        last->needs_permit = needs_permit(rules, last->count);
    }
    bool short_usages = request->usages != NULL && request->usage_capacity < last->count;
    return short_usages || (request->permit == NULL && last->needs_permit) ? RATION_ERR_ARGUMENT : RATION_OK;
}

/* Checks everything a batch may be refused for, before anything is charged. */
static int check_batch(const ration_limiter *limiter, const ration_request *requests, size_t count)
{
    acquire_plan last = {false, 0, 0, false};
    for (size_t i = 0; i < count; i++) {
        int error = ration_request_check(limiter, &requests[i]);
        if (error == RATION_OK && ((requests[i].flags ^ requests[0].flags) & RATION_AT) != 0) {
            error = RATION_ERR_ARGUMENT;
        }
        if (error == RATION_OK) {
            error = check_batch_plan(limiter, &requests[i], &last);
        }
        if (error != RATION_OK) {
            return error;
        }
    }
    return RATION_OK;
}

/* A slice of a batch. Rules are read once for a run of requests of one plan. */
typedef struct acquire_slice {
    ration_rule rules[ACQUIRE_BATCH];
    ration_probe probes[ACQUIRE_BATCH];
    const ration_rule *single[ACQUIRE_BATCH]; /* the rule of a request that the short path may take, or NULL */
    uint64_t era;
} acquire_slice;

/* Reads a slice and asks for its memory; by the time the first is decided most of it has come. */
static void fetch_slice(const ration_limiter *limiter, uint64_t era, const ration_request *requests, size_t count, acquire_slice *slice)
{
    const ration_engine *engine = &limiter->engine;
    const ration_rule *rule = NULL;
    slice->era = era;
    for (size_t i = 0; i < count; i++) {
        const ration_request *request = &requests[i];
        if (i == 0 || request->plan != requests[i - 1].plan) {
            rule = ration_plan_read_single(&limiter->plans[request->plan], &slice->rules[i]) ? &slice->rules[i] : NULL;
        }
        slice->single[i] = rule != NULL && ration_single_fits(request, rule) ? rule : NULL;
        if (slice->single[i] != NULL) {
            ration_hash hash = ration_hash_bytes(request->key, request->key_len, engine->region->secret);
            slice->probes[i] = ration_table_probe(&engine->table, hash, rule, 0, era);
            ration_table_prefetch(&engine->table, &slice->probes[i]);
        }
    }
}

static int decide_slice(ration_limiter *limiter, ration_case *c, const ration_request *requests, size_t count, ration_decision *decisions)
{
    acquire_slice slice;
    int error = RATION_OK;
    fetch_slice(limiter, c->era, requests, count, &slice);
    for (size_t i = 0; i < count; i++) {
        const ration_request *request = &requests[i];
        if (request->permit != NULL) {
            *request->permit = (ration_permit){{0}};
        }
        if (c->given && request->now_ns != c->given_ns) {
            c->given_ns = request->now_ns;
            ration_case_place(c);
        }
        if (slice.single[i] != NULL && slice.era == c->era &&
            ration_single_decide(c->engine, &c->time, request, slice.single[i], slice.probes[i], &decisions[i])) {
            continue;
        }
        ration_question question;
        ration_rule rules[RATION_LIMITS_MAX];
        int failed = read_question(limiter, request, rules, &question);
        if (failed != RATION_OK) {
            ration_answer_error(&decisions[i]); /* the plan was changed since it was checked */
            error = failed;
            continue;
        }
        c->partial = (request->flags & RATION_PARTIAL) != 0;
        decide_question(c, &question, rules, &decisions[i]);
    }
    return error;
}

int ration_acquire_batch(ration_limiter *limiter, const ration_request *requests, size_t count, ration_decision *decisions)
{
    if (decisions == NULL && count > 0) {
        return RATION_ERR_ARGUMENT;
    }
    if ((uintptr_t)decisions % _Alignof(ration_decision) != 0) {
        return RATION_ERR_ALIGNMENT;
    }
    int error = limiter == NULL || (requests == NULL && count > 0) ? RATION_ERR_ARGUMENT : check_batch(limiter, requests, count);
    if (error != RATION_OK || count == 0) {
        for (size_t i = 0; i < count; i++) {
            ration_answer_error(&decisions[i]);
        }
        return error;
    }
    ration_case c;
    ration_case_begin(&c, limiter, &requests[0]);
    for (size_t done = 0; done < count;) {
        size_t slice = count - done < ACQUIRE_BATCH ? count - done : ACQUIRE_BATCH;
        int sliced = decide_slice(limiter, &c, requests + done, slice, decisions + done);
        error = sliced != RATION_OK ? sliced : error;
        done += slice;
    }
    return error;
}
