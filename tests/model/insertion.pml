/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table's protocol: finding, inserting, charging, undoing, reclaiming and evicting counters (lib/core/table.c, decide.c,
 * sketch.c, timeline.h), for spin. tests/model/run checks it in several configurations, and checks that wrong variants of it
 * fail; docs/model.md says which step is which function and what is left out.
 *
 * One step below is one access to shared memory: a load or a swap. Everything between two accesses belongs to the step before.
 * No step blocks, so a thread that is never scheduled again is a thread that died there.
 *
 * Slot (8 bits), swapped whole:    [ tag: 2 | fresh: 1 | word: 5 ]    tag 0: EMPTY, its word a ticket, ticket 0: never used
 *   word of a fresh counter: the ticket of its insertion;  of any other: [ end of window: 3 | used: 2 ]
 * Header (11 bits), swapped whole: [ tag: 2 | ticket: 5 | reach: 2 | position: 2 ]    tag 0: idle, position 0
 *
 * Time: a tick is a window's end. Windows are longer than the slack (5 s), and a clock's tick may be so close to the last one
 * that the floor stays where it is (less than its step), so that the floor may be one tick behind, never two.
 *
 * Parameters (-D): SLOTS, and WINDOW of them probed by each home; HOMES, with the same window where OVERLAP; SLOT0.. what is in
 * the slots and REACH of every home at first; S0.. what each thread asks for, a hexadecimal digit each, lowest first; TICKS of
 * the clock; LAG the thread whose own clock stands still; LIMIT units a window; LOST insertions lost before when_full; TOPT
 * tickets at most; PERMITS where K is a concurrency limit; HALTS threads that may die openly; WRONG a variant; PROBE a state to
 * show reachable.
 */
#define T 1
#define X 2
#define K 3 /* in configurations with PERMITS: a concurrency limit, its counter never evicted while a permit is out */
#define UNDO 4 /* in a script: charge, then give back (a limit decided together refused, a refund, a release) */

#ifndef SLOTS
#define SLOTS 2
#endif
#ifndef WINDOW
#define WINDOW SLOTS
#endif
#ifndef SLOT0
#define SLOT0 0
#endif
#ifndef SLOT1
#define SLOT1 0
#endif
#ifndef SLOT2
#define SLOT2 0
#endif
#ifndef REACH
#define REACH 0
#endif
#ifndef HOMES
#define HOMES 1
#endif
#ifndef OVERLAP
#define OVERLAP 0
#endif
#ifndef TICKS
#define TICKS 0
#endif
#ifndef LAG
#define LAG 9
#endif
#ifndef LIMIT
#define LIMIT 1
#endif
#ifndef TOPT
#define TOPT 31
#endif
#ifndef LOST
#define LOST 1
#endif
#ifndef HALTS
#define HALTS 0
#endif
#ifndef PERMITS
#define PERMITS 0
#endif
#ifndef PROBE
#define PROBE none
#endif
#ifndef WRONG
#define WRONG none
#endif

/* Names that WRONG and PROBE may have: numbers, so that the preprocessor can compare them. */
#define none 0
#define stale_swap 1
#define ticket_reused 2
#define scan_first 3
#define own_clock 4
#define floor_unread 5
#define swap_first 6
#define merge_once 7
#define fresh_constant 8
#define naive 9
#define clear_first 10
#define one_row 11
#define reach_forgotten 12
#define waits 13
#define permits_evicted 14
#define redated 15
#define floor_lost 16
#define unfloored 17
#define losses_forgotten 18
#define stale_unchecked 19
#define window_unraised 20

#define helped 101
#define fill_failed 102
#define install_failed 103
#define charge_failed 104
#define take_failed 105
#define reclaimed 106
#define evicted 107
#define evict_failed 108
#define fresh_taken 109
#define debt_refused 110
#define floor_passed 111
#define undone 112
#define spill_lost 113
#define full 114
#define joined_ahead 115
#define undo_gone 117
#define halted 118
#define ahead_by_two 119
#define subtracted 120
#define debt_charged 121
#define whole_changed 122
#define window_entered 123

#define REACHED(what) assert(PROBE != what)

