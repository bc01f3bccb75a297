// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTReport

/// What a check found out.
struct CheckReport: Sendable {
    /// How bad a finding is.
    enum Severity: String, Sendable {
        /// As it should be.
        case fine
        /// Worth a thought; a run will work.
        case warning
        /// A run would be of no use.
        case problem
    }

    /// The experiment's name.
    let name: String
    /// What was found, in the order in which it was.
    private(set) var findings: [(severity: Severity, text: String)] = []
    /// The trained intervals: what they were for, and how long they took, in seconds.
    private(set) var intervals: [(purpose: String, seconds: Double)] = []
    /// The size of a checkpoint in bytes.
    var checkpointBytes: Int64?
    /// How long a run will take, in seconds.
    var runSeconds: Double?
    /// The most space that a run will take, in bytes.
    var runBytes: Int64?
    /// Whether the same hyperparameters and seed gave the same score.
    var isDeterministic: Bool?
    /// Whether what was restored had an effect; none when that cannot be told.
    var restores: Bool?
    /// Whether changing a hyperparameter after the restore had an effect.
    var effects: [String: Bool] = [:]
    /// Whether changing a hyperparameter had an effect when the model stayed in memory; only for programs that stay alive.
    var effectsInMemory: [String: Bool]?

    /// A report without findings.
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

    /// Whether a run would be of use.
    var isUsable: Bool {
        !findings.contains { $0.severity == .problem }
    }

    /// The report as a JSON object.
    var value: Value {
        func texts(_ severity: Severity) -> Value {
            .array(findings.filter { $0.severity == severity }.map { .string($0.text) })
        }
        return [
            "name": .string(name), "ok": .bool(isUsable), "problems": texts(.problem), "warnings": texts(.warning),
            "findings": texts(.fine),
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

    /// Writes the report to standard output.
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
