// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTReport
import Synchronization

/// An experiment as pages show it: read once, as of one moment.
struct Snapshot: Sendable {
    /// The experiment, its intervals, and those of the random search beside it.
    let history: History
    /// The number of the newest event when it was read.
    let revision: Int64
    /// The experiment that this one is the baseline of.
    let baselineOf: String?
    /// The random search beside it, when there is one.
    let baseline: String?
    /// Whether nothing will happen any more to either.
    let isOver: Bool
    /// When it was read.
    let time: Timestamp
    private let pictures = Pictures()

    var record: ExperimentRecord { history.record }
    var experiment: Experiment { history.record.experiment }
    var name: String { experiment.name }

    init(
        history: History, revision: Int64, baselineOf: String?, baseline: ExperimentRecord?, time: Timestamp
    ) {
        self.history = history
        self.revision = revision
        self.baselineOf = baselineOf
        self.baseline = baseline?.experiment.name
        isOver = history.record.state.isOver && baseline?.state.isOver != false
        self.time = time
    }

    /// A picture of it: drawn once for all who look at it in the same way.
    func chart(_ kind: Chart.Kind, _ options: Chart.Options) -> Chart {
        pictures.picture(kind, options) { .drawn(kind, of: history, options: options) }
    }

    /// Draws pictures side by side, so that a page that shows them all waits for the slowest only.
    func drawAhead(_ kinds: [Chart.Kind], _ options: Chart.Options) async {
        await withTaskGroup(of: Void.self) { tasks in
            for kind in kinds { tasks.addTask { _ = chart(kind, options) } }
        }
    }

    /// The pictures of a snapshot that were asked for.
    private final class Pictures: Sendable {
        private struct Key: Hashable {
            let kind: Chart.Kind
            let options: Chart.Options
        }

        /// How many are kept: five on a page, at three widths, and as many with options.
        private static let limit = 32
        private let drawn = Mutex<[Key: Chart]>([:])

        func picture(_ kind: Chart.Kind, _ options: Chart.Options, draw: () -> Chart) -> Chart {
            let key = Key(kind: kind, options: options)
            if let known = drawn.withLock({ $0[key] }) { return known }
            // Two who come at once may both draw it: they get the same bytes.
            let chart = draw()
            drawn.withLock { drawn in
                if drawn.count >= Self.limit { drawn = [:] }
                drawn[key] = chart
            }
            return chart
        }
    }
}