#define MAKE(tag, word) (((tag) << 6) | (word))
#define FRESH(tag, ticket) (((tag) << 6) | 32 | (ticket))
#define TAG(v) ((v) >> 6)
#define IS_FRESH(v) ((((v) >> 5) & 1) == 1)
#define WORD(v) ((v) & 31)
#define END(w) ((w) >> 2)
#define USED(w) ((w) & 3)
#define DATED(end, used) (((end) << 2) | (used))
#define LAPSE(w) (USED(w) == 0 -> 0 : END(w))
#define LIVE(tag, end, used) MAKE(tag, DATED(end, used))

#define H_TAG(h) ((h) >> 9)
#define H_TICKET(h) (((h) >> 4) & 31)
#define H_REACH(h) (((h) >> 2) & 3)
#define H_POSITION(h) ((h) & 3)
#define D_OF(tag, ticket, reach, position) (((tag) << 9) | ((ticket) << 4) | ((reach) << 2) | (position))
#define IDLE_OF(h) ((h) & 508) /* the ticket and the reach stay */

/* X has a home of its own where there are two; a window begins at its home and goes round, or both are the same slots. */
#define HOME(tag) ((HOMES == 2 && (tag) == X) -> 1 : 0)
#define SLOT_AT(tag, position) (((OVERLAP -> 0 : HOME(tag)) + (position)) % SLOTS)

/* T shares a cell of row 0 with K, X one of row 1: estimates are over, never under. */
#define CELL0(tag) ((tag) & 1)
#define CELL1(tag) (2 + ((tag) >> 1))

byte slot[SLOTS];
short header[HOMES];
byte sketch[4];
byte ticket;     /* tickets drawn so far: each is a new name, and names are only compared */
byte clock;
byte now_floor;
byte halts = HALTS;
byte admitted[12]; /* ghost: units admitted and not given back, by tag and window */

#define ADMITTED(tag, w) admitted[((tag) - 1) * 4 + END(w) - 1]

/* ------------------------------------------------------------- where a thread is */

#define DONE 0
#define CLOCK 1        /* ration_case_place: the clock */
#define PLACE 2        /* ration_case_place: the floor */
#define FIND_HOME 3    /* ration_table_find: the home group */
#define FIND_REACH 4   /* ration_table_find_far: the header's reach */
#define FIND_FAR 5     /* ration_table_find_far: the groups within reach */
#define DEBT0 6        /* ration_sketch_read, row by row */
#define DEBT1 7
#define RECHECK 8      /* floor_passed; a window is entered with the floor raised to now */
#define CHARGE 9       /* commit_item: the swap */
#define RELOAD 10      /* commit_item: the pair anew after a lost swap */
#define HEADER 11      /* ration_table_insert: the home's header */
#define FLOOR 12       /* ration_table_insert: the floor */
#define SCAN 13        /* scan_window, slot by slot */
#define RAISE 14       /* ration_timeline_raise before the first eviction */
#define WHOLE 15       /* take_slot: the pair to evict, as one load */
#define MERGE0 16      /* ration_sketch_merge, row by row */
#define MERGE1 17
#define TAKE 18        /* take_slot: the swap to EMPTY */
#define INSTALL 19     /* install_insertion: the header's swap */
#define FILL 20        /* complete_insertion: the slot's swap */
#define CLEAR 21       /* complete_insertion: the header's swap */
#define BACK 22        /* undo_item: the pair */
#define BACK_HOME 23   /* undo_item: finding it again */
#define BACK_REACH 24
#define BACK_FAR 25
#define BACK_SWAP 26   /* undo_item: the swap */
#define RAISE_ONCE 27  /* WRONG == floor_lost only: a swap of the floor that may be lost */
#define HELP_READ 28   /* WRONG == stale_swap only: a helper reads the slot, then the header again */
#define HELP_HEAD 29
#define LATE_HEADER 30 /* WRONG == scan_first only: the header, after the scan */

/* How ready a slot is to be taken: judge_slot of table.c. */
#define TICKETED 0
#define DEAD 1
#define UNCHARGED 2
#define EVICTABLE 3
#define HELD 4

