// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// Where `pbt export` writes, and what.
enum ExportDestination: Equatable {
    /// A file, `-` being standard output.
    case file(String, isJSON: Bool)
    /// A directory of event files.
    case tensorboard(String)
    /// MLflow's server.
    case mlflow

    /// What is written.
    enum Format: String, ExpressibleByArgument, CaseIterable {
        case csv, json, tensorboard, mlflow
    }

    /// Reads `--output` and `--format`: the format is said by either, or by both alike.
    ///
    /// - Throws: A `ValidationError` that says what can be written.
    init(_ output: String?, _ format: Format?) throws {
        guard let output else {
            switch format {
            case .csv, .json: self = .file("-", isJSON: format == .json)
            case .mlflow: self = .mlflow
            case .tensorboard: throw ValidationError("--format tensorboard needs a directory: -o DIRECTORY")
            case nil:
                throw ValidationError("say what to write: -o FILE.csv, FILE.json, tensorboard:DIRECTORY or mlflow")
            }
            return
        }
        let (named, path) = Self.named(by: output)
        guard let form = format ?? named else {
            throw ValidationError(
                "\"\(output)\" must be FILE.csv or FILE.json, csv or json, - for CSV on standard output, "
                    + "tensorboard:DIRECTORY, or mlflow; or say what to write by --format")
        }
        if let named, named != form, output != "-" {
            throw ValidationError("\"\(output)\" is \(named.rawValue), but --format says \(form.rawValue)")
        }
        switch form {
        case .csv, .json: self = .file(path, isJSON: form == .json)
        case .mlflow:
            guard named == .mlflow else {
                throw ValidationError("MLflow is a server, no file: give --tracking-uri instead of \"-o \(output)\"")
            }
            self = .mlflow
        case .tensorboard:
            guard !path.isEmpty, path != "-" else {
                throw ValidationError("\"\(output)\" names no directory; write it as tensorboard:DIRECTORY")
            }
            self = .tensorboard(path)
        }
    }

    /// The format that an output's name says, and where it goes to.
    private static func named(by output: String) -> (format: Format?, path: String) {
        let name = output.lowercased()
        switch name {
        case "csv", "-": return (.csv, "-")
        case "json": return (.json, "-")
        case "mlflow": return (.mlflow, "")
        case "tensorboard": return (.tensorboard, "")
        default: break
        }
        if name.hasPrefix("tensorboard:") { return (.tensorboard, String(output.dropFirst("tensorboard:".count))) }
        if name.hasSuffix(".csv") { return (.csv, output) }
        return (name.hasSuffix(".json") ? .json : nil, output)
    }
}
