// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import PBT
import PBTReport
import PBTWorker

/// How progress is shown.
enum ProgressStyle: String, ExpressibleByArgument, CaseIterable, Sendable {
    /// Live on a terminal, plain elsewhere.
    case auto
    /// A line that is redrawn, with events above it.
    case live
    /// A line for each event that matters.
    case plain
    /// Nothing.
    case none
}

/// Follows the events of a run, and shows them.
actor Progress {
    private let store: any Store
    private let main: Experiment
    private let names: [String]
    private let describer: EventDescriber
    private let status: StatusLine
    private let showsLines: Bool
    private let isVerbose: Bool
    private let writesJSON: Bool
    private var last: Int64
    private var bar: ProgressBar
    private var best: [String: Double] = [:]
    private var nextReport: Double = 0
    private let began = ContinuousClock.now

    /// Follows a run.
    ///
    /// - Parameters:
    ///   - family: What is trained.
    ///   - opened: Where.
    ///   - last: The number of the last event before the run.
    ///   - status: The status line; it knows whether it is live.
    ///   - options: What is shown.
    init(
        _ family: ExperimentFamily, in opened: OpenStore, after last: Int64, status: StatusLine,
        options: ProgressOptions
    ) {
        store = opened.store
        main = family.main.experiment
        names = family.names
        describer = EventDescriber(data: opened.data, main: family.main.experiment, isLive: status.isLive)
        self.status = status
        showsLines = options.style != .none
        isVerbose = options.isVerbose
        writesJSON = options.json
        self.last = last
        bar = ProgressBar(family)
        for record in family.records {
            best[record.experiment.name] = record.bestScore
        }
    }

    /// Shows what happens until the task is cancelled.
    func follow() async throws {
        do {
            while !Task.isCancelled {
                do {
                    try await update()
                    try await store.waitForEvents(after: last, for: .seconds(1))
                } catch let error as PBTError where error.code == .unreachable || error.code == .storeBusy {
                    // The worker goes on, and so does this.
                    if showsLines { status.print("\(describer.time()) \(error.message)") }
                    try await Task.sleep(for: .seconds(5))
                }
            }
        } catch is CancellationError {
            // The end is shown by `end`.
        }
    }

    /// Shows what happened since, and erases the status line.
    func end() async throws {
        try await update()
        status.clear()
    }

    private func update() async throws {
        var page: [Event]
        repeat {
            page = try await store.events(of: nil, after: last, limit: 500)
            for event in page {
                last = event.id
                guard names.contains(event.experiment) else { continue }
                if writesJSON { try Output.jsonLine(event.value) }
                show(event)
            }
        } while page.count == 500
        try await report()
    }

    private func show(_ event: Event) {
        guard showsLines else { return }
        let elapsed = ContinuousClock.now - began
        let isMain = event.experiment == main.name
        let before = best[event.experiment]
        if event.details["best"] == true { best[event.experiment] = event.details["score"]?.double }
        switch event.kind {
        case .retried, .failed, .diverged, .lost: break
        case .done where event.details["best"] == true && (isMain || isVerbose): break
        case .paused, .resumed, .ended, .edited, .pushed: break
        case .done, .generation, .started, .released:
            guard isVerbose else { return }
        case .created: return
        }
        for line in describer.lines(for: event, before: before, elapsed: elapsed, isVerbose: isVerbose) {
            status.print(line)
        }
    }

    /// The bar, or now and then a line in its place.
    private func report() async throws {
        guard showsLines else { return }
        let elapsed = (ContinuousClock.now - began).seconds
        guard status.isLive || elapsed >= nextReport else { return }
        var records: [ExperimentRecord] = []
        for name in names {
            records.append(try await store.record(of: name))
        }
        bar.update(records, elapsed: elapsed)
        if status.isLive {
            status.set(bar.live(width: Terminal.error.width ?? 80))
        } else {
            // Every 30 seconds, later every minute and every five.
            if nextReport > 0 { status.print("\(describer.time()) progress \(bar.plain)") }
            nextReport = elapsed + (elapsed < 600 ? 30 : elapsed < 7200 ? 60 : 300)
        }
    }
}

/// What is shown of a run.
struct ProgressOptions: Sendable {
    /// In which way; never `auto`.
    var style: ProgressStyle
    /// Whether copies and the baseline's progress are shown too.
    var isVerbose: Bool
    /// Whether events are written to standard output as JSON lines.
    var json: Bool

    /// What is shown, and whether there is a status line.
    init(style: ProgressStyle, isQuiet: Bool, isVerbose: Bool, json: Bool) {
        self.isVerbose = isVerbose
        self.json = json
        if isQuiet {
            self.style = .none
        } else if style == .auto {
            self.style = Terminal.error.takesEscapes && environment("CI") == nil ? .live : .plain
        } else {
            // What is no terminal cannot be redrawn.
            self.style = style == .live && !Terminal.error.takesEscapes ? .plain : style
        }
    }
}

extension Event {
    /// The event as a JSON object with the keys `event`, `id`, `time`, `experiment`, and of an interval `member` and
    /// `interval`; beside them the event's own.
    var value: Value {
        var object = details
        object["event"] = .string(kind.rawValue)
        object["id"] = .integer(Int(id))
        object["time"] = .string("\(time)")
        object["experiment"] = .string(experiment)
        if let interval {
            object["member"] = .integer(interval.member)
            object["interval"] = .integer(interval.index)
        }
        return .object(object)
    }
}
