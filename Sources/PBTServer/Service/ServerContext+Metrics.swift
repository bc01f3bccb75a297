// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTHTTP

extension ServerContext {
    /// Renders the server's metrics.
    ///
    /// - Parameter experiments: The experiments of the store.
    /// - Returns: The metrics in Prometheus' text format.
    func metrics(of experiments: [ExperimentRecord]) -> String {
        var text = PrometheusText()
        http.writeMetrics(to: &text)
        text.metric("pbt_claims_waiting", .gauge, "Claims that wait for an interval.")
        text.sample([], String(claims.count))
        text.metric("pbt_event_streams", .gauge, "Open streams of server-sent events.")
        text.sample([], String(streams.value))
        text.metric("pbt_intervals", .gauge, "Intervals of each experiment by state.")
        for record in experiments {
            for state in Interval.State.allCases {
                text.sample(
                    [("experiment", record.experiment.name), ("state", state.rawValue)],
                    String(record.counts[state] ?? 0))
            }
        }
        text.metric("pbt_best_score", .gauge, "Best score of each experiment so far.")
        for record in experiments {
            guard let score = record.bestScore else { continue }
            text.sample(
                [("experiment", record.experiment.name), ("metric", record.experiment.objective.metric)], "\(score)")
        }
        return text.text
    }
}
