// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTClient
import Synchronization
import SystemPackage

/// Commands for pasting into a shell: quoted, and with `--store` where it is needed.
///
/// Every command that `pbt` prints comes from here.
enum Hint {
    /// The store that this process opened, for messages of the libraries, which do not know its location.
    private static let current = Mutex<StoreLocation?>(nil)

    /// Sets the store for later messages.
    static func remember(_ store: StoreLocation) {
        current.withLock { $0 = store }
    }

    /// Returns a command about a store: `pbt schedule 'run 1' --store exp/pbt.sqlite`.
    ///
    /// - Parameters:
    ///   - words: The subcommand and its arguments.
    ///   - store: The store; omitted from the command where it is the default.
    /// - Returns: One line for a shell.
    static func command(_ words: String..., in store: StoreLocation) -> String {
        Shell.command(["pbt"] + words + storeOption(store))
    }

    /// Returns a command about the most recently opened store.
    static func aboutCurrentStore(_ words: String...) -> String {
        Shell.command(["pbt"] + words + (current.withLock { $0 }.map { storeOption($0) } ?? []))
    }

    /// Returns `pbt worker STORE` for a store, with an experiment if one is named.
    static func worker(_ store: StoreLocation, _ experiment: String? = nil) -> String {
        Shell.command(["pbt", "worker", text(of: store)] + (experiment.map { [$0] } ?? []))
    }

    /// Returns `--store` and the store, or nothing where it is the default.
    ///
    /// - Parameters:
    ///   - store: The store.
    ///   - directory: The directory of the default store; the current directory when nil.
    /// - Returns: Words of a command.
    static func storeOption(_ store: StoreLocation, in directory: FilePath? = nil) -> [String] {
        let found: StoreLocation?
        do {
            found = try StoreLocation(named: nil, in: directory)
        } catch {
            // PBT_STORE is invalid, or the current directory was deleted: there is no default.
            found = nil
        }
        return found?.description == store.description ? [] : ["--store", text(of: store)]
    }

    /// Returns a store as a command names it, with a relative path below the current directory.
    static func text(of store: StoreLocation) -> String {
        switch store {
        case .file(let path): operand(near(path))
        case .server(let address): address.description
        }
    }

    /// Returns a path that is not mistaken for an option.
    static func operand(_ path: String) -> String {
        path.hasPrefix("-") ? "./\(path)" : path
    }

    /// Adds the store to the command at the end of a library's message.
    ///
    /// The libraries and the server put a command last: `…; stop them first with: pbt stop toy`.
    static func completed(_ message: String) -> String {
        let last = /[:;,] (?:use )?pbt (?:rm|stop|resume|gc|show|token revoke)(?: (?:[^\s']|'[^']*')+)*$/
        guard let store = current.withLock({ $0 }), message.firstMatch(of: last) != nil else { return message }
        let option = storeOption(store)
        return option.isEmpty ? message : "\(message) \(Shell.command(option))"
    }
}
