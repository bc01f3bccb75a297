// SPDX-License-Identifier: Apache-2.0

package import Logging
package import PBT
import PBTAPI
package import PBTCheckpoints
package import PBTHTTP
import Synchronization

/// The state that all routes of a server share.
package final class ServerContext: Sendable {
    /// The store that is served.
    package let store: any Store
    /// The directory of the store's checkpoints; nil for a server without checkpoints.
    package let data: DataDirectory?
    /// The configuration.
    package let configuration: ServerConfiguration
    /// Admission, limits, connections and counters of requests.
    package let http: HTTPContext
    /// The feed of events that streams and pages follow.
    package let feed: EventFeed
    /// The number of event streams that are open.
    package let streams = StreamCount()
    let claims: ClaimQueue
    let checkpoints: CheckpointExchange?
    let idempotency = IdempotencyCache()
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
        http = HTTPContext(
            configuration.http, access: Access(rule, clock: configuration.clock), metrics: configuration.metrics,
            logger: logger)
        claims = ClaimQueue(store: store, logger: logger, probe: configuration.probe)
        feed = EventFeed(store: store, logger: logger, heartbeat: configuration.heartbeat)
    }

    /// The logger.
    package var logger: Logger { http.logger }

    /// True if no more intervals are handed out.
    var isDraining: Bool { draining.isSet }

    /// Hands out no more intervals, and ends waiting claims.
    func drain() {
        draining.set()
        claims.close()
    }

    /// Counts intervals that were handed out, and drains at the limit.
    func count(handedOut count: Int) {
        guard let most = configuration.mostIntervals else { return }
        let isEnough = handedOut.withLock { total in
            total += count
            return total >= most
        }
        if isEnough { drain() }
    }

    /// A definition as JSON, with a version that changes when it does.
    struct Definition: Sendable {
        let experiment: Experiment
        let value: Value
        let version: String
    }

    /// Returns the definition of an experiment, which is encoded once.
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

    /// Returns an experiment as JSON.
    func value(of record: ExperimentRecord, withDefinition: Bool) -> Value {
        let definition = definition(of: record.experiment)
        return record.api(definition: withDefinition ? .some(definition.value) : .none, version: definition.version)
    }
}

/// The number of streams of server-sent events that are open.
package final class StreamCount: Sendable {
    private let count = Mutex(0)

    /// The number now.
    package var value: Int { count.withLock(\.self) }

    /// Counts a stream that was opened; must be paired with ``close()``.
    package func open() { count.withLock { $0 += 1 } }

    /// Counts a stream that was closed.
    package func close() { count.withLock { $0 -= 1 } }
}
