/* SPDX-License-Identifier: BSD-2-Clause */
/** @file refund.c Giving units back. */
#include "kinds.h"
#include "limiter.h"

/* Gives `units` of the request's cost back to one counter, if it is there. */
static void refund_item(const ration_case *c, const ration_item *item, uint64_t decided_ticks, uint64_t units)
{
    const ration_table *table = &c->engine->table;
    for (;;) {
        ration_pair *slot = ration_table_find(table, &item->probe);
        ration_pair value;
        if (slot == NULL) {
            return;
        }
        if (!ration_table_load(table, slot, &value) || !ration_table_same(value.low, item->probe.tag)) {
            continue;
        }
        if ((value.low & RATION_TAG_FRESH) != 0) {
            return;
        }
        ration_pair next = {value.low, ration_kind_refund(item->rule, value.high, &c->time, decided_ticks, item->ask.cost, units)};
        if (next.high == value.high || ration_atomic_cas_seq_128(slot, value, next)) {
            return;
        }
    }
}

int ration_refund(ration_limiter *limiter, const ration_request *request, uint64_t decided_at_ns, uint64_t units)
{
    int error = ration_request_check(limiter, request);
    if (error != RATION_OK) {
        return error;
    }
    uint64_t cost = request->cost != 0 ? request->cost : 1;
    if (units > cost) {
        return RATION_ERR_RANGE;
    }
    ration_request asked = *request;
    asked.usages = NULL;
    ration_question question;
    ration_rule rules[RATION_LIMITS_MAX];
    error = ration_question_read(limiter, &asked, rules, &question);
    if (error != RATION_OK || units == 0) {
        return error;
    }
    ration_case c;
    ration_case_begin(&c, limiter, request);
    ration_question_add(&c, &question, rules, 0);
    uint64_t decided_ticks = ration_timeline_ticks(&c.time, decided_at_ns);
    for (unsigned i = 0; i < c.count; i++) {
        const ration_item *item = &c.items[i];
        uint64_t back = item->rule->counts == RATION_COST ? units : units == cost ? 1 : 0;
        if (item->rule->counter == RATION_COUNTER_PERMITS || back == 0) {
            continue;
        }
        refund_item(&c, item, decided_ticks, back);
    }
    return RATION_OK;
}

int ration_settle(ration_limiter *limiter, const ration_request *request, const ration_decision *decision, uint64_t actual)
{
    if (request == NULL || decision == NULL || limiter == NULL) {
        return RATION_ERR_ARGUMENT;
    }
    if (((uintptr_t)request % _Alignof(ration_request) | (uintptr_t)decision % _Alignof(ration_decision)) != 0) {
        return RATION_ERR_ALIGNMENT;
    }
    if (decision->allowed == 0) {
        return RATION_ERR_ARGUMENT;
    }
    if (actual > decision->granted) {
        return RATION_ERR_RANGE;
    }
    ration_request granted = *request;
    granted.cost = decision->granted;
    return ration_refund(limiter, &granted, decision->decided_at_ns, decision->granted - actual);
}
