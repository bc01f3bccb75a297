// SPDX-License-Identifier: Apache-2.0

/// The covariance of the gain at two points: similar hyperparameters at similar times gain alike.
///
/// σ²·exp(-‖x-x′‖²/ℓ)·(1-ε)^(|t-t′|/2), source: Parker-Holder et al. 2020 (arXiv 2002.02518), after Bogunovic et al. 2016,
/// "Time-Varying Gaussian Process Bandit Optimization". With categories the mixture ½(1-λ)(k₁ + k₂) + λ·k₁·k₂ of that
/// kernel and the share of matching categories, each with an ε of its own; source: Parker-Holder et al. 2021
/// (arXiv 2106.15883), after CoCaBO (Ru et al. 2020).
package struct TimeVaryingKernel: Sendable, Hashable {
    /// The combination of categories with numbers.
    package struct Mixture: Sendable, Hashable {
        /// The share of the product, λ; 0 to 1.
        package var product = 0.5
        /// The ε of the categories; 0 to 0.5.
        package var forgetting = 0.0

        package init(product: Double = 0.5, forgetting: Double = 0) {
            self.product = product
            self.forgetting = forgetting
        }
    }

    /// The variance at a point, σ²; above 0.
    package var variance: Double
    /// The length scale ℓ: the squared distance at which the covariance is 1/e of the variance; above 0.
    package var lengthScale: Double
    /// ε: the share of the squared correlation that an interval of time takes away; 0 to 0.5.
    package var forgetting: Double
    /// The variance of an observation's noise, relative to ``variance``.
    package var noise: Double
    /// The combination of categories with numbers; nil without categories.
    package var mixture: Mixture?

    package init(
        variance: Double = 1, lengthScale: Double = 1, forgetting: Double = 0.1, noise: Double = 0.01,
        mixture: Mixture? = nil
    ) {
        self.variance = variance
        self.lengthScale = lengthScale
        self.forgetting = forgetting
        self.noise = noise
        self.mixture = mixture
    }

    /// Returns the covariance of the values at two points, without noise.
    package func callAsFunction(_ a: GaussianProcess.Input, _ b: GaussianProcess.Input) -> Double {
        Rates(self)(a, b)
    }

    /// Returns the covariance matrix of observations by rows, with noise; only the upper triangle is set.
    package func matrix(of inputs: [GaussianProcess.Input]) -> [Double] {
        Distances(of: inputs).matrix(by: self)
    }

    /// The kernel with its constants computed.
    struct Rates: Sendable {
        let kernel: TimeVaryingKernel
        let decay: Double
        let categoricalDecay: Double

        init(_ kernel: TimeVaryingKernel) {
            self.kernel = kernel
            decay = 0.5 * Mathematics.log(1 - kernel.forgetting)
            categoricalDecay = 0.5 * Mathematics.log(1 - (kernel.mixture?.forgetting ?? 0))
        }

        func callAsFunction(_ a: GaussianProcess.Input, _ b: GaussianProcess.Input) -> Double {
            let (squared, share) = Self.compared(a, b)
            return covariance(squared: squared, elapsed: (a.time - b.time).magnitude, matching: share)
        }

        /// Returns the squared distance of the numbers, and the share of matching categories.
        static func compared(
            _ a: GaussianProcess.Input, _ b: GaussianProcess.Input
        ) -> (squared: Double, share: Double) {
            var squared = 0.0
            for (x, y) in zip(a.numbers, b.numbers) { squared += (x - y) * (x - y) }
            guard !a.categories.isEmpty else { return (squared, 1) }
            var matches = 0
            for (x, y) in zip(a.categories, b.categories) where x == y { matches += 1 }
            return (squared, Double(matches) / Double(a.categories.count))
        }

        func covariance(squared: Double, elapsed: Double, matching share: Double) -> Double {
            let numeric = Mathematics.exp(elapsed * decay - squared / kernel.lengthScale)
            guard let mixture = kernel.mixture else { return kernel.variance * numeric }
            let categorical = share * Mathematics.exp(elapsed * categoricalDecay)
            return kernel.variance
                * (0.5 * (1 - mixture.product) * (numeric + categorical) + mixture.product * numeric * categorical)
        }
    }

    /// The distances of points, which covariances by several kernels depend on.
    struct Distances: Sendable {
        private let count: Int
        private var squared: [Double] = []
        private var elapsed: [Double] = []
        private var shares: [Double] = []

        init(of inputs: [GaussianProcess.Input]) {
            count = inputs.count
            squared.reserveCapacity(count * (count + 1) / 2)
            elapsed.reserveCapacity(count * (count + 1) / 2)
            for i in inputs.indices {
                for j in i..<inputs.count {
                    let compared = Rates.compared(inputs[i], inputs[j])
                    squared.append(compared.squared)
                    shares.append(compared.share)
                    elapsed.append((inputs[i].time - inputs[j].time).magnitude)
                }
            }
        }

        /// Returns the covariance matrix with noise; only the upper triangle is set.
        func matrix(by kernel: TimeVaryingKernel) -> [Double] {
            let rates = Rates(kernel)
            var matrix = Array(repeating: 0.0, count: count * count)
            var place = 0
            for i in 0..<count {
                for j in i..<count {
                    matrix[i * count + j] = rates.covariance(
                        squared: squared[place], elapsed: elapsed[place], matching: shares[place])
                    place += 1
                }
                matrix[i * count + i] += kernel.variance * kernel.noise
            }
            return matrix
        }
    }
}
