/* SPDX-License-Identifier: BSD-2-Clause */
/** @file reference.c The sequential model. */
#include "reference.h"

#include <stdlib.h>
#include <string.h>

static reference_wide ceil_quotient(reference_wide a, reference_wide b)
{
    return (a + b - 1) / b;
}

static const char *name_of(const ration_limit *limit)
{
    static const char *const names[] = {"", "rate", "quota", "sliding", "concurrency"};
    return limit->name != NULL ? limit->name : names[limit->kind];
}

void reference_begin(reference *model, uint64_t first_ns)
{
    memset(model, 0, sizeof *model);
    model->epoch_s = (((int64_t)(first_ns / RATION_SECOND) >> 25) - 1) * (INT64_C(1) << 25);
}

void reference_set_plan(reference *model, uint32_t plan, const ration_limit *limits, uint32_t count)
{
    model->counts[plan] = count;
    memcpy(model->plans[plan], limits, count * sizeof *limits);
}

/* States are of a key, a plan, a name, a kind and, where there is one, a window; nothing is ever forgotten. */
static reference_state *state_of(reference *model, uint32_t key, uint32_t plan, const ration_limit *limit)
{
    uint64_t window_s = limit->kind == RATION_KIND_RATE ? 0 : limit->period / RATION_SECOND;
    for (unsigned i = 0; i < REFERENCE_STATES; i++) {
        reference_state *s = &model->states[i];
        if (s->in_use == 0) {
            s->in_use = 1;
            s->key = key;
            s->plan = plan;
            s->kind = limit->kind;
            s->window_s = window_s;
            strcpy(s->name, name_of(limit));
        }
        if (s->key == key && s->plan == plan && s->kind == limit->kind && s->window_s == window_s && strcmp(s->name, name_of(limit)) == 0) {
            return s;
        }
    }
    abort(); /* REFERENCE_STATES is too small for the test */
}

/* Brings windows up to now. */
static void roll(reference_state *s, uint64_t now_ns)
{
    if (s->kind != RATION_KIND_QUOTA && s->kind != RATION_KIND_SLIDING) {
        return;
    }
    int64_t window = (int64_t)(now_ns / RATION_SECOND / s->window_s);
    if (window != s->window) {
        s->used_before = window == s->window + 1 ? s->used : 0;
        s->used = 0;
        s->window = window;
    }
}

static uint64_t permits_out(const reference_state *s, uint64_t now_ns)
{
    uint64_t out = 0;
    for (unsigned i = 0; i < REFERENCE_PERMITS; i++) {
        out += s->deaths_s[i] > (int64_t)(now_ns / RATION_SECOND);
    }
    return out;
}

/* What a sliding window weighs `after_ns` from now, if nothing more is charged: the old windows fade. */
static uint64_t weight_after(const reference_state *s, uint64_t now_ns, uint64_t after_ns)
{
    reference_wide length = (reference_wide)s->window_s * RATION_SECOND;
    reference_wide at = (reference_wide)now_ns + after_ns;
    reference_wide gone = at - (reference_wide)s->window * length;
    uint64_t used = s->used, before = s->used_before;
    for (; gone >= length; gone -= length) {
        before = used;
        used = 0;
    }
    return used + (uint64_t)ceil_quotient(before * (length - gone), length);
}

static reference_wide unit_of(const ration_limit *limit)
{
    return ceil_quotient((reference_wide)16 * limit->period, limit->units);
}

static uint64_t limit_of(const ration_limit *limit)
{
    return limit->kind == RATION_KIND_RATE ? limit->burst : limit->units;
}

static uint64_t share_of(const ration_limit *limit, uint32_t keep)
{
    return limit_of(limit) - (uint64_t)ceil_quotient((reference_wide)limit_of(limit) * keep, 1000);
}

static reference_wide debt_of(const reference_state *s, uint64_t now_ns)
{
    reference_wide now = (reference_wide)now_ns * 16;
    return s->arrival > now ? s->arrival - now : 0;
}

