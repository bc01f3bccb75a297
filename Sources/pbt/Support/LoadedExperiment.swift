// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTCheckpoints
import PBTReport
import SystemPackage

/// An experiment as the inspecting commands show it: read once, as of one moment.
struct LoadedExperiment {
    /// The store that it is in.
    let opened: OpenStore
    /// The experiment, its intervals, and those of its random search.
    let history: History
    /// The definitions that decisions were made by, by number.
    let revisions: [Revision]
    /// The name of the experiment that this one is the baseline of.
    let baselineOf: String?
    /// The name of its random search, when that exists.
    let baseline: String?

    /// Reads an experiment.
    ///
    /// - Parameters:
    ///   - name: Its name.
    ///   - opened: The store.
    /// - Throws: A ``PBTError``: there is no such experiment, or the store cannot be read.
    init(_ name: String, in opened: OpenStore) async throws {
        var loader = HistoryLoader()
        let (loaded, revisions) = try await loader.loadWithRevisions(name, from: opened.store)
        self.opened = opened
        self.revisions = revisions
        history = loaded.history
        baselineOf = loaded.baselineOf
        baseline = loaded.baseline?.experiment.name
    }

    /// Its state and progress.
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

    /// Returns the absolute path of an interval's checkpoint; nil when none is kept, when a client of Schedy's protocol
    /// keeps its files, or when it is on a server whose directory this machine cannot see.
    func checkpoint(of interval: Interval) -> FilePath? {
        guard interval.checkpointState == .kept, !history.keepsFilesElsewhere(interval),
            let name = interval.checkpointName
        else { return nil }
        return opened.data?.checkpoint("\(name)", of: experiment.name)
    }

    /// Describes the location of an interval's checkpoint; nil when none is kept.
    func checkpointText(of interval: Interval) -> String? {
        if let path = checkpoint(of: interval) { return path.string }
        if history.keepsFilesElsewhere(interval) {
            let files = history.modelFiles(of: interval).map { "\(PlainText.line($0.path)) (\($0.key) of its results)" }
            return files.isEmpty ? nil : files.joined(separator: ", ")
        }
        guard interval.checkpointState == .kept, let text = interval.checkpoint else { return nil }
        guard let name = interval.checkpointName else {
            return "none: the store holds the invalid name \(Value.string(String(text.prefix(100))).json)"
        }
        return "\(name), on the server \(opened.location)"
    }

    /// Returns the interval that an argument names, which need not exist: it may be the one after a member's last.
    ///
    /// - Throws: A ``Failure`` when it names a member, or a job that does not exist.
    func intervalID(_ argument: IntervalArgument) throws -> IntervalID {
        if argument.index == nil, let job = history.genealogy.interval(withID: argument.text) { return job.id }
        if argument.member == nil { throw noJob(argument) }
        return try argument.interval()
    }

    private func noJob(_ argument: IntervalArgument) -> Failure {
        guard history.hasJobs else { return argument.notAnInterval }
        return Failure(
            .noSuch,
            "experiment \"\(experiment.name)\" has no job \(Value.string(String(argument.text.prefix(60))).json); see: "
                + Hint.command("show", experiment.name, "--all", in: opened))
    }

    /// Returns the interval that an argument names: the best one for nil, and a member's latest done one when only the
    /// member is given.
    ///
    /// - Throws: A ``Failure`` when there is no such member or interval, or no best one.
    func interval(_ argument: IntervalArgument?) throws -> Interval {
        guard let argument else {
            if let best = history.best { return best }
            guard experiment.objective.isDeclared else {
                throw Failure(
                    .noResult,
                    "\"\(experiment.name)\" has no objective, so there is no best interval; declare one with: "
                        + Hint.command("edit", experiment.name, "--minimize", "METRIC", in: opened))
            }
            throw Failure(
                record.state.isOver ? .noResult : .noSuch,
                "no interval of \"\(experiment.name)\" is done, so there is no best one; see: "
                    + Hint.command("show", experiment.name, in: opened)
            )
        }
        // A number may be the id of a job, if there is no such member.
        if argument.member.map({ !(0..<experiment.population).contains($0) }) ?? true,
            let job = history.genealogy.interval(withID: argument.text)
        {
            return job
        }
        guard let member = argument.member else { throw noJob(argument) }
        if let index = argument.index {
            let id = IntervalID(member: member, index: index)
            if let interval = history.genealogy[id] { return interval }
            try checkMember(member)
            let last = intervals.last { $0.id.member == id.member }?.id
            throw Failure(
                .noSuch,
                "experiment \"\(experiment.name)\" has no interval \(id)"
                    + (last.map { "; the last of member \(id.member) is \($0)" } ?? ""))
        }
        let own = intervals.filter { $0.id.member == member }
        guard let last = own.last else {
            try checkMember(member)
            throw Failure(.noSuch, "member \(member) of \"\(experiment.name)\" has no interval")
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
    /// Resolves an experiment's name on the command line: `last` is the most recently created one, baselines aside,
    /// unless an experiment has that name.
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
    /// Opens the store for reading, and reads an experiment.
    ///
    /// - Throws: A ``Failure`` or ``PBTError``.
    func load(_ name: String) async throws -> LoadedExperiment {
        let opened = try await open(reading: true)
        return try await LoadedExperiment(await opened.store.resolved(name), in: opened)
    }
}
