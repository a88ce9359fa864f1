/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file ration.h
 * libration: exact rate limits, quotas, sliding windows and concurrency permits for C.
 *
 * A limiter holds numbered plans. A plan is up to 8 limits, decided together. A caller is named by a key (any bytes). Before
 * each unit of work, ask:
 *
 *     ration_limiter *limiter;
 *     ration_limit basic[] = {RATION_RATE(10, RATION_SECOND, 20), RATION_QUOTA(5000, RATION_CALENDAR_DAY)};
 *     ration_open(NULL, &limiter);
 *     ration_set_plan(limiter, 1, basic, sizeof basic[0], 2);
 *
 *     ration_request request = {.key = address, .key_len = strlen(address), .plan = 1};
 *     ration_decision decision;
 *     ration_acquire(limiter, &request, &decision);
 *     if (!decision.allowed) ...decision.retry_after_ns...
 *
 * Rules of this file, unless a function says otherwise:
 *
 * - **Errors.** Functions return RATION_OK or a negative RATION_ERR_*. A refusal is no error: RATION_OK with allowed == 0.
 *   Out-parameters are written on every path and fail closed. An error changes nothing.
 * - **Threads.** Every function but ration_open and ration_close may be called from any number of threads at once, from a
 *   signal handler, and after fork() in both processes (private memory is then two limiters).
 * - **Progress.** Lock-free: a loop repeats only because another thread made progress. No function allocates, locks or makes a
 *   system call after ration_open (the clock may enter the vDSO).
 * - **Time** is a count of nanoseconds since 1970-01-01T00:00:00Z in 64 bits.
 * - **Growth.** Structs that begin with `size` may grow; set it to sizeof the struct (zeroing the rest gives the defaults). A
 *   non-zero tail that this version does not know is refused. The others have a fixed size and zeroed reserved room.
 *
 * The guarantees G1-G8 and P1-P3 cited here are stated in docs/guarantees.md. Since: 0.1, where nothing else is said.
 */
#ifndef RATION_H
#define RATION_H

#include <stddef.h>
#include <stdint.h>

/** The version of this header; ration_version() is that of the library. */
#define RATION_VERSION_MAJOR 0
#define RATION_VERSION_MINOR 1
#define RATION_VERSION_PATCH 0
#define RATION_VERSION_NUMBER (RATION_VERSION_MAJOR * 10000 + RATION_VERSION_MINOR * 100 + RATION_VERSION_PATCH)

#if defined(__GNUC__) && !defined(RATION_NO_EXPORT)
#define RATION_API __attribute__((visibility("default")))
#else
#define RATION_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------------------------------------------ errors */

/** Results. Values are never reused. */
enum {
    RATION_OK = 0,
    RATION_ERR_ARGUMENT = -1,    /**< a pointer is NULL or two fields contradict each other */
    RATION_ERR_RANGE = -2,       /**< a number is outside its range */
    RATION_ERR_UNSUPPORTED = -3, /**< a flag, a kind or a struct's tail that this version does not know */
    RATION_ERR_ALIGNMENT = -4,   /**< a struct is not aligned for its type */
    RATION_ERR_MEMORY = -5,      /**< the allocator or the system gave no memory */
    RATION_ERR_NO_PLAN = -6,     /**< the plan has not been set */
    RATION_ERR_DUPLICATE = -7,   /**< two limits of a plan have one name */
    RATION_ERR_NOT_HELD = -8,    /**< the permit is forged, lapsed, or was released already */
    RATION_ERR_BUSY = -9,        /**< others changed the same thing on every try; try again */
    RATION_ERR_BUFFER = -10,     /**< the buffer is too small; the needed size is reported */
    RATION_ERR_SYSTEM = -11      /**< the system gave no randomness or no clock */
};

/** Names an error in English, e.g. "RATION_ERR_RANGE: a number is outside its range". Never NULL; static storage. */
RATION_API const char *ration_strerror(int error);

