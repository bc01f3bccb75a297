// SPDX-License-Identifier: Apache-2.0

/// The colours of a theme.
///
/// Families have the hues of Okabe and Ito, which people of all kinds of colour vision tell apart, darkened or
/// lightened for contrast. Purple is for the best and nothing else.
struct Palette: Sendable {
    let background: String
    let ink: String
    let muted: String
    let grid: String
    let axis: String
    /// What died out.
    let extinct: String
    /// What has descendants today.
    let trunk: String
    let best: String
    let baseline: String
    /// How opaque a filled band is.
    let band: String
    let families: [String]

    init(_ theme: Chart.Theme) {
        switch theme {
        case .light:
            background = "#ffffff"
            ink = "#1c1e21"
            muted = "#565c65"
            grid = "#e7e9ec"
            axis = "#b3b8bf"
            extinct = "#b7bcc4"
            trunk = "#6a7079"
            best = "#6a28c7"
            baseline = "#7c828b"
            band = "0.35"
            families = ["#0072b2", "#b86e00", "#008060", "#c24a00", "#2b8fc9", "#857a00"]
        case .dark:
            background = "#15181c"
            ink = "#e9ebee"
            muted = "#a7adb6"
            grid = "#292d33"
            axis = "#4b525b"
            extinct = "#525962"
            trunk = "#9aa1ab"
            best = "#c79bff"
            baseline = "#8a919b"
            band = "0.45"
            families = ["#3f9fe6", "#e69f00", "#2cbf94", "#ff8c52", "#93d4f7", "#f0e442"]
        }
    }
}
