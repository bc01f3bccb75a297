// SPDX-License-Identifier: Apache-2.0

import CoreMetrics

/// The metrics of a server's requests.
struct HTTPMetrics: Sendable {
    /// The descriptions of the metrics, and of those that a worker in the same process records.
    static let helps = [
        "pbt_http_requests_total": "Requests answered.",
        "pbt_http_request_duration_seconds": "Time until a request was answered, waits included.",
        "pbt_http_requests_in_flight": "Requests being worked on.",
        "pbt_attempts_total": "Attempts of the workers in this process, by their end.",
        "pbt_slot_duration_seconds": "Time that the slots of the workers in this process spent in each phase.",
    ]

    private let backend: PrometheusMetrics
    private let inFlight: Meter

    init(_ backend: PrometheusMetrics) {
        self.backend = backend
        inFlight = Meter(label: "pbt_http_requests_in_flight", factory: backend)
        inFlight.set(0)
    }

    /// Counts a request that has arrived.
    func begin() {
        inFlight.increment()
    }

    /// Counts a request that was responded to.
    func end(_ method: String, _ path: String, status: Int, after time: Duration) {
        inFlight.decrement()
        Counter(
            label: "pbt_http_requests_total",
            dimensions: [("method", method), ("path", path), ("status", String(status))], factory: backend
        ).increment()
        Timer(label: "pbt_http_request_duration", dimensions: [("path", path)], factory: backend)
            .recordNanoseconds(Int64(time / .nanoseconds(1)))
    }
}

extension PrometheusMetrics {
    /// A new backend that describes the metrics of this project.
    package static var withHelps: PrometheusMetrics { PrometheusMetrics(helps: HTTPMetrics.helps) }
}

extension HTTPContext {
    /// Appends the metrics of requests and connections, and those of workers in the same process.
    package func writeMetrics(to text: inout PrometheusText) {
        backend.write(to: &text)
        let counts = connections.counts
        text.metric("pbt_http_connections", .gauge, "Open connections.")
        text.sample([], String(counts.open))
        text.metric(
            "pbt_http_connections_evicted_total", .counter, "Idle connections closed to make room for others.")
        text.sample([], String(counts.evicted))
        text.metric(
            "pbt_http_connections_refused_total", .counter, "Connections refused since all others were busy.")
        text.sample([], String(counts.refused))
    }
}
