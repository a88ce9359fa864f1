/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file sketch.h
 * The sketch of evicted debt: what live counters owed when they had to make room, so that eviction never grants (G5).
 *
 * State. For each kind with debt and each class of horizon (a power of two of seconds, so that a debt of years cannot stand in
 * the way of a limit of seconds) a count-min sketch of 4 rows by `width` cells. A cell is one word of the kind, merged by
 * maximum; beside them `until`, the latest lapse ever merged into the class, so that reading costs one load where nothing was
 * evicted or all of it is past.
 *
 * Invariant. For every counter evicted and not yet lapsed: each of its 4 cells owes at least what the counter owed. Hence the
 * minimum over the rows owes at least that too; it may owe more, other keys' debt, but a counter begins with at most its own
 * limit's full debt (the kinds' seed).
 *
 * Ordering. All rows and `until` are merged before the evicting swap (both sequentially consistent); a reader comes after a scan
 * that missed the counter, so it sees them.
 *
 * Source: Cormode, Muthukrishnan, "An improved data stream summary: the count-min sketch", 2005, with maximum for sum: keys
 * that collide do not add up.
 */
#ifndef RATION_CORE_SKETCH_H
#define RATION_CORE_SKETCH_H

#include <stddef.h>
#include <stdint.h>

#define RATION_SKETCH_KINDS 4 /* rate, quota, wide, sliding: counter kinds 1 to 4 */
#define RATION_SKETCH_HORIZONS 32
#define RATION_SKETCH_ROWS 4

typedef struct ration_sketch {
    uint64_t until[RATION_SKETCH_KINDS][RATION_SKETCH_HORIZONS];
    uint64_t cells[]; /* [kind][horizon][row][width] */
} ration_sketch;

/** Cells of a row for a table of so many counters: a power of two. */
uint64_t ration_sketch_width(uint64_t counters);
size_t ration_sketch_size(uint64_t width);

/** Merges the debt of the counter {tag, word} into every row; cells past by floor_ticks are begun anew. */
void ration_sketch_merge(ration_sketch *sketch, uint64_t width, uint64_t tag, uint64_t word, uint64_t floor_ticks);

/** The least word over the rows for a tag, 0 where nothing is owed at now_ticks. The tag's horizon says which class. */
uint64_t ration_sketch_read(const ration_sketch *sketch, uint64_t width, uint64_t tag, uint64_t now_ticks);

#endif
