/* SPDX-License-Identifier: BSD-2-Clause */
/** @file sketch.c Merging and reading evicted debt. */
#include "sketch.h"

#include "atomic.h"
#include "counter.h"
#include "quota.h"
#include "rate.h"
#include "sliding.h"

uint64_t ration_sketch_width(uint64_t counters)
{
    uint64_t width = 64;
    while (width < 1024 && width * 4096 < counters) {
        width *= 2;
    }
    return width;
}

size_t ration_sketch_size(uint64_t width)
{
    return sizeof(ration_sketch) +
           (size_t)(RATION_SKETCH_KINDS * RATION_SKETCH_HORIZONS * RATION_SKETCH_ROWS * width) * sizeof(uint64_t);
}

static size_t sketch_class(uint64_t tag)
{
    return (size_t)(ration_tag_kind(tag) - 1) * RATION_SKETCH_HORIZONS + ration_tag_horizon(tag);
}

/* Only the identity chooses the cell: attributes change while a counter lives. */
static size_t sketch_cell(uint64_t tag, unsigned row, uint64_t width)
{
    static const uint64_t odd[RATION_SKETCH_ROWS] = {UINT64_C(0x9e3779b97f4a7c15), UINT64_C(0xc2b2ae3d27d4eb4f),
                                                     UINT64_C(0x165667b19e3779f9), UINT64_C(0xd6e8feb86659fd93)};
    uint64_t mixed = (tag & RATION_TAG_IDENTITY) * odd[row];
    return (sketch_class(tag) * RATION_SKETCH_ROWS + row) * (size_t)width + (size_t)((mixed >> 32) & (width - 1));
}

static uint64_t merge_words(unsigned kind, uint64_t a, uint64_t b)
{
    switch (kind) {
    case RATION_COUNTER_RATE:
        return ration_rate_merge(a, b);
    case RATION_COUNTER_SLIDING:
        return ration_sliding_merge(a, b);
    default:
        return ration_quota_merge(kind, a, b);
    }
}

void ration_sketch_merge(ration_sketch *sketch, uint64_t width, uint64_t tag, uint64_t word, uint64_t floor_ticks)
{
    unsigned kind = ration_tag_kind(tag);
    if (kind == 0 || kind > RATION_SKETCH_KINDS) {
        return;
    }
    for (unsigned row = 0; row < RATION_SKETCH_ROWS; row++) {
        uint64_t *cell = &sketch->cells[sketch_cell(tag, row, width)];
        for (;;) {
            uint64_t seen = ration_atomic_load_relaxed_64(cell);
            uint64_t next = ration_counter_lapse(kind, seen) <= floor_ticks ? word : merge_words(kind, seen, word);
            if (next == seen || ration_atomic_cas_seq_64(cell, seen, next)) {
                break;
            }
        }
    }
    ration_atomic_max_64(&sketch->until[kind - 1][ration_tag_horizon(tag)], ration_counter_lapse(kind, word));
}

uint64_t ration_sketch_read(const ration_sketch *sketch, uint64_t width, uint64_t tag, uint64_t now_ticks)
{
    unsigned kind = ration_tag_kind(tag);
    if (kind == 0 || kind > RATION_SKETCH_KINDS ||
        ration_atomic_load_acquire_64(&sketch->until[kind - 1][ration_tag_horizon(tag)]) <= now_ticks) {
        return 0;
    }
    uint64_t least = UINT64_MAX;
    for (unsigned row = 0; row < RATION_SKETCH_ROWS; row++) {
        uint64_t word = ration_atomic_load_acquire_64(&sketch->cells[sketch_cell(tag, row, width)]);
        if (ration_counter_lapse(kind, word) <= now_ticks) {
            return 0;
        }
        /* Which of two words owes less is told by the used units where the kind has them, and by the time otherwise. */
        uint64_t mask = kind == RATION_COUNTER_RATE ? UINT64_MAX : kind == RATION_COUNTER_WIDE ? (UINT64_C(1) << 40) - 1 : UINT32_MAX;
        if (least == UINT64_MAX || (word & mask) < (least & mask)) {
            least = word;
        }
    }
    return least;
}
