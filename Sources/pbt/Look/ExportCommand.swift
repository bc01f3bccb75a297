// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import PBT
import PBTReport

/// `pbt export`.
struct ExportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Write all intervals of an experiment as CSV or JSON, every number to the last bit.")

    /// The forms of the data.
    enum Form {
        case csv, json
    }

    @Argument(help: "The experiment.", completion: .experiments) var experiment: String
    @Option(
        name: [.short, .customLong("output")],
        help: "FILE.csv or FILE.json; csv or json for standard output; - for CSV on standard output.")
    var output: String
    @OptionGroup var storeOptions: StoreOptions

    private var place: (path: String, form: Form)? {
        let name = output.lowercased()
        if name == "csv" || name == "-" { return ("-", .csv) }
        if name == "json" { return ("-", .json) }
        if name.hasSuffix(".csv") { return (output, .csv) }
        return name.hasSuffix(".json") ? (output, .json) : nil
    }

    func validate() throws {
        guard place != nil else {
            throw ValidationError(
                "\"\(output)\" must be FILE.csv or FILE.json, csv or json, or - for CSV on standard output")
        }
    }

    func run() async throws {
        guard let (path, form) = place else { return }
        let looked = try await storeOptions.look(at: experiment)
        var file = try AnswerFile(path)
        switch form {
        case .csv:
            let csv = IntervalCSV(looked.intervals)
            try file.append(csv.header.utf8)
            for interval in looked.intervals { try file.append(csv.row(interval).utf8) }
        case .json:
            // One line an interval: readable, and written without being held as a whole.
            try file.append("{\"experiment\": \(looked.experiment.value.json),\n".utf8)
            try file.append("\"record\": \(Self.value(of: looked).json),\n\"intervals\": [".utf8)
            for (place, interval) in looked.intervals.enumerated() {
                try file.append("\(place == 0 ? "" : ",")\n\(interval.exported.json)".utf8)
            }
            try file.append("\n]}\n".utf8)
        }
        try file.finish()
    }

    private static func value(of looked: Looked) -> Value {
        let record = looked.record
        return [
            "state": .string(record.state.rawValue), "reason": .string(orNull: record.reason),
            "created": .string(IntervalCSV.time(record.created)),
            "ended": .string(orNull: record.ended.map { IntervalCSV.time($0) }), "best": looked.bestValue,
            "intervals": record.countsValue, "intervals_planned": .integer(record.intervalsPlanned),
            "baseline": .string(orNull: looked.baseline), "baseline_of": .string(orNull: looked.baselineOf),
        ]
    }
}

extension Interval {
    /// The whole interval as JSON, with the names of the columns of ``IntervalCSV``.
    fileprivate var exported: Value {
        var object = looked
        object["score"] = .score(score)
        object["exploited"] = .bool(isExploit)
        object["depth"] = .integer(depth)
        object["metrics"] = .object(metrics)
        object["changes"] = .array(changes.map(\.value))
        object["attempts"] = .integer(attempts)
        object["failures"] = .integer(failures)
        object["created"] = .string(IntervalCSV.time(created))
        object["started"] = .string(orNull: started.map { IntervalCSV.time($0) })
        object["finished"] = .string(orNull: finished.map { IntervalCSV.time($0) })
        object["sequence"] = sequence.map { .integer(Int($0)) } ?? .null
        object["worker"] = .string(orNull: worker)
        object["checkpoint"] = .string(orNull: checkpoint)
        object["checkpoint_state"] = .string(checkpointState.rawValue)
        object["pinned"] = .bool(isPinned)
        object["reason"] = .string(orNull: reason)
        return .object(object)
    }
}