/** The library's version: major * 10000 + minor * 100 + patch. */
RATION_API uint32_t ration_version(void);

/* ------------------------------------------------------------------- times */

#define RATION_MICROSECOND UINT64_C(1000)
#define RATION_MILLISECOND UINT64_C(1000000)
#define RATION_SECOND UINT64_C(1000000000)
#define RATION_MINUTE (60 * RATION_SECOND)
#define RATION_HOUR (3600 * RATION_SECOND)
#define RATION_DAY (86400 * RATION_SECOND)

/** Calendar periods of a quota, in place of nanoseconds. */
#define RATION_CALENDAR_DAY UINT64_C(1)
#define RATION_CALENDAR_WEEK UINT64_C(2)  /**< ISO week, from Monday */
#define RATION_CALENDAR_MONTH UINT64_C(3) /**< civil month, 28 to 31 days */

/** A wait that never ends: the request can never pass. */
#define RATION_NEVER UINT64_MAX

/* ------------------------------------------------------------------ limits */

/** Most limits in a plan. */
#define RATION_LIMITS_MAX 8
/** Most requests in one ration_acquire_all, and most limits in all of them together. */
#define RATION_REQUESTS_MAX 8
#define RATION_DECISION_LIMITS_MAX 32
/** Most concurrency limits in one decision. */
#define RATION_PERMIT_LIMITS_MAX 4
/** Longest name of a limit in bytes, without the terminating NUL. */
#define RATION_NAME_MAX 47
/** Longest key in bytes. */
#define RATION_KEY_MAX (UINT32_C(1) << 20)
/** Most permits of a concurrency limit. */
#define RATION_PERMITS_MAX 131071
/** Longest lease: 194 days in whole seconds. */
#define RATION_LEASE_MAX (16777215 * RATION_SECOND)
/** Longest wait a request may accept. */
#define RATION_WAIT_MAX RATION_DAY

/** What a limit is. */
enum {
    RATION_KIND_RATE = 1,        /**< token bucket: `units` per `period`, at most `burst` at once */
    RATION_KIND_QUOTA = 2,       /**< fixed window: `units` per calendar `period` or per n whole seconds */
    RATION_KIND_SLIDING = 3,     /**< sliding window of n whole seconds: two fixed windows weighted; at most 2 * units in any window */
    RATION_KIND_CONCURRENCY = 4, /**< semaphore: `units` permits, each lapsing by itself between `period` and 2 * `period` */
    RATION_KIND_BLOCKED = 5,     /**< refuses everything; the only limit of its plan */
    RATION_KIND_UNLIMITED = 6    /**< admits everything; the only limit of its plan */
};

/** What a limit counts. Concurrency always counts one permit a request. */
enum {
    RATION_COST = 0, /**< the cost of each request */
    RATION_CALLS = 1 /**< one for each request, whatever its cost */
};

/** Flags of a limit. */
enum {
    RATION_SHADOW = 1,   /**< counts and reports what it would refuse, and never refuses */
    RATION_COALESCE = 2, /**< concurrency only: remember that somebody was refused; see ration_release */
    RATION_SHARED = 4    /**< limits of this name, kind and period in all plans that flag it are one limit */
};

/**
 * One rule of a plan. Write it with an initialiser: RATION_RATE(10, RATION_SECOND, 20, .name = "burst").
 *
 * Ranges: units [1, 2^62 - 1] (rate), [1, 2^40 - 1] (quota; above 2^32 - 1 only with windows of 512 s and longer),
 * [1, 2^32 - 1] (sliding), [1, RATION_PERMITS_MAX] (concurrency). A rate may be at most 10 million units a second, and
 * burst * ceil(16 * period / units) at most 2^63 - 2^52 sixteenths of a nanosecond (18 years to refill from empty).
 * period in nanoseconds: [1, 2^59] (rate); whole seconds up to 2^24 - 1 of them (quota, sliding, concurrency).
 */
