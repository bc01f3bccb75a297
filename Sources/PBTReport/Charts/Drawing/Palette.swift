// SPDX-License-Identifier: Apache-2.0

/// The colors of a theme.
///
/// Families have the hues of Okabe and Ito, which are distinguishable with all kinds of color vision, darkened or
/// lightened for contrast. Purple is reserved for the best.
struct Palette: Sendable {
    let background: String
    let ink: String
    let muted: String
    let grid: String
    let axis: String
    /// The color of extinct lineages.
    let extinct: String
    /// The color of surviving lineages.
    let trunk: String
    let best: String
    let baseline: String
    /// The opacity of a filled band.
    let band: String
    let families: [String]
    /// The sequential colors, from low to high.
    let ramp: [String]
    /// True when the colors are variables of a page's style sheet.
    let isPage: Bool

    /// Dark on white.
    static let light = Palette(
        background: "#ffffff", ink: "#1c1e21", muted: "#565c65", grid: "#e7e9ec", axis: "#b3b8bf",
        extinct: "#b7bcc4", trunk: "#6a7079", best: "#6a28c7", baseline: "#7c828b", band: "0.35",
        families: ["#0072b2", "#b86e00", "#008060", "#c24a00", "#2b8fc9", "#857a00"],
        ramp: ["#9cc3df", "#6aa5cf", "#3580b8", "#0b5c99", "#05365f"], isPage: false)

    /// Light on black.
    static let dark = Palette(
        background: "#15181c", ink: "#e9ebee", muted: "#a7adb6", grid: "#292d33", axis: "#4b525b",
        extinct: "#525962", trunk: "#9aa1ab", best: "#c79bff", baseline: "#8a919b", band: "0.45",
        families: ["#3f9fe6", "#e69f00", "#2cbf94", "#ff8c52", "#93d4f7", "#f0e442"],
        ramp: ["#2f4f6c", "#3e719d", "#5b99cc", "#8dc1ea", "#d3eafc"], isPage: false)

    /// The variables of a page's style sheet.
    static let page = Palette(
        background: "var(--surface)", ink: "var(--ink)", muted: "var(--muted)", grid: "var(--grid)",
        axis: "var(--axis)",
        extinct: "var(--extinct)", trunk: "var(--trunk)", best: "var(--best)", baseline: "var(--baseline)",
        band: "var(--band)",
        families: (0..<Families.limit).map { "var(--f\($0))" },
        ramp: (0..<5).map { "var(--r\($0))" }, isPage: true)
}

extension Palette {
    /// The colors of the theme as variables of a style sheet.
    var variables: String {
        let named = [
            ("surface", background), ("ink", ink), ("muted", muted), ("grid", grid), ("axis", axis),
            ("extinct", extinct), ("trunk", trunk), ("best", best), ("baseline", baseline), ("band", band),
        ]
        let numbered =
            families.enumerated().map { ("f\($0)", $1) } + ramp.enumerated().map { ("r\($0)", $1) }
        return (named + numbered).map { "--\($0):\($1);" }.joined()
    }
}
