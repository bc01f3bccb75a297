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
