// SPDX-License-Identifier: Apache-2.0

/// The rows of a table: members with their newest intervals, or all intervals.
enum RowKind: String, CaseIterable {
    case members, intervals
}
