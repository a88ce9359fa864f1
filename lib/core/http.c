/* SPDX-License-Identifier: BSD-2-Clause */
/** @file http.c Decisions as HTTP: status, headers and bodies. */
#include "ration/http.h"

#include <stdbool.h>
#include <string.h>

#define HTTP_INTEGER_MAX UINT64_C(999999999999999) /* RFC 9651: at most 15 digits */
#define HTTP_NS_PER_S UINT64_C(1000000000)

static const char http_forbidden[] = "{\"message\":\"Forbidden\"}";
static const char http_json[] = "application/json";

/* Text under construction in the caller's buffer: counts on past its end. */
typedef struct http_text {
    char *buffer;
    size_t size;
    size_t len;
} http_text;

static void put_bytes(http_text *text, const char *bytes, size_t len)
{
    if (text->len < text->size) {
        size_t room = text->size - text->len;
        memcpy(text->buffer + text->len, bytes, len < room ? len : room);
    }
    text->len += len;
}

static void put_string(http_text *text, const char *string)
{
    put_bytes(text, string, strlen(string));
}

static void put_integer(http_text *text, uint64_t value)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    put_bytes(text, digits + at, sizeof digits - at);
}

static uint64_t clamp_integer(uint64_t value)
{
    return value < HTTP_INTEGER_MAX ? value : HTTP_INTEGER_MAX;
}

/* Whole seconds, rounded up: never earlier than the truth. */
static uint64_t seconds_of(uint64_t ns)
{
    return ns / HTTP_NS_PER_S + (ns % HTTP_NS_PER_S != 0);
}

/* The start of a string of the reply; where the buffer is too small it is never used. */
static const char *text_here(const http_text *text)
{
    return text->len < text->size ? text->buffer + text->len : "";
}

static const ration_usage *usage_at(const ration_usage *usages, size_t usage_size, size_t index)
{
    return (const ration_usage *)(const void *)((const unsigned char *)usages + index * usage_size);
}

/* A name goes into a quoted string of a header and of JSON: only what needs no escape in either may pass. */
static bool name_is_plain(const ration_usage *usage)
{
    size_t len = 0;
    while (len <= RATION_NAME_MAX && usage->name[len] != '\0') {
        unsigned char c = (unsigned char)usage->name[len++];
        if (c < 0x20 || c > 0x7e || c == '"' || c == '\\') {
            return false;
        }
    }
    return len > 0 && len <= RATION_NAME_MAX;
}

static bool usage_is_limit(const ration_usage *usage)
{
    return usage->kind >= RATION_KIND_RATE && usage->kind <= RATION_KIND_CONCURRENCY && (usage->flags & RATION_SHADOW) == 0;
}

static int check_usages_of(const ration_usage *usages, size_t usage_size, size_t count)
{
    if (count > RATION_LIMITS_MAX) {
        return RATION_ERR_RANGE;
    }
    if (count > 0 && (usages == NULL || usage_size < sizeof(ration_usage) || usage_size > 4096)) {
        return RATION_ERR_ARGUMENT;
    }
    if (((uintptr_t)usages | (count > 0 ? usage_size : 0)) % _Alignof(ration_usage) != 0) {
        return RATION_ERR_ALIGNMENT;
    }
    for (size_t i = 0; i < count; i++) {
        const ration_usage *usage = usage_at(usages, usage_size, i);
        if (usage_is_limit(usage) && !name_is_plain(usage)) {
            return RATION_ERR_ARGUMENT;
        }
    }
    return RATION_OK;
}

static void put_policy(http_text *text, const ration_usage *usage)
{
    uint64_t window_s = seconds_of(usage->period_ns);
    put_string(text, "\"");
    put_string(text, usage->name);
    put_string(text, "\";q=");
    put_integer(text, clamp_integer(usage->limit));
    if (usage->kind == RATION_KIND_CONCURRENCY) {
        put_string(text, ";qu=\"concurrent-requests\"");
    } else {
        put_string(text, ";w=");
        put_integer(text, clamp_integer(window_s > 0 ? window_s : 1));
    }
}

/* t: until more is available. A refusal's own wait where it is known, so that Retry-After is never earlier. */
static void put_state(http_text *text, const ration_usage *usage)
{
    bool waits = usage->retry_after_ns != 0 && usage->retry_after_ns != RATION_NEVER;
    put_string(text, "\"");
    put_string(text, usage->name);
    put_string(text, "\";r=");
    put_integer(text, clamp_integer(usage->remaining));
    put_string(text, ";t=");
    put_integer(text, clamp_integer(seconds_of(waits ? usage->retry_after_ns : usage->reset_ns)));
}

/* A reply under construction, and where its strings go. */
typedef struct http_draft {
    http_text text;
    ration_http_reply *reply;
} http_draft;

