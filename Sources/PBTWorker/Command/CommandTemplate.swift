// SPDX-License-Identifier: Apache-2.0

public import PBT

/// A command with placeholders, checked once and filled in for each attempt.
///
/// | placeholder | becomes |
/// | --- | --- |
/// | `{NAME}` | that hyperparameter: text as it is, lists and objects as JSON, null as nothing |
/// | `{args}` | all hyperparameters, each as two arguments `--NAME` and value, in order of name, nulls left out; stands alone |
/// | `{checkpoint_in}` | the directory to restore from; empty for a founder, and the argument stays in its place |
/// | `{checkpoint_out}` | the directory to save into |
/// | `{results}`, `{hyperparameters}` | the paths of these files |
/// | `{member}`, `{interval}` | the numbers, from 0 |
/// | `{{`, `}}` | a brace |
public struct CommandTemplate: Sendable, Hashable {
    /// A piece of an argument.
    enum Piece: Sendable, Hashable {
        case text(String)
        case placeholder(String)
    }

    /// What the placeholders that are no hyperparameters become.
    struct Values {
        var checkpointIn: String
        var checkpointOut: String
        var results: String
        var hyperparametersFile: String
        var interval: IntervalID
        var hyperparameters: Hyperparameters
    }

    private let arguments: [[Piece]]

    /// Reads a command and checks every placeholder; nothing is started.
    ///
    /// - Parameters:
    ///   - command: The program and its arguments.
    ///   - space: The hyperparameters that may be named.
    /// - Throws: A `PBTError` with code `badExperiment` that names the argument, the placeholder, and the nearest right
    ///   one.
    public init(_ command: [String], space: SearchSpace) throws {
        guard let program = command.first, !program.isEmpty else {
            throw PBTError(.badExperiment, "command: must name a program, for example [python3, train.py, \"{args}\"]")
        }
        arguments = try command.enumerated().map { i, argument in
            do {
                let pieces = try Self.pieces(of: argument)
                try Self.check(pieces, isProgram: i == 0, space: space)
                return pieces
            } catch let problem as Problem {
                throw PBTError(.badExperiment, "command[\(i)] \"\(argument)\": \(problem.text)")
            }
        }
    }

    private struct Problem: Error {
        let text: String
    }

    private static func pieces(of argument: String) throws -> [Piece] {
        var pieces: [Piece] = []
        var text = ""
        var rest = argument[...]
        while let character = rest.popFirst() {
            switch character {
            case "{" where rest.first == "{", "}" where rest.first == "}":
                text.append(character)
                rest.removeFirst()
            case "{":
                guard let end = rest.firstIndex(of: "}") else {
                    throw Problem(text: "a '{' is never closed; write {{ for a brace")
                }
                if !text.isEmpty { pieces.append(.text(text)) }
                text = ""
                pieces.append(.placeholder(String(rest[..<end])))
                rest = rest[rest.index(after: end)...]
            case "}":
                throw Problem(text: "a '}' closes nothing; write }} for a brace")
            default:
                text.append(character)
            }
        }
        if !text.isEmpty || pieces.isEmpty { pieces.append(.text(text)) }
        return pieces
    }

    private static func check(_ pieces: [Piece], isProgram: Bool, space: SearchSpace) throws {
        for case .placeholder(let name) in pieces {
            if name == "args" {
                guard pieces.count == 1 else {
                    throw Problem(text: "{args} becomes several arguments and must stand alone: \"{args}\"")
                }
                guard !isProgram else { throw Problem(text: "{args} cannot be the program") }
                continue
            }
            if space[name] != nil || SearchSpace.reserved.contains(name) { continue }
            let known = space.names + SearchSpace.reserved.sorted()
            let advice: String
            if let near = nearest(to: name, among: known) {
                advice = "did you mean {\(near)}?"
            } else if name.contains(where: { !$0.isLetter && !$0.isNumber && !"_-.".contains($0) }) || name.isEmpty {
                advice = "write {{ and }} for braces"
            } else {
                advice = "there are \(known.map { "{\($0)}" }.joined(separator: ", ")); write {{ and }} for braces"
            }
            throw Problem(text: "unknown placeholder {\(name)}; \(advice)")
        }
    }

    /// The program and its arguments for an attempt.
    func filled(_ values: Values) -> [String] {
        arguments.flatMap { pieces -> [String] in
            if pieces == [.placeholder("args")] {
                return values.hyperparameters.names.flatMap { name -> [String] in
                    guard let value = values.hyperparameters[name], value != .null else { return [] }
                    return ["--\(name)", value.argument]
                }
            }
            return [
                pieces.map { piece in
                    switch piece {
                    case .text(let text): text
                    case .placeholder(let name): Self.value(of: name, values)
                    }
                }.joined()
            ]
        }
    }

    private static func value(of placeholder: String, _ values: Values) -> String {
        switch placeholder {
        case "checkpoint_in": values.checkpointIn
        case "checkpoint_out": values.checkpointOut
        case "results": values.results
        case "hyperparameters": values.hyperparametersFile
        case "member": String(values.interval.member)
        case "interval": String(values.interval.index)
        default: values.hyperparameters[placeholder]?.argument ?? ""
        }
    }
}

extension Value {
    /// The value as an argument or environment variable: text without quotation marks, null as nothing, else JSON.
    var argument: String {
        switch self {
        case .null: ""
        case .string(let text): text
        default: json
        }
    }
}
