/* SPDX-License-Identifier: BSD-2-Clause */
/** @file answer.c Decisions, usages and permits as the caller sees them. */
#include "answer.h"

#include <string.h>

#include "kinds.h"
#include "permit.h"

void ration_answer_error(ration_decision *decision)
{
    memset(decision, 0, sizeof *decision);
    decision->reason = RATION_REASON_ERROR;
    decision->retry_after_ns = RATION_SECOND;
}

/* The length in ns that the jitter of a refusal is taken from, and that a usage reports. */
static uint64_t rule_period_ns(const ration_rule *rule)
{
    static const uint64_t calendar_s[] = {0, 86400, 7 * 86400, 30 * 86400};
    if (rule->counter == RATION_COUNTER_RATE) {
        return (rule->as.rate.full_ticks + RATION_TICKS_PER_NS - 1) / RATION_TICKS_PER_NS;
    }
    return (rule->calendar != 0 ? calendar_s[rule->calendar & 3] : rule->as.window.window_s) * RATION_SECOND;
}

void ration_usage_fill(const ration_case *c, const ration_item *item, ration_usage *usage)
{
    ration_report report;
    ration_item_report(c, item, &report);
    usage->kind = item->rule->kind;
    usage->flags = item->rule->flags;
    usage->limit = item->rule->limit;
    usage->remaining = report.remaining;
    usage->reset_ns = report.reset_ns;
    usage->retry_after_ns = report.retry_ns;
    usage->period_ns = rule_period_ns(item->rule);
    usage->refused = item->granted == 0;
    usage->reserved = 0;
}

/* Spreads callers that were refused until the same instant; the same caller gets the same spread. */
static uint64_t jitter_ns(const ration_rule *rule, ration_hash hash)
{
    uint64_t spread = rule_period_ns(rule) / 16;
    spread = spread < RATION_HOUR ? spread : RATION_HOUR;
    return (uint64_t)(((ration_u128)(hash.home * UINT64_C(0x9e3779b97f4a7c15)) * spread) >> 64);
}

static void name_limit(const ration_item *item, const ration_report *report, ration_decision *decision)
{
    decision->limit_index = item->limit;
    decision->request_index = item->request;
    decision->limit = item->rule->limit;
    decision->remaining = report->remaining;
    decision->reset_ns = report->reset_ns;
}

/* Of equals the first limit of the first request is named: items are in an order of their own. */
static bool comes_first(const ration_item *item, const ration_decision *decision)
{
    return item->request != decision->request_index ? item->request < decision->request_index : item->limit < decision->limit_index;
}

/* The bit of a limit, counting over all requests' limits. */
static unsigned limit_bit(const ration_question *questions, const ration_item *item)
{
    unsigned bit = item->limit;
    for (unsigned i = 0; i < item->request; i++) {
        bit += questions[i].count;
    }
    return bit;
}

static void answer_refused(const ration_case *c, const ration_question *questions, ration_decision *decision)
{
    const ration_item *reason = NULL;
    for (unsigned i = 0; i < c->count; i++) {
        const ration_item *item = &c->items[i];
        ration_report report;
        const ration_item *head = item->merged >= 0 ? &c->items[item->merged] : item;
        if (!ration_item_refuses(head)) {
            continue;
        }
        ration_kind_report(head, head->before, &c->time, &head->ask, &report);
        uint64_t retry_ns = report.retry_ns != 0 ? report.retry_ns : 1; /* lost to a race that is over already */
        if (reason == NULL || retry_ns > decision->retry_after_ns ||
            (retry_ns == decision->retry_after_ns && comes_first(item, decision))) {
            reason = item;
            decision->retry_after_ns = retry_ns;
            name_limit(item, &report, decision);
        }
    }
    const ration_question *question = &questions[reason->request];
    decision->reason = reason->rule->kind;
    if (decision->retry_after_ns == RATION_NEVER) {
        decision->flags |= RATION_DECISION_NEVER;
    } else if ((question->request->flags & RATION_JITTER) != 0) {
        decision->retry_after_ns += jitter_ns(reason->rule, question->hash);
    }
    if (reason->again) {
        decision->flags |= RATION_DECISION_PENDING;
    }
}

static void answer_full(ration_case *c, ration_decision *decision)
{
    decision->reason = RATION_REASON_FULL;
    decision->retry_after_ns = RATION_SECOND;
    for (unsigned i = 0; i < c->count; i++) {
        c->items[i].granted = 0;
    }
}

static void hold_permits(const ration_case *c, const ration_request *request)
{
    ration_holding holding = {0};
    holding.given = c->given;
    holding.era = c->era;
    holding.decided_at_ns = c->time.now_ns;
    for (unsigned i = 0; i < c->count && holding.count < RATION_PERMIT_LIMITS_MAX; i++) {
        const ration_item *item = &c->items[i];
        if (item->rule->counter == RATION_COUNTER_PERMITS && item->charged) {
            ration_held *held = &holding.held[holding.count++];
            held->probe = item->probe;
            held->lease_s = item->rule->as.window.window_s;
            held->death_s = item->death_s;
            held->coalesces = (item->rule->flags & RATION_COALESCE) != 0;
        }
    }
    ration_permit_seal(request->permit, &holding, c->engine->region->secret);
}

