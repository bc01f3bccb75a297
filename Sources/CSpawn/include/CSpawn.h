// SPDX-License-Identifier: Apache-2.0

#ifndef CSPAWN_H
#define CSPAWN_H

#include <stddef.h>

/// Starts a program that leads a process group of its own.
///
/// Between its creation and its new group a process is in the group of this one, so that a Ctrl-C or a Ctrl-Z meant for
/// this one reaches it as well. Such signals are discarded here; `posix_spawn` keeps them pending, and they kill or
/// stop the program before it runs.
///
/// The program has an empty standard input, the two output files, and no other open file, and its signal dispositions
/// are the defaults. If this process ignores SIGCHLD, that is reset, since it could not wait for the program.
///
/// Blocks until the program runs, or could not be started.
///
/// - Parameters:
///   - child: Set to the identifier of its process and process group.
///   - path: The program.
///   - arguments: The null-terminated arguments, starting with the name.
///   - environment: The null-terminated entries `NAME=value`.
///   - directory: The working directory.
///   - output: The file for its standard output.
///   - errors: The file for its standard error; can be the same.
/// - Returns: 0, or an error number, including those of `chdir` and `execve`.
int pbt_spawn(int *child, const char *path, char *const arguments[], char *const environment[], const char *directory,
              int output, int errors);

/// Returns 1 if a byte sequence contains another one, otherwise 0.
int pbt_holds(const void *bytes, size_t count, const void *part, size_t length);

/// Creates a pipe that no program inherits, with a capacity of 1 MiB if the system allows it.
///
/// - Parameter ends: Set to the end to read from and the end to write to.
/// - Returns: 0, or an error number.
int pbt_pipe(int ends[2]);

/// Waits until a child ends, without reaping it: its identifier, and that of its group, are not reused before
/// `pbt_reap`.
///
/// - Parameters:
///   - child: The process.
///   - code: Set to its exit code; -1 if it was killed by a signal.
///   - number: Set to the signal; 0 if it exited.
/// - Returns: 0, or an error number.
int pbt_wait(int child, int *code, int *number);

/// Reaps a child that has ended.
///
/// - Parameter child: The process.
/// - Returns: 0, or an error number.
int pbt_reap(int child);

/// Returns 1 for a process that `pbt_spawn` started and `pbt_reap` has not reaped yet, otherwise 0.
int pbt_is_started(int child);

/// Makes this process the parent of its descendants whose own parent has ended (a child subreaper), on Linux.
///
/// The caller must reap them: see `pbt_reap_orphan`.
///
/// - Returns: 0, or an error number: `ENOSYS` if the system does not support it.
int pbt_adopt_orphans(void);

/// Reaps a child that `pbt_spawn` did not start, if it has ended. Never waits.
///
/// - Parameter child: The process.
/// - Returns: 1 if it was reaped, otherwise 0.
int pbt_reap_orphan(int child);

#endif
