/* SPDX-License-Identifier: BSD-2-Clause */
/** @file permit.c Sealing permits and taking them apart. */
#include "permit.h"

#include <string.h>

#define PERMIT_HELD_WORDS 3
#define PERMIT_HELD_FIRST 4

_Static_assert(sizeof(ration_permit) == (PERMIT_HELD_FIRST + PERMIT_HELD_WORDS * RATION_PERMIT_LIMITS_MAX) * sizeof(uint64_t),
               "a permit has room for all that a decision can hold");

static uint64_t check_value(const ration_permit *permit, const void *secret)
{
    return ration_hash_check(&permit->words[1], sizeof permit->words - sizeof permit->words[0], secret) | 1;
}

void ration_permit_seal(ration_permit *permit, const ration_holding *holding, const void *secret)
{
    memset(permit, 0, sizeof *permit);
    if (holding->count == 0) {
        return;
    }
    uint64_t coalesces = 0;
    for (unsigned i = 0; i < holding->count; i++) {
        const ration_held *held = &holding->held[i];
        uint64_t *words = &permit->words[PERMIT_HELD_FIRST + i * PERMIT_HELD_WORDS];
        words[0] = held->probe.home;
        words[1] = held->probe.tag;
        words[2] = (uint64_t)held->lease_s << 32 | held->death_s;
        coalesces |= (uint64_t)held->coalesces << i;
    }
    permit->words[1] = holding->count | coalesces << 8 | (uint64_t)holding->given << 16;
    permit->words[2] = holding->era;
    permit->words[3] = holding->decided_at_ns;
    permit->words[0] = check_value(permit, secret);
}

bool ration_permit_take(ration_permit *permit, ration_holding *holding, const void *secret, uint64_t group_count)
{
    ration_permit copy;
    copy.words[0] = ration_atomic_load_acquire_64(&permit->words[0]);
    for (unsigned i = 1; i < sizeof copy.words / sizeof copy.words[0]; i++) {
        copy.words[i] = ration_atomic_load_relaxed_64(&permit->words[i]);
    }
    if (copy.words[0] == 0 || copy.words[0] != check_value(&copy, secret)) {
        return false;
    }
    holding->count = (unsigned)(copy.words[1] & 0xff);
    holding->given = (copy.words[1] >> 16 & 1) != 0;
    holding->era = copy.words[2];
    holding->decided_at_ns = copy.words[3];
    if (holding->count == 0 || holding->count > RATION_PERMIT_LIMITS_MAX) {
        return false;
    }
    for (unsigned i = 0; i < holding->count; i++) {
        const uint64_t *words = &copy.words[PERMIT_HELD_FIRST + i * PERMIT_HELD_WORDS];
        ration_held *held = &holding->held[i];
        held->probe = (ration_probe){words[0], words[1]};
        held->lease_s = (uint32_t)(words[2] >> 32);
        held->death_s = (uint32_t)words[2];
        held->coalesces = (copy.words[1] >> (8 + i) & 1) != 0;
        if (held->probe.home >= group_count || held->lease_s == 0) {
            return false;
        }
    }
    return ration_atomic_cas_seq_64(&permit->words[0], copy.words[0], 0);
}
