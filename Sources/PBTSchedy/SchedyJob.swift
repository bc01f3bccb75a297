// SPDX-License-Identifier: Apache-2.0

import Crypto
package import PBT

/// A job as Schedy's clients see it.
package struct SchedyJob: Sendable, Hashable {
    /// Where a job stands.
    package enum Status: String, Sendable, Hashable, CaseIterable {
        case queued = "QUEUED"
        case running = "RUNNING"
        case crashed = "CRASHED"
        case pruned = "PRUNED"
        case done = "DONE"

        /// Whether nobody works on it any more.
        var isOver: Bool {
            self != .queued && self != .running
        }
    }

    /// Its name, unique in the experiment.
    package let id: String
    package let experiment: String
    package let status: Status
    package let hyperparameters: [String: Value]
    package let results: [String: Value]
    /// Names this version of the job; with the quotation marks of HTTP.
    package let tag: String

    /// The job that an interval with a label is.
    init?(_ interval: Interval, in record: ExperimentRecord) {
        guard let id = interval.label else { return nil }
        self.id = id
        experiment = record.experiment.name
        status = interval.jobStatus
        hyperparameters = interval.hyperparameters.values
        results = interval.metrics
        // The version changes with whatever comes through this protocol, the rest with what comes by other ways.
        let content: Value = [
            .string(id), .string(status.rawValue), .string(interval.state.rawValue), .integer(interval.attempts),
            .object(hyperparameters), .object(results), interval.notes["version"] ?? .null,
        ]
        tag = "\"\(Hex.text(of: SHA256.hash(data: content.jsonBytes).prefix(12)))\""
    }

    /// The job as JSON.
    package var value: Value {
        [
            "id": .string(id), "experiment": .string(experiment), "status": .string(status.rawValue),
            "hyperparameters": .object(hyperparameters), "results": .object(results),
        ]
    }
}

/// What a client sends about a job.
package struct SchedyJobContent: Sendable, Hashable {
    package var status: SchedyJob.Status
    /// None when the client left them out.
    package var hyperparameters: [String: Value]?
    package var results: [String: Value]

    init(status: SchedyJob.Status) {
        self.status = status
        results = [:]
    }

    /// Reads a body; an empty one stands for a job that waits.
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
        hyperparameters = try Self.object(object["hyperparameters"], "hyperparameters")
        results = try Self.object(object["results"], "results") ?? [:]
    }

    private static func object(_ value: Value?, _ name: String) throws(SchedyFailure) -> [String: Value]? {
        guard let value, value != .null else { return nil }
        guard let object = value.object else {
            throw SchedyFailure(400, "\"\(name)\" must be an object, not \(value.kind)")
        }
        return object.mapValues(\.finite)
    }
}

extension Interval {
    /// The status of the job that it is.
    var jobStatus: SchedyJob.Status {
        if state.isFinished, let said = notes["status"]?.string.flatMap({ SchedyJob.Status(rawValue: $0) }) {
            return said
        }
        return switch state {
        case .waiting: .queued
        case .running: .running
        case .done, .diverged: .done
        case .failed: .crashed
        }
    }
}
