// SPDX-License-Identifier: Apache-2.0

/// A choice of donors written in Swift.
///
/// Pure: the same arguments and draws give the same answer.
public protocol ExploitStrategy: Sendable {
    /// The donor for a member, or none when it goes on by itself.
    ///
    /// Not asked about a member that cannot be ranked: such a one is always replaced.
    ///
    /// - Parameters:
    ///   - member: The member whose interval has just finished.
    ///   - population: The members that can be ranked, this one among them.
    ///   - random: The stream of this decision.
    /// - Returns: The donor's number, if any; the member's own number counts as none.
    func donor(
        for member: Population.Member, in population: Population, using random: inout RandomStream
    ) -> Int?
}

/// A change of hyperparameters written in Swift.
///
/// Pure: the same arguments and draws give the same answer.
public protocol ExploreStrategy: Sendable {
    /// The hyperparameters of a member that takes over a donor.
    ///
    /// What it returns is brought into the space: numbers outside their bounds are cut to them, and what is not a legal
    /// value keeps the donor's.
    ///
    /// - Parameters:
    ///   - own: The member's own hyperparameters until now.
    ///   - donor: The donor.
    ///   - population: The members that can be ranked.
    ///   - space: The search space.
    ///   - random: The stream of this decision.
    /// - Returns: The new hyperparameters.
    func explore(
        own: Hyperparameters, donor: Population.Member, in population: Population, space: SearchSpace,
        using random: inout RandomStream
    ) -> Hyperparameters
}

/// The strategies written in Swift that a process knows, by the names that experiments store.
public struct Strategies: Sendable {
    /// Exploit strategies by name.
    public var exploit: [String: any ExploitStrategy]
    /// Explore strategies by name.
    public var explore: [String: any ExploreStrategy]

    /// Strategies by name; none by default.
    public init(exploit: [String: any ExploitStrategy] = [:], explore: [String: any ExploreStrategy] = [:]) {
        self.exploit = exploit
        self.explore = explore
    }

    /// Checks that every strategy that an experiment names is here.
    ///
    /// - Parameter experiment: The experiment.
    /// - Throws: A ``PBTError`` with code ``PBTError/Code/noSuchStrategy`` that names the first one missing.
    public func check(_ experiment: Experiment) throws {
        if case .custom(let name) = experiment.exploit.kind, exploit[name] == nil {
            throw Self.missing(name, "exploit")
        }
        let rules = [experiment.explore] + experiment.space.dimensions.values.compactMap(\.explore)
        for rule in rules {
            if case .custom(let name) = rule.kind, explore[name] == nil {
                throw Self.missing(name, "explore")
            }
        }
    }

    private static func missing(_ name: String, _ kind: String) -> PBTError {
        PBTError(
            .noSuchStrategy,
            "the experiment's \(kind) strategy \"\(name)\" is written in Swift, and this program does not have it; "
                + "open the store with it in `Strategies`")
    }
}
