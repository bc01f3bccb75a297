// SPDX-License-Identifier: Apache-2.0

import NIOHTTP1
public import PBT
import PBTAPI

/// A store behind a `pbt` server.
///
/// Does what every store does, over HTTP. While the server is away, busy or restarting, a call is made again for as long
/// as ``ClientConfiguration/patience`` says; then it fails with `unreachable`, which may have taken effect. Every write is
/// safe to repeat. Copies share their connections; the last one closes them.
public struct RemoteStore: Store {
    /// Where the server is.
    public var address: ServerAddress { retrying.connection.address }

    let retrying: Retrying
    let definitions = Definitions()
    let keys = ClaimKeys()

    /// The store behind a server.
    ///
    /// Nothing is sent yet.
    ///
    /// - Parameters:
    ///   - address: Where the server is.
    ///   - configuration: How to talk to it.
    ///   - clock: What pauses between tries go by.
    /// - Throws: A `PBTError` with code `badValue` for a certificate file that cannot be used.
    public init(
        _ address: ServerAddress, _ configuration: ClientConfiguration = ClientConfiguration(),
        clock: any Clock<Duration> = ContinuousClock()
    ) throws {
        retrying = Retrying(connection: try Connection(address, configuration), clock: clock)
    }

    /// Makes a call and reads what it answers.
    func fields(_ call: APICall) async throws -> Fields {
        try await retrying.send(call).answer.fields()
    }

    /// All items of a list, page by page.
    ///
    /// - Parameters:
    ///   - path: The list.
    ///   - query: What is asked for beside the page.
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
        default: throw PBTError(.unreachable, "the server's answer makes no sense: next is \(value.kind)")
        }
    }

    /// The record in an answer, with its definition: the one in the answer, one that is known, or else one that is
    /// asked for.
    func record(_ fields: Fields) async throws -> ExperimentRecord {
        try ExperimentRecord(
            api: fields,
            experiment: try await definition(
                of: fields.text("name"), version: fields.text("definition_version"), given: fields["definition"]))
    }

    /// A definition of that version: the one given, one that is known, or else one that is asked for.
    func definition(of name: String, version: String, given: Value?) async throws -> Experiment {
        if let experiment = definitions.experiment(name, version: version) { return experiment }
        if let given {
            let experiment = try Experiment(api: given, isStored: true)
            definitions.add(experiment, version: version)
            return experiment
        }
        // The newest: what a definition may change while it is trained holds for what is in flight too.
        let fields = try await fields(APICall(.GET, .experiment(name)))
        let experiment = try Experiment(api: fields["definition"] ?? .null, isStored: true)
        definitions.add(experiment, version: try fields.text("definition_version"))
        return experiment
    }

    /// Makes a call that, when it took effect and its answer got lost, fails with that code the next time.
    func repeatable(_ code: PBTError.Code, _ call: () -> APICall) async throws {
        let call = call()
        let tries = Tries()
        do {
            _ = try await retrying.repeating {
                tries.count()
                return try await retrying.connection.answer(call)
            }
        } catch let error as PBTError where error.code == code && tries.isRepeated {
            // It is as it was to be.
        }
    }
}

/// How often a call was made.
private final class Tries {
    private var number = 0

    func count() {
        number += 1
    }

    var isRepeated: Bool { number > 1 }
}
