// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import PBT
import PBTAPI

extension Endpoints {
    static let working: [Endpoint] = [
        Endpoint(
            method: .post, path: "\(experimentPath)/claims", scope: .work, summary: "Take intervals to train",
            parameters: [experimentParameter], body: (Schemas.claim, "application/json"),
            answers: [json("What was taken; nothing when there is none now", Schemas.claims)], problems: [404],
            handle: claim),
        Endpoint(
            method: .post, path: "\(intervalPath)/renew", scope: .work, summary: "Extend a lease",
            parameters: intervalParameters, body: (Schemas.renewal, "application/json"),
            answers: [json("The lease", Schemas.lease)], problems: [404, 409]
        ) { call in
            let fields = try await call.fields("lease", "term")
            let lease = try await call.site.store.renew(call.lease(fields), for: try term(fields))
            return .json(["lease": lease.api])
        },
        Endpoint(
            method: .post, path: "\(intervalPath)/report", scope: .work, summary: "Metrics so far",
            parameters: intervalParameters, body: (Schemas.report, "application/json"),
            answers: [none("They are recorded")], problems: [404, 409, 422]
        ) { call in
            let fields = try await call.fields("lease", "metrics")
            try await call.site.store.report(call.lease(fields), fields.object("metrics"))
            return .empty()
        },
        Endpoint(
            method: .post, path: "\(intervalPath)/finish", scope: .work,
            summary: "Record how an attempt ended, and decide about the member",
            parameters: intervalParameters, body: (Schemas.finish, "application/json"),
            answers: [json("What it led to", Schemas.finished)], problems: [404, 409, 422]
        ) { call in
            let fields = try await call.fields("lease", "score", "metrics", "checkpoint", "failed")
            let (lease, outcome) = (try call.lease(fields), try Outcome(api: fields))
            try await call.site.checkpoints?.checkPublished(outcome, under: lease)
            let finished = try await call.site.store.finish(lease, outcome)
            return .json([
                "interval": finished.interval.api, "decisions": .array(finished.decisions.map(\.api)),
                "garbage": .array(finished.garbage.map { .string($0) }),
                "experiment": call.site.value(of: finished.record, withDefinition: false),
            ])
        },
        Endpoint(
            method: .post, path: "\(intervalPath)/release", scope: .work, summary: "Give an interval back untrained",
            parameters: intervalParameters, body: (Schemas.release, "application/json"),
            answers: [none("It waits for another worker")], problems: [404, 409]
        ) { call in
            let fields = try await call.fields("lease", "reason")
            try await call.site.store.release(
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
            let lost = try await call.site.store.abandon(
                worker: try fields.text("worker"), of: call.experiment,
                because: try fields.text(ifAny: "reason") ?? "its worker is dead")
            return .json(["intervals": .array(lost.map(\.value))])
        },
        Endpoint(
            method: .post, path: "\(experimentPath)/collected", scope: .work,
            summary: "Record that checkpoints were deleted", parameters: [experimentParameter],
            body: (Schemas.checkpointNames, "application/json"), answers: [none("It is recorded")], problems: [404]
        ) { call in
            let fields = try await call.fields("checkpoints")
            // A name that is not there is found out before an empty list is.
            _ = try await call.site.store.record(of: call.experiment)
            try await call.site.store.collected(fields.strings("checkpoints"), of: call.experiment)
            return .empty()
        },
    ]

    static func term(_ fields: Fields) throws -> Duration {
        try fields.seconds(ifAny: "term", in: Limits.term.doubles) ?? .seconds(60)
    }

    @Sendable private static func claim(_ call: Call) async throws -> Reply {
        let fields = try await call.fields("worker", "term", "count", "wait", "key", "definition")
        let worker = try fields.text("worker")
        guard (1...Limits.nameBytes).contains(worker.utf8.count) else {
            throw PBTError(.badRequest, "worker: must be 1 to \(Limits.nameBytes) bytes long")
        }
        let term = try term(fields)
        let count = try fields.int(ifAny: "count", in: 1...Limits.claimed) ?? 1
        let wait = try fields.seconds(ifAny: "wait", in: Limits.wait.doubles) ?? .zero
        let key = try key(fields)
        let needsDefinition = try fields.bool(ifAny: "definition") ?? true
        let (store, name) = (call.site.store, call.experiment)
        let deadline = ContinuousClock.now.advanced(by: wait)
        var ticket: ClaimQueue.Ticket?
        while true {
            if call.site.isDraining {
                // What this very claim was given before its answer got lost is its own still, so that it can give it back.
                if let key, try await store.hasLease(claimedWith: key, by: worker, of: name) {
                    let claims = try await store.claim(count, from: name, by: worker, for: term, key: key)
                    return .json(value(of: claims, withDefinition: needsDefinition, call.site))
                }
                let record = try await store.record(of: name)
                return .json([
                    "assignments": [], "state": "stopping",
                    "experiment": call.site.value(of: record, withDefinition: false),
                ])
            }
            let place = call.site.claims.ticket(for: name, keeping: ticket)
            ticket = place
            let claims = try await store.claim(count, from: name, by: worker, for: term, key: key)
            call.site.count(handedOut: claims.assignments.count)
            if !claims.assignments.isEmpty || claims.record.state.isOver || ContinuousClock.now >= deadline {
                return .json(value(of: claims, withDefinition: needsDefinition, call.site))
            }
            // Until now nothing was taken for this worker, so nothing is lost when it goes away.
            let isWoken = try await call.waitForWork(place, until: deadline)
            if !isWoken { return .json(value(of: claims, withDefinition: needsDefinition, call.site)) }
            try await call.site.access.checkAgain(call.caller)
        }
    }

    private static func key(_ fields: Fields) throws -> String? {
        guard let key = try fields.text(ifAny: "key") else { return nil }
        let isSafe = key.unicodeScalars.allSatisfy {
            $0.isASCII && ($0.properties.isAlphabetic || ("0"..."9").contains($0) || $0 == "-" || $0 == "_")
        }
        guard Limits.claimKey.contains(key.utf8.count), isSafe else {
            throw PBTError(
                .badRequest, "key: must be 22 to 128 letters, digits, '-' and '_', chosen at random for each claim")
        }
        return key
    }

    private static func value(of claims: Claims, withDefinition: Bool, _ site: Site) -> Value {
        let definition = site.definition(of: claims.record.experiment)
        return [
            "assignments": .array(
                claims.assignments.map {
                    $0.api(definition: withDefinition ? .some(definition.value) : .none, version: definition.version)
                }),
            "state": .string(claims.record.state.rawValue),
            "experiment": site.value(of: claims.record, withDefinition: false),
        ]
    }
}

extension Call {
    /// Waits until there may be something to claim.
    ///
    /// - Returns: False when the time is over, or the server shuts down.
    /// - Throws: `CancellationError` when the caller went away.
    fileprivate func waitForWork(
        _ ticket: ClaimQueue.Ticket, until deadline: ContinuousClock.Instant
    ) async throws -> Bool {
        let woken = Latch()
        try await whileConnected { [site, experiment] in
            if try await site.claims.wait(for: experiment, with: ticket, until: deadline) { woken.set() }
        }
        return woken.isSet
    }
}
