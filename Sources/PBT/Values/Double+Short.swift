// SPDX-License-Identifier: Apache-2.0

extension Double {
    /// The number in at most four significant digits, for labels.
    package var short: String {
        guard isFinite, self != 0 else { return isFinite ? "0" : description }
        let magnitude = Int(Mathematics.log10(self.magnitude).rounded(.down))
        guard (-4...6).contains(magnitude) else { return Self.scientific(self) }
        let scale = Mathematics.power(10, 3 - magnitude)
        let rounded = (self * scale).rounded() / scale
        // Shortest form; the rounding above has left few digits.
        let text = rounded.description
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }

    private static func scientific(_ number: Double) -> String {
        var exponent = Int(Mathematics.log10(number.magnitude).rounded(.down))
        var mantissa = number
        // In steps that cannot overflow for the smallest and largest numbers.
        var left = -exponent
        while left != 0 {
            let step = max(-300, min(300, left))
            mantissa *= Mathematics.power(10, step)
            left -= step
        }
        mantissa = (mantissa * 1000).rounded() / 1000
        if mantissa.magnitude >= 10 {
            mantissa /= 10
            exponent += 1
        }
        let text = mantissa.description
        return "\(text.hasSuffix(".0") ? String(text.dropLast(2)) : text)e\(exponent)"
    }
}
