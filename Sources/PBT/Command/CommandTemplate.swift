// SPDX-License-Identifier: Apache-2.0

/// A command with placeholders, which is checked once and expanded for each attempt.
///
/// | placeholder | becomes |
/// | --- | --- |
/// | `{NAME}` | that hyperparameter: text as it is, lists and objects as JSON, null as nothing |
/// | `{NAME[0]}` | the first element of an array |
/// | `{args}` | all hyperparameters, each as two arguments `--NAME` and value, in order of name, nulls left out; stands alone |
/// | `{args:flags}` and others | the same in another form, see ``ArgumentForm``; stands alone |
/// | `{NAME:flag}` | `--NAME` when that hyperparameter is true, else no argument at all; stands alone |
/// | `{checkpoint_in}` | the directory to restore from; empty for a founder, and the argument stays in its place |
/// | `{checkpoint_out}` | the directory to save into |
/// | `{results}`, `{hyperparameters}` | the paths of these files |
/// | `{member}`, `{interval}` | the numbers, from 0 |
/// | `{depth}` | how many intervals of training the checkpoint will hold, this one included; a hyperparameter of that name comes first |
/// | `{seed}` | the interval's seed; a hyperparameter of that name comes first |
/// | `{interval_seed}` | the seed that all members share at this interval; a hyperparameter of that name comes first |
/// | `{{`, `}}` | a brace |
public struct CommandTemplate: Sendable, Hashable {
    /// A piece of an argument.
    enum Piece: Sendable, Hashable {
        case text(String)
        case placeholder(String)
    }

    /// The values of the placeholders.
    package struct Values {
        var checkpointIn: String
        var checkpointOut: String
        var results: String
        var hyperparametersFile: String
        var interval: IntervalID
        var depth: Int
        var seed: Int
        var intervalSeed: Int
        var hyperparameters: Hyperparameters

        package init(
            checkpointIn: String, checkpointOut: String, results: String, hyperparametersFile: String,
            interval: IntervalID, depth: Int, seed: Int = 0, intervalSeed: Int = 0, hyperparameters: Hyperparameters
        ) {
            self.checkpointIn = checkpointIn
            self.checkpointOut = checkpointOut
            self.results = results
            self.hyperparametersFile = hyperparametersFile
            self.interval = interval
            self.depth = depth
            self.seed = seed
            self.intervalSeed = intervalSeed
            self.hyperparameters = hyperparameters
        }
    }

    /// The placeholders that are not reserved names: the spaces of earlier versions can have hyperparameters of these
    /// names, which come first.
    private static let unreserved = ["depth", "seed", "interval_seed"]

    private let arguments: [[Piece]]
    private let space: SearchSpace

    /// Parses a command and checks every placeholder.
    ///
    /// - Parameters:
    ///   - command: The program and its arguments.
    ///   - space: The search space with the hyperparameters.
    /// - Throws: A `PBTError` with code `badExperiment` that names the argument, the placeholder, and the most similar
    ///   valid one.
    public init(_ command: [String], space: SearchSpace) throws {
        guard let program = command.first, !program.isEmpty else {
            throw PBTError(.badExperiment, "command: must name a program, for example [python3, train.py, \"{args}\"]")
        }
        self.space = space
        arguments = try command.enumerated().map { i, argument in
            do {
                return try Self.checked(argument, at: i, space: space)
            } catch let problem as Problem {
                throw PBTError(.badExperiment, "command[\(i)] \"\(argument)\": \(problem.text)")
            }
        }
    }

    /// Returns the problems of a command: the index of each invalid argument, from 0, and a message.
    package static func problems(in command: [String], space: SearchSpace) -> [(argument: Int, text: String)] {
        command.enumerated().compactMap { i, argument in
            do {
                _ = try checked(argument, at: i, space: space)
                return nil
            } catch {
                return (i, "\"\(argument)\": \((error as? Problem)?.text ?? "\(error)")")
            }
        }
    }

