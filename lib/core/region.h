/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file region.h
 * The region: the one block of memory that counters, plans and the sketch live in, laid out with offsets only.
 *
 * State. Header, plans, sketch, groups, in this order, each at a multiple of 4096 bytes from the region's start. Nothing in it
 * is a pointer, so the same bytes can be mapped by many processes at different addresses.
 *
 * Shared words of the header, with their owners:
 *
 *   word             written by          read by          moves                       order
 *   floor_ns         timeline            every decision   up; down on a counted jump  swap; read relaxed (a lagging view is a
 *                                                                                      lower floor, which only judges less stale)
 *   era              timeline            every decision   sequence only up            swap; read acquire (first use publishes it)
 *   wait_ticks       rate decisions      rate decisions   up                          swap before the counter's own swap
 *   tickets[shard]   reclaim, eviction   the same         up                          fetch-add; uniqueness needs no order
 *   jumps            timeline            statistics       up                          fetch-add
 */
#ifndef RATION_CORE_REGION_H
#define RATION_CORE_REGION_H

#include <stddef.h>

#include "atomic.h"
#include "hash.h"

#define RATION_REGION_MAGIC UINT64_C(0x6e6f697461726c69) /* "ilration", little-endian: also the mark of byte order */
#define RATION_REGION_FORMAT 1
#define RATION_TICKET_SHARDS 64
#define RATION_REGION_PAGE UINT64_C(4096)

/** What a region is made for. */
typedef struct ration_shape {
    uint64_t counters;
    uint64_t groups;
    uint64_t sketch_width;
    uint64_t plans_offset;
    uint64_t sketch_offset;
    uint64_t groups_offset;
    uint64_t size;
    uint32_t plans;
} ration_shape;

typedef struct ration_region {
    uint64_t magic;
    uint64_t format;
    ration_shape shape;
    uint8_t secret[RATION_SECRET_LEN];

    _Alignas(128) uint64_t floor_ns;
    uint64_t era; /* [sequence: 48 | epoch in units of 2^25 s, plus 1: 16]; 0: no decision yet */
    uint64_t wait_ticks;
    uint64_t jumps;

    _Alignas(128) struct {
        _Alignas(64) uint64_t next;
    } tickets[RATION_TICKET_SHARDS];
} ration_region;

/** Where memory comes from; NULL functions: the system. */
typedef struct ration_memory {
    void *(*allocate)(void *context, size_t size, size_t alignment);
    void (*deallocate)(void *context, void *memory, size_t size);
    void *context;
} ration_memory;

/**
 * Takes zeroed memory of shape->size bytes, aligned to 4096, huge pages asked for, and writes the header.
 * @param secret RATION_SECRET_LEN bytes, or NULL: drawn from the system.
 * @return RATION_OK, RATION_ERR_MEMORY, RATION_ERR_SYSTEM.
 */
int ration_region_open(const ration_shape *shape, const ration_memory *memory, const void *secret, ration_region **region);
void ration_region_close(ration_region *region, const ration_memory *memory);

/** Memory for the private handle: aligned to 128, zeroed. NULL where there is none. */
void *ration_memory_take(const ration_memory *memory, size_t size, size_t alignment);
void ration_memory_give(const ration_memory *memory, void *block, size_t size);

static inline void *ration_region_at(ration_region *region, uint64_t offset)
{
    return (unsigned char *)region + offset;
}

/** A ticket never drawn before in this region, at least 1, below 2^52 for the first 7e13 draws of a shard. */
static inline uint64_t ration_region_ticket(ration_region *region, uint64_t seed)
{
    uint64_t shard = seed % RATION_TICKET_SHARDS;
    uint64_t drawn = ration_atomic_fetch_add_relaxed_64(&region->tickets[shard].next, 1);
    return (drawn + 1) * RATION_TICKET_SHARDS + shard;
}

#endif