static void begin_header(http_draft *draft, const char *name)
{
    ration_http_header *header = &draft->reply->headers[draft->reply->header_count++];
    header->name = name;
    header->value = text_here(&draft->text);
}

static void end_string(http_draft *draft)
{
    put_bytes(&draft->text, "", 1);
}

static void add_integer_header(http_draft *draft, const char *name, uint64_t value)
{
    begin_header(draft, name);
    put_integer(&draft->text, value);
    end_string(draft);
}

static void add_list_header(http_draft *draft, const char *name, void (*put)(http_text *, const ration_usage *),
                            const ration_usage *usages, size_t usage_size, size_t count)
{
    bool first = true;
    for (size_t i = 0; i < count; i++) {
        const ration_usage *usage = usage_at(usages, usage_size, i);
        if (!usage_is_limit(usage)) {
            continue;
        }
        if (first) {
            begin_header(draft, name);
        } else {
            put_string(&draft->text, ", ");
        }
        put(&draft->text, usage);
        first = false;
    }
    if (!first) {
        end_string(draft);
    }
}

static uint32_t status_of(const ration_decision *decision)
{
    if (decision->allowed != 0) {
        return 200;
    }
    switch (decision->reason) {
    case RATION_REASON_RATE:
    case RATION_REASON_QUOTA:
    case RATION_REASON_SLIDING:
    case RATION_REASON_CONCURRENCY:
        return 429;
    case RATION_REASON_BLOCKED:
        return 403;
    case RATION_REASON_FULL:
        return 503;
    default:
        return 500;
    }
}

static const char *plain_body(const ration_decision *decision, uint32_t status)
{
    switch (status) {
    case 403:
        return http_forbidden;
    case 429:
        return decision->reason == RATION_REASON_QUOTA ? "{\"message\":\"Limit Exceeded\"}" : "{\"message\":\"Too Many Requests\"}";
    case 503:
        return "{\"message\":\"Service Unavailable\"}";
    default:
        return "{\"message\":\"Internal Server Error\"}";
    }
}

/* RFC 9457; the violated policies are the limits that refused. */
static void put_problem(http_text *text, uint32_t status, const ration_usage *usages, size_t usage_size, size_t count)
{
    bool known = status == 429 || status == 503;
    put_string(text, "{\"type\":\"");
    put_string(text, !known          ? "about:blank"
                     : status == 429 ? "https://iana.org/assignments/http-problem-types#quota-exceeded"
                                     : "https://iana.org/assignments/http-problem-types#temporary-reduced-capacity");
    put_string(text, "\",\"title\":\"");
    put_string(text, status == 429   ? "Request cannot be satisfied as assigned quota has been exceeded"
                     : status == 503 ? "Request cannot be satisfied due to temporary server capacity constraints"
                     : status == 403 ? "Forbidden"
                                     : "Internal Server Error");
    put_string(text, "\",\"status\":");
    put_integer(text, status);
    const char *separator = ",\"violated-policies\":[\"";
    bool any = false;
    for (size_t i = 0; i < count && status == 429; i++) {
        const ration_usage *usage = usage_at(usages, usage_size, i);
        if (usage_is_limit(usage) && usage->refused != 0) {
            put_string(text, separator);
            put_string(text, usage->name);
            put_string(text, "\"");
            separator = ",\"";
            any = true;
        }
    }
    put_string(text, any ? "]}" : "}");
}

static void add_body(http_draft *draft, const ration_decision *decision, const ration_usage *usages, size_t usage_size, size_t count,
                     uint32_t flags)
{
    ration_http_reply *reply = draft->reply;
    reply->headers[reply->header_count].name = "Content-Type";
    reply->headers[reply->header_count++].value = (flags & RATION_HTTP_PROBLEM) != 0 ? "application/problem+json" : http_json;
    if ((flags & RATION_HTTP_PROBLEM) == 0) {
        reply->body = plain_body(decision, reply->status);
        reply->body_len = strlen(reply->body);
        return;
    }
    size_t begin = draft->text.len;
    reply->body = text_here(&draft->text);
    put_problem(&draft->text, reply->status, usages, usage_size, count);
    reply->body_len = draft->text.len - begin;
    end_string(draft);
}

static void fail_reply(ration_http_reply *reply)
{
    memset((unsigned char *)reply + sizeof reply->size, 0, sizeof *reply - sizeof reply->size);
    reply->status = 500;
    reply->body = "";
}

