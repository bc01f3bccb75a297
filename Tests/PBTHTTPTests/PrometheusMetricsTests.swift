// SPDX-License-Identifier: Apache-2.0

import CoreMetrics
import Testing

@testable import PBTHTTP

@Suite struct PrometheusMetricsTests {
    @Test func `counters, meters, timers and recorders are rendered with their labels and descriptions`() {
        let backend = PrometheusMetrics(helps: ["jobs_total": "Jobs done."])
        let labels = [("kind", "a\"b\n")]
        let counter = Counter(label: "jobs_total", dimensions: labels, factory: backend)
        counter.increment()
        // Another object with the same name and labels is the same series.
        Counter(label: "jobs_total", dimensions: labels, factory: backend).increment(by: 2)
        let meter = Meter(label: "waiting", factory: backend)
        meter.set(4)
        meter.decrement(by: 1.5)
        CoreMetrics.Timer(label: "duration", factory: backend).recordNanoseconds(20_000_000)
        Recorder(label: "size", factory: backend).record(0.5)
        var text = PrometheusText()
        backend.write(to: &text)
        let lines = text.text.split(separator: "\n")
        #expect(lines.contains("# HELP jobs_total Jobs done."))
        #expect(lines.contains(#"jobs_total{kind="a\"b\n"} 3"#))
        #expect(lines.contains("# TYPE waiting gauge") && lines.contains("waiting 2.5"))
        #expect(lines.contains("# TYPE duration_seconds histogram") && lines.contains("duration_seconds_sum 0.02"))
        #expect(lines.contains(#"duration_seconds_bucket{le="0.01"} 0"#))
        #expect(lines.contains(#"duration_seconds_bucket{le="0.025"} 1"#))
        #expect(lines.contains(#"size_bucket{le="+Inf"} 1"#))
    }

    @Test func `a counter that would overflow does not trap`() {
        let backend = PrometheusMetrics()
        let counter = Counter(label: "c", factory: backend)
        counter.increment(by: Int64.max)
        counter.increment()
        var text = PrometheusText()
        backend.write(to: &text)
        #expect(text.text.contains("\nc "))
    }

    @Test func `a name of two kinds keeps the first`() {
        let backend = PrometheusMetrics()
        Counter(label: "x", factory: backend).increment()
        Meter(label: "x", factory: backend).set(7)
        var text = PrometheusText()
        backend.write(to: &text)
        #expect(text.text == "# TYPE x counter\nx 1\n")
    }
}
