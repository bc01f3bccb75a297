// SPDX-License-Identifier: Apache-2.0

import NIOHTTP1
public import PBT
import PBTAPI

extension RemoteStore {
    /// See `Store.claim(_:from:by:for:key:)`.
    ///
    /// Without a key it takes one of its own, also from one call to the next: what was claimed by a call whose answer
    /// never came is had by the next call of the same worker.
    public func claim(
        _ count: Int, from name: String, by worker: String, for term: Duration, key: String?
    ) async throws -> Claims {
        let answer = try await keys.using(key, for: "\(worker)\n\(name)") { key in
            try await fields(
                APICall(
                    .POST, .experiment(name, "claims"),
                    body: [
                        "worker": .string(worker), "term": .number(term.seconds), "count": .integer(count),
                        "key": .string(key), "definition": .bool(!definitions.isKnown(name)),
                    ]))
        }
        var assignments: [Assignment] = []
        for item in try answer.list("assignments") {
            let fields = try Fields(item, path: "assignments")
            let experiment = try await definition(
                of: name, version: fields.text("definition_version"), given: fields["definition"])
            assignments.append(try Assignment(api: fields, experiment: experiment))
        }
        // After the assignments, one of which may have brought the definition.
        return Claims(assignments: assignments, record: try await record(answer.fields("experiment")))
    }

    /// See `Store.renew(_:for:)`.
    public func renew(_ lease: Lease, for term: Duration) async throws -> Lease {
        let body: Value = ["lease": lease.api, "term": .number(term.seconds)]
        return try Lease(
            api: try await fields(APICall(.POST, .of(lease, "renew"), body: body)).fields("lease"))
    }

    /// See `Store.report(_:_:)`.
    public func report(_ lease: Lease, _ metrics: [String: Value]) async throws {
        _ = try await retrying.send(
            APICall(.POST, .of(lease, "report"), body: ["lease": lease.api, "metrics": .object(metrics)]))
    }

    /// See `Store.finish(_:_:)`.
    public func finish(_ lease: Lease, _ outcome: Outcome) async throws -> Finished {
        var body = outcome.api
        body["lease"] = lease.api
        let answer = try await fields(APICall(.POST, .of(lease, "finish"), body: .object(body)))
        return Finished(
            interval: try Interval(api: answer.fields("interval")),
            decisions: try answer.list("decisions").map { try Decision(api: Fields($0, path: "decisions")) },
            garbage: try answer.strings("garbage"), record: try await record(answer.fields("experiment")))
    }

    /// See `Store.release(_:because:)`.
    public func release(_ lease: Lease, because reason: String) async throws {
        try await repeatable(.leaseLost) {
            APICall(.POST, .of(lease, "release"), body: ["lease": lease.api, "reason": .string(reason)])
        }
    }

    /// See `Store.abandon(worker:of:because:)`.
    public func abandon(worker: String, of name: String, because reason: String) async throws -> [IntervalID] {
        let answer = try await fields(
            APICall(
                .POST, .experiment(name, "abandon"), body: ["worker": .string(worker), "reason": .string(reason)]))
        return try answer.list("intervals").map { item in
            let fields = try Fields(item, path: "intervals")
            return IntervalID(member: try fields.int("member"), index: try fields.int("interval"))
        }
    }

    /// See `Store.collected(_:of:)`.
    public func collected(_ checkpoints: [String], of name: String) async throws {
        guard !checkpoints.isEmpty else { return }
        _ = try await retrying.send(
            APICall(
                .POST, .experiment(name, "collected"),
                body: ["checkpoints": .array(checkpoints.map { .string($0) })]))
    }

    /// Makes a call that, when it took effect and its answer got lost, fails with that code the next time.
    func repeatable(_ code: PBTError.Code, _ call: () -> APICall) async throws {
        let call = call()
        let tries = Tries()
        do {
            _ = try await retrying.repeating {
                tries.count()
                return try await retrying.connection.answer(call)
            }
        } catch let error as PBTError where error.code == code && tries.isRepeated {
            // It is as it was to be.
        }
    }
}

extension APIPath {
    fileprivate static func of(_ lease: Lease, _ action: String) -> Self {
        .interval(lease.interval, of: lease.experiment, action)
    }
}

/// How often a call was made.
private final class Tries {
    private var number = 0

    func count() {
        number += 1
    }

    var isRepeated: Bool { number > 1 }
}
