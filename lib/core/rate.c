/* SPDX-License-Identifier: BSD-2-Clause */
/* The rate limit's cold steps: compiling, giving back, rolling back, inheriting debt. The hot ones are in rate.h. */
#include "rate.h"

#define RATE_PERIOD_MAX (UINT64_C(1) << 59) /* 16 * period then fits 64 bits */
#define RATE_NS_PER_UNIT_MIN 100            /* 10 million units a second */

/** ceil(log2(seconds of full debt)) + 1, at least 1. */
static uint8_t rate_horizon(uint64_t full_ticks)
{
    uint8_t horizon = 1;

    while (horizon < 31 && (RATION_TICKS_PER_S << (horizon - 1)) < full_ticks) {
        horizon++;
    }
    return horizon;
}

int ration_rate_compile(const ration_limit *limit, ration_rule *rule)
{
    uint64_t ticks, unit;

    if (limit->period < 1 || limit->period > RATE_PERIOD_MAX || limit->units < 1 ||
        limit->units > limit->period / RATE_NS_PER_UNIT_MIN || limit->burst < 1) {
        return RATION_ERR_RANGE;
    }
    ticks = limit->period * RATION_TICKS_PER_NS;
    unit = ticks / limit->units + (ticks % limit->units != 0); /* up: never faster than stated */
    if (limit->burst > RATION_RATE_FULL_MAX / unit) {
        return RATION_ERR_RANGE;
    }
    rule->counter = RATION_COUNTER_RATE;
    rule->kind = RATION_KIND_RATE;
    rule->limit = limit->burst;
    rule->as.rate.unit_ticks = unit;
    rule->as.rate.full_ticks = limit->burst * unit;
    rule->as.rate.sane_ticks = limit->burst * unit;
    rule->as.rate.reciprocal = UINT64_MAX / unit;
    rule->horizon = rate_horizon(rule->as.rate.full_ticks);
    return RATION_OK;
}

/*
 * Why giving back never grants. Let A be the world as it was: at time d a request was charged C. Let B be the same world, but
 * the request charged C - R. Both worlds drain one tick a tick while they owe anything, and get the same charges afterwards (B
 * owes no more than A, so it admits what A admits). Their debts differ by R after d, and by R still for as long as B owes
 * anything: the difference shrinks only while B is idle. B owes at least C - R at d, so it is idle at the earliest at
 * d + C - R, and then the difference shrinks by a tick a tick. At time t it is therefore at least
 *
 *     R - max(0, t - (d + C - R)) = min(R, C - (t - d)),
 *
 * and taking min(R, max(0, C - elapsed)) from A's debt leaves at least B's. Several refunds, in any order: each compares the
 * world in which the earlier ones asked for less with the one in which this one does too, by the same argument.
 * A clock that went back makes elapsed 0, not negative.
 */
static uint64_t rate_give_back(uint64_t word, uint64_t now, uint64_t decided, uint64_t charged, uint64_t back)
{
    const uint64_t elapsed = now > decided ? now - decided : 0;
    const uint64_t left = charged > elapsed ? charged - elapsed : 0;
    const uint64_t amount = back < left ? back : left;

    if (word <= now) {
        return word;
    }
    return word - (amount < word - now ? amount : word - now);
}

uint64_t ration_rate_refund(uint64_t word, const ration_rule *rule, const ration_time *time, uint64_t decided_ticks,
                            uint64_t spent_units, uint64_t back_units)
{
    /* Clamped to the burst: no charge is larger, unless the burst was lowered since, and less never grants. */
    const uint64_t unit = rule->as.rate.unit_ticks;
    const uint64_t spent = spent_units < rule->limit ? spent_units : rule->limit;
    const uint64_t back = back_units < spent ? back_units : spent;

    return rate_give_back(word, time->ticks, decided_ticks, spent * unit, back * unit);
}

/*
 * The rolled back grant stood on max(before, decided): in the world without it the bucket is idle from there on, not from
 * `decided`. R = C, and d + C - R is that point: what is left of the charge comes back to the tick.
 */
uint64_t ration_rate_undo(uint64_t word, const ration_rule *rule, const ration_time *time, uint64_t before_word,
                          uint64_t decided_ticks, uint64_t charge_ticks)
{
    const uint64_t debt = ration_rate_debt(before_word, rule, decided_ticks, time->wait_ticks);

    return rate_give_back(word, time->ticks, ration_rate_sum(decided_ticks, debt), charge_ticks, charge_ticks);
}

uint64_t ration_rate_seed(uint64_t debt, const ration_rule *rule, const ration_time *time)
{
    const uint64_t most = ration_rate_sum(time->ticks, rule->as.rate.full_ticks);

    if (debt <= time->ticks) {
        return 0;
    }
    return debt < most ? debt : most;
}
