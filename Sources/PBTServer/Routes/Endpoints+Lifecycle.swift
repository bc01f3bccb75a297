// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HummingbirdCore
import PBT
import PBTAPI
import PBTCheckpoints
import PBTHTTP

extension Endpoints {
    static let lifecycle: [Endpoint] = [
        Endpoint(
            method: .post, path: "\(prefix)/experiments", scope: .admin, summary: "Create an experiment",
            parameters: [header("Idempotency-Key", "Makes the request safe to repeat.")],
            body: (Schemas.definition, "application/json"),
            answers: [json("The experiment", Schemas.ref("Experiment"), 201)], problems: [409, 422]
        ) { call in
            let fields = try await call.fields("definition")
            let experiment = try Experiment(api: .object(try fields.object("definition")))
            try experiment.checkCommand()
            let bytes = Array("create \(experiment.value.json)".utf8)
            let (value, status) = try await call.context.idempotency.once(
                call.request.headers[.idempotencyKey], for: bytes
            ) {
                try await call.context.data?.checkUnclaimed(experiment.name, in: call.context.store)
                let experiment = try await call.context.copyingFounders(of: experiment)
                let record = try await call.context.store.create(experiment)
                return (call.context.value(of: record, withDefinition: true), status: 201)
            }
            return .json(value, .init(code: status))
                .with(.location, "\(prefix)/experiments/\(PathSegment.encode(experiment.name))")
        },
        Endpoint(
            method: .put, path: experimentPath, scope: .admin,
            summary: "Change trainer, retries, stop and keep of an experiment",
            parameters: [experimentParameter, header("If-Match", "The ETag that it must still have.")],
            body: (Schemas.definition, "application/json"),
            answers: [json("The experiment", Schemas.ref("Experiment"))], problems: [404, 409, 412, 422]
        ) { call in
            let fields = try await call.fields("definition")
            let experiment = try Experiment(api: .object(try fields.object("definition")))
            try experiment.checkCommand()
            guard experiment.name == call.experiment else {
                throw PBTError(
                    .badValue,
                    "definition.name: is \"\(experiment.name)\", but the path says \"\(call.experiment)\"; a name cannot change"
                )
            }
            try await call.context.store.edit(experiment, for: call)
            return try await call.experimentReply()
        },
        Endpoint(
            method: .post, path: "\(experimentPath)/revisions", scope: .admin,
            summary: "Edit the definition: budget, members, space, rules, seed; effective from the next decision on",
            parameters: [experimentParameter, header("If-Match", "The ETag that the experiment must still have.")],
            body: (Schemas.definition, "application/json"),
            answers: [json("The revision in force", Schemas.ref("Revision"))], problems: [404, 409, 412, 422]
        ) { call in
            let fields = try await call.fields("definition")
            let experiment = try Experiment(api: .object(try fields.object("definition")))
            guard experiment.name == call.experiment else {
                throw PBTError(
                    .badValue,
                    "definition.name: is \"\(experiment.name)\", but the path says \"\(call.experiment)\"; a name cannot change"
                )
            }
            return .json(try await call.context.store.revise(experiment, for: call).api)
        },
        Endpoint(
            method: .delete, path: experimentPath, scope: .admin, summary: "Remove an experiment and all its files",
            parameters: [experimentParameter, header("If-Match", "The ETag that it must still have.")],
            answers: [none("Deleted")], problems: [404, 409, 412]
        ) { call in
            try await call.context.store.remove(call.experiment, for: call)
            try call.context.data?.remove(call.experiment)
            return .empty()
        },
        Endpoint(
            method: .post, path: "\(experimentPath)/push", scope: .admin, summary: "Queue hyperparameters by hand",
            parameters: [experimentParameter, header("Idempotency-Key", "Makes the request safe to repeat.")],
            body: (Schemas.push, "application/json"),
            answers: [json("The interval that will train them", Schemas.ref("Interval"), 201)],
            problems: [404, 409, 422]
        ) { call in
            let fields = try await call.fields("hyperparameters")
            let hyperparameters = Hyperparameters(try fields.object("hyperparameters"))
            let bytes = Array("push \(call.experiment) \(hyperparameters.value.json)".utf8)
            let (value, status) = try await call.context.idempotency.once(
                call.request.headers[.idempotencyKey], for: bytes
            ) {
                (try await call.context.store.push(hyperparameters, to: call.experiment).api, status: 201)
            }
            return .json(value, .init(code: status))
        },
        state("pause", "Hand out no more intervals", fields: []) { call, _ in
            try await call.context.store.pause(call.experiment)
        },
        state("resume", "Resume after a pause, or after all members failed", fields: []) { call, _ in
            try await call.context.store.resume(call.experiment)
        },
        state("stop", "End an experiment for good", fields: ["reason"]) { call, fields in
            try await call.context.store.stop(
                call.experiment, because: try fields.text(ifAny: "reason") ?? "it was stopped by hand")
        },
        Endpoint(
            method: .put, path: "\(intervalPath)/pin", scope: .admin,
            summary: "Keep an interval's checkpoint, or no longer",
            parameters: intervalParameters, body: (Schemas.pin, "application/json"),
            answers: [json("The interval", Schemas.ref("Interval"))], problems: [404, 409]
        ) { call in
            let fields = try await call.fields("pinned")
            let id = try call.interval()
            try await call.context.store.pin(id, of: call.experiment, fields.bool("pinned"))
            return .json(try await call.context.store.interval(id, of: call.experiment).api)
        },
    ]

