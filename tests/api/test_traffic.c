/* SPDX-License-Identifier: BSD-2-Clause */
/** @file test_traffic.c Traffic of a honeynet, replayed: the refusals equal those computed independently, to the unit. */
#include "fixture.h"

#include <stdio.h>
#include <time.h>

#define CLIENTS_MAX 16384
#define REQUESTS_OF_LOG 38487
#define CLIENTS_OF_LOG 9269

typedef struct visit {
    uint32_t client;
    uint64_t at_s;
} visit;

static visit visits[REQUESTS_OF_LOG + 1];
static char clients[CLIENTS_MAX][16];
static size_t visit_count, client_count;

static uint32_t client_of(const char *address)
{
    static uint32_t slots[4 * CLIENTS_MAX];
    uint32_t slot = 0;
    for (const char *byte = address; *byte != '\0'; byte++) {
        slot = slot * 31 + (unsigned char)*byte;
    }
    for (slot %= 4 * CLIENTS_MAX; slots[slot] != 0; slot = (slot + 1) % (4 * CLIENTS_MAX)) {
        if (strcmp(clients[slots[slot] - 1], address) == 0) {
            return slots[slot] - 1;
        }
    }
    strcpy(clients[client_count], address);
    slots[slot] = (uint32_t)++client_count;
    return slots[slot] - 1;
}

/** "21/Apr/2004:10:56:07 -0400" in seconds since 1970; 0 where it is no such time. */
static uint64_t seconds_of(const char *text)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    char month[4], sign;
    int day, year, hour, minute, second, zone;
    if (sscanf(text, "%d/%3s/%d:%d:%d:%d %c%d", &day, month, &year, &hour, &minute, &second, &sign, &zone) != 8) {
        return 0;
    }
    const char *found = strstr(months, month);
    struct tm civil = {.tm_mday = day, .tm_mon = found == NULL ? 0 : (int)(found - months) / 3, .tm_year = year - 1900};
    civil.tm_hour = hour;
    civil.tm_min = minute;
    civil.tm_sec = second;
    int offset_s = (zone / 100 * 60 + zone % 100) * 60;
    return (uint64_t)(timegm(&civil) - (sign == '-' ? -offset_s : offset_s));
}

static FILE *open_log(void)
{
    char path[4000], command[4200];
    const char *folder = getenv("RATION_TEST_DATA"), *end = strstr(__FILE__, "tests/api/");
    if (folder != NULL) {
        snprintf(path, sizeof path, "%s/honeynet.log.gz", folder);
    } else {
        snprintf(path, sizeof path, "%.*s../shared/data/honeynet.log.gz", end == NULL ? 0 : (int)(end - __FILE__), __FILE__);
    }
    FILE *packed = fopen(path, "rb");
    if (packed == NULL) {
        printf("SKIPPED: %s is not there; name its folder in RATION_TEST_DATA\n", path);
        return NULL;
    }
    fclose(packed);
    snprintf(command, sizeof command, "gzip -dc '%s'", path);
    return popen(command, "r");
}

/** Reads the whole log; 0 where it is absent. */
static int read_log(void)
{
    char line[4096], address[16], date[32];
    FILE *log = open_log();
    if (log == NULL) {
        return 0;
    }
    while (fgets(line, sizeof line, log) != NULL && visit_count < REQUESTS_OF_LOG + 1) {
        if (sscanf(line, "%15s - - [%31[^]]", address, date) == 2 && client_count < CLIENTS_MAX) {
            visits[visit_count].client = client_of(address);
            visits[visit_count++].at_s = seconds_of(date);
        }
    }
    pclose(log);
    return 1;
}

static ration_limiter *open_for_log(const ration_limit *limit)
{
    ration_limiter *limiter;
    ration_options options = {
        .size = sizeof options, .counters = 65536, .plans = 1, .clock = RATION_CLOCK_CALLBACK, .now_ns = read_fake_clock};
    fake_now_ns = visits[0].at_s * RATION_SECOND;
    ck_assert_int_eq(ration_open(&options, &limiter), RATION_OK);
    set_plan(limiter, 0, limit, 1);
    return limiter;
}

