/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file hash.h
 * The keyed hash: XXH3 under a whole random secret, never a bare seed. The only file that includes xxhash.h.
 *
 * With a secret that is random throughout, the published pairs that collide for many seeds do not; see docs/algorithms.md.
 * Little- and big-endian machines get the same hash; a key is its bytes and its length, nothing after them is read.
 */
#ifndef RATION_CORE_HASH_H
#define RATION_CORE_HASH_H

#include <stddef.h>
#include <stdint.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

/** Bytes of the secret used; XXH3 asks for at least 136. */
#define RATION_SECRET_LEN 192

typedef struct ration_hash {
    uint64_t home; /* where counters live */
    uint64_t tag;  /* what they are */
} ration_hash;

static inline ration_hash ration_hash_bytes(const void *bytes, size_t len, const void *secret)
{
    XXH128_hash_t h = XXH3_128bits_withSecret(len == 0 ? "" : bytes, len, secret, RATION_SECRET_LEN);
    return (ration_hash){h.low64, h.high64};
}

static inline uint64_t ration_hash_check(const void *bytes, size_t len, const void *secret)
{
    return XXH3_64bits_withSecret(bytes, len, secret, RATION_SECRET_LEN);
}

#endif
