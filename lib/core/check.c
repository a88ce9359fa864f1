/* SPDX-License-Identifier: BSD-2-Clause */
/** @file check.c Checks options and limits, and says which field is wrong and what it may be. */
#include <stdbool.h>
#include <string.h>

#include "plan.h"
#include "ration.h"
#include "rate.h"

#define CHECK_SIZE_MAX 4096 /* no version's struct is longer: a wild size is found before it is read */
#define CHECK_WINDOW_MAX_S UINT64_C(16777215)
#define CHECK_UNITS_WIDE ((UINT64_C(1) << 40) - 1)

static const char *const field_size = "size";

static int fail(ration_fault *fault, int error, const char *field, uint64_t value, uint64_t min, uint64_t max)
{
    fault->error = error;
    fault->field = field;
    fault->value = value;
    fault->min = min;
    fault->max = max;
    return error;
}

static int check_range(ration_fault *fault, const char *field, uint64_t value, uint64_t min, uint64_t max)
{
    return value < min || value > max ? fail(fault, RATION_ERR_RANGE, field, value, min, max) : RATION_OK;
}

/* A struct of the caller's: its size is known or its tail is zero. */
static int check_size(ration_fault *fault, const void *given, size_t size, size_t known)
{
    if (check_range(fault, field_size, size, known, CHECK_SIZE_MAX) != RATION_OK) {
        return fault->error;
    }
    const unsigned char *bytes = given;
    for (size_t i = known; i < size; i++) {
        if (bytes[i] != 0) {
            return fail(fault, RATION_ERR_UNSUPPORTED, field_size, size, known, known);
        }
    }
    return RATION_OK;
}

static int check_name(ration_fault *fault, const char *name)
{
    size_t len = 0;
    for (; name != NULL && name[len] != '\0'; len++) {
        unsigned char c = (unsigned char)name[len];
        if (len == RATION_NAME_MAX) {
            return fail(fault, RATION_ERR_RANGE, "name", len + 1, 1, RATION_NAME_MAX);
        }
        if (c < 0x20 || c > 0x7e || c == '"' || c == '\\') {
            return fail(fault, RATION_ERR_RANGE, "name", c, 0x20, 0x7e);
        }
    }
    return name != NULL && len == 0 ? fail(fault, RATION_ERR_RANGE, "name", 0, 1, RATION_NAME_MAX) : RATION_OK;
}

static int check_rate(ration_fault *fault, const ration_limit *limit)
{
    ration_rule rule;
    int error = check_range(fault, "period", limit->period, 1, UINT64_C(1) << 59);
    if (error == RATION_OK) {
        uint64_t most = limit->period / 100; /* 10 million units a second */
        error = check_range(fault, "units", limit->units, 1, most < (UINT64_C(1) << 62) ? most : (UINT64_C(1) << 62) - 1);
    }
    if (error == RATION_OK) {
        ration_u128 ticks = (ration_u128)limit->period * RATION_TICKS_PER_NS;
        uint64_t unit_ticks = (uint64_t)((ticks + limit->units - 1) / limit->units);
        error = check_range(fault, "burst", limit->burst, 1, ((UINT64_C(1) << 63) - (UINT64_C(1) << 52)) / unit_ticks);
    }
    if (error == RATION_OK && ration_rate_compile(limit, &rule) != RATION_OK) {
        error = fail(fault, RATION_ERR_RANGE, "burst", limit->burst, 0, 0);
    }
    return error;
}

static int check_seconds(ration_fault *fault, uint64_t period_ns)
{
    int error = check_range(fault, "period", period_ns, RATION_SECOND, CHECK_WINDOW_MAX_S * RATION_SECOND);
    if (error == RATION_OK && period_ns % RATION_SECOND != 0) {
        error = fail(fault, RATION_ERR_RANGE, "period", period_ns, RATION_SECOND, CHECK_WINDOW_MAX_S * RATION_SECOND);
    }
    return error;
}

static int check_quota(ration_fault *fault, const ration_limit *limit)
{
    bool calendar = limit->period >= RATION_CALENDAR_DAY && limit->period <= RATION_CALENDAR_MONTH;
    int error = calendar ? RATION_OK : check_seconds(fault, limit->period);
    if (error == RATION_OK) {
        bool wide = calendar || limit->period >= 512 * RATION_SECOND;
        error = check_range(fault, "units", limit->units, 1, wide ? CHECK_UNITS_WIDE : UINT32_MAX);
    }
    if (error == RATION_OK && (limit->utc_offset_s < -64800 || limit->utc_offset_s > 64800)) {
        error = fail(fault, RATION_ERR_RANGE, "utc_offset_s", (uint64_t)(int64_t)limit->utc_offset_s, (uint64_t)-64800, 64800);
    }
    if (error == RATION_OK) {
        uint64_t most = limit->period == RATION_CALENDAR_WEEK ? 6 : limit->period == RATION_CALENDAR_MONTH ? 27 : 0;
        error = check_range(fault, "anchor_day", limit->anchor_day, 0, most);
    }
    return error == RATION_OK ? check_range(fault, "carry_in", limit->carry_in, 0, limit->units) : error;
}

