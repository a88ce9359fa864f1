/* SPDX-License-Identifier: BSD-2-Clause */
/** @file cpu.c What this CPU guarantees. */
#include "cpu.h"

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__)
#include <sys/auxv.h>
#endif

bool ration_cpu_loads_16_bytes(void)
{
#if defined(__x86_64__)
    unsigned a, b, c = 0, d;
    return __get_cpuid(1, &a, &b, &c, &d) != 0 && (c & bit_AVX) != 0;
#elif defined(__aarch64__)
    const unsigned long uscat = 1ul << 25; /* HWCAP_USCAT: unaligned and 16-byte single-copy atomicity, LSE2 */
    return (getauxval(AT_HWCAP) & uscat) != 0;
#else
    return false;
#endif
}
