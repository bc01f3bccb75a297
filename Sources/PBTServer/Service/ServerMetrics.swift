// SPDX-License-Identifier: Apache-2.0

import PBT
import Synchronization

/// What the server counts of itself, for Prometheus.
///
/// Ours, since no back end for swift-metrics writes Prometheus' text among the packages that can be had.
final class ServerMetrics: Sendable {
    private struct Series: Hashable {
        let endpoint: String
        let method: String
        let status: Int
    }

    private struct Times {
        var buckets: [Int] = Array(repeating: 0, count: ServerMetrics.bounds.count)
        var count = 0
        var seconds = 0.0
    }

    private struct State {
        var requests: [Series: Int] = [:]
        var times: [String: Times] = [:]
        var inFlight = 0
        var followers = 0
    }

    /// Upper bounds of the buckets, in seconds.
    private static let bounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]
    private let state = Mutex(State())

    /// A request came.
    func begin() {
        state.withLock { $0.inFlight += 1 }
    }

    /// A request was answered.
    func end(_ method: String, _ endpoint: String, status: Int, after time: Duration) {
        let seconds = time / .seconds(1)
        state.withLock { state in
            state.inFlight -= 1
            state.requests[Series(endpoint: endpoint, method: method, status: status), default: 0] += 1
            let bucket = Self.bounds.firstIndex { seconds <= $0 }
            state.times[endpoint, default: Times()].count += 1
            state.times[endpoint]?.seconds += seconds
            if let bucket { state.times[endpoint]?.buckets[bucket] += 1 }
        }
    }

    /// Someone began, or ceased, to follow events.
    func follows(_ change: Int) {
        state.withLock { $0.followers += change }
    }

    /// The text that Prometheus reads.
    func text(experiments: [ExperimentRecord], waitingClaims: Int, connections: ConnectionTable) -> String {
        var lines: [String] = []
        func metric(_ name: String, _ kind: String, _ help: String) {
            lines.append("# HELP \(name) \(help)")
            lines.append("# TYPE \(name) \(kind)")
        }
        func sample(_ name: String, _ labels: [(String, String)], _ value: String) {
            let text = labels.map { "\($0.0)=\"\(Self.escaped($0.1))\"" }.joined(separator: ",")
            lines.append("\(name)\(text.isEmpty ? "" : "{\(text)}") \(value)")
        }
        let state = state.withLock(\.self)
        metric("pbt_http_requests_total", "counter", "Requests answered.")
        for (series, count) in state.requests.sorted(by: { "\($0.key)" < "\($1.key)" }) {
            sample(
                "pbt_http_requests_total",
                [("method", series.method), ("path", series.endpoint), ("status", String(series.status))], String(count)
            )
        }
        metric("pbt_http_request_duration_seconds", "histogram", "Time until a request was answered, waits included.")
        for (endpoint, times) in state.times.sorted(by: { $0.key < $1.key }) {
            var sum = 0
            for (bound, count) in zip(Self.bounds, times.buckets) {
                sum += count
                sample(
                    "pbt_http_request_duration_seconds_bucket", [("path", endpoint), ("le", "\(bound)")], String(sum))
            }
            sample(
                "pbt_http_request_duration_seconds_bucket", [("path", endpoint), ("le", "+Inf")], String(times.count))
            sample("pbt_http_request_duration_seconds_sum", [("path", endpoint)], "\(times.seconds)")
            sample("pbt_http_request_duration_seconds_count", [("path", endpoint)], String(times.count))
        }
        metric("pbt_http_requests_in_flight", "gauge", "Requests being worked on.")
        sample("pbt_http_requests_in_flight", [], String(state.inFlight))
        metric("pbt_claims_waiting", "gauge", "Claims that wait for an interval.")
        sample("pbt_claims_waiting", [], String(waitingClaims))
        metric("pbt_event_streams", "gauge", "Server-sent event streams that are open.")
        sample("pbt_event_streams", [], String(state.followers))
        let counts = connections.counts
        metric("pbt_http_connections", "gauge", "Connections that are open.")
        sample("pbt_http_connections", [], String(counts.open))
        metric("pbt_http_connections_evicted_total", "counter", "Idle connections closed to make room for others.")
        sample("pbt_http_connections_evicted_total", [], String(counts.evicted))
        metric("pbt_http_connections_refused_total", "counter", "Connections refused since all others were at work.")
        sample("pbt_http_connections_refused_total", [], String(counts.refused))
        metric("pbt_intervals", "gauge", "Intervals of each experiment by state.")
        for record in experiments {
            for state in Interval.State.allCases {
                sample(
                    "pbt_intervals", [("experiment", record.experiment.name), ("state", state.rawValue)],
                    String(record.counts[state] ?? 0))
            }
        }
        metric("pbt_best_score", "gauge", "Best score of each experiment so far.")
        for record in experiments {
            guard let score = record.bestScore else { continue }
            sample(
                "pbt_best_score",
                [("experiment", record.experiment.name), ("metric", record.experiment.objective.metric)], "\(score)")
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func escaped(_ text: String) -> String {
        text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
    }
}
