/* SPDX-License-Identifier: BSD-2-Clause */
/** @file plan.c Compiling limits, publishing and reading versions. */
#include "plan.h"

#include <string.h>

#include "calendar.h"
#include "counter.h"
#include "hash.h"
#include "rate.h"

#define PLAN_WRITING (UINT64_C(1) << 63)
#define PLAN_NS_PER_S UINT64_C(1000000000)
#define PLAN_WIDE_WINDOW_S 512 /* two ends of windows must differ by two units of the wide word */

_Static_assert(sizeof(ration_rule) == 64, "a rule is one cache line");

const char *ration_plan_kind_name(uint32_t kind)
{
    static const char *const names[] = {"", "rate", "quota", "sliding", "concurrency", "blocked", "unlimited"};
    return kind < sizeof names / sizeof names[0] ? names[kind] : "";
}

/* A limit in this version's shape, whatever the caller's size; the caller has checked the size and the tail. */
static ration_limit limit_at(const ration_limit *limits, size_t limit_size, size_t index)
{
    ration_limit limit = {0};
    const unsigned char *from = (const unsigned char *)limits + index * limit_size;
    memcpy(&limit, from, limit_size < sizeof limit ? limit_size : sizeof limit);
    if (limit.name == NULL) {
        limit.name = ration_plan_kind_name(limit.kind);
    }
    return limit;
}

static uint8_t limit_counter(const ration_limit *limit)
{
    switch (limit->kind) {
    case RATION_KIND_RATE:
        return RATION_COUNTER_RATE;
    case RATION_KIND_QUOTA:
        return limit->units > UINT32_MAX ? RATION_COUNTER_WIDE : RATION_COUNTER_QUOTA;
    case RATION_KIND_SLIDING:
        return RATION_COUNTER_SLIDING;
    case RATION_KIND_CONCURRENCY:
        return RATION_COUNTER_PERMITS;
    default:
        return 0;
    }
}

/* What makes two limits one: plan (unless shared), name, kind of counter, window. A rate's period is left out, so that a changed
 * rate keeps the time to full (G8). */
static void salt_rule(ration_rule *rule, uint32_t plan, const ration_limit *limit, const void *secret)
{
    struct {
        uint64_t plan;
        uint32_t counter, calendar, window_s, zero;
        char name[RATION_NAME_MAX + 1];
    } identity;
    memset(&identity, 0, sizeof identity);
    identity.plan = (limit->flags & RATION_SHARED) != 0 ? UINT64_MAX : plan;
    identity.counter = rule->counter;
    identity.calendar = rule->calendar;
    identity.window_s = rule->counter == RATION_COUNTER_RATE ? 0 : rule->as.window.window_s;
    memcpy(identity.name, limit->name, strlen(limit->name));
    ration_hash salt = ration_hash_bytes(&identity, sizeof identity, secret);
    rule->home_salt = salt.home;
    rule->tag_salt = (salt.tag & RATION_TAG_FINGERPRINT) | (uint64_t)rule->counter << RATION_TAG_KIND_SHIFT;
}

/* The class of a time: 1 for at most a second, then one more for each doubling. */
static uint8_t horizon_of_s(uint64_t seconds)
{
    uint8_t class = 1;
    while (class < 31 && seconds > UINT64_C(1) << (class - 1)) {
        class++;
    }
    return class;
}

static void compile_window(ration_rule *rule, const ration_limit *limit, uint64_t now_ns)
{
    bool calendar = limit->kind == RATION_KIND_QUOTA && limit->period <= RATION_CALENDAR_MONTH;
    rule->calendar = calendar ? (uint8_t)limit->period : 0;
    rule->anchor_day = (uint8_t)limit->anchor_day;
    rule->as.window.window_s = calendar ? 0 : (uint32_t)(limit->period / PLAN_NS_PER_S);
    rule->as.window.utc_offset_s = limit->utc_offset_s;
    rule->as.window.carry_in = limit->carry_in;
    rule->as.window.carry_end_s = INT64_MIN;
    if (limit->carry_in > 0) {
        uint64_t from_ns = limit->carry_from_ns != 0 ? limit->carry_from_ns : now_ns;
        int64_t begin_s;
        ration_calendar_window((int64_t)(from_ns / PLAN_NS_PER_S), rule, &begin_s, &rule->as.window.carry_end_s);
    }
    static const uint64_t calendar_s[] = {0, 86400, 7 * 86400, 31 * 86400};
    uint64_t window_s = calendar ? calendar_s[rule->calendar] : rule->as.window.window_s;
    bool doubled = limit->kind == RATION_KIND_SLIDING || limit->kind == RATION_KIND_CONCURRENCY;
    rule->horizon = horizon_of_s(doubled ? 2 * window_s : window_s);
}

