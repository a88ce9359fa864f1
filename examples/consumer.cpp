// SPDX-License-Identifier: BSD-2-Clause
// A C++17 consumer: the handle in a unique_ptr, limits by the function twins.
#include <ration.h>

#include <cstdio>
#include <memory>
#include <string_view>

struct close_limiter {
    void operator()(ration_limiter *limiter) const { ration_close(limiter); }
};

static bool acquire(ration_limiter *limiter, std::string_view key)
{
    ration_request request{};
    request.key = key.data();
    request.key_len = key.size();
    ration_decision decision;
    return ration_acquire(limiter, &request, &decision) == RATION_OK && decision.allowed != 0;
}

int main()
{
    ration_limiter *opened = nullptr;
    if (ration_open(nullptr, &opened) != RATION_OK) {
        return 1;
    }
    std::unique_ptr<ration_limiter, close_limiter> limiter(opened);
    const ration_limit plan[] = {ration_limit_rate(1, RATION_HOUR, 3)};
    if (ration_set_plan(limiter.get(), 0, plan, sizeof plan[0], 1) != RATION_OK) {
        return 1;
    }
    int admitted = 0;
    for (int call = 0; call < 5; call++) {
        admitted += acquire(limiter.get(), "tenant-7") ? 1 : 0;
    }
    std::printf("%d of 5 calls admitted, version %u\n", admitted, ration_version());
    return admitted == 3 ? 0 : 1;
}