/* Fields that only another kind knows must be unset: a burst on a quota is a misunderstanding, not a wish. */
static int check_unset(ration_fault *fault, const ration_limit *limit)
{
    if (limit->kind != RATION_KIND_RATE && limit->burst != 0) {
        return fail(fault, RATION_ERR_RANGE, "burst", limit->burst, 0, 0);
    }
    if (limit->kind != RATION_KIND_CONCURRENCY && (limit->flags & RATION_COALESCE) != 0) {
        return fail(fault, RATION_ERR_UNSUPPORTED, "flags", limit->flags, 0, 0);
    }
    if (limit->kind != RATION_KIND_QUOTA &&
        (limit->utc_offset_s != 0 || limit->anchor_day != 0 || limit->carry_in != 0 || limit->carry_from_ns != 0)) {
        const char *field = limit->utc_offset_s != 0 ? "utc_offset_s"
                            : limit->anchor_day != 0 ? "anchor_day"
                            : limit->carry_in != 0   ? "carry_in"
                                                     : "carry_from_ns";
        return fail(fault, RATION_ERR_UNSUPPORTED, field, 1, 0, 0);
    }
    if (limit->kind >= RATION_KIND_BLOCKED && (limit->units != 0 || limit->period != 0 || limit->flags != 0)) {
        return fail(fault, RATION_ERR_UNSUPPORTED, limit->units != 0 ? "units" : limit->period != 0 ? "period" : "flags", 1, 0, 0);
    }
    return RATION_OK;
}

static int check_kind(ration_fault *fault, const ration_limit *limit)
{
    int error = RATION_OK;
    switch (limit->kind) {
    case RATION_KIND_RATE:
        return check_rate(fault, limit);
    case RATION_KIND_QUOTA:
        return check_quota(fault, limit);
    case RATION_KIND_SLIDING:
        error = check_seconds(fault, limit->period);
        return error == RATION_OK ? check_range(fault, "units", limit->units, 1, UINT32_MAX) : error;
    case RATION_KIND_CONCURRENCY:
        error = check_seconds(fault, limit->period);
        return error == RATION_OK ? check_range(fault, "units", limit->units, 1, RATION_PERMITS_MAX) : error;
    case RATION_KIND_BLOCKED:
    case RATION_KIND_UNLIMITED:
        return RATION_OK;
    default:
        return fail(fault, RATION_ERR_UNSUPPORTED, "kind", limit->kind, RATION_KIND_RATE, RATION_KIND_UNLIMITED);
    }
}

static int check_limit(ration_fault *fault, const ration_limit *given, size_t limit_size)
{
    if (check_range(fault, field_size, given->size, sizeof *given, limit_size) != RATION_OK ||
        check_size(fault, given, given->size, sizeof *given) != RATION_OK) {
        return fault->error;
    }
    if ((given->flags & ~(uint32_t)(RATION_SHADOW | RATION_COALESCE | RATION_SHARED)) != 0) {
        return fail(fault, RATION_ERR_UNSUPPORTED, "flags", given->flags, 0, RATION_SHADOW | RATION_COALESCE | RATION_SHARED);
    }
    if (given->counts > RATION_CALLS) {
        return fail(fault, RATION_ERR_UNSUPPORTED, "counts", given->counts, RATION_COST, RATION_CALLS);
    }
    if (given->reserved != 0) {
        return fail(fault, RATION_ERR_UNSUPPORTED, "reserved", given->reserved, 0, 0);
    }
    int error = check_name(fault, given->name);
    error = error == RATION_OK ? check_kind(fault, given) : error;
    return error == RATION_OK ? check_unset(fault, given) : error;
}

static const ration_limit *limit_at_stride(const ration_limit *limits, size_t limit_size, size_t index)
{
    return (const ration_limit *)(const void *)((const unsigned char *)limits + index * limit_size);
}

static const char *limit_name(const ration_limit *limit)
{
    return limit->name != NULL ? limit->name : ration_plan_kind_name(limit->kind);
}

