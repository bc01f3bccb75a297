// SPDX-License-Identifier: Apache-2.0

package import PBT

extension Lease {
    /// The lease as a JSON object, including its secret.
    package var api: Value {
        var object: [String: Value] = [
            "experiment": .string(experiment), "member": .integer(interval.member),
            "interval": .integer(interval.index), "attempt": .integer(attempt), "token": .string(token),
            "worker": .string(worker), "expires": .time(expires),
        ]
        object["evaluation"] = evaluation.map { .integer($0) }
        return .object(object)
    }

    /// Decodes an object that ``api`` encoded.
    ///
    /// - Throws: A `PBTError` with code `badRequest`.
    package init(api fields: Fields) throws(PBTError) {
        self.init(
            experiment: try fields.text("experiment"),
            interval: IntervalID(
                member: try fields.int("member", in: Limits.ordinals),
                index: try fields.int("interval", in: Limits.ordinals)),
            attempt: try fields.int("attempt", in: Limits.ordinals), token: try fields.text("token"),
            worker: try fields.text(ifAny: "worker") ?? "",
            expires: try fields.time(ifAny: "expires") ?? Timestamp(milliseconds: 0),
            evaluation: try fields.int(ifAny: "evaluation", in: 0...(Evaluation.most - 1)))
    }
}

extension Assignment {
    /// Encodes the assignment as a JSON object.
    ///
    /// - Parameters:
    ///   - definition: The value of `definition`; omitted if nil.
    ///   - version: The value of `definition_version`.
    /// - Returns: An object.
    package func api(definition: Value?, version: String) -> Value {
        var object: [String: Value] = [
            "lease": lease.api, "interval": interval.api, "seed": .integer(seed),
            "interval_seed": .integer(intervalSeed),
            "objective": experiment.objective.value,
            "definition_version": .string(version),
        ]
        object["parent_checkpoint"] = parentCheckpoint.map { .string($0) }
        if !garbage.isEmpty { object["garbage"] = .array(garbage.map { .string($0) }) }
        object["definition"] = definition
        // With arrays and groups nested, as a trainer gets them; the interval's own are flat.
        if !experiment.space.paths.isEmpty || !experiment.space.arrays.isEmpty {
            object["hyperparameters"] = experiment.space.nested(interval.hyperparameters.values)
        }
        return .object(object)
    }

    /// Decodes an object that ``api(definition:version:)`` encoded.
    ///
    /// - Throws: A `PBTError` with code `badRequest`.
    package init(api fields: Fields, experiment: Experiment) throws(PBTError) {
        self.init(
            lease: try Lease(api: fields.fields("lease")), interval: try Interval(api: fields.fields("interval")),
            parentCheckpoint: try fields.text(ifAny: "parent_checkpoint"), experiment: experiment,
            garbage: fields["garbage"] == nil ? [] : try fields.strings("garbage"))
    }
}

extension Outcome {
    /// The outcome's fields in the body of a `finish`.
    package var api: [String: Value] {
        switch self {
        case .failed(let reason): return ["failed": .string(reason)]
        case .trained(let score, let metrics, let checkpoint):
            var object: [String: Value] = ["score": .score(score), "metrics": .object(metrics)]
            object["checkpoint"] = checkpoint.map { .string($0) }
            return object
        }
    }

    /// Decodes the outcome from the body of a `finish`.
    ///
    /// - Throws: A `PBTError` with code `badRequest`.
    package init(api fields: Fields) throws(PBTError) {
        if let reason = try fields.text(ifAny: "failed") {
            guard fields["score"] == nil, fields["checkpoint"] == nil else {
                throw PBTError(
                    .badRequest, "failed: cannot be combined with a score or a checkpoint; give one or the other")
            }
            self = .failed(reason: reason)
        } else {
            self = .trained(
                score: try fields.score("score"),
                metrics: fields["metrics"] == nil ? [:] : try fields.object("metrics"),
                checkpoint: try fields.text(ifAny: "checkpoint"))
        }
    }
}

extension Decision {
    /// The decision as a JSON object.
    package var api: Value {
        var object = value.object ?? [:]
        object["interval"] = interval.value
        object["next"] = next?.api
        return .object(object)
    }

    /// Decodes an object that ``api`` encoded.
    ///
    /// - Throws: A `PBTError` with code `badRequest`.
    package init(api fields: Fields) throws(PBTError) {
        guard let interval = try fields.interval(ifAny: "interval") else {
            throw PBTError(.badRequest, "interval: is missing from a decision")
        }
        let outcome: Outcome
        switch (try fields.text("decision"), try fields.interval(ifAny: "donor")) {
        case ("continues", _): outcome = .continues
        case ("restarts", _): outcome = .restarts
        case ("ends", _): outcome = .ends
        case ("exploits", let donor?): outcome = .exploits(donor)
        case ("adopts", let donor?): outcome = .adopts(donor)
        case ("explores", _): outcome = .explores
        case (let other, _): throw PBTError(.badRequest, "decision: \"\(other)\" is not known to this version")
        }
        self.init(
            interval: interval, outcome: outcome,
            next: fields["next"] == nil ? nil : try Interval(api: fields.fields("next")),
            prediction: fields["prediction"].flatMap(Prediction.init(value:)))
    }
}

extension Event {
    /// The event as a JSON object.
    package var api: Value {
        var object: [String: Value] = [
            "id": .integer(Int(id)), "experiment": .string(experiment), "time": .time(time),
            "kind": .string(kind.rawValue), "details": .object(details),
        ]
        object["interval"] = interval?.value
        return .object(object)
    }

    /// Decodes an object that ``api`` encoded; nil for a kind that this version does not know.
    ///
    /// - Throws: A `PBTError` with code `badRequest`.
    package init?(api fields: Fields) throws(PBTError) {
        guard let kind = Kind(rawValue: try fields.text("kind")) else { return nil }
        self.init(
            id: Int64(try fields.int("id", in: Limits.counters)), experiment: try fields.text("experiment"),
            time: try fields.time("time"),
            kind: kind, interval: try fields.interval(ifAny: "interval"), details: try fields.object("details"))
    }
}