inline judge(value, by, judged)
{
    if
    :: TAG(value) == 0 && WORD(value) != 0 -> judged = TICKETED
    :: TAG(value) == 0 && WORD(value) == 0 -> judged = DEAD
    :: TAG(value) != 0 && IS_FRESH(value) -> judged = UNCHARGED
    :: TAG(value) != 0 && !IS_FRESH(value) && LAPSE(WORD(value)) <= by -> judged = DEAD
    :: TAG(value) != 0 && !IS_FRESH(value) && LAPSE(WORD(value)) > by ->
        judged = ((PERMITS && TAG(value) == K && WRONG != permits_evicted) -> HELD : EVICTABLE)
    fi
}

/* weigh_slot of table.c: the first slot to be had for nothing, else a fresh one, else the one that owes least. */
inline weigh(value, judged)
{
    if
    :: best == 15 || (judged < best_judged && best_judged > DEAD) ||
            (judged == EVICTABLE && best_judged == EVICTABLE && USED(WORD(value)) < USED(WORD(best_value))) ->
        best = position;
        best_value = value;
        best_judged = judged
    :: else
    fi
}

/* No identity has two counters (I1). */
inline check_unique(tag)
{
    count = 0;
    at = 0;
    do
    :: at < SLOTS -> count = count + (TAG(slot[at]) == tag -> 1 : 0); at++
    :: at == SLOTS -> break
    od;
    assert(count <= 1);
    count = 0;
    at = 0
}

inline forget_scan()
{
    best = 15;
    best_value = 0;
    best_judged = 0;
    position = 0;
    by_floor = 0
}

inline forget_all()
{
    forget_scan();
    seen_header = 0;
    seen = 0;
    before = 0;
    next = 0;
    place = 0;
    now = 0;
    lost = 0;
    installed = 0;
    mine = 0;
    raised = 0;
    tag = 0
}

/* The request is answered, allowed or not; the next one of the script begins. */
inline answer()
{
    forget_all();
    script = script >> 4;
    tag = script & 3;
    pc = (script != 0 -> CLOCK : DONE)
}

inline begin_insertion()
{
    forget_scan();
    seen = 0;
    before = 0;
    next = 0;
    place = 0;
    installed = 0;
    mine = 0;
    raised = (TICKS == 0 -> 1 : 0);
    pc = (WRONG == naive || WRONG == scan_first -> SCAN : HEADER)
}

/* ration_quota_charge on `before`: grants one unit, or refuses and writes nothing. */
inline weigh_charge()
{
    if
    :: USED(before) == 0 || END(before) <= now -> next = DATED(now + 1, 1)
    :: USED(before) != 0 && END(before) > now && USED(before) >= LIMIT -> next = 0
    :: USED(before) != 0 && END(before) > now && USED(before) < LIMIT && END(before) <= now + 2 -> next = before + 1
    :: USED(before) != 0 && END(before) > now && USED(before) < LIMIT && END(before) > now + 2 ->
        next = DATED(now + 1, USED(before) + 1) /* a later window than any sane clock would have: read as the current one */
    fi
}

/*
 * Whether the swap must wait for a look at the floor: where the counter says nothing about the window of `now` (fresh, over,
 * nothing used, or a later window than any sane clock has) another thread may have let go of what that window had used.
 */
#define MUST_RECHECK                                                                                                  \
    (TICKS > 0 && WRONG != floor_unread &&                                                                             \
     (IS_FRESH(seen) || (WRONG != stale_unchecked && (USED(before) == 0 || END(before) <= now)) ||                    \
      (WRONG != redated && USED(before) != 0 && END(before) > now + 2)))

/* A pair with our tag was read: what to do about it. */
inline have_pair()
{
    if
    :: IS_FRESH(seen) -> pc = DEBT0
    :: !IS_FRESH(seen) ->
        before = WORD(seen);
        weigh_charge();
        if
        :: MUST_RECHECK -> pc = RECHECK
        :: else ->
            if
            :: next == 0 -> answer()
            :: else -> pc = CHARGE
            fi
        fi
    fi
}

/* What the scan found decides the next step. */
inline choose()
{
    place = SLOT_AT(tag, best);
    position = 0;
    by_floor = (best_judged == EVICTABLE -> by_floor : 0);
    if
    :: WRONG == naive && best_judged <= UNCHARGED -> pc = FILL
    :: WRONG == stale_swap && best_judged <= DEAD -> pc = INSTALL
    :: WRONG == scan_first && best_judged == TICKETED -> pc = LATE_HEADER
    :: else ->
        if
        :: best_judged == EVICTABLE && raised == 0 -> pc = RAISE
        :: best_judged == EVICTABLE && raised == 1 -> pc = WHOLE
        :: best_judged == TICKETED -> pc = INSTALL
        :: best_judged == HELD -> REACHED(full); answer()
        :: best_judged == DEAD || best_judged == UNCHARGED -> pc = TAKE
        fi
    fi
}