static int check_format(const ration_decision *decision, const ration_usage *usages, size_t usage_size, size_t count, uint32_t flags,
                        const char *buffer, size_t size)
{
    if (decision == NULL || (buffer == NULL && size > 0)) {
        return RATION_ERR_ARGUMENT;
    }
    if ((uintptr_t)decision % _Alignof(ration_decision) != 0) {
        return RATION_ERR_ALIGNMENT;
    }
    if ((flags & ~(uint32_t)(RATION_HTTP_LEGACY | RATION_HTTP_PROBLEM | RATION_HTTP_NO_POLICY)) != 0) {
        return RATION_ERR_UNSUPPORTED;
    }
    return check_usages_of(usages, usage_size, count);
}

int ration_http_reply_format(const ration_decision *decision, const ration_usage *usages, size_t usage_size, size_t count,
                             uint32_t flags, char *buffer, size_t size, size_t *len, ration_http_reply *reply)
{
    if (reply == NULL || len == NULL) {
        return RATION_ERR_ARGUMENT;
    }
    *len = 0;
    if (reply->size < sizeof *reply) {
        return RATION_ERR_UNSUPPORTED;
    }
    fail_reply(reply);
    int error = check_format(decision, usages, usage_size, count, flags, buffer, size);
    if (error != RATION_OK) {
        return error;
    }
    http_draft draft = {{buffer, size, 0}, reply};
    reply->status = status_of(decision);
    if (decision->allowed == 0 && decision->retry_after_ns != RATION_NEVER) {
        uint64_t retry_s = seconds_of(decision->retry_after_ns);
        add_integer_header(&draft, "Retry-After", retry_s > 0 ? retry_s : 1);
    }
    if ((flags & RATION_HTTP_NO_POLICY) == 0) {
        add_list_header(&draft, "RateLimit-Policy", put_policy, usages, usage_size, count);
        add_list_header(&draft, "RateLimit", put_state, usages, usage_size, count);
    }
    if ((flags & RATION_HTTP_LEGACY) != 0) {
        add_integer_header(&draft, "X-RateLimit-Limit", decision->limit);
        add_integer_header(&draft, "X-RateLimit-Remaining", decision->remaining);
        add_integer_header(&draft, "X-RateLimit-Reset", seconds_of(decision->reset_ns));
    }
    if (reply->status != 200) {
        add_body(&draft, decision, usages, usage_size, count, flags);
    }
    *len = draft.text.len;
    if (draft.text.len > size) {
        fail_reply(reply);
        return RATION_ERR_BUFFER;
    }
    return RATION_OK;
}

void ration_http_reply_forbidden(ration_http_reply *reply)
{
    if (reply == NULL || reply->size < sizeof *reply) {
        return;
    }
    fail_reply(reply);
    reply->status = 403;
    reply->header_count = 1;
    reply->headers[0] = (ration_http_header){"Content-Type", http_json};
    reply->body = http_forbidden;
    reply->body_len = sizeof http_forbidden - 1;
}

static const char *status_text(uint32_t status)
{
    switch (status) {
    case 200:
        return "HTTP/1.1 200 OK\r\n";
    case 403:
        return "HTTP/1.1 403 Forbidden\r\n";
    case 429:
        return "HTTP/1.1 429 Too Many Requests\r\n";
    case 503:
        return "HTTP/1.1 503 Service Unavailable\r\n";
    default:
        return "HTTP/1.1 500 Internal Server Error\r\n";
    }
}

int ration_http_format_with(const ration_decision *decision, const ration_usage *usages, size_t usage_size, size_t count,
                            uint32_t flags, char *buffer, size_t size, size_t *len)
{
    if (len == NULL) {
        return RATION_ERR_ARGUMENT;
    }
    *len = 0;
    if (buffer == NULL && size > 0) {
        return RATION_ERR_ARGUMENT;
    }
    char parts[RATION_HTTP_SIZE_MAX];
    size_t used;
    ration_http_reply reply;
    reply.size = sizeof reply;
    int error = ration_http_reply_format(decision, usages, usage_size, count, flags, parts, sizeof parts, &used, &reply);
    if (error != RATION_OK) {
        return error;
    }
    http_text text = {buffer, size, 0};
    put_string(&text, status_text(reply.status));
    for (uint32_t i = 0; i < reply.header_count; i++) {
        put_string(&text, reply.headers[i].name);
        put_string(&text, ": ");
        put_string(&text, reply.headers[i].value);
        put_string(&text, "\r\n");
    }
    put_string(&text, "Content-Length: ");
    put_integer(&text, reply.body_len);
    put_string(&text, "\r\n\r\n");
    put_bytes(&text, reply.body, reply.body_len);
    *len = text.len;
    return text.len > size ? RATION_ERR_BUFFER : RATION_OK;
}

int ration_http_format(const ration_decision *decision, const ration_usage *usages, size_t usage_size, size_t count, char *buffer,
                       size_t size, size_t *len)
{
    return ration_http_format_with(decision, usages, usage_size, count, 0, buffer, size, len);
}
