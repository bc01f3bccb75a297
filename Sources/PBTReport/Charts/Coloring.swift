// SPDX-License-Identifier: Apache-2.0

import PBT

/// The colors of pieces in a chart: at most six hues, or a ramp of five steps.
struct Coloring {
    /// The style of a line.
    struct Tone {
        var color: String
        /// The width of a line, as a multiple of the usual width.
        var weight = 1.0
        /// True for a pale line, whose lineage is extinct.
        var isFaint = false
        var opacity: String?
    }

    /// The tones, from the bottom layer to the top.
    private(set) var tones: [Tone] = []
    /// The index of each piece's tone.
    private(set) var toneOfPiece: [Int] = []
    /// The entries of the legend that explain the colors.
    private(set) var key: [(mark: Legend.Mark, text: String)] = []
    /// True when gray marks extinct lineages.
    private(set) var isFamily = false

    init(_ history: History, _ color: Chart.Color, _ palette: Palette) {
        switch color {
        case .family: byFamily(history, palette)
        case .founder: byFounder(history, palette)
        case .score: byScore(history, palette)
        case .hyperparameter(let name): byHyperparameter(name, history, palette)
        }
    }

    /// Returns the tone of a piece.
    func tone(of piece: Piece) -> Tone {
        tones[toneOfPiece[piece.id]]
    }

    private mutating func byFamily(_ history: History, _ palette: Palette) {
        isFamily = true
        let families = history.families
        tones = [Tone(color: palette.extinct, isFaint: true, opacity: "0.8"), Tone(color: palette.trunk)]
        tones += palette.families.map { Tone(color: $0) }
        toneOfPiece = history.pieces.map { piece in
            guard let last = piece.places.last, families.survives[last] else { return 0 }
            return families.family[last].map { 2 + $0 % palette.families.count } ?? 1
        }
        if let depth = families.depth, families.ancestors.count > 1 {
            key = [
                (
                    .dots(Array(palette.families.prefix(families.ancestors.count))),
                    "Families since interval \(depth)"
                )
            ]
        }
    }

    /// Adds a faint tone and a full one for each color; the faint ones are below.
    private mutating func pairs(_ colors: [(color: String, weight: Double)]) {
        tones =
            colors.map { Tone(color: $0.color, weight: $0.weight, isFaint: true, opacity: "0.5") }
            + colors.map { Tone(color: $0.color, weight: $0.weight) }
    }

    private mutating func assign(_ history: History, count: Int, _ color: (Piece) -> Int?) {
        // Pieces without a color are faint and gray, at the bottom.
        toneOfPiece = history.pieces.map { piece in
            guard let color = color(piece) else { return 0 }
            let survives = piece.places.last.map { history.families.survives[$0] } ?? false
            return 1 + color + (survives ? count : 0)
        }
    }

    private mutating func byFounder(_ history: History, _ palette: Palette) {
        let founders = Founders(history)
        let named = Array(founders.ranked.prefix(palette.families.count))
        let numbers = Dictionary(uniqueKeysWithValues: named.enumerated().map { ($1, $0) })
        pairs(named.indices.map { (palette.families[$0], 1.0) })
        tones.insert(Tone(color: palette.extinct, isFaint: true, opacity: "0.8"), at: 0)
        assign(history, count: named.count) { numbers[founders.ofPiece[$0.id]] }
        key = named.enumerated().map { place, piece in
            (.dots([palette.families[place]]), "Founder \(history.pieces[piece].founderName)")
        }
        if founders.ranked.count > named.count {
            key.append((.line(palette.extinct, width: 1.5, dash: nil), "\(founders.ranked.count - named.count) others"))
        }
    }

    private mutating func steps(_ history: History, _ palette: Palette, _ share: (Piece) -> Double?) {
        let last = palette.ramp.count - 1
        pairs(palette.ramp.enumerated().map { ($1, 0.7 + 0.2 * Double($0)) })
        tones.insert(Tone(color: palette.extinct, isFaint: true, opacity: "0.8"), at: 0)
        assign(history, count: palette.ramp.count) { piece in
            share(piece).map { min(last, max(0, Int(saturating: $0 * Double(last + 1)))) }
        }
    }

