// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import NIOCore
import NIOHTTP1
public import PBT
import PBTAPI

extension RemoteStore {
    /// The events of an experiment as the server sends them: those after a given one, then those to come.
    ///
    /// When the connection breaks, it is opened again after the last event that was seen, for as long as it takes. The
    /// sequence ends with the task that iterates it.
    ///
    /// - Parameters:
    ///   - name: The experiment; none for all.
    ///   - last: The number of the last event known; none for all.
    /// - Returns: The sequence; nothing is asked before it is iterated.
    public func liveEvents(of name: String?, after last: Int64? = nil) -> LiveEvents {
        LiveEvents(retrying: retrying, name: name, last: last)
    }
}

/// Events as the server sends them.
public struct LiveEvents: AsyncSequence, Sendable {
    /// What it yields.
    public typealias Element = Event

    let retrying: Retrying
    let name: String?
    let last: Int64?

    /// Starts to iterate.
    public func makeAsyncIterator() -> Iterator {
        Iterator(retrying: retrying, name: name, last: last)
    }

    /// Iterates over events as they come.
    public struct Iterator: AsyncIteratorProtocol {
        let retrying: Retrying
        let name: String?
        var last: Int64?
        private var body: HTTPClientResponse.Body.AsyncIterator?
        private var parser = EventStream.Parser()
        private var frames: [EventStream.Frame] = []
        private var pauses = Pauses()

        init(retrying: Retrying, name: String?, last: Int64?) {
            self.retrying = retrying
            self.name = name
            self.last = last
        }

        /// The next event; waits for it if need be.
        ///
        /// - Throws: A `PBTError` for an error that does not pass, such as `noSuchExperiment`, and `CancellationError`
        ///   when the task is cancelled.
        public mutating func next() async throws -> Event? {
            while true {
                while !frames.isEmpty {
                    let frame = frames.removeFirst()
                    // A kind that this version does not know is passed over.
                    guard let event = try Event(api: Fields(Value(json: frame.data))) else { continue }
                    last = event.id
                    pauses = Pauses()
                    return event
                }
                do {
                    try await read()
                } catch let failure as RequestFailure {
                    guard failure.isRetryable else { throw failure.error }
                    body = nil
                    parser = EventStream.Parser()
                    try await retrying.clock.sleep(for: Swift.max(pauses.next(), failure.retryAfter ?? .zero))
                }
            }
        }

        private mutating func read() async throws {
            guard let body else {
                var call = APICall(.GET, name.map { .experiment($0, "events") } ?? APIPath("events"))
                call.headers.add(name: "Accept", value: "text/event-stream")
                if let last { call.query = [("after", String(last))] }
                // The connection's read timeout watches over the stream; the server sends a comment now and then.
                let connection = retrying.connection
                self.body = try await connection.open(connection.request(call), within: .seconds(7 * 86400)).body
                    .makeAsyncIterator()
                return
            }
            // Nobody else has this iterator: it goes out and comes back.
            nonisolated(unsafe) var reading = body
            let buffer: ByteBuffer?
            do {
                buffer = try await reading.next()
            } catch {
                throw retrying.connection.failure(error)
            }
            guard let buffer else {
                throw RequestFailure(
                    PBTError(.unreachable, "the server \(retrying.connection.address) ended the stream"),
                    isRetryable: true)
            }
            self.body = reading
            frames += parser.take(buffer.readableBytesView)
        }
    }
}
