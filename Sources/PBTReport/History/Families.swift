// SPDX-License-Identifier: Apache-2.0

public import PBT

/// What is left of today's population's ancestors.
///
/// Colored by founder, a picture turns monochrome just when PBT works, since one founder soon owns all. So families
/// are told apart at the greatest amount of training at which today's population has at most six ancestors.
public struct Families: Sendable {
    /// How many families are told apart at most.
    public static let limit = 6

    /// Each member's newest interval, unless that one diverged or failed.
    public let population: [IntervalID]
    /// How many founders there were, restarted members among them.
    public let founders: Int
    /// How many of them have descendants in today's population.
    public let foundersLeft: Int
    /// The ancestors that today's families descend from, the largest family first; empty when there are more than six
    /// founders left, or nobody.
    public let ancestors: [IntervalID]
    /// After how many intervals of training the families part; none when there are no families.
    public let depth: Int?
    /// For each place in the genealogy: whether it is an ancestor of today's population.
    package let survives: [Bool]
    /// For each place in the genealogy: the family, or none before the families part.
    package let family: [Int?]

    init(_ genealogy: Genealogy, _ columns: Columns) {
        let count = columns.ids.count
        let tips = columns.tips.filter { !columns.isLost($0) }
        var survives = [Bool](repeating: false, count: count)
        var founders = 0
        for tip in tips {
            var current: Int? = tip
            while let place = current, !survives[place] {
                survives[place] = true
                current = genealogy.parents[place]
                if current == nil { founders += 1 }
            }
        }
        self.survives = survives
        population = tips.map { columns.ids[$0] }
        foundersLeft = founders
        self.founders = genealogy.parents.count { $0 == nil }

        let parting = Self.parting(columns.depths, survives: survives, tips: tips)
        depth = parting
        var family = [Int?](repeating: nil, count: count)
        guard let parting else {
            ancestors = []
            self.family = family
            return
        }
        // How many of today's members descend from each ancestor.
        var sizes: [Int: Int] = [:]
        let roots = tips.map { tip in
            var place = tip
            while columns.depths[place] > parting, let parent = genealogy.parents[place] { place = parent }
            sizes[place, default: 0] += 1
            return place
        }
        let order = sizes.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map(\.key)
        let numbers = Dictionary(uniqueKeysWithValues: order.enumerated().map { ($1, $0) })
        for (tip, root) in zip(tips, roots) {
            var place = tip
            while family[place] == nil {
                family[place] = numbers[root]
                guard place != root, let parent = genealogy.parents[place] else { break }
                place = parent
            }
        }
        ancestors = order.map { columns.ids[$0] }
        self.family = family
    }

    /// The greatest depth at which the tips have at most six ancestors, a tip of less depth counting as its own.
    private static func parting(_ depths: [Int], survives: [Bool], tips: [Int]) -> Int? {
        var ancestors: [Int: Int] = [:]
        for place in depths.indices where survives[place] {
            ancestors[depths[place], default: 0] += 1
        }
        var ended: [Int: Int] = [:]
        for tip in tips { ended[depths[tip], default: 0] += 1 }
        var shallower = 0
        var parting: Int?
        for depth in ancestors.keys.sorted() {
            guard (ancestors[depth] ?? 0) + shallower <= limit else { break }
            parting = depth
            shallower += ended[depth] ?? 0
        }
        return parting
    }
}
