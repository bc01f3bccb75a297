// SPDX-License-Identifier: Apache-2.0

#ifndef CSPAWN_H
#define CSPAWN_H

/// Starts a program that leads a process group of its own.
///
/// Between its creation and its new group a process is in the group of this one, so that a Ctrl-C or a Ctrl-Z meant for
/// this one reaches it as well. Such signals are discarded here: `posix_spawn` keeps them back and then lets them kill or
/// stop the program before it begins.
///
/// The program reads nothing, writes to one file, has no other file open, and heeds and ignores no signal. Where this
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
///   - output: The file that takes its standard output and standard error.
/// - Returns: 0, or the number of an error: of `chdir` and `execve` also.
int pbt_spawn(int *child, const char *path, char *const arguments[], char *const environment[], const char *directory,
              int output);

/// Waits until a child ends, and reaps it.
///
/// - Parameters:
///   - child: The process.
///   - code: Set to its exit code; to -1 when a signal ended it.
///   - number: Set to that signal, else to 0.
/// - Returns: 0, or the number of an error.
int pbt_wait(int child, int *code, int *number);

#endif
