/* SPDX-License-Identifier: BSD-2-Clause */
/** @file consumer.cpp The same in C++17, which has no designated initialisers: limits come from functions. */
#include <ration.h>

#include <cstdio>
#include <memory>
#include <string>

namespace {

struct closer {
    void operator()(ration_limiter *limiter) const { ration_close(limiter); }
};

int expect(bool holds, const char *what)
{
    if (!holds) {
        std::fprintf(stderr, "consumer.cpp: %s does not hold\n", what);
    }
    return holds ? 0 : 1;
}

} // namespace

int main(int argc, char **argv)
{
    const std::string version = std::to_string(RATION_VERSION_MAJOR) + "." + std::to_string(RATION_VERSION_MINOR) + "." +
                                std::to_string(RATION_VERSION_PATCH);
    int failures = expect(argc == 2 && argv[1] == version, "the package's version is the header's");

    ration_limiter *opened = nullptr;
    failures += expect(ration_open(nullptr, &opened) == RATION_OK, "ration_open succeeds");
    const std::unique_ptr<ration_limiter, closer> limiter(opened);
    const ration_limit limits[] = {ration_limit_rate(1, RATION_HOUR, 2), ration_limit_quota(100, RATION_CALENDAR_DAY)};
    failures += expect(ration_set_plan(limiter.get(), 1, limits, sizeof limits[0], 2) == RATION_OK, "the plan is accepted");

    const std::string key = "caller";
    ration_request request{};
    request.key = key.data();
    request.key_len = key.size();
    request.plan = 1;
    request.flags = RATION_AT;
    request.now_ns = 1700000000 * RATION_SECOND;
    unsigned allowed = 0;
    ration_decision decision{};
    for (int call = 0; call < 3; call++) {
        failures += expect(ration_acquire(limiter.get(), &request, &decision) == RATION_OK, "the call is decided");
        allowed += decision.allowed;
    }
    failures += expect(allowed == 2 && decision.reason == RATION_REASON_RATE, "two calls pass and the third does not");
    return failures == 0 ? 0 : 1;
}
