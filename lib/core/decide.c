/* SPDX-License-Identifier: BSD-2-Clause */
/** @file decide.c Look, commit, undo. */
#include "decide.h"

#include "kinds.h"

void ration_case_place(ration_case *c)
{
    uint64_t now_ns = c->given ? c->given_ns : ration_clock_now(&c->engine->clock);
    if (!c->given && __builtin_expect(ration_timeline_behind(c->engine->region, now_ns), 0)) {
        /* Either this thread slept between reading the clock and the floor, or the clock has jumped: a second reading tells. */
        now_ns = ration_clock_now(&c->engine->clock);
    }
    ration_timeline_place(c->engine->region, now_ns, &c->time, &c->era);
}

void ration_case_probe(const ration_case *c, ration_item *item, ration_hash hash)
{
    const ration_table *table = &c->engine->table;
    unsigned part = 0;
    if (item->rule->counter == RATION_COUNTER_SLIDING) {
        part = 1 + ration_sliding_parity(item->rule, &c->time);
        item->past = ration_table_probe(table, hash, item->rule, 3 - part, c->era);
    }
    item->probe = ration_table_probe(table, hash, item->rule, part, c->era);
}

/* Which of two items is charged first: by limit, then by key. */
static bool comes_before(const ration_item *a, const ration_item *b)
{
    if (a->rule->tag_salt != b->rule->tag_salt) {
        return a->rule->tag_salt < b->rule->tag_salt;
    }
    return a->probe.tag != b->probe.tag ? a->probe.tag < b->probe.tag : a->probe.home < b->probe.home;
}

void ration_case_order(ration_case *c)
{
    c->ordered = true;
    for (unsigned i = 0; i < c->count; i++) {
        unsigned at = i;
        while (at > 0 && comes_before(&c->items[i], &c->items[c->order[at - 1]])) {
            c->order[at] = c->order[at - 1];
            at--;
        }
        c->order[at] = i;
    }
    for (unsigned i = 0; i < c->count; i++) {
        ration_item *item = &c->items[c->order[i]];
        item->merged = -1;
        ration_item *before = i > 0 ? &c->items[c->order[i - 1]] : NULL;
        if (before == NULL || before->probe.tag != item->probe.tag || before->probe.home != item->probe.home) {
            continue;
        }
        int16_t head = before->merged >= 0 ? before->merged : (int16_t)c->order[i - 1];
        ration_ask *sum = &c->items[head].ask;
        item->merged = head;
        sum->cost = sum->cost > INT64_MAX - item->ask.cost ? INT64_MAX : sum->cost + item->ask.cost;
        sum->least = sum->least > INT64_MAX - item->ask.least ? INT64_MAX : sum->least + item->ask.least;
        sum->wait_ticks = sum->wait_ticks < item->ask.wait_ticks ? sum->wait_ticks : item->ask.wait_ticks;
        sum->keep_permille = sum->keep_permille > item->ask.keep_permille ? sum->keep_permille : item->ask.keep_permille;
    }
}

/* What a counter that is absent or fresh begins with: the debt that an eviction kept for it. */
static uint64_t inherited_word(const ration_case *c, const ration_item *item, uint64_t tag)
{
    const ration_table *table = &c->engine->table;
    uint64_t debt = ration_sketch_read(table->sketch, table->sketch_width, tag, c->time.ticks);
    return debt == 0 ? 0 : ration_kind_seed(debt, item->rule, &c->time);
}

static uint64_t read_past(const ration_case *c, const ration_item *item)
{
    const ration_table *table = &c->engine->table;
    ration_pair *slot = ration_table_find(table, &item->past);
    ration_pair value;
    if (slot != NULL && ration_table_load(table, slot, &value) && ration_table_same(value.low, item->past.tag) &&
        (value.low & RATION_TAG_FRESH) == 0) {
        return value.high;
    }
    return ration_sketch_read(table->sketch, table->sketch_width, item->past.tag, c->time.ticks);
}

static void charge_item(ration_case *c, ration_item *item)
{
    const ration_rule *rule = item->rule;
    if (rule->counter == RATION_COUNTER_RATE) {
        if (__builtin_expect(item->before > c->time.ticks + rule->as.rate.sane_ticks + c->time.wait_ticks, 0)) {
            /* Perhaps a wait longer than any when this decision began: it was published before the word it explains. */
            c->time.wait_ticks = ration_atomic_load_acquire_64(&c->engine->region->wait_ticks);
        }
        item->granted = ration_rate_charge(item->before, rule, &c->time, &item->ask, &item->next);
        return;
    }
    item->granted = ration_kind_charge(item, &c->time);
}

void ration_case_weigh(ration_case *c, ration_item *item)
{
    bool absent = item->slot == NULL || (item->seen.low & RATION_TAG_FRESH) != 0;
    item->before = absent ? inherited_word(c, item, item->probe.tag) : item->seen.high;
    if (item->rule->counter == RATION_COUNTER_SLIDING) {
        item->past_word = read_past(c, item);
    }
    charge_item(c, item);
}

