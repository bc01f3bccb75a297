// SPDX-License-Identifier: Apache-2.0

import NIOHTTP1
public import PBT
import PBTAPI

/// What a server says about itself.
public struct ServerInfo: Sendable, Hashable {
    /// The directory with the checkpoints, for those who see it too.
    public struct Data: Sendable, Hashable {
        /// Its path on the server.
        public var path: String
        /// What stands in its file `.pbt-data`: tells it from any other directory at the same path.
        public var id: String
    }

    /// The server's version.
    public var version: String
    /// The version of the API.
    public var api: Int
    /// The directory with the checkpoints; none when the server has none.
    public var data: Data?
}

/// One interval of a lineage.
public struct LineageEntry: Sendable, Hashable {
    /// The interval.
    public var id: IntervalID
    /// Its score; none when it has no finite one.
    public var score: Double?
    /// What it trained with.
    public var hyperparameters: Hyperparameters
    /// The interval whose checkpoint it continued; none for a founder.
    public var parent: IntervalID?
    /// Whether it continued another member's.
    public var isExploit: Bool
}

extension RemoteStore {
    /// What the server says about itself.
    ///
    /// - Parameter patience: How long it is asked again while it is away; as the configuration says when not given.
    /// - Returns: Its version and its data directory.
    /// - Throws: A `PBTError`: `unreachable`, also for a server that is not one of ours or too new.
    public func serverInfo(patience: Duration? = nil) async throws -> ServerInfo {
        let fields = try await retrying.send(APICall(.GET, APIPath()), patience: patience).answer.fields()
        guard try fields.text(ifAny: "name") == "pbt" else {
            throw PBTError(.unreachable, "what answers at \(address) is no pbt server; is this the right address?")
        }
        let api = try fields.int("api")
        guard api == 1 else {
            throw PBTError(
                .unreachable,
                "the server \(address) speaks version \(api) of the API, this program version 1; update it")
        }
        var info = ServerInfo(version: try fields.text("version"), api: api, data: nil)
        if fields["data"] != nil {
            let data = try fields.fields("data")
            info.data = ServerInfo.Data(path: try data.text("path"), id: try data.text("id"))
        }
        return info
    }

    /// The line of intervals that led to one, from its founder to itself, as the server derives it.
    ///
    /// - Parameters:
    ///   - name: The experiment.
    ///   - id: The interval; the best when not given.
    /// - Returns: The line; empty when nothing is done yet.
    /// - Throws: A `PBTError`: `noSuchExperiment`, `noSuchInterval`.
    public func lineage(of name: String, to id: IntervalID? = nil) async throws -> [LineageEntry] {
        try await line(.experiment(name, "lineage"), to: id).map { fields in
            LineageEntry(
                id: IntervalID(member: try fields.int("member"), index: try fields.int("interval")),
                score: fields["score"]?.double, hyperparameters: Hyperparameters(try fields.object("hyperparameters")),
                parent: try fields.interval(ifAny: "parent"), isExploit: try fields.bool("exploited"))
        }
    }

    /// The hyperparameters along the line of intervals that led to one.
    ///
    /// - Parameters:
    ///   - name: The experiment.
    ///   - id: The interval; the best when not given.
    /// - Returns: The number of the interval along the line, from 0, and what it trained with.
    /// - Throws: A `PBTError`: `noSuchExperiment`, `noSuchInterval`.
    public func schedule(
        of name: String, to id: IntervalID? = nil
    ) async throws -> [(interval: Int, hyperparameters: Hyperparameters)] {
        try await line(.experiment(name, "schedule"), to: id).map { fields in
            (try fields.int("interval"), Hyperparameters(try fields.object("hyperparameters")))
        }
    }

    private func line(_ path: APIPath, to id: IntervalID?) async throws -> [Fields] {
        let query = id.map { [("member", String($0.member)), ("interval", String($0.index))] } ?? []
        return try await fields(APICall(.GET, path, query: query)).list("items").map { try Fields($0, path: "items") }
    }
}
