// SPDX-License-Identifier: Apache-2.0

/// Metrics in Prometheus' text format, version 0.0.4.
package struct PrometheusText: Sendable {
    /// The type of a metric.
    package enum Kind: String, Sendable {
        case counter, gauge, histogram
    }

    private var lines: [String] = []
    private var name = ""

    /// Creates a text without metrics.
    package init() {}

    /// The text, with a line break at its end.
    package var text: String { lines.joined(separator: "\n") + "\n" }

    /// Begins a metric; the samples that follow are its own.
    package mutating func metric(_ name: String, _ kind: Kind, _ help: String) {
        self.name = name
        if !help.isEmpty { lines.append("# HELP \(name) \(help)") }
        lines.append("# TYPE \(name) \(kind.rawValue)")
    }

    /// Appends a sample of the current metric.
    ///
    /// - Parameters:
    ///   - suffix: The end of the name, for the series of a histogram.
    ///   - labels: The labels, in order; values are escaped.
    ///   - value: The value.
    package mutating func sample(
        suffix: String = "", _ labels: [(String, String)], _ value: String
    ) {
        let text = labels.map { "\($0.0)=\"\(Self.escaped($0.1))\"" }.joined(separator: ",")
        lines.append("\(name)\(suffix)\(text.isEmpty ? "" : "{\(text)}") \(value)")
    }

    private static func escaped(_ text: String) -> String {
        text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
    }
}
