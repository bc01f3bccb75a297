// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// The counters of a server's requests.
///
/// Ours, since no back end for swift-metrics writes Prometheus' text among the packages that can be had.
package final class HTTPMetrics: Sendable {
    private struct Series: Hashable {
        let endpoint: String
        let method: String
        let status: Int
    }

    private struct Times {
        var buckets: [Int] = Array(repeating: 0, count: HTTPMetrics.bounds.count)
        var count = 0
        var seconds = 0.0
    }

    private struct State {
        var requests: [Series: Int] = [:]
        var times: [String: Times] = [:]
        var inFlight = 0
    }

    /// Upper bounds of the buckets, in seconds.
    private static let bounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]
    private let state = Mutex(State())

    /// Counts a request that has arrived.
    func begin() {
        state.withLock { $0.inFlight += 1 }
    }

    /// Counts a request that was responded to.
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

    /// Appends the counters of requests and connections.
    package func write(to text: inout PrometheusText, connections: ConnectionTable) {
        let state = state.withLock(\.self)
        text.metric("pbt_http_requests_total", .counter, "Requests answered.")
        for (series, count) in state.requests.sorted(by: { "\($0.key)" < "\($1.key)" }) {
            text.sample(
                ["method": series.method, "path": series.endpoint, "status": String(series.status)], String(count))
        }
        text.metric(
            "pbt_http_request_duration_seconds", .histogram, "Time until a request was answered, waits included.")
        for (endpoint, times) in state.times.sorted(by: { $0.key < $1.key }) {
            var sum = 0
            for (bound, count) in zip(Self.bounds, times.buckets) {
                sum += count
                text.sample(suffix: "_bucket", ["path": endpoint, "le": "\(bound)"], String(sum))
            }
            text.sample(suffix: "_bucket", ["path": endpoint, "le": "+Inf"], String(times.count))
            text.sample(suffix: "_sum", ["path": endpoint], "\(times.seconds)")
            text.sample(suffix: "_count", ["path": endpoint], String(times.count))
        }
        text.metric("pbt_http_requests_in_flight", .gauge, "Requests being worked on.")
        text.sample([:], String(state.inFlight))
        let counts = connections.counts
        text.metric("pbt_http_connections", .gauge, "Open connections.")
        text.sample([:], String(counts.open))
        text.metric(
            "pbt_http_connections_evicted_total", .counter, "Idle connections closed to make room for others.")
        text.sample([:], String(counts.evicted))
        text.metric(
            "pbt_http_connections_refused_total", .counter, "Connections refused since all others were busy.")
        text.sample([:], String(counts.refused))
    }
}
