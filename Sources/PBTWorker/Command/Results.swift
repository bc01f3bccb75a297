// SPDX-License-Identifier: Apache-2.0

import PBT
import SystemPackage

/// The metrics that a training program reported.
struct Results: Hashable {
    /// All of them, the objective's among them.
    var metrics: [String: Value]
    /// The objective's; NaN for anything that stands for no finite number.
    var score: Double

    /// Why there are no usable results, for a person.
    struct Problem: Error, Hashable {
        let text: String
    }

    /// The largest results file that is read, in bytes.
    static let limit = 1 << 20

    /// Reads the results file, or if there is none the last block between the marks in the output.
    static func read(file: FilePath, log: FilePath, metric: String) throws -> Results {
        if let bytes = try FileSystem.tail(of: file, limit: limit + 1), !bytes.allSatisfy(\.isSpace) {
            guard bytes.count <= limit else {
                throw Problem(text: "the results file is larger than 1 MiB; write the metrics only")
            }
            return try Results(json: bytes, from: "the results file", metric: metric)
        }
        let output = try FileSystem.tail(of: log, limit: 2 * limit) ?? []
        guard let block = lastBlock(in: output) else {
            throw Problem(
                text: "it exited with 0 but wrote no results: write a JSON object such as {\"\(metric)\": 0.5} to the "
                    + "file named by PBT_RESULTS, or print it between lines --- RESULTS --- and --- END RESULTS ---")
        }
        return try Results(json: block, from: "the printed results", metric: metric)
    }

    /// The bytes between the last complete pair of marks, each alone on its line.
    static func lastBlock(in output: [UInt8]) -> [UInt8]? {
        let begin = Array("--- RESULTS ---".utf8)
        let end = Array("--- END RESULTS ---".utf8)
        var block: ArraySlice<UInt8>?
        var start: Int?
        var position = output.startIndex
        while position < output.endIndex {
            let newline = output[position...].firstIndex(of: 0x0a) ?? output.endIndex
            let line = output[position..<newline]
            // Cheap for the millions of lines that are no mark.
            if line.count >= begin.count, line.count < 256 {
                let trimmed = line.trimmed
                if trimmed.elementsEqual(begin) {
                    start = min(newline + 1, output.endIndex)
                } else if let from = start, trimmed.elementsEqual(end) {
                    block = output[from..<position]
                    start = nil
                }
            }
            position = newline + 1
        }
        return block.map(Array.init)
    }

    /// Reads a JSON object of metrics.
    ///
    /// - Parameters:
    ///   - bytes: The text.
    ///   - source: What it is called in messages.
    ///   - metric: The objective's metric.
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

    /// Takes metrics and finds the objective's.
    init(metrics: [String: Value], from source: String, metric: String) throws {
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

    /// The number that a value stands for; NaN and the infinities also as the words that programs write for them.
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

extension ArraySlice<UInt8> {
    fileprivate var trimmed: ArraySlice<UInt8> {
        let start = drop(while: \.isSpace)
        return start[..<((start.lastIndex { !$0.isSpace }).map { $0 + 1 } ?? start.startIndex)]
    }
}
