// SPDX-License-Identifier: Apache-2.0

extension Dimension.Real {
    /// The first point of the grid.
    package var origin: Double {
        bounds.lowerBound.magnitude < 1e300 ? bounds.lowerBound : 0
    }

    /// Clips a number to the bounds and rounds it to the nearest grid point within them.
    package func legal(_ number: Double) -> Double {
        // The product of 0 and an overflow is NaN.
        let cut = number.isNaN ? bounds.lowerBound : min(max(number, bounds.lowerBound), bounds.upperBound)
        guard let quantum else { return cut }
        let steps = ((cut - origin) / quantum).rounded()
        // In decimal before comparing: -0.3 plus six times 0.1 is more than 0.3.
        let snapped = gridPoint(steps, quantum)
        // Numbers cannot represent a grid this fine: ignore it.
        guard snapped.isFinite else { return cut }
        let legal = snapped > bounds.upperBound ? gridPoint(steps - 1, quantum) : snapped
        return max(legal, bounds.lowerBound)
    }

    /// Returns a number given by hand as the point of the grid that it is within a rounding error: 0.3 for
    /// 0.30000000000000004.
    func normalized(_ number: Double) -> Double {
        guard let quantum, number.isFinite else { return number }
        let point = legal(number)
        return (point - number).magnitude <= 1e-9 * quantum ? point : number
    }

    /// Returns the point of the grid after a number of steps: the correctly rounded decimal, 0.3 rather than
    /// 0.30000000000000004, which is the sum of three times 0.1.
    ///
    /// Step and origin are integers in units of the last decimal place of either, so that their sum is exact.
    private func gridPoint(_ steps: Double, _ quantum: Double) -> Double {
        let sum = origin + steps * quantum
        guard let places = [quantum, origin].map(Self.decimalPlaces).max(), places <= 308 else { return sum }
        let scale = Mathematics.power(10, places)
        let units = (origin * scale).rounded() + steps * (quantum * scale).rounded()
        guard units.magnitude < 0x1p53 else { return sum }
        // Powers of ten are exact up to 22, so that a division rounds correctly; parsing does for all.
        let point = places <= 22 ? units / scale : Double("\(Int(units))e-\(places)") ?? sum
        guard (point - sum).magnitude <= 0.5 * quantum else { return sum }
        return point + 0  // Never -0.
    }

    /// Returns the number of digits after the decimal point in the shortest form of a number.
    static func decimalPlaces(_ number: Double) -> Int {
        let parts = number.description.split(separator: "e")
        let fraction = parts[0].split(separator: ".").dropFirst().first.map { $0 == "0" ? 0 : $0.count } ?? 0
        guard parts.count == 2 else { return fraction }
        return Int(parts[1]).map { max(0, fraction - $0) } ?? .max
    }
}
