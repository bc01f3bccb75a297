// SPDX-License-Identifier: Apache-2.0

public import PBT
public import PBTWorker
public import SystemPackage

/// Gradient descent on ½·Σ λi·θi² in 20 dimensions with noise of standard deviation 1 on every gradient.
///
/// Synthetic. The curvatures λ go from 1 down to 0.01. A high learning rate is fast at first and then bounces in the
/// noise; only a rate that falls gets close to the minimum, so a search for one constant rate must do badly.
public struct NoisyQuadratic: Workload {
    private let curvature: [Double]
    private let steps = 40

    /// The problem.
    public init() {
        let ratio = 0.784759970351461  // 0.01 to the power of 1/19
        var curvature = [1.0]
        while curvature.count < 20 { curvature.append(curvature[curvature.count - 1] * ratio) }
        self.curvature = curvature
    }

    /// 8 members of 50 intervals, 40 steps each.
    public func experiment(seed: UInt64, isShort: Bool) -> Experiment {
        Experiment(
            "quadratic", objective: .minimize("loss"), population: 8, intervals: isShort ? 20 : 50, seed: seed,
            space: ["learning_rate": .logUniform(1e-4...2)], isSynchronous: true)
    }

    /// All weights are 1.
    public func start(_ context: TrainingContext) -> [Double] {
        Array(repeating: 1, count: curvature.count)
    }

    /// Reads the weights from a text file.
    ///
    /// - Throws: A `PBTError` when it holds something else.
    public func restore(from checkpoint: FilePath, _ context: TrainingContext) throws -> [Double] {
        try weights(in: checkpoint)
    }

    /// Descends along noisy gradients.
    ///
    /// - Throws: A `PBTError` if there is no learning rate.
    public func train(_ weights: inout [Double], _ context: TrainingContext) throws {
        let rate = try context.hyperparameters.double("learning_rate")
        var random = context.random("noise")
        for _ in 0..<steps {
            for i in weights.indices {
                weights[i] -= rate * (curvature[i] * weights[i] + random.normal())
            }
        }
    }

    /// The loss itself, without noise.
    public func evaluate(_ weights: [Double], _ context: TrainingContext) -> [String: Value] {
        ["loss": .number(loss(weights))]
    }

    /// Writes the weights as a JSON list, which keeps every bit.
    ///
    /// - Throws: What writing throws.
    public func save(_ weights: [Double], to directory: FilePath, _ context: TrainingContext) throws {
        let file = try FileDescriptor.open(
            directory.appending("weights.json"), .writeOnly, options: [.create, .exclusiveCreate],
            permissions: [.ownerReadWrite, .groupRead, .otherRead])
        _ = try file.closeAfter { try file.writeAll(Value.array(weights.map { .number($0) }).json.utf8) }
    }

    /// Nothing: the loss is exact, so there is nothing that a search could be misled by.
    public func test(_ checkpoint: FilePath) -> [String: Value] {
        [:]
    }

    /// None.
    public var testObjectives: [Objective] { [] }

    private func loss(_ weights: [Double]) -> Double {
        var loss = 0.0
        for (i, weight) in weights.enumerated() { loss += 0.5 * curvature[i] * weight * weight }
        return loss
    }

    private func weights(in checkpoint: FilePath) throws -> [Double] {
        let path = checkpoint.appending("weights.json")
        let weights = try Value(json: readBytes(path)).array?.compactMap(\.double) ?? []
        guard weights.count == curvature.count else {
            throw PBTError(
                .badValue, "\(path) has \(weights.count) numbers, not \(curvature.count); it is not one of ours")
        }
        return weights
    }
}
