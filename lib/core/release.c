/* SPDX-License-Identifier: BSD-2-Clause */
/** @file release.c Giving permits back and renewing them. */
#include "limiter.h"
#include "permit.h"
#include "permits.h"

enum { HELD_GONE, HELD_DONE, HELD_AGAIN };

/* What to do with one counter of a permit. */
typedef struct held_change {
    bool renew;       /* start the lease anew rather than give back */
    bool clear;       /* renewing: take the pending bit along */
    bool keep_pending; /* giving back: where somebody was refused, renew and clear instead */
} held_change;

/* One swap's worth: the next word for a change, HELD_GONE where nothing is held. */
static unsigned change_word(const ration_held *held, const ration_time *time, held_change change, uint64_t word, uint64_t *next,
                            uint32_t *death_s)
{
    bool pending = ration_permits_pending(word);
    bool again = change.keep_pending && pending;
    if (change.renew || again) {
        bool renewed = ration_permits_renew(word, held->lease_s, time, held->death_s, change.clear || again, next, death_s);
        return !renewed ? HELD_GONE : again ? HELD_AGAIN : HELD_DONE;
    }
    return ration_permits_release(word, held->lease_s, time, held->death_s, next) ? HELD_DONE : HELD_GONE;
}

static unsigned change_held(const ration_case *c, ration_held *held, held_change change)
{
    const ration_table *table = &c->engine->table;
    for (;;) {
        ration_pair *slot = ration_table_find(table, &held->probe);
        ration_pair value;
        if (slot == NULL) {
            return HELD_GONE;
        }
        if (!ration_table_load(table, slot, &value) || !ration_table_same(value.low, held->probe.tag)) {
            continue;
        }
        uint64_t word;
        uint32_t death_s = held->death_s;
        if ((value.low & RATION_TAG_FRESH) != 0) {
            return HELD_GONE;
        }
        unsigned changed = change_word(held, &c->time, change, value.high, &word, &death_s);
        if (changed == HELD_GONE) {
            /* Nothing is refused upon a torn read. */
            ration_pair same;
            if (ration_table_load(table, slot, &same) && ration_pair_equal(same, value)) {
                return HELD_GONE;
            }
            continue;
        }
        ration_pair next = {value.low, word};
        if (ration_atomic_cas_seq_128(slot, value, next)) {
            held->death_s = death_s;
            return changed;
        }
    }
}

static int begin(ration_limiter *limiter, ration_permit *permit, ration_case *c, ration_holding *holding)
{
    if (limiter == NULL || permit == NULL) {
        return RATION_ERR_ARGUMENT;
    }
    if ((uintptr_t)permit % _Alignof(ration_permit) != 0) {
        return RATION_ERR_ALIGNMENT;
    }
    c->engine = &limiter->engine;
    if (!ration_permit_take(permit, holding, limiter->engine.region->secret, limiter->engine.table.group_count)) {
        return RATION_ERR_NOT_HELD;
    }
    /* A caller that passes its own time passes none here: the latest that any decision has seen then stands for now. */
    uint64_t floor_ns = ration_atomic_load_relaxed_64(&limiter->engine.region->floor_ns);
    c->given = holding->given;
    c->given_ns = floor_ns > holding->decided_at_ns ? floor_ns : holding->decided_at_ns;
    ration_case_place(c);
    return RATION_OK;
}

/* The first coalescing counter on which somebody waits keeps the permit whole; -1: given back. */
static int give_back(const ration_case *c, ration_holding *holding, bool keep_pending, bool *lapsed)
{
    static const held_change release = {false, false, false}, coalesce = {false, false, true};
    *lapsed = false;
    for (unsigned pass = 0; pass < 2; pass++) {
        for (unsigned i = 0; i < holding->count; i++) {
            bool first = holding->held[i].coalesces && keep_pending;
            if (first != (pass == 0)) {
                continue;
            }
            unsigned changed = change_held(c, &holding->held[i], first ? coalesce : release);
            if (changed == HELD_AGAIN) {
                return (int)i;
            }
            *lapsed |= changed == HELD_GONE;
            holding->held[i].lease_s = 0; /* given back */
        }
    }
    return -1;
}

int ration_release(ration_limiter *limiter, ration_permit *permit, uint32_t *again)
{
    if (again != NULL) {
        *again = 0;
    }
    ration_case c;
    ration_holding holding;
    int error = begin(limiter, permit, &c, &holding);
    if (error != RATION_OK) {
        return error;
    }
    bool lapsed;
    int kept = give_back(&c, &holding, again != NULL, &lapsed);
    if (kept < 0) {
        return lapsed ? RATION_ERR_NOT_HELD : RATION_OK;
    }
    /* Run once more: what was not yet given back is renewed with it. */
    ration_holding renewed = {0};
    renewed.era = holding.era;
    renewed.decided_at_ns = c.time.now_ns;
    renewed.given = holding.given;
    for (unsigned i = 0; i < holding.count; i++) {
        ration_held *held = &holding.held[i];
        held_change renew = {true, false, false};
        if (held->lease_s != 0 && ((int)i == kept || change_held(&c, held, renew) != HELD_GONE)) {
            renewed.held[renewed.count++] = *held;
        }
    }
    ration_permit_seal(permit, &renewed, c.engine->region->secret);
    *again = 1;
    return RATION_OK;
}

int ration_renew(ration_limiter *limiter, ration_permit *permit)
{
    ration_case c;
    ration_holding holding;
    int error = begin(limiter, permit, &c, &holding);
    if (error != RATION_OK) {
        return error;
    }
    bool lapsed = false;
    for (unsigned i = 0; i < holding.count; i++) {
        held_change renew = {true, false, false};
        lapsed |= change_held(&c, &holding.held[i], renew) == HELD_GONE;
    }
    if (lapsed) {
        bool ignored;
        (void)give_back(&c, &holding, false, &ignored);
        return RATION_ERR_NOT_HELD;
    }
    holding.decided_at_ns = c.time.now_ns;
    ration_permit_seal(permit, &holding, c.engine->region->secret);
    return RATION_OK;
}
