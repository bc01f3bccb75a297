// SPDX-License-Identifier: Apache-2.0

import PBT

/// A chart of an experiment, as SVG.
///
/// Deterministic: the same history and options give the same bytes. It does not need a style sheet, a script or another
/// file, except in the theme ``Theme/page``.
public struct Chart: Sendable, Hashable {
    /// The title.
    public let title: String
    /// A summary of its contents in sentences, for screen readers.
    public let summary: String
    /// The width in pixels.
    public let width: Int
    /// The height in pixels.
    public let height: Int
    /// The SVG document.
    public let svg: String
    /// The number of elements.
    package let marks: Int
    /// The number of points of its longest path.
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
