// SPDX-License-Identifier: Apache-2.0

import Logging
import PBT
import PBTAPI
import PBTCheckpoints
import Synchronization

/// What all endpoints of a server share.
final class Site: Sendable {
    let store: any Store
    let data: DataDirectory?
    let configuration: ServerConfiguration
    let access: Access
    let limit: RateLimit?
    let claims: ClaimQueue
    let feed: EventFeed
    let connections = ConnectionTable()
    let checkpoints: CheckpointExchange?
    let repeats = Repeats()
    let metrics = ServerMetrics()
    let logger: Logger
    private let draining = Latch()
    private let handedOut = Mutex(0)
    private let definitions = Mutex<[String: Definition]>([:])

    init(store: any Store, data: DataDirectory?, configuration: ServerConfiguration, logger: Logger) {
        self.store = store
        self.data = data
        checkpoints = data.map { CheckpointExchange(data: $0, store: store) }
        self.configuration = configuration
        let rule: Access.Rule =
            switch configuration.admission {
            case .open: .open
            case .tokens(let tokens): .tokens(tokens)
            }
        access = Access(rule, clock: configuration.clock)
        limit = configuration.rateLimit.map { RateLimit($0) }
        claims = ClaimQueue(store: store, logger: logger, probe: configuration.probe)
        feed = EventFeed(store: store, logger: logger, heartbeat: configuration.heartbeat)
        self.logger = logger
    }

    /// Whether nothing more is handed out.
    var isDraining: Bool { draining.isSet }

    /// Hands out nothing more, and lets those go who wait for something.
    func drain() {
        draining.set()
        claims.close()
    }

    /// Counts intervals that were handed out, and drains when there are as many as there may be.
    func count(handedOut count: Int) {
        guard let most = configuration.mostIntervals else { return }
        let isEnough = handedOut.withLock { total in
            total += count
            return total >= most
        }
        if isEnough { drain() }
    }

    /// A definition as it goes over the wire, with a text that changes when it does.
    struct Definition: Sendable {
        let experiment: Experiment
        let value: Value
        let version: String
    }

    /// The definition of an experiment; made once for each that there is.
    func definition(of experiment: Experiment) -> Definition {
        definitions.withLock { definitions in
            if let known = definitions[experiment.name], known.experiment == experiment { return known }
            if definitions.count > 1000 { definitions = [:] }
            let value = experiment.value
            let definition = Definition(
                experiment: experiment, value: value, version: Fingerprint.text(of: value.jsonBytes))
            definitions[experiment.name] = definition
            return definition
        }
    }

    /// An experiment as it goes over the wire.
    func value(of record: ExperimentRecord, withDefinition: Bool) -> Value {
        let definition = definition(of: record.experiment)
        return record.api(definition: withDefinition ? .some(definition.value) : .none, version: definition.version)
    }
}

/// A short text that stands for some bytes: for versions, not for secrets.
enum Fingerprint {
    static func text(of bytes: [UInt8]) -> String {
        String(FNV1a(bytes).value, radix: 36)
    }
}