    private static func checked(_ argument: String, at i: Int, space: SearchSpace) throws -> [Piece] {
        let pieces = try pieces(of: argument)
        try check(pieces, isProgram: i == 0, space: space)
        return pieces
    }

    /// A problem with an argument.
    struct Problem: Error {
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
        for (i, piece) in pieces.enumerated() {
            guard case .placeholder(let name) = piece else { continue }
            if try ArgumentList.checked(name, space: space) != nil {
                guard pieces.count == 1 else {
                    let effect = name.hasPrefix("args") ? "becomes several arguments" : "becomes one argument or none"
                    throw Problem(text: "{\(name)} \(effect) and must stand alone: \"{\(name)}\"")
                }
                guard !isProgram else { throw Problem(text: "{\(name)} cannot be the program") }
                continue
            }
            let dimension = space[name] ?? space.definition(of: name)
            if let condition = dimension?.condition {
                throw Problem(
                    text: "{\(name)}: an interval has no \(name) unless \(condition.clause); write {args} or "
                        + "{args:flags}, which leave it out, or read it from {hyperparameters}")
            }
            if dimension != nil || unreserved.contains(name) || SearchSpace.reserved.contains(name) { continue }
            let known = space.definedNames + SearchSpace.reserved.sorted() + unreserved
            let advice: String
            if let first = space.definedNames.first(where: { $0.hasPrefix("\(name).") }) {
                advice = "it is a group; write {\(first)}"
            } else if i > 0, case .text(let before) = pieces[i - 1], before.hasSuffix("$") {
                advice = "no shell expands ${\(name)}; write its value, or ${{\(name)}} in the script of a shell"
            } else if let near = space.nearestDefinition(to: name, among: known) {
                advice = "did you mean {\(near)}?"
            } else if name.contains(where: { !$0.isLetter && !$0.isNumber && !"_-.".contains($0) }) || name.isEmpty {
                advice = "write {{ and }} for braces"
            } else {
                advice = "there are \(known.map { "{\($0)}" }.joined(separator: ", ")); write {{ and }} for braces"
            }
            throw Problem(text: "unknown placeholder {\(name)}; \(advice)")
        }
    }

    /// Returns the program and its arguments for an attempt.
    package func filled(_ values: Values) -> [String] {
        let folded = Hyperparameters(space.folded(values.hyperparameters.values))
        return arguments.flatMap { pieces -> [String] in
            if pieces.count == 1, case .placeholder(let name) = pieces[0], let list = ArgumentList(placeholder: name) {
                return switch list {
                case .all: list.arguments(for: folded)
                case .flag: list.arguments(for: values.hyperparameters)
                }
            }
            return [
                pieces.map { piece in
                    switch piece {
                    case .text(let text): text
                    case .placeholder(let name): Self.value(of: name, values, folded)
                    }
                }.joined()
            ]
        }
    }

    private static func value(of placeholder: String, _ values: Values, _ folded: Hyperparameters) -> String {
        switch placeholder {
        case "checkpoint_in": values.checkpointIn
        case "checkpoint_out": values.checkpointOut
        case "results": values.results
        case "hyperparameters": values.hyperparametersFile
        case "member": String(values.interval.member)
        case "interval": String(values.interval.index)
        default:
            (values.hyperparameters[placeholder] ?? folded[placeholder])?.argument ?? unreserved(placeholder, values)
        }
    }
}

extension CommandTemplate {
    /// Returns the value of a placeholder that is not a reserved name.
    private static func unreserved(_ placeholder: String, _ values: Values) -> String {
        switch placeholder {
        case "depth": String(values.depth)
        case "seed": String(values.seed)
        case "interval_seed": String(values.intervalSeed)
        default: ""
        }
    }
}

extension Value {
    /// The value as an argument or environment variable: a string without quotation marks, null as an empty string,
    /// otherwise JSON.
    package var argument: String {
        switch self {
        case .null: ""
        case .string(let text): text
        default: json
        }
    }
}