    private mutating func byScore(_ history: History, _ palette: Palette) {
        let objective = history.record.experiment.objective
        let scores = history.pieces.map { piece in
            piece.places.compactMap { place -> Double? in
                let score = history.columns.scores[place]
                return score.isNaN ? nil : objective.key(score)
            }.last
        }
        // By rank, since many scores are close to the best.
        let order = scores.indices.filter { scores[$0] != nil }
            .sorted { (scores[$0] ?? 0, $0) < (scores[$1] ?? 0, $1) }
        var ranks = [Double?](repeating: nil, count: scores.count)
        for (rank, piece) in order.enumerated() { ranks[piece] = Double(rank) / Double(order.count) }
        steps(history, palette) { ranks[$0.id] }
        key = [(.dots(palette.ramp), "Last score, by quintile: worst to best")]
    }

    private mutating func byHyperparameter(_ name: String, _ history: History, _ palette: Palette) {
        let label = XML.name(name, width: 24)
        guard let varying = history.varying.first(where: { $0.name == name }) else {
            tones = [Tone(color: palette.trunk)]
            toneOfPiece = [Int](repeating: 0, count: history.pieces.count)
            key = [(.none, "\(label) is constant")]
            return
        }
        if let categories = varying.categories {
            let count = min(categories.count, palette.families.count)
            pairs((0..<count).map { (palette.families[$0], 1.0) })
            tones.insert(Tone(color: palette.extinct, isFaint: true, opacity: "0.8"), at: 0)
            assign(history, count: count) { piece in
                piece.places.last.flatMap { varying.category(at: $0) }.flatMap { $0 < count ? $0 : nil }
            }
            key = (0..<count).map {
                (.dots([palette.families[$0]]), "\(label) \(XML.name(Format.value(categories[$0]), width: 16))")
            }
            if categories.count > count {
                key.append((.line(palette.extinct, width: 1.5, dash: nil), "\(categories.count - count) other values"))
            }
            return
        }
        let numbers = history.pieces.compactMap { $0.places.last.map { varying.numbers[$0] } }
            .filter { varying.isDrawn($0) }
        let scale = Scale(fitting: numbers, isLogarithmic: varying.isLogarithmic)
        steps(history, palette) { $0.places.last.flatMap { scale.share(varying.numbers[$0]) } }
        key = [
            (
                .dots(palette.ramp),
                "\(label) \(Format.significant(numbers.min() ?? 0, digits: 3)) to "
                    + Format.significant(numbers.max() ?? 0, digits: 3)
            )
        ]
    }
}

/// The founders of all pieces.
struct Founders {
    /// The first piece of each piece's lineage.
    let ofPiece: [Int]
    /// The founders' first pieces: those with the most current members first, then those with most intervals.
    let ranked: [Int]
    /// The number of current members that descend from each founder's first piece.
    let today: [Int: Int]

    init(_ history: History) {
        let pieces = history.pieces
        var roots = [Int?](repeating: nil, count: pieces.count)
        for piece in pieces {
            var path: [Int] = []
            var current = piece.id
            while roots[current] == nil, let parent = pieces[current].parent {
                path.append(current)
                current = parent
            }
            let root = roots[current] ?? current
            roots[current] = root
            for step in path { roots[step] = root }
        }
        let ofPiece = roots.enumerated().map { $1 ?? $0 }
        self.ofPiece = ofPiece
        var intervals: [Int: Int] = [:]
        for piece in pieces { intervals[ofPiece[piece.id], default: 0] += piece.places.count }
        var today: [Int: Int] = [:]
        for tip in history.families.population {
            if let place = history.genealogy.place(of: tip) {
                today[ofPiece[history.pieceOfPlace[place]], default: 0] += 1
            }
        }
        self.today = today
        ranked = intervals.sorted {
            (today[$1.key] ?? 0, $1.value, $0.key) < (today[$0.key] ?? 0, $0.value, $1.key)
        }.map(\.key)
    }

    /// Returns the effective number of founders of a population: the exponential of the entropy of their shares, which
    /// is Hill's number of order 1.
    ///
    /// It is the number of founders with equal shares that would be as diverse; 0 for an empty population.
    static func effective(_ counts: some Sequence<Int>) -> Double {
        let total = Double(counts.reduce(0, +))
        guard total > 0 else { return 0 }
        return Mathematics.exp(
            counts.reduce(0.0) { sum, count in
                guard count > 0 else { return sum }
                let share = Double(count) / total
                return sum - share * Mathematics.log(share)
            })
    }
}

extension Piece {
    /// The name of a founder: its member, and the number of the life unless it is the member's first.
    var founderName: String {
        life == 0 ? "\(member)" : "\(member).\(life)"
    }
}
