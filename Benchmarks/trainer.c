// SPDX-License-Identifier: Apache-2.0
// The workloads' interval as a program of its own: restores, takes four gradient steps, sleeps, saves, reports.
//
//   trainer MILLISECONDS BYTES [FILE]
//
// With FILE it appends the time at which it began, in nanoseconds since 1970, for measuring how soon a run begins.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void fail(const char *what, const char *which) {
    fprintf(stderr, "%s %s: %s\n", what, which ? which : "(unset)", strerror(errno));
    exit(1);
}

static double parameter(const char *name) {
    const char *text = getenv(name);
    if (!text) fail("no variable", name);
    double h = strtod(text, NULL);
    return h < 0 ? 0 : h > 1 ? 1 : h;
}

int main(int count, char **arguments) {
    if (count < 3) {
        fprintf(stderr, "usage: trainer MILLISECONDS BYTES [FILE]\n");
        return 64;
    }
    if (count > 3) {
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        FILE *file = fopen(arguments[3], "a");
        if (!file) fail("cannot write", arguments[3]);
        fprintf(file, "%lld%09ld\n", (long long)now.tv_sec, now.tv_nsec);
        if (fclose(file)) fail("cannot write", arguments[3]);
    }
    long milliseconds = atol(arguments[1]);
    size_t bytes = (size_t)atol(arguments[2]);
    if (bytes < 64) bytes = 64;
    char path[4096];
    char *block = calloc(1, bytes);
    if (!block) fail("no memory for", arguments[2]);
    double t[2] = {0.9, 0.9};
    int done = 0;
    const char *from = getenv("PBT_CHECKPOINT_IN");
    if (from) {
        snprintf(path, sizeof path, "%s/model.bin", from);
        FILE *file = fopen(path, "rb");
        if (!file || fread(block, 1, bytes, file) != bytes || fgetc(file) != EOF) fail("torn checkpoint", path);
        fclose(file);
        if (sscanf(block, "%lf %lf %d", &t[0], &t[1], &done) != 3) fail("bad checkpoint", path);
    }
    double h[2] = {parameter("PBT_PARAM_H0"), parameter("PBT_PARAM_H1")};
    for (int step = 0; step < 4; step++)
        for (int i = 0; i < 2; i++) t[i] -= 0.01 * 2.0 * h[i] * t[i];
    struct timespec pause = {milliseconds / 1000, milliseconds % 1000 * 1000000};
    while (nanosleep(&pause, &pause) && errno == EINTR) {}
    memset(block, 0, 64);
    snprintf(block, 64, "%.17g %.17g %d", t[0], t[1], done + 1);
    const char *to = getenv("PBT_CHECKPOINT_OUT");
    if (!to) fail("no variable", "PBT_CHECKPOINT_OUT");
    snprintf(path, sizeof path, "%s/model.bin", to);
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(block, 1, bytes, file) != bytes || fclose(file)) fail("cannot write", path);
    const char *results = getenv("PBT_RESULTS");
    file = results ? fopen(results, "w") : NULL;
    if (!file) fail("cannot write", results);
    fprintf(file, "{\"score\": %.17g}\n", 1.2 - (t[0] * t[0] + t[1] * t[1]));
    if (fclose(file)) fail("cannot write", results);
    return 0;
}
