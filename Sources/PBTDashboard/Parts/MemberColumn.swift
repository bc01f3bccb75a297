// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTAPI

/// A column of the table of members or intervals.
enum MemberColumn: Hashable {
    case id, member, state, score, gain, interval, copies, from, modified
    case hyperparameter(String)
    case metric(String)

    /// The columns that all experiments have.
    private static let fixed: [String: MemberColumn] = [
        "id": .id, "member": .member, "state": .state, "score": .score, "gain": .gain, "interval": .interval,
        "copies": .copies, "from": .from, "modified": .modified,
    ]

    /// The column of a key; nil for an unknown key.
    init?(key: String) {
        if let column = Self.fixed[key] {
            self = column
            return
        }
        guard key.hasPrefix("h.") || key.hasPrefix("m."), let name = PathSegment.decode(key.dropFirst(2)) else {
            return nil
        }
        self = key.hasPrefix("h.") ? .hyperparameter(name) : .metric(name)
    }

    /// The column's name in a URL; names are percent-encoded, so it holds no comma.
    var key: String {
        switch self {
        case .hyperparameter(let name): "h.\(PathSegment.encode(name))"
        case .metric(let name): "m.\(PathSegment.encode(name))"
        default: "\(self)"
        }
    }

    /// A Boolean value indicating whether the cells are text.
    var isText: Bool { [.id, .state, .from, .modified].contains(self) }

    /// Returns whether the column sorts its greatest values first.
    func isBestFirst(_ goal: Objective.Goal) -> Bool {
        switch self {
        case .score, .gain: goal == .maximize
        case .interval, .copies, .modified: true
        case .id, .member, .state, .from, .hyperparameter, .metric: false
        }
    }

    /// Returns a row's value of the hyperparameter or metric; nil without one, and for other columns.
    func value(of row: MemberRow) -> Value? {
        switch self {
        case .hyperparameter(let name): row.newest.hyperparameters[name]
        case .metric(let name): row.scored?.metrics[name] ?? row.newest.metrics[name]
        default: nil
        }
    }

    /// Returns a row's number, for conditions; nil without one, and for columns of text.
    func number(of row: MemberRow) -> Double? {
        switch self {
        case .member: Double(row.member)
        case .score: row.score
        case .gain: row.gain
        case .interval: Double(row.newest.id.index)
        case .copies: Double(row.copies)
        case .hyperparameter, .metric: value(of: row)?.double
        case .id, .state, .from, .modified: nil
        }
    }
}

/// The names of the columns that an experiment's rows have.
struct ColumnNames {
    /// The hyperparameters, in the order of the search space.
    let hyperparameters: [String]
    /// The reported metrics by name, without the objective's.
    let metrics: [String]
    /// The objective's metric.
    let objective: String

    /// The names of the rows of an experiment.
    init(_ rows: [MemberRow], of experiment: Experiment) {
        var (hyperparameters, metrics): (Set<String>, Set<String>) = ([], [])
        for row in rows {
            hyperparameters.formUnion(row.newest.hyperparameters.values.keys)
            metrics.formUnion(row.newest.metrics.keys)
            if let scored = row.scored, scored.id != row.newest.id { metrics.formUnion(scored.metrics.keys) }
        }
        objective = experiment.objective.metric
        // It is the score, which has its own column.
        metrics.remove(objective)
        self.hyperparameters = experiment.space.ordered(hyperparameters.union(experiment.space.names))
        self.metrics = metrics.sorted()
    }

    /// Returns the column that a condition names: by its key, or by the name of a metric or a hyperparameter.
    func column(_ name: String) -> MemberColumn? {
        if let column = MemberColumn(key: name), contains(column) { return column }
        if name == objective { return .score }
        if hyperparameters.contains(name) { return .hyperparameter(name) }
        return metrics.contains(name) ? .metric(name) : nil
    }

    /// Returns whether the experiment has a column.
    func contains(_ column: MemberColumn) -> Bool {
        switch column {
        case .hyperparameter(let name): hyperparameters.contains(name)
        case .metric(let name): metrics.contains(name)
        default: true
        }
    }

    /// Returns what follows "there is no column X" in an error: a near name, or the names there are.
    func advice(for name: String) -> String {
        let names = ["score", "interval", "copies", objective] + hyperparameters + metrics
        if let near = nearest(to: name, among: names) { return "; did you mean \"\(near)\"?" }
        let shown = names.prefix(20).map { String($0.prefix(40)) }
        return "; there are \(Array(shown).quotedList)" + (names.count > 20 ? " and \(names.count - 20) more" : "")
    }
}
