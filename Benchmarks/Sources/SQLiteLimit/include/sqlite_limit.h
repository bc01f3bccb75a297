// SPDX-License-Identifier: Apache-2.0
// Bare SQLite doing what a store did: every statement that one connection ran, with the values bound to it, is
// recorded, and run again prepared, from C, with nothing around it.
#ifndef SQLITE_LIMIT_H
#define SQLITE_LIMIT_H

/// From now on watches every connection that is opened in this process.
void limit_watch(void);

/// From now on records what the watched connections run.
void limit_record(void);

/// Records no more, and watches no connection opened from now on.
void limit_record_end(void);

/// Makes the values ready and opens the file, which must be as the recorded one was at its first transaction.
/// Returns 0, or -1 (see limit_error).
int limit_open(const char *path);

/// Runs recorded statements until this many transactions are committed. Returns how many were; fewer at the end of
/// the recording; -1 after an error.
long limit_run(long transactions);

/// How many statements are recorded for the connection that is run again.
long limit_statements(void);

/// Closes the file. Returns 0, or -1.
int limit_close(void);

/// What went wrong last.
const char *limit_error(void);

/// A text that two files share when the same members were trained with the same results: counts and sums over all
/// intervals, without times and tokens. Writes it into the buffer; returns 0, or -1.
int limit_digest(const char *path, char *buffer, int size);

#endif
