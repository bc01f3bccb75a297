// SPDX-License-Identifier: Apache-2.0

import GRDB
import GRDBSQLite

/// The columns of a statement's current row; valid until its next step.
///
/// Not GRDB's rows, which create a dictionary of column names for every query, which takes longer than the query.
struct Columns {
    fileprivate let statement: OpaquePointer

    /// Returns the bytes of a string, empty for NULL; valid until the statement's next step.
    func bytes(_ column: Int32) -> UnsafeRawBufferPointer {
        let start = sqlite3_column_text(statement, column)
        return UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(statement, column)))
    }

    /// The value of a column, counted from 0.
    subscript<Value: ColumnValue>(column: Int32) -> Value {
        Value(statement, column)
    }
}

/// A type that can be read from a column.
protocol ColumnValue {
    /// Reads a column of a statement's current row.
    init(_ statement: OpaquePointer, _ column: Int32)
}

/// A type that a parameter can be bound to.
protocol ParameterValue {
    /// Binds a parameter, counted from 1; returns SQLite's result code.
    func bind(to statement: OpaquePointer, at parameter: Int32) -> Int32
}

extension Int64: ColumnValue, ParameterValue {
    init(_ statement: OpaquePointer, _ column: Int32) {
        self = sqlite3_column_int64(statement, column)
    }

    func bind(to statement: OpaquePointer, at parameter: Int32) -> Int32 {
        sqlite3_bind_int64(statement, parameter, self)
    }
}

extension Int: ColumnValue, ParameterValue {
    init(_ statement: OpaquePointer, _ column: Int32) {
        self = Int(sqlite3_column_int64(statement, column))
    }

    func bind(to statement: OpaquePointer, at parameter: Int32) -> Int32 {
        sqlite3_bind_int64(statement, parameter, Int64(self))
    }
}

extension Bool: ColumnValue, ParameterValue {
    init(_ statement: OpaquePointer, _ column: Int32) {
        self = sqlite3_column_int64(statement, column) != 0
    }

    func bind(to statement: OpaquePointer, at parameter: Int32) -> Int32 {
        sqlite3_bind_int64(statement, parameter, self ? 1 : 0)
    }
}

extension Double: ColumnValue, ParameterValue {
    init(_ statement: OpaquePointer, _ column: Int32) {
        self = sqlite3_column_double(statement, column)
    }

    func bind(to statement: OpaquePointer, at parameter: Int32) -> Int32 {
        sqlite3_bind_double(statement, parameter, self)
    }
}

extension String: ColumnValue, ParameterValue {
    init(_ statement: OpaquePointer, _ column: Int32) {
        guard let text = sqlite3_column_text(statement, column) else {
            self = ""
            return
        }
        let count = Int(sqlite3_column_bytes(statement, column))
        self = String(decoding: UnsafeBufferPointer(start: text, count: count), as: UTF8.self)
    }

    func bind(to statement: OpaquePointer, at parameter: Int32) -> Int32 {
        // SQLITE_TRANSIENT, a macro that Swift does not import: SQLite makes a copy.
        let copied = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
        return utf8.withContiguousStorageIfAvailable {
            $0.withMemoryRebound(to: CChar.self) {
                sqlite3_bind_text(statement, parameter, $0.baseAddress, Int32($0.count), copied)
            }
        } ?? sqlite3_bind_text(statement, parameter, self, Int32(utf8.count), copied)
    }
}

extension Optional: ColumnValue where Wrapped: ColumnValue {
    init(_ statement: OpaquePointer, _ column: Int32) {
        self = sqlite3_column_type(statement, column) == SQLITE_NULL ? nil : Wrapped(statement, column)
    }
}

extension Database {
    /// Runs a cached prepared statement.
    ///
    /// - Parameters:
    ///   - sql: The statement.
    ///   - values: The values of its parameters.
    ///   - row: Called for each row; returns true to continue with the next one.
    /// - Throws: GRDB's `DatabaseError`, and the errors of `row`.
    func run(_ sql: String, _ values: [(any ParameterValue)?], row: (Columns) throws -> Bool = { _ in true }) throws {
        let statement = try cachedStatement(sql: sql).sqliteStatement
        defer { sqlite3_reset(statement) }
        precondition(Int32(values.count) == sqlite3_bind_parameter_count(statement), "each parameter has its value")
        for (i, value) in values.enumerated() {
            let parameter = Int32(i + 1)
            let code = value?.bind(to: statement, at: parameter) ?? sqlite3_bind_null(statement, parameter)
            guard code == SQLITE_OK else { throw failure(code, sql) }
        }
        while true {
            switch sqlite3_step(statement) {
            case SQLITE_ROW:
                guard try row(Columns(statement: statement)) else { return }
            case SQLITE_DONE: return
            case let code: throw failure(code, sql)
            }
        }
    }

    private func failure(_ code: Int32, _ sql: String) -> DatabaseError {
        DatabaseError(resultCode: ResultCode(rawValue: code), message: lastErrorMessage, sql: sql)
    }
}
