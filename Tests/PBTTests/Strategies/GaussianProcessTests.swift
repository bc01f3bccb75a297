// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import PBT

private typealias Input = GaussianProcess.Input

/// The model of PB2, against values computed with 40 digits by another program.
@Suite("Gaussian process") struct GaussianProcessTests {
    private static let inputs = [
        Input([0.1, 0.2], time: 1), Input([0.4, 0.9], time: 2), Input([0.8, 0.3], time: 4),
    ]
    private static let values = [0.5, -1.25, 2.0]
    private static let kernel = TimeVaryingKernel(variance: 1.7, lengthScale: 0.6, forgetting: 0.2, noise: 0.05)

    @Test(arguments: [
        (0.0, 0.0, 1.0), (0, 1, 0.9486833), (0.5, 0, 0.7788008), (0.5, 1, 0.7388353),
    ])
    func `the kernel has the published values`(distance: Double, elapsed: Double, expected: Double) {
        let value = TimeVaryingKernel()(Input([0.25], time: 3), Input([0.25 + distance], time: 3 + elapsed))
        #expect((value - expected).magnitude < 5e-8, "\(value)")
    }

    @Test func `categories alone, alike and not, halve the mixture`() {
        var kernel = TimeVaryingKernel(forgetting: 0, mixture: .init(product: 0.5))
        let (a, b) = (Input([0.5], categories: [1, 0], time: 0), Input([0.5], categories: [2, 1], time: 0))
        #expect(kernel(a, a) == 1)
        #expect(kernel(a, b) == 0.25)
        kernel.mixture?.product = 1
        #expect(kernel(a, b) == 0)
        kernel.mixture?.product = 0
        #expect(kernel(a, b) == 0.5)
    }

    @Test(arguments: [
        ([0.5, 0.5], 5.0, 0.80973087454772187, 0.65672276141366209),
        ([0.1, 0.2], 1, 0.47822650584995527, 0.08025917122401895),
    ])
    func `mean and variance of three observations are right to 1e-9`(
        numbers: [Double], time: Double, mean: Double, variance: Double
    ) throws {
        let process = try #require(GaussianProcess(Self.inputs, Self.values, kernel: Self.kernel))
        let posterior = process.posteriors(at: [Input(numbers, time: time)])[0]
        #expect((posterior.mean - mean).magnitude < 1e-9, "\(posterior)")
        #expect((posterior.variance - variance).magnitude < 1e-9, "\(posterior)")
    }

    @Test func `mean and variance with categories are right to 1e-9`() throws {
        var kernel = Self.kernel
        kernel.mixture = .init(product: 0.3, forgetting: 0.1)
        let inputs = zip(Self.inputs, [[0, 1], [0, 0], [2, 1]]).map {
            Input($0.numbers, categories: $1, time: $0.time)
        }
        let process = try #require(GaussianProcess(inputs, Self.values, kernel: kernel))
        let posterior = process.posteriors(at: [Input([0.5, 0.5], categories: [0, 1], time: 5)])[0]
        #expect((posterior.mean - 0.61211981081964145).magnitude < 1e-9, "\(posterior)")
        #expect((posterior.variance - 0.90468385754576139).magnitude < 1e-9, "\(posterior)")
    }

    @Test func `what is expected shrinks the variance as an observation would, and leaves the mean`() throws {
        var process = try #require(GaussianProcess(Self.inputs, Self.values, kernel: Self.kernel))
        let point = [Input([0.5, 0.5], time: 5)]
        let before = process.posteriors(at: point)[0]
        process.expect(Input([0.6, 0.6], time: 5))
        let one = process.posteriors(at: point)[0]
        #expect((one.variance - 0.1513328632145243).magnitude < 1e-9, "\(one)")
        process.expect(Input([0.2, 0.7], time: 5))
        let two = process.posteriors(at: point)[0]
        #expect((two.variance - 0.10622555416482608).magnitude < 1e-9, "\(two)")
        #expect(one.mean == before.mean && two.mean == before.mean)
        process.expectNothing()
        #expect(process.posteriors(at: point)[0] == before)
    }

    @Test func `several points at once give the same bits as one by one`() throws {
        let process = try #require(GaussianProcess(Self.inputs, Self.values, kernel: Self.kernel))
        let points = (0..<7).map { Input([Double($0) / 7, 0.3], time: 5) }
        #expect(process.posteriors(at: points) == points.map { process.posteriors(at: [$0])[0] })
    }

    @Test(arguments: [1, 3, 4, 5, 11, 40])
    func `a factor times itself is the matrix`(count: Int) throws {
        var random = RandomStream.trial(count)
        let roots = (0..<count).map { _ in (0..<count).map { _ in random.unit() } }
        var matrix = Array(repeating: 0.0, count: count * count)
        for i in 0..<count {
            for j in 0..<count {
                matrix[i * count + j] = (0..<count).reduce(i == j ? 0.5 : 0) { $0 + roots[i][$1] * roots[j][$1] }
            }
        }
        let factor = try #require(CholeskyFactor(of: matrix, count: count))
        #expect(factor.jitter == 0)
        let side = (0..<count).map { _ in random.unit() - 0.5 }
        let solution = factor.solved(factor.solvedTransposed(side))
        for i in 0..<count {
            let product = (0..<count).reduce(0.0) { $0 + matrix[i * count + $1] * solution[$1] }
            #expect((product - side[i]).magnitude < 1e-10)
        }
        // det = Π of the pivots' squares; by elimination.
        #expect(factor.logDeterminant.isFinite)
    }

