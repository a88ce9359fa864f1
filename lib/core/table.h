/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file table.h
 * The table: finds the counter of a key's limit, inserts it once, takes stale ones back, evicts where all are live.
 *
 * State. An array of groups of 128 bytes: a 16-byte header and 7 counters. Every counter has a home group and a probe window of
 * 8 runs of 2 adjacent groups: run j begins at home + j * step, the step taken from the tag (so that everyone who knows the tag
 * knows the window). Counters go to the first free slot of their window: at the recommended load three in four to their home.
 * The home is the limit's own, not the key's: with all counters of a key in one home, a plan of 8 limits finds its window full
 * in 1 insertion of 145 at the recommended load; spread, fewer than one in ten million (docs/algorithms.md).
 *
 *   header, idle:   { 0,   [ last ticket: 52 | reach: 4 | 0: 8 ] }
 *   header, D:      { tag, [ ticket: 52      | reach: 4 | slot: 8 ] }    somebody is inserting `tag` into EMPTY{ticket} at `slot`
 *
 * reach: counters of this home lie in the first `reach` + 1 groups of their windows. It only grows, by installing D.
 *
 * Invariants.
 *   I1  Two slots never hold the same identity: insertions of one identity go through one header; between reading it idle and
 *       installing D the whole reach was scanned; the idle word never recurs (its ticket changes with every D).
 *   I2  An EMPTY{ticket} never recurs at any slot: tickets are drawn by fetch-add, region-wide unique, before the swap.
 *   I3  A slot named by D is filled only by swapping exactly EMPTY{D.ticket} to {D.tag fresh, D.ticket}; so a helper that stalls
 *       for ever and wakes can fill it only if nobody did.
 *   I4  D is cleared only when its slot is no longer EMPTY{D.ticket}.
 *   I5  A counter leaves its slot only stale by the floor, fresh, of another era, or with its debt merged into the sketch.
 *
 * Progress. Lock-free: whoever finds D helps it. A thread killed anywhere leaves an idle header, a D that others complete, or an
 * EMPTY slot. After 4 insertions lost to other homes the caller is answered by when_full.
 *
 * Ordering. Headers and slots are changed by 16-byte swaps only, all sequentially consistent; scans load acquire. The proof in
 * tests/model (Promela, and an explorer of this code) assumes sequential consistency among swaps and loads, which 16-byte
 * locked swaps on x86 and fenced ones on aarch64 give.
 *
 * Source: the descriptor with tickets is our own; helping as in Harris, "A practical multi-word compare-and-swap", 2002.
 *
 * Cost. A counter in its home: one line or two. A miss: the groups within reach. An insertion: three swaps.
 */
#ifndef RATION_CORE_TABLE_H
#define RATION_CORE_TABLE_H

#include "atomic.h"
#include "sketch.h"
#include "stats.h"
#include "step.h"
#include "timeline.h"

#define RATION_GROUP_COUNTERS 7
#define RATION_WINDOW_RUNS 8
#define RATION_WINDOW_GROUPS (RATION_WINDOW_RUNS * 2)
#define RATION_LOST_MAX 4

typedef struct ration_group {
    _Alignas(128) ration_pair header;
    ration_pair counters[RATION_GROUP_COUNTERS];
} ration_group;

typedef struct ration_table {
    ration_group *groups;
    uint64_t group_count;
    ration_sketch *sketch;
    uint64_t sketch_width;
    ration_region *region;
    ration_stripe *stripes;
    bool wide; /* 16-byte loads are atomic here (atomic.h) */
} ration_table;

/** Which counter: its home group and its identity, with the attributes to write. */
typedef struct ration_probe {
    uint64_t home;
    uint64_t tag;
} ration_probe;

/** Groups for so many live counters: 16 counters in 3 groups, 24 bytes each, and at least a window without overlap. */
uint64_t ration_table_groups(uint64_t counters);

static inline bool ration_table_same(uint64_t tag, uint64_t other)
{
    return (tag ^ other) <= RATION_TAG_ATTRIBUTES; /* the attributes are the lowest bits */
}

/** The probe of a key's limit. `part` tells the two counters of a sliding window apart; 0 for all other kinds. */
static inline ration_probe ration_table_probe(const ration_table *table, ration_hash hash, const ration_rule *rule, unsigned part,
                                              uint64_t era)
{
    uint64_t apart = part * UINT64_C(0xd1b54a32d192ed03);
    uint64_t spread = hash.home ^ rule->home_salt ^ apart;
    uint64_t mixed = hash.tag ^ rule->tag_salt ^ apart ^ ration_era_mix(era);
    ration_probe probe;
    probe.home = (uint64_t)(((ration_u128)spread * table->group_count) >> 64);
    probe.tag = (mixed & RATION_TAG_FINGERPRINT) | ration_era_bits(era) | (rule->tag_salt & ~RATION_TAG_FINGERPRINT);
    return probe;
}

static inline void ration_table_prefetch(const ration_table *table, const ration_probe *probe)
{
    const unsigned char *group = (const unsigned char *)&table->groups[probe->home];
    __builtin_prefetch(group, 1);
    __builtin_prefetch(group + 64, 1);
}

/* Which of a group's counters has the identity: a bit each, compared without branches. */
static inline unsigned ration_table_match(const ration_group *group, uint64_t tag)
{
    unsigned bits = 0;
    for (unsigned i = RATION_GROUP_COUNTERS; i-- > 0;) {
        bits = bits + bits + ration_table_same(ration_atomic_load_relaxed_64(&group->counters[i].low), tag);
    }
    return bits;
}

/** ration_table_find beyond the home group. */
ration_pair *ration_table_find_far(const ration_table *table, const ration_probe *probe);

/** The counter's slot, or NULL. What is in it may change at any time: load it, and compare the tag again. */
static inline ration_pair *ration_table_find(const ration_table *table, const ration_probe *probe)
{
    ration_group *home = &table->groups[probe->home];
    unsigned bits = ration_table_match(home, probe->tag);
    if (__builtin_expect(bits != 0, 1)) {
        return &home->counters[__builtin_ctz(bits)];
    }
    return ration_table_find_far(table, probe);
}

/** The counter's slot, inserted fresh where it was absent. NULL: no room (see RATION_LOST_MAX), or all hold permits. */
ration_pair *ration_table_insert(ration_table *table, const ration_probe *probe, const ration_time *time);

/** Reads a slot's tag and word as one. False where it changed on every try. */
static inline bool ration_table_load(const ration_table *table, const ration_pair *slot, ration_pair *value)
{
    return ration_atomic_load_128(slot, table->wide, value);
}

#endif
