// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTReport
import SystemPackage

extension LoadedExperiment {
    /// The best interval with the keys of all intervals and `checkpoint`: its directory's absolute path.
    var bestValue: Value {
        guard let best = history.best else { return .null }
        var object = best.fields
        object["checkpoint"] = .string(orNull: checkpoint(of: best)?.string)
        object["metrics"] = .object(best.metrics)
        object["evaluations"] = .array(best.evaluations.map(\.value))
        return .object(object)
    }

    /// The revisions of the definition, each with its changes.
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

    /// Returns the output of `pbt show --json`.
    func value(of members: [MemberStanding]) -> Value {
        let rows = members.sorted { $0.shown.id < $1.shown.id }.map { member in
            var object = member.shown.fields
            object["next"] =
                member.open.map { ["interval": .integer($0.id.index), "state": .string($0.state.rawValue)] } ?? .null
            return Value.object(object)
        }
        return [
            "name": .string(experiment.name), "kind": .string(experiment.kindName),
            "state": .string(record.state.rawValue), "reason": .string(orNull: record.reason),
            "objective": experiment.objective.value,
            "population": .integer(experiment.population), "intervals": record.countsValue,
            "intervals_planned": .integer(record.intervalsPlanned), "best": bestValue, "members": .array(rows),
            "copies": .integer(history.copies), "founders_left": .integer(history.families.foundersLeft),
            "baseline": .string(orNull: baseline), "baseline_of": .string(orNull: baselineOf),
            "comparison": history.verdict?.value ?? .null,
            "revisions": .array(revisionValues),
            "created": .string(record.created.description), "ended": .string(orNull: record.ended?.description),
        ]
    }
}
