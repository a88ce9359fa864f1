/* SPDX-License-Identifier: BSD-2-Clause */
/** @file inspect.c Looking without changing, forgetting, statistics. */
#include <string.h>

#include "answer.h"
#include "kinds.h"

/* Reads an item's counter as it is. */
static bool read_item(const ration_case *c, ration_item *item)
{
    const ration_table *table = &c->engine->table;
    item->slot = ration_table_find(table, &item->probe);
    item->seen = (ration_pair){RATION_TAG_EMPTY, 0};
    if (item->slot != NULL && !ration_table_load(table, item->slot, &item->seen)) {
        return false;
    }
    return item->slot == NULL || ration_table_same(item->seen.low, item->probe.tag);
}

static bool weigh_read_item(ration_case *c, ration_item *item)
{
    for (unsigned tries = 0; tries < RATION_ATOMIC_LOAD_TRIES; tries++) {
        if (read_item(c, item)) {
            ration_case_weigh(c, item);
            return true;
        }
    }
    return false;
}

int ration_inspect(ration_limiter *limiter, const ration_request *request, ration_usage *usages, size_t usage_size, size_t *count)
{
    if (usages == NULL || count == NULL || usage_size < sizeof(ration_usage)) {
        return RATION_ERR_ARGUMENT;
    }
    if (((uintptr_t)usages | usage_size) % _Alignof(ration_usage) != 0) {
        return RATION_ERR_ALIGNMENT;
    }
    size_t fit = *count;
    *count = 0;
    int error = ration_request_check(limiter, request);
    if (error != RATION_OK) {
        return error;
    }
    ration_request asked = *request;
    ration_usage room[RATION_LIMITS_MAX]; /* so that an error leaves the caller's array as it was */
    asked.usages = room;
    asked.usage_size = sizeof room[0];
    asked.usage_capacity = RATION_LIMITS_MAX;
    ration_question question;
    ration_rule rules[RATION_LIMITS_MAX];
    error = ration_question_read(limiter, &asked, rules, &question);
    if (error != RATION_OK) {
        return error;
    }
    *count = question.count;
    if (fit < question.count) {
        return RATION_ERR_BUFFER;
    }
    ration_case c;
    ration_case_begin(&c, limiter, request);
    ration_question_add(&c, &question, rules, 0);
    if (c.count == 0) {
        ration_usage_fixed(rules[0].kind == RATION_KIND_UNLIMITED, room);
    }
    for (unsigned i = 0; i < c.count; i++) {
        if (!weigh_read_item(&c, &c.items[i])) {
            return RATION_ERR_BUSY;
        }
        ration_usage_fill(&c, &c.items[i], &room[c.items[i].limit]);
    }
    for (unsigned i = 0; i < question.count; i++) {
        memcpy(ration_usage_at(usages, usage_size, i), &room[i], sizeof(ration_usage));
    }
    return RATION_OK;
}

/* Brings a counter to a word that owes nothing. Permits out stay out. */
static void forget_counter(ration_case *c, const ration_probe *probe)
{
    const ration_table *table = &c->engine->table;
    for (;;) {
        ration_pair *slot = ration_table_find(table, probe);
        ration_pair value;
        if (slot == NULL) {
            return;
        }
        if (!ration_table_load(table, slot, &value) || !ration_table_same(value.low, probe->tag)) {
            continue;
        }
        ration_pair owing_nothing = {value.low, 0};
        if ((value.low & RATION_TAG_FRESH) != 0 || ration_atomic_cas_seq_128(slot, value, owing_nothing)) {
            return;
        }
    }
}

int ration_forget(ration_limiter *limiter, const ration_request *request)
{
    int error = ration_request_check(limiter, request);
    if (error != RATION_OK) {
        return error;
    }
    ration_request asked = *request;
    asked.usages = NULL;
    ration_question question;
    ration_rule rules[RATION_LIMITS_MAX];
    error = ration_question_read(limiter, &asked, rules, &question);
    if (error != RATION_OK) {
        return error;
    }
    ration_case c;
    ration_case_begin(&c, limiter, request);
    ration_question_add(&c, &question, rules, 0);
    for (unsigned i = 0; i < c.count; i++) {
        const ration_item *item = &c.items[i];
        if (item->rule->counter == RATION_COUNTER_PERMITS) {
            continue;
        }
        forget_counter(&c, &item->probe);
        if (item->rule->counter == RATION_COUNTER_SLIDING) {
            forget_counter(&c, &item->past);
        }
    }
    return RATION_OK;
}

int ration_get_stats(const ration_limiter *limiter, ration_stats *stats)
{
    if (limiter == NULL || stats == NULL) {
        return RATION_ERR_ARGUMENT;
    }
    if ((uintptr_t)stats % _Alignof(ration_stats) != 0) {
        return RATION_ERR_ALIGNMENT;
    }
    if (stats->size < sizeof *stats) {
        return RATION_ERR_UNSUPPORTED;
    }
    const ration_engine *engine = &limiter->engine;
    const ration_stripe *stripes = engine->stripes;
    memset((unsigned char *)stats + sizeof stats->size, 0, sizeof *stats - sizeof stats->size);
    stats->allowed = ration_stats_sum(stripes, RATION_COUNT_ALLOWED);
    stats->refused = ration_stats_sum(stripes, RATION_COUNT_REFUSED);
    stats->would_refuse = ration_stats_sum(stripes, RATION_COUNT_WOULD_REFUSE);
    stats->inserted = ration_stats_sum(stripes, RATION_COUNT_INSERTED);
    stats->reclaimed = ration_stats_sum(stripes, RATION_COUNT_RECLAIMED);
    stats->evicted = ration_stats_sum(stripes, RATION_COUNT_EVICTED);
    stats->full = ration_stats_sum(stripes, RATION_COUNT_FULL);
    stats->rolled_back = ration_stats_sum(stripes, RATION_COUNT_ROLLED_BACK);
    stats->insane = ration_stats_sum(stripes, RATION_COUNT_INSANE);
    stats->clock_jumps = ration_atomic_load_relaxed_64(&engine->region->jumps) + ration_clock_jumps(&engine->clock);
    stats->slots = engine->table.group_count * RATION_GROUP_COUNTERS;
    stats->memory_bytes = engine->region->shape.size;
    return RATION_OK;
}
