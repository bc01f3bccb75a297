// SPDX-License-Identifier: Apache-2.0

import NIOHTTP1
public import PBT
import PBTAPI

extension RemoteStore {
    /// See `Store.create(_:)`.
    public func create(_ experiment: Experiment) async throws -> ExperimentRecord {
        var call = APICall(.POST, APIPath("experiments"), body: ["definition": experiment.value])
        call.headers.add(name: "Idempotency-Key", value: ClaimKeys.fresh())
        return try await record(retrying.send(call).response.fields())
    }

    /// See `Store.edit(_:)`.
    public func edit(_ experiment: Experiment) async throws {
        _ = try await record(
            fields(APICall(.PUT, .experiment(experiment.name), body: ["definition": experiment.value])))
    }

    /// See `Store.revise(_:)`.
    public func revise(_ experiment: Experiment) async throws -> Revision {
        do {
            let call = APICall(
                .POST, .experiment(experiment.name, "revisions"), body: ["definition": experiment.value])
            return try Revision(api: try await retrying.send(call).response.fields())
        } catch let error as PBTError where error.code == Self.noSuchPath {
            throw PBTError(.wrongState, "the server is of an earlier version, which cannot edit experiments; update it")
        }
    }

    /// See `Store.revisions(of:)`.
    public func revisions(of name: String) async throws -> [Revision] {
        let record = try await record(of: name)
        // Also the result for a server of an earlier version.
        guard record.revisionNumber > 0 else { return [record.firstRevision] }
        let fields = try await fields(APICall(.GET, .experiment(name, "revisions")))
        return try fields.list("items").map { try Revision(api: Fields($0, path: "items")) }
    }

    /// The code of the response of an earlier server to an unknown path.
    private static let noSuchPath = PBTError.Code("noSuchPath")

    /// See `Store.push(_:to:)`.
    public func push(_ hyperparameters: Hyperparameters, to name: String) async throws -> Interval {
        var call = APICall(
            .POST, .experiment(name, "push"), body: ["hyperparameters": hyperparameters.value])
        call.headers.add(name: "Idempotency-Key", value: ClaimKeys.fresh())
        return try Interval(api: try await retrying.send(call).response.fields())
    }

    /// See `Store.pause(_:)`.
    public func pause(_ name: String) async throws {
        _ = try await retrying.send(APICall(.POST, .experiment(name, "pause"), body: [:]))
    }

    /// See `Store.resume(_:)`.
    public func resume(_ name: String) async throws {
        _ = try await retrying.send(APICall(.POST, .experiment(name, "resume"), body: [:]))
    }

    /// See `Store.stop(_:because:)`.
    public func stop(_ name: String, because reason: String) async throws {
        _ = try await retrying.send(APICall(.POST, .experiment(name, "stop"), body: ["reason": .string(reason)]))
    }

    /// See `Store.remove(_:)`.
    ///
    /// The server deletes the files.
    public func remove(_ name: String) async throws {
        try await repeatable(.noSuchExperiment) { APICall(.DELETE, .experiment(name)) }
        definitions.remove(name)
    }
}
