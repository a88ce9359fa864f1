/* SPDX-License-Identifier: BSD-2-Clause */
/** @file table.c Finding beyond the home, inserting, reclaiming, evicting. */
#include "table.h"

#define TABLE_TICKET_SHIFT 12
#define TABLE_REACH_SHIFT 8
#define TABLE_REACH_MASK UINT64_C(15)
#define TABLE_SLOT_MASK UINT64_C(255)

uint64_t ration_table_groups(uint64_t counters)
{
    uint64_t groups = (counters * 3 + 15) / 16;
    return groups < 2 * RATION_WINDOW_GROUPS ? 2 * RATION_WINDOW_GROUPS : groups;
}

/* Walks a probe window group by group. */
typedef struct table_walk {
    uint64_t run;
    uint64_t step;
    unsigned at;
} table_walk;

static table_walk walk_begin(const ration_table *table, uint64_t home, uint64_t tag)
{
    uint64_t fraction = (uint32_t)(tag >> 24);
    uint64_t step = fraction * (table->group_count - 3) >> 32;
    return (table_walk){home, step + 2, 0};
}

static ration_group *walk_group(const ration_table *table, const table_walk *walk)
{
    uint64_t index = walk->run + (walk->at & 1);
    return &table->groups[index >= table->group_count ? index - table->group_count : index];
}

static void walk_on(const ration_table *table, table_walk *walk)
{
    if ((walk->at++ & 1) != 0) {
        walk->run += walk->step;
        walk->run -= walk->run >= table->group_count ? table->group_count : 0;
    }
}

static ration_pair *walk_slot(const ration_table *table, uint64_t home, uint64_t tag, unsigned slot)
{
    table_walk walk = walk_begin(table, home, tag);
    for (unsigned group = 0; group < slot / RATION_GROUP_COUNTERS; group++) {
        walk_on(table, &walk);
    }
    return &walk_group(table, &walk)->counters[slot % RATION_GROUP_COUNTERS];
}

static unsigned header_reach(uint64_t state)
{
    return (unsigned)(state >> TABLE_REACH_SHIFT & TABLE_REACH_MASK);
}

ration_pair *ration_table_find_far(const ration_table *table, const ration_probe *probe)
{
    unsigned reach = header_reach(ration_atomic_load_acquire_64(&table->groups[probe->home].header.high));
    table_walk walk = walk_begin(table, probe->home, probe->tag);
    for (unsigned group = 1; group <= reach; group++) {
        walk_on(table, &walk);
        ration_group *candidate = walk_group(table, &walk);
        unsigned bits = ration_table_match(candidate, probe->tag);
        if (bits != 0) {
            return &candidate->counters[__builtin_ctz(bits)];
        }
    }
    return NULL;
}

/* Completes the insertion that a header describes: anybody may, at any time, any number of times (I3, I4). */
static void complete_insertion(ration_table *table, uint64_t home, ration_pair descriptor)
{
    uint64_t ticket = descriptor.high >> TABLE_TICKET_SHIFT;
    ration_pair *slot = walk_slot(table, home, descriptor.low, (unsigned)(descriptor.high & TABLE_SLOT_MASK));
    ration_pair empty = {RATION_TAG_EMPTY, ticket};
    ration_pair fresh = {descriptor.low | RATION_TAG_FRESH, ticket};
    /* Whether this swap or another thread's filled it, the slot is no longer EMPTY{ticket} afterwards. */
    (void)ration_atomic_cas_seq_128(slot, empty, fresh);
    ration_pair idle = {0, descriptor.high & ~TABLE_SLOT_MASK};
    (void)ration_atomic_cas_seq_128(&table->groups[home].header, descriptor, idle);
}

/* How ready a slot is to be taken, best first. */
enum { SLOT_TICKETED, SLOT_DEAD, SLOT_FRESH, SLOT_LIVE, SLOT_HELD };

static unsigned judge_slot(ration_pair value, uint64_t era_bits, uint64_t floor_ticks)
{
    unsigned kind = ration_tag_kind(value.low);
    if (kind == 0) {
        return value.high != 0 ? SLOT_TICKETED : SLOT_DEAD;
    }
    if ((value.low & RATION_TAG_ERA) != era_bits) {
        return SLOT_DEAD;
    }
    if ((value.low & RATION_TAG_FRESH) != 0) {
        return SLOT_FRESH;
    }
    if (ration_counter_lapse(kind, value.high) <= floor_ticks) {
        return SLOT_DEAD;
    }
    return kind == RATION_COUNTER_PERMITS ? SLOT_HELD : SLOT_LIVE;
}

/* The order of eviction: shadows first, then remaining time weighted by the share of the limit that is used. */
static uint64_t eviction_rank(ration_pair value, uint64_t floor_ticks)
{
    uint64_t left_s = (ration_counter_lapse(ration_tag_kind(value.low), value.high) - floor_ticks) / (RATION_TICKS_PER_S >> 10);
    uint64_t debt = (left_s << 7) >> (7 - ration_tag_share(value.low));
    return (value.low & RATION_TAG_SHADOW) != 0 ? debt : debt | UINT64_C(1) << 63;
}

/* What a scan of the window found. */
typedef struct table_scan {
    ration_pair *found; /* the identity itself */
    ration_pair *slot;  /* else the best slot to take, and what was in it */
    ration_pair value;
    unsigned judged;
    unsigned number;
} table_scan;