typedef struct ration_limit {
    size_t size;            /**< sizeof(ration_limit) */
    uint32_t kind;          /**< RATION_KIND_* */
    uint32_t flags;         /**< RATION_SHADOW | RATION_COALESCE | RATION_SHARED */
    uint64_t units;         /**< units (or permits) per period */
    uint64_t period;        /**< ns, or RATION_CALENDAR_* (quota); concurrency: the lease */
    uint64_t burst;         /**< rate only: most units at once, at least 1 */
    const char *name;       /**< printable ASCII without '"' and '\\'; NULL: the kind's name. Copied. */
    uint32_t counts;        /**< RATION_COST or RATION_CALLS */
    int32_t utc_offset_s;   /**< quota: where the window's day begins, seconds east of UTC, [-64800, 64800] */
    uint32_t anchor_day;    /**< quota: days after Monday [0, 6] or after the first of the month [0, 27] that the window begins */
    uint32_t reserved;      /**< zero */
    uint64_t carry_in;      /**< quota: units taken off the first window only, [0, units] */
    uint64_t carry_from_ns; /**< quota: any time in that first window; 0: the limiter's clock at ration_set_plan */
} ration_limit;

/* clang-format off */
/** `units` per `period_ns`, at most `burst` at once: RATION_RATE(10, RATION_SECOND, 20). Further fields may follow: .name = "x". */
#define RATION_RATE(units_, period_ns, ...) \
    {.size = sizeof(ration_limit), .kind = RATION_KIND_RATE, .units = (units_), .period = (period_ns), .burst = __VA_ARGS__}
/** `units` per window: RATION_QUOTA(5000, RATION_CALENDAR_DAY). */
#define RATION_QUOTA(units_, ...) \
    {.size = sizeof(ration_limit), .kind = RATION_KIND_QUOTA, .units = (units_), .period = __VA_ARGS__}
/** `units` per sliding window: RATION_SLIDING(2000, 300 * RATION_SECOND). */
#define RATION_SLIDING(units_, ...) \
    {.size = sizeof(ration_limit), .kind = RATION_KIND_SLIDING, .units = (units_), .period = __VA_ARGS__}
/** `permits` in flight, each for at least `lease`: RATION_CONCURRENCY(4, 30 * RATION_SECOND). */
#define RATION_CONCURRENCY(permits_, ...) \
    {.size = sizeof(ration_limit), .kind = RATION_KIND_CONCURRENCY, .units = (permits_), .period = __VA_ARGS__}
#define RATION_BLOCKED {.size = sizeof(ration_limit), .kind = RATION_KIND_BLOCKED}
#define RATION_UNLIMITED {.size = sizeof(ration_limit), .kind = RATION_KIND_UNLIMITED}
/* clang-format on */

/** The same as functions, for C++17 and other languages. They check nothing; ration_set_plan does. */
RATION_API ration_limit ration_limit_rate(uint64_t units, uint64_t period_ns, uint64_t burst);
RATION_API ration_limit ration_limit_quota(uint64_t units, uint64_t period);
RATION_API ration_limit ration_limit_sliding(uint64_t units, uint64_t period_ns);
RATION_API ration_limit ration_limit_concurrency(uint64_t permits, uint64_t lease_ns);
RATION_API ration_limit ration_limit_blocked(void);
RATION_API ration_limit ration_limit_unlimited(void);

/* ------------------------------------------------------------------ opening */

/** A limiter: a region of counters, the plans, a clock. Opaque. */
typedef struct ration_limiter ration_limiter;

/** Where decisions take the time from. G7 holds for each. */
enum {
    RATION_CLOCK_SYSTEM = 0, /**< boot-time clock anchored to wall time; the CPU's counter between readings where the kernel trusts it */
    RATION_CLOCK_COARSE = 1, /**< the kernel's coarse clock: cheapest, 1 to 10 ms steps */
    RATION_CLOCK_CALLBACK = 2 /**< `now_ns` of the options */
};

