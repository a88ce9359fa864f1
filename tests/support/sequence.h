/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file sequence.h
 * Plays a sequence of operations, read from bytes, on a limiter and on the reference, and says where they first differ. Both the
 * random test and the fuzz target play through it.
 */
#ifndef RATION_TESTS_SEQUENCE_H
#define RATION_TESTS_SEQUENCE_H

#include <stddef.h>
#include <stdint.h>

/** Plays; returns 0, or 1 with the first difference printed. `operations` receives how many were played, may be NULL. */
int sequence_play(const uint8_t *bytes, size_t len, size_t *operations);

#endif
