// SPDX-License-Identifier: Apache-2.0

import PBT

extension Experiment {
    /// Advice for a failed program that may expect flags where `{args}` writes `--name true`.
    var flagAdvice: String? {
        guard trainer?.command.contains("{args}") == true else { return nil }
        // An array is written as a list in every form.
        let flags = space.definedNames.filter { name in
            switch space[name]?.domain {
            case .boolean: true
            case .choice(let choice): choice.values.contains { $0.bool != nil }
            case .constant(let value): value.bool != nil
            default: false
            }
        }
        guard let first = flags.first else { return nil }
        return
            "{args} writes booleans as --\(first) true and --\(first) false; a program that takes them as flags needs "
            + "{args:flags} (--\(first), or nothing) or {args:no-flags} (--\(first), or --no-\(first))"
    }
}