/** What a request gets whose counters find no room: every candidate slot holds permits, or 4 insertions were lost to others. */
enum {
    RATION_FULL_REFUSE = 0, /**< refuse, reason RATION_REASON_FULL */
    RATION_FULL_ADMIT = 1   /**< admit what the other limits admit; counted in the statistics */
};

/** How to open. Zeroes are the defaults. */
typedef struct ration_options {
    size_t size;        /**< sizeof(ration_options) */
    uint64_t counters;  /**< live counters to hold at the recommended load, [1, 2^32]; 0: 65536. 24 bytes each. */
    uint32_t plans;     /**< plan numbers are [0, plans); [1, 65536]; 0: 64 */
    uint32_t clock;     /**< RATION_CLOCK_* */
    uint32_t when_full; /**< RATION_FULL_* */
    uint32_t reserved;  /**< zero */
    uint64_t (*now_ns)(void *context); /**< RATION_CLOCK_CALLBACK; must be as safe as you need: threads, signals */
    void *(*allocate)(void *context, size_t size, size_t alignment); /**< NULL: the system's; both or none */
    void (*deallocate)(void *context, void *memory, size_t size);
    void *context;      /**< passed to the three above */
    const void *secret; /**< hash secret; NULL: 192 bytes drawn from the system. Copied. */
    size_t secret_len;  /**< [192, 256], of which the first 192 bytes are used; 0 with a NULL secret */
} ration_options;

/**
 * Opens a limiter in private memory.
 *
 * All memory is taken here; it does not grow afterwards. Plans are all unset.
 *
 * @param options NULL: the defaults.
 * @param limiter receives the handle, NULL on error.
 * @return RATION_OK; RATION_ERR_ARGUMENT (limiter is NULL; a callback without its partner or its clock; secret and length
 *         disagree), RATION_ERR_RANGE, RATION_ERR_UNSUPPORTED, RATION_ERR_ALIGNMENT, RATION_ERR_MEMORY, RATION_ERR_SYSTEM.
 *
 * Threads: may run beside anything else. Progress: makes system calls.
 */
RATION_API int ration_open(const ration_options *options, ration_limiter **limiter);

/** Closes a limiter (NULL: nothing) and frees its memory. Threads: no call on this limiter may be in flight or follow. */
RATION_API void ration_close(ration_limiter *limiter);

/**
 * Sets or replaces a plan, atomically for every decision (G8).
 *
 * What keys have consumed is kept for limits of the same name and kind (and window, where there is one). A changed rate keeps
 * the time to full; a changed number of units keeps the units used; permits out stay out. A changed window or lease starts anew, and
 * so does a quota that is raised above 2^32 - 1 units or lowered back: its counter is of another kind.
 * A carry-in counts in the first window after it was first set, or in the one that carry_from_ns names.
 * Replacing costs no memory. The limits that share a counter through RATION_SHARED should have the same numbers.
 *
 * @param plan [0, options.plans).
 * @param limits `count` limits, each `limit_size` bytes after the one before (sizeof limits[0]).
 * @param count [1, RATION_LIMITS_MAX].
 * @return RATION_OK; RATION_ERR_ARGUMENT, RATION_ERR_RANGE, RATION_ERR_UNSUPPORTED, RATION_ERR_ALIGNMENT, RATION_ERR_DUPLICATE,
 *         RATION_ERR_BUSY (another thread is setting this plan). ration_check_plan says which field it is.
 */
RATION_API int ration_set_plan(ration_limiter *limiter, uint32_t plan, const ration_limit *limits, size_t limit_size, size_t count);

/** What is wrong with an argument. */
typedef struct ration_fault {
    int error;         /**< RATION_ERR_*, RATION_OK where nothing is wrong */
    uint32_t index;    /**< the limit's or the request's index */
    const char *field; /**< the field's name, "" where nothing is wrong; static storage */
    uint64_t value;    /**< what was found */
    uint64_t min;      /**< the least and the most allowed, both 0 where the error is no range */
    uint64_t max;
} ration_fault;

