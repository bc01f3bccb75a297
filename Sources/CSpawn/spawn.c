// SPDX-License-Identifier: Apache-2.0

// For vfork, pipe2 and syscall.
#define _GNU_SOURCE 1

#include "CSpawn.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__linux__)
#include <sys/prctl.h>
#include <sys/syscall.h>
#ifndef SYS_close_range
#define SYS_close_range 436
#endif
#define CLOSE_RANGE_ON_EXEC 4u
#endif

#ifndef NSIG
#define NSIG 65
#endif

/// Locked for reading while a program is started, and for writing while an orphan is reaped: a program that ends before
/// it is in the table must not be mistaken for an orphan.
static pthread_rwlock_t starting = PTHREAD_RWLOCK_INITIALIZER;

/// The programs that were started here and are not reaped yet. A process identifier can be in the table twice briefly.
static pthread_mutex_t table_lock = PTHREAD_MUTEX_INITIALIZER;
static int *table = NULL;
static size_t table_count = 0, table_room = 0;

/// Returns 0 or ENOMEM.
static int table_add(int child) {
    int error = 0;
    pthread_mutex_lock(&table_lock);
    if (table_count == table_room) {
        size_t room = table_room ? 2 * table_room : 64;
        int *larger = realloc(table, room * sizeof *larger);
        if (larger) {
            table = larger;
            table_room = room;
        } else {
            error = ENOMEM;
        }
    }
    if (error == 0) table[table_count++] = child;
    pthread_mutex_unlock(&table_lock);
    return error;
}

static void table_remove(int child) {
    pthread_mutex_lock(&table_lock);
    for (size_t i = 0; i < table_count; i++) {
        if (table[i] != child) continue;
        table[i] = table[--table_count];
        break;
    }
    pthread_mutex_unlock(&table_lock);
}

int pbt_is_started(int child) {
    int found = 0;
    pthread_mutex_lock(&table_lock);
    for (size_t i = 0; i < table_count && !found; i++) found = table[i] == child;
    pthread_mutex_unlock(&table_lock);
    return found;
}

int pbt_adopt_orphans(void) {
#if defined(__linux__)
    return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0 ? 0 : errno;
#else
    return ENOSYS;
#endif
}

int pbt_reap_orphan(int child) {
    pthread_rwlock_wrlock(&starting);
    int reaped = 0;
    if (!pbt_is_started(child)) reaped = waitpid(child, NULL, WNOHANG) == child;
    pthread_rwlock_unlock(&starting);
    return reaped;
}

/// Returns a copy of a descriptor, closed on exec and other than the standard three, and closes `descriptor`.
static int moved(int descriptor) {
    if (descriptor < 0) return -1;
    int copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 3);
    int error = errno;
    close(descriptor);
    errno = error;
    return copy;
}

/// Creates a pipe whose ends are closed on exec and are not among the standard three.
static int make_pipe(int ends[2]) {
#if defined(__linux__)
    if (pipe2(ends, O_CLOEXEC) != 0) return -1;
#else
    if (pipe(ends) != 0) return -1;
#endif
    ends[0] = moved(ends[0]);
    ends[1] = moved(ends[1]);
    if (ends[0] >= 0 && ends[1] >= 0) return 0;
    int error = errno;
    if (ends[0] >= 0) close(ends[0]);
    if (ends[1] >= 0) close(ends[1]);
    errno = error;
    return -1;
}

int pbt_holds(const void *bytes, size_t count, const void *part, size_t length) {
    return memmem(bytes, count, part, length) != NULL;
}

int pbt_pipe(int ends[2]) {
    if (make_pipe(ends) != 0) return errno;
#if defined(__linux__) && defined(F_SETPIPE_SZ)
    // So that a program does not block soon while this process is stopped. A refusal by the system is not an error.
    (void)fcntl(ends[1], F_SETPIPE_SZ, 1 << 20);
#endif
    return 0;
}

/// Marks all descriptors except the standard three to be closed on exec.
static void close_others(void) {
#if defined(__linux__)
    if (syscall(SYS_close_range, 3u, ~0u, CLOSE_RANGE_ON_EXEC) == 0) return;
#endif
    long most = sysconf(_SC_OPEN_MAX);
    for (int descriptor = 3; descriptor < most; descriptor++) {
        int flags = fcntl(descriptor, F_GETFD);
        if (flags >= 0) fcntl(descriptor, F_SETFD, flags | FD_CLOEXEC);
    }
}

