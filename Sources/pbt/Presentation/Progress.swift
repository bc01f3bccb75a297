// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTCheckpoints
import PBTReport
import PBTWorker

/// Follows the events of a run, and prints them.
actor Progress {
    private let store: any Store
    private let running: RunningProgress
    private let main: Experiment
    private let names: [String]
    private let describer: EventDescriber
    private let status: StatusLines
    private let style: ProgressStyle
    private let isVerbose: Bool
    private let writesJSON: Bool
    private var last: Int64
    private var bar: ProgressBar
    private var live: LiveProgress?
    private var best: [String: Double] = [:]
    /// The reasons of failures that were printed, and the interval of each.
    private var reasons: [String: String] = [:]
    private var nextReport: Double = 0
    private let began = ContinuousClock.now

    /// Follows a run.
    ///
    /// - Parameters:
    ///   - family: The experiment and its baseline.
    ///   - opened: The store.
    ///   - last: The number of the last event before the run.
    ///   - status: The redrawn lines.
    ///   - slots: The number of workers in this process.
    ///   - logs: The directory with the logs of this process; that of the store when nil.
    ///   - options: The output options.
    init(
        _ family: ExperimentFamily, in opened: OpenStore, after last: Int64, status: StatusLines, slots: Int,
        logs: DataDirectory? = nil, options: ProgressOptions
    ) {
        store = opened.store
        running = RunningProgress(data: logs ?? opened.data)
        main = family.main.experiment
        names = family.names
        describer = EventDescriber(data: opened.data, main: family.main.experiment, isLive: status.isLive)
        self.status = status
        style = options.style
        isVerbose = options.isVerbose
        writesJSON = options.json
        self.last = last
        bar = ProgressBar(family)
        if status.isLive { live = LiveProgress(family, slots: slots) }
        for record in family.records {
            best[record.experiment.name] = record.bestScore
        }
    }

    /// Prints events until the task is cancelled.
    func follow() async throws {
        do {
            while !Task.isCancelled {
                do {
                    try await update()
                    // At most ten times a second: nobody reads faster.
                    if status.isLive { try await Task.sleep(for: .milliseconds(100)) }
                    try await store.waitForEvents(after: last, for: .seconds(1))
                } catch let error as PBTError where error.code == .unreachable || error.code == .storeBusy {
                    // The worker keeps trying, and so does this.
                    if showsLines { say(error.message) }
                    try await Task.sleep(for: .seconds(5))
                }
            }
        } catch is CancellationError {
            // `end` prints the rest.
        }
    }

    /// Prints the remaining events, and erases the redrawn lines.
    func end() async throws {
        try await update()
        status.clear()
    }

    /// Redraws the lines, after the terminal was resized.
    func redraw() {
        if let live { status.set(live.lines(bar)) }
    }

    /// Shows that the run is stopping.
    func isStopping() {
        live?.view.isStopping = true
        redraw()
    }

    /// Handles a key that changes the view.
    ///
    /// - Returns: True if the key has no other meaning.
    func press(_ key: Key) -> Bool {
        guard let isHandled = live?.view.press(key) else { return false }
        redraw()
        return isHandled
    }

    /// Pauses the run, or resumes it when it is paused.
    ///
    /// - Throws: A ``PBTError``.
    func togglePause() async throws {
        guard live?.view.isStopping == false else { return }
        let isPaused = bar.isPaused
        for name in names {
            do {
                if isPaused { try await store.resume(name) } else { try await store.pause(name) }
            } catch let error as PBTError where error.code == .wrongState {
                // One of the two may have finished; when both have, there is nothing to pause.
            }
        }
    }

    private var showsLines: Bool {
        style == .live || style == .plain
    }

    private func say(_ text: String) {
        status.print(status.isLive ? text : "\(describer.time()) \(text)")
    }

    private func update() async throws {
        var page: [Event]
        repeat {
            page = try await store.events(of: nil, after: last, limit: 500)
            for event in page {
                last = event.id
                guard names.contains(event.experiment) else { continue }
                if writesJSON { try Output.jsonLine(event.value) }
                if style == .json { Output.note(event.value.json) }
                live?.isStale = true
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
        // One as good as the best so far does not count as news.
        case .done
        where event.details["best"] == true && (isMain && event.details["score"]?.double != before || isVerbose):
            break
        case .done where event.details["decision"] == "exploits" && status.isLive: break
        case .generation where status.isLive: break
        case .paused, .resumed, .ended, .edited, .pushed, .deleted, .setAside: break
        case .done, .generation, .started, .released, .evaluated:
            guard isVerbose else { return }
        case .created: return
        }
        let shown = isVerbose ? event : shortened(event)
        for line in describer.lines(for: shown, before: before, elapsed: elapsed, isVerbose: isVerbose) {
            status.print(line)
        }
    }

    /// Replaces a reason that was printed before by a reference to its interval.
    private func shortened(_ event: Event) -> Event {
        guard [.retried, .failed].contains(event.kind), let reason = event.details["reason"]?.string,
            let interval = event.interval
        else { return event }
        let place = "\(interval)\(event.experiment == main.name ? "" : " of \(event.experiment)")"
        let kind = failureKind(of: reason)
        guard let first = reasons[kind] else {
            reasons[kind] = place
            return event
        }
        var event = event
        event.details["reason"] = .string("same as \(first)")
        return event
    }

    /// Redraws the lines; in a log, prints a progress line from time to time.
    private func report() async throws {
        guard showsLines else { return }
        let elapsed = (ContinuousClock.now - began).seconds
        guard status.isLive || elapsed >= nextReport else { return }
        var records: [ExperimentRecord] = []
        for name in names {
            records.append(try await store.record(of: name))
        }
        bar.update(records, elapsed: elapsed)
        if var live {
            try await live.update(records[0], in: store, running)
            // Keeps what keys have changed in the meantime.
            live.view = self.live?.view ?? live.view
            self.live = live
            redraw()
        } else {
            // Every 30 seconds, later every minute and every five.
            if nextReport > 0 {
                let training = try await running.text(of: records, in: store)
                status.print("\(describer.time()) progress \(bar.plain)\(training)")
            }
            nextReport = elapsed + (elapsed < 600 ? 30 : elapsed < 7200 ? 60 : 300)
        }
    }
}

/// The redrawn lines of a run.
struct LiveProgress: Sendable {
    private let details: [String]
    private let hasKeys = Terminal.input.isTerminal
    private var loader = HistoryLoader()
    private var history: History
    private var leaderboard: Leaderboard
    private var next = ContinuousClock.now
    /// True if something has happened since the rows were read.
    var isStale = true
    /// The view that keys change.
    var view = View()

    /// The view of a run.
    struct View: Sendable {
        /// True if the run is stopping.
        var isStopping = false
        private(set) var showsAll = false
        private(set) var showsHelp = false

        /// Handles a key, and returns true if the key has no other meaning.
        mutating func press(_ key: Key) -> Bool {
            switch key {
            // The run can be stopped in any view.
            case .character("q"): return false
            case _ where showsHelp: showsHelp = false
            case .character("?"): showsHelp = true
            case .character("m"): showsAll.toggle()
            default: return false
            }
            return true
        }
    }

    /// Creates the lines of an experiment before anything was read.
    init(_ family: ExperimentFamily, slots: Int) {
        let experiment = family.main.experiment
        var details = [
            Words.count(experiment.population, "member"), Words.count(slots, "worker"),
            "seed \(Int64(bitPattern: experiment.seed))",
        ]
        details.insert(
            experiment.kind == .populationBasedTraining
                ? "PBT \(experiment.exploit.words)" : experiment.kind.words, at: 0)
        self.details = details
        history = History(family.main, intervals: [])
        leaderboard = Leaderboard(history, now: StoreClock.system.now())
    }

    /// Updates the lines from the store.
    ///
    /// Reads only what has changed, and takes at most a twentieth of the time.
    ///
    /// - Parameters:
    ///   - record: The experiment.
    ///   - store: The store.
    ///   - running: How far running intervals are.
    /// - Throws: A ``PBTError`` when the store cannot be read.
    mutating func update(
        _ record: ExperimentRecord, in store: any Store, _ running: RunningProgress
    ) async throws {
        let now = ContinuousClock.now
        guard now >= next else { return }
        if isStale {
            isStale = false
            history = try await loader.load(record, from: store)
        }
        leaderboard = Leaderboard(history, now: StoreClock.system.now())
        leaderboard.set(try running.progress(of: leaderboard.running, in: record.experiment))
        let end = ContinuousClock.now
        next = end + min(.seconds(60), (end - now) * 20)
    }

    /// Returns the lines for the terminal's current size.
    func lines(_ bar: ProgressBar) -> [StyledLine] {
        var hints: [String] = []
        if view.isStopping {
            hints = [(hasKeys ? "q" : "Ctrl-C") + " again: stop immediately"]
        } else if hasKeys {
            hints = ["q stop", bar.isPaused ? "p resume" : "p pause"]
        }
        if view.showsHelp {
            hints.append("any key: back")
        } else if hasKeys {
            hints += [view.showsAll ? "m fewer" : "m members", "? help"]
        }
        let terminal = Terminal.error
        let height = terminal.height
        return LiveBlock(leaderboard, pace: bar.pace, details: details, hints: hints, glyphs: terminal.glyphs)
            .lines(
                width: terminal.width ?? 80, height: height, most: view.showsAll ? height : LiveBlock.mostLines,
                help: view.showsHelp ? Self.help(terminal.glyphs) : [])
    }

    /// The keys and marks.
    private static func help(_ glyphs: Glyphs) -> [String] {
        [
            "q, Ctrl-C  finish the running intervals, then stop; again: stop immediately",
            "p          pause: running intervals finish, no new ones start; again: resume",
            "m          show as many members as fit; again: fewer",
            "Ctrl-Z     suspend this process until fg; trainers keep running",
            "",
            "★ best  ! no heartbeat  × failed  ▲ ▼ better or worse than before",
        ].map { glyphs.text($0) }
    }
}

extension Event {
    /// The event as a JSON object: its own keys, and `event`, `id`, `time`, `experiment`, and for an interval `member` and
    /// `interval`.
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
