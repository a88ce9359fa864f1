/* SPDX-License-Identifier: BSD-2-Clause */
/** @file cpu.h What this CPU guarantees, asked once at open. */
#ifndef RATION_CORE_CPU_H
#define RATION_CORE_CPU_H

#include <stdbool.h>

/** True where an aligned 16-byte load is one atomic access: x86-64 with AVX, aarch64 with LSE2 (atomic.h). */
bool ration_cpu_loads_16_bytes(void);

#endif