static void weigh_slot(table_scan *scan, ration_pair *slot, ration_pair value, unsigned number, uint64_t era_bits, uint64_t floor_ticks)
{
    unsigned judged = judge_slot(value, era_bits, floor_ticks);
    /* A slot to be had for nothing: the first in probe order, so that counters stay near their home. */
    bool better = scan->slot == NULL || (judged < scan->judged && scan->judged > SLOT_DEAD);
    if (!better && judged == SLOT_LIVE && scan->judged == SLOT_LIVE) {
        better = eviction_rank(value, floor_ticks) < eviction_rank(scan->value, floor_ticks);
    }
    if (better) {
        scan->slot = slot;
        scan->value = value;
        scan->judged = judged;
        scan->number = number;
    }
}

static table_scan scan_window(const ration_table *table, const ration_probe *probe, unsigned reach, uint64_t era_bits, uint64_t floor_ticks)
{
    table_scan scan = {NULL, NULL, {0, 0}, SLOT_HELD, 0};
    table_walk walk = walk_begin(table, probe->home, probe->tag);
    for (unsigned group = 0; group < RATION_WINDOW_GROUPS; group++) {
        if (group > reach && scan.slot != NULL && scan.judged <= SLOT_DEAD) {
            break;
        }
        ration_group *candidate = walk_group(table, &walk);
        for (unsigned i = 0; i < RATION_GROUP_COUNTERS; i++) {
            ration_pair *slot = &candidate->counters[i];
            /* A pair torn here only misleads the choice: every swap below names the exact value it takes. */
            ration_pair value = {ration_atomic_load_acquire_64(&slot->low), ration_atomic_load_acquire_64(&slot->high)};
            if (ration_tag_kind(value.low) != 0 && ration_table_same(value.low, probe->tag)) {
                scan.found = slot;
                return scan;
            }
            weigh_slot(&scan, slot, value, group * RATION_GROUP_COUNTERS + i, era_bits, floor_ticks);
        }
        walk_on(table, &walk);
    }
    return scan;
}

/* Takes a slot back: swaps exactly what was seen to EMPTY with a ticket never used before. */
static bool take_slot(ration_table *table, const table_scan *scan, uint64_t floor_ticks)
{
    unsigned counted = RATION_COUNT_RECLAIMED;
    if (scan->judged == SLOT_LIVE) {
        ration_pair whole;
        if (!ration_atomic_load_128(scan->slot, table->wide, &whole) || !ration_pair_equal(whole, scan->value)) {
            return false; /* merging a torn or old pair would put a debt into the sketch that nobody has */
        }
        ration_sketch_merge(table->sketch, table->sketch_width, scan->value.low, scan->value.high, floor_ticks);
        counted = RATION_COUNT_EVICTED;
    }
    uint64_t ticket = ration_region_ticket(table->region, (uint64_t)(uintptr_t)scan->slot >> 7);
    ration_pair empty = {RATION_TAG_EMPTY, ticket};
    if (!ration_atomic_cas_seq_128(scan->slot, scan->value, empty)) {
        return false;
    }
    if (scan->value.low != RATION_TAG_EMPTY) {
        ration_stats_count(ration_stats_stripe(table->stripes), counted, 1);
    }
    return true;
}

/* Installs the descriptor for a ticketed slot and completes it. False where another insertion of this home came first. */
static bool install_insertion(ration_table *table, const ration_probe *probe, ration_pair idle, const table_scan *scan)
{
    uint64_t reach = header_reach(idle.high);
    uint64_t group = scan->number / RATION_GROUP_COUNTERS;
    uint64_t state = scan->value.high << TABLE_TICKET_SHIFT | (group > reach ? group : reach) << TABLE_REACH_SHIFT | scan->number;
    ration_pair descriptor = {probe->tag & ~RATION_TAG_FRESH, state};
    if (!ration_atomic_cas_seq_128(&table->groups[probe->home].header, idle, descriptor)) {
        return false;
    }
    complete_insertion(table, probe->home, descriptor);
    return true;
}

ration_pair *ration_table_insert(ration_table *table, const ration_probe *probe, const ration_time *time)
{
    ration_pair *header = &table->groups[probe->home].header;
    bool installed = false;
    bool raised = false;
    for (int lost = 0; lost <= RATION_LOST_MAX;) {
        ration_pair seen;
        if (!ration_atomic_load_128(header, table->wide, &seen)) {
            continue;
        }
        if (seen.low != 0) {
            complete_insertion(table, probe->home, seen);
            continue;
        }
        uint64_t era_bits = ration_era_bits(ration_atomic_load_acquire_64(&table->region->era));
        uint64_t floor_ticks = ration_timeline_ticks(time, ration_atomic_load_relaxed_64(&table->region->floor_ns));
        table_scan scan = scan_window(table, probe, header_reach(seen.high), era_bits, floor_ticks);
        if (scan.found != NULL) {
            if (installed) {
                ration_stats_count(ration_stats_stripe(table->stripes), RATION_COUNT_INSERTED, 1);
            }
            return scan.found;
        }
        if (installed) {
            lost++; /* the slot went to another home, or the counter was taken back before it was charged */
            installed = false;
        }
        if (scan.judged == SLOT_LIVE && !raised) {
            /* What went stale within the last step of the floor need not cost a live counter its place. */
            ration_timeline_raise(table->region, time);
            raised = true;
        } else if (scan.judged == SLOT_TICKETED) {
            installed = install_insertion(table, probe, seen, &scan);
        } else if (scan.judged == SLOT_HELD) {
            return NULL;
        } else if (!take_slot(table, &scan, floor_ticks) && scan.judged >= SLOT_FRESH) {
            lost++;
        }
    }
    return NULL;
}
