// SPDX-License-Identifier: Apache-2.0

public import PBT

extension Chart {
    /// Colors for a light or a dark surface.
    public enum Theme: String, Sendable, Hashable, CaseIterable {
        /// Dark on white.
        case light
        /// Light on black.
        case dark
        /// The variables of a page's style sheet, for SVG inside of HTML; see ``Chart/cssVariables(_:)``.
        ///
        /// Each piece of a member's life is an element of its own, with the number of the ``Piece`` as its `data-p`, so
        /// that a script can make an ancestry stand out in all pictures of a page; the lineage that stands out from the
        /// beginning has the class `tip`. Font and surface are the page's.
        case page
    }

    /// The widths that there are layouts for.
    ///
    /// A picture is made for its width, never shrunk, so text stays readable.
    public enum Width: Int, Sendable, Hashable, CaseIterable {
        /// 360 pixels: a phone.
        case narrow = 360
        /// 640 pixels: half a page.
        case medium = 640
        /// 960 pixels: a page.
        case wide = 960

        /// The widest that fits into so many pixels, or the narrowest.
        public init(fitting pixels: Int) {
            self = Self.allCases.last { $0.rawValue <= pixels } ?? .narrow
        }
    }

    /// How scores become heights.
    public enum ScoreScale: Sendable, Hashable {
        /// Equal differences are equally high.
        case linear
        /// Equal factors are equally high; scores that are not above 0 are left out.
        case logarithmic
        /// The distance from a score that cannot be surpassed, logarithmic: what is readable when all scores are near it.
        case error(bound: Double)
    }

    /// What the colors of lines mean.
    public enum Color: Sendable, Hashable {
        /// What is left of today's population's ancestors; see ``Families``. Gray died out.
        case family
        /// The founder that a line descends from.
        case founder
        /// How good the last score is beside all others.
        case score
        /// The value of a hyperparameter.
        case hyperparameter(String)
    }

    /// What runs from left to right.
    public enum Axis: String, Sendable, Hashable, CaseIterable {
        /// How many intervals of training a checkpoint holds.
        case training
        /// The time since the experiment's first interval was begun.
        case time
    }

    /// Which lives a lineage chart shows.
    public enum Lanes: String, Sendable, Hashable, CaseIterable {
        /// All of them.
        case all
        /// Those with descendants in today's population.
        case survivors
        /// The lineage that stands out, and nothing else.
        case path
    }

    /// The order of a lineage chart's rows.
    public enum RowOrder: String, Sendable, Hashable, CaseIterable {
        /// By number of the member.
        case member
        /// Members of one family together, the largest family first.
        case family
    }

    /// What a picture shows, and how.
    public struct Options: Sendable, Hashable {
        /// Its colors.
        public var theme: Theme
        /// Its width.
        public var width: Width
        /// How scores become heights.
        public var scale: ScoreScale
        /// The interval whose lineage stands out; none: the best.
        public var tip: IntervalID?
        /// Whether the baseline is shown, if there is one.
        public var showsBaseline: Bool
        /// The hyperparameters of a scatter chart's two axes; none: the first two that vary, those on a logarithmic scale
        /// first.
        public var hyperparameters: [String]
        /// What the colors of lines mean: in learning curves and in the lineage, and, of a founder share, whether areas
        /// are families or founders.
        public var color: Color
        /// How many members' lines are shown: those with the best newest scores; none: all of them.
        public var top: Int?
        /// What runs from left to right in learning curves, schedules and comparisons.
        public var axis: Axis
        /// Which lives a lineage chart shows; none: all of up to 30 members, else the survivors.
        public var lanes: Lanes?
        /// The order of a lineage chart's rows.
        public var order: RowOrder

        /// Options.
        public init(
            theme: Theme = .light, width: Width = .medium, scale: ScoreScale = .linear, tip: IntervalID? = nil,
            showsBaseline: Bool = true, hyperparameters: [String] = [], color: Color = .family, top: Int? = nil,
            axis: Axis = .training, lanes: Lanes? = nil, order: RowOrder = .member
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
        }
    }

    /// The height for a width.
    static func height(of width: Width, _ narrow: Double, _ medium: Double, _ wide: Double) -> Double {
        switch width {
        case .narrow: narrow
        case .medium: medium
        case .wide: wide
        }
    }
}