/** Checks limits as ration_set_plan would and says what is wrong. Returns fault->error. `fault` may not be NULL. */
RATION_API int ration_check_plan(const ration_limit *limits, size_t limit_size, size_t count, ration_fault *fault);
/** Checks options as ration_open would. Returns fault->error. */
RATION_API int ration_check_options(const ration_options *options, ration_fault *fault);
/** Writes a fault as a sentence of at most size - 1 bytes and a NUL, e.g. "limits[2].burst is 0; allowed is 1 to ..."; returns its whole length. */
RATION_API size_t ration_fault_format(const ration_fault *fault, const char *array, char *buffer, size_t size);

/* ---------------------------------------------------------------- deciding */

/** Flags of a request. */
enum {
    RATION_AT = 1,      /**< `now_ns` of the request is the time; 0 is a time */
    RATION_PARTIAL = 2, /**< accept part of the cost, at least 1 unit */
    RATION_JITTER = 4   /**< spread retry_after_ns of callers over a sixteenth of the window (rate: of the time a whole burst takes), at most an hour */
};

/** A permit: what a request holds of concurrency limits. Opaque, 128 bytes; may be copied, but only one copy released. */
typedef struct ration_permit {
    uint64_t words[16];
} ration_permit;

/** The state of one limit for one key, for headers and monitoring. */
typedef struct ration_usage {
    uint32_t kind;            /**< RATION_KIND_* */
    uint32_t flags;           /**< those of the limit */
    uint64_t limit;           /**< burst (rate), units or permits */
    uint64_t remaining;       /**< units that a request could have now */
    uint64_t reset_ns;        /**< from now until `remaining` is `limit` again, if nothing more is spent */
    uint64_t retry_after_ns;  /**< from now until this request's cost would pass; 0: it would now; RATION_NEVER */
    uint64_t period_ns;       /**< the window's length (rate: the time in which burst refills; concurrency: the lease) */
    uint32_t refused;         /**< 1: this limit refused, or would have (shadow) */
    uint32_t reserved;
    char name[RATION_NAME_MAX + 1];
} ration_usage;

/** One question. Fixed size; zero what is not used. */
typedef struct ration_request {
    const void *key;       /**< key_len bytes; NULL only with 0 */
    size_t key_len;        /**< [0, RATION_KEY_MAX] */
    uint64_t cost;         /**< units, [0, INT64_MAX]; 0 means 1 */
    uint64_t max_wait_ns;  /**< accept a grant that starts within this time (rate limits), [0, RATION_WAIT_MAX] */
    uint64_t now_ns;       /**< with RATION_AT */
    ration_permit *permit; /**< receives what is held; required with a concurrency limit that is no shadow */
    ration_usage *usages;  /**< receives the state of each limit of the plan, in order; or NULL */
    size_t usage_size;     /**< sizeof(ration_usage) where usages is given */
    size_t usage_capacity; /**< usages that fit, at least the plan's count */
    uint32_t plan;
    uint32_t keep_permille; /**< leave this share of every limit free after the request, [0, 1000]; rounded up */
    uint32_t flags;         /**< RATION_AT | RATION_PARTIAL | RATION_JITTER */
    uint32_t reserved[7];   /**< zero */
} ration_request;

/** Why a decision is what it is. The first four equal RATION_KIND_*. */
enum {
    RATION_REASON_NONE = 0, /**< allowed */
    RATION_REASON_RATE = 1,
    RATION_REASON_QUOTA = 2,
    RATION_REASON_SLIDING = 3,
    RATION_REASON_CONCURRENCY = 4,
    RATION_REASON_BLOCKED = 5, /**< the plan is blocked */
    RATION_REASON_FULL = 6,    /**< the counters found no room */
    RATION_REASON_ERROR = 7    /**< the call returned an error */
};

