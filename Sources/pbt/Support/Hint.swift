// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTClient
import Synchronization
import SystemPackage

/// Commands that are printed to be pasted: quoted for a shell, with the store they are about where that is needed.
///
/// Every command that `pbt` prints comes from here.
enum Hint {
    /// The store that this process opened, for messages of the libraries, which do not know where it is.
    private static let current = Mutex<StoreLocation?>(nil)

    /// Remembers the store that messages are about from now on.
    static func remember(_ store: StoreLocation) {
        current.withLock { $0 = store }
    }

    /// Returns a command about a store: `pbt schedule 'run 1' --store exp/pbt.sqlite`.
    ///
    /// - Parameters:
    ///   - words: The subcommand and its arguments.
    ///   - store: The store; left out of the command where it is found without being named.
    /// - Returns: One line for a shell.
    static func command(_ words: String..., in store: StoreLocation) -> String {
        Shell.command(["pbt"] + words + storeOption(store))
    }

    /// Returns a command about an open store.
    static func command(_ words: String..., in opened: OpenStore) -> String {
        Shell.command(["pbt"] + words + storeOption(opened.location))
    }

    /// Returns a command about the store that was opened last.
    static func aboutCurrentStore(_ words: String...) -> String {
        Shell.command(["pbt"] + words + (current.withLock { $0 }.map { storeOption($0) } ?? []))
    }

    /// Returns `pbt worker STORE` for a store, with an experiment if one is named.
    static func worker(_ store: StoreLocation, _ experiment: String? = nil) -> String {
        Shell.command(["pbt", "worker", text(of: store)] + (experiment.map { [$0] } ?? []))
    }

    /// Returns `--store` and the store, or nothing where a command finds that store by itself.
    ///
    /// - Parameters:
    ///   - store: The store.
    ///   - directory: Where the command looks for it by default; the current directory when not given.
    /// - Returns: Words of a command.
    static func storeOption(_ store: StoreLocation, in directory: FilePath? = nil) -> [String] {
        let found: StoreLocation?
        do {
            found = try StoreOptions.location(of: nil, in: directory)
        } catch {
            // PBT_STORE names no store, or the current directory is gone: nothing is found by itself.
            found = nil
        }
        return found?.description == store.description ? [] : ["--store", text(of: store)]
    }

    /// A store as a command names it: a path from the current directory where it lies below that.
    static func text(of store: StoreLocation) -> String {
        switch store {
        case .file(let path): operand(near(path))
        case .server(let address): address.description
        }
    }

    /// A path that is not taken for an option.
    static func operand(_ path: String) -> String {
        path.hasPrefix("-") ? "./\(path)" : path
    }

    /// Returns a message of the libraries with the store added to the command at its end.
    ///
    /// The libraries, and a server, name a command last: `…; stop them first with: pbt stop toy`.
    static func completed(_ message: String) -> String {
        let last = /[:;,] (?:use )?pbt (?:rm|stop|resume|gc|show|token revoke)(?: (?:[^\s']|'[^']*')+)*$/
        guard let store = current.withLock({ $0 }), message.firstMatch(of: last) != nil else { return message }
        let option = storeOption(store)
        return option.isEmpty ? message : "\(message) \(Shell.command(option))"
    }
}

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
