// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import PBT
import PBTReport

/// `pbt logs`.
struct LogsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "logs",
        abstract: "Print what trainers print: of the running intervals, of a member, or of an interval.",
        discussion: """
            With --follow until the experiment ends, interval after interval; for one interval until it has finished. \
            Without a member, each line begins with its interval.
            """)

    @Argument(help: "The experiment.", completion: .experiments) var experiment: String
    @Argument(help: ArgumentHelp("A member, or an interval of it.", valueName: "member[@interval]"))
    var interval: IntervalArgument?
    @Flag(name: [.short, .long], help: "Print new lines as they are written, also of later intervals.")
    var follow = false
    @Option(
        name: [.customShort("n"), .long],
        help: "The number of lines at the end of a log; default: all of a member's, 10 of each without one.")
    var lines: Int?
    @OptionGroup var storeOptions: StoreOptions

    func validate() throws {
        if let lines, !(0...1_000_000).contains(lines) {
            throw ValidationError("--lines must be between 0 and 1000000, not \(lines)")
        }
    }

    func run() async throws {
        let opened = try await storeOptions.open(reading: true)
        let name = try await opened.store.resolved(experiment)
        let record = try await opened.store.record(of: name)
        let logs = TrainerLogs(opened: opened, experiment: record.experiment)
        if let interval {
            guard let member = interval.member else { throw interval.notAnInterval }
            let first = try await begin(interval, of: member, record, in: opened)
            var follower = LogFollower(logs, in: opened.store, isMixed: false, tail: lines)
            try await follower.begin(first, isFollowed: follow)
            guard follow else { return }
            let end = interval.index.map { IntervalID(member: member, index: $0) }
            try await keepUp(&follower, with: member, until: end, name, opened)
        } else {
            var follower = LogFollower(logs, in: opened.store, isMixed: true, tail: lines ?? 10)
            let newest = try await opened.store.intervals(of: name, IntervalSelection(newestOnly: true))
            var running = newest.filter { $0.state == .running }
            if running.isEmpty, !follow {
                let all = try await opened.store.intervals(of: name).filter { $0.attempts > 0 }
                running =
                    all.max { ($0.started?.milliseconds ?? 0, $0.id) < ($1.started?.milliseconds ?? 0, $1.id) }
                    .map { [$0] } ?? []
                if running.isEmpty { Output.note("no interval of \(PlainText.line(name)) has started") }
            }
            for interval in running { try await follower.begin(interval, isFollowed: follow) }
            guard follow else { return }
            for interval in newest where interval.state != .running { follower.skip(interval) }
            try await keepUp(&follower, with: nil, until: nil, name, opened)
        }
    }

    /// Returns the interval to begin with: the given one, or the member's newest that has started.
    private func begin(
        _ argument: IntervalArgument, of member: Int, _ record: ExperimentRecord, in opened: OpenStore
    ) async throws -> Interval {
        let name = record.experiment.name
        if argument.index != nil {
            let interval = try await opened.store.interval(try argument.interval(), of: name)
            guard follow || interval.attempts > 0 else {
                throw Failure(.noSuch, "interval \(interval.id) of \"\(name)\" has not started, so it has no log")
            }
            return interval
        }
        let own = try await opened.store.intervals(of: name, IntervalSelection(member: member))
        guard let first = own.last(where: { $0.attempts > 0 }) ?? (follow ? own.last : nil) else {
            throw Failure(
                .noSuch,
                own.isEmpty
                    ? "experiment \"\(name)\" has no member \(member); see: "
                        + Hint.command("show", name, in: opened)
                    : "no interval of member \(member) of \"\(name)\" has started")
        }
        return first
    }

    /// Prints new lines until the experiment has ended, or an interval has finished.
    private func keepUp(
        _ follower: inout LogFollower, with member: Int?, until last: IntervalID?, _ name: String, _ opened: OpenStore
    ) async throws {
        // A file costs nothing to look at; a server is not asked more often than people read.
        let pause = Duration.milliseconds(opened.isRemote ? 1000 : 200)
        while true {
            // Read before the logs, so that nothing of the last intervals is missed.
            let isOver = try await opened.store.record(of: name).state.isOver
            let newest = try await opened.store.intervals(
                of: name, IntervalSelection(member: member, newestOnly: true))
            try await follower.proceed(to: newest, endingWith: last)
            if isOver { return }
            if let last, follower.isDone(last) { return }
            try await Task.sleep(for: pause)
        }
    }
}
