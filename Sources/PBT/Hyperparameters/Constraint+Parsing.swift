// SPDX-License-Identifier: Apache-2.0

extension Constraint {
    /// Parses a constraint.
    ///
    /// - Parameters:
    ///   - text: The constraint, such as `batch >= 2 * minibatch`. A hyphen belongs to the longest name that exists:
    ///     write spaces around a minus.
    ///   - dimensions: The hyperparameters that it may name, by name.
    /// - Throws: A ``PBTError`` with code ``PBTError/Code/badExperiment`` that names the column, from 1.
    package init(_ text: String, dimensions: [String: Dimension]) throws(PBTError) {
        guard text.utf8.count <= Limits.constraintBytes else {
            throw PBTError(.badExperiment, "must have at most \(Limits.constraintBytes) bytes, not \(text.utf8.count)")
        }
        var parser = ConstraintParser(text: Array(text), dimensions: dimensions)
        self = try parser.constraint(text)
    }
}

/// A recursive-descent parser of constraints, of bounded depth.
private struct ConstraintParser {
    private static let mostParentheses = 64

    let text: [Character]
    let dimensions: [String: Dimension]
    private var place = 0
    private var depth = 0

    init(text: [Character], dimensions: [String: Dimension]) {
        self.text = text
        self.dimensions = dimensions
    }

    private func error(_ problem: String, at column: Int? = nil) -> PBTError {
        PBTError(.badExperiment, "column \((column ?? place) + 1): \(problem)")
    }

    private var next: Character? {
        place < text.count ? text[place] : nil
    }

    /// The rest for a message.
    private var found: String {
        next.map { "not \"\($0)\"" } ?? "but the text ends"
    }

    private mutating func skipSpaces() {
        while let character = next, character.isWhitespace { place += 1 }
    }

    mutating func constraint(_ whole: String) throws(PBTError) -> Constraint {
        let left = try sum()
        let comparison = try self.comparison()
        let right = try sum()
        guard place == text.count else {
            let start = place
            if next == "(" { throw error("functions cannot be called; write only + - * / and numbers") }
            if (try? self.comparison()) != nil {
                throw error("a constraint has one comparison; write two constraints instead", at: start)
            }
            throw error("expected an operator or the end, \(found)")
        }
        let constraint = Constraint(text: whole, left: left, comparison: comparison, right: right)
        guard !constraint.names.isEmpty else { throw error("names no hyperparameter", at: 0) }
        return constraint
    }

    private mutating func comparison() throws(PBTError) -> Constraint.Comparison {
        skipSpaces()
        // The longer ones come first.
        for comparison in Constraint.Comparison.allCases where text[place...].starts(with: comparison.rawValue) {
            place += comparison.rawValue.count
            return comparison
        }
        if next == "=" { throw error("a comparison for equality is ==") }
        if next == "(" { throw error("functions cannot be called; write only + - * / and numbers") }
        throw error("expected one of <, <=, >, >=, ==, !=, or an operator, \(found)")
    }

    private mutating func sum() throws(PBTError) -> Constraint.Expression {
        var result = try product()
        while let character = next, let operation = Constraint.Operation(rawValue: character),
            operation == .plus || operation == .minus
        {
            place += 1
            result = .operation(operation, result, try product())
        }
        return result
    }

    private mutating func product() throws(PBTError) -> Constraint.Expression {
        var result = try factor()
        while let character = next, let operation = Constraint.Operation(rawValue: character),
            operation == .times || operation == .divide
        {
            place += 1
            if next == "*" { throw error("powers are not available; write only + - * / and numbers") }
            result = .operation(operation, result, try factor())
        }
        return result
    }

