// SPDX-License-Identifier: Apache-2.0
#include "sqlite_limit.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    int type;  // SQLITE_INTEGER, SQLITE_FLOAT, SQLITE_TEXT, SQLITE_NULL
    sqlite3_int64 integer;
    double real;
    char *text;
    int length;
} Bound;

typedef struct {
    char *sql;
    sqlite3_stmt *statement;
    int is_pragma, is_commit;
} Prepared;

typedef struct {
    sqlite3 *connection;
    char *expanded;
    int prepared, count;
    Bound *bound;
} Operation;

static Prepared *prepared;
static int prepared_count;
static Operation *operations;
static long operation_count, operation_room, next_operation;
static int recording;
static sqlite3 *db;
static char message[512];

static int fail(const char *doing, const char *detail) {
    snprintf(message, sizeof message, "%s: %s", doing, detail);
    return -1;
}

const char *limit_error(void) { return message; }

// MARK: Recording

static int number_of(const char *sql) {
    for (int i = 0; i < prepared_count; i++)
        if (!strcmp(prepared[i].sql, sql)) return i;
    prepared = realloc(prepared, sizeof *prepared * (prepared_count + 1));
    prepared[prepared_count] = (Prepared){
        .sql = strdup(sql),
        .is_pragma = !strncmp(sql, "PRAGMA", 6),
        .is_commit = !strncmp(sql, "COMMIT", 6),
    };
    return prepared_count++;
}

static int traced(unsigned kind, void *connection, void *statement, void *text) {
    (void)kind;
    const char *sql = text;
    if (!recording || !strncmp(sql, "--", 2)) return 0;
    if (operation_count == operation_room) {
        operation_room = operation_room ? operation_room * 2 : 4096;
        operations = realloc(operations, sizeof *operations * operation_room);
    }
    char *expanded = sqlite3_expanded_sql(statement);
    operations[operation_count++] = (Operation){
        .connection = connection,
        .expanded = expanded ? strdup(expanded) : NULL,
        .prepared = number_of(sqlite3_sql(statement)),
    };
    sqlite3_free(expanded);
    return 0;
}

static int opened(sqlite3 *connection, const char **error, const void *api) {
    (void)error;
    (void)api;
    return sqlite3_trace_v2(connection, SQLITE_TRACE_STMT, traced, connection);
}

void limit_watch(void) { sqlite3_auto_extension((void (*)(void))opened); }

void limit_record(void) { recording = 1; }

void limit_record_end(void) {
    recording = 0;
    sqlite3_reset_auto_extension();
}

// MARK: Values

/// Reads one literal as sqlite3_expanded_sql writes it, and returns what follows it.
static const char *literal(const char *from, Bound *bound) {
    if (!strncmp(from, "NULL", 4)) {
        bound->type = SQLITE_NULL;
        return from + 4;
    }
    if (*from == '\'') {
        char *text = malloc(strlen(from)), *out = text;
        for (from++; *from; from++) {
            if (*from == '\'' && *++from != '\'') break;
            *out++ = *from;
        }
        *out = 0;
        bound->type = SQLITE_TEXT;
        bound->text = text;
        bound->length = (int)(out - text);
        return from;
    }
    const char *end = from + strspn(from, "+-0123456789.eE");
    if (end == from) return NULL;
    int is_real = strcspn(from, ".eE") < (size_t)(end - from);
    bound->type = is_real ? SQLITE_FLOAT : SQLITE_INTEGER;
    if (is_real) bound->real = strtod(from, NULL);
    else bound->integer = strtoll(from, NULL, 10);
    return end;
}

/// Finds what was bound by walking the statement and its expansion side by side.
static int find_bound(Operation *operation) {
    const char *sql = prepared[operation->prepared].sql, *expanded = operation->expanded;
    if (!expanded) return fail("an expanded statement is missing", sql);
    operation->bound = NULL;
    for (; *sql; sql++) {
        if (*sql != '?') {
            if (*sql != *expanded++) return fail("cannot read the values of", operation->expanded);
            continue;
        }
        operation->bound = realloc(operation->bound, sizeof(Bound) * (operation->count + 1));
        Bound bound = {0};
        expanded = literal(expanded, &bound);
        if (!expanded) return fail("cannot read the values of", operation->expanded);
        operation->bound[operation->count++] = bound;
    }
    free(operation->expanded);
    operation->expanded = NULL;
    return 0;
}

/// Keeps what the connection that writes did.
static int choose(void) {
    sqlite3 *writer = NULL;
    for (long i = 0; i < operation_count && !writer; i++)
        if (!strncmp(prepared[operations[i].prepared].sql, "BEGIN IMMEDIATE", 15)) writer = operations[i].connection;
    long kept = 0;
    for (long i = 0; i < operation_count; i++) {
        if (!writer || operations[i].connection != writer) {
            free(operations[i].expanded);
            continue;
        }
        operations[kept] = operations[i];
        if (find_bound(&operations[kept])) return -1;
        kept++;
    }
    operation_count = kept;
    return kept ? 0 : fail("nothing was recorded", "no transaction");
}

