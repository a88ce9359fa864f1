/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file atomic.h
 * Atomic operations; the memory order is in every name. The only file that includes ck_pr.h.
 *
 * Three bodies with the same contract:
 *   - Concurrency Kit (default). Its read-modify-write operations are full barriers on x86 and relaxed on aarch64, so the fence
 *     is said here, once.
 *   - RATION_ATOMIC_BUILTIN: the compiler's __atomic builtins, for ThreadSanitizer, which sees no inline assembly. The 16-byte
 *     swap is then a __sync builtin: atomic, and visible to the sanitizer.
 *   - RATION_ATOMIC_EXPLORE: plain operations with a call to ration_explore_yield() before each: the explorer of
 *     tests/model schedules the real code through it.
 *
 * 16-byte operations want 16-byte alignment. `_seq` operations are sequentially consistent among themselves.
 */
#ifndef RATION_CORE_ATOMIC_H
#define RATION_CORE_ATOMIC_H

#include <stdbool.h>
#include <stdint.h>

/** Two words changed as one. */
typedef struct ration_pair {
    _Alignas(16) uint64_t low;
    uint64_t high;
} ration_pair;

static inline bool ration_pair_equal(ration_pair a, ration_pair b)
{
    return ((a.low ^ b.low) | (a.high ^ b.high)) == 0;
}

#if defined(RATION_ATOMIC_EXPLORE)

void ration_explore_yield(const void *address);

static inline uint64_t ration_atomic_load_relaxed_64(const uint64_t *p)
{
    ration_explore_yield(p);
    return *p;
}

static inline uint64_t ration_atomic_load_acquire_64(const uint64_t *p)
{
    return ration_atomic_load_relaxed_64(p);
}

static inline void ration_atomic_store_relaxed_64(uint64_t *p, uint64_t value)
{
    ration_explore_yield(p);
    *p = value;
}

static inline void ration_atomic_store_release_64(uint64_t *p, uint64_t value)
{
    ration_atomic_store_relaxed_64(p, value);
}

static inline bool ration_atomic_cas_seq_64(uint64_t *p, uint64_t old, uint64_t value)
{
    ration_explore_yield(p);
    if (*p != old) {
        return false;
    }
    *p = value;
    return true;
}

static inline uint64_t ration_atomic_fetch_add_relaxed_64(uint64_t *p, uint64_t add)
{
    ration_explore_yield(p);
    uint64_t old = *p;
    *p = old + add;
    return old;
}

static inline bool ration_atomic_cas_seq_128(ration_pair *p, ration_pair old, ration_pair value)
{
    ration_explore_yield(p);
    if (!ration_pair_equal(*p, old)) {
        return false;
    }
    *p = value;
    return true;
}

static inline void ration_atomic_fence_acquire(void) {}
static inline void ration_atomic_fence_release(void) {}

#elif defined(RATION_ATOMIC_BUILTIN)

static inline uint64_t ration_atomic_load_relaxed_64(const uint64_t *p)
{
    return __atomic_load_n(p, __ATOMIC_RELAXED);
}