static inline void look_item(ration_case *c, ration_item *item)
{
    const ration_table *table = &c->engine->table;
    item->charged = false;
    item->skipped = false;
    item->again = false;
    for (;;) {
        item->slot = ration_table_find(table, &item->probe);
        item->seen = (ration_pair){RATION_TAG_EMPTY, 0};
        if (item->slot == NULL) {
            break;
        }
        /* Two loads, perhaps of two states: a grant is swapped from exactly this pair, and a refusal reads it again. */
        item->seen.low = ration_atomic_load_acquire_64(&item->slot->low);
        item->seen.high = ration_atomic_load_acquire_64(&item->slot->high);
        if (ration_table_same(item->seen.low, item->probe.tag)) {
            break;
        }
    }
    ration_case_weigh(c, item);
}

/* A coalescing limit that is the only one to refuse remembers it, unless its counter changes first: then decide again. */
static bool remember_refusal(ration_case *c)
{
    ration_item *only = NULL;
    for (unsigned i = 0; i < c->count; i++) {
        ration_item *item = &c->items[i];
        if (item->merged >= 0 || !ration_item_refuses(item)) {
            continue;
        }
        if (only != NULL) {
            return true;
        }
        only = item;
    }
    if (only == NULL || (only->rule->flags & RATION_COALESCE) == 0 || only->slot == NULL) {
        return true;
    }
    ration_pair pending = {only->seen.low, ration_permits_remember(only->seen.high)};
    if (ration_pair_equal(pending, only->seen)) {
        only->again = true; /* somebody was refused before */
    } else {
        only->again = ration_atomic_cas_seq_128(only->slot, only->seen, pending);
    }
    return only->again;
}

/* True where the item's counter still holds what its refusal rests on. */
static bool refusal_holds(const ration_case *c, const ration_item *item)
{
    ration_pair whole;
    return item->slot == NULL || (ration_table_load(&c->engine->table, item->slot, &whole) && ration_pair_equal(whole, item->seen));
}

/* A refusing word that no sane clock made is put right once: else the lock-out would move along with the clock. */
static void heal_item(ration_case *c, const ration_item *item)
{
    if (item->slot == NULL || item->next == item->before || (item->seen.low & RATION_TAG_FRESH) != 0) {
        return;
    }
    ration_pair healed = {item->seen.low, item->next};
    if (ration_atomic_cas_seq_128(item->slot, item->seen, healed)) {
        ration_stats_count(ration_stats_stripe(c->engine->stripes), RATION_COUNT_INSANE, 1);
    }
}

/* Looks at every item until the refusals among them hold. Returns whether any refuses. */
static bool look(ration_case *c)
{
    bool refused = false;
    for (unsigned i = 0; i < c->count; i++) {
        ration_item *item = &c->items[i];
        if (item->merged >= 0) {
            continue;
        }
        do {
            look_item(c, item);
        } while (item->granted == 0 && !refusal_holds(c, item));
        if (item->granted == 0) {
            heal_item(c, item);
            refused |= !ration_item_shadow(item);
        }
    }
    return refused;
}

/* A partial grant is the least over the limits that count cost; the others are asked again for just that. */
static void narrow(ration_case *c)
{
    uint64_t least = UINT64_MAX;
    for (unsigned i = 0; i < c->count; i++) {
        const ration_item *item = &c->items[i];
        bool counts = item->rule->counts == RATION_COST && item->rule->counter != RATION_COUNTER_PERMITS;
        if (counts && !ration_item_shadow(item) && item->granted < least) {
            least = item->granted;
        }
    }
    for (unsigned i = 0; i < c->count && least != UINT64_MAX; i++) {
        ration_item *item = &c->items[i];
        if (item->rule->counts == RATION_COST && item->rule->counter != RATION_COUNTER_PERMITS) {
            item->ask.cost = least;
            if (item->granted != least) {
                charge_item(c, item);
            }
        }
    }
}

/* A wait must be known to everybody before the word that it explains. */
static void publish_wait(ration_case *c, const ration_item *item)
{
    if (item->rule->counter == RATION_COUNTER_RATE && item->ask.wait_ticks > c->time.wait_ticks) {
        ration_atomic_max_64(&c->engine->region->wait_ticks, item->ask.wait_ticks);
        c->time.wait_ticks = item->ask.wait_ticks;
    }
}

enum { COMMIT_DONE, COMMIT_LOST, COMMIT_FULL };

/* Finds the slot anew, inserting the counter where it is absent, and weighs what it holds. */
static unsigned settle_slot(ration_case *c, ration_item *item)
{
    item->slot = ration_table_insert(&c->engine->table, &item->probe, &c->time);
    if (item->slot == NULL) {
        return COMMIT_FULL;
    }
    item->seen.low = ration_atomic_load_acquire_64(&item->slot->low);
    item->seen.high = ration_atomic_load_acquire_64(&item->slot->high);
    return COMMIT_DONE;
}

/* The counter was absent: if the floor has meanwhile passed this decision's time, it may have been reclaimed with what it knew. */
static bool floor_passed(const ration_case *c)
{
    return ration_atomic_load_acquire_64(&c->engine->region->floor_ns) > c->time.now_ns;
}

