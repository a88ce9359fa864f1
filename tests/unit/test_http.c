/* SPDX-License-Identifier: BSD-2-Clause */
/** @file test_http.c Replies, byte for byte. */
#include <check.h>
#include <ration/http.h>
#include <stdlib.h>
#include <string.h>

static ration_usage usage_of(uint32_t kind, const char *name, uint64_t limit, uint64_t remaining, uint64_t reset_ns, uint64_t period_ns)
{
    ration_usage usage;
    memset(&usage, 0, sizeof usage);
    usage.kind = kind;
    usage.limit = limit;
    usage.remaining = remaining;
    usage.reset_ns = reset_ns;
    usage.period_ns = period_ns;
    strcpy(usage.name, name);
    return usage;
}

static ration_decision refusal(uint32_t reason, uint64_t retry_after_ns)
{
    ration_decision decision;
    memset(&decision, 0, sizeof decision);
    decision.reason = reason;
    decision.retry_after_ns = retry_after_ns;
    decision.limit = 10;
    decision.reset_ns = 1500 * RATION_MILLISECOND;
    return decision;
}

static void expect_response(const ration_decision *decision, const ration_usage *usages, size_t count, uint32_t flags, const char *expected)
{
    char buffer[RATION_HTTP_SIZE_MAX];
    size_t len;
    ck_assert_int_eq(ration_http_format_with(decision, usages, sizeof(ration_usage), count, flags, buffer, sizeof buffer, &len), RATION_OK);
    ck_assert_uint_eq(len, strlen(expected));
    buffer[len] = '\0';
    ck_assert_str_eq(buffer, expected);
}

START_TEST(an_allowed_request_gets_its_headers)
{
    ration_usage usages[] = {usage_of(RATION_KIND_RATE, "burst", 20, 19, RATION_SECOND / 10, 2 * RATION_SECOND),
                             usage_of(RATION_KIND_QUOTA, "daily", 5000, 4999, 3600 * RATION_SECOND, RATION_DAY)};
    ration_decision decision = {.allowed = 1, .granted = 1, .limit = 20, .remaining = 19, .reset_ns = RATION_SECOND / 10};
    expect_response(&decision, usages, 2, RATION_HTTP_LEGACY,
                    "HTTP/1.1 200 OK\r\n"
                    "RateLimit-Policy: \"burst\";q=20;w=2, \"daily\";q=5000;w=86400\r\n"
                    "RateLimit: \"burst\";r=19;t=1, \"daily\";r=4999;t=3600\r\n"
                    "X-RateLimit-Limit: 20\r\nX-RateLimit-Remaining: 19\r\nX-RateLimit-Reset: 1\r\n"
                    "Content-Length: 0\r\n\r\n");
}
END_TEST

START_TEST(bodies_are_api_gateways)
{
    ration_decision rate = refusal(RATION_REASON_RATE, 1), quota = refusal(RATION_REASON_QUOTA, 3600 * RATION_SECOND + 1),
                    blocked = refusal(RATION_REASON_BLOCKED, RATION_NEVER);
    expect_response(&rate, NULL, 0, 0,
                    "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\nContent-Type: application/json\r\nContent-Length: 31\r\n\r\n"
                    "{\"message\":\"Too Many Requests\"}");
    expect_response(&quota, NULL, 0, 0,
                    "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 3601\r\nContent-Type: application/json\r\nContent-Length: 28\r\n\r\n"
                    "{\"message\":\"Limit Exceeded\"}");
    expect_response(&blocked, NULL, 0, 0,
                    "HTTP/1.1 403 Forbidden\r\nContent-Type: application/json\r\nContent-Length: 23\r\n\r\n{\"message\":\"Forbidden\"}");
    ration_http_reply reply = {.size = sizeof reply};
    ration_http_reply_forbidden(&reply);
    ck_assert_uint_eq(reply.status, 403);
    ck_assert_uint_eq(reply.body_len, 23);
    ck_assert_str_eq(reply.body, "{\"message\":\"Forbidden\"}");
}
END_TEST