static void compile_rule(ration_rule *rule, uint32_t plan, const ration_limit *limit, const void *secret, uint64_t now_ns)
{
    memset(rule, 0, sizeof *rule);
    if (limit->kind == RATION_KIND_RATE) {
        (void)ration_rate_compile(limit, rule); /* checked before */
        rule->horizon = horizon_of_s(rule->as.rate.full_ticks / RATION_TICKS_PER_S + 1);
    } else if (limit->kind <= RATION_KIND_CONCURRENCY) {
        compile_window(rule, limit, now_ns);
    }
    rule->counter = limit_counter(limit);
    rule->kind = (uint8_t)limit->kind;
    rule->flags = (uint8_t)limit->flags;
    rule->counts = (uint8_t)limit->counts;
    rule->limit = limit->kind == RATION_KIND_RATE ? limit->burst : limit->units;
    salt_rule(rule, plan, limit, secret);
    rule->tag_salt |= (uint64_t)rule->horizon << RATION_TAG_HORIZON_SHIFT;
    rule->tag_salt |= (limit->flags & RATION_SHADOW) != 0 ? RATION_TAG_SHADOW : 0;
}

/* Copies whole 8-byte words with relaxed atomics: readers may read them at the same time. */
static void store_words(void *to, const void *from, size_t size)
{
    for (size_t i = 0; i < size / sizeof(uint64_t); i++) {
        uint64_t word;
        memcpy(&word, (const unsigned char *)from + i * sizeof word, sizeof word);
        ration_atomic_store_relaxed_64((uint64_t *)to + i, word);
    }
}

/* Copies a version whole; false where it is empty, or being written. */
static bool copy_version(const ration_plan_version *version, ration_plan_version *copy)
{
    copy->sequence = ration_atomic_load_acquire_64(&version->sequence);
    ration_plan_load(&copy->count, &version->count, sizeof *copy - offsetof(ration_plan_version, count));
    ration_atomic_fence_acquire();
    return copy->sequence != 0 && (copy->sequence & PLAN_WRITING) == 0 && copy->count <= RATION_LIMITS_MAX &&
           ration_atomic_load_relaxed_64(&version->sequence) == copy->sequence;
}

static bool same_limit(const ration_rule *a, const ration_rule *b)
{
    return ((a->tag_salt ^ b->tag_salt) & RATION_TAG_IDENTITY) == 0 && a->home_salt == b->home_salt;
}

/* The rule of `version` that is the same limit, or NULL. */
static const ration_rule *find_limit(const ration_plan_version *version, const ration_rule *rule)
{
    for (unsigned i = 0; i < version->count; i++) {
        if (same_limit(&version->rules[i], rule)) {
            return &version->rules[i];
        }
    }
    return NULL;
}

static uint64_t later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* The first window of a carry-in has come and gone: setting the plan again does not begin another. */
static bool carry_is_over(const ration_rule *rule, uint64_t now_ns)
{
    int64_t end_s = rule->as.window.carry_end_s;
    return end_s != INT64_MIN && end_s <= (int64_t)(now_ns / PLAN_NS_PER_S);
}

/* The carry-in is of the window that holds now, as it is where the caller named no time. */
static bool carry_is_now(const ration_rule *rule, uint64_t now_ns)
{
    int64_t begin_s, end_s;
    ration_calendar_window((int64_t)(now_ns / PLAN_NS_PER_S), rule, &begin_s, &end_s);
    return rule->as.window.carry_end_s == end_s;
}

/* What a new version inherits from the current one: how far ahead sane states may lie, and which window was the first (G8). A limit
 * that comes back after it was dropped may meet states of then: it takes the farthest of all that were ever dropped. */
