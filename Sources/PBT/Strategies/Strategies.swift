// SPDX-License-Identifier: Apache-2.0

/// An exploit strategy written in Swift: a choice of donors.
///
/// Must be pure: the same arguments and draws give the same result.
public protocol ExploitStrategy: Sendable {
    /// Returns the donor for a member, or nil if the member continues with its own weights.
    ///
    /// Not called for a member that cannot be ranked, which is always replaced.
    ///
    /// - Parameters:
    ///   - member: The member whose interval has just finished.
    ///   - population: The members that can be ranked, including this one.
    ///   - random: The stream of this decision.
    /// - Returns: The donor's number, if any; the member's own number means none.
    func donor(
        for member: Population.Member, in population: Population, using random: inout RandomStream
    ) -> Int?
}

/// An explore strategy written in Swift: a change of hyperparameters.
///
/// Must be pure: the same arguments and draws give the same result.
public protocol ExploreStrategy: Sendable {
    /// Returns the hyperparameters of a member that takes over a donor.
    ///
    /// The result is restricted to the space: numbers are clipped to their bounds, and other illegal values are
    /// replaced by the donor's.
    ///
    /// - Parameters:
    ///   - own: The member's own hyperparameters so far.
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

/// The strategies written in Swift that a process has, by the names that experiments refer to.
public struct Strategies: Sendable {
    /// Exploit strategies by name.
    public var exploit: [String: any ExploitStrategy]
    /// Explore strategies by name.
    public var explore: [String: any ExploreStrategy]

    /// Creates a set of strategies; empty by default.
    public init(exploit: [String: any ExploitStrategy] = [:], explore: [String: any ExploreStrategy] = [:]) {
        self.exploit = exploit
        self.explore = explore
    }

    /// Checks that every strategy that an experiment names is present.
    ///
    /// - Parameter experiment: The experiment.
    /// - Throws: A ``PBTError`` with code ``PBTError/Code/noSuchStrategy`` that names the first one missing.
    public func check(_ experiment: Experiment) throws {
        if case .custom(let name) = experiment.exploit.kind, exploit[name] == nil {
            throw Self.missing(name, "exploit")
        }
        for rule in experiment.exploreRules {
            if case .custom(let name) = rule.kind, explore[name] == nil {
                throw Self.missing(name, "explore")
            }
        }
    }

    private static func missing(_ name: String, _ kind: String) -> PBTError {
        PBTError(
            .noSuchStrategy,
            "the experiment's \(kind) strategy \"\(name)\" is written in Swift, and this program lacks it; "
                + "open the store with it in `Strategies`")
    }
}