/** Flags of a decision. */
enum {
    RATION_DECISION_NEVER = 1,   /**< refused, and can never pass: the cost is above the burst, the quota, or what keep_permille leaves */
    RATION_DECISION_AGAIN = 2,   /**< allowed on a coalescing limit whose earlier holder lapsed with somebody waiting: run once more after this */
    RATION_DECISION_PENDING = 4, /**< refused by a coalescing limit, which remembers it: the holder is told to run once more */
    RATION_DECISION_FULL = 8     /**< admitted by RATION_FULL_ADMIT although counters found no room */
};

/** One answer. Fixed size. Always written; on error it is a refusal. */
typedef struct ration_decision {
    uint32_t allowed;        /**< 1 or 0 */
    uint32_t reason;         /**< RATION_REASON_*: of several refusing limits the one with the longest wait */
    uint32_t limit_index;    /**< that limit in its plan; where allowed, the limit with the least remaining */
    uint32_t request_index;  /**< the request it belongs to (ration_acquire_all) */
    uint32_t flags;          /**< RATION_DECISION_* */
    uint32_t would_refuse;   /**< shadow limits that would have refused: a bit each, in order over all requests' limits */
    uint64_t granted;        /**< units granted, 0 on a refusal */
    uint64_t limit;          /**< of the limit named above: its burst, units or permits */
    uint64_t remaining;      /**< units it has left after this decision */
    uint64_t reset_ns;       /**< from decided_at_ns until it is whole again */
    uint64_t retry_after_ns; /**< refused: from decided_at_ns until this request would pass, exact, rounded up, never 0; RATION_NEVER */
    uint64_t wait_ns;        /**< allowed: sleep this long before starting (max_wait_ns) */
    uint64_t decided_at_ns;  /**< the time of the decision */
    uint64_t reserved[3];
} ration_decision;

/**
 * Decides one request: all limits of its plan charge it, or none does (G2).
 *
 * @return RATION_OK, allowed or not; RATION_ERR_ARGUMENT (NULLs; a concurrency limit and no permit; usage_size or
 *         usage_capacity too small), RATION_ERR_RANGE, RATION_ERR_UNSUPPORTED (flags, reserved), RATION_ERR_ALIGNMENT,
 *         RATION_ERR_NO_PLAN.
 */
RATION_API int ration_acquire(ration_limiter *limiter, const ration_request *request, ration_decision *decision);

/**
 * Decides several requests as one: key, method and global, say. All are admitted or none is.
 *
 * The time, and the permit, are those of the first request (the others' must be unset); equal limits of equal keys are merged.
 *
 * @param count [1, RATION_REQUESTS_MAX]; all plans together at most RATION_DECISION_LIMITS_MAX limits.
 * @return as ration_acquire.
 */
RATION_API int ration_acquire_all(ration_limiter *limiter, const ration_request *requests, size_t count, ration_decision *decision);

/**
 * Decides `count` requests in order, each for itself, with one reading of the clock and their memory fetched ahead.
 *
 * All arguments are checked before anything is charged. RATION_AT is allowed in all requests or none.
 *
 * @param decisions `count` of them. On error each is a refusal.
 * @return as ration_acquire.
 */
RATION_API int ration_acquire_batch(ration_limiter *limiter, const ration_request *requests, size_t count, ration_decision *decisions);

/**
 * Gives back a permit.
 *
 * @param again NULL, or receives 1 where a coalescing limit refused somebody meanwhile: the permit is then kept and its lease
 *              renewed, and the caller runs once more and releases again. With NULL the permit is always given back.
 * @return RATION_OK; RATION_ERR_ARGUMENT, RATION_ERR_ALIGNMENT, RATION_ERR_NOT_HELD.
 */
RATION_API int ration_release(ration_limiter *limiter, ration_permit *permit, uint32_t *again);

/** Starts a permit's lease anew. @return as ration_release; after RATION_ERR_NOT_HELD nothing is held. */
RATION_API int ration_renew(ration_limiter *limiter, ration_permit *permit);

