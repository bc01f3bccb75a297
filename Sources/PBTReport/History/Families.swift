// SPDX-License-Identifier: Apache-2.0

public import PBT

/// The families of the current population: the descendants of its few remaining ancestors.
///
/// Colored by founder, a chart turns monochrome just when PBT works, since all members soon descend from one founder.
/// Families are therefore distinguished at the greatest lineage depth at which the current population has at most six
/// ancestors.
public struct Families: Sendable {
    /// The maximum number of families.
    public static let limit = 6

    /// The newest interval of each member, unless it diverged or failed.
    public let population: [IntervalID]
    /// The number of founders, including restarted members.
    public let founders: Int
    /// The number of founders with descendants in the current population.
    public let foundersLeft: Int
    /// The ancestors of the families, the largest family first; empty when more than six founders are left, or the
    /// population is empty.
    public let ancestors: [IntervalID]
    /// The lineage depth at which the families part; none when there are no families.
    public let depth: Int?
    /// For each place in the genealogy, true for ancestors of the current population.
    package let survives: [Bool]
    /// For each place in the genealogy, the family; none before the families part.
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
        // The number of current members that descend from each ancestor.
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

    /// Returns the greatest depth at which the tips have at most six ancestors; a tip of less depth counts as its own.
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
