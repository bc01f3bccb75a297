// SPDX-License-Identifier: Apache-2.0

package import PBT

extension ExperimentRecord {
    /// Encodes the experiment as a JSON object.
    ///
    /// - Parameters:
    ///   - definition: The value of `definition`; omitted if nil.
    ///   - version: The value of `definition_version`.
    /// - Returns: An object.
    package func api(definition: Value? = nil, version: String) -> Value {
        var object: [String: Value] = [
            "id": .integer(Int(id)), "name": .string(experiment.name), "state": .string(state.rawValue),
            "created": .time(created), "population": .integer(experiment.population),
            "intervals_planned": .integer(intervalsPlanned), "intervals_finished": .integer(intervalsFinished),
            "members_ended": .integer(membersEnded), "skipped": .integer(skipped),
            "failures_in_a_row": .integer(failuresInARow), "finished_intervals": .integer(Int(finishedIntervals)),
            "generation": .integer(generation), "generation_began": .time(generationBegan),
            "counts": .object(
                Dictionary(
                    uniqueKeysWithValues: Interval.State.allCases.map { ($0.rawValue, .integer(counts[$0] ?? 0)) })
            ),
            "definition_version": .string(version),
        ]
        if revisionNumber > 0 { object["revision"] = .integer(revisionNumber) }
        if undecided > 0 { object["undecided"] = .integer(undecided) }
        object["definition"] = definition
        object["reason"] = reason.map { .string($0) }
        object["ended"] = ended.map { .time($0) }
        if needsEvaluation { object["evaluation"] = "open" }
        object["best"] = best?.value
        object["best_score"] = bestScore.map { .number($0) }
        return .object(object)
    }

    /// Decodes an object that ``api(definition:version:)`` encoded.
    ///
    /// - Parameters:
    ///   - fields: The object.
    ///   - experiment: The definition.
    /// - Throws: A `PBTError` with code `badRequest`.
    package init(api fields: Fields, experiment: Experiment) throws(PBTError) {
        guard let state = State(rawValue: try fields.text("state")) else {
            throw PBTError(.badRequest, "state: \"\(try fields.text("state"))\" is not known to this version")
        }
        var counts: [Interval.State: Int] = [:]
        let counted = try fields.fields("counts")
        for state in Interval.State.allCases { counts[state] = try counted.int(ifAny: state.rawValue) ?? 0 }
        self.init(
            id: Int64(try fields.int("id")), experiment: experiment, state: state, created: try fields.time("created"),
            counts: counts, membersEnded: try fields.int("members_ended"), skipped: try fields.int("skipped"),
            failuresInARow: try fields.int("failures_in_a_row"),
            finishedIntervals: Int64(try fields.int("finished_intervals")), generation: try fields.int("generation"),
            generationBegan: try fields.time("generation_began"))
        reason = try fields.text(ifAny: "reason")
        ended = try fields.time(ifAny: "ended")
        undecided = try fields.int(ifAny: "undecided") ?? 0
        revisionNumber = try fields.int(ifAny: "revision", in: 0 ... .max) ?? 0
        best = try fields.interval(ifAny: "best")
        bestScore = fields["best_score"]?.double
        if try fields.text(ifAny: "evaluation") != "open" { markEvaluationOver() }
        if let complaint = limitComplaint {
            throw PBTError(.badRequest, "experiment \"\(experiment.name)\": \(complaint)")
        }
    }
}

extension Experiment {
    /// Decodes a definition.
    ///
    /// - Parameters:
    ///   - definition: The definition.
    ///   - isStored: Pass true if a server already has it in its store; see `init(document:directory:isStored:)`.
    /// - Throws: A `PBTError` with code `badExperiment` that names the place and the remedy.
    package init(api definition: Value, isStored: Bool = false) throws(PBTError) {
        do {
            try self.init(document: Document(definition), directory: "/", isStored: isStored)
        } catch {
            throw PBTError(.badExperiment, "definition: \(error)", problems: [error] + error.more)
        }
    }
}
