// SPDX-License-Identifier: Apache-2.0

import NIOHTTP1
public import PBT
import PBTAPI

/// The information that a server gives about itself.
public struct ServerInfo: Sendable, Hashable {
    /// The data directory, for clients with access to it.
    public struct Data: Sendable, Hashable {
        /// The path on the server.
        public var path: String
        /// The unique identifier of the directory, from its file `.pbt-data`.
        public var id: String
    }

    /// The server's version.
    public var version: String
    /// The version of the API.
    public var api: Int
    /// The data directory; nil if the server has none.
    public var data: Data?
}

/// An interval of a lineage.
public struct LineageEntry: Sendable, Hashable {
    /// The identifier of the interval.
    public var id: IntervalID
    /// The score; nil if there is no finite one.
    public var score: Double?
    /// The hyperparameters of the interval.
    public var hyperparameters: Hyperparameters
    /// The interval whose checkpoint it continued; nil for a founder.
    public var parent: IntervalID?
    /// True if it continued a checkpoint of another member.
    public var isExploit: Bool
}

extension RemoteStore {
    /// Requests the information that the server gives about itself.
    ///
    /// - Parameter patience: The time for which the request is retried; that of the configuration if nil.
    /// - Returns: The version and the data directory of the server.
    /// - Throws: A `PBTError`: `unreachable`, also for other servers and incompatible versions.
    public func serverInfo(patience: Duration? = nil) async throws -> ServerInfo {
        let fields = try await retrying.send(APICall(.GET, APIPath()), patience: patience).response.fields()
        guard try fields.text(ifAny: "name") == "pbt" else {
            throw PBTError(.unreachable, "the server at \(address) is not a pbt server; is this the right address?")
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

    /// Requests the lineage of an interval: the intervals from its founder to itself.
    ///
    /// - Parameters:
    ///   - name: The experiment.
    ///   - id: The interval; the best if nil.
    /// - Returns: The lineage; empty if no interval is done.
    /// - Throws: A `PBTError`: `noSuchExperiment`, `noSuchInterval`.
    public func lineage(of name: String, to id: IntervalID? = nil) async throws -> [LineageEntry] {
        try await line(.experiment(name, "lineage"), to: id).map { fields in
            LineageEntry(
                id: IntervalID(member: try fields.int("member"), index: try fields.int("interval")),
                score: fields["score"]?.double, hyperparameters: Hyperparameters(try fields.object("hyperparameters")),
                parent: try fields.interval(ifAny: "parent"), isExploit: try fields.bool("exploited"))
        }
    }

    /// Requests the schedule of an interval: the hyperparameters along its lineage.
    ///
    /// - Parameters:
    ///   - name: The experiment.
    ///   - id: The interval; the best if nil.
    /// - Returns: The position in the lineage, from 0, and the hyperparameters.
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
