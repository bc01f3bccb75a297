// SPDX-License-Identifier: Apache-2.0

import PBT
import SystemPackage

/// How a file is trained once more: the command line of `pbt run` or `pbt create` in a form that can be pasted.
struct RunHint {
    /// The experiment file, as it was given.
    let file: String
    /// The name that was given instead of the file's.
    var name: String?
    /// The seed that was given instead of the file's.
    var seed: Int?
    /// The experiment that founders continue.
    var from: String?
    /// How many workers were given.
    var workers: Int?
    /// The store that is used, and where it would be looked for.
    let store: StoreLocation
    let directory: FilePath

    /// `pbt run FILE` with what it takes to mean the same experiment in the same store.
    ///
    /// - Parameters:
    ///   - verb: Another command that takes a file.
    ///   - newName: Another name for the experiment; that of this run when not given.
    /// - Returns: One line for a shell.
    func command(to verb: String = "run", named newName: String? = nil) -> String {
        var words = ["pbt", verb, Hint.operand(file)]
        if let name = newName ?? name { words += ["--name", name] }
        // A negative number would be taken for an option.
        if let seed { words += seed < 0 ? ["--seed=\(seed)"] : ["--seed", "\(seed)"] }
        if let from { words += ["--from", from] }
        if let workers, verb == "run" { words += ["--workers", "\(workers)"] }
        return Shell.command(words + Hint.storeOption(store, in: directory))
    }

    /// A name like an experiment's that no experiment of the store has.
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
