// SPDX-License-Identifier: Apache-2.0

import Crypto
package import PBT

/// A job in Schedy's protocol.
package struct SchedyJob: Sendable, Hashable {
    /// The status of a job.
    package enum Status: String, Sendable, Hashable, CaseIterable {
        case queued = "QUEUED"
        case running = "RUNNING"
        case crashed = "CRASHED"
        case pruned = "PRUNED"
        case done = "DONE"

        /// A Boolean value indicating whether the job has finished.
        var isOver: Bool {
            self != .queued && self != .running
        }
    }

    /// The name, unique in the experiment.
    package let id: String
    package let experiment: String
    package let status: Status
    package let hyperparameters: [String: Value]
    package let results: [String: Value]
    /// The entity tag of this version of the job, with HTTP's quotation marks.
    package let tag: String

    /// The job of an interval; nil for an interval without a label.
    init?(_ interval: Interval, in record: ExperimentRecord) {
        guard let id = interval.label else { return nil }
        self.id = id
        experiment = record.experiment.name
        status = interval.jobStatus
        hyperparameters = interval.hyperparameters.values
        results = interval.results
        // The version changes with every write through this protocol, the rest with other changes.
        let content: Value = [
            .string(id), .string(status.rawValue), .string(interval.state.rawValue), .integer(interval.attempts),
            .object(hyperparameters), .object(results), interval.notes["version"] ?? .null,
        ]
        tag = "\"\(Hex.text(of: SHA256.hash(data: Array(content.jsonWithNaN.utf8)).prefix(12)))\""
    }

    /// The job as JSON.
    package var value: Value {
        [
            "id": .string(id), "experiment": .string(experiment), "status": .string(status.rawValue),
            "hyperparameters": .object(hyperparameters), "results": .object(results),
        ]
    }
}

/// The content of a job, as a client sends it.
package struct SchedyJobContent: Sendable, Hashable {
    package var status: SchedyJob.Status
    /// The hyperparameters; nil if the client omitted them.
    package var hyperparameters: [String: Value]?
    /// The results, which may hold NaN and infinity.
    package var results: [String: Value]

    init(status: SchedyJob.Status) {
        self.status = status
        results = [:]
    }

    /// Parses a body; an empty object means a queued job.
    ///
    /// - Throws: A ``SchedyFailure`` with status 400.
    package init(_ body: Value) throws(SchedyFailure) {
        guard let object = body.object else { throw SchedyFailure(400, "a job must be a JSON object") }
        switch object["status"] {
        case nil, .null?: status = .queued
        case let value?:
            guard let status = value.string.flatMap({ SchedyJob.Status(rawValue: $0) }) else {
                let known = SchedyJob.Status.allCases.map(\.rawValue).joined(separator: ", ")
                throw SchedyFailure(400, "\"status\" must be one of \(known), not \(value.json.prefix(40))")
            }
            self.status = status
        }
        hyperparameters = try Self.object(object["hyperparameters"], "hyperparameters")?.mapValues(\.finite)
        results = try Self.object(object["results"], "results") ?? [:]
    }

    private static func object(_ value: Value?, _ name: String) throws(SchedyFailure) -> [String: Value]? {
        guard let value, value != .null else { return nil }
        guard let object = value.object else {
            throw SchedyFailure(400, "\"\(name)\" must be an object, not \(value.kind)")
        }
        return object
    }
}

extension Interval {
    /// The status of the interval's job.
    var jobStatus: SchedyJob.Status {
        if state.isFinished, let recorded = notes["status"]?.string.flatMap({ SchedyJob.Status(rawValue: $0) }) {
            return recorded
        }
        return switch state {
        case .waiting: .queued
        case .running: .running
        case .done, .diverged: .done
        case .failed: .crashed
        }
    }
}

extension Interval {
    /// The key of the notes with the results that hold NaN or infinity: for each, its JSON with these tokens.
    private static var key: String { "nonfinite" }

    /// The results as the client sent them.
    ///
    /// The metrics have null in place of NaN and infinity.
    var results: [String: Value] {
        get {
            var results = metrics
            for (name, text) in notes[Self.key]?.object ?? [:] {
                // Not if the metric was written by others since.
                guard let text = text.string, let exact = try? Value(json: text), exact.finite == metrics[name] else {
                    continue
                }
                results[name] = exact
            }
            return results
        }
        set {
            metrics = newValue.mapValues(\.finite)
            let exact = newValue.filter { $0.value.jsonWithNaN != $0.value.json }
            notes[Self.key] = exact.isEmpty ? nil : .object(exact.mapValues { .string($0.jsonWithNaN) })
        }
    }
}