static inline uint64_t ration_atomic_load_acquire_64(const uint64_t *p)
{
    return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

static inline void ration_atomic_store_relaxed_64(uint64_t *p, uint64_t value)
{
    __atomic_store_n(p, value, __ATOMIC_RELAXED);
}

static inline void ration_atomic_store_release_64(uint64_t *p, uint64_t value)
{
    __atomic_store_n(p, value, __ATOMIC_RELEASE);
}

static inline bool ration_atomic_cas_seq_64(uint64_t *p, uint64_t old, uint64_t value)
{
    return __atomic_compare_exchange_n(p, &old, value, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
}

static inline uint64_t ration_atomic_fetch_add_relaxed_64(uint64_t *p, uint64_t add)
{
    return __atomic_fetch_add(p, add, __ATOMIC_RELAXED);
}


static inline bool ration_atomic_cas_seq_128(ration_pair *p, ration_pair old, ration_pair value)
{
    __extension__ typedef unsigned __int128 wide;
    wide from = (wide)old.high << 64 | old.low;
    wide to = (wide)value.high << 64 | value.low;
    return __sync_bool_compare_and_swap((wide *)(void *)p, from, to);
}

static inline void ration_atomic_fence_acquire(void)
{
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
}

static inline void ration_atomic_fence_release(void)
{
    __atomic_thread_fence(__ATOMIC_RELEASE);
}

#else

#include <ck_pr.h>

static inline uint64_t ration_atomic_load_relaxed_64(const uint64_t *p)
{
    return ck_pr_load_64(p);
}

static inline uint64_t ration_atomic_load_acquire_64(const uint64_t *p)
{
    uint64_t value = ck_pr_load_64(p);
    ck_pr_fence_acquire();
    return value;
}

static inline void ration_atomic_store_relaxed_64(uint64_t *p, uint64_t value)
{
    ck_pr_store_64(p, value);
}

static inline void ration_atomic_store_release_64(uint64_t *p, uint64_t value)
{
    ck_pr_fence_release();
    ck_pr_store_64(p, value);
}

/* On x86 a locked instruction is a full barrier already; elsewhere ck's are relaxed. */
static inline void ration_atomic_around_swap(void)
{
#if !defined(__x86_64__)
    ck_pr_fence_strict_memory();
#endif
}

static inline bool ration_atomic_cas_seq_64(uint64_t *p, uint64_t old, uint64_t value)
{
    ration_atomic_around_swap();
    bool swapped = ck_pr_cas_64(p, old, value);
    ration_atomic_around_swap();
    return swapped;
}

static inline uint64_t ration_atomic_fetch_add_relaxed_64(uint64_t *p, uint64_t add)
{
    return ck_pr_faa_64(p, add);
}

static inline bool ration_atomic_cas_seq_128(ration_pair *p, ration_pair old, ration_pair value)
{
    uint64_t from[2] = {old.low, old.high};
    uint64_t to[2] = {value.low, value.high};
    ration_atomic_around_swap();
    bool swapped = ck_pr_cas_64_2((uint64_t *)(void *)p, from, to);
    ration_atomic_around_swap();
    return swapped;
}

static inline void ration_atomic_fence_acquire(void)
{
    ck_pr_fence_acquire();
}

static inline void ration_atomic_fence_release(void)
{
    ck_pr_fence_release();
}

#endif

/** Tries of ration_atomic_load_128 before it gives up. */
#define RATION_ATOMIC_LOAD_TRIES 8

/**
 * Loads both words as one. Where the CPU guarantees a 16-byte load (`wide`: x86 with AVX, aarch64 with LSE2) one instruction;
 * else both are read twice until equal, at most 8 times. Intel SDM vol. 3 section 9.1.1, AMD APM vol. 2 section 7.3.2: aligned
 * 16-byte vector loads are atomic on processors with AVX.
 * @return false where others changed it on every try; the value is then not to be used.
 */
static inline bool ration_atomic_load_128(const ration_pair *p, bool wide, ration_pair *value)
{
#if !defined(RATION_ATOMIC_EXPLORE) && !defined(RATION_ATOMIC_BUILTIN) && defined(__x86_64__)
    if (wide) {
        __extension__ typedef long long vector __attribute__((vector_size(16)));
        vector both;
        __asm__ __volatile__("movdqa %1, %0" : "=x"(both) : "m"(*p) : "memory");
        value->low = (uint64_t)both[0];
        value->high = (uint64_t)both[1];
        return true;
    }
#elif !defined(RATION_ATOMIC_EXPLORE) && !defined(RATION_ATOMIC_BUILTIN) && defined(__aarch64__)
    if (wide) {
        __asm__ __volatile__("ldp %0, %1, %2\n\tdmb ishld" : "=r"(value->low), "=r"(value->high) : "Q"(*p) : "memory");
        return true;
    }
#elif defined(RATION_ATOMIC_EXPLORE)
    (void)wide;
    ration_explore_yield(p);
    *value = *p;
    return true;
#else
    (void)wide;
#endif
    for (int tries = 0; tries < RATION_ATOMIC_LOAD_TRIES; tries++) {
        ration_pair first;
        first.low = ration_atomic_load_acquire_64(&p->low);
        first.high = ration_atomic_load_acquire_64(&p->high);
        value->low = ration_atomic_load_acquire_64(&p->low);
        value->high = ration_atomic_load_acquire_64(&p->high);
        if (ration_pair_equal(first, *value)) {
            return true;
        }
    }
    return false;
}

/** Raises *p to at least `value`. Lock-free: repeats only because another raised it. */
static inline void ration_atomic_max_64(uint64_t *p, uint64_t value)
{
    uint64_t seen = ration_atomic_load_relaxed_64(p);
    while (seen < value && !ration_atomic_cas_seq_64(p, seen, value)) {
        seen = ration_atomic_load_relaxed_64(p);
    }
}

#endif
