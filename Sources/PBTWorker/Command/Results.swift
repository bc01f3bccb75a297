// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTCheckpoints
import SystemPackage

/// The metrics that a trainer reported.
struct Results: Hashable {
    /// All metrics, including that of the objective.
    var metrics: [String: Value]
    /// The metric of the objective; NaN for null and for words such as `nan`.
    var score: Double

    /// The reason why there are no valid results.
    struct Problem: Error, Hashable {
        let text: String
    }

    /// The maximum size of a results file in bytes.
    static let limit = 1 << 20

    /// Reads the results file; if there is none, the last block between the markers in the output.
    static func read(file: FilePath, printed: ProgramOutput.Printed, metric: String) throws -> Results {
        if let bytes = try FileSystem.tail(of: file, limit: limit + 1), !bytes.allSatisfy(\.isSpace) {
            guard bytes.count <= limit else {
                throw Problem(text: "the results file is larger than 1 MiB; write the metrics only")
            }
            return try Results(json: bytes, from: "the results file", metric: metric)
        }
        let streams = [("standard output", printed.output), ("standard error", printed.errors)]
        guard let (stream, found) = streams.first(where: { $0.1 != .nothing }) else {
            throw Problem(
                text: "it exited with 0 but wrote no results: write a JSON object such as {\"\(metric)\": 0.5} to the "
                    + "file named by PBT_RESULTS, or print it between lines --- RESULTS --- and --- END RESULTS ---")
        }
        return try Results(found, in: stream, metric: metric)
    }

    /// Parses a printed block.
    ///
    /// - Parameters:
    ///   - found: The result of the search.
    ///   - stream: The name of the stream, for messages.
    ///   - metric: The metric of the objective.
    /// - Throws: A ``Problem``.
    private init(_ found: ResultsScanner.Found, in stream: String, metric: String) throws {
        switch found {
        case .nothing:
            throw Problem(text: "there are no results in its \(stream)")
        case .unfinished(let line):
            throw Problem(
                text: "the printed results that begin on line \(line) of its \(stream) never end: print the line "
                    + "--- END RESULTS --- after them")
        case .tooLarge(let line):
            throw Problem(
                text:
                    "the printed results that begin on line \(line) of its \(stream) are larger than 1 MiB; print the "
                    + "metrics only")
        case .block(let candidates, let line):
            // Candidates with warnings or prefixes are not JSON. If none is, the error is about the first one.
            let text = candidates.first { (try? Value(json: $0))?.object != nil } ?? candidates.first ?? []
            try self.init(
                json: text, from: "the printed results (line \(line) of its \(stream))", metric: metric)
        }
    }

    /// Parses a JSON object of metrics.
    ///
    /// - Parameters:
    ///   - bytes: The JSON.
    ///   - source: The name of its source, for messages.
    ///   - metric: The metric of the objective.
    /// - Throws: A ``Problem``.
    init(json bytes: [UInt8], from source: String, metric: String) throws {
        let value: Value
        do {
            value = try Value(json: bytes)
        } catch {
            throw Problem(text: "\(source) cannot be read as JSON: \(error)")
        }
        guard let metrics = value.object else {
            throw Problem(text: "\(source) must be a JSON object such as {\"\(metric)\": 0.5}, not \(value.kind)")
        }
        try self.init(metrics: metrics, from: source, metric: metric)
    }

    /// Creates results from metrics that include that of the objective.
    init(metrics: [String: Value], from source: String, metric: String) throws {
        // An experiment without an objective.
        if metric.isEmpty {
            self.metrics = metrics
            score = .nan
            return
        }
        guard let value = metrics[metric] else {
            let names = metrics.keys.sorted()
            let found =
                if let near = nearest(to: metric, among: names) {
                    "did you mean \"\(near)\"? There are \(names.prefix(10).quotedList)"
                } else if names.isEmpty {
                    "the object is empty"
                } else {
                    "there are \(names.prefix(10).quotedList)"
                }
            throw Problem(text: "\(source) lacks the objective's metric \"\(metric)\"; \(found)")
        }
        guard let score = Self.score(value) else {
            throw Problem(
                text:
                    "\(source): the metric \"\(metric)\" must be a number, not \(value.kind) (\(value.json.prefix(60)))"
            )
        }
        self.metrics = metrics
        self.score = score
    }

    /// Returns the number of a value; NaN and infinities also from the words that programs write for them.
    private static func score(_ value: Value) -> Double? {
        switch value {
        case .integer, .number: return value.double
        case .null: return .nan
        case .string(let text):
            switch text.lowercased() {
            case "nan", "-nan", "+nan", "none", "null": return .nan
            case "inf", "+inf", "infinity", "+infinity": return .infinity
            case "-inf", "-infinity": return -.infinity
            default: return nil
            }
        default: return nil
        }
    }
}

extension UInt8 {
    fileprivate var isSpace: Bool {
        self == 0x20 || self == 0x0a || self == 0x0d || self == 0x09
    }
}
