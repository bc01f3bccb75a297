// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import PBT

extension CompletionKind {
    /// The names of the experiments in the store that the command line names.
    ///
    /// Empty when the store cannot be read: a completion must not disturb what is being typed.
    static var experiments: CompletionKind {
        .custom { words, _, _ in
            let given = words.indices.dropLast().first { words[$0] == "--store" }.map { words[$0 + 1] }
            let joined = words.first { $0.hasPrefix("--store=") }.map { String($0.dropFirst(8)) }
            do {
                let location = try StoreLocation(named: given ?? joined)
                // A server may be far away; it is not asked at each key press.
                guard case .file = location else { return [] }
                return try await OpenStore(location, creating: false, reading: true).store.experiments().map(
                    \.experiment.name)
            } catch {
                return []
            }
        }
    }
}
