/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file fuzz_http.c
 * Bytes as a decision and usages: what is formatted is parsed back by a parser of its own, and says the same; no byte beyond the
 * buffer is touched, no line can be smuggled in, and every size of buffer is answered alike.
 */
#include <ration/http.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
    if (!holds) {
        abort();
    }
}

/* "name";key=integer with optional ;qu="..." items, a comma and a space between; returns how many. */
static unsigned parse_list(const char *at, const char *end)
{
    unsigned items = 0;
    for (;;) {
        require(*at++ == '"');
        while (*at != '"') {
            require(at < end && *at >= 0x20 && *at <= 0x7e && *at != '\\');
            at++;
        }
        at++;
        while (*at == ';') {
            at++;
            while (*at >= 'a' && *at <= 'z') {
                at++;
            }
            require(*at++ == '=');
            if (*at == '"') {
                at = strchr(at + 1, '"') + 1;
            } else {
                const char *digits = at;
                while (*at >= '0' && *at <= '9') {
                    at++;
                }
                require(at > digits && at - digits <= 15);
            }
        }
        items++;
        if (at == end) {
            return items;
        }
        require(at[0] == ',' && at[1] == ' ');
        at += 2;
    }
}

static void parse_response(char *response, size_t len, const ration_decision *decision, unsigned listed)
{
    response[len] = '\0';
    require(strlen(response) == len && strncmp(response, "HTTP/1.1 ", 9) == 0);
    unsigned status = (unsigned)strtoul(response + 9, NULL, 10), seen = 0;
    require((status == 200) == (decision->allowed != 0));
    char *line = strstr(response, "\r\n") + 2, *end;
    unsigned long body_len = 0, retry = 0;
    for (; (end = strstr(line, "\r\n")) != line; line = end + 2) {
        require(end != NULL);
        if (strncmp(line, "RateLimit: ", 11) == 0 || strncmp(line, "RateLimit-Policy: ", 18) == 0) {
            require(parse_list(strchr(line, ' ') + 1, end) == listed);
            seen++;
        } else if (strncmp(line, "Retry-After: ", 13) == 0) {
            retry = strtoul(line + 13, NULL, 10);
            require(retry >= 1 && retry >= decision->retry_after_ns / RATION_SECOND);
        } else if (strncmp(line, "Content-Length: ", 16) == 0) {
            body_len = strtoul(line + 16, NULL, 10);
        }
    }
    require(strlen(line + 2) == body_len && (listed == 0 || seen == 0 || seen == 2));
    require((retry != 0) == (decision->allowed == 0 && decision->retry_after_ns != RATION_NEVER));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct {
        uint8_t flags, count, cut[2];
        ration_decision decision;
        ration_usage usages[RATION_LIMITS_MAX];
    } in;
    memset(&in, 0, sizeof in);
    memcpy(&in, data, size < sizeof in ? size : sizeof in);
    size_t count = in.count % (RATION_LIMITS_MAX + 2);
    char whole[RATION_HTTP_SIZE_MAX + 1], part[RATION_HTTP_SIZE_MAX];
    size_t len, again;
    int error = ration_http_format_with(&in.decision, in.usages, sizeof in.usages[0], count, in.flags % 9, whole, sizeof whole - 1, &len);
    require(error == RATION_OK || error == RATION_ERR_ARGUMENT || error == RATION_ERR_RANGE || error == RATION_ERR_UNSUPPORTED);
    if (error != RATION_OK) {
        return 0;
    }
    unsigned listed = 0;
    for (size_t i = 0; i < count; i++) {
        listed += in.usages[i].kind >= 1 && in.usages[i].kind <= 4 && (in.usages[i].flags & RATION_SHADOW) == 0;
    }
    size_t cut = (in.cut[0] | (size_t)in.cut[1] << 8) % (len + 1);
    memset(part, 0x55, sizeof part);
    int cut_error = ration_http_format_with(&in.decision, in.usages, sizeof in.usages[0], count, in.flags % 9, part, cut, &again);
    require(cut_error == (cut < len ? RATION_ERR_BUFFER : RATION_OK) && again == len);
    for (size_t i = cut; i < sizeof part; i++) {
        require(part[i] == 0x55);
    }
    parse_response(whole, len, &in.decision, listed);
    return 0;
}
