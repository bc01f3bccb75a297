// SPDX-License-Identifier: Apache-2.0

package import CoreMetrics
import Synchronization

/// A backend of swift-metrics that renders what was recorded in Prometheus' text format.
///
/// Ours, since none of the available packages has one. Durations become histograms in seconds, meters become gauges, and
/// recorders become histograms of their values.
package final class PrometheusMetrics: MetricsFactory, Sendable {
    private struct Family {
        let kind: PrometheusText.Kind
        var series: [String: Series] = [:]
    }

    private struct Series {
        let labels: [(String, String)]
        let value: any RenderedValue
    }

    private let families = Mutex<[String: Family]>([:])
    private let helps: [String: String]

    /// Creates a backend without recorded values.
    ///
    /// - Parameter helps: The descriptions of metrics by name; a metric without one is rendered without.
    package init(helps: [String: String] = [:]) {
        self.helps = helps
    }

    /// Appends all metrics, sorted by name.
    package func write(to text: inout PrometheusText) {
        let families = families.withLock(\.self)
        for (name, family) in families.sorted(by: { $0.key < $1.key }) {
            text.metric(name, family.kind, helps[name] ?? "")
            for (_, series) in family.series.sorted(by: { $0.key < $1.key }) {
                series.value.write(to: &text, series.labels)
            }
        }
    }

    /// Returns the value of a series, which is created if it is new.
    ///
    /// A name that is used for metrics of two kinds gets a value of each kind, of which the first is rendered.
    private func value<Value: RenderedValue>(
        _ name: String, _ labels: [(String, String)], _ kind: PrometheusText.Kind, _ make: () -> Value
    ) -> Value {
        let key = labels.map { "\($0.0)=\($0.1)" }.joined(separator: "\u{1f}")
        return families.withLock { families in
            if let known = families[name]?.series[key] { return known.value as? Value ?? make() }
            let value = make()
            families[name, default: Family(kind: kind)].series[key] = Series(labels: labels, value: value)
            return value
        }
    }

    package func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        value(label, dimensions, .counter) { CounterValue() }
    }

    package func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        value(label, dimensions, .gauge) { GaugeValue() }
    }

    package func makeRecorder(
        label: String, dimensions: [(String, String)], aggregate: Bool
    ) -> any RecorderHandler {
        value(label, dimensions, .histogram) { HistogramValue() }
    }

    package func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        value("\(label)_seconds", dimensions, .histogram) { HistogramValue() }
    }

    // Series are kept as long as the backend: a counter must not start again from 0.

    package func destroyCounter(_ handler: any CounterHandler) {}
    package func destroyMeter(_ handler: any MeterHandler) {}
    package func destroyRecorder(_ handler: any RecorderHandler) {}
    package func destroyTimer(_ handler: any TimerHandler) {}
}

/// The value of a series.
private protocol RenderedValue: AnyObject, Sendable {
    /// Appends the samples of the series.
    func write(to text: inout PrometheusText, _ labels: [(String, String)])
}

private final class CounterValue: CounterHandler, RenderedValue {
    private let count = Mutex<Int64>(0)

    func increment(by amount: Int64) {
        count.withLock { $0 = $0.addingReportingOverflow(amount).partialValue }
    }

    func reset() {
        count.withLock { $0 = 0 }
    }

    func write(to text: inout PrometheusText, _ labels: [(String, String)]) {
        text.sample(labels, String(count.withLock(\.self)))
    }
}

private final class GaugeValue: MeterHandler, RenderedValue {
    private let value = Mutex(0.0)

    func set(_ value: Int64) { set(Double(value)) }

    func set(_ value: Double) {
        self.value.withLock { $0 = value }
    }

    func increment(by amount: Double) {
        value.withLock { $0 += amount }
    }

    func decrement(by amount: Double) {
        value.withLock { $0 -= amount }
    }

    func write(to text: inout PrometheusText, _ labels: [(String, String)]) {
        let value = value.withLock(\.self)
        text.sample(labels, Int64(exactly: value).map { String($0) } ?? "\(value)")
    }
}

private final class HistogramValue: TimerHandler, RecorderHandler, RenderedValue {
    private struct State {
        var buckets: [Int] = Array(repeating: 0, count: HistogramValue.bounds.count)
        var count = 0
        var sum = 0.0
    }

    /// The upper bounds of the buckets.
    private static let bounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]
    private let state = Mutex(State())

    func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1e9) }

    func record(_ value: Int64) { record(Double(value)) }

    func record(_ value: Double) {
        state.withLock { state in
            state.count += 1
            state.sum += value
            if let bucket = Self.bounds.firstIndex(where: { value <= $0 }) { state.buckets[bucket] += 1 }
        }
    }

    func write(to text: inout PrometheusText, _ labels: [(String, String)]) {
        let state = state.withLock(\.self)
        var sum = 0
        for (bound, count) in zip(Self.bounds, state.buckets) {
            sum += count
            text.sample(suffix: "_bucket", labels + [("le", "\(bound)")], String(sum))
        }
        text.sample(suffix: "_bucket", labels + [("le", "+Inf")], String(state.count))
        text.sample(suffix: "_sum", labels, "\(state.sum)")
        text.sample(suffix: "_count", labels, String(state.count))
    }
}
