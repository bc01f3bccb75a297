// SPDX-License-Identifier: Apache-2.0

import PBT
import SystemPackage

/// The command line of `pbt run` or `pbt create` for an experiment file, for pasting.
struct RunHint {
    /// The experiment file, as on the command line.
    let file: String
    /// The name that overrides the file's.
    var name: String?
    /// The seed that overrides the file's.
    var seed: Int?
    /// The experiment that founders continue.
    var from: String?
    /// The number of workers on the command line.
    var workers: Int?
    /// The number of searches on the command line.
    var seeds: Int?
    /// The devices on the command line.
    var gpus: [String]?
    /// The store.
    let store: StoreLocation
    /// The directory of the default store.
    let directory: FilePath

    /// Returns `pbt run FILE` with the options that select the same experiment in the same store.
    ///
    /// - Parameters:
    ///   - verb: The subcommand.
    ///   - newName: Another name for the experiment; that of this run when nil.
    /// - Returns: One line for a shell.
    func command(to verb: String = "run", named newName: String? = nil) -> String {
        var words = ["pbt", verb, Hint.operand(file)]
        if let name = newName ?? name { words += ["--name", name] }
        // A negative number would be mistaken for an option.
        if let seed { words += seed < 0 ? ["--seed=\(seed)"] : ["--seed", "\(seed)"] }
        if let from { words += ["--from", from] }
        if let workers, verb == "run" { words += ["--workers", "\(workers)"] }
        if let gpus, verb == "run" { words += gpus.gpuOptions }
        if let seeds, verb == "run", newName == nil { words += ["--seeds", "\(seeds)"] }
        return Shell.command(words + Hint.storeOption(store, in: directory))
    }

    /// Returns a name derived from an experiment's that is free in the store: `toy-2`.
    static func freeName(like name: String, in store: some Store) async throws -> String {
        let taken = Set(try await store.experiments().map(\.experiment.name))
        for number in 2... {
            let suffix = "-\(number)"
            var stem = name
            while stem.utf8.count + suffix.utf8.count > 128 { stem.removeLast() }
            if !taken.contains(stem + suffix) { return stem + suffix }
        }
        return name
    }
}
