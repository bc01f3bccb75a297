// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTReport

/// The findings of a check.
struct CheckReport: Sendable {
    /// The severity of a finding.
    enum Severity: String, Sendable {
        /// Correct.
        case fine
        /// Questionable, but a run will work.
        case warning
        /// A run would be useless.
        case problem
    }

    /// The experiment's name.
    let name: String
    /// The findings, in order.
    private(set) var findings: [(severity: Severity, text: String)] = []
    /// The trained intervals: their purposes, and their durations in seconds.
    private(set) var intervals: [(purpose: String, seconds: Double)] = []
    /// The size of a checkpoint in bytes.
    var checkpointBytes: Int64?
    /// The predicted duration of a run, in seconds.
    var runSeconds: Double?
    /// The predicted disk space of a run, at most, in bytes.
    var runBytes: Int64?
    /// True if the same hyperparameters and seed gave the same score; nil when unknown.
    var isDeterministic: Bool?
    /// True if restoring had an effect; nil when unknown.
    var restores: Bool?
    /// For each hyperparameter, true if changing it after the restore had an effect.
    var effects: [String: Bool] = [:]
    /// For each hyperparameter, true if changing it had an effect with the model kept in memory; for persistent trainers.
    var effectsInMemory: [String: Bool]?

    /// Creates a report without findings.
    init(_ name: String) {
        self.name = name
    }

    /// Adds a finding.
    mutating func add(_ severity: Severity, _ text: String) {
        findings.append((severity, text))
    }

    /// Adds a trained interval.
    mutating func add(_ purpose: String, seconds: Double) {
        intervals.append((purpose, seconds))
    }

    /// True if a run would be useful.
    var isUsable: Bool {
        !findings.contains { $0.severity == .problem }
    }

    /// The report as a JSON object.
    var value: Value {
        func messages(_ severity: Severity) -> Value {
            .array(findings.filter { $0.severity == severity }.map { .string($0.text) })
        }
        return [
            "name": .string(name), "ok": .bool(isUsable), "problems": messages(.problem),
            "warnings": messages(.warning),
            "findings": messages(.fine),
            "intervals": .array(intervals.map { ["purpose": .string($0.purpose), "seconds": .number($0.seconds)] }),
            "checkpoint_bytes": checkpointBytes.map { .integer(Int($0)) } ?? .null,
            "predicted": [
                "seconds": runSeconds.map { .number($0) } ?? .null,
                "disk_bytes": runBytes.map { .integer(Int($0)) } ?? .null,
            ],
            "deterministic": isDeterministic.map { .bool($0) } ?? .null,
            "restores": restores.map { .bool($0) } ?? .null,
            "effects": .object(effects.mapValues { .bool($0) }),
            "effects_in_memory": effectsInMemory.map { .object($0.mapValues { .bool($0) }) } ?? .null,
        ]
    }

    /// Prints the report to standard output.
    ///
    /// - Throws: A ``Failure`` when it cannot be written.
    func print() throws {
        let terminal = Terminal.output
        for finding in findings {
            let mark =
                switch finding.severity {
                case .fine: terminal.styled("ok     ", .green)
                case .warning: terminal.styled("warning", .yellow)
                case .problem: terminal.styled("problem", .red)
                }
            try Output.line("\(mark)  \(Words.plain(finding.text))")
        }
    }
}