inline go_again()
{
    forget_scan();
    seen_header = 0;
    place = 0;
    pc = (WRONG == naive || WRONG == scan_first -> SCAN : HEADER)
}

/* One more lost insertion: begin again, or answer by when_full. */
inline lose()
{
    lost++;
    if
    :: lost > LOST -> REACHED(full); answer()
    :: else -> go_again()
    fi
}

inline merge(cell)
{
    if
    :: LAPSE(sketch[cell]) <= by_floor -> sketch[cell] = WORD(best_value)
    :: else ->
        sketch[cell] = DATED((END(sketch[cell]) > END(WORD(best_value)) -> END(sketch[cell]) : END(WORD(best_value))),
                             (USED(sketch[cell]) > USED(WORD(best_value)) -> USED(sketch[cell]) : USED(WORD(best_value))))
    fi
}

/* Nothing to take the charge back from: it went with the counter, into the sketch or past its time. */
inline gone()
{
    REACHED(undo_gone);
    assert(!PERMITS || tag != K); /* a counter with permits out stays */
    ADMITTED(tag, next)--;
    answer()
}

/* A new ticket, or in a wrong variant an old one. */
inline draw()
{
    ticket = (WRONG == ticket_reused -> 1 : ticket + 1);
    assert(ticket <= TOPT) /* else the configuration needs a wider field */
}