/* Rules that concern the plan as a whole. */
static int check_together(ration_fault *fault, const ration_limit *limits, size_t limit_size, size_t count)
{
    unsigned held = 0;
    for (size_t i = 0; i < count; i++) {
        const ration_limit *limit = limit_at_stride(limits, limit_size, i);
        fault->index = (uint32_t)i;
        if (limit->kind >= RATION_KIND_BLOCKED && count > 1) {
            return fail(fault, RATION_ERR_ARGUMENT, "kind", limit->kind, 0, 0);
        }
        held += limit->kind == RATION_KIND_CONCURRENCY;
        if (held > RATION_PERMIT_LIMITS_MAX) {
            return fail(fault, RATION_ERR_RANGE, "kind", held, 0, RATION_PERMIT_LIMITS_MAX);
        }
        for (size_t j = 0; j < i; j++) {
            if (strcmp(limit_name(limit_at_stride(limits, limit_size, j)), limit_name(limit)) == 0) {
                return fail(fault, RATION_ERR_DUPLICATE, "name", i, 0, 0);
            }
        }
    }
    return RATION_OK;
}

int ration_check_plan(const ration_limit *limits, size_t limit_size, size_t count, ration_fault *fault)
{
    if (fault == NULL) {
        return RATION_ERR_ARGUMENT;
    }
    memset(fault, 0, sizeof *fault);
    fault->field = "";
    if (limits == NULL) {
        return fail(fault, RATION_ERR_ARGUMENT, "limits", 0, 0, 0);
    }
    if ((uintptr_t)limits % _Alignof(ration_limit) != 0 || limit_size % _Alignof(ration_limit) != 0) {
        return fail(fault, RATION_ERR_ALIGNMENT, "limits", _Alignof(ration_limit), 0, 0);
    }
    if (check_range(fault, "count", count, 1, RATION_LIMITS_MAX) != RATION_OK ||
        check_range(fault, "limit_size", limit_size, sizeof(ration_limit), CHECK_SIZE_MAX) != RATION_OK) {
        return fault->error;
    }
    for (size_t i = 0; i < count; i++) {
        fault->index = (uint32_t)i;
        if (check_limit(fault, limit_at_stride(limits, limit_size, i), limit_size) != RATION_OK) {
            return fault->error;
        }
    }
    if (check_together(fault, limits, limit_size, count) == RATION_OK) {
        fault->index = 0;
    }
    return fault->error;
}

static int check_callbacks(ration_fault *fault, const ration_options *options)
{
    if ((options->clock == RATION_CLOCK_CALLBACK) != (options->now_ns != NULL)) {
        return fail(fault, RATION_ERR_ARGUMENT, "now_ns", options->clock, 0, 0);
    }
    if ((options->allocate == NULL) != (options->deallocate == NULL)) {
        return fail(fault, RATION_ERR_ARGUMENT, options->allocate == NULL ? "allocate" : "deallocate", 0, 0, 0);
    }
    if ((options->secret == NULL) != (options->secret_len == 0)) {
        return fail(fault, RATION_ERR_ARGUMENT, "secret", options->secret_len, 0, 0);
    }
    return options->secret == NULL ? RATION_OK : check_range(fault, "secret_len", options->secret_len, 192, 256);
}

int ration_check_options(const ration_options *options, ration_fault *fault)
{
    if (fault == NULL) {
        return RATION_ERR_ARGUMENT;
    }
    memset(fault, 0, sizeof *fault);
    fault->field = "";
    if (options == NULL) {
        return RATION_OK;
    }
    if ((uintptr_t)options % _Alignof(ration_options) != 0) {
        return fail(fault, RATION_ERR_ALIGNMENT, "options", _Alignof(ration_options), 0, 0);
    }
    int error = check_size(fault, options, options->size, sizeof *options);
    error = error == RATION_OK ? check_range(fault, "counters", options->counters, 0, UINT64_C(1) << 32) : error;
    error = error == RATION_OK ? check_range(fault, "plans", options->plans, 0, 65536) : error;
    if (error == RATION_OK && options->clock > RATION_CLOCK_CALLBACK) {
        error = fail(fault, RATION_ERR_UNSUPPORTED, "clock", options->clock, 0, RATION_CLOCK_CALLBACK);
    }
    if (error == RATION_OK && options->when_full > RATION_FULL_ADMIT) {
        error = fail(fault, RATION_ERR_UNSUPPORTED, "when_full", options->when_full, 0, RATION_FULL_ADMIT);
    }
    if (error == RATION_OK && options->reserved != 0) {
        error = fail(fault, RATION_ERR_UNSUPPORTED, "reserved", options->reserved, 0, 0);
    }
    return error == RATION_OK ? check_callbacks(fault, options) : error;
}
