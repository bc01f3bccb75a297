// SPDX-License-Identifier: Apache-2.0

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
    private var members: [Member?] = []
    private var order: [Standing] = []

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
        self[id: id].map { place(of: standing(of: $0)) }
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
        order.insert(standing, at: place(of: standing))
    }

    /// Removes a member if it is ranked: it was replaced, or its score is not finite.
    public mutating func remove(_ id: Int) {
        guard let member = self[id: id] else { return }
        order.remove(at: place(of: standing(of: member)))
        members[id] = nil
    }

    private func standing(of member: Member) -> Standing {
        // Adding zero turns -0 into 0, so that they tie.
        Standing(key: objective.key(member.score) + 0, tie: tie(of: member.interval), id: member.id)
    }

    private func tie(of interval: IntervalID) -> UInt64 {
        var mixer = SplitMix64(
            seed: RandomStream.hash(
                seed: seed, purpose: .tie, member: interval.member, index: interval.index, name: ""))
        return mixer.next()
    }

    /// Returns the index of a place in the ranking, or where it would be inserted.
    private func place(of standing: Standing) -> Int {
        var low = 0
        var high = order.count
        while low < high {
            let middle = (low + high) / 2
            if order[middle].precedes(standing) { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
