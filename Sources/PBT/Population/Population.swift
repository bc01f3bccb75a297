// SPDX-License-Identifier: Apache-2.0

/// The members of a population that can be ranked, best first.
///
/// A member stands in it with its newest finite score and the checkpoint which that score measured. It leaves when a
/// donor takes its place, and comes back with the first score of its new weights: until then it would be ranked by a
/// score that is no longer its own (Jaderberg et al. 2017, algorithm 1: evaluation follows explore).
///
/// Finding a rank takes O(log n) comparisons, a change moves at most n small values; both are fast for 10,000 members.
public struct Population: Sendable {
    /// One member as others see it.
    public struct Member: Sendable, Hashable, Identifiable {
        /// The member's number.
        public var id: Int
        /// The index of the interval that its score belongs to.
        public var index: Int
        /// How many intervals of training its checkpoint holds.
        public var depth: Int
        /// Its score; finite.
        public var score: Double
        /// Its last scores since a donor last took its place, oldest first; as many as the exploit rule looks at.
        public var window: [Double]
        /// The hyperparameters that led to the score.
        public var hyperparameters: Hyperparameters

        /// A member with a finite score.
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

    /// A place in the order: by score, exact ties by a draw that belongs to the interval.
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

    /// What the members are judged by.
    public let objective: Objective
    package let seed: UInt64
    /// How many members there are, those included that cannot be ranked; it grows where members come at any time.
    package var declaredSize: Int
    private var members: [Member?] = []
    private var order: [Standing] = []

    /// An empty population.
    ///
    /// - Parameters:
    ///   - objective: What the members are judged by.
    ///   - seed: The experiment's seed, for the order of exact ties.
    ///   - size: How many members the population has, those included that have no score of their own now; those that
    ///     can be ranked when not given.
    public init(objective: Objective, seed: UInt64, size: Int = 0) {
        self.objective = objective
        self.seed = seed
        declaredSize = size
    }

    /// How many members the population has, those included that cannot be ranked now.
    public var size: Int {
        max(declaredSize, count)
    }

    /// How many members can be ranked.
    public var count: Int {
        order.count
    }

    /// The member of that number, if it can be ranked.
    public subscript(id id: Int) -> Member? {
        members.indices.contains(id) ? members[id] : nil
    }

    /// The member at that rank, 0 being the best.
    public subscript(rank rank: Int) -> Member {
        guard let member = members[order[rank].id] else {
            preconditionFailure("a member that stands in the order is in the population")
        }
        return member
    }

    /// The rank of a member, 0 being the best; none when it cannot be ranked.
    public func rank(of id: Int) -> Int? {
        self[id: id].map { place(of: standing(of: $0)) }
    }

    /// All members, best first.
    public var ranked: [Member] {
        order.indices.map { self[rank: $0] }
    }

    /// Sets a member's newest score, whether or not it stood there before.
    public mutating func update(_ member: Member) {
        remove(member.id)
        if member.id >= members.count {
            members.append(contentsOf: repeatElement(nil, count: member.id + 1 - members.count))
        }
        members[member.id] = member
        let standing = standing(of: member)
        order.insert(standing, at: place(of: standing))
    }

    /// Takes a member out, if it stands there: a donor took its place, or its score is no finite number.
    public mutating func remove(_ id: Int) {
        guard let member = self[id: id] else { return }
        order.remove(at: place(of: standing(of: member)))
        members[id] = nil
    }

    private func standing(of member: Member) -> Standing {
        // Adding zero turns -0 into 0, so that the two tie.
        Standing(key: objective.key(member.score) + 0, tie: tie(of: member.interval), id: member.id)
    }

    private func tie(of interval: IntervalID) -> UInt64 {
        var mixer = SplitMix64(
            seed: RandomStream.hash(
                seed: seed, purpose: .tie, member: interval.member, index: interval.index, name: ""))
        return mixer.next()
    }

    /// Where a standing is, or would be, in the order.
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
