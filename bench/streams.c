/* SPDX-License-Identifier: BSD-2-Clause */
/** @file streams.c Drawing streams. */
#include "streams.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "measure.h"

#define EXPONENT 0.99

/* Short enough not to push the counters out of the cache, long enough not to be the working set: 4 numbers a key. */
static uint64_t stream_length(uint64_t keys)
{
    uint64_t length = 4096;
    while (length < 4 * keys && length < UINT64_C(1) << 24) {
        length *= 2;
    }
    return length;
}

/* Gray et al., "Quickly generating billion-record synthetic databases", 1994: the generator that YCSB uses. */
typedef struct zipf {
    double keys, zeta, alpha, eta;
} zipf;

static zipf zipf_begin(uint64_t keys)
{
    zipf z = {(double)keys, 0, 1 / (1 - EXPONENT), 0};
    for (uint64_t i = 1; i <= keys; i++) {
        z.zeta += pow((double)i, -EXPONENT);
    }
    z.eta = (1 - pow(2 / z.keys, 1 - EXPONENT)) / (1 - (1 + pow(0.5, EXPONENT)) / z.zeta);
    return z;
}

static uint64_t zipf_draw(const zipf *z, double u)
{
    double at = u * z->zeta;
    if (at < 1) {
        return 0;
    }
    if (at < 1 + pow(0.5, EXPONENT)) {
        return 1;
    }
    double rank = z->keys * pow(z->eta * u - z->eta + 1, z->alpha);
    return rank < z->keys ? (uint64_t)rank : (uint64_t)z->keys - 1;
}

bench_stream stream_open(uint64_t keys, int zipfian)
{
    bench_stream stream;
    uint64_t state = UINT64_C(88172645463325252);
    stream.mask = stream_length(keys) - 1;
    stream.numbers = malloc((stream.mask + 1) * sizeof *stream.numbers);
    if (stream.numbers == NULL) {
        fprintf(stderr, "no memory for a stream\n");
        exit(1);
    }
    zipf z = {0};
    if (zipfian) {
        z = zipf_begin(keys);
    }
    for (uint64_t i = 0; i <= stream.mask; i++) {
        uint64_t drawn = bench_random(&state);
        uint64_t number = zipfian ? zipf_draw(&z, (double)(drawn >> 11) / 9007199254740992.0) : (drawn >> 32) * keys >> 32;
        stream.numbers[i] = (uint32_t)number;
    }
    return stream;
}

void stream_close(bench_stream *stream)
{
    free(stream->numbers);
}