static ration_decision replay_visit(ration_limiter *limiter, const visit *at)
{
    ration_request request = request_of(0, clients[at->client], 1);
    request.flags = RATION_AT;
    request.now_ns = at->at_s * RATION_SECOND;
    return decide(limiter, &request);
}

static size_t refusals_of(const ration_limit *limit)
{
    size_t refused = 0;
    ration_stats stats = {.size = sizeof stats};
    ration_limiter *limiter = open_for_log(limit);
    for (size_t i = 0; i < visit_count; i++) {
        refused += !replay_visit(limiter, &visits[i]).allowed;
    }
    ck_assert_int_eq(ration_get_stats(limiter, &stats), RATION_OK);
    ck_assert_uint_eq(stats.refused, refused);
    ck_assert_uint_eq(stats.allowed, visit_count - refused);
    ck_assert_uint_eq(stats.evicted + stats.full + stats.insane, 0);
    ration_close(limiter);
    return refused;
}

START_TEST(the_log_is_whole)
{
    ck_assert_uint_eq(visit_count, REQUESTS_OF_LOG);
    ck_assert_uint_eq(client_count, CLIENTS_OF_LOG);
    ck_assert_uint_eq(visits[0].at_s, 1082559367); /* 21/Apr/2004:10:56:07 -0400 */
    for (size_t i = 1; i < visit_count; i++) {
        ck_assert_uint_ge(visits[i].at_s, visits[i - 1].at_s);
    }
}
END_TEST

START_TEST(one_a_second_refuses_20642)
{
    ration_limit limit = RATION_RATE(1, RATION_SECOND, 1);
    ck_assert_uint_eq(refusals_of(&limit), 20642);
}
END_TEST

START_TEST(five_in_a_second_refuses_9395)
{
    ration_limit limit = RATION_QUOTA(5, RATION_SECOND);
    ck_assert_uint_eq(refusals_of(&limit), 9395);
}
END_TEST

START_TEST(ten_a_day_refuses_23519)
{
    ration_limit limit = RATION_QUOTA(10, RATION_CALENDAR_DAY);
    ck_assert_uint_eq(refusals_of(&limit), 23519);
}
END_TEST

/** How many clients had more than 2 000 requests in some 300 s, counted from the log itself. */
static size_t clients_above_2000(void)
{
    size_t above = 0;
    uint64_t *times = calloc(visit_count, sizeof times[0]);
    ck_assert_ptr_nonnull(times);
    for (uint32_t client = 0; client < client_count; client++) {
        size_t count = 0, exceeds = 0;
        for (size_t i = 0; i < visit_count; i++) {
            if (visits[i].client == client) {
                times[count++] = visits[i].at_s;
                exceeds |= count > 2000 && times[count - 1] - times[count - 2001] < 300;
            }
        }
        above += exceeds;
    }
    free(times);
    return above;
}

START_TEST(a_sliding_limit_finds_the_one_client_above_2000_in_300_s)
{
    static uint8_t found[CLIENTS_MAX];
    size_t count = 0;
    ration_limit limit = RATION_SLIDING(2000, 300 * RATION_SECOND, .flags = RATION_SHADOW);
    ration_limiter *limiter = open_for_log(&limit);
    for (size_t i = 0; i < visit_count; i++) {
        ration_decision decision = replay_visit(limiter, &visits[i]);
        ck_assert_uint_eq(decision.allowed, 1);
        count += (decision.would_refuse & 1) != 0 && !found[visits[i].client];
        found[visits[i].client] |= (decision.would_refuse & 1) != 0;
    }
    ck_assert_uint_eq(clients_above_2000(), 1);
    ck_assert_uint_eq(count, 1);
    ration_close(limiter);
}
END_TEST

int main(void)
{
    if (!read_log()) {
        return 77;
    }
    TCase *tests = tcase_create("traffic");
    tcase_add_test(tests, the_log_is_whole);
    tcase_add_test(tests, one_a_second_refuses_20642);
    tcase_add_test(tests, five_in_a_second_refuses_9395);
    tcase_add_test(tests, ten_a_day_refuses_23519);
    tcase_add_test(tests, a_sliding_limit_finds_the_one_client_above_2000_in_300_s);
    return run_suite("traffic", tests, 300);
}
