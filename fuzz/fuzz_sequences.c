/* SPDX-License-Identifier: BSD-2-Clause */
/** @file fuzz_sequences.c Bytes as operations: the library and the sequential reference agree on every answer. */
#include <stdlib.h>

#include "support/sequence.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (sequence_play(data, size, NULL) != 0) {
        abort();
    }
    return 0;
}