    /// Parses a number, a name, a negative, or parentheses, with the spaces around them.
    private mutating func factor() throws(PBTError) -> Constraint.Expression {
        skipSpaces()
        guard depth < Self.mostParentheses else { throw error("is nested deeper than \(Self.mostParentheses)") }
        depth += 1
        let result: Constraint.Expression
        switch next {
        case "-":
            place += 1
            result = .negative(try factor())
        case "(":
            place += 1
            result = try sum()
            guard next == ")" else { throw error("expected ), \(found)") }
            place += 1
        case let character? where character.isNumber || character == ".": result = .number(try number())
        case let character? where character.isLetter || character == "_": result = .name(try name())
        default: throw error("expected a number or the name of a hyperparameter, \(found)")
        }
        depth -= 1
        skipSpaces()
        return result
    }

    private mutating func number() throws(PBTError) -> Double {
        let start = place
        func isExponent(_ character: Character) -> Bool { character == "e" || character == "E" }
        while let character = next {
            let isSign = (character == "-" || character == "+") && place > start && isExponent(text[place - 1])
            guard character.isLetter || character.isNumber || character == "." || character == "_" || isSign else {
                break
            }
            place += 1
        }
        let digits = String(text[start..<place])
        guard digits.allSatisfy({ $0.isASCII && !"xXpP_".contains($0) }), let number = Double(digits), number.isFinite
        else { throw error("\"\(digits)\" is not a number", at: start) }
        return number
    }

    private mutating func name() throws(PBTError) -> String {
        let start = place
        func belongs(_ character: Character) -> Bool {
            character.isLetter || character.isNumber || "_.-".contains(character)
        }
        let end = text[start...].firstIndex { !belongs($0) } ?? text.count
        // The longest name that exists, which ends with the word or before a hyphen.
        let ends = [index(after: end), end].compactMap(\.self) + (start..<end).filter { text[$0] == "-" }.reversed()
        guard let found = ends.first(where: { dimensions[String(text[start..<$0])] != nil }) else {
            let whole = String(text[start..<end])
            if dimensions[SearchSpace.elementName(whole, 0)] != nil {
                throw error(
                    "\"\(whole)\" is an array; name one of its elements, \"\(SearchSpace.elementName(whole, 0))\" to "
                        + "\"\(SearchSpace.elementName(whole, length(of: whole) - 1))\"", at: start)
            }
            let word = String(text[start..<(ends.last ?? end)])
            if next(from: ends.last ?? end) == "(" {
                throw error("functions cannot be called; write only + - * / and numbers", at: start)
            }
            let names = dimensions.keys.sorted()
            let hint =
                nearest(to: word, among: names).map { "did you mean \"\($0)\"?" } ?? "there are \(names.quotedList)"
            throw error("there is no hyperparameter \"\(word)\"; \(hint)", at: start)
        }
        place = found
        let name = String(text[start..<found])
        guard dimensions[name]?.isNumeric == true else {
            throw error("\"\(name)\" is not always a number, so it cannot be compared", at: start)
        }
        return name
    }

    /// Returns the place after an index of an array, such as `[0]`; nil if there is none.
    private func index(after place: Int) -> Int? {
        guard place < text.count, text[place] == "[" else { return nil }
        let digits = text[(place + 1)...].prefix { $0.isASCII && $0.isNumber }
        guard !digits.isEmpty, digits.endIndex < text.count, text[digits.endIndex] == "]" else { return nil }
        return digits.endIndex + 1
    }

    private func length(of array: String) -> Int {
        var length = 0
        while dimensions[SearchSpace.elementName(array, length)] != nil { length += 1 }
        return length
    }

    /// Returns the first character from a place that is not a space.
    private func next(from place: Int) -> Character? {
        text[place...].first { !$0.isWhitespace }
    }
}

extension Dimension {
    /// True if all of its values are numbers.
    fileprivate var isNumeric: Bool {
        switch domain {
        case .real, .integer: true
        case .choice(let choice): choice.values.allSatisfy { $0.double != nil }
        case .constant(let value): value.double != nil
        case .boolean, .free: false
        }
    }
}
