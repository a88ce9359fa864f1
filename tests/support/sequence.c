/* SPDX-License-Identifier: BSD-2-Clause */
/** @file sequence.c From bytes to operations, and the comparison. */
#include "sequence.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reference.h"

#define KEYS 3
#define HELD 24

typedef struct player {
    const uint8_t *bytes;
    size_t len, at;
    uint64_t now_ns;
    ration_limiter *limiter;
    reference model;
    ration_permit permits[HELD];
    reference_permit held[HELD];
    ration_request last;
    ration_decision decided;
    uint32_t last_key;
    size_t operations;
} player;

static uint64_t player_clock(void *context)
{
    return ((const player *)context)->now_ns;
}

static uint32_t take(player *p, uint32_t below)
{
    uint32_t value = p->at < p->len ? p->bytes[p->at++] : 0;
    value = value << 8 | (p->at < p->len ? p->bytes[p->at++] : 0);
    return value % below;
}

static ration_limit take_limit(player *p, uint32_t index)
{
    static const char *const names[] = {"a", "b", "c", "d"};
    static const uint64_t seconds[] = {1, 2, 7, 60, 3600};
    static const uint64_t periods[] = {RATION_SECOND, 777777777, 60 * RATION_SECOND, 3 * RATION_SECOND};
    ration_limit limit;
    uint64_t units = 1 + take(p, 12), period = seconds[take(p, 5)] * RATION_SECOND;
    switch (take(p, 4)) {
    case 0:
        limit = ration_limit_rate(units, periods[take(p, 4)], 1 + take(p, 15));
        break;
    case 1:
        limit = ration_limit_quota(units * 2, period);
        break;
    case 2:
        limit = ration_limit_sliding(units * 2, period);
        break;
    default:
        limit = ration_limit_concurrency(1 + units / 3, period);
    }
    limit.name = names[index];
    limit.counts = limit.kind != RATION_KIND_CONCURRENCY && take(p, 4) == 0 ? RATION_CALLS : RATION_COST;
    limit.flags = limit.kind != RATION_KIND_CONCURRENCY && take(p, 8) == 0 ? RATION_SHADOW : 0;
    return limit;
}

static int set_plan(player *p, uint32_t plan)
{
    ration_limit limits[4];
    uint32_t count = 1 + take(p, 4);
    for (uint32_t i = 0; i < count; i++) {
        limits[i] = take_limit(p, i);
    }
    if (ration_set_plan(p->limiter, plan, limits, sizeof limits[0], count) != RATION_OK) {
        printf("ration_set_plan refused a plan\n");
        return 1;
    }
    reference_set_plan(&p->model, plan, limits, count);
    return 0;
}

static void advance(player *p)
{
    static const uint64_t steps[] = {1, 1000, RATION_MILLISECOND, 100 * RATION_MILLISECOND, RATION_SECOND, 10 * RATION_SECOND, RATION_HOUR};
    p->now_ns += steps[take(p, 7)] * take(p, 100);
}

static int differ(const player *p, const char *field, uint64_t found, uint64_t expected)
{
    printf("operation %zu: %s is %llu, the reference says %llu\n", p->operations, field, (unsigned long long)found,
           (unsigned long long)expected);
    return 1;
}

