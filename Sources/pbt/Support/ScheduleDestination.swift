// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import PBTExport

/// The destination and format of `pbt schedule`.
struct ScheduleDestination: Equatable {
    /// The formats.
    enum Format: String, ExpressibleByArgument, CaseIterable {
        case table, json, yaml, csv, pytorch, optax, keras, transformers

        /// The framework that the format is code for.
        var framework: ScheduleCode.Framework? {
            ScheduleCode.Framework(rawValue: rawValue)
        }
    }

    /// The format.
    let format: Format
    /// The file; nil for standard output.
    let path: String?

    /// Creates a destination.
    init(format: Format, path: String?) {
        self.format = format
        self.path = path
    }

    /// Parses `--output` and `--format`: a format or a file's name implies the format, and both must agree.
    ///
    /// - Throws: A `ValidationError` that lists the formats.
    init(_ output: String?, _ format: Format?) throws {
        guard let output, output != "-" else {
            self.format = format ?? .table
            path = nil
            return
        }
        if let word = Format(rawValue: output) {
            guard format == nil || format == word else {
                throw ValidationError("\"-o \(output)\" is a format, but --format says \(format?.rawValue ?? "")")
            }
            self.format = word
            path = nil
            return
        }
        let frameworks = ScheduleCode.Framework.allCases.map(\.rawValue)
        let named: Format? =
            switch output.lowercased().split(separator: ".", omittingEmptySubsequences: false).last {
            case "json": .json
            case "csv": .csv
            case "yaml", "yml": .yaml
            default: nil
            }
        guard let form = format ?? named else {
            throw ValidationError(
                output.hasSuffix(".py")
                    ? "\"\(output)\" needs --format: \(frameworks.joined(separator: ", "))"
                    : "\"\(output)\" must be a format (\(Format.allCases.map(\.rawValue).joined(separator: ", "))), "
                        + "FILE.json, FILE.yaml, FILE.csv, or FILE.py with --format")
        }
        if let named, named != form {
            throw ValidationError("\"\(output)\" is \(named.rawValue), but --format says \(form.rawValue)")
        }
        self.format = form
        path = output
    }
}