static unsigned commit_item(ration_case *c, ration_item *item)
{
    uint64_t wanted = item->granted;
    for (;;) {
        if (item->slot == NULL || !ration_table_same(item->seen.low, item->probe.tag)) {
            if (settle_slot(c, item) == COMMIT_FULL) {
                return COMMIT_FULL;
            }
            if (!ration_table_same(item->seen.low, item->probe.tag)) {
                continue;
            }
            ration_case_weigh(c, item);
        }
        if (item->granted < wanted || item->granted == 0 || ((item->seen.low & RATION_TAG_FRESH) != 0 && floor_passed(c))) {
            return COMMIT_LOST;
        }
        publish_wait(c, item);
        ration_pair next = {ration_kind_tag(item, &c->time), item->next};
        if (ration_atomic_cas_seq_128(item->slot, item->seen, next)) {
            break;
        }
        item->seen.low = ration_atomic_load_acquire_64(&item->slot->low);
        item->seen.high = ration_atomic_load_acquire_64(&item->slot->high);
        if (ration_table_same(item->seen.low, item->probe.tag)) {
            ration_case_weigh(c, item);
        }
    }
    item->charged = true;
    /* A previous window that grew between reading it and the swap above would have weighed more. */
    if (item->rule->counter == RATION_COUNTER_SLIDING && ration_sliding_previous_used(read_past(c, item), item->rule, &c->time) >
                                                             ration_sliding_previous_used(item->past_word, item->rule, &c->time)) {
        return COMMIT_LOST;
    }
    return COMMIT_DONE;
}

/* Gives back what an item was charged. A counter that is gone took its charge with it, into the sketch or past its time. */
static void undo_item(ration_case *c, const ration_item *item, const ration_time *now)
{
    const ration_table *table = &c->engine->table;
    ration_pair *slot = item->slot;
    for (;;) {
        ration_pair value;
        if (slot == NULL) {
            return;
        }
        if (!ration_table_load(table, slot, &value)) {
            continue;
        }
        if (!ration_table_same(value.low, item->probe.tag)) {
            slot = ration_table_find(table, &item->probe);
            continue;
        }
        if ((value.low & RATION_TAG_FRESH) != 0) {
            return;
        }
        uint64_t word = value.high == item->next ? item->before : ration_kind_undo(item, value.high, &c->time, now);
        ration_pair next = {value.low, word};
        if (ration_atomic_cas_seq_128(slot, value, next)) {
            return;
        }
    }
}

static void undo(ration_case *c)
{
    ration_case now;
    now.engine = c->engine;
    now.given = c->given;
    now.given_ns = c->given_ns;
    ration_case_place(&now);
    for (unsigned i = c->count; i-- > 0;) {
        ration_item *item = &c->items[c->ordered ? c->order[i] : i];
        if (item->charged && now.era == c->era) {
            undo_item(c, item, &now.time);
        }
        item->charged = false;
    }
    ration_stats_count(ration_stats_stripe(c->engine->stripes), RATION_COUNT_ROLLED_BACK, 1);
}

static unsigned commit(ration_case *c, ration_item **lost)
{
    for (unsigned i = 0; i < c->count; i++) {
        ration_item *item = &c->items[c->ordered ? c->order[i] : i];
        if (item->merged >= 0 || item->granted == 0) {
            continue; /* a shadow that would refuse is not charged */
        }
        unsigned outcome = commit_item(c, item);
        if (outcome == COMMIT_FULL) {
            if (c->engine->when_full == RATION_FULL_ADMIT || ration_item_shadow(item)) {
                item->skipped = true;
                continue;
            }
        }
        if (outcome != COMMIT_DONE) {
            *lost = item;
            undo(c);
            return outcome;
        }
    }
    return COMMIT_DONE;
}

/* After a lost race the floor or the window may have moved on. */
static void begin_again(ration_case *c, const ration_hash *hashes)
{
    ration_case_place(c);
    for (unsigned i = 0; i < c->count; i++) {
        ration_case_probe(c, &c->items[i], hashes[c->items[i].request]);
    }
}

unsigned ration_decide(ration_case *c, const ration_hash *hashes)
{
    ration_item *lost = NULL;
    for (int rounds = 0; rounds < RATION_DECIDE_ROUNDS; rounds++) {
        if (look(c)) {
            if (remember_refusal(c)) {
                return RATION_OUTCOME_REFUSED;
            }
            continue;
        }
        if (c->partial) {
            narrow(c);
        }
        unsigned outcome = commit(c, &lost);
        if (outcome == COMMIT_DONE) {
            return RATION_OUTCOME_ALLOWED;
        }
        if (outcome == COMMIT_FULL) {
            return RATION_OUTCOME_FULL;
        }
        begin_again(c, hashes);
    }
    if (lost != NULL) {
        lost->granted = 0;
    }
    return RATION_OUTCOME_REFUSED;
}

void ration_item_report(const ration_case *c, const ration_item *item, ration_report *report)
{
    const ration_item *head = item->merged >= 0 ? &c->items[item->merged] : item;
    ration_kind_report(head, head->charged ? head->next : head->before, &c->time, &item->ask, report);
}
