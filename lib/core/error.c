/* SPDX-License-Identifier: BSD-2-Clause */
/** @file error.c Names of errors, sentences for faults, the version. */
#include <string.h>

#include "ration.h"

const char *ration_strerror(int error)
{
    static const char *const texts[] = {
        "RATION_OK: no error",
        "RATION_ERR_ARGUMENT: a pointer is NULL or two fields contradict each other",
        "RATION_ERR_RANGE: a number is outside its range",
        "RATION_ERR_UNSUPPORTED: a flag, a kind or a struct's tail that this version does not know",
        "RATION_ERR_ALIGNMENT: a struct is not aligned for its type",
        "RATION_ERR_MEMORY: the allocator or the system gave no memory",
        "RATION_ERR_NO_PLAN: the plan has not been set",
        "RATION_ERR_DUPLICATE: two limits of a plan have one name",
        "RATION_ERR_NOT_HELD: the permit is forged, lapsed, or was released already",
        "RATION_ERR_BUSY: others changed the same thing on every try; try again",
        "RATION_ERR_BUFFER: the buffer is too small; the needed size is reported",
        "RATION_ERR_SYSTEM: the system gave no randomness or no clock",
    };
    const int count = (int)(sizeof texts / sizeof texts[0]);
    return error <= 0 && error > -count ? texts[-error] : "unknown error";
}

uint32_t ration_version(void)
{
    return RATION_VERSION_NUMBER;
}

/* Text under construction: counts on past the end of the buffer. */
typedef struct error_text {
    char *buffer;
    size_t size;
    size_t len;
} error_text;

static void add_text(error_text *text, const char *more)
{
    for (; *more != '\0'; more++, text->len++) {
        if (text->len + 1 < text->size) {
            text->buffer[text->len] = *more;
        }
    }
}

static void add_number(error_text *text, uint64_t number)
{
    char digits[21];
    size_t at = sizeof digits - 1;
    digits[at] = '\0';
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number != 0);
    add_text(text, digits + at);
}

/* utc_offset_s is the one field below zero; everything else is unsigned. */
static void add_value(error_text *text, const ration_fault *fault, uint64_t value)
{
    if (strcmp(fault->field, "utc_offset_s") == 0 && value > INT64_MAX) {
        add_text(text, "-");
        value = -value;
    }
    add_number(text, value);
}

size_t ration_fault_format(const ration_fault *fault, const char *array, char *buffer, size_t size)
{
    error_text text = {buffer, buffer != NULL ? size : 0, 0};
    if (fault == NULL) {
        add_text(&text, ration_strerror(RATION_ERR_ARGUMENT));
    } else if (fault->error == RATION_OK) {
        add_text(&text, ration_strerror(RATION_OK));
    } else {
        if (array != NULL) {
            add_text(&text, array);
            add_text(&text, "[");
            add_number(&text, fault->index);
            add_text(&text, "].");
        }
        add_text(&text, fault->field);
        add_text(&text, " is ");
        add_value(&text, fault, fault->value);
        if (fault->min != 0 || fault->max != 0) {
            add_text(&text, "; allowed is ");
            add_value(&text, fault, fault->min);
            add_text(&text, " to ");
            add_value(&text, fault, fault->max);
        }
        add_text(&text, " (");
        add_text(&text, ration_strerror(fault->error));
        add_text(&text, ")");
    }
    if (text.size > 0) {
        text.buffer[text.len < text.size ? text.len : text.size - 1] = '\0';
    }
    return text.len;
}
