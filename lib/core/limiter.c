/* SPDX-License-Identifier: BSD-2-Clause */
/** @file limiter.c Opening and closing a limiter, setting plans. */
#include "limiter.h"

#include <string.h>

#include "cpu.h"

static const ration_options default_options = {.size = sizeof(ration_options)};

static size_t handle_size(void)
{
    return sizeof(ration_limiter) + (RATION_STATS_STRIPES + 1) * sizeof(ration_stripe);
}

static uint64_t page_up(uint64_t offset)
{
    return (offset + RATION_REGION_PAGE - 1) / RATION_REGION_PAGE * RATION_REGION_PAGE;
}

/* The layout: header, plans, sketch, groups. The ranges are checked before. */
static void shape_region(uint64_t counters, uint32_t plans, ration_shape *shape)
{
    memset(shape, 0, sizeof *shape);
    shape->counters = counters;
    shape->plans = plans;
    shape->groups = ration_table_groups(counters);
    shape->sketch_width = ration_sketch_width(counters);
    shape->plans_offset = page_up(sizeof(ration_region));
    shape->sketch_offset = page_up(shape->plans_offset + plans * sizeof(ration_plan));
    shape->groups_offset = page_up(shape->sketch_offset + ration_sketch_size(shape->sketch_width));
    shape->size = page_up(shape->groups_offset + shape->groups * sizeof(ration_group));
}

static void connect(ration_limiter *limiter, ration_region *region)
{
    ration_engine *engine = &limiter->engine;
    const ration_shape *shape = &region->shape;
    engine->region = region;
    engine->table.groups = ration_region_at(region, shape->groups_offset);
    engine->table.group_count = shape->groups;
    engine->table.sketch = ration_region_at(region, shape->sketch_offset);
    engine->table.sketch_width = shape->sketch_width;
    engine->table.region = region;
    engine->table.stripes = engine->stripes;
    engine->table.wide = ration_cpu_loads_16_bytes();
    limiter->plans = ration_region_at(region, shape->plans_offset);
    limiter->plan_count = shape->plans;
}

int ration_open(const ration_options *options, ration_limiter **limiter)
{
    if (limiter == NULL) {
        return RATION_ERR_ARGUMENT;
    }
    *limiter = NULL;
    ration_fault fault;
    if (ration_check_options(options, &fault) != RATION_OK) {
        return fault.error;
    }
    options = options != NULL ? options : &default_options;
    ration_memory memory = {options->allocate, options->deallocate, options->context};
    ration_shape shape;
    shape_region(options->counters != 0 ? options->counters : 65536, options->plans != 0 ? options->plans : 64, &shape);

    ration_limiter *opened = ration_memory_take(&memory, handle_size(), _Alignof(ration_stripe));
    if (opened == NULL) {
        return RATION_ERR_MEMORY;
    }
    opened->memory = memory;
    opened->engine.when_full = options->when_full;
    opened->engine.stripes = (ration_stripe *)(void *)(((uintptr_t)(opened + 1) + 127) & ~(uintptr_t)127);
    int error = ration_clock_open(&opened->engine.clock, options->clock, options->now_ns, options->context);
    ration_region *region = NULL;
    if (error == RATION_OK) {
        error = ration_region_open(&shape, &memory, options->secret, &region);
    }
    if (error != RATION_OK) {
        ration_memory_give(&memory, opened, handle_size());
        return error;
    }
    connect(opened, region);
    *limiter = opened;
    return RATION_OK;
}

void ration_close(ration_limiter *limiter)
{
    if (limiter != NULL) {
        ration_memory memory = limiter->memory;
        ration_region_close(limiter->engine.region, &memory);
        ration_memory_give(&memory, limiter, handle_size());
    }
}

int ration_set_plan(ration_limiter *limiter, uint32_t plan, const ration_limit *limits, size_t limit_size, size_t count)
{
    ration_fault fault;
    if (limiter == NULL) {
        return RATION_ERR_ARGUMENT;
    }
    if (ration_check_plan(limits, limit_size, count, &fault) != RATION_OK) {
        return fault.error;
    }
    if (plan >= limiter->plan_count) {
        return RATION_ERR_RANGE;
    }
    return ration_plan_publish(&limiter->plans[plan], plan, limiter->engine.region->secret, ration_clock_now(&limiter->engine.clock),
                               limits, limit_size, count);
}
