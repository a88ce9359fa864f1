/* SPDX-License-Identifier: BSD-2-Clause */
/** @file request.c Checking requests, and turning them into the items of a decision. */
#include "limiter.h"

int ration_request_check_usages(const ration_request *request)
{
    if ((uintptr_t)request->usages % _Alignof(ration_usage) != 0 || request->usage_size % _Alignof(ration_usage) != 0) {
        return RATION_ERR_ALIGNMENT;
    }
    return request->usage_size < sizeof(ration_usage) || request->usage_size > 4096 ? RATION_ERR_ARGUMENT : RATION_OK;
}

int ration_request_error(const ration_request *request)
{
    if (((uintptr_t)request->permit % _Alignof(ration_permit)) != 0) {
        return RATION_ERR_ALIGNMENT;
    }
    if (request->key == NULL && request->key_len != 0) {
        return RATION_ERR_ARGUMENT;
    }
    if (request->key_len > RATION_KEY_MAX || request->cost > INT64_MAX || request->keep_permille > 1000 ||
        request->max_wait_ns > RATION_WAIT_MAX) {
        return RATION_ERR_RANGE;
    }
    return RATION_ERR_UNSUPPORTED;
}

static bool read_names(const ration_question *question, const ration_request *request)
{
    for (unsigned i = 0; i < question->count; i++) {
        ration_usage *usage = ration_usage_at(request->usages, request->usage_size, i);
        if (!ration_plan_name(question->plan, question->sequence, i, usage->name)) {
            return false;
        }
    }
    return true;
}

int ration_question_read(const ration_limiter *limiter, const ration_request *request, ration_rule *rules, ration_question *question)
{
    if (request->plan >= limiter->plan_count) {
        return RATION_ERR_NO_PLAN;
    }
    question->request = request;
    question->plan = &limiter->plans[request->plan];
    do {
        question->count = ration_plan_read(question->plan, rules, &question->sequence);
        if (question->count == 0) {
            return RATION_ERR_NO_PLAN;
        }
        if (request->usages != NULL && request->usage_capacity < question->count) {
            return RATION_ERR_ARGUMENT;
        }
    } while (request->usages != NULL && !read_names(question, request));
    question->hash = ration_hash_bytes(request->key, request->key_len, limiter->engine.region->secret);
    return RATION_OK;
}

void ration_question_add(ration_case *c, const ration_question *question, const ration_rule *rules, unsigned index)
{
    const ration_request *request = question->request;
    uint64_t cost = request->cost != 0 ? request->cost : 1;
    for (unsigned i = 0; i < question->count; i++) {
        const ration_rule *rule = &rules[i];
        if (rule->counter == 0) {
            continue;
        }
        ration_item *item = &c->items[c->count++];
        item->rule = rule;
        item->ask.cost = rule->counts == RATION_CALLS || rule->counter == RATION_COUNTER_PERMITS ? 1 : cost;
        item->ask.least = c->partial ? 1 : item->ask.cost;
        item->ask.wait_ticks = request->max_wait_ns * RATION_TICKS_PER_NS;
        item->ask.keep_permille = request->keep_permille;
        item->request = (uint16_t)index;
        item->limit = rule->index;
        item->merged = -1;
        item->charged = false;
        item->skipped = false;
        item->again = false;
        ration_case_probe(c, item, question->hash);
    }
}
