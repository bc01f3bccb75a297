// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTReport
import PBTWorker

/// Follows the events of a run, and shows them.
actor Progress {
    private let store: any Store
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
    /// The reasons of failures that were shown, and the interval that each was shown for.
    private var reasons: [String: String] = [:]
    private var nextReport: Double = 0
    private let began = ContinuousClock.now

    /// Follows a run.
    ///
    /// - Parameters:
    ///   - family: What is trained.
    ///   - opened: Where.
    ///   - last: The number of the last event before the run.
    ///   - status: The lines that are redrawn; they know whether they are live.
    ///   - slots: How many workers this process has.
    ///   - options: What is shown.
    init(
        _ family: ExperimentFamily, in opened: OpenStore, after last: Int64, status: StatusLines, slots: Int,
        options: ProgressOptions
    ) {
        store = opened.store
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

    /// Shows what happens until the task is cancelled.
    func follow() async throws {
        do {
            while !Task.isCancelled {
                do {
                    try await update()
                    // Ten times a second at most: nobody reads faster.
                    if status.isLive { try await Task.sleep(for: .milliseconds(100)) }
                    try await store.waitForEvents(after: last, for: .seconds(1))
                } catch let error as PBTError where error.code == .unreachable || error.code == .storeBusy {
                    // The worker goes on, and so does this.
                    if showsLines { say(error.message) }
                    try await Task.sleep(for: .seconds(5))
                }
            }
        } catch is CancellationError {
            // The end is shown by `end`.
        }
    }

    /// Shows what happened since, and erases what is redrawn.
    func end() async throws {
        try await update()
        status.clear()
    }

    /// Draws anew what is redrawn, after the terminal got another size.
    func redraw() {
        if let live { status.set(live.lines(bar)) }
    }

    /// Says that the run is about to stop.
    func isStopping() {
        live?.view.isStopping = true
        redraw()
    }

    /// Heeds a key that changes what is shown.
    ///
    /// - Returns: Whether that is all it does.
    func press(_ key: Key) -> Bool {
        guard let isHeeded = live?.view.press(key) else { return false }
        redraw()
        return isHeeded
    }

    /// Begins no more intervals until it is called again.
    ///
    /// - Throws: A ``PBTError``.
    func togglePause() async throws {
        guard live?.view.isStopping == false else { return }
        let isPaused = bar.isPaused
        for name in names {
            do {
                if isPaused { try await store.resume(name) } else { try await store.pause(name) }
            } catch let error as PBTError where error.code == .wrongState {
                // One of the two may be over; when both are, there is nothing to pause.
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
        case .done where event.details["best"] == true && (isMain || isVerbose): break
        case .done where event.details["decision"] == "exploits" && status.isLive: break
        case .generation where status.isLive: break
        case .paused, .resumed, .ended, .edited, .pushed, .setAside: break
        case .done, .generation, .started, .released:
            guard isVerbose else { return }
        case .created: return
        }
        let shown = isVerbose ? event : shortened(event)
        for line in describer.lines(for: shown, before: before, elapsed: elapsed, isVerbose: isVerbose) {
            status.print(line)
        }
    }

    /// A failure whose reason was shown already names where, in place of the whole text.
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
        event.details["reason"] = .string("the same as of \(first)")
        return event
    }

    /// What is redrawn, or now and then a line in its place.
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
            try await live.update(records[0], in: store)
            // What keys changed meanwhile stays.
            live.view = self.live?.view ?? live.view
            self.live = live
            redraw()
        } else {
            // Every 30 seconds, later every minute and every five.
            if nextReport > 0 { status.print("\(describer.time()) progress \(bar.plain)") }
            nextReport = elapsed + (elapsed < 600 ? 30 : elapsed < 7200 ? 60 : 300)
        }
    }
}

/// What is redrawn while a run goes on.
struct LiveProgress: Sendable {
    private let details: [String]
    private let hasKeys = Terminal.input.isTerminal
    private var mirror = IntervalMirror()
    private var history: History
    private var board: Board
    private var next = ContinuousClock.now
    /// Whether something happened since the rows were read.
    var isStale = true
    /// What keys changed.
    var view = View()

    /// What somebody wants to see of the run.
    struct View: Sendable {
        /// Whether the run is about to stop.
        var isStopping = false
        private(set) var showsAll = false
        private(set) var showsHelp = false

        /// Heeds a key, and returns whether it does nothing else.
        mutating func press(_ key: Key) -> Bool {
            switch key {
            // The run can be stopped whatever is shown.
            case .character("q"): return false
            case _ where showsHelp: showsHelp = false
            case .character("?"): showsHelp = true
            case .character("m"): showsAll.toggle()
            default: return false
            }
            return true
        }
    }

    /// The lines for an experiment of which nothing was read yet.
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
        board = Board(history, now: StoreClock.system.now())
    }

    /// Takes in what the store holds.
    ///
    /// What has changed is read, but so that it takes a twentieth of the time at most.
    ///
    /// - Throws: A ``PBTError`` when they cannot be read.
    mutating func update(_ record: ExperimentRecord, in store: any Store) async throws {
        let now = ContinuousClock.now
        guard now >= next else { return }
        if isStale {
            isStale = false
            mirror.apply(try await store.changes(of: record.experiment.name, since: mirror.mark))
            history = History(record, intervals: mirror.intervals)
        }
        board = Board(history, now: StoreClock.system.now())
        let end = ContinuousClock.now
        next = end + min(.seconds(60), (end - now) * 20)
    }

    /// The lines on the terminal as it is.
    func lines(_ bar: ProgressBar) -> [StyledLine] {
        var hints: [String] = []
        if view.isStopping {
            hints = [(hasKeys ? "q" : "Ctrl-C") + " again: stop at once"]
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
        return LiveBlock(board, pace: bar.pace, details: details, hints: hints, glyphs: terminal.glyphs)
            .lines(
                width: terminal.width ?? 80, height: height, most: view.showsAll ? height : LiveBlock.mostLines,
                help: view.showsHelp ? Self.help(terminal.glyphs) : [])
    }

    /// What keys do, and what marks say.
    private static func help(_ glyphs: Glyphs) -> [String] {
        [
            "q, Ctrl-C  finish the intervals in flight, and stop; again: stop at once",
            "p          pause: no new interval is begun; again: go on",
            "m          as many members as the terminal has room for; again: fewer",
            "Ctrl-Z     stop this process, until fg; trainers go on meanwhile",
            "",
            "★ best  ! nobody renews its lease  × failed  ▲ ▼ better or worse than before",
        ].map { glyphs.text($0) }
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
