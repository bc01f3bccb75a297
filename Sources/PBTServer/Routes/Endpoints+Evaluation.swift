// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import PBT
import PBTAPI
import PBTHTTP

extension Endpoints {
    static let evaluations: [Endpoint] = [
        Endpoint(
            method: .post, path: "\(experimentPath)/evaluations", scope: .work,
            summary: "Claim an evaluation of one of the best checkpoints",
            parameters: [experimentParameter], body: (Schemas.evaluationClaim, "application/json"),
            answers: [json("The claimed evaluation; none when there is none now", Schemas.evaluations)],
            problems: [404, 409], handle: claimEvaluation)
    ]

    /// Claims an evaluation; renewed, released and finished like an interval, with the lease's number of the evaluation.
    @Sendable private static func claimEvaluation(_ call: Call) async throws -> Reply {
        let fields = try await call.fields("worker", "term", "key", "definition")
        let worker = try fields.text("worker")
        guard (1...Limits.nameBytes).contains(worker.utf8.count) else {
            throw PBTError(.badRequest, "worker: must be 1 to \(Limits.nameBytes) bytes long")
        }
        let (term, key) = (try term(fields), try key(fields))
        let needsDefinition = try fields.bool(ifAny: "definition") ?? true
        let name = call.experiment
        guard let store = call.context.store as? any EvaluatingStore else {
            throw PBTError(.wrongState, "the store of this server does not record evaluations")
        }
        // A claim whose response got lost keeps its lease, and is repeated after the restart.
        let claim =
            call.context.isDraining
            ? EvaluationClaim.nothingNow(holders: [])
            : try await store.claimEvaluation(from: name, by: worker, for: term, key: key)
        let record = try await store.record(of: name)
        var assignments: [Value] = []
        var holders: [String] = []
        switch claim {
        case .assignment(let assignment):
            let definition = call.context.definition(of: assignment.experiment)
            assignments = [
                assignment.api(definition: needsDefinition ? definition.value : nil, version: definition.version)
            ]
        case .nothingNow(let others): holders = others
        case .over: break
        }
        return .json([
            "assignments": .array(assignments), "evaluation": .string(claim == .over ? "over" : "open"),
            "workers": .array(holders.map { .string($0) }),
            "experiment": call.context.value(of: record, withDefinition: false),
        ])
    }
}
