/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file fuzz_plan.c
 * Bytes as options, limits and a request: check and set agree, whatever passes the check can be decided on, and no answer
 * contradicts itself.
 */
#include <ration.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
    if (!holds) {
        abort();
    }
}

static const uint8_t *bytes;
static size_t left;

static void take(void *to, size_t size)
{
    size_t have = size < left ? size : left;
    memset(to, 0, size);
    if (have > 0) {
        memcpy(to, bytes, have);
    }
    bytes += have;
    left -= have;
}

static uint64_t take_number(void)
{
    uint8_t shape;
    uint64_t number;
    take(&shape, 1);
    take(&number, 1 + shape % 8);
    return (shape & 0x80) != 0 ? number * RATION_SECOND : number;
}

static void decide(ration_limiter *limiter)
{
    static _Alignas(16) char key[16];
    for (int i = 0; i < 8; i++) {
        ration_request request = {.key = key, .key_len = 8, .flags = RATION_AT};
        ration_permit permit;
        ration_usage usages[RATION_LIMITS_MAX];
        ration_decision decision;
        uint8_t how;
        take(&how, 1);
        take(key, 1);
        request.now_ns = take_number();
        request.cost = take_number();
        request.keep_permille = how;
        request.max_wait_ns = (how & 1) != 0 ? take_number() % RATION_WAIT_MAX : 0;
        request.flags |= (how & 2) != 0 ? RATION_PARTIAL : 0;
        request.flags |= (how & 4) != 0 ? RATION_JITTER : 0;
        request.permit = &permit;
        if ((how & 8) != 0) {
            request.usages = usages;
            request.usage_size = sizeof usages[0];
            request.usage_capacity = RATION_LIMITS_MAX;
        }
        int error = ration_acquire(limiter, &request, &decision);
        require(error == RATION_OK || (error == RATION_ERR_RANGE && request.cost > INT64_MAX));
        require(decision.allowed == (decision.reason == RATION_REASON_NONE));
        require(decision.allowed != 0 ? decision.granted > 0 && decision.retry_after_ns == 0 : decision.granted == 0 && decision.retry_after_ns > 0);
        if ((how & 16) != 0 && decision.allowed != 0) {
            request.cost = decision.granted;
            require(ration_refund(limiter, &request, decision.decided_at_ns, decision.granted) == RATION_OK);
            int released = ration_release(limiter, &permit, NULL);
            require(released == RATION_OK || released == RATION_ERR_NOT_HELD);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bytes = data;
    left = size;
    uint8_t count;
    take(&count, 1);
    ration_limit limits[RATION_LIMITS_MAX + 1];
    static const char *const names[] = {NULL, "a", "b", "c", "d", "e", "f", "quota", "rate"};
    memset(limits, 0, sizeof limits);
    count %= RATION_LIMITS_MAX + 2;
    for (unsigned i = 0; i < count; i++) {
        uint8_t field[6];
        take(field, sizeof field);
        limits[i] = (ration_limit){.size = field[0] < 250 ? sizeof limits[0] : field[0], .kind = field[1] % 8, .flags = field[2] % 9,
                                   .counts = field[3] % 3, .name = names[field[4] % 9], .anchor_day = field[5] < 200 ? 0 : field[5] % 32};
        limits[i].units = take_number();
        limits[i].period = take_number();
        limits[i].burst = limits[i].kind == RATION_KIND_RATE ? take_number() : 0;
    }
    ration_fault fault;
    int error = ration_check_plan(limits, sizeof limits[0], count, &fault);
    char text[64];
    require(fault.error == error && fault.field != NULL && ration_fault_format(&fault, "limits", text, sizeof text) > 0);
    require((error == RATION_OK) == (fault.field[0] == '\0'));
    ration_limiter *limiter;
    const ration_options options = {.size = sizeof options, .counters = 64, .plans = 1};
    require(ration_open(&options, &limiter) == RATION_OK);
    require(ration_set_plan(limiter, 0, limits, sizeof limits[0], count) == error);
    if (error == RATION_OK) {
        decide(limiter);
    }
    ration_close(limiter);
    return 0;
}