proctype thread(byte me; short script)
{
    byte pc = CLOCK;
    byte tag = script & 3;
    byte now, by_floor, position, place, seen, before, next;
    byte best = 15, best_value, best_judged;
    short seen_header;
    byte lost;
    bit installed, mine, raised;
    byte count, at; /* zero between steps */

    do
    :: pc == DONE -> break
#if HALTS
    :: d_step { halts > 0 && pc != DONE -> REACHED(halted); halts--; forget_all(); script = 0; pc = DONE }
#endif

    /* ---- place: an own clock behind the floor is not believed. The floor may stay where it is for less than its step. */
    :: d_step { pc == CLOCK ->
        now = (me == LAG -> 0 : clock);
        pc = PLACE }
    :: d_step { pc == PLACE ->
        by_floor = now_floor;
        if
        :: WRONG == unfloored || WRONG == own_clock || now == now_floor
        :: WRONG != unfloored && WRONG != own_clock && now < now_floor -> now = now_floor
        :: WRONG != unfloored && WRONG != own_clock && WRONG != floor_lost && now > now_floor -> now_floor = now
        :: WRONG == floor_lost && now > now_floor
        fi;
        pc = (WRONG == floor_lost && now > by_floor -> RAISE_ONCE : FIND_HOME);
        by_floor = (pc == RAISE_ONCE -> by_floor : 0) }
    :: d_step { pc == PLACE && now == now_floor + 1 -> pc = FIND_HOME } /* less than the floor's step ahead */
    :: d_step { pc == RAISE_ONCE ->
        now_floor = (now_floor == by_floor -> now : now_floor);
        by_floor = 0;
        pc = FIND_HOME }
#if TICKS
    :: d_step { pc == PLACE && (me == LAG -> 0 : clock) > now_floor && WRONG != own_clock ->
        now = (me == LAG -> 0 : clock);
        now_floor = now;
        pc = FIND_HOME }
#endif

    /* ---- find */
    :: d_step { pc == FIND_HOME ->
        place = SLOT_AT(tag, 0);
        seen = slot[place];
        if
        :: TAG(seen) == tag -> have_pair()
        :: else -> seen = 0; place = 0; pc = (WINDOW > 1 && WRONG != naive -> FIND_REACH : FIND_FAR);
            if
            :: WINDOW == 1 -> begin_insertion()
            :: WINDOW > 1 && WRONG == naive -> position = 1; best = WINDOW - 1
            :: else
            fi
        fi }
    :: d_step { pc == FIND_REACH ->
        best = H_REACH(header[HOME(tag)]);
        if
        :: best == 0 -> begin_insertion()
        :: else -> position = 1; pc = FIND_FAR
        fi }
    :: d_step { pc == FIND_FAR ->
        place = SLOT_AT(tag, position);
        seen = slot[place];
        if
        :: TAG(seen) == tag -> forget_scan(); have_pair()
        :: TAG(seen) != tag && position < best -> seen = 0; place = 0; position++
        :: TAG(seen) != tag && position == best -> begin_insertion()
        fi }

    /* ---- charge: a fresh counter inherits the evicted debt */
    :: d_step { pc == DEBT0 ->
        if
        :: LAPSE(sketch[CELL0(tag)]) <= now ->
            before = 0;
            weigh_charge();
            pc = (MUST_RECHECK -> RECHECK : CHARGE)
        :: else -> before = sketch[CELL0(tag)]; pc = DEBT1
        fi }
    :: d_step { pc == DEBT1 ->
        if
        :: LAPSE(sketch[CELL1(tag)]) <= now -> before = 0
        :: LAPSE(sketch[CELL1(tag)]) > now ->
            if
            :: USED(sketch[CELL1(tag)]) < USED(before) -> before = sketch[CELL1(tag)]
            :: else
            fi;
            /* ration_quota_seed */
            before = DATED((END(before) > now + 1 -> now + 2 : now + 1), (USED(before) < LIMIT -> USED(before) : LIMIT))
        fi;
        weigh_charge();
        if
        :: next == 0 -> REACHED(debt_refused); answer()
        :: else ->
            if
            :: before != 0 -> REACHED(debt_charged)
            :: else
            fi;
            pc = (MUST_RECHECK -> RECHECK : CHARGE)
        fi }
    :: d_step { pc == RECHECK ->
        if
        :: !IS_FRESH(seen) && USED(before) != 0 && END(before) > now + 2 -> REACHED(ahead_by_two)
        :: else
        fi;
        if
        :: now_floor > now && WRONG != unfloored -> REACHED(floor_passed); forget_all(); tag = script & 3; pc = CLOCK
        :: else ->
            /* A window beyond the slack was entered with the floor raised. */
            assert(IS_FRESH(seen) || USED(before) == 0 || END(before) <= now + 2 || WRONG != none);
            if
            :: next == 0 -> answer()
            :: else ->
                if
                :: now_floor < now && WRONG != window_unraised && WRONG != own_clock -> REACHED(window_entered); now_floor = now
                :: else
                fi;
                pc = CHARGE
            fi
        fi }
    :: d_step { pc == CHARGE ->
        if
        :: slot[place] == seen ->
            if
            :: END(next) > now + 1 -> REACHED(joined_ahead)
            :: else
            fi;
            slot[place] = MAKE(tag, next);
            ADMITTED(tag, next)++;
            assert(ADMITTED(tag, next) <= LIMIT);         /* G1 */
            assert(ADMITTED(tag, next) <= USED(next));    /* no update lost */
            if
            :: (script & UNDO) != 0 -> forget_scan(); seen = 0; pc = BACK
            :: else -> answer()
            fi
        :: else -> REACHED(charge_failed); seen = 0; before = 0; next = 0; pc = RELOAD
        fi }
    :: d_step { pc == RELOAD ->
        seen = slot[place];
        if
        :: TAG(seen) == tag -> have_pair()
        :: else ->
            lost = (WRONG == losses_forgotten -> 0 : lost + 1);
            if
            :: lost > LOST -> REACHED(full); answer()
            :: else -> begin_insertion()
            fi
        fi }

    /* ---- insert */
    :: d_step { pc == HEADER ->
        seen_header = header[HOME(tag)];
        if
        :: H_TAG(seen_header) != 0 && WRONG == waits -> seen_header = 0
        :: H_TAG(seen_header) != 0 && WRONG == stale_swap -> mine = 0; pc = HELP_READ
        :: H_TAG(seen_header) != 0 && WRONG == clear_first -> mine = 0; pc = CLEAR
        :: H_TAG(seen_header) != 0 && WRONG != waits && WRONG != stale_swap && WRONG != clear_first -> mine = 0; pc = FILL
        :: else -> pc = FLOOR;
#if TICKS == 0
            pc = SCAN
#endif
        fi }
    :: d_step { pc == FLOOR ->
        by_floor = (WRONG == own_clock -> now : now_floor);
        pc = SCAN }
    :: d_step { pc == SCAN ->
        seen = slot[SLOT_AT(tag, position)];
        if
        :: TAG(seen) == tag ->
            place = SLOT_AT(tag, position);
            forget_scan();
            seen_header = 0;
            installed = 0;
            mine = 0;
            raised = 0;
            have_pair()
        :: else ->
            judge(seen, by_floor, count);
            weigh(seen, count);
            count = 0;
            seen = 0;
            position++;
            if
            :: position < WINDOW &&
                    (best_judged > DEAD || position <= H_REACH(seen_header) || WRONG == naive || WRONG == scan_first)
            :: else ->
                if
                :: installed -> REACHED(spill_lost); installed = 0; lost++
                :: else
                fi;
                if
                :: lost > LOST -> REACHED(full); answer()
                :: else -> choose()
                fi
            fi
        fi }
    :: d_step { pc == RAISE ->
        now_floor = (now > now_floor -> now : now_floor);
        raised = 1;
        go_again() }
    :: d_step { pc == WHOLE ->
        if
        :: slot[place] == best_value -> pc = (WRONG == swap_first -> TAKE : MERGE0)
        :: else -> REACHED(whole_changed); lose()
        fi }
    :: d_step { pc == MERGE0 ->
        merge(CELL0(TAG(best_value)));
        pc = MERGE1;
        if
        :: WRONG == one_row -> pc = TAKE
        :: else
        fi }
    :: d_step { pc == MERGE1 ->
        merge(CELL1(TAG(best_value)));
        if
        :: WRONG == swap_first -> go_again()
        :: else -> pc = TAKE
        fi }
    :: d_step { pc == TAKE ->
        if
        :: slot[place] == best_value ->
            if
            :: best_judged == EVICTABLE -> REACHED(evicted)
            :: best_judged == UNCHARGED -> REACHED(fresh_taken)
            :: best_judged == DEAD && TAG(best_value) != 0 && USED(WORD(best_value)) != 0 -> REACHED(reclaimed)
            :: else
            fi;
            draw();
            slot[place] = MAKE(0, ticket);
            if
            :: WRONG == swap_first && best_judged == EVICTABLE -> pc = MERGE0
            :: else -> go_again()
            fi
        :: slot[place] != best_value ->
            REACHED(take_failed);
            if
            :: WRONG == merge_once && best_judged == EVICTABLE && TAG(slot[place]) == TAG(best_value) && !IS_FRESH(slot[place]) ->
                best_value = slot[place] /* tries again from the new word, whose debt it did not merge */
            :: else ->
                if
                :: best_judged == EVICTABLE -> REACHED(evict_failed)
                :: else
                fi;
                if
                :: best_judged >= UNCHARGED -> lose()
                :: else -> go_again()
                fi
            fi
        fi }
    :: d_step { pc == LATE_HEADER ->
        seen_header = header[HOME(tag)];
        pc = (H_TAG(seen_header) != 0 -> FILL : INSTALL) }
    :: d_step { pc == INSTALL ->
        if
        :: header[HOME(tag)] == seen_header ->
            if
            :: WRONG == stale_swap -> draw(); at = ticket
            :: else -> at = WORD(best_value)
            fi;
            count = (best > H_REACH(seen_header) && WRONG != reach_forgotten -> best : H_REACH(seen_header));
            seen_header = D_OF(tag, at, count, best);
            count = 0;
            at = 0;
            header[HOME(tag)] = seen_header;
            installed = 1;
            mine = 1;
            seen = (WRONG == stale_swap -> best_value : 0);
            forget_scan();
            place = 0;
            pc = (WRONG == clear_first -> CLEAR : FILL)
        :: else -> REACHED(install_failed); go_again()
        fi }
    :: d_step { pc == FILL ->
        at = SLOT_AT(H_TAG(seen_header), H_POSITION(seen_header));
        count = MAKE(0, H_TICKET(seen_header));
        if
        :: WRONG == stale_swap -> count = seen
        :: WRONG == naive -> at = place; count = best_value; seen_header = D_OF(tag, 0, 0, 0)
        :: else
        fi;
        if
        :: slot[at] == count ->
            if
            :: mine == 0 && WRONG == none -> REACHED(helped)
            :: else
            fi;
            slot[at] = FRESH(H_TAG(seen_header), (WRONG == fresh_constant -> 0 : H_TICKET(seen_header)));
            check_unique(H_TAG(seen_header))
        :: else -> REACHED(fill_failed)
        fi;
        at = 0;
        count = 0;
        seen = 0;
        forget_scan();
        if
        :: WRONG == naive || WRONG == clear_first -> mine = 0; go_again()
        :: else -> pc = CLEAR
        fi }
    :: d_step { pc == CLEAR ->
        if
        :: header[HOME(tag)] == seen_header -> header[HOME(tag)] = IDLE_OF(seen_header)
        :: else
        fi;
        if
        :: WRONG == clear_first -> pc = FILL
        :: else -> mine = 0; go_again()
        fi }
    :: d_step { pc == HELP_READ ->
        seen = slot[SLOT_AT(H_TAG(seen_header), H_POSITION(seen_header))];
        judge(seen, now_floor, count);
        pc = (TAG(seen) == H_TAG(seen_header) || count > DEAD -> CLEAR : HELP_HEAD);
        seen = (pc == CLEAR -> 0 : seen);
        count = 0 }
    :: d_step { pc == HELP_HEAD ->
        if
        :: header[HOME(tag)] == seen_header -> pc = FILL
        :: else -> seen = 0; go_again()
        fi }

    /* ---- undo: what was charged goes back, if the counter is still there */
    :: d_step { pc == BACK ->
        seen = slot[place];
        if
        :: TAG(seen) != tag -> seen = 0; place = 0; pc = BACK_HOME
        :: TAG(seen) == tag && IS_FRESH(seen) -> gone()
        :: TAG(seen) == tag && !IS_FRESH(seen) -> pc = BACK_SWAP
        fi }
    :: d_step { pc == BACK_HOME ->
        if
        :: TAG(slot[SLOT_AT(tag, 0)]) == tag -> place = SLOT_AT(tag, 0); pc = BACK
        :: else -> pc = (WINDOW > 1 -> BACK_REACH : BACK_FAR);
            if
            :: WINDOW == 1 -> gone()
            :: else
            fi
        fi }
    :: d_step { pc == BACK_REACH ->
        best = H_REACH(header[HOME(tag)]);
        if
        :: best == 0 -> gone()
        :: else -> position = 1; pc = BACK_FAR
        fi }
    :: d_step { pc == BACK_FAR ->
        if
        :: TAG(slot[SLOT_AT(tag, position)]) == tag -> place = SLOT_AT(tag, position); forget_scan(); pc = BACK
        :: TAG(slot[SLOT_AT(tag, position)]) != tag && position < best -> position++
        :: TAG(slot[SLOT_AT(tag, position)]) != tag && position == best ->
            gone()
        fi }
    :: d_step { pc == BACK_SWAP ->
        if
        :: slot[place] == seen ->
            if
            :: WORD(seen) == next -> slot[place] = MAKE(tag, before)
            :: WORD(seen) != next && END(WORD(seen)) == END(next) && USED(WORD(seen)) > 0 ->
                REACHED(subtracted);
                slot[place] = seen - 1
            :: else
            fi;
            REACHED(undone);
            ADMITTED(tag, next)--;
            answer()
        :: else -> seen = 0; pc = BACK
        fi }
    od
}

#if TICKS
proctype time()
{
    do
    :: clock < TICKS -> clock++
    :: clock == TICKS -> break
    od
}
#endif

init
{
    d_step {
        slot[0] = SLOT0;
#if SLOTS > 1
        slot[1] = SLOT1;
#endif
#if SLOTS > 2
        slot[2] = SLOT2;
#endif
        header[0] = REACH << 2;
#if HOMES > 1
        header[1] = REACH << 2;
#endif
        /* What live counters at the beginning hold was admitted. */
#ifdef ADMITTED_T
        admitted[0] = ADMITTED_T;
#endif
#ifdef ADMITTED_K
        admitted[8] = ADMITTED_K;
#endif
    }
    atomic {
        run thread(0, S0);
        run thread(1, S1);
#ifdef S2
        run thread(2, S2);
#endif
#ifdef S3
        run thread(3, S3);
#endif
#if TICKS
        run time()
#endif
    }
}
