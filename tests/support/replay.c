/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file replay.c
 * Runs a fuzz target over files instead of libFuzzer, so that every corpus is replayed wherever the tests run:
 * `program file-or-directory...`. Each input is given in memory of its exact size, for AddressSanitizer to see what is read
 * past its end. Finding no input is a failure.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned replayed;

static int replay_file(const char *path, size_t size)
{
    FILE *file = fopen(path, "rb");
    uint8_t *data = malloc(size > 0 ? size : 1);
    int result = -1;
    if (file != NULL && data != NULL && fread(data, 1, size, file) == size) {
        /* Said before it runs: where the target aborts, this is the input to look at. */
        printf("%s\n", path);
        fflush(stdout);
        LLVMFuzzerTestOneInput(data, size);
        replayed++;
        result = 0;
    } else {
        fprintf(stderr, "cannot read %s\n", path);
    }
    free(data);
    if (file != NULL) {
        fclose(file);
    }
    return result;
}

static int replay(const char *path)
{
    struct stat status;
    if (stat(path, &status) != 0) {
        fprintf(stderr, "there is no %s\n", path);
        return -1;
    }
    if (!S_ISDIR(status.st_mode)) {
        return replay_file(path, (size_t)status.st_size);
    }
    struct dirent **entries;
    int count = scandir(path, &entries, NULL, alphasort);
    int result = count < 0 ? -1 : 0;
    for (int i = 0; i < count; i++) {
        char *inner = NULL;
        if (entries[i]->d_name[0] != '.' && asprintf(&inner, "%s/%s", path, entries[i]->d_name) > 0) {
            result |= replay(inner);
            free(inner);
        }
        free(entries[i]);
    }
    if (count >= 0) {
        free(entries);
    }
    return result;
}

int main(int argc, char **argv)
{
    int result = 0;
    for (int i = 1; i < argc; i++) {
        result |= replay(argv[i]);
    }
    static const uint8_t nothing[1];
    LLVMFuzzerTestOneInput(nothing, 0);
    printf("%u inputs and the empty one replayed\n", replayed);
    return result == 0 && replayed > 0 ? 0 : 1;
}
