// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// The destination and format of `pbt export`.
enum ExportDestination: Equatable {
    /// A file, `-` being standard output.
    case file(String, isJSON: Bool)
    /// A directory of TensorBoard event files.
    case tensorboard(String)
    /// An MLflow server.
    case mlflow

    /// The format.
    enum Format: String, ExpressibleByArgument, CaseIterable {
        case csv, json, tensorboard, mlflow
    }

    /// Parses `--output` and `--format`: either implies the format, and both must agree.
    ///
    /// - Throws: A `ValidationError` that lists the formats.
    init(_ output: String?, _ format: Format?) throws {
        guard let output else {
            switch format {
            case .csv, .json: self = .file("-", isJSON: format == .json)
            case .mlflow: self = .mlflow
            case .tensorboard: throw ValidationError("--format tensorboard needs a directory: -o DIRECTORY")
            case nil:
                throw ValidationError("name the output: -o FILE.csv, FILE.json, tensorboard:DIRECTORY or mlflow")
            }
            return
        }
        let (named, path) = Self.named(by: output)
        guard let form = format ?? named else {
            throw ValidationError(
                "\"\(output)\" must be FILE.csv or FILE.json, csv or json, - for CSV on standard output, "
                    + "tensorboard:DIRECTORY, or mlflow; or give --format")
        }
        if let named, named != form, output != "-" {
            throw ValidationError("\"\(output)\" is \(named.rawValue), but --format says \(form.rawValue)")
        }
        switch form {
        case .csv, .json: self = .file(path, isJSON: form == .json)
        case .mlflow:
            guard named == .mlflow else {
                throw ValidationError("MLflow is a server, not a file: give --tracking-uri instead of \"-o \(output)\"")
            }
            self = .mlflow
        case .tensorboard:
            guard !path.isEmpty, path != "-" else {
                throw ValidationError("\"\(output)\" names no directory; write it as tensorboard:DIRECTORY")
            }
            self = .tensorboard(path)
        }
    }

    /// Returns the format that an output's name implies, and its path.
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
