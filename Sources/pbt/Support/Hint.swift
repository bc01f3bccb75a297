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
            found = try StoreLocation(named: nil, in: directory)
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
