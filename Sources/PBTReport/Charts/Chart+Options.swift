// SPDX-License-Identifier: Apache-2.0

public import PBT

extension Chart {
    /// Colors for a light or a dark surface.
    public enum Theme: String, Sendable, Hashable, CaseIterable {
        /// Dark on white.
        case light
        /// Light on black.
        case dark
        /// The variables of a page's style sheet, for SVG inside HTML; see ``Chart/cssVariables(_:)``.
        ///
        /// Each piece of a member's life is an element of its own, with the number of the ``Piece`` as its `data-p`, so
        /// that a script can highlight a lineage in all charts of a page; the lineage that is highlighted initially has
        /// the class `tip`. Font and surface are inherited from the page.
        case page
    }

    /// The widths with a layout of their own.
    ///
    /// A chart is laid out for its width and never scaled down, so text stays readable.
    public enum Width: Int, Sendable, Hashable, CaseIterable {
        /// 360 pixels: a phone.
        case narrow = 360
        /// 640 pixels: half a page.
        case medium = 640
        /// 960 pixels: a page.
        case wide = 960

        /// Creates the widest width that fits into a number of pixels, or else the narrowest.
        public init(fitting pixels: Int) {
            self = Self.allCases.last { $0.rawValue <= pixels } ?? .narrow
        }
    }

    /// The scale of the score axis.
    public enum ScoreScale: Sendable, Hashable {
        /// Linear.
        case linear
        /// Logarithmic; scores that are not above 0 are omitted.
        case logarithmic
        /// The distance from a bound that no score exceeds, on a logarithmic scale; readable when all scores are near
        /// it.
        case error(bound: Double)
    }

    /// The quantity that the colors of lines encode.
    public enum Color: Sendable, Hashable {
        /// The family that a line belongs to; see ``Families``. Extinct lineages are gray.
        case family
        /// The founder that a line descends from.
        case founder
        /// The rank of the last score.
        case score
        /// The value of a hyperparameter.
        case hyperparameter(String)
    }

    /// The quantity on the horizontal axis.
    public enum Axis: String, Sendable, Hashable, CaseIterable {
        /// The number of training intervals that a checkpoint holds: its lineage depth.
        case training
        /// The time since the start of the experiment's first interval.
        case time
    }

    /// The lives that a lineage chart shows.
    public enum Lanes: String, Sendable, Hashable, CaseIterable {
        /// All of them.
        case all
        /// Those with descendants in today's population.
        case survivors
        /// The highlighted lineage only.
        case path
    }

    /// The order of a lineage chart's rows.
    public enum RowOrder: String, Sendable, Hashable, CaseIterable {
        /// By the number of the member.
        case member
        /// Members of one family together, the largest family first.
        case family
    }

    /// The options of a chart.
    public struct Options: Sendable, Hashable {
        /// Its colors.
        public var theme: Theme
        /// Its width.
        public var width: Width
        /// The scale of the score axis.
        public var scale: ScoreScale
        /// The interval whose lineage is highlighted; none: the best.
        public var tip: IntervalID?
        /// True to show the baseline, if there is one.
        public var showsBaseline: Bool
        /// The hyperparameters of a scatter chart's two axes; none: the first two that vary, those on a logarithmic
        /// scale first.
        public var hyperparameters: [String]
        /// The quantity that colors encode, in learning curves and lineages; of a founder share, ``Color/family`` or
        /// ``Color/founder``.
        public var color: Color
        /// The number of members whose lines are shown, those with the best newest scores; none: all of them.
        public var top: Int?
        /// The horizontal axis of learning curves, schedules and comparisons.
        public var axis: Axis
        /// The lives that a lineage chart shows; none: all of up to 30 members, else the survivors.
        public var lanes: Lanes?
        /// The order of a lineage chart's rows.
        public var order: RowOrder
        /// True for a scatter chart to mark the best configuration of each interval with a star.
        public var showsBestOfEach: Bool

        /// Creates options.
        public init(
            theme: Theme = .light, width: Width = .medium, scale: ScoreScale = .linear, tip: IntervalID? = nil,
            showsBaseline: Bool = true, hyperparameters: [String] = [], color: Color = .family, top: Int? = nil,
            axis: Axis = .training, lanes: Lanes? = nil, order: RowOrder = .member, showsBestOfEach: Bool = false
        ) {
            self.theme = theme
            self.width = width
            self.scale = scale
            self.tip = tip
            self.showsBaseline = showsBaseline
            self.hyperparameters = hyperparameters
            self.color = color
            self.top = top
            self.axis = axis
            self.lanes = lanes
            self.order = order
            self.showsBestOfEach = showsBestOfEach
        }
    }

    /// Returns the height for a width.
    static func height(of width: Width, _ narrow: Double, _ medium: Double, _ wide: Double) -> Double {
        switch width {
        case .narrow: narrow
        case .medium: medium
        case .wide: wide
        }
    }
}
