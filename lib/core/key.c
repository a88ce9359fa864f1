/* SPDX-License-Identifier: BSD-2-Clause */
/** @file key.c Composite keys: parts joined so that no two lists of parts are one key. */
#include <string.h>

#include "ration.h"

/* The length as a base-128 number, low digits first, the top bit saying that more follow: a prefix code. */
static size_t encode_len(size_t len, unsigned char *bytes)
{
    size_t used = 0;
    do {
        bytes[used++] = (unsigned char)((len & 0x7f) | (len > 0x7f ? 0x80 : 0));
        len >>= 7;
    } while (len != 0);
    return used;
}

int ration_key_join(const ration_key_part *parts, size_t count, void *buffer, size_t size, size_t *len)
{
    if (len == NULL) {
        return RATION_ERR_ARGUMENT;
    }
    *len = 0;
    if ((parts == NULL && count > 0) || (buffer == NULL && size > 0)) {
        return RATION_ERR_ARGUMENT;
    }
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        unsigned char prefix[10];
        if (parts[i].bytes == NULL && parts[i].len > 0) {
            return RATION_ERR_ARGUMENT;
        }
        if (parts[i].len > RATION_KEY_MAX) {
            return RATION_ERR_RANGE;
        }
        size_t prefix_len = encode_len(parts[i].len, prefix);
        size_t next = used + prefix_len + parts[i].len;
        if (next > RATION_KEY_MAX) {
            return RATION_ERR_RANGE;
        }
        if (next <= size) {
            memcpy((unsigned char *)buffer + used, prefix, prefix_len);
            if (parts[i].len > 0) {
                memcpy((unsigned char *)buffer + used + prefix_len, parts[i].bytes, parts[i].len);
            }
        }
        used = next;
    }
    *len = used;
    return used > size ? RATION_ERR_BUFFER : RATION_OK;
}