/// Executes the program in the child; returns only on failure.
///
/// The child can share this process's memory, so it calls only async-signal-safe functions and writes to no shared
/// variable.
static void begin(const char *path, char *const arguments[], char *const environment[], const char *directory,
                  int null, int output, int errors) {
    // First: from now on signals to our group do not arrive.
    if (setpgid(0, 0) != 0) return;
    struct sigaction action = {.sa_handler = SIG_IGN};
    for (int number = 1; number < NSIG; number++) {
        // Pending signals are still blocked. Ignoring a signal discards it; the default action would not.
        action.sa_handler = SIG_IGN;
        sigaction(number, &action, NULL);
        action.sa_handler = SIG_DFL;
        sigaction(number, &action, NULL);
    }
    if (dup2(null, 0) < 0 || dup2(output, 1) < 0 || dup2(errors, 2) < 0) return;
    if (chdir(directory) != 0) return;
    close_others();
    sigset_t none;
    sigemptyset(&none);
    if (sigprocmask(SIG_SETMASK, &none, NULL) != 0) return;
    execve(path, arguments, environment);
}

static void await_children(void) {
    struct sigaction action;
    if (sigaction(SIGCHLD, NULL, &action) != 0 || action.sa_handler != SIG_IGN) return;
    action.sa_handler = SIG_DFL;
    sigaction(SIGCHLD, &action, NULL);
}

static int spawn(int *child, const char *path, char *const arguments[], char *const environment[],
                 const char *directory, int output, int errors) {
    int report[2];
    if (make_pipe(report) != 0) return errno;
    int null = moved(open("/dev/null", O_RDONLY | O_CLOEXEC));
    int error = errno;
    int copies[2] = {-1, -1};
    if (null >= 0) {
        copies[0] = fcntl(output, F_DUPFD_CLOEXEC, 3);
        error = errno;
        if (copies[0] >= 0) copies[1] = fcntl(errors, F_DUPFD_CLOEXEC, 3);
        if (copies[0] >= 0 && copies[1] < 0) error = errno;
    }
    if (copies[1] < 0) {
        if (copies[0] >= 0) close(copies[0]);
        if (null >= 0) close(null);
        close(report[0]);
        close(report[1]);
        return error;
    }
    await_children();

    // Our signal handlers must not run in the child.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
#if defined(__linux__)
    // Does not copy page tables, which are large in a process with much memory.
    pid_t process = vfork();
#else
    pid_t process = fork();
#endif
    if (process == 0) {
        begin(path, arguments, environment, directory, null, copies[0], copies[1]);
        int why = errno;
        // A write of four bytes to a pipe is atomic.
        (void)!write(report[1], &why, sizeof why);
        _exit(127);
    }
    error = process < 0 ? errno : 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    close(report[1]);
    close(null);
    close(copies[0]);
    close(copies[1]);
    if (process > 0) {
        // The pipe closes without data when the program is executed.
        int why = 0;
        ssize_t count;
        do {
            count = read(report[0], &why, sizeof why);
        } while (count < 0 && errno == EINTR);
        if (count == (ssize_t)sizeof why) {
            error = why;
            while (waitpid(process, NULL, 0) < 0 && errno == EINTR) {}
        } else if (table_add(process) != 0) {
            error = ENOMEM;
            kill(process, SIGKILL);
            while (waitpid(process, NULL, 0) < 0 && errno == EINTR) {}
        }
    }
    close(report[0]);
    if (error == 0) *child = process;
    return error;
}

int pbt_spawn(int *child, const char *path, char *const arguments[], char *const environment[], const char *directory,
              int output, int errors) {
    pthread_rwlock_rdlock(&starting);
    int error = spawn(child, path, arguments, environment, directory, output, errors);
    pthread_rwlock_unlock(&starting);
    return error;
}

int pbt_wait(int child, int *code, int *number) {
    siginfo_t information;
    information.si_pid = 0;
    while (waitid(P_PID, (id_t)child, &information, WEXITED | WNOWAIT) < 0) {
        if (errno != EINTR) return errno;
    }
    int is_exit = information.si_code == CLD_EXITED;
    *code = is_exit ? information.si_status : -1;
    *number = is_exit ? 0 : information.si_status;
    return 0;
}

int pbt_reap(int child) {
    int error = 0;
    while (waitpid(child, NULL, 0) < 0) {
        if (errno == EINTR) continue;
        error = errno;
        break;
    }
    table_remove(child);
    return error;
}