/* Units that a request could have, of a share and within a wait. */
static uint64_t available(const ration_limit *limit, const reference_state *s, uint64_t share, uint64_t wait_ns, uint64_t now_ns)
{
    uint64_t used = 0;
    switch (limit->kind) {
    case RATION_KIND_RATE: {
        reference_wide room = share * unit_of(limit) + (reference_wide)16 * wait_ns - debt_of(s, now_ns);
        return room < 0 ? 0 : room / unit_of(limit) < share ? (uint64_t)(room / unit_of(limit)) : share;
    }
    case RATION_KIND_QUOTA:
        used = s->used;
        break;
    case RATION_KIND_SLIDING:
        used = weight_after(s, now_ns, 0);
        break;
    default:
        used = permits_out(s, now_ns);
    }
    return used < share ? share - used : 0;
}

static uint64_t wait_of(const ration_limit *limit, const reference_state *s, uint64_t share, uint64_t cost, uint64_t wait_ns, uint64_t now_ns)
{
    if (cost > share) {
        return RATION_NEVER;
    }
    uint64_t length = limit->period;
    switch (limit->kind) {
    case RATION_KIND_RATE:
        return (uint64_t)ceil_quotient(debt_of(s, now_ns) + cost * unit_of(limit) - share * unit_of(limit) - (reference_wide)16 * wait_ns, 16);
    case RATION_KIND_QUOTA:
        return length - now_ns % length;
    case RATION_KIND_SLIDING: {
        uint64_t low = 0, high = 2 * length; /* refused at low, admitted at high */
        while (high - low > 1) {
            uint64_t middle = low + (high - low) / 2;
            *(weight_after(s, now_ns, middle) + cost <= share ? &high : &low) = middle;
        }
        return high;
    }
    default:
        return RATION_SECOND;
    }
}

static void charge(reference *model, const ration_limit *limit, reference_state *s, uint64_t units, uint64_t now_ns, reference_permit *permit)
{
    if (limit->kind == RATION_KIND_RATE) {
        s->arrival = (reference_wide)now_ns * 16 + debt_of(s, now_ns) + units * unit_of(limit);
    } else if (limit->kind != RATION_KIND_CONCURRENCY) {
        s->used += units;
    } else {
        int64_t lease_s = (int64_t)s->window_s, now_s = (int64_t)(now_ns / RATION_SECOND);
        int64_t death_s = model->epoch_s + ((now_s - model->epoch_s) / lease_s + 2) * lease_s;
        for (unsigned i = 0; i < REFERENCE_PERMITS; i++) {
            if (s->deaths_s[i] <= now_s) {
                s->deaths_s[i] = death_s;
                permit->states[permit->count] = s;
                permit->deaths_s[permit->count++] = death_s;
                return;
            }
        }
        abort();
    }
}

