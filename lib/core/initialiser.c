/* SPDX-License-Identifier: BSD-2-Clause */
/** @file initialiser.c The initialisers of limits as functions, for languages without designated initialisers. */
#include "ration.h"

ration_limit ration_limit_rate(uint64_t units, uint64_t period_ns, uint64_t burst)
{
    return (ration_limit)RATION_RATE(units, period_ns, burst);
}

ration_limit ration_limit_quota(uint64_t units, uint64_t period)
{
    return (ration_limit)RATION_QUOTA(units, period);
}

ration_limit ration_limit_sliding(uint64_t units, uint64_t period_ns)
{
    return (ration_limit)RATION_SLIDING(units, period_ns);
}

ration_limit ration_limit_concurrency(uint64_t permits, uint64_t lease_ns)
{
    return (ration_limit)RATION_CONCURRENCY(permits, lease_ns);
}

ration_limit ration_limit_blocked(void)
{
    return (ration_limit)RATION_BLOCKED;
}

ration_limit ration_limit_unlimited(void)
{
    return (ration_limit)RATION_UNLIMITED;
}
