// SPDX-License-Identifier: Apache-2.0
//
// Makes file system calls of one program fail at random below one directory. Preloaded:
//   LD_PRELOAD=faults.so FAULTS_PROGRAM=pbt FAULTS_BELOW=/dir FAULTS_ONE_IN=200 FAULTS_SEED=1 FAULTS_LOG=/log
//
// FAULTS_KINDS names the calls that may fail (default: all): fsync write open rename mkdir unlink link truncate.
// A write or an open that creates fails with ENOSPC, EROFS, or EIO, a write may also write half of its bytes. After a
// failed fsync of a file that is not part of the store, its bytes are overwritten with zeros: a kernel may
// do that: it marks the pages clean and drops them, so that a later successful fsync guarantees nothing.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static int is_on;
static char below[PATH_MAX];
static size_t below_length;
static unsigned long one_in = 200;
static const char *kinds;
static int log_file = -1;
static _Atomic unsigned long state;

#define REAL(name) ((__typeof__(&name))real(#name))

static void *real(const char *name) {
    void *found = dlsym(RTLD_NEXT, name);
    if (!found) abort();
    return found;
}

__attribute__((constructor)) static void begin(void) {
    const char *program = getenv("FAULTS_PROGRAM"), *directory = getenv("FAULTS_BELOW");
    if (!program || !directory || strcmp(program, program_invocation_short_name) != 0) return;
    if (!realpath(directory, below)) return;
    below_length = strlen(below);
    const char *rate = getenv("FAULTS_ONE_IN"), *seed = getenv("FAULTS_SEED"), *log = getenv("FAULTS_LOG");
    if (rate) one_in = strtoul(rate, NULL, 10);
    state = (seed ? strtoul(seed, NULL, 10) : 1) * 0x9E3779B97F4A7C15ul ^ (unsigned long)getpid();
    kinds = getenv("FAULTS_KINDS");
    if (log) log_file = REAL(open)(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    is_on = one_in > 0;
}

// SplitMix64.
static unsigned long draw(void) {
    unsigned long z = atomic_fetch_add(&state, 0x9E3779B97F4A7C15ul) + 0x9E3779B97F4A7C15ul;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ul;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBul;
    return z ^ (z >> 31);
}

static int is_below(const char *path) {
    return strncmp(path, below, below_length) == 0 && (path[below_length] == '/' || path[below_length] == 0);
}

static int path_of(int directory, const char *path, char *full) {
    if (path[0] == '/') return snprintf(full, PATH_MAX, "%s", path) < PATH_MAX;
    char base[PATH_MAX] = "", name[64];
    if (directory == AT_FDCWD) {
        if (!getcwd(base, sizeof base)) return 0;
    } else {
        snprintf(name, sizeof name, "/proc/self/fd/%d", directory);
        ssize_t n = readlink(name, base, sizeof base - 1);
        if (n < 0) return 0;
        base[n] = 0;
    }
    return snprintf(full, PATH_MAX, "%s/%s", base, path) < PATH_MAX;
}

static int path_of_file(int file, char *full) {
    char name[64];
    snprintf(name, sizeof name, "/proc/self/fd/%d", file);
    ssize_t n = readlink(name, full, PATH_MAX - 1);
    if (n < 0) return 0;
    full[n] = 0;
    return 1;
}

// Whether this call fails now, with which error; says so in the log.
static int fails(const char *kind, const char *path, const int *errors, int count) {
    if (kinds && !strstr(kinds, kind)) return 0;
    if (!is_below(path) || draw() % one_in) return 0;
    int error = errors[draw() % (unsigned)count];
    char line[PATH_MAX + 80];
    int n = snprintf(line, sizeof line, "%d %s %s %s\n", getpid(), kind, strerrorname_np(error), path);
    if (log_file >= 0 && n > 0) (void)!REAL(write)(log_file, line, (size_t)n);
    return error;
}

static const int written[] = {ENOSPC, EIO, EROFS, EDQUOT};
static const int flushed[] = {EIO};

#define FAIL_AT(kind, directory, path, errors)                                                                       \
    do {                                                                                                             \
        char full[PATH_MAX];                                                                                         \
        int error;                                                                                                   \
        if (is_on && path_of(directory, path, full) &&                                                               \
            (error = fails(kind, full, errors, sizeof errors / sizeof *errors))) {                                   \
            errno = error;                                                                                           \
            return -1;                                                                                               \
        }                                                                                                            \
    } while (0)

static int is_of_store(const char *path) { return strstr(path, ".sqlite") != NULL; }

static void lose(int file, const char *path) {
    struct stat status;
    if (is_of_store(path) || fstat(file, &status) || !S_ISREG(status.st_mode)) return;
    int again = REAL(open)(path, O_WRONLY | O_CLOEXEC);
    if (again < 0) return;
    static const char zeros[4096];
    for (off_t at = 0; at < status.st_size; at += (off_t)sizeof zeros) {
        off_t left = status.st_size - at;
        (void)!REAL(pwrite)(again, zeros, left < (off_t)sizeof zeros ? (size_t)left : sizeof zeros, at);
    }
    close(again);
}

static int flush(const char *name, int file) {
    char path[PATH_MAX];
    int error;
    if (is_on && path_of_file(file, path) && (error = fails("fsync", path, flushed, 1))) {
        lose(file, path);
        errno = error;
        return -1;
    }
    return ((int (*)(int))real(name))(file);
}

int fsync(int file) { return flush("fsync", file); }
int fdatasync(int file) { return flush("fdatasync", file); }

// How many bytes are written before the failure; none and an error, half of them, or all.
static ssize_t cut(int file, size_t count) {
    char path[PATH_MAX];
    int error;
    if (!is_on || !path_of_file(file, path) || !(error = fails("write", path, written, 4))) return (ssize_t)count;
    if (count > 1 && draw() % 4 == 0) return (ssize_t)(count / 2);
    errno = error;
    return -1;
}

ssize_t write(int file, const void *bytes, size_t count) {
    ssize_t n = cut(file, count);
    return n < 0 ? n : REAL(write)(file, bytes, (size_t)n);
}

ssize_t pwrite(int file, const void *bytes, size_t count, off_t at) {
    ssize_t n = cut(file, count);
    return n < 0 ? n : REAL(pwrite)(file, bytes, (size_t)n, at);
}

ssize_t pwrite64(int file, const void *bytes, size_t count, off64_t at) {
    ssize_t n = cut(file, count);
    return n < 0 ? n : REAL(pwrite64)(file, bytes, (size_t)n, at);
}

ssize_t writev(int file, const struct iovec *parts, int count) {
    if (cut(file, 0) < 0) return -1;
    return REAL(writev)(file, parts, count);
}

static mode_t mode_of(int flags, va_list more) {
    return flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;
}

#define OPEN(name)                                                                                                   \
    int name(const char *path, int flags, ...) {                                                                     \
        va_list more;                                                                                                \
        va_start(more, flags);                                                                                       \
        mode_t mode = mode_of(flags, more);                                                                          \
        va_end(more);                                                                                                \
        if (flags & O_CREAT) FAIL_AT("open", AT_FDCWD, path, written);                                               \
        return REAL(name)(path, flags, mode);                                                                        \
    }
OPEN(open)
OPEN(open64)

#define OPEN_AT(name)                                                                                                \
    int name(int directory, const char *path, int flags, ...) {                                                      \
        va_list more;                                                                                                \
        va_start(more, flags);                                                                                       \
        mode_t mode = mode_of(flags, more);                                                                          \
        va_end(more);                                                                                                \
        if (flags & O_CREAT) FAIL_AT("open", directory, path, written);                                              \
        return REAL(name)(directory, path, flags, mode);                                                             \
    }
OPEN_AT(openat)
OPEN_AT(openat64)

int rename(const char *from, const char *to) {
    FAIL_AT("rename", AT_FDCWD, to, written);
    return REAL(rename)(from, to);
}

int renameat(int a, const char *from, int b, const char *to) {
    FAIL_AT("rename", b, to, written);
    return REAL(renameat)(a, from, b, to);
}

int renameat2(int a, const char *from, int b, const char *to, unsigned flags) {
    FAIL_AT("rename", b, to, written);
    return REAL(renameat2)(a, from, b, to, flags);
}

int mkdir(const char *path, mode_t mode) {
    FAIL_AT("mkdir", AT_FDCWD, path, written);
    return REAL(mkdir)(path, mode);
}

int mkdirat(int directory, const char *path, mode_t mode) {
    FAIL_AT("mkdir", directory, path, written);
    return REAL(mkdirat)(directory, path, mode);
}

int link(const char *from, const char *to) {
    FAIL_AT("link", AT_FDCWD, to, written);
    return REAL(link)(from, to);
}

int linkat(int a, const char *from, int b, const char *to, int flags) {
    FAIL_AT("link", b, to, written);
    return REAL(linkat)(a, from, b, to, flags);
}

int unlink(const char *path) {
    FAIL_AT("unlink", AT_FDCWD, path, flushed);
    return REAL(unlink)(path);
}

int unlinkat(int directory, const char *path, int flags) {
    FAIL_AT("unlink", directory, path, flushed);
    return REAL(unlinkat)(directory, path, flags);
}

int rmdir(const char *path) {
    FAIL_AT("unlink", AT_FDCWD, path, flushed);
    return REAL(rmdir)(path);
}

static int shorten(const char *name, int file, off64_t size) {
    char path[PATH_MAX];
    int error;
    if (is_on && path_of_file(file, path) && (error = fails("truncate", path, written, 4))) {
        errno = error;
        return -1;
    }
    return ((int (*)(int, off64_t))real(name))(file, size);
}

int ftruncate(int file, off_t size) { return shorten("ftruncate", file, size); }
int ftruncate64(int file, off64_t size) { return shorten("ftruncate64", file, size); }
