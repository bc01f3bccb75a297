// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTCheckpoints
import PBTReport
import Synchronization

/// Reads a store, and draws the page of `pbt watch`.
actor Watcher {
    private let store: any Store
    private let running: RunningProgress
    /// The time of the next look at logs: once a second, and at most a tenth of the time.
    private var nextLook = ContinuousClock.now
    private var page: WatchPage
    /// The loader of the most recently opened experiment.
    private var loader = HistoryLoader()
    private var last: Int64 = 0
    private var isStale = true
    /// The time of the next read: reading takes at most a tenth of the time.
    private var next = ContinuousClock.now
    private var drawn: [StyledLine] = []
    private var epoch = 0

    /// Watches a store.
    ///
    /// - Parameters:
    ///   - store: The store.
    ///   - data: The directory with the logs; nil if this machine has none.
    ///   - place: Its location, for the first line.
    init(_ store: any Store, data: DataDirectory?, at place: String) {
        self.store = store
        running = RunningProgress(data: data)
        page = WatchPage(place: place)
    }

    /// Reads the store for the first time.
    ///
    /// - Throws: A ``PBTError`` when it cannot be read, or there is no such experiment.
    func open(_ experiment: String?) async throws {
        last = try await store.lastEvent()
        page.records = try await store.experiments()
        if let experiment {
            let name = try await store.resolved(experiment)
            page.open(name)
            try await read(name)
        }
    }

    /// Draws changes until the task is cancelled.
    func follow() async throws {
        while true {
            do {
                try await refresh()
                try draw()
                try await Task.sleep(for: .milliseconds(100))
                try await store.waitForEvents(after: last, for: .seconds(1))
            } catch let error as PBTError where error.code == .unreachable || error.code == .storeBusy {
                page.problem = error.message
                try draw()
                try await Task.sleep(for: .seconds(2))
            }
        }
    }

    /// Handles a key, and returns true if it quits.
    ///
    /// - Throws: A ``PBTError``.
    func press(_ key: Key) async throws -> Bool {
        let before = page.experiment
        if page.press(key) { return true }
        if page.experiment != before {
            page.history = nil
            (isStale, next) = (true, ContinuousClock.now)
            do {
                try await refresh()
            } catch let error as PBTError where error.code == .unreachable || error.code == .storeBusy {
                page.problem = error.message
            }
        }
        try draw()
        return false
    }

    private func refresh() async throws {
        let newest = try await store.lastEvent()
        if newest > last { isStale = true }
        last = newest
        try look()
        guard isStale, ContinuousClock.now >= next else { return }
        isStale = false
        let began = ContinuousClock.now
        page.records = try await store.experiments()
        if let name = page.experiment { try await read(name) }
        page.problem = nil
        next = ContinuousClock.now + min(.seconds(30), (ContinuousClock.now - began) * 10)
    }

    /// Reads how far the running intervals are.
    private func look() throws {
        let began = ContinuousClock.now
        guard let history = page.history, began >= nextLook else { return }
        let intervals = history.genealogy.intervals.filter { $0.state == .running }
        page.progress = try running.progress(of: intervals, in: history.record.experiment)
        nextLook = ContinuousClock.now + max(.seconds(1), (ContinuousClock.now - began) * 10)
    }

    private func read(_ name: String) async throws {
        do {
            let record = try await store.record(of: name)
            var loader = loader
            let history = try await loader.load(record, from: store)
            guard page.experiment == name else { return }
            self.loader = loader
            page.history = history
        } catch let error as PBTError where error.code == .noSuchExperiment {
            // It was deleted.
            guard page.experiment == name, page.history != nil else { throw error }
            page.close()
            page.notice = "\(name) was deleted"
        }
    }

    /// Draws the screen if it has changed.
    ///
    /// - Throws: A ``Failure`` when it cannot be written.
    func draw() throws {
        let terminal = Terminal.output
        SignalStack.provide()
        ScreenGuard.retake()
        guard ScreenGuard.isForeground else { return }
        let (width, height) = (terminal.width ?? 80, terminal.height)
        let lines = page.lines(width: width, height: height, now: StoreClock.system.now())
            .prefix(height).map { $0.clipped(to: width, isASCII: !terminal.isUTF8) }
        let epoch = ScreenGuard.epoch.load(ordering: .relaxed)
        guard lines != drawn || epoch != self.epoch else { return }
        (drawn, self.epoch) = (lines, epoch)
        // In a line that fills the screen, erasing to the end would erase its last character.
        let text = lines.map { $0.text(terminal.styled) + ($0.columns < width ? "\u{1b}[K" : "") }
            .joined(separator: "\r\n")
        try Output.write("\u{1b}[H\(text)\u{1b}[J")
    }
}