/**
 * Gives back units of an allowed request whose work turned out smaller or was not done.
 *
 * Only what the request spent, in the window in which it was decided, comes back: nothing once that window is over, and for a
 * rate no more than what has not refilled since. Never more than full. Limits that count calls get 1 back only when all of the
 * cost is given back; permits are not touched. Refund a decision once; twice is the caller's gift to the key, up to its cost each.
 *
 * @param request  as it was decided; cost = what was granted.
 * @param decided_at_ns decision.decided_at_ns.
 * @param units [0, cost].
 * @return RATION_OK (also where nothing could come back); errors as ration_acquire.
 */
RATION_API int ration_refund(ration_limiter *limiter, const ration_request *request, uint64_t decided_at_ns, uint64_t units);

/** Refunds what was granted above `actual` (at most decision->granted; a larger `actual` is RATION_ERR_RANGE). @return as ration_refund. */
RATION_API int ration_settle(ration_limiter *limiter, const ration_request *request, const ration_decision *decision, uint64_t actual);

/* ----------------------------------------------------------------- looking */

/**
 * Writes the state of every limit for a key, and changes nothing.
 *
 * @param usages `*count` of them fit, each usage_size bytes after the one before; `*count` receives the plan's number.
 * @return as ration_acquire; RATION_ERR_BUFFER where they do not fit; RATION_ERR_BUSY. Progress: bounded.
 */
RATION_API int ration_inspect(ration_limiter *limiter, const ration_request *request, ration_usage *usages, size_t usage_size, size_t *count);

/**
 * Forgets what a key has spent of a plan's limits. Permits out stay out; debt that an eviction merged into the sketch, shared
 * with other keys by design, stays until it is past.
 * @return as ration_acquire.
 */
RATION_API int ration_forget(ration_limiter *limiter, const ration_request *request);

/** Counts since ration_open in this process. */
typedef struct ration_stats {
    size_t size;            /**< sizeof(ration_stats), set by the caller */
    uint64_t allowed;       /**< decisions that admitted */
    uint64_t refused;       /**< decisions that refused, all reasons */
    uint64_t would_refuse;  /**< decisions in which a shadow limit would have refused */
    uint64_t inserted;      /**< counters given to a key */
    uint64_t reclaimed;     /**< stale counters taken back */
    uint64_t evicted;       /**< live counters taken back, their debt kept in the sketch */
    uint64_t full;          /**< decisions that found no room */
    uint64_t rolled_back;   /**< decisions undone after a race */
    uint64_t clock_jumps;   /**< times the clock went back by more than 5 s, or left the region's era */
    uint64_t insane;        /**< states that no sane clock could have made, put right */
    uint64_t slots;         /**< counters that memory holds */
    uint64_t memory_bytes;  /**< memory taken at ration_open */
} ration_stats;

/** Reads the statistics. Each number is exact once its threads are quiet. @return RATION_OK; RATION_ERR_ARGUMENT, RATION_ERR_UNSUPPORTED, RATION_ERR_ALIGNMENT. */
RATION_API int ration_get_stats(const ration_limiter *limiter, ration_stats *stats);

/* ----------------------------------------------------------------- helpers */

/** One part of a composite key. */
typedef struct ration_key_part {
    const void *bytes;
    size_t len;
} ration_key_part;

/**
 * Joins parts into one key so that no two lists of parts give the same key ("a","bc" differs from "ab","c"): each part is
 * preceded by its length.
 *
 * @param len receives the key's length, also where the buffer is too small.
 * @return RATION_OK; RATION_ERR_ARGUMENT; RATION_ERR_RANGE (longer than RATION_KEY_MAX); RATION_ERR_BUFFER.
 */
RATION_API int ration_key_join(const ration_key_part *parts, size_t count, void *buffer, size_t size, size_t *len);

#ifdef __cplusplus
}
#endif

#endif
