// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTReport

/// Prints the logs of members, one attempt at one interval after the other.
struct LogFollower {
    /// The place of a member in its logs.
    private struct Place {
        var id: IntervalID
        var attempt = 1
        var offset = 0
        var lines = LogLines()
        /// True if the interval has finished and its log was printed.
        var isDone = false
    }

    let logs: TrainerLogs
    let store: any Store
    /// True if lines begin with their interval, since those of several members are mixed.
    let isMixed: Bool
    /// The number of lines at the end of each log that is printed from its beginning; nil for all.
    let tail: Int?
    private var places: [Int: Place] = [:]
    private var told: Set<IntervalID> = []

    /// Creates a follower.
    ///
    /// - Parameters:
    ///   - logs: The logs.
    ///   - store: The store.
    ///   - isMixed: True for several members.
    ///   - tail: The number of lines at the end of each first log; nil for all.
    init(_ logs: TrainerLogs, in store: any Store, isMixed: Bool, tail: Int?) {
        (self.logs, self.store, self.isMixed, self.tail) = (logs, store, isMixed, tail)
    }

    private var name: String { logs.experiment.name }

    /// Prints the log of an attempt as far as it goes.
    ///
    /// - Parameters:
    ///   - interval: The interval, whose last attempt is printed.
    ///   - isFollowed: True if a log that is not there yet is awaited, rather than an error.
    /// - Throws: A `PBTError`; a ``Failure`` if it cannot be written.
    mutating func begin(_ interval: Interval, isFollowed: Bool) async throws {
        var place = Place(id: interval.id, attempt: max(1, interval.attempts))
        if !isMixed { Output.note("==> \(interval.id) of \(PlainText.line(name)), attempt \(place.attempt) <==") }
        if interval.attempts > 0 { try await print(&place, last: tail, isAwaited: isFollowed) }
        if interval.state.isFinished || !isFollowed {
            try write(place.lines.finish(), of: place.id)
            place.isDone = interval.state.isFinished
        }
        places[interval.id.member] = place
    }

    /// Regards all that a member has logged as printed; its newest interval is not running.
    mutating func skip(_ interval: Interval) {
        var place = Place(id: interval.id, attempt: interval.attempts + 1)
        place.isDone = interval.state.isFinished
        places[interval.id.member] = place
    }

    /// Prints what members have logged since the last call; begins with new members and later intervals.
    ///
    /// - Parameters:
    ///   - newest: The newest intervals of the members that are followed.
    ///   - last: The interval after which no other is started; nil for none.
    /// - Throws: A `PBTError`; a ``Failure`` if it cannot be written.
    mutating func proceed(to newest: [Interval], endingWith last: IntervalID? = nil) async throws {
        for interval in newest {
            var place = places[interval.id.member] ?? Place(id: IntervalID(member: interval.id.member, index: 0))
            if place.isDone, place.id == interval.id { continue }
            try await proceed(&place, endingWith: last)
            places[interval.id.member] = place
        }
    }

    /// True if the log of an interval was printed to its end.
    func isDone(_ id: IntervalID) -> Bool {
        places[id.member].map { $0.isDone && $0.id == id } ?? false
    }

    private mutating func proceed(_ place: inout Place, endingWith last: IntervalID?) async throws {
        while true {
            if !place.isDone {
                // Read before the log: what a finished attempt has printed is there.
                let interval = try await store.interval(place.id, of: name)
                guard interval.attempts >= place.attempt else { return }
                let isOver = interval.attempts > place.attempt || interval.state != .running
                try await print(&place, last: nil, isAwaited: interval.state == .running)
                if isOver { try write(place.lines.finish(), of: place.id) }
                if interval.attempts > place.attempt {
                    place = Place(id: place.id, attempt: place.attempt + 1)
                    begins(place)
                    continue
                }
                guard interval.state.isFinished else { return }
                place.isDone = true
            }
            guard place.id != last else { return }
            let next = IntervalID(member: place.id.member, index: place.id.index + 1)
            do {
                guard try await store.interval(next, of: name).attempts > 0 else { return }
            } catch let error as PBTError where error.code == .noSuchInterval {
                // It is not decided yet, or the member has ended.
                return
            }
            place = Place(id: next)
            begins(place)
        }
    }

    private func begins(_ place: Place) {
        guard !isMixed else { return }
        Output.note("==> \(place.id) of \(PlainText.line(name)), attempt \(place.attempt) <==")
    }

    /// Prints the log from the place on.
    private mutating func print(_ place: inout Place, last: Int?, isAwaited: Bool) async throws {
        var lines: [String] = []
        while true {
            let bytes: [UInt8]
            do {
                bytes = try await logs.read(place.id, attempt: place.attempt, from: place.offset)
            } catch let error as PBTError where error.code == .noSuchLog && (isMixed || isAwaited) {
                if !isAwaited, told.insert(place.id).inserted { Output.note(error.message) }
                return
            }
            guard !bytes.isEmpty else { break }
            place.offset += bytes.count
            lines += place.lines.add(bytes)
            if let last { lines = Array(lines.suffix(last)) } else { try write(lines, of: place.id) }
            if last == nil { lines = [] }
        }
        try write(lines, of: place.id)
    }

    private func write(_ lines: [String], of id: IntervalID) throws {
        for line in lines { try Output.line(isMixed ? "\(id) | \(line)" : line) }
    }
}
