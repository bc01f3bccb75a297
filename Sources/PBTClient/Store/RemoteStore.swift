// SPDX-License-Identifier: Apache-2.0

import NIOHTTP1
public import PBT
import PBTAPI

/// A store behind a `pbt` server.
///
/// While the server is unreachable, busy, or restarting, calls are retried for the time of
/// ``ClientConfiguration/patience``. Then they fail with `unreachable`, and can have taken effect. All writes are
/// idempotent. Copies share their connections, which close with the last copy.
public struct RemoteStore: Store {
    /// The address of the server.
    public var address: ServerAddress { retrying.connection.address }

    let retrying: Retrying
    let definitions = Definitions()
    let keys = ClaimKeys()

    /// Creates a store without connecting to the server.
    ///
    /// - Parameters:
    ///   - address: The address of the server.
    ///   - configuration: The configuration of the client.
    ///   - clock: The clock of the pauses between retries.
    /// - Throws: A `PBTError` with code `badValue` for an invalid certificate file.
    public init(
        _ address: ServerAddress, _ configuration: ClientConfiguration = ClientConfiguration(),
        clock: any Clock<Duration> = ContinuousClock()
    ) throws {
        retrying = Retrying(connection: try Connection(address, configuration), clock: clock)
    }

    /// Makes a call and returns the fields of the response.
    func fields(_ call: APICall) async throws -> Fields {
        try await retrying.send(call).response.fields()
    }

    /// Requests all items of a list, page by page.
    ///
    /// - Parameters:
    ///   - path: The list.
    ///   - query: Query items in addition to those of pagination.
    /// - Returns: The items' fields.
    /// - Throws: A `PBTError`.
    func items(_ path: APIPath, query: [(String, String)] = []) async throws -> [Fields] {
        var items: [Fields] = []
        var cursor: String?
        repeat {
            let page = try await fields(
                APICall(.GET, path, query: query + [("limit", "1000")] + (cursor.map { [("after", $0)] } ?? [])))
            for item in try page.list("items") { items.append(try Fields(item, path: "items")) }
            cursor = try page["next"].map { try Self.cursor($0) }
        } while cursor != nil
        return items
    }

    private static func cursor(_ value: Value) throws -> String {
        switch value {
        case .string(let text): text
        case .integer(let number): String(number)
        default: throw PBTError(.unreachable, "invalid response of the server: next is \(value.kind)")
        }
    }

    /// Returns the record in a response, with its definition from the response, the cache, or another request.
    func record(_ fields: Fields) async throws -> ExperimentRecord {
        try ExperimentRecord(
            api: fields,
            experiment: try await definition(
                of: fields.text("name"), version: fields.text("definition_version"), given: fields["definition"]))
    }

    /// Returns a version of a definition: the given one, the cached one, or the result of a request.
    func definition(of name: String, version: String, given: Value?) async throws -> Experiment {
        if let experiment = definitions.experiment(name, version: version) { return experiment }
        if let given {
            let experiment = try Experiment(api: given, isStored: true)
            definitions.add(experiment, version: version)
            return experiment
        }
        // The latest version: edits also apply to intervals in flight.
        let fields = try await fields(APICall(.GET, .experiment(name)))
        let experiment = try Experiment(api: fields["definition"] ?? .null, isStored: true)
        definitions.add(experiment, version: try fields.text("definition_version"))
        return experiment
    }

    /// Makes a call whose retry fails with `code` if the first attempt took effect and its response was lost.
    func repeatable(_ code: PBTError.Code, _ call: () -> APICall) async throws {
        let call = call()
        let tries = Tries()
        do {
            _ = try await retrying.repeating {
                tries.count()
                return try await retrying.connection.response(to: call)
            }
        } catch let error as PBTError where error.code == code && tries.isRepeated {
            // The first attempt took effect.
        }
    }
}

/// A counter of attempts.
private final class Tries {
    private var number = 0

    func count() {
        number += 1
    }

    var isRepeated: Bool { number > 1 }
}
