/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file ration/http.h
 * What to tell an HTTP client: a decision as status, headers and body, in a buffer of the caller's.
 *
 * Pure formatting: no allocation, no locale, no clock; any thread, signal handlers too. Two forms: ration_http_reply_format
 * gives the parts, for a server that sets headers itself (libmicrohttpd, an nginx module, Lambda); ration_http_format gives a whole
 * HTTP/1.1 response.
 *
 * Sources: draft-ietf-httpapi-ratelimit-headers-10 (RateLimit, RateLimit-Policy; structured fields, RFC 9651), RFC 9110
 * (Retry-After), RFC 9457 (problem details), Amazon API Gateway (bodies).
 */
#ifndef RATION_HTTP_H
#define RATION_HTTP_H

#include <ration.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What else to say. */
enum {
    RATION_HTTP_LEGACY = 1,    /**< X-RateLimit-Limit, -Remaining and -Reset (seconds from now) as well */
    RATION_HTTP_PROBLEM = 2,   /**< refusals as application/problem+json instead of API Gateway's bodies */
    RATION_HTTP_NO_POLICY = 4  /**< no RateLimit and RateLimit-Policy */
};

/** Most headers of a reply. */
#define RATION_HTTP_HEADERS_MAX 7

/** Longest reply, with every header and 8 limits of the longest names: a buffer of this size is never too small. */
#define RATION_HTTP_SIZE_MAX 4096

/** One header. Both strings end in NUL; `name` is static, `value` lies in the buffer or is static. */
typedef struct ration_http_header {
    const char *name;
    const char *value;
} ration_http_header;

/** The parts of a reply. Pointers are into the caller's buffer, or static. */
typedef struct ration_http_reply {
    size_t size;     /**< sizeof(ration_http_reply), set by the caller */
    uint32_t status; /**< 200 allowed; 429 rate, quota, sliding, concurrency; 403 blocked; 503 full; 500 error */
    uint32_t header_count;
    ration_http_header headers[RATION_HTTP_HEADERS_MAX];
    const char *body; /**< "" where allowed */
    size_t body_len;
} ration_http_reply;

/**
 * Formats the parts of a reply.
 *
 * Headers of an answer: Content-Type (with a body), Retry-After (a refusal that will pass: whole seconds, rounded up, at least 1),
 * RateLimit-Policy and RateLimit, one item for each limit in `usages` that is no shadow. Seconds are rounded up; integers that
 * structured fields cannot hold (above 10^15 - 1) are clamped. Bodies: {"message":"Too Many Requests"} (31 bytes; rate,
 * sliding, concurrency), {"message":"Limit Exceeded"} (28; quota), {"message":"Forbidden"} (23; blocked).
 *
 * @param usages what ration_acquire or ration_inspect wrote, `count` of them (at most RATION_LIMITS_MAX), usage_size bytes apart;
 *               NULL with 0: no RateLimit headers.
 * @param flags RATION_HTTP_*.
 * @param buffer NULL only with size 0.
 * @param len receives the bytes of `buffer` needed, also where they are too few.
 * @return RATION_OK; RATION_ERR_ARGUMENT, RATION_ERR_RANGE (count), RATION_ERR_UNSUPPORTED (flags, reply->size), RATION_ERR_BUFFER; a
 *         name that is none (no NUL, not printable) is RATION_ERR_ARGUMENT. On error `reply` is a bare 500.
 */
RATION_API int ration_http_reply_format(const ration_decision *decision, const ration_usage *usages, size_t usage_size, size_t count,
                                        uint32_t flags, char *buffer, size_t size, size_t *len, ration_http_reply *reply);

/** The reply to a request without a key, or with an unknown or disabled one: 403 {"message":"Forbidden"}. Nothing is allocated. */
RATION_API void ration_http_reply_forbidden(ration_http_reply *reply);

/**
 * Formats a whole HTTP/1.1 response: status line, headers, Content-Length, body. No NUL follows.
 * @return as ration_http_reply_format.
 */
RATION_API int ration_http_format_with(const ration_decision *decision, const ration_usage *usages, size_t usage_size, size_t count,
                                       uint32_t flags, char *buffer, size_t size, size_t *len);

/** ration_http_format_with without flags. */
RATION_API int ration_http_format(const ration_decision *decision, const ration_usage *usages, size_t usage_size, size_t count,
                                  char *buffer, size_t size, size_t *len);

#ifdef __cplusplus
}
#endif

#endif
