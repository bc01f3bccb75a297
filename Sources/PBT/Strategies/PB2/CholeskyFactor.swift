// SPDX-License-Identifier: Apache-2.0

/// The Cholesky factor of a symmetric positive definite matrix: an upper triangular U with UᵀU equal to the matrix.
///
/// Each element is computed by the same operations in the same order on every machine, since rows are updated as a
/// whole and nothing is summed in parallel. n³/6 multiplications.
struct CholeskyFactor: Sendable {
    /// The number of rows.
    let count: Int
    /// The addition to the diagonal because the matrix was singular to working precision; 0 if nothing.
    let jitter: Double
    /// U by rows; elements below the diagonal are meaningless.
    private var elements: [Double]

    /// The most that is added to the diagonal, relative to its mean.
    private static let mostJitter = 0.1

    /// Factors a matrix; if it is singular to working precision, with a growing addition to its diagonal; nil if an
    /// element is not finite, or the greatest addition does not suffice.
    ///
    /// - Parameters:
    ///   - matrix: The matrix by rows; only its upper triangle is read.
    ///   - count: The number of its rows.
    init?(of matrix: [Double], count: Int) {
        precondition(matrix.count == count * count, "a square matrix has count² elements")
        self.count = count
        let mean = (0..<count).reduce(0) { $0 + matrix[$1 * count + $1] } / Double(max(count, 1))
        var relative = 0.0
        while relative <= Self.mostJitter {
            var factored = matrix
            for i in 0..<count { factored[i * count + i] += relative * mean }
            if Self.factor(&factored, count) {
                jitter = relative * mean
                elements = factored
                return
            }
            relative = relative == 0 ? 1e-10 : 10 * relative
        }
        return nil
    }

    /// Factors in place; returns false if a pivot is not positive.
    private static func factor(_ matrix: inout [Double], _ n: Int) -> Bool {
        matrix.withUnsafeMutableBufferPointer { buffer in
            guard let start = buffer.baseAddress else { return true }
            var first = 0
            while first < n {
                let end = min(first + 4, n)
                for j in first..<end where !eliminate(start, n, row: j, from: first) { return false }
                if end - first == 4 { update(start, n, by: first) }
                first = end
            }
            return true
        }
    }

    /// Completes one of four rows, which those before the four have been subtracted from.
    private static func eliminate(_ start: UnsafeMutablePointer<Double>, _ n: Int, row j: Int, from first: Int) -> Bool
    {
        let row = start + j * n
        for q in first..<j {
            let above = start + q * n
            let factor = above[j]
            for i in j..<n { row[i] -= factor * above[i] }
        }
        let pivot = row[j]
        guard pivot > 0, pivot.isFinite else { return false }
        let root = pivot.squareRoot()
        row[j] = root
        for i in (j + 1)..<max(n, j + 1) { row[i] /= root }
        return true
    }

    /// Subtracts four complete rows from all rows below them.
    private static func update(_ start: UnsafeMutablePointer<Double>, _ n: Int, by first: Int) {
        let (a, b) = (start + first * n, start + (first + 1) * n)
        let (c, d) = (start + (first + 2) * n, start + (first + 3) * n)
        for k in (first + 4)..<max(n, first + 4) {
            let row = start + k * n
            let (ak, bk, ck, dk) = (a[k], b[k], c[k], d[k])
            for i in k..<n {
                row[i] = (((row[i] - ak * a[i]) - bk * b[i]) - ck * c[i]) - dk * d[i]
            }
        }
    }

    /// The logarithm of the determinant of the matrix.
    var logDeterminant: Double {
        2 * (0..<count).reduce(0) { $0 + Mathematics.log(elements[$1 * count + $1]) }
    }

    /// The number of right-hand sides that ``solveTransposed(_:)`` takes.
    ///
    /// They share each element that is read: large factors do not fit into a cache.
    static let lanes = 8

    /// Replaces eight right-hand sides, interleaved, by the solutions of Uᵀx = b.
    ///
    /// Each is computed by the same operations in the same order as alone.
    func solveTransposed(_ sides: inout [Double]) {
        let n = count
        elements.withUnsafeBufferPointer { elements in
            sides.withUnsafeMutableBufferPointer { sides in
                guard let start = elements.baseAddress, let x = sides.baseAddress else { return }
                for j in 0..<n {
                    let row = start + j * n
                    let (pivot, own) = (row[j], x + 8 * j)
                    let (a, b, c, d) = (own[0] / pivot, own[1] / pivot, own[2] / pivot, own[3] / pivot)
                    let (e, f, g, h) = (own[4] / pivot, own[5] / pivot, own[6] / pivot, own[7] / pivot)
                    (own[0], own[1], own[2], own[3]) = (a, b, c, d)
                    (own[4], own[5], own[6], own[7]) = (e, f, g, h)
                    var other = own + 8
                    for i in (j + 1)..<max(n, j + 1) {
                        let u = row[i]
                        other[0] -= u * a
                        other[1] -= u * b
                        other[2] -= u * c
                        other[3] -= u * d
                        other[4] -= u * e
                        other[5] -= u * f
                        other[6] -= u * g
                        other[7] -= u * h
                        other += 8
                    }
                }
            }
        }
    }

    /// Returns the solution of Uᵀx = b.
    func solvedTransposed(_ side: [Double]) -> [Double] {
        var x = side
        elements.withUnsafeBufferPointer { elements in
            x.withUnsafeMutableBufferPointer { x in
                for j in 0..<count {
                    let solved = x[j] / elements[j * count + j]
                    x[j] = solved
                    for i in (j + 1)..<max(count, j + 1) { x[i] -= elements[j * count + i] * solved }
                }
            }
        }
        return x
    }

    /// Returns the solution of Ux = b.
    func solved(_ side: [Double]) -> [Double] {
        var x = side
        elements.withUnsafeBufferPointer { elements in
            for j in (0..<count).reversed() {
                var sum = x[j]
                for i in (j + 1)..<max(count, j + 1) { sum -= elements[j * count + i] * x[i] }
                x[j] = sum / elements[j * count + j]
            }
        }
        return x
    }
}
