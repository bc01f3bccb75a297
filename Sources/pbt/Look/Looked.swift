// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTCheckpoints
import PBTReport
import SystemPackage

/// An experiment as the looking commands see it: read once, as of one moment.
struct Looked {
    /// The store that it is in.
    let opened: OpenStore
    /// The experiment, its intervals, and those of the random search beside it.
    let history: History
    /// The definitions by which decisions were made, by number.
    let revisions: [Revision]
    /// The experiment that this one is the baseline of.
    let baselineOf: String?
    /// The random search beside it, when it has begun.
    let baseline: String?

    /// Reads an experiment.
    ///
    /// - Parameters:
    ///   - name: Its name.
    ///   - opened: The store.
    /// - Throws: A ``PBTError``: there is no such experiment, or the store cannot be read.
    init(_ name: String, in opened: OpenStore) async throws {
        let store = opened.store
        let (record, revisions, intervals) = try await store.audited(name)
        let others = try await store.experiments()
        self.opened = opened
        self.revisions = revisions
        baselineOf = Self.baselineOf(name, among: others)
        baseline = record.experiment.baseline.flatMap { baseline in
            others.first { $0.experiment.name == baseline.name }?.experiment.name
        }
        var beside: [Interval]?
        if let baseline { beside = try await store.intervals(of: baseline) }
        history = History(record, intervals: intervals, baseline: beside)
    }

    /// The experiment that one of this name is the baseline of, if any.
    static func baselineOf(_ name: String, among records: [ExperimentRecord]) -> String? {
        records.first { $0.experiment.baseline?.name == name }?.experiment.name
    }

    /// How far it is.
    var record: ExperimentRecord {
        history.record
    }

    /// Its definition.
    var experiment: Experiment {
        record.experiment
    }

    /// Its intervals, by member and index.
    var intervals: [Interval] {
        history.genealogy.intervals
    }

    /// The directory of an interval's checkpoint, absolute; none when the interval has none that is kept, or it is on a
    /// server whose directory this machine does not see.
    func checkpoint(of interval: Interval) -> FilePath? {
        guard interval.checkpointState == .kept, let name = interval.checkpointName else { return nil }
        return opened.data?.checkpoint("\(name)", of: experiment.name)
    }

    /// Where an interval's checkpoint is, for a person; none when the interval has none that is kept.
    func checkpointText(of interval: Interval) -> String? {
        if let path = checkpoint(of: interval) { return path.string }
        guard interval.checkpointState == .kept, let text = interval.checkpoint else { return nil }
        guard let name = interval.checkpointName else {
            return "none: the store holds the invalid name \(Value.string(String(text.prefix(100))).json)"
        }
        return "\(name), on the server \(opened.location)"
    }

    /// The interval that an argument names: the best when there is none, a member's newest done one when only the
    /// member is given.
    ///
    /// - Throws: A ``Failure`` when there is no such member or interval, or no best one.
    func interval(_ argument: IntervalArgument?) throws -> Interval {
        guard let argument else {
            if let best = history.best { return best }
            throw Failure(
                record.state.isOver ? .noResult : .noSuch,
                "no interval of \"\(experiment.name)\" is done, so there is no best one; see: "
                    + Hint.command("show", experiment.name, in: opened)
            )
        }
        if let index = argument.index {
            let id = IntervalID(member: argument.member, index: index)
            if let interval = history.genealogy[id] { return interval }
            try checkMember(argument.member)
            let last = intervals.last { $0.id.member == id.member }?.id
            throw Failure(
                .noSuch,
                "experiment \"\(experiment.name)\" has no interval \(id)"
                    + (last.map { "; the last of member \(id.member) is \($0)" } ?? ""))
        }
        let own = intervals.filter { $0.id.member == argument.member }
        guard let last = own.last else {
            try checkMember(argument.member)
            throw Failure(.noSuch, "member \(argument.member) of \"\(experiment.name)\" has no interval")
        }
        return own.last { $0.state == .done } ?? last
    }

    private func checkMember(_ member: Int) throws {
        guard !(0..<experiment.population).contains(member) else { return }
        let members =
            experiment.population == 0
            ? "there are no members yet" : "members are 0 to \(experiment.population - 1)"
        throw Failure(.noSuch, "experiment \"\(experiment.name)\" has no member \(member); \(members)")
    }
}

extension Store {
    /// An experiment, its revisions and its intervals, which belong together: no edit came between.
    ///
    /// - Parameter name: The experiment.
    /// - Returns: All three.
    /// - Throws: A ``PBTError``; ``PBTError/Code/storeBusy`` when it is edited all the time.
    func audited(_ name: String) async throws -> (ExperimentRecord, [Revision], [Interval]) {
        var revisions = try await revisions(of: name)
        for _ in 0..<100 {
            let record = try await record(of: name)
            let intervals = try await intervals(of: name)
            let after = try await self.revisions(of: name)
            if after == revisions { return (record, revisions, intervals) }
            revisions = after
        }
        throw PBTError(.storeBusy, "experiment \"\(name)\" is edited while it is read; try again later")
    }

    /// The name of an experiment that was given by a user: `last` is the one that was created last, baselines aside,
    /// unless one has that name.
    ///
    /// - Throws: A ``PBTError`` when the store cannot be read, or has no experiments.
    func resolved(_ name: String) async throws -> String {
        guard name == "last" else { return name }
        let records = try await experiments()
        let names = Set(records.map(\.experiment.name))
        guard !names.contains(name) else { return name }
        let baselines = Set(records.compactMap { $0.experiment.baseline?.name })
        return records.last { !baselines.contains($0.experiment.name) }?.experiment.name ?? name
    }
}

extension StoreOptions {
    /// Opens the store and reads an experiment.
    ///
    /// - Throws: A ``Failure`` or ``PBTError``.
    func look(at name: String) async throws -> Looked {
        let opened = try await open(reading: true)
        return try await Looked(await opened.store.resolved(name), in: opened)
    }
}