static void inherit_rules(ration_plan_version *fresh, const ration_plan *plan, uint64_t current, uint64_t now_ns)
{
    ration_plan_version old;
    if (current == 0 || !copy_version(&plan->versions[current % RATION_PLAN_VERSIONS], &old)) {
        return;
    }
    fresh->dropped_ticks = old.dropped_ticks;
    for (unsigned i = 0; i < old.count; i++) {
        if (old.rules[i].counter == RATION_COUNTER_RATE && find_limit(fresh, &old.rules[i]) == NULL) {
            fresh->dropped_ticks = later(fresh->dropped_ticks, old.rules[i].as.rate.sane_ticks);
        }
    }
    for (unsigned i = 0; i < fresh->count; i++) {
        ration_rule *rule = &fresh->rules[i];
        const ration_rule *before = find_limit(&old, rule);
        if (rule->counter == RATION_COUNTER_RATE) {
            rule->as.rate.sane_ticks =
                later(rule->as.rate.sane_ticks, before != NULL ? before->as.rate.sane_ticks : fresh->dropped_ticks);
        } else if (before != NULL && rule->counter <= RATION_COUNTER_WIDE && carry_is_over(before, now_ns) && carry_is_now(rule, now_ns)) {
            rule->as.window.carry_end_s = before->as.window.carry_end_s;
        }
    }
}

/* One order for every decision (decide.h). */
static void sort_rules(ration_plan_version *version)
{
    for (unsigned i = 1; i < version->count; i++) {
        for (unsigned j = i; j > 0 && version->rules[j - 1].tag_salt > version->rules[j].tag_salt; j--) {
            ration_rule swapped = version->rules[j];
            version->rules[j] = version->rules[j - 1];
            version->rules[j - 1] = swapped;
        }
    }
}

_Static_assert(PLAN_WRITING > INT64_MAX, "being written compares as later than any sequence");

static ration_plan_version *claim_version(ration_plan *plan, uint64_t current, uint64_t sequence)
{
    ration_plan_version *version = &plan->versions[sequence % RATION_PLAN_VERSIONS];
    uint64_t seen = ration_atomic_load_acquire_64(&version->sequence);
    /* `current` unchanged after reading `seen` means that this version is not in use under `seen`. A version that holds this very
     * sequence already is another writer's, about to become current: written again, a reader could not tell the two apart. */
    if (seen >= sequence || ration_atomic_load_acquire_64(&plan->current) != current ||
        !ration_atomic_cas_seq_64(&version->sequence, seen, PLAN_WRITING | sequence)) {
        return NULL;
    }
    ration_atomic_fence_release(); /* the claim is seen before the words below; partner: the fence in read_version */
    return version;
}

int ration_plan_publish(ration_plan *plan, uint32_t number, const void *secret, uint64_t now_ns, const ration_limit *limits,
                        size_t limit_size, size_t count)
{
    uint64_t current = ration_atomic_load_acquire_64(&plan->current);
    for (uint64_t sequence = current + 1; sequence < current + RATION_PLAN_VERSIONS; sequence++) {
        ration_plan_version *version = claim_version(plan, current, sequence);
        if (version == NULL) {
            continue;
        }
        ration_plan_version fresh;
        memset(&fresh, 0, sizeof fresh);
        fresh.count = count;
        for (size_t i = 0; i < count; i++) {
            ration_limit limit = limit_at(limits, limit_size, i);
            compile_rule(&fresh.rules[i], number, &limit, secret, now_ns);
            fresh.rules[i].index = (uint8_t)i;
            memcpy(fresh.names[i], limit.name, strlen(limit.name));
        }
        inherit_rules(&fresh, plan, current, now_ns);
        sort_rules(&fresh);
        store_words(&version->count, &fresh.count, sizeof fresh - offsetof(ration_plan_version, count));
        ration_atomic_store_release_64(&version->sequence, sequence);
        return ration_atomic_cas_seq_64(&plan->current, current, sequence) ? RATION_OK : RATION_ERR_BUSY;
    }
    return RATION_ERR_BUSY;
}

bool ration_plan_name(const ration_plan *plan, uint64_t sequence, unsigned index, char *name)
{
    const ration_plan_version *version = &plan->versions[sequence % RATION_PLAN_VERSIONS];
    ration_plan_load(name, version->names[index], RATION_NAME_MAX + 1);
    ration_atomic_fence_acquire();
    return ration_atomic_load_relaxed_64(&version->sequence) == sequence;
}
