// SPDX-License-Identifier: Apache-2.0

extension Chart {
    /// The colors of a theme as declarations for a style sheet: what the pictures of the theme ``Theme/page`` ask for.
    ///
    /// The names are `--surface`, `--ink`, `--muted`, `--grid`, `--axis`, `--extinct`, `--trunk`, `--best`,
    /// `--baseline`, `--f0` to `--f5` for families, `--r0` to `--r4` from little to much, and `--band`, which is an
    /// opacity.
    ///
    /// - Parameter theme: Light or dark; the page's theme has no colors of its own, so nothing is declared for it.
    /// - Returns: The declarations, each ending in a semicolon.
    public static func cssVariables(_ theme: Theme) -> String {
        theme == .page ? "" : Palette(theme).variables
    }
}

extension Palette {
    /// The colors of a theme.
    init(_ theme: Chart.Theme) {
        self =
            switch theme {
            case .light: .light
            case .dark: .dark
            case .page: .page
            }
    }
}
