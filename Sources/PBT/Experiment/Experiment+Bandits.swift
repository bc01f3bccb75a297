// SPDX-License-Identifier: Apache-2.0

extension Experiment {
    /// True if a rule learns from finished intervals, so that decisions need their history.
    package var learnsFromHistory: Bool {
        exploreRules.contains(where: \.learnsFromHistory)
    }

    /// True if explore depends on all members: a rule learns from all intervals, or a strategy is given the population.
    package var exploresFromAll: Bool {
        exploreRules.contains { rule in
            if case .custom = rule.kind { true } else { rule.learnsFromHistory }
        }
    }

    /// Returns what the model of a rule suggests for an interval that takes over a donor; nil if the rule has none, or
    /// nothing can be learned yet.
    func suggestion(
        by rule: ExploreRule, from donor: Population.Member, for next: IntervalID,
        learningFrom history: IntervalHistory?
    ) throws -> PB2Model.Suggestion? {
        guard case .pb2(let settings) = rule.kind else { return nil }
        guard let history else {
            throw PBTError(
                .badValue,
                "explore \(settings.name) learns from the finished intervals: pass their history when you call decide")
        }
        let key = PB2Model.Key(index: next.index - 1, settings: settings)
        // Taken out while it is changed, so that it is not copied.
        guard
            var model = try history.models.removeValue(forKey: key)
                ?? PB2Model(upTo: next.index - 1, in: history, of: self, settings)
        else { return nil }
        let suggestion = model.suggestion(
            for: next, from: donor, besides: try history.explored(at: next.index, but: next.member), in: self)
        history.models[key] = model
        return suggestion
    }
}