/* Names the limit with the least left, and how long to sleep. */
static void answer_allowed(const ration_case *c, const ration_question *questions, ration_decision *decision)
{
    uint64_t cost = questions[0].request->cost;
    decision->allowed = 1;
    decision->granted = cost != 0 ? cost : 1;
    decision->remaining = UINT64_MAX;
    decision->limit = UINT64_MAX;
    bool holds = false;
    for (unsigned i = 0; i < c->count; i++) {
        const ration_item *item = &c->items[i];
        const ration_item *head = item->merged >= 0 ? &c->items[item->merged] : item;
        holds |= item->rule->counter == RATION_COUNTER_PERMITS;
        if (item->skipped) {
            decision->flags |= RATION_DECISION_FULL;
        }
        if (!head->charged || ration_item_shadow(item)) {
            continue;
        }
        ration_report report;
        ration_item_report(c, item, &report);
        if (report.remaining < decision->remaining || (report.remaining == decision->remaining && comes_first(item, decision))) {
            name_limit(item, &report, decision);
        }
        if (item->rule->counter == RATION_COUNTER_RATE && item->ask.wait_ticks != 0) {
            uint64_t wait_ns = ration_rate_wait_ns(head->next, item->rule, &c->time, &item->ask);
            decision->wait_ns = wait_ns > decision->wait_ns ? wait_ns : decision->wait_ns;
        }
        if (c->partial && item->rule->counts == RATION_COST && item->rule->counter != RATION_COUNTER_PERMITS &&
            item->granted < decision->granted) {
            decision->granted = item->granted;
        }
        if (item->again) {
            decision->flags |= RATION_DECISION_AGAIN;
        }
    }
    if (holds && questions[0].request->permit != NULL) {
        hold_permits(c, questions[0].request);
    }
}

static void write_usages(const ration_case *c, const ration_question *questions)
{
    for (unsigned i = 0; i < c->count; i++) {
        const ration_item *item = &c->items[i];
        const ration_request *request = questions[item->request].request;
        if (request->usages != NULL) {
            ration_usage_fill(c, item, ration_usage_at(request->usages, request->usage_size, item->limit));
        }
    }
}

static void count_answer(const ration_case *c, const ration_decision *decision)
{
    ration_stripe *stripe = ration_stats_stripe(c->engine->stripes);
    ration_stats_count(stripe, decision->allowed != 0 ? RATION_COUNT_ALLOWED : RATION_COUNT_REFUSED, 1);
    if (decision->would_refuse != 0) {
        ration_stats_count(stripe, RATION_COUNT_WOULD_REFUSE, 1);
    }
    if (decision->reason == RATION_REASON_FULL || (decision->flags & RATION_DECISION_FULL) != 0) {
        ration_stats_count(stripe, RATION_COUNT_FULL, 1);
    }
}

void ration_usage_fixed(bool allowed, ration_usage *usage)
{
    usage->kind = allowed ? RATION_KIND_UNLIMITED : RATION_KIND_BLOCKED;
    usage->flags = 0;
    usage->limit = allowed ? UINT64_MAX : 0;
    usage->remaining = usage->limit;
    usage->reset_ns = 0;
    usage->retry_after_ns = allowed ? 0 : RATION_NEVER;
    usage->period_ns = 0;
    usage->refused = !allowed;
    usage->reserved = 0;
}

static void begin_answer(const ration_case *c, ration_decision *decision)
{
    memset(decision, 0, sizeof *decision);
    decision->decided_at_ns = c->time.now_ns;
}

void ration_answer_write(ration_case *c, unsigned outcome, const ration_question *questions, unsigned count, ration_decision *decision)
{
    begin_answer(c, decision);
    bool usages = false;
    for (unsigned i = 0; i < count; i++) {
        usages |= questions[i].request->usages != NULL;
    }
    for (unsigned i = 0; i < c->count; i++) {
        const ration_item *item = &c->items[i];
        const ration_item *head = item->merged >= 0 ? &c->items[item->merged] : item;
        if (head->granted == 0 && ration_item_shadow(item)) {
            decision->would_refuse |= UINT32_C(1) << limit_bit(questions, item);
        }
    }
    if (usages) {
        write_usages(c, questions);
    }
    if (outcome == RATION_OUTCOME_ALLOWED) {
        answer_allowed(c, questions, decision);
    } else if (outcome == RATION_OUTCOME_REFUSED) {
        answer_refused(c, questions, decision);
    } else {
        answer_full(c, decision);
    }
    count_answer(c, decision);
}

void ration_answer_fixed(ration_case *c, bool allowed, const ration_question *questions, unsigned index, ration_decision *decision)
{
    const ration_request *request = questions[index].request;
    begin_answer(c, decision);
    decision->allowed = allowed;
    decision->request_index = index;
    if (allowed) {
        decision->granted = request->cost != 0 ? request->cost : 1;
        decision->limit = UINT64_MAX;
        decision->remaining = UINT64_MAX;
    } else {
        decision->reason = RATION_REASON_BLOCKED;
        decision->flags = RATION_DECISION_NEVER;
        decision->retry_after_ns = RATION_NEVER;
    }
    if (request->usages != NULL) {
        ration_usage_fixed(allowed, request->usages);
    }
    count_answer(c, decision);
}
