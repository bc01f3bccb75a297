// SPDX-License-Identifier: Apache-2.0

import PBT

/// A row of characters whose heights represent numbers.
package enum Sparkline {
    /// Returns a sparkline.
    ///
    /// - Parameters:
    ///   - numbers: The numbers; those that are not finite leave a gap.
    ///   - width: The maximum number of characters; more numbers than that are averaged.
    ///   - isASCII: True to use ASCII only.
    /// - Returns: One character per number, or `width` characters.
    package static func text(_ numbers: [Double], width: Int = 40, isASCII: Bool = false) -> String {
        let levels = Array(isASCII ? "_.-=+*#@" : "▁▂▃▄▅▆▇█")
        let cells = min(width, numbers.count)
        guard cells > 0 else { return "" }
        let means: [Double?] = (0..<cells).map { cell in
            let part = numbers[(cell * numbers.count / cells)..<((cell + 1) * numbers.count / cells)]
                .filter(\.isFinite)
            // Divided before they are added: sums of large numbers overflow.
            return part.isEmpty ? nil : part.reduce(0) { $0 + $1 / Double(part.count) }
        }
        let finite = means.compactMap { $0 }
        guard let low = finite.min(), let high = finite.max() else { return String(repeating: " ", count: cells) }
        return String(
            means.map { mean in
                guard let mean else { return " " }
                guard high > low else { return levels[3] }
                let share = (mean / 2 - low / 2) / (high / 2 - low / 2)
                return levels[min(levels.count - 1, max(0, Int(saturating: share * Double(levels.count))))]
            })
    }
}
