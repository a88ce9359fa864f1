/* SPDX-License-Identifier: BSD-2-Clause */
/** @file region.c Taking and laying out the region's memory: the only place of the core that calls the system, at open. */
#define _GNU_SOURCE
#include "region.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>

#include "ration.h"

#define RATION_REGION_HUGE_PAGE (UINT64_C(2) << 20)

static uint64_t round_up(uint64_t value, uint64_t step)
{
    return (value + step - 1) / step * step;
}

/* Anonymous pages, aligned to a huge page where the block is large enough to use one. */
static void *map_pages(size_t size)
{
    size_t slack = size >= RATION_REGION_HUGE_PAGE ? RATION_REGION_HUGE_PAGE : 0;
    unsigned char *block = mmap(NULL, size + slack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (block == MAP_FAILED) {
        return NULL;
    }
    if (slack == 0) {
        return block;
    }
    uintptr_t start = (uintptr_t)block;
    size_t lead = (size_t)(round_up(start, RATION_REGION_HUGE_PAGE) - start);
    if (lead > 0) {
        munmap(block, lead);
    }
    if (slack - lead > 0) {
        munmap(block + lead + size, slack - lead);
    }
    /* Advice only: a kernel without huge pages serves small ones. */
    (void)madvise(block + lead, size, MADV_HUGEPAGE);
    return block + lead;
}

void *ration_memory_take(const ration_memory *memory, size_t size, size_t alignment)
{
    if (memory->allocate == NULL) {
        return map_pages((size_t)round_up(size, RATION_REGION_PAGE));
    }
    void *block = memory->allocate(memory->context, size, alignment);
    if (block == NULL) {
        return NULL;
    }
    if ((uintptr_t)block % alignment != 0) {
        /* A misaligned 16-byte swap is a crash on x86: refuse the block rather than find out later. */
        memory->deallocate(memory->context, block, size);
        return NULL;
    }
    memset(block, 0, size);
    return block;
}

void ration_memory_give(const ration_memory *memory, void *block, size_t size)
{
    if (memory->allocate == NULL) {
        munmap(block, (size_t)round_up(size, RATION_REGION_PAGE));
    } else {
        memory->deallocate(memory->context, block, size);
    }
}

static int draw_secret(uint8_t *secret)
{
    for (size_t have = 0; have < RATION_SECRET_LEN;) {
        ssize_t got = getrandom(secret + have, RATION_SECRET_LEN - have, 0);
        if (got <= 0) {
            return RATION_ERR_SYSTEM;
        }
        have += (size_t)got;
    }
    return RATION_OK;
}

int ration_region_open(const ration_shape *shape, const ration_memory *memory, const void *secret, ration_region **region)
{
    *region = NULL;
    if (shape->size > SIZE_MAX - RATION_REGION_HUGE_PAGE) {
        return RATION_ERR_MEMORY;
    }
    ration_region *block = ration_memory_take(memory, (size_t)shape->size, RATION_REGION_PAGE);
    if (block == NULL) {
        return RATION_ERR_MEMORY;
    }
    block->magic = RATION_REGION_MAGIC;
    block->format = RATION_REGION_FORMAT;
    block->shape = *shape;
    if (secret != NULL) {
        memcpy(block->secret, secret, RATION_SECRET_LEN);
    } else if (draw_secret(block->secret) != RATION_OK) {
        ration_memory_give(memory, block, (size_t)shape->size);
        return RATION_ERR_SYSTEM;
    }
    *region = block;
    return RATION_OK;
}

void ration_region_close(ration_region *region, const ration_memory *memory)
{
    ration_memory_give(memory, region, (size_t)region->shape.size);
}
