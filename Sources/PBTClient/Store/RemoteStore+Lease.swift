// SPDX-License-Identifier: Apache-2.0

import NIOHTTP1
public import PBT
import PBTAPI

extension RemoteStore {
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

    /// See `Store.release(_:because:)`.
    public func release(_ lease: Lease, because reason: String) async throws {
        try await repeatable(.leaseLost) {
            APICall(.POST, .of(lease, "release"), body: ["lease": lease.api, "reason": .string(reason)])
        }
    }

    /// See `Store.abandon(worker:of:because:)`.
    public func abandon(worker: String, of name: String, because reason: String) async throws -> [IntervalID] {
        let response = try await fields(
            APICall(
                .POST, .experiment(name, "abandon"), body: ["worker": .string(worker), "reason": .string(reason)]))
        return try response.list("intervals").map { item in
            let fields = try Fields(item, path: "intervals")
            return IntervalID(member: try fields.int("member"), index: try fields.int("interval"))
        }
    }
}

extension APIPath {
    static func of(_ lease: Lease, _ action: String) -> Self {
        .interval(lease.interval, of: lease.experiment, action)
    }
}
