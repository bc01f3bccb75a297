// SPDX-License-Identifier: Apache-2.0

import NIOHTTP1
public import PBT
import PBTAPI

extension RemoteStore {
    /// See `Store.garbage(of:)`.
    public func garbage(of name: String) async throws -> [String] {
        try await fields(APICall(.GET, .experiment(name, "garbage"))).strings("checkpoints")
    }

    /// See `Store.collected(_:of:)`.
    public func collected(_ checkpoints: [String], of name: String) async throws {
        guard !checkpoints.isEmpty else { return }
        _ = try await retrying.send(
            APICall(
                .POST, .experiment(name, "collected"),
                body: ["checkpoints": .array(checkpoints.map { .string($0) })]))
    }

    /// See `Store.pin(_:of:_:)`.
    public func pin(_ id: IntervalID, of name: String, _ isPinned: Bool) async throws {
        _ = try await retrying.send(
            APICall(.PUT, .interval(id, of: name, "pin"), body: ["pinned": .bool(isPinned)]))
    }
}
