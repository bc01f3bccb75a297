// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import PBT
import PBTReport
import SystemPackage

/// `pbt show`.
struct ShowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show how far an experiment is, its best interval and its members.")

    @Argument(help: "The experiment.", completion: .experiments) var experiment: String
    @Flag(name: .long, help: "Show all members, not only the best 20.") var all = false
    @OptionGroup var storeOptions: StoreOptions
    @OptionGroup var format: FormatOptions
    @OptionGroup var pager: PagerOptions

    func run() async throws {
        try await pager.page { try await answer() }
    }

    private func answer() async throws {
        let looked = try await storeOptions.look(at: experiment)
        let members = looked.standings()
        if format.json {
            try Output.json(looked.value(of: members))
        } else {
            try ShowText(looked: looked, members: members).print(all: all)
        }
    }
}

/// A member as it is shown: by its newest interval that has finished, and what it does now.
struct MemberStanding {
    /// Its newest interval that has finished; its first when none has.
    let shown: Interval
    /// Its interval that waits or runs, when there is one after that.
    let open: Interval?

    /// The member whose intervals these are, in order; at least one.
    init(_ intervals: ArraySlice<Interval>) {
        let last = intervals[intervals.index(before: intervals.endIndex)]
        let finished = intervals.last { $0.state.isFinished }
        shown = finished ?? last
        open = last.id == shown.id ? nil : last
    }

    /// Its score, when that is finite.
    var score: Double? {
        shown.state == .done ? shown.score : nil
    }

    /// What it does, in a few words.
    var words: String {
        guard let open else { return shown.state.rawValue }
        let result = shown.state == .done ? "" : "\(shown.state.rawValue), "
        return result + (open.state == .running ? "training @\(open.id.index)" : "waiting for @\(open.id.index)")
    }
}

extension Looked {
    /// The members, best first; those without a score last.
    func standings() -> [MemberStanding] {
        let objective = experiment.objective
        return history.members.map { MemberStanding($0) }.sorted { a, b in
            switch (a.score, b.score) {
            case (let x?, let y?) where x != y: objective.isBetter(x, than: y)
            case (.some, nil): true
            case (nil, .some): false
            default: a.shown.id < b.shown.id
            }
        }
    }

    /// The best interval with the keys of all intervals and `checkpoint`: its directory's absolute path.
    var bestValue: Value {
        guard let best = history.best else { return .null }
        var object = best.looked
        object["checkpoint"] = .string(orNull: checkpoint(of: best)?.string)
        return .object(object)
    }

    /// The revisions of the definition, each with what it changed.
    private var revisionValues: [Value] {
        var before: Experiment?
        return revisions.map { revision in
            let changes = before.map { revision.experiment.differences(from: $0) } ?? []
            before = revision.experiment
            return [
                "number": .integer(revision.number), "time": .string(revision.time.description),
                "finished_intervals": .integer(Int(revision.after)), "changes": .array(changes.map(\.value)),
                "definition": revision.experiment.value,
            ]
        }
    }

    /// The answer of `pbt show --json`.
    func value(of members: [MemberStanding]) -> Value {
        let rows = members.sorted { $0.shown.id < $1.shown.id }.map { member in
            var object = member.shown.looked
            object["next"] =
                member.open.map { ["interval": .integer($0.id.index), "state": .string($0.state.rawValue)] } ?? .null
            return Value.object(object)
        }
        return [
            "name": .string(experiment.name), "kind": .string(experiment.kindName),
            "state": .string(record.state.rawValue), "reason": .string(orNull: record.reason),
            "objective": [
                "metric": .string(experiment.objective.metric), "goal": .string(experiment.objective.goal.rawValue),
            ],
            "population": .integer(experiment.population), "intervals": record.countsValue,
            "intervals_planned": .integer(record.intervalsPlanned), "best": bestValue, "members": .array(rows),
            "copies": .integer(history.copies), "founders_left": .integer(history.families.foundersLeft),
            "baseline": .string(orNull: baseline), "baseline_of": .string(orNull: baselineOf),
            "revisions": .array(revisionValues),
            "created": .string(record.created.description), "ended": .string(orNull: record.ended?.description),
        ]
    }
}