#define COMPARE(field)                                                            \
    if (got.field != said.field) {                                                \
        return differ(p, #field, (uint64_t)got.field, (uint64_t)said.field);      \
    }

static int acquire(player *p)
{
    uint32_t key = take(p, KEYS), slot = take(p, HELD);
    ration_request request = {.key = &key, .key_len = sizeof key, .plan = take(p, 2), .cost = take(p, 6)};
    request.permit = &p->permits[slot];
    uint32_t how = take(p, 16);
    bool shadows = false, permits = false;
    for (uint32_t i = 0; i < p->model.counts[request.plan]; i++) {
        shadows |= p->model.plans[request.plan][i].flags != 0;
        permits |= p->model.plans[request.plan][i].kind == RATION_KIND_CONCURRENCY;
    }
    request.flags = how == 1 && !shadows ? RATION_PARTIAL : 0;
    request.keep_permille = how == 2 ? take(p, 1001) : 0;
    request.max_wait_ns = how == 3 ? take(p, 3000) * RATION_MILLISECOND : 0;
    if (how == 4 && !permits) { /* a permit of a caller's own time is released at the latest time seen, not at the clock's */
        request.flags |= RATION_AT;
        request.now_ns = p->now_ns;
    }
    ration_decision got, said;
    reference_permit permit;
    if (ration_acquire(p->limiter, &request, &got) != RATION_OK) {
        printf("operation %zu: ration_acquire failed\n", p->operations);
        return 1;
    }
    reference_acquire(&p->model, key, &request, p->now_ns, &said, &permit);
    COMPARE(allowed)
    COMPARE(granted)
    COMPARE(reason)
    COMPARE(retry_after_ns)
    COMPARE(wait_ns)
    COMPARE(would_refuse)
    COMPARE(decided_at_ns)
    if (said.allowed == 0 || said.remaining != UINT64_MAX) {
        COMPARE(remaining)
        COMPARE(limit_index)
        COMPARE(limit)
    }
    p->held[slot] = permit;
    if (got.allowed != 0) {
        p->last = request;
        p->last.cost = got.granted;
        p->last_key = key;
        p->decided = got;
    }
    return 0;
}

static int release(player *p)
{
    uint32_t slot = take(p, HELD);
    int got = ration_release(p->limiter, &p->permits[slot], NULL), said = reference_release(&p->held[slot], p->now_ns);
    return got == said ? 0 : differ(p, "release", (uint64_t)-got, (uint64_t)-said);
}

static int refund(player *p)
{
    if (p->decided.allowed == 0 || p->decided.would_refuse != 0) {
        return 0;
    }
    uint64_t units = take(p, (uint32_t)p->last.cost + 1);
    p->last.key = &p->last_key;
    p->last.flags = 0;
    if (ration_refund(p->limiter, &p->last, p->decided.decided_at_ns, units) != RATION_OK) {
        printf("operation %zu: ration_refund failed\n", p->operations);
        return 1;
    }
    reference_refund(&p->model, p->last_key, &p->last, p->now_ns, p->decided.decided_at_ns, units);
    p->decided.allowed = 0; /* once */
    return 0;
}

static int inspect(player *p)
{
    uint32_t key = take(p, KEYS);
    ration_request request = {.key = &key, .key_len = sizeof key, .plan = take(p, 2)};
    ration_usage usages[RATION_LIMITS_MAX];
    size_t count = RATION_LIMITS_MAX;
    if (ration_inspect(p->limiter, &request, usages, sizeof usages[0], &count) != RATION_OK || count != p->model.counts[request.plan]) {
        printf("operation %zu: ration_inspect failed\n", p->operations);
        return 1;
    }
    for (uint32_t i = 0; i < count; i++) {
        uint64_t said = reference_remaining(&p->model, key, request.plan, i, p->now_ns);
        if (usages[i].remaining != said) {
            printf("limit %u of kind %u, key %u plan %u\n", i, usages[i].kind, key, request.plan);
            return differ(p, "inspected remaining", usages[i].remaining, said);
        }
    }
    return 0;
}

static int play_one(player *p)
{
    p->operations++;
    switch (take(p, 16)) {
    case 0:
        p->decided.allowed = 0; /* a refund is of the plan that decided */
        return take(p, 4) == 0 ? set_plan(p, take(p, 2)) : 0;
    case 1:
    case 2:
    case 3:
        advance(p);
        return 0;
    case 4:
    case 5:
        return release(p);
    case 6:
        return refund(p);
    case 7:
        return inspect(p);
    default:
        return acquire(p);
    }
}

int sequence_play(const uint8_t *bytes, size_t len, size_t *operations)
{
    player *p = calloc(1, sizeof *p);
    if (p == NULL) {
        return 1;
    }
    p->bytes = bytes;
    p->len = len;
    p->now_ns = 1700000000 * RATION_SECOND + take(p, 65536) * RATION_SECOND;
    const ration_options options = {
        .size = sizeof options, .counters = 512, .plans = 2, .clock = RATION_CLOCK_CALLBACK, .now_ns = player_clock, .context = p};
    int differs = ration_open(&options, &p->limiter) != RATION_OK;
    reference_begin(&p->model, p->now_ns);
    differs = differs || set_plan(p, 0) || set_plan(p, 1);
    while (differs == 0 && p->at < p->len) {
        differs = play_one(p);
    }
    if (operations != NULL) {
        *operations = p->operations;
    }
    ration_close(p->limiter);
    free(p);
    return differs;
}
