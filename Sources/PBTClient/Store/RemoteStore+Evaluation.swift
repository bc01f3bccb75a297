// SPDX-License-Identifier: Apache-2.0

import NIOHTTP1
package import PBT
import PBTAPI

extension RemoteStore: EvaluatingStore {
    /// See `EvaluatingStore.claimEvaluation(from:by:for:key:)`.
    package func claimEvaluation(
        from name: String, by worker: String, for term: Duration, key: String?
    ) async throws -> EvaluationClaim {
        let response = try await keys.using(key, for: "\(worker)\n\(name)\nevaluation") { key in
            try await fields(
                APICall(
                    .POST, .experiment(name, "evaluations"),
                    body: [
                        "worker": .string(worker), "term": .number(term.seconds), "key": .string(key),
                        "definition": .bool(!definitions.isKnown(name)),
                    ]))
        }
        guard let item = try response.list("assignments").first else {
            return try response.text("evaluation") == "over"
                ? .over : .nothingNow(holders: try response.strings("workers"))
        }
        let claimed = try Fields(item, path: "assignments")
        let experiment = try await definition(
            of: name, version: claimed.text("definition_version"), given: claimed["definition"])
        let assignment = try Assignment(api: claimed, experiment: experiment)
        guard assignment.lease.evaluation != nil else {
            throw PBTError(.unreachable, "invalid response of the server: an evaluation without a number")
        }
        return .assignment(assignment)
    }
}
