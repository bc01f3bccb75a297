// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// The members of a population that can be ranked, best first.
///
/// A member is ranked by its newest finite score, with the checkpoint that the score belongs to. It leaves when it is
/// replaced by a donor's copy, and returns with the first score of its new weights: until then its score would belong
/// to other weights (Jaderberg et al. 2017, algorithm 1: evaluation follows explore).
///
/// Finding a rank takes O(log n) comparisons, an update moves at most n small values; both are fast for 10,000 members.
public struct Population: Sendable {
    /// A ranked member.
    public struct Member: Sendable, Hashable, Identifiable {
        /// The member's number.
        public var id: Int
        /// The index of the interval that its score belongs to.
        public var index: Int
        /// The number of intervals of training in its checkpoint.
        public var depth: Int
        /// The score; finite.
        public var score: Double
        /// The last scores since it was last replaced, oldest first; as many as the exploit rule uses.
        public var window: [Double]
        /// The hyperparameters that led to the score.
        public var hyperparameters: Hyperparameters

        /// Creates a member with a finite score.
        public init(
            id: Int, index: Int, depth: Int, score: Double, window: [Double] = [], hyperparameters: Hyperparameters
        ) {
            precondition(score.isFinite, "only a finite score can be ranked")
            self.id = id
            self.index = index
            self.depth = depth
            self.score = score
            self.window = window.isEmpty ? [score] : window
            self.hyperparameters = hyperparameters
        }

        /// The interval that its score and checkpoint belong to.
        public var interval: IntervalID {
            IntervalID(member: id, index: index)
        }
    }

    /// A place in the ranking: by score, with exact ties broken by a draw that belongs to the interval.
    private struct Standing: Sendable {
        let key: Double
        let tie: UInt64
        let id: Int

        func precedes(_ other: Self) -> Bool {
            if key != other.key { return key > other.key }
            if tie != other.tie { return tie < other.tie }
            return id < other.id
        }
    }

    /// The objective.
    public let objective: Objective
    package let seed: UInt64
    /// The number of members, including those that cannot be ranked; grows if members come at any time.
    package var declaredSize: Int
    /// True if members whose scores are missing are not waited for: the ranked ones count as the whole population.
    package var isPartial = false
    /// The sub-populations that members are also ranked in; nil without.
    package private(set) var division: Division?
    /// The best intervals before those that are ranked, best first, to which members may return; see ``Elites``.
    package var elites: [Member] = []
    private var members: [Member?] = []
    private var order: [Standing] = []
    /// The ranked members of each sub-population, best first.
    private var inside: [[Standing]] = []
    private var derived = Derived()

    /// Creates an empty population.
    ///
    /// - Parameters:
    ///   - objective: The objective.
    ///   - seed: The experiment's seed, for the order of exact ties.
    ///   - size: The number of members, including those that have no score at present; by default the number of ranked
    ///     ones.
    public init(objective: Objective, seed: UInt64, size: Int = 0) {
        self.objective = objective
        self.seed = seed
        declaredSize = size
    }

    /// Creates an empty population that is also ranked in sub-populations.
    package init(objective: Objective, seed: UInt64, size: Int, division: Division?) {
        self.init(objective: objective, seed: seed, size: size)
        self.division = division
        inside = Array(repeating: [], count: division?.count ?? 0)
    }

    /// The number of members, including those that cannot be ranked at present.
    public var size: Int {
        max(declaredSize, count)
    }

    /// The number of ranked members.
    public var count: Int {
        order.count
    }

    /// The member with a number, if it is ranked.
    public subscript(id id: Int) -> Member? {
        members.indices.contains(id) ? members[id] : nil
    }

    /// The member at a rank, 0 being the best.
    public subscript(rank rank: Int) -> Member {
        guard let member = members[order[rank].id] else {
            preconditionFailure("a member in the ranking is in the population")
        }
        return member
    }

    /// Returns the rank of a member, 0 being the best; nil if it is not ranked.
    public func rank(of id: Int) -> Int? {
        self[id: id].map { Self.place(of: standing(of: $0), in: order) }
    }

    /// The ranked members, best first.
    public var ranked: [Member] {
        order.indices.map { self[rank: $0] }
    }

    /// Returns the scores of the best members, best first, with the sign for which greater is better.
    package func keys(ofBest count: Int) -> [Double] {
        order.prefix(count).map(\.key)
    }

    /// Inserts or updates a member.
    public mutating func update(_ member: Member) {
        remove(member.id)
        if member.id >= members.count {
            members.append(contentsOf: repeatElement(nil, count: member.id + 1 - members.count))
        }
        members[member.id] = member
        let standing = standing(of: member)
        order.insert(standing, at: Self.place(of: standing, in: order))
        if let number = division?.number(of: member.id) {
            inside[number].insert(standing, at: Self.place(of: standing, in: inside[number]))
        }
        forgetDerived()
    }

    /// Removes a member if it is ranked: it was replaced, or its score is not finite.
    public mutating func remove(_ id: Int) {
        guard let member = self[id: id] else { return }
        let standing = standing(of: member)
        order.remove(at: Self.place(of: standing, in: order))
        if let number = division?.number(of: id) {
            inside[number].remove(at: Self.place(of: standing, in: inside[number]))
        }
        members[id] = nil
        forgetDerived()
    }

    private func standing(of member: Member) -> Standing {
        // Adding zero turns -0 into 0, so that they tie.
        Standing(key: objective.key(member.score) + 0, tie: Self.tie(of: member.interval, seed: seed), id: member.id)
    }

