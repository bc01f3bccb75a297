// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import PBT
import PBTAPI
import PBTHTTP

extension Endpoints {
    static let leases: [Endpoint] = [
        Endpoint(
            method: .post, path: "\(intervalPath)/renew", scope: .work, summary: "Extend a lease",
            parameters: intervalParameters, body: (Schemas.renewal, "application/json"),
            answers: [json("The lease", Schemas.lease)], problems: [404, 409]
        ) { call in
            let fields = try await call.fields("lease", "term")
            let lease = try await call.context.store.renew(call.lease(fields), for: try term(fields))
            return .json(["lease": lease.api])
        },
        Endpoint(
            method: .post, path: "\(intervalPath)/report", scope: .work, summary: "Metrics so far",
            parameters: intervalParameters, body: (Schemas.report, "application/json"),
            answers: [none("They are recorded")], problems: [404, 409, 422]
        ) { call in
            let fields = try await call.fields("lease", "metrics")
            try await call.context.store.report(call.lease(fields), fields.object("metrics"))
            return .empty()
        },
        Endpoint(
            method: .post, path: "\(intervalPath)/release", scope: .work, summary: "Give an interval back untrained",
            parameters: intervalParameters, body: (Schemas.release, "application/json"),
            answers: [none("It waits for another worker")], problems: [404, 409]
        ) { call in
            let fields = try await call.fields("lease", "reason")
            try await call.context.store.release(
                call.lease(fields), because: try fields.text(ifAny: "reason") ?? "the worker gave it back")
            return .empty()
        },
        Endpoint(
            method: .post, path: "\(experimentPath)/abandon", scope: .work,
            summary: "End the leases of a worker that is known to be dead",
            parameters: [experimentParameter], body: (Schemas.abandon, "application/json"),
            answers: [json("The intervals that it had", Schemas.abandoned)], problems: [404]
        ) { call in
            let fields = try await call.fields("worker", "reason")
            let lost = try await call.context.store.abandon(
                worker: try fields.text("worker"), of: call.experiment,
                because: try fields.text(ifAny: "reason") ?? "its worker is dead")
            return .json(["intervals": .array(lost.map(\.value))])
        },
    ]

    static func term(_ fields: Fields) throws -> Duration {
        try fields.seconds(ifAny: "term", in: Limits.term.doubles) ?? .seconds(60)
    }
}
