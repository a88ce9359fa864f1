/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file streams.h
 * Which key comes next, drawn before the measurement: a stream of key numbers, read in order and over again.
 */
#ifndef BENCH_STREAMS_H
#define BENCH_STREAMS_H

#include <stdint.h>
#include <string.h>

#define STREAM_KEY_MAX 40

typedef struct bench_stream {
    uint32_t *numbers;
    uint64_t mask; /* its length - 1, a power of two */
} bench_stream;

/** Uniform over [0, keys), or Zipf(0.99) with key 0 the most frequent. */
bench_stream stream_open(uint64_t keys, int zipf);
void stream_close(bench_stream *stream);

/** Fills a key's constant part, as of an address or a UUID. */
static inline void stream_begin_key(char *key)
{
    memcpy(key, "0123456789abcdef-0123456789abcdef-0123", STREAM_KEY_MAX - 1);
}

/** Writes a key's number. */
static inline void stream_write_key(char *key, uint64_t number)
{
    memcpy(key, &number, sizeof number);
}

#endif