    /// Returns the place of an interval among those with equal scores.
    static func tie(of interval: IntervalID, seed: UInt64) -> UInt64 {
        var mixer = SplitMix64(
            seed: RandomStream.hash(
                seed: seed, purpose: .tie, member: interval.member, index: interval.index, name: ""))
        return mixer.next()
    }

    /// Returns the index of a place in the ranking, or where it would be inserted.
    private static func place(of standing: Standing, in order: [Standing]) -> Int {
        var low = 0
        var high = order.count
        while low < high {
            let middle = (low + high) / 2
            if order[middle].precedes(standing) { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

// MARK: Sub-populations

extension Population {
    /// Returns the population ranked in sub-populations too; itself if it is already.
    package func divided(by division: Division) -> Self {
        guard self.division != division else { return self }
        var copy = self
        copy.division = division
        copy.inside = Array(repeating: [], count: division.count)
        for standing in order { copy.inside[division.number(of: standing.id)].append(standing) }
        copy.derived = Derived()
        return copy
    }

    /// Returns the number of ranked members of a sub-population.
    package func count(of number: Int) -> Int {
        inside[number].count
    }

    /// Returns the member at a rank inside a sub-population, 0 being the best.
    package func member(at position: Int, of number: Int) -> Member {
        guard let member = members[inside[number][position].id] else {
            preconditionFailure("a member in the ranking is in the population")
        }
        return member
    }

    /// Returns the rank of a member inside its sub-population; nil if it is not ranked.
    package func position(of id: Int) -> Int? {
        guard let division, let member = self[id: id] else { return nil }
        return Self.place(of: standing(of: member), in: inside[division.number(of: id)])
    }

    /// The number of the member at a rank.
    package subscript(idAt rank: Int) -> Int {
        order[rank].id
    }
}

// MARK: Derived results

extension Population {
    /// A candidate for a place for migrants.
    package struct Migration: Sendable {
        /// The rank of the best member of other sub-populations that no better place has taken.
        package var candidate: Int?
        /// True if the candidate ranks better than the member at that place.
        package var isTaken: Bool
    }

    /// Results that follow from a ranking, computed once for all decisions about it and shared by its copies.
    ///
    /// Pure: they depend on nothing but the ranking, its size, and the keys.
    private final class Derived: Sendable {
        struct Top: Hashable {
            var count: Int
            var depth: Int
        }

        struct Part: Hashable {
            var number: Int
            var size: Int
            var isPartial: Bool
        }

        struct Results {
            var candidates: [Top: [Member]] = [:]
            var migrations: [Part: [Migration]] = [:]
            var unranked: [Part: [Int]] = [:]
            var spread: Spread?

            var isEmpty: Bool { candidates.isEmpty && migrations.isEmpty && unranked.isEmpty && spread == nil }
        }

        let results = Mutex(Results())

        var isEmpty: Bool { results.withLock(\.isEmpty) }
    }

    private mutating func forgetDerived() {
        if !isKnownUniquelyReferenced(&derived) || !derived.isEmpty { derived = Derived() }
    }

    /// Returns the best `count` members, preferring those of no greater depth: all of them if all have a greater one.
    package func candidates(fromTop count: Int, depth: Int) -> [Member] {
        derived.results.withLock { results in
            let key = Derived.Top(count: count, depth: depth)
            if let known = results.candidates[key] { return known }
            let top = (0..<count).map { self[rank: $0] }
            let level = top.filter { $0.depth <= depth }
            let candidates = level.isEmpty ? top : level
            results.candidates[key] = candidates
            return candidates
        }
    }

    /// The spread of some of the scores; see ``ExploitGate/spread``.
    private struct Spread: Sendable {
        /// The greatest magnitude.
        var greatest: Double
        /// The standard deviations of the scores times a scale, by the scale.
        var deviations: [Double: Double] = [:]
    }

    /// The greatest magnitude of the scores without the worst fifth, rounded down.
    package var greatestOfBest: Double {
        derived.results.withLock { results in
            if let known = results.spread { return known.greatest }
            let greatest = keys(ofBest: count - count / 5).reduce(0) { max($0, $1.magnitude) }
            results.spread = Spread(greatest: greatest)
            return greatest
        }
    }

    /// Returns the standard deviation of the scores without the worst fifth, rounded down, each times a scale.
    package func deviationOfBest(scale: Double, _ compute: ([Double]) -> Double) -> Double {
        let greatest = greatestOfBest
        return derived.results.withLock { results in
            if let known = results.spread?.deviations[scale] { return known }
            let deviation = compute(keys(ofBest: count - count / 5))
            results.spread = results.spread ?? Spread(greatest: greatest)
            results.spread?.deviations[scale] = deviation
            return deviation
        }
    }

    /// Returns the migrations into a sub-population, which are computed on first use.
    package func migrations(into number: Int, _ compute: () -> [Migration]) -> [Migration] {
        let key = Derived.Part(number: number, size: size, isPartial: isPartial)
        if let known = derived.results.withLock({ $0.migrations[key] }) { return known }
        let migrations = compute()
        derived.results.withLock { $0.migrations[key] = migrations }
        return migrations
    }

    /// Returns the place of an unranked member among the unranked of its sub-population, by number.
    package func unrankedPosition(of id: Int, in members: some Sequence<Int>, _ number: Int) -> Int {
        let key = Derived.Part(number: number, size: size, isPartial: isPartial)
        let unranked = derived.results.withLock { results in
            if let known = results.unranked[key] { return known }
            let unranked = members.filter { self[id: $0] == nil }
            results.unranked[key] = unranked
            return unranked
        }
        var (low, high) = (0, unranked.count)
        while low < high {
            let middle = (low + high) / 2
            if unranked[middle] < id { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