    @Test func `a singular matrix is factored with a small addition, one with NaN not at all`() throws {
        let singular = try #require(CholeskyFactor(of: [1, 1, 1, 1], count: 2))
        #expect(singular.jitter > 0 && singular.jitter < 1e-6)
        #expect(CholeskyFactor(of: [1, .nan, .nan, 1], count: 2) == nil)
        #expect(CholeskyFactor(of: [-1], count: 1) == nil)
        #expect(CholeskyFactor(of: [4, 0, 0, 9], count: 2)?.logDeterminant == Mathematics.log(4) + Mathematics.log(9))
    }

    @Test func `duplicate rows, even with different values, are averaged`() throws {
        let inputs = Array(repeating: Input([0.5], time: 1), count: 50)
        let values = (0..<50).map { $0 % 2 == 0 ? 1.0 : -0.5 }
        let process = try #require(
            GaussianProcess(inputs, values, kernel: TimeVaryingKernel(forgetting: 0, noise: 1e-4)))
        let posterior = process.posteriors(at: [inputs[0]])[0]
        #expect((posterior.mean - 0.25).magnitude < 1e-3)
        #expect(posterior.variance < 1e-4)
    }

    @Test func `the parameters that made the observations are found roughly`() throws {
        // A smooth function of one number, with noise of a tenth.
        var random = RandomStream.trial(5)
        let inputs = (0..<80).map { _ in Input([random.unit()], time: 0) }
        let values = inputs.map { Mathematics.cosine(9 * $0.numbers[0]) + 0.1 * random.normal() }
        let kernel = TimeVaryingKernel.fitted(to: inputs, values, mixing: false)
        #expect((0.02...0.5).contains(kernel.lengthScale), "\(kernel)")
        let noise = kernel.noise * kernel.variance
        #expect((0.003...0.03).contains(noise), "\(noise), really 0.01")
        let process = try #require(GaussianProcess(inputs, values, kernel: kernel))
        let posterior = process.posteriors(at: [Input([0.7], time: 0)])[0]
        #expect((posterior.mean - Mathematics.cosine(6.3)).magnitude < 0.1)
    }

    @Test func `forgetting is learned from a function that changes, and stays low for one that does not`() {
        var random = RandomStream.trial(6)
        var (inputs, constant, changing): ([Input], [Double], [Double]) = ([], [], [])
        for time in 0..<10 {
            let level = random.normal()
            for _ in 0..<8 {
                let x = random.unit()
                inputs.append(Input([x], time: Double(time)))
                constant.append(x - 0.5 + 0.05 * random.normal())
                changing.append(level + 0.05 * random.normal())
            }
        }
        let stays = TimeVaryingKernel.fitted(to: inputs, constant, mixing: false).forgetting
        let changes = TimeVaryingKernel.fitted(to: inputs, changing, mixing: false).forgetting
        #expect(stays < 0.1 && changes > 0.3, "\(stays), \(changes)")
    }

    @Test func `equal observations and a single one have a kernel`() throws {
        #expect(TimeVaryingKernel.fitted(to: Self.inputs, [0, 0, 0], mixing: false).variance == 1)
        let one = TimeVaryingKernel.fitted(to: [Self.inputs[0]], [1], mixing: true)
        #expect(one.variance > 0 && one.lengthScale > 0 && (0...0.5).contains(one.forgetting))
        #expect(
            try #require(GaussianProcess([Self.inputs[0]], [1], kernel: one)).posteriors(at: Self.inputs).count == 3)
    }

    @Test func `a search by halved steps finds a maximum, inside and in a corner`() {
        let starts = [[0.1, 0.9], [0.5, 0.5], [0.9, 0.1], [0.3, 0.3]]
        let inside = CompassSearch.maximum(from: starts) { places in
            places.map { -($0[0] - 0.31) * ($0[0] - 0.31) - 3 * ($0[1] - 0.77) * ($0[1] - 0.77) }
        }
        #expect((inside[0] - 0.31).magnitude < 0.01 && (inside[1] - 0.77).magnitude < 0.01)
        #expect(CompassSearch.maximum(from: starts) { $0.map { $0[0] + $0[1] } } == [1, 1])
        #expect(CompassSearch.maximum(from: starts) { $0.map { _ in 0 } } == starts[0])
        var evaluations = 0
        _ = CompassSearch.maximum(from: [Array(repeating: 0.5, count: 500)]) { places in
            evaluations += places.count
            return places.map { $0.reduce(0, +) }
        }
        #expect(evaluations < 80)
    }
}