// MARK: Running

int limit_open(const char *path) {
    if (choose()) return -1;
    next_operation = 0;
    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
        return fail(path, sqlite3_errmsg(db));
    // As the store sets its own connection up.
    if (sqlite3_exec(db, "PRAGMA foreign_keys = ON; PRAGMA journal_mode = WAL; PRAGMA cache_size = -1024;"
                         "PRAGMA synchronous = NORMAL", NULL, NULL, NULL) != SQLITE_OK)
        return fail(path, sqlite3_errmsg(db));
    for (int i = 0; i < prepared_count; i++) prepared[i].statement = NULL;
    // Prepared now, so that the first round is like the others.
    for (long i = 0; i < operation_count; i++) {
        Prepared *p = &prepared[operations[i].prepared];
        if (!p->is_pragma && !p->statement &&
            sqlite3_prepare_v3(db, p->sql, -1, SQLITE_PREPARE_PERSISTENT, &p->statement, NULL) != SQLITE_OK)
            return fail(p->sql, sqlite3_errmsg(db));
    }
    return 0;
}

static int run(const Operation *operation) {
    Prepared *p = &prepared[operation->prepared];
    if (p->is_pragma) return sqlite3_exec(db, p->sql, NULL, NULL, NULL);
    sqlite3_stmt *statement = p->statement;
    for (int i = 0; i < operation->count; i++) {
        const Bound *bound = &operation->bound[i];
        switch (bound->type) {
        case SQLITE_INTEGER: sqlite3_bind_int64(statement, i + 1, bound->integer); break;
        case SQLITE_FLOAT: sqlite3_bind_double(statement, i + 1, bound->real); break;
        case SQLITE_TEXT: sqlite3_bind_text(statement, i + 1, bound->text, bound->length, SQLITE_STATIC); break;
        default: sqlite3_bind_null(statement, i + 1);
        }
    }
    int code;
    static volatile long touched;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        int columns = sqlite3_column_count(statement);
        for (int i = 0; i < columns; i++) {
            switch (sqlite3_column_type(statement, i)) {
            case SQLITE_INTEGER: touched += sqlite3_column_int64(statement, i); break;
            case SQLITE_TEXT: touched += sqlite3_column_text(statement, i)[0]; break;
            default: touched += (long)sqlite3_column_double(statement, i);
            }
        }
    }
    int reset = sqlite3_reset(statement);
    return code == SQLITE_DONE ? reset : code;
}

long limit_run(long transactions) {
    long done = 0;
    while (done < transactions && next_operation < operation_count) {
        const Operation *operation = &operations[next_operation++];
        if (run(operation) != SQLITE_OK) return fail(prepared[operation->prepared].sql, sqlite3_errmsg(db));
        done += prepared[operation->prepared].is_commit;
    }
    return done;
}

long limit_statements(void) { return operation_count; }

int limit_close(void) {
    for (int i = 0; i < prepared_count; i++) sqlite3_finalize(prepared[i].statement);
    int code = sqlite3_close(db);
    db = NULL;
    return code == SQLITE_OK ? 0 : fail("close", sqlite3_errstr(code));
}

int limit_digest(const char *path, char *buffer, int size) {
    sqlite3 *file = NULL;
    sqlite3_stmt *statement = NULL;
    int result = -1;
    const char *sql =
        "SELECT count(*), sum(state), sum(idx), sum(depth), sum(attempts), sum(checkpoint_state), sum(sequence),"
        " sum(parent_member), printf('%.9f', sum(score)), sum(length(checkpoint)), sum(length(hyperparameters)),"
        " (SELECT count(*) FROM event), (SELECT sum(length(details)) FROM event WHERE kind <> 'started'),"
        " (SELECT sum(revision) FROM standing), (SELECT best_member FROM experiment), (SELECT state FROM experiment)"
        " FROM interval";
    if (sqlite3_open_v2(path, &file, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK &&
        sqlite3_prepare_v2(file, sql, -1, &statement, NULL) == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW) {
        int used = 0;
        for (int i = 0; i < sqlite3_column_count(statement) && used < size; i++) {
            const unsigned char *text = sqlite3_column_text(statement, i);
            used += snprintf(buffer + used, size - used, "%s ", text ? (const char *)text : "-");
        }
        result = 0;
    } else {
        fail(path, sqlite3_errmsg(file));
    }
    sqlite3_finalize(statement);
    sqlite3_close(file);
    return result;
}
