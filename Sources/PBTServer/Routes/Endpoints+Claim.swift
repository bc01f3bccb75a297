// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import PBT
import PBTAPI
import PBTHTTP

extension Endpoints {
    static let claims: [Endpoint] = [
        Endpoint(
            method: .post, path: "\(experimentPath)/claims", scope: .work, summary: "Claim intervals to train",
            parameters: [experimentParameter], body: (Schemas.claim, "application/json"),
            answers: [json("The claimed intervals; none when there are none now", Schemas.claims)], problems: [404],
            handle: claim)
    ]

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
        let (store, name) = (call.context.store, call.experiment)
        let deadline = ContinuousClock.now.advanced(by: wait)
        var ticket: ClaimQueue.Ticket?
        while true {
            if call.context.isDraining {
                // A claim whose response got lost keeps its intervals, so that it can give them back.
                if let key, try await store.hasLease(claimedWith: key, by: worker, of: name) {
                    let claims = try await store.claim(count, from: name, by: worker, for: term, key: key)
                    return .json(value(of: claims, withDefinition: needsDefinition, call.context))
                }
                let record = try await store.record(of: name)
                return .json([
                    "assignments": [], "state": "stopping",
                    "experiment": call.context.value(of: record, withDefinition: false),
                ])
            }
            let place = call.context.claims.ticket(for: name, keeping: ticket)
            ticket = place
            let claims = try await store.claim(count, from: name, by: worker, for: term, key: key)
            call.context.count(handedOut: claims.assignments.count)
            if !claims.assignments.isEmpty || claims.record.state.isOver || ContinuousClock.now >= deadline {
                return .json(value(of: claims, withDefinition: needsDefinition, call.context))
            }
            // Nothing has been claimed for this worker yet, so nothing is lost when it disconnects.
            let isWoken = try await call.waitForWork(place, until: deadline)
            if !isWoken { return .json(value(of: claims, withDefinition: needsDefinition, call.context)) }
            try await call.context.http.access.checkAgain(call.caller)
        }
    }

    static func key(_ fields: Fields) throws -> String? {
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

    private static func value(of claims: Claims, withDefinition: Bool, _ context: ServerContext) -> Value {
        let definition = context.definition(of: claims.record.experiment)
        return [
            "assignments": .array(
                claims.assignments.map {
                    $0.api(definition: withDefinition ? .some(definition.value) : .none, version: definition.version)
                }),
            "state": .string(claims.record.state.rawValue),
            "experiment": context.value(of: claims.record, withDefinition: false),
        ]
    }
}

extension Call {
    /// Waits until there may be something to claim.
    ///
    /// - Returns: False at the deadline, or when the server shuts down.
    /// - Throws: `CancellationError` when the caller went away.
    fileprivate func waitForWork(
        _ ticket: ClaimQueue.Ticket, until deadline: ContinuousClock.Instant
    ) async throws -> Bool {
        let woken = Latch()
        try await whileConnected { [context, experiment] in
            if try await context.claims.wait(for: experiment, with: ticket, until: deadline) { woken.set() }
        }
        return woken.isSet
    }
}
