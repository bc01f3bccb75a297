// SPDX-License-Identifier: Apache-2.0

/// A format of all hyperparameters as arguments of a program.
///
/// | placeholder | a number or a string | a boolean | null |
/// | --- | --- | --- | --- |
/// | `{args}` | `--NAME` `VALUE` | `--NAME` `true`, or `--NAME` `false` | nothing |
/// | `{args:flags}` | the same | `--NAME`, or nothing | nothing |
/// | `{args:no-flags}` | the same | `--NAME`, or `--no-NAME` | nothing |
/// | `{args:equals}` | `--NAME=VALUE` | `--NAME=true`, or `--NAME=false` | nothing |
/// | `{args:hydra}` | `NAME=VALUE` in Hydra's override grammar | `NAME=true`, or `NAME=false` | `NAME=null` |
///
/// A value that begins with a hyphen is joined to its option by an equals sign in the forms with flags, as it would be
/// taken for another option.
package enum ArgumentForm: String, Sendable, Hashable, CaseIterable {
    /// An option and its value.
    case pairs = "args"
    /// A boolean is an option without a value, or left out.
    case flags = "args:flags"
    /// A boolean is an option without a value, or its negation.
    case negatableFlags = "args:no-flags"
    /// An option joined to its value.
    case equals = "args:equals"
    /// Hydra's overrides.
    case hydra = "args:hydra"

    /// Returns the arguments for a hyperparameter.
    func arguments(_ name: String, _ value: Value) -> [String] {
        if self == .hydra { return ["\(name)=\(value.hydra)"] }
        switch (self, value) {
        case (_, .null): return []
        case (.flags, .bool(let isSet)): return isSet ? ["--\(name)"] : []
        case (.negatableFlags, .bool(let isSet)): return [isSet ? "--\(name)" : "--no-\(name)"]
        case (.flags, _), (.negatableFlags, _):
            return value.argument.hasPrefix("-") ? ["--\(name)=\(value.argument)"] : ["--\(name)", value.argument]
        case (.equals, _): return ["--\(name)=\(value.argument)"]
        default: return ["--\(name)", value.argument]
        }
    }
}

/// A placeholder that expands to any number of arguments.
enum ArgumentList: Sendable, Hashable {
    /// All hyperparameters.
    case all(ArgumentForm)
    /// One boolean hyperparameter.
    case flag(String)

    private static let flagSuffix = ":flag"

    /// Creates the list of a placeholder; nil for one that expands to a part of an argument.
    init?(placeholder: String) {
        if let form = ArgumentForm(rawValue: placeholder) {
            self = .all(form)
        } else if placeholder.hasSuffix(Self.flagSuffix) {
            self = .flag(String(placeholder.dropLast(Self.flagSuffix.count)))
        } else {
            return nil
        }
    }

    /// Returns the list of a placeholder after checks; nil for one that expands to a part of an argument.
    ///
    /// - Throws: A ``CommandTemplate/Problem`` for an unknown format, and for a flag that is not a boolean.
    static func checked(_ placeholder: String, space: SearchSpace) throws -> ArgumentList? {
        if placeholder.hasPrefix("args:"), ArgumentForm(rawValue: placeholder) == nil { throw unknown(placeholder) }
        guard let list = ArgumentList(placeholder: placeholder) else { return nil }
        guard case .flag(let name) = list else { return list }
        guard let dimension = space[name] else {
            let near = nearest(to: name, among: space.names).map { "; did you mean {\($0):flag}?" } ?? ""
            throw CommandTemplate.Problem(text: "{\(placeholder)}: there is no hyperparameter \"\(name)\"\(near)")
        }
        guard dimension.mayBeBoolean else {
            throw CommandTemplate.Problem(
                text:
                    "{\(placeholder)}: \(name) is never true or false, so it cannot be a flag; write --\(name)={\(name)}"
            )
        }
        return list
    }

    /// Returns the problem of an unknown format of `{args}`.
    static func unknown(_ placeholder: String) -> CommandTemplate.Problem {
        let known = ArgumentForm.allCases.map(\.rawValue)
        let near = nearest(to: placeholder, among: known).map { "did you mean {\($0)}?" }
        let all = "there are \(known.map { "{\($0)}" }.joined(separator: ", "))"
        return CommandTemplate.Problem(text: "unknown placeholder {\(placeholder)}; \(near ?? all)")
    }

    /// Returns the arguments for hyperparameters, in order of name.
    func arguments(for hyperparameters: Hyperparameters) -> [String] {
        switch self {
        case .all(let form):
            hyperparameters.names.flatMap { form.arguments($0, hyperparameters[$0] ?? .null) }
        case .flag(let name): hyperparameters[name] == true ? ["--\(name)"] : []
        }
    }
}

extension Dimension {
    /// True if the value can be a boolean.
    fileprivate var mayBeBoolean: Bool {
        switch domain {
        case .boolean, .free: true
        case .constant(let value): value.bool != nil
        case .choice(let choice): choice.values.contains { $0.bool != nil }
        case .real, .integer: false
        }
    }
}

extension Value {
    /// The value in Hydra's override grammar.
    ///
    /// A string is quoted unless it could only be read as that string.
    fileprivate var hydra: String {
        switch self {
        case .null: "null"
        case .bool, .integer: json
        case .number(let number): number.isFinite ? json : "nan"
        case .string(let text): text.isPlainInHydra ? text : text.quotedForHydra
        case .array(let values): "[\(values.map(\.hydra).joined(separator: ","))]"
        case .object(let object):
            "{\(object.sorted { $0.key < $1.key }.map { "\($0.key.isPlainInHydra ? $0.key : $0.key.quotedForHydra):\($0.value.hydra)" }.joined(separator: ","))}"
        }
    }
}

extension String {
    /// True if Hydra parses the unquoted text as this string: an identifier, possibly with dots, hyphens, and slashes,
    /// that is neither a keyword nor a number.
    fileprivate var isPlainInHydra: Bool {
        guard let first = utf8.first, (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(first | 0x20),
            !["null", "true", "false", "nan", "inf"].contains(lowercased())
        else { return false }
        return utf8.allSatisfy { byte in
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
                || (UInt8(ascii: "-")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: "_")
        }
    }

    /// The text in single quotation marks, escaped by Hydra's grammar.
    fileprivate var quotedForHydra: String {
        // A backslash escapes a quotation mark, and itself only before one.
        var quoted = ""
        var backslashes = 0
        for character in self {
            if character == "'" { quoted += String(repeating: "\\", count: backslashes + 1) }
            backslashes = character == "\\" ? backslashes + 1 : 0
            quoted.append(character)
        }
        return "'\(quoted)\(String(repeating: "\\", count: backslashes))'"
    }
}
