// SPDX-License-Identifier: Apache-2.0

import NIOHTTP1
public import PBT
import PBTAPI

extension RemoteStore {
    /// See `Store.claim(_:from:by:for:key:)`.
    ///
    /// Without a key it creates one. If the response to a claim is lost, the next claim of the same worker uses the key
    /// again and gets the leased intervals.
    public func claim(
        _ count: Int, from name: String, by worker: String, for term: Duration, key: String?
    ) async throws -> Claims {
        let response = try await keys.using(key, for: "\(worker)\n\(name)") { key in
            try await fields(
                APICall(
                    .POST, .experiment(name, "claims"),
                    body: [
                        "worker": .string(worker), "term": .number(term.seconds), "count": .integer(count),
                        "key": .string(key), "definition": .bool(!definitions.isKnown(name)),
                    ]))
        }
        var assignments: [Assignment] = []
        for item in try response.list("assignments") {
            let fields = try Fields(item, path: "assignments")
            let experiment = try await definition(
                of: name, version: fields.text("definition_version"), given: fields["definition"])
            assignments.append(try Assignment(api: fields, experiment: experiment))
        }
        // After the assignments, one of which may have brought the definition.
        return Claims(assignments: assignments, record: try await record(response.fields("experiment")))
    }
}
