// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import PBT
import PBTAPI
import PBTHTTP

extension Endpoints {
    static let finishing: [Endpoint] = [
        Endpoint(
            method: .post, path: "\(intervalPath)/finish", scope: .work,
            summary: "Record how an attempt ended, and decide about the member",
            parameters: intervalParameters, body: (Schemas.finish, "application/json"),
            answers: [json("What it led to", Schemas.finished)], problems: [404, 409, 422]
        ) { call in
            let fields = try await call.fields("lease", "score", "metrics", "checkpoint", "failed")
            let (lease, outcome) = (try call.lease(fields), try Outcome(api: fields))
            try await call.context.checkpoints?.checkPublished(outcome, under: lease)
            let finished = try await call.context.store.finish(lease, outcome)
            return .json([
                "interval": finished.interval.api, "decisions": .array(finished.decisions.map(\.api)),
                "garbage": .array(finished.garbage.map { .string($0) }),
                "experiment": call.context.value(of: finished.record, withDefinition: false),
            ])
        }
    ]
}