    private static func state(
        _ verb: String, _ summary: String, fields known: [String],
        _ act: @escaping @Sendable (Call, Fields) async throws -> Void
    ) -> Endpoint {
        Endpoint(
            method: .post, path: "\(experimentPath)/\(verb)", scope: .admin, summary: summary,
            parameters: [experimentParameter], body: (Schemas.reason(known), "application/json"),
            answers: [json("The experiment", Schemas.ref("Experiment"))], problems: [404, 409]
        ) { call in
            let fields = try await call.fields(known)
            try await act(call, fields)
            return try await call.experimentReply()
        }
    }
}

extension Call {
    /// The experiment in the path, as it is now.
    fileprivate func experimentReply() async throws -> Reply {
        reply(context.value(of: try await context.store.record(of: experiment), withDefinition: true))
    }
}

extension ServerContext {
    /// Copies the checkpoints that an experiment's founders continue, of experiments of this server.
    ///
    /// - Throws: A `PBTError`: `badExperiment` for a path, which is not read for clients.
    fileprivate func copyingFounders(of experiment: Experiment) async throws -> Experiment {
        guard let data else { return experiment }
        let resolved = try await data.resolvingFounders(of: experiment, in: store)
        return try await blocking { try data.copyFounders(of: resolved, allowingPaths: false) }
    }
}

extension Store {
    /// Edits an experiment, if it has the ETag that the call asks for: looked at in the same transaction where a store can.
    fileprivate func edit(_ experiment: Experiment, for call: Call) async throws {
        guard let store = self as? any ConditionalStore else {
            try call.checkMatch(await record(of: experiment.name))
            return try await edit(experiment)
        }
        try await store.edit(experiment, if: call.checkMatch)
    }

    /// Revises an experiment, if it has the ETag that the call asks for.
    fileprivate func revise(_ experiment: Experiment, for call: Call) async throws -> Revision {
        guard let store = self as? any ConditionalStore else {
            try call.checkMatch(await record(of: experiment.name))
            return try await revise(experiment)
        }
        return try await store.revise(experiment, if: call.checkMatch)
    }

    /// Removes an experiment, if it has the ETag that the call asks for.
    fileprivate func remove(_ name: String, for call: Call) async throws {
        guard let store = self as? any ConditionalStore else {
            try call.checkMatch(await record(of: name))
            return try await remove(name)
        }
        try await store.remove(name, if: call.checkMatch)
    }
}
