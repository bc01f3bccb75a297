// SPDX-License-Identifier: Apache-2.0

#ifndef CSPAWN_H
#define CSPAWN_H

#include <stddef.h>

/// Starts a program that leads a process group of its own.
///
/// Between its creation and its new group a process is in the group of this one, so that a Ctrl-C or a Ctrl-Z meant for
/// this one reaches it as well. Such signals are discarded here: `posix_spawn` keeps them back and then lets them kill or
/// stop the program before it begins.
///
/// The program reads nothing, writes to two files, has no other file open, and handles and ignores no signal. Where this
/// process ignores SIGCHLD it does so no longer, since it could not wait for the program.
///
/// Blocks until the program runs, or could not be started.
///
/// - Parameters:
///   - child: Set to its process, which is also its group.
///   - path: The program.
///   - arguments: Its arguments with its name, closed by a null pointer.
///   - environment: Entries `NAME=value`, closed by a null pointer.
///   - directory: Where it runs.
///   - output: The file that takes its standard output.
///   - errors: The file that takes its standard error; may be the same.
/// - Returns: 0, or the number of an error: of `chdir` and `execve` also.
int pbt_spawn(int *child, const char *path, char *const arguments[], char *const environment[], const char *directory,
              int output, int errors);

/// Returns 1 when some bytes hold others as a part, else 0.
int pbt_holds(const void *bytes, size_t count, const void *part, size_t length);

/// Makes a pipe that no program inherits, with room for a megabyte where the system allows it.
///
/// - Parameter ends: Set to the end to read from and the end to write to.
/// - Returns: 0, or the number of an error.
int pbt_pipe(int ends[2]);

/// Waits until a child ends. It is not reaped: its number, and that of its group, is given to no other process until
/// `pbt_reap`.
///
/// - Parameters:
///   - child: The process.
///   - code: Set to its exit code; to -1 when a signal ended it.
///   - number: Set to that signal, else to 0.
/// - Returns: 0, or the number of an error.
int pbt_wait(int child, int *code, int *number);

/// Reaps a child that has ended.
///
/// - Parameter child: The process.
/// - Returns: 0, or the number of an error.
int pbt_reap(int child);

/// Returns 1 for a process that `pbt_spawn` started and `pbt_reap` has not reaped yet, else 0.
int pbt_is_started(int child);

/// Makes this process the parent of its descendants whose own parent has ended (a child subreaper), on Linux.
///
/// The caller must reap them: see `pbt_reap_orphan`.
///
/// - Returns: 0, or the number of an error: `ENOSYS` where the system knows no such thing.
int pbt_adopt_orphans(void);

/// Reaps a child that `pbt_spawn` did not start, if it has ended. Never waits.
///
/// - Parameter child: The process.
/// - Returns: 1 when it was reaped, else 0.
int pbt_reap_orphan(int child);

#endif
