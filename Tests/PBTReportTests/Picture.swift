// SPDX-License-Identifier: Apache-2.0

import Foundation
import PBTReport

#if canImport(FoundationXML)
    import FoundationXML
#endif

/// What a parser of XML finds in a picture, independent of what the picture says of itself.
final class Picture: NSObject, XMLParserDelegate {
    private(set) var elements: [(name: String, attributes: [String: String], text: String)] = []
    /// The places of those within an element whose lines are dashed.
    private(set) var dashed: [Int] = []
    private(set) var complaint: String?
    private var open: [Int] = []

    init(_ chart: Chart) {
        super.init()
        let parser = XMLParser(data: Data(chart.svg.utf8))
        parser.delegate = self
        if !parser.parse() { complaint = "\(parser.parserError.map { "\($0)" } ?? "?") in line \(parser.lineNumber)" }
    }

    func parser(
        _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
        attributes: [String: String]
    ) {
        if let last = open.last, elements[last].attributes["stroke-dasharray"] != nil { dashed.append(elements.count) }
        open.append(elements.count)
        elements.append((name, attributes, ""))
    }

    func parser(_ parser: XMLParser, foundCharacters string: String) {
        if let last = open.last { elements[last].text += string }
    }

    func parser(_ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?) {
        open.removeLast()
    }

    var texts: [String] { elements.filter { $0.name == "text" }.map(\.text) }
    /// Elements that are drawn.
    var marks: Int {
        // The surface is a mark neither where it is a rectangle nor where it is the page's.
        let hasSurface = elements.count > 3 && elements[3].attributes["x"] == nil && elements[3].name == "rect"
        return elements.count { !["svg", "title", "desc"].contains($0.name) } - (hasSurface ? 1 : 0)
    }

    /// The numbers of the pieces that have an element of their own.
    var pieces: [Int] { elements.compactMap { $0.attributes["data-p"].flatMap { Int($0) } } }

    /// The same of those that are lines, dashed or not.
    func lines(dashed isDashed: Bool) -> [Int] {
        elements.indices.filter { elements[$0].name == "path" && dashed.contains($0) == isDashed }
            .compactMap { elements[$0].attributes["data-p"].flatMap { Int($0) } }
    }

    /// The most points that one path has: those that a command ends at or is steered by.
    var longestPath: Int {
        elements.compactMap { $0.attributes["d"] }.map { data in
            data.reduce(0) { $0 + ("MLa".contains($1) ? 1 : $1 == "C" ? 2 : 0) }
        }.max() ?? 0
    }

    /// The least size of any text.
    var leastTextSize: Double {
        elements.filter { $0.name == "text" }.map { Double($0.attributes["font-size"] ?? "11") ?? 0 }.min() ?? .infinity
    }

    /// All numbers that are places or sizes.
    var coordinates: [Substring] {
        let names = ["x", "y", "cx", "cy", "r", "width", "height", "d"]
        return elements.flatMap { element in
            names.compactMap { element.attributes[$0] }
                .flatMap { $0.split { !$0.isNumber && $0 != "." && $0 != "-" && !$0.isLetter || "MLCZa".contains($0) } }
        }
    }

    /// Where `rsvg-convert` is; none when it is not installed.
    static let renderer: URL? = ["/usr/bin", "/usr/local/bin", "/opt/homebrew/bin"]
        .map { URL(fileURLWithPath: "\($0)/rsvg-convert") }
        .first { FileManager.default.isExecutableFile(atPath: $0.path) }

    /// A picture of a page as it looks there: with the style sheet's variables, its surface and its font.
    static func onPage(_ chart: Chart, _ theme: Chart.Theme) -> String {
        var svg = chart.svg
        for declaration in Chart.cssVariables(theme).split(separator: ";") {
            let parts = declaration.split(separator: ":")
            svg = svg.replacingOccurrences(of: "var(\(parts[0]))", with: String(parts[1]))
        }
        let surface = Chart.cssVariables(theme).split(separator: ";")[0].split(separator: ":")[1]
        let root = svg.prefix { $0 != ">" }
        return root + " xmlns=\"http://www.w3.org/2000/svg\" font-family=\"DejaVu Sans, sans-serif\" font-size=\"11\">"
            + "<rect width=\"\(chart.width)\" height=\"\(chart.height)\" fill=\"\(surface)\"/>"
            + svg.dropFirst(root.count + 1)
    }

    /// The picture as PNG, made by `rsvg-convert`.
    static func rendered(_ svg: String, by renderer: URL) throws -> Data {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("pbt-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { do { try FileManager.default.removeItem(at: folder) } catch { print("left behind: \(folder.path)") } }
        let source = folder.appendingPathComponent("picture.svg")
        let target = folder.appendingPathComponent("picture.png")
        try Data(svg.utf8).write(to: source)
        let process = Process()
        process.executableURL = renderer
        process.arguments = ["-o", target.path, source.path]
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { return Data() }
        return try Data(contentsOf: target)
    }
}

/// The kinds of charts, for tables of arguments.
typealias Kind = Chart.Kind

extension Chart.Kind {
    func chart(_ history: History, _ options: Chart.Options = Chart.Options()) -> Chart {
        .drawn(self, of: history, options: options)
    }
}