START_TEST(retry_after_is_rounded_up_and_never_0) /* S10 */
{
    const struct {
        uint64_t retry_ns;
        const char *header;
    } cases[] = {{0, "Retry-After: 1\r\n"}, {1, "Retry-After: 1\r\n"}, {RATION_SECOND, "Retry-After: 1\r\n"},
                 {RATION_SECOND + 1, "Retry-After: 2\r\n"}, {UINT64_MAX - 1, "Retry-After: 18446744074\r\n"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ration_decision decision = refusal(RATION_REASON_SLIDING, cases[i].retry_ns);
        char buffer[RATION_HTTP_SIZE_MAX + 1];
        size_t len;
        ck_assert_int_eq(ration_http_format(&decision, NULL, 0, 0, buffer, sizeof buffer - 1, &len), RATION_OK);
        buffer[len] = '\0';
        ck_assert_ptr_nonnull(strstr(buffer, cases[i].header));
    }
    ration_decision never = refusal(RATION_REASON_RATE, RATION_NEVER);
    char buffer[RATION_HTTP_SIZE_MAX + 1];
    size_t len;
    ck_assert_int_eq(ration_http_format(&never, NULL, 0, 0, buffer, sizeof buffer - 1, &len), RATION_OK);
    buffer[len] = '\0';
    ck_assert_ptr_null(strstr(buffer, "Retry-After"));
}
END_TEST

START_TEST(problem_details_name_the_violated_policies)
{
    ration_usage usages[] = {usage_of(RATION_KIND_CONCURRENCY, "at-a-time", 1, 0, 30 * RATION_SECOND, 30 * RATION_SECOND),
                             usage_of(RATION_KIND_RATE, "shadow", 1, 0, RATION_SECOND, RATION_SECOND)};
    usages[0].refused = usages[1].refused = 1;
    usages[0].retry_after_ns = RATION_SECOND;
    usages[1].flags = RATION_SHADOW;
    ration_decision decision = refusal(RATION_REASON_CONCURRENCY, RATION_SECOND), full = refusal(RATION_REASON_FULL, RATION_SECOND);
    expect_response(&decision, usages, 2, RATION_HTTP_PROBLEM,
                    "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\n"
                    "RateLimit-Policy: \"at-a-time\";q=1;qu=\"concurrent-requests\"\r\nRateLimit: \"at-a-time\";r=0;t=1\r\n"
                    "Content-Type: application/problem+json\r\nContent-Length: 194\r\n\r\n"
                    "{\"type\":\"https://iana.org/assignments/http-problem-types#quota-exceeded\",\"title\":\"Request cannot be satisfied as "
                    "assigned quota has been exceeded\",\"status\":429,\"violated-policies\":[\"at-a-time\"]}");
    char buffer[RATION_HTTP_SIZE_MAX + 1];
    size_t len;
    ck_assert_int_eq(ration_http_format_with(&full, NULL, 0, 0, RATION_HTTP_PROBLEM, buffer, sizeof buffer - 1, &len), RATION_OK);
    buffer[len] = '\0';
    ck_assert_ptr_nonnull(strstr(buffer, "HTTP/1.1 503 "));
    ck_assert_ptr_nonnull(strstr(buffer, "#temporary-reduced-capacity"));
}
END_TEST

START_TEST(structured_fields_hold_15_digits)
{
    ration_usage usage = usage_of(RATION_KIND_QUOTA, "wide", UINT64_MAX, UINT64_MAX, 0, 1);
    ration_decision decision = {.allowed = 1};
    expect_response(&decision, &usage, 1, 0,
                    "HTTP/1.1 200 OK\r\nRateLimit-Policy: \"wide\";q=999999999999999;w=1\r\n"
                    "RateLimit: \"wide\";r=999999999999999;t=0\r\nContent-Length: 0\r\n\r\n");
}
END_TEST

START_TEST(every_size_of_buffer_is_answered)
{
    ration_usage usage = usage_of(RATION_KIND_RATE, "burst", 20, 0, RATION_SECOND, RATION_SECOND);
    ration_decision decision = refusal(RATION_REASON_RATE, RATION_SECOND);
    char whole[RATION_HTTP_SIZE_MAX];
    size_t needed, len;
    ck_assert_int_eq(ration_http_format_with(&decision, &usage, sizeof usage, 1, RATION_HTTP_PROBLEM, whole, sizeof whole, &needed), RATION_OK);
    for (size_t size = 0; size <= needed; size++) {
        char *part = malloc(size + 1); /* for AddressSanitizer to see a byte too many */
        part[size] = 0x55;
        int error = ration_http_format_with(&decision, &usage, sizeof usage, 1, RATION_HTTP_PROBLEM, part, size, &len);
        ck_assert_int_eq(error, size < needed ? RATION_ERR_BUFFER : RATION_OK);
        ck_assert_uint_eq(len, needed);
        ck_assert_int_eq(memcmp(part, whole, size), 0);
        ck_assert_int_eq(part[size], 0x55);
        free(part);
    }
}
END_TEST

START_TEST(hostile_names_and_arguments_are_refused) /* F46, F47 */
{
    const char *names[] = {"a\r\nSet-Cookie: x", "a\"b", "a\\b", "a\x80", "", "a\x1b"};
    ration_decision decision = refusal(RATION_REASON_RATE, 1);
    char buffer[RATION_HTTP_SIZE_MAX];
    size_t len;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        ration_usage usage = usage_of(RATION_KIND_RATE, names[i], 1, 1, 1, 1);
        ck_assert_int_eq(ration_http_format(&decision, &usage, sizeof usage, 1, buffer, sizeof buffer, &len), RATION_ERR_ARGUMENT);
    }
    ration_usage usage = usage_of(RATION_KIND_RATE, "x", 1, 1, 1, 1);
    memset(usage.name, 'n', sizeof usage.name);
    ck_assert_int_eq(ration_http_format(&decision, &usage, sizeof usage, 1, buffer, sizeof buffer, &len), RATION_ERR_ARGUMENT);
    ck_assert_int_eq(ration_http_format(NULL, NULL, 0, 0, buffer, sizeof buffer, &len), RATION_ERR_ARGUMENT);
    ck_assert_int_eq(ration_http_format(&decision, NULL, 0, 1, buffer, sizeof buffer, &len), RATION_ERR_ARGUMENT);
    ck_assert_int_eq(ration_http_format(&decision, &usage, sizeof usage, 9, buffer, sizeof buffer, &len), RATION_ERR_RANGE);
    ck_assert_int_eq(ration_http_format(&decision, &usage, 8, 1, buffer, sizeof buffer, &len), RATION_ERR_ARGUMENT);
    ck_assert_int_eq(ration_http_format_with(&decision, NULL, 0, 0, 8, buffer, sizeof buffer, &len), RATION_ERR_UNSUPPORTED);
    ck_assert_int_eq(ration_http_format(&decision, NULL, 0, 0, buffer, sizeof buffer, NULL), RATION_ERR_ARGUMENT);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("http");
    TCase *tests = tcase_create("http");
    tcase_add_test(tests, an_allowed_request_gets_its_headers);
    tcase_add_test(tests, bodies_are_api_gateways);
    tcase_add_test(tests, retry_after_is_rounded_up_and_never_0);
    tcase_add_test(tests, problem_details_name_the_violated_policies);
    tcase_add_test(tests, structured_fields_hold_15_digits);
    tcase_add_test(tests, every_size_of_buffer_is_answered);
    tcase_add_test(tests, hostile_names_and_arguments_are_refused);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
