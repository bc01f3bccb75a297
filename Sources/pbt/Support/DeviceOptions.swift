// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import PBT

/// The devices of a command that trains, instead of those of the definition.
struct DeviceOptions: ParsableArguments {
    @Option(
        name: .long,
        help: ArgumentHelp(
            "The GPU of a worker, instead of gpus in the definition; 4,5 for two; once for each worker.",
            valueName: "device"))
    var gpu: [String] = []

    @Option(
        name: .long,
        help: ArgumentHelp(
            "The same as a list, as gpus in an experiment file: 0,1 or '[[0, 1], [2, 3]]'.", valueName: "list"))
    var gpus: String?

    func validate() throws {
        if !gpu.isEmpty, gpus != nil {
            throw ValidationError("--gpu and --gpus say the same; give --gpu for each worker, or one list: --gpus 0,1")
        }
        do {
            _ = try groups()
        } catch {
            throw ValidationError("--\(error.path.isEmpty ? "gpus" : error.path): \(error.problem)")
        }
    }

    /// Returns the devices of each worker, in the form of `Experiment.Trainer.gpus`; nil if there are none on the
    /// command line.
    ///
    /// - Throws: A ``DocumentError`` for a list that an experiment file could not have.
    func groups() throws(DocumentError) -> [String]? {
        if let gpus { return try Experiment.devices(in: Self.list(gpus)) }
        guard !gpu.isEmpty else { return nil }
        return try Experiment.devices(
            in: Document(.list(gpu.map { Document(.scalar(Document.plain($0)), line: 0, text: $0) }), line: 0))
    }

    /// Parses a list with or without its brackets.
    private static func list(_ text: String) throws(DocumentError) -> Document {
        if text.hasPrefix("["), let whole = try? Document(yaml: text), case .list = whole.content { return whole }
        do {
            return try Document(yaml: "[\(text)]")
        } catch {
            throw DocumentError(
                line: 0, path: "gpus",
                problem: "must be a list of devices, such as 0,1 or [[0, 1], [2, 3]], not \(text)")
        }
    }
}

extension [String] {
    /// The options for the same devices on a command line.
    var gpuOptions: [String] {
        flatMap { ["--gpu", $0] }
    }
}