/// What pages were last made from: one snapshot an experiment, so that many viewers cost one read.
///
/// A snapshot is good until something happens to the experiment. One that took long to read is kept for a few times as
/// long, whatever happens: a page that follows a large experiment must not take the store from its workers.
actor Snapshots {
    /// What was read of an experiment, to go on from.
    private struct Mirrors {
        var own = IntervalMirror()
        var baseline = IntervalMirror()
    }

    private struct Kept {
        var snapshot: Snapshot
        var mirrors: Mirrors
        var until: ContinuousClock.Instant
        var used: Int
    }

    /// How many experiments are kept.
    private static let limit = 16
    /// How many intervals are kept, over all experiments.
    private static let intervals = 400_000

    /// A read that is shorter than this is made as soon as there is news.
    private static let cheap = Duration.milliseconds(50)

    private let store: any Store
    private let clock: StoreClock
    private let rest: Int
    private var kept: [String: Kept] = [:]
    private var reading: [String: Task<(Snapshot, Mirrors), any Error>] = [:]
    /// How often all was forgotten.
    private var age = 0
    private var uses = 0
    /// How often an experiment was read.
    private(set) var reads = 0

    /// Nothing has been read yet.
    ///
    /// - Parameters:
    ///   - store: Where experiments are.
    ///   - clock: The store's time.
    ///   - rest: For how many times as long as it took to read one it is not read again.
    init(store: any Store, clock: StoreClock, rest: Int) {
        self.store = store
        self.clock = clock
        self.rest = rest
    }

    /// An experiment as it is, or was a moment ago.
    ///
    /// - Throws: What the store throws.
    func snapshot(of name: String) async throws -> Snapshot {
        uses += 1
        if let known = kept[name] {
            kept[name]?.used = uses
            if try await isCurrent(known) { return known.snapshot }
        }
        if let task = reading[name] { return try await task.value.0 }
        reads += 1
        let (store, clock) = (store, clock)
        let mirrors = kept[name]?.mirrors ?? Mirrors()
        let task = Task {
            // Awaited by whoever asked first, below; never left alone.
            try await Self.read(name, after: mirrors, from: store, clock)
        }
        reading[name] = task
        let begun = age
        defer { if begun == age { reading[name] = nil } }
        let began = ContinuousClock.now
        do {
            let (snapshot, mirrors) = try await task.value
            guard begun == age else { return snapshot }
            let cost = ContinuousClock.now - began
            let rest = cost < Self.cheap ? .zero : cost * rest
            kept[name] = Kept(
                snapshot: snapshot, mirrors: mirrors, until: .now.advanced(by: rest), used: uses)
            shrink()
            return snapshot
        } catch {
            // What is gone must not be shown again.
            kept[name] = nil
            throw error
        }
    }

    /// Reads an experiment anew when it is next asked for.
    func forget(_ name: String) {
        kept[name] = nil
    }

    /// Reads every experiment anew when it is next asked for, also one that is being read.
    func forget() {
        (kept, reading) = ([:], [:])
        age += 1
    }

    private func isCurrent(_ known: Kept) async throws -> Bool {
        if ContinuousClock.now < known.until { return true }
        return try await !Self.hasNews(of: known.snapshot, in: store)
    }

    /// Whether anything happened to an experiment, or to the random search beside it, since it was read.
    static func hasNews(of snapshot: Snapshot, in store: any Store) async throws -> Bool {
        // Also tells when it is gone.
        let record = try await store.record(of: snapshot.name)
        guard record.id == snapshot.record.id else { return true }
        for name in [snapshot.name, snapshot.baseline].compactMap(\.self)
        where try await !store.events(of: name, after: snapshot.revision, limit: 1).isEmpty {
            return true
        }
        guard snapshot.baseline == nil, let baseline = record.experiment.baseline else { return false }
        do {
            // A random search that was created since.
            _ = try await store.record(of: baseline.name)
            return true
        } catch let error as PBTError where error.code == .noSuchExperiment {
            return false
        }
    }

    private func shrink() {
        func total() -> Int { kept.values.reduce(0) { $0 + $1.snapshot.history.genealogy.intervals.count } }
        while kept.count > Self.limit || (kept.count > 1 && total() > Self.intervals),
            let oldest = kept.min(by: { $0.value.used < $1.value.used })?.key
        {
            kept[oldest] = nil
        }
    }

    private static func read(
        _ name: String, after mirrors: Mirrors, from store: any Store, _ clock: StoreClock
    ) async throws -> (Snapshot, Mirrors) {
        var mirrors = mirrors
        // Before the rows: what happens while they are read is news.
        let revision = try await store.lastEvent()
        let record = try await store.record(of: name)
        mirrors.own.apply(try await store.changes(of: name, since: mirrors.own.cursor))
        let others = try await store.experiments()
        let baseline = record.experiment.baseline.flatMap { baseline in
            others.first { $0.experiment.name == baseline.name }
        }
        if let baseline {
            mirrors.baseline.apply(
                try await store.changes(of: baseline.experiment.name, since: mirrors.baseline.cursor))
        }
        let history = History(
            record, intervals: mirrors.own.intervals,
            baseline: baseline == nil ? nil : mirrors.baseline.intervals)
        let baselineOf = others.first { $0.experiment.baseline?.name == name }?.experiment.name
        return (
            Snapshot(
                history: history, revision: revision, baselineOf: baselineOf, baseline: baseline, time: clock.now()),
            mirrors
        )
    }
}
