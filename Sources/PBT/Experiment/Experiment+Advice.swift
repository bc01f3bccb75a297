// SPDX-License-Identifier: Apache-2.0

extension Experiment {
    /// Returns warnings about a definition that is legal but unlikely to be meant.
    ///
    /// - Parameter document: The document that the definition was read from, for the lines.
    /// - Returns: Warnings in the order of the space.
    package func advice(in document: Document) -> [DocumentError] {
        let advice = spaceAdvice(in: document) + unusedRuleAdvice(in: document)
        guard kind == .populationBasedTraining, exploit != .none else { return advice }
        let rules =
            exploit.subPopulations.isEmpty ? [explore] : exploit.subPopulations.map { $0.explore ?? explore }
        return advice
            + space.definedNames.compactMap { name in
                guard let dimension = space.definition(of: name), dimension.isMutable,
                    let advice = rules.lazy.compactMap({ dimension.clippingAdvice(for: dimension.explore ?? $0) }).first
                else { return nil }
                return DocumentError(
                    line: document.line(of: space.path(of: name)), path: "space.\(name)", problem: advice)
            }
    }
}

extension Experiment {
    /// Returns warnings about rules in a document that never apply.
    private func unusedRuleAdvice(in document: Document) -> [DocumentError] {
        let isUsed = kind == .populationBasedTraining
        guard !isUsed || exploit.kind == .none, case .object(let entries) = document.content else { return [] }
        func warning(_ path: [String], _ problem: String) -> DocumentError {
            DocumentError(line: document.line(of: path), path: path.joined(separator: "."), problem: problem)
        }
        let reason =
            isUsed
            ? "never happens, since exploit: none replaces no member; for members that explore on their own, write "
                + "exploit: self"
            : "has no effect with this kind, whose hyperparameters never change; remove it"
        let keys = isUsed ? ["explore"] : ["exploit", "explore"]
        let rules = entries.filter { keys.contains($0.name) && $0.content.value != "none" }.map { entry in
            warning([entry.name], reason)
        }
        return rules
            + space.definedNames.filter { space.definition(of: $0)?.explore.map { $0 != .none } == true }.map { name in
                warning(space.path(of: name) + ["explore"], reason)
            }
    }
}

extension Dimension {
    /// Returns a warning about a rule that moves most of the range onto a bound, with a definition that does not.
    func clippingAdvice(for rule: ExploreRule) -> String? {
        let moves = clippedShares(of: rule).filter { $0.share > Self.mostClipped }
        guard let most = moves.map(\.share).max() else { return nil }
        let better = alternatives.first { alternative in
            alternative.dimension.clippedShares(of: alternative.rule ?? rule).allSatisfy {
                $0.share <= Self.mostClipped
            }
        }
        let percent = "\(Int((100 * most).rounded()))% of the range onto a bound"
        let problem =
            moves.count == 1
            ? "\(moves[0].operation) moves \(percent)"
            : "\(moves.map(\.operation).joined(separator: " and ")) move up to \(percent)"
        return "\(problem); \(better?.advice ?? "write wider bounds, or smaller changes in explore")"
    }

    /// Returns the share of founders for which each move of a rule is clipped, by the move's operation.
    private func clippedShares(of rule: ExploreRule) -> [(operation: String, share: Double)] {
        guard case .standard(let asked, _) = rule.kind, let perturbation = narrowed(asked, of: rule) else { return [] }
        let founders = founderQuantiles
        guard let first = founders.first, founders.contains(where: { $0 != first }) else { return [] }
        return perturbation.extremeMoves.compactMap { move in
            let moved = founders.compactMap { perturbed($0, by: move) }
            guard let operation = moved.first?.operation else { return nil }
            return (operation, Double(moved.count { $0.isClipped }) / Double(founders.count))
        }
    }

    /// Evenly spaced values of the range that founders draw from, on its scale; none without two ends.
    private var founderQuantiles: [Value] {
        let count = 200
        let shares = (0..<count).map { (Double($0) + 0.5) / Double(count) }
        switch domain {
        case .real(let real):
            guard let range = real.range else { return [] }
            let (scale, width) = (real.explorationScale, real.width)
            let low = scale.position(of: range.lowerBound)
            return shares.map { .number(real.legal(scale.number(at: low + $0 * width))) }
        case .integer(let integers):
            let scale = integers.explorationScale
            let half = 0.5 * Double(integers.quantum)
            let low = scale.position(
                of: max(Double(integers.drawn.lowerBound) - half, integers.isLogarithmic ? 0.5 : -.infinity))
            let high = scale.position(of: Double(integers.drawn.upperBound) + half)
            return shares.map { share in
                let point = integers.nearestPoint(to: scale.number(at: low + share * (high - low)))
                return .integer(min(max(point, integers.drawn.lowerBound), integers.drawn.upperBound))
            }
        case .choice, .boolean, .constant, .free: return []
        }
    }

    /// Definitions of the same range that may suit a rule better, the most specific first.
    private var alternatives: [(dimension: Dimension, rule: ExploreRule?, advice: String)] {
        var alternatives: [(dimension: Dimension, rule: ExploreRule?, advice: String)] = []
        func text(_ kind: String, _ range: ClosedRange<Double>) -> String {
            "write \(kind): [\(Value.number(range.lowerBound).flowText), \(Value.number(range.upperBound).flowText)]"
        }
        if case .real(let real) = domain, case .uniform = real.distribution, let range = real.range {
            if real.bounds.lowerBound >= 0, real.bounds.upperBound < 1 {
                alternatives.append(
                    (
                        .reverseLogUniform(range, bounds: real.bounds, quantum: real.quantum), nil,
                        text("reverse_log_uniform", range)
                    ))
            }
            if real.bounds.lowerBound > 0 {
                alternatives.append(
                    (
                        .logUniform(range, bounds: real.bounds, quantum: real.quantum), nil, text("log_uniform", range)
                    ))
            }
        }
        alternatives.append((self, .step(), "write explore: {step: 0.1} for it"))
        return alternatives
    }
}

extension ExploreRule.Perturbation {
    /// The moves that a range of them lies between, or all of a list.
    fileprivate var extremeMoves: [Dimension.Move] {
        switch self {
        case .factors(let factors): factors.map { .factor($0) }
        case .uniform(let lower, let upper): [.factor(lower), .factor(upper)]
        case .steps(let sizes): sizes.flatMap { [.step($0), .step(-$0)] }
        case .uniformSteps(let lower, let upper): [lower, upper].flatMap { [.step($0), .step(-$0)] }
        case .normalSteps(let deviation): [.step(deviation), .step(-deviation)]
        }
    }
}
