// SPDX-License-Identifier: Apache-2.0

import PBT

/// A picture of an experiment, as SVG.
///
/// The same history and options give the same bytes. Nothing in it needs a style sheet, a script or another file,
/// except in the theme ``Theme/page``.
public struct Chart: Sendable, Hashable {
    /// What it is called.
    public let title: String
    /// What it shows, in sentences that a person would say.
    public let summary: String
    /// Its width in pixels.
    public let width: Int
    /// Its height in pixels.
    public let height: Int
    /// The picture: an SVG document.
    public let svg: String
    /// How many elements it has.
    package let marks: Int
    /// The most points that one of its paths has.
    package let longestPath: Int

    init(title: String, summary: String, width: Double, height: Double, drawing: Drawing) {
        self.title = title
        self.summary = summary
        self.width = Int(width)
        self.height = Int(saturating: height.rounded(.up))
        marks = drawing.marks
        longestPath = drawing.longestPath
        let size = "width=\"\(self.width)\" height=\"\(self.height)\""
        let root = "\(size) viewBox=\"0 0 \(self.width) \(self.height)\" role=\"img\""
        let words = "<title>\(XML.escaped(title))</title>\n<desc>\(XML.escaped(summary))</desc>"
        if drawing.palette.isPage {
            svg = "<svg \(root)>\n\(words)\n\(drawing.body)</svg>\n"
            return
        }
        svg = """
            <svg xmlns="http://www.w3.org/2000/svg" \(root) font-family="DejaVu Sans, sans-serif" font-size="11">
            \(words)
            <rect \(size) fill="\(drawing.palette.background)"/>
            \(drawing.body)</svg>

            """
    }
}
