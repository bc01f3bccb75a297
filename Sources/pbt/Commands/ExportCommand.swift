// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import PBT
import PBTClient
import PBTExport
import PBTReport
import SystemPackage

/// `pbt export`.
struct ExportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Export all intervals of an experiment: CSV, JSON, TensorBoard, MLflow.",
        discussion: """
            CSV and JSON keep every number exactly.

              pbt export digits -o digits.csv
              pbt export digits -o tensorboard:logs/digits
              pbt export digits -o mlflow --tracking-uri http://127.0.0.1:5000

            MLflow's credentials come from MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or from \
            MLFLOW_TRACKING_TOKEN; the experiment there has the same name, or that of MLFLOW_EXPERIMENT_NAME.
            """)

    @Argument(help: "The experiment.", completion: .experiments) var experiment: String
    @Option(
        name: [.short, .customLong("output")],
        help: ArgumentHelp(
            "FILE.csv or FILE.json; csv or json for standard output; - for CSV on standard output; tensorboard:DIRECTORY; mlflow.",
            valueName: "output"))
    var output: String?
    @Option(help: "The format, where the output's name does not imply it: csv, json, tensorboard or mlflow.")
    var format: ExportDestination.Format?
    @Option(
        name: .customLong("tracking-uri"),
        help: ArgumentHelp("The MLflow server; default: MLFLOW_TRACKING_URI.", valueName: "url"))
    var trackingURI: String?
    @OptionGroup var storeOptions: StoreOptions

    func validate() throws {
        if try place != .mlflow, trackingURI != nil {
            throw ValidationError("--tracking-uri requires -o mlflow")
        }
    }

    private var place: ExportDestination {
        get throws { try ExportDestination(output, format) }
    }

    func run() async throws {
        let loaded = try await storeOptions.load(experiment)
        switch try place {
        case .file(let path, isJSON: false): try Self.writeCSV(loaded, to: path)
        case .file(let path, isJSON: true): try Self.writeJSON(loaded, to: path)
        case .tensorboard(let path):
            let directory = ExportDirectory(try absolute(FilePath(path)), for: loaded.experiment.name)
            try directory.write(TensorBoardFiles(loaded.history))
        case .mlflow: try await write(loaded)
        }
    }

    private func write(_ loaded: LoadedExperiment) async throws {
        let names = [
            "MLFLOW_TRACKING_URI", "MLFLOW_TRACKING_TOKEN", "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD",
            "MLFLOW_TRACKING_INSECURE_TLS", "MLFLOW_TRACKING_SERVER_CERT_PATH",
        ]
        var variables: [String: String] = [:]
        for name in names { variables[name] = environment(name) }
        let address = try MLflowAddress(trackingURI, environment: variables)
        let server = try MLflowServer(address) { TransportError.reason($0) }
        let name = environment("MLFLOW_EXPERIMENT_NAME") ?? loaded.experiment.name
        let done: MLflowExport.Done
        do {
            done = try await MLflowExport(to: server, experiment: name).write(loaded.history)
        } catch {
            try await server.close()
            throw error
        }
        try await server.close()
        try Output.line(done.url)
    }

    private static func writeCSV(_ loaded: LoadedExperiment, to path: String) throws {
        var file = try OutputFile(path)
        let csv = IntervalCSV(loaded.intervals, space: loaded.experiment.space)
        try file.append(csv.header.utf8)
        for interval in loaded.intervals { try file.append(csv.row(interval).utf8) }
        try file.finish()
    }

    private static func writeJSON(_ loaded: LoadedExperiment, to path: String) throws {
        var file = try OutputFile(path)
        // One interval a line: readable, and written without building the whole text.
        try file.append("{\"experiment\": \(loaded.experiment.value.json),\n".utf8)
        try file.append("\"record\": \(Self.value(of: loaded).json),\n\"intervals\": [".utf8)
        for (place, interval) in loaded.intervals.enumerated() {
            try file.append("\(place == 0 ? "" : ",")\n\(interval.exported.json)".utf8)
        }
        try file.append("\n]}\n".utf8)
        try file.finish()
    }

    private static func value(of loaded: LoadedExperiment) -> Value {
        let record = loaded.record
        return [
            "state": .string(record.state.rawValue), "reason": .string(orNull: record.reason),
            "created": .string(IntervalCSV.time(record.created)),
            "ended": .string(orNull: record.ended.map { IntervalCSV.time($0) }), "best": loaded.bestValue,
            "intervals": record.countsValue, "intervals_planned": .integer(record.intervalsPlanned),
            "baseline": .string(orNull: loaded.baseline), "baseline_of": .string(orNull: loaded.baselineOf),
        ]
    }
}

extension Interval {
    /// The interval as JSON, with the column names of ``IntervalCSV`` as keys.
    fileprivate var exported: Value {
        var object = fields
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
