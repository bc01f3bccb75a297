// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import NIOCore
import NIOHTTP1
public import PBT
import PBTAPI

extension RemoteStore {
    /// Returns the events of an experiment after a given one, then new events as they happen (server-sent events).
    ///
    /// After a broken connection the sequence reconnects, without a time limit, and resumes after the last event
    /// received. It ends when the iterating task is cancelled.
    ///
    /// - Parameters:
    ///   - name: The experiment; nil for all.
    ///   - last: The number of the last known event; nil for all events.
    /// - Returns: The sequence, which connects when it is iterated.
    public func liveEvents(of name: String?, after last: Int64? = nil) -> LiveEvents {
        LiveEvents(retrying: retrying, name: name, last: last)
    }
}

/// A sequence of events that the server sends as they happen.
public struct LiveEvents: AsyncSequence, Sendable {
    /// The type of the elements.
    public typealias Element = Event

    let retrying: Retrying
    let name: String?
    let last: Int64?

    /// Creates an iterator.
    public func makeAsyncIterator() -> Iterator {
        Iterator(retrying: retrying, name: name, last: last)
    }

    /// An iterator over live events.
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

        /// Waits for the next event and returns it.
        ///
        /// - Throws: A `PBTError` for an error that is not retryable, such as `noSuchExperiment`; `CancellationError`
        ///   if the task is cancelled.
        public mutating func next() async throws -> Event? {
            while true {
                while !frames.isEmpty {
                    let frame = frames.removeFirst()
                    // Event kinds of later versions are skipped.
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
                // The read timeout detects a dead connection: the server sends comments as heartbeats.
                let connection = retrying.connection
                self.body = try await connection.open(connection.request(call), within: .seconds(7 * 86400)).body
                    .makeAsyncIterator()
                return
            }
            // No other reference to this iterator exists.
            nonisolated(unsafe) var reading = body
            let buffer: ByteBuffer?
            do {
                buffer = try await reading.next()
            } catch {
                throw retrying.connection.failure(error)
            }
            guard let buffer else {
                throw RequestFailure(
                    PBTError(.unreachable, "the server \(retrying.connection.address) closed the stream"),
                    isRetryable: true)
            }
            self.body = reading
            frames += parser.take(buffer.readableBytesView)
        }
    }
}