void reference_acquire(reference *model, uint32_t key, const ration_request *request, uint64_t now_ns, ration_decision *decision,
                       reference_permit *permit)
{
    uint32_t count = model->counts[request->plan];
    uint64_t cost = request->cost != 0 ? request->cost : 1, granted = cost;
    reference_state *states[RATION_LIMITS_MAX];
    memset(decision, 0, sizeof *decision);
    memset(permit, 0, sizeof *permit);
    decision->allowed = 1;
    decision->decided_at_ns = now_ns;
    for (uint32_t i = 0; i < count; i++) {
        const ration_limit *limit = &model->plans[request->plan][i];
        states[i] = state_of(model, key, request->plan, limit);
        roll(states[i], now_ns);
        int whole = limit->kind == RATION_KIND_CONCURRENCY || limit->counts == RATION_CALLS;
        uint64_t wanted = whole ? 1 : cost, least = (request->flags & RATION_PARTIAL) != 0 ? 1 : wanted;
        uint64_t share = share_of(limit, request->keep_permille);
        uint64_t have = available(limit, states[i], share, request->max_wait_ns, now_ns);
        if (have >= least) {
            granted = !whole && have < granted ? have : granted;
            continue;
        }
        if ((limit->flags & RATION_SHADOW) != 0) {
            decision->would_refuse |= UINT32_C(1) << i;
            states[i] = NULL;
            continue;
        }
        uint64_t wait = wait_of(limit, states[i], share, least, request->max_wait_ns, now_ns);
        if (decision->allowed != 0 || wait > decision->retry_after_ns) {
            decision->retry_after_ns = wait;
            decision->reason = limit->kind;
            decision->limit_index = i;
            decision->limit = limit_of(limit);
            decision->remaining = available(limit, states[i], limit_of(limit), 0, now_ns);
        }
        decision->allowed = 0;
    }
    if (decision->allowed == 0) {
        return;
    }
    decision->granted = granted;
    decision->remaining = UINT64_MAX;
    for (uint32_t i = 0; i < count; i++) {
        const ration_limit *limit = &model->plans[request->plan][i];
        if (states[i] == NULL) {
            continue;
        }
        charge(model, limit, states[i], limit->counts == RATION_CALLS ? 1 : granted, now_ns, permit);
        uint64_t left = available(limit, states[i], limit_of(limit), 0, now_ns);
        if ((limit->flags & RATION_SHADOW) == 0 && left < decision->remaining) {
            decision->remaining = left;
            decision->limit_index = i;
            decision->limit = limit_of(limit);
        }
        if (limit->kind == RATION_KIND_RATE && request->max_wait_ns != 0 && (limit->flags & RATION_SHADOW) == 0) {
            reference_wide over = debt_of(states[i], now_ns) - share_of(limit, request->keep_permille) * unit_of(limit);
            uint64_t wait = over > 0 ? (uint64_t)ceil_quotient(over, 16) : 0;
            decision->wait_ns = wait > decision->wait_ns ? wait : decision->wait_ns;
        }
    }
}

int reference_release(reference_permit *permit, uint64_t now_ns)
{
    int held = permit->count > 0;
    for (uint32_t i = 0; i < permit->count; i++) {
        reference_state *s = permit->states[i];
        int found = 0;
        for (unsigned j = 0; j < REFERENCE_PERMITS && !found; j++) {
            if (s->deaths_s[j] == permit->deaths_s[i] && s->deaths_s[j] > (int64_t)(now_ns / RATION_SECOND)) {
                s->deaths_s[j] = 0;
                found = 1;
            }
        }
        held &= found;
    }
    permit->count = 0;
    return held ? RATION_OK : RATION_ERR_NOT_HELD;
}

void reference_refund(reference *model, uint32_t key, const ration_request *request, uint64_t now_ns, uint64_t decided_at_ns, uint64_t units)
{
    uint64_t cost = request->cost != 0 ? request->cost : 1;
    for (uint32_t i = 0; i < model->counts[request->plan]; i++) {
        const ration_limit *limit = &model->plans[request->plan][i];
        reference_state *s = state_of(model, key, request->plan, limit);
        uint64_t spent = limit->counts == RATION_CALLS ? 1 : cost;
        uint64_t back = limit->counts != RATION_CALLS ? units : units == cost ? 1 : 0;
        roll(s, now_ns);
        if (limit->kind == RATION_KIND_RATE) {
            reference_wide most = spent * unit_of(limit) - (reference_wide)16 * (now_ns - decided_at_ns);
            reference_wide give = back * unit_of(limit) < most ? back * unit_of(limit) : most;
            s->arrival -= give > 0 ? give : 0;
        } else if (limit->kind != RATION_KIND_CONCURRENCY && (int64_t)(decided_at_ns / RATION_SECOND / s->window_s) == s->window) {
            s->used -= back < s->used ? back : s->used;
        }
    }
}

uint64_t reference_remaining(reference *model, uint32_t key, uint32_t plan, uint32_t limit, uint64_t now_ns)
{
    const ration_limit *asked = &model->plans[plan][limit];
    reference_state *s = state_of(model, key, plan, asked);
    roll(s, now_ns);
    return available(asked, s, limit_of(asked), 0, now_ns);
}
