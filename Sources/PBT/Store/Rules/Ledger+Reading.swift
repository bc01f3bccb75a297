// SPDX-License-Identifier: Apache-2.0

extension Ledger {
    /// Returns the intervals as they are now, for rules that learn from them; nothing is read unless one does.
    func history(of record: ExperimentRecord) -> IntervalHistory {
        IntervalHistory { try self.intervals(in: record, index: $0) }
    }

    package func existing(_ name: String) throws -> ExperimentRecord {
        if let record = try record(named: name) { return record }
        let names = try records().map(\.experiment.name)
        let advice =
            if let near = nearest(to: name, among: names) {
                "did you mean \"\(near)\"?"
            } else if names.isEmpty {
                "the store has none yet"
            } else {
                "there are \(names.prefix(10).quotedList)"
            }
        throw PBTError(.noSuchExperiment, "there is no experiment \"\(name)\"; \(advice)")
    }

    package func existing(_ id: IntervalID, in record: ExperimentRecord) throws -> Interval {
        if let interval = try interval(id, in: record) { return interval }
        throw PBTError(
            .noSuchInterval,
            "experiment \"\(record.experiment.name)\" has no interval \(id): members are 0 to "
                + "\(record.experiment.population - 1), and an interval exists once its member got there")
    }
}
