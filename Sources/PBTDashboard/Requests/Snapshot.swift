// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTReport
import Synchronization

/// An experiment as pages show it: read once, as of one moment.
struct Snapshot: Sendable {
    /// The experiment, its intervals, and those of its random search.
    let history: History
    /// The number of the newest event when it was read.
    let revision: Int64
    /// The name of the experiment whose random search this one is.
    let baselineOf: String?
    /// The name of the experiment's random search; none before it exists.
    let baseline: String?
    /// A Boolean value indicating whether both the experiment and its random search have finished or failed.
    let isOver: Bool
    /// The time at which it was read.
    let time: Timestamp
    private let charts = Charts()

    var record: ExperimentRecord { history.record }
    var experiment: Experiment { history.record.experiment }
    var name: String { experiment.name }

    /// A snapshot of what a loader has read.
    ///
    /// - Parameters:
    ///   - loaded: The experiment and its relations.
    ///   - revision: The number of the newest event before the read.
    ///   - time: The time of the read.
    init(_ loaded: HistoryLoader.Loaded, revision: Int64, time: Timestamp) {
        history = loaded.history
        self.revision = revision
        baselineOf = loaded.baselineOf
        baseline = loaded.baseline?.experiment.name
        isOver = loaded.history.record.state.isOver && loaded.baseline?.state.isOver != false
        self.time = time
    }

    /// Returns a chart, drawn once for all viewers with the same options.
    func chart(_ kind: Chart.Kind, _ options: Chart.Options) -> Chart {
        charts.chart(kind, options) { .drawn(kind, of: history, options: options) }
    }

    /// Draws charts concurrently, so that a page that shows all of them waits only for the slowest.
    func prefetch(_ kinds: [Chart.Kind], _ options: Chart.Options) async {
        await withTaskGroup(of: Void.self) { tasks in
            for kind in kinds { tasks.addTask { _ = chart(kind, options) } }
        }
    }

    /// A cache of the charts of a snapshot.
    private final class Charts: Sendable {
        private struct Key: Hashable {
            let kind: Chart.Kind
            let options: Chart.Options
        }

        /// The maximum number of charts: five on a page at three widths, and as many with other options.
        private static let limit = 32
        private let drawn = Mutex<[Key: Chart]>([:])

        func chart(_ kind: Chart.Kind, _ options: Chart.Options, draw: () -> Chart) -> Chart {
            let key = Key(kind: kind, options: options)
            if let known = drawn.withLock({ $0[key] }) { return known }
            // Concurrent callers may both draw it, with the same result.
            let chart = draw()
            drawn.withLock { drawn in
                if drawn.count >= Self.limit { drawn = [:] }
                drawn[key] = chart
            }
            return chart
        }
    }
}
