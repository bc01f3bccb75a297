// SPDX-License-Identifier: Apache-2.0

public import PBT

/// The contract of a store, as cases that can be run against any implementation.
///
/// ```swift
/// @Test(arguments: StoreContract.cases)
/// func contract(_ rule: StoreContract.Case) async throws {
///     try await rule.check { clock, strategies in try MyStore(clock: clock, strategies: strategies) }
/// }
/// ```
public enum StoreContract {
    /// Opens the store under test.
    ///
    /// Called one or more times in a case, each time for the same storage: every handle sees the writes of others, like
    /// another process. A store in memory may return the same object each time.
    public typealias Opener = @Sendable (StoreClock, Strategies) async throws -> any Store

    /// A rule of the contract.
    public struct Case: Sendable, CustomStringConvertible {
        /// The rule as a sentence.
        public let description: String
        let body: @Sendable (StoreUnderTest) async throws -> Void

        init(_ description: String, _ body: @escaping @Sendable (StoreUnderTest) async throws -> Void) {
            self.description = description
            self.body = body
        }

        /// Checks the rule in an empty store.
        ///
        /// - Parameter open: Opens the store; with new storage for each case.
        /// - Throws: A ``Violation`` if the rule does not hold, and the errors of the store.
        public func check(_ open: @escaping Opener) async throws {
            try await body(StoreUnderTest(open))
        }
    }

    /// A violation of a rule.
    public struct Violation: Error, CustomStringConvertible {
        /// The expectation and its place in the source.
        public let description: String
    }

    /// All rules.
    public static var cases: [Case] {
        lifecycleCases + claimCases + leaseCases + finishCases + lateCases + certainCases + halvingCases + openCases
            + failureCases + evaluationCases
            + checkpointCases
            + revisionCases + clockCases + readingCases
    }
}

/// The store under test, with its clock and the experiment that most cases use.
struct StoreUnderTest: Sendable {
    let clock = ManualClock()
    private let opener: StoreContract.Opener

    init(_ opener: @escaping StoreContract.Opener) {
        self.opener = opener
    }

    func open(_ strategies: Strategies = Strategies()) async throws -> any Store {
        try await opener(clock.store, strategies)
    }

    /// Most cases are about early decisions, with the outcome of a finish immediately.
    static func experiment(
        _ name: String = "e", kind: Experiment.Kind = .populationBasedTraining, population: Int = 4,
        intervals: Int = 3, exploit: ExploitRule = .truncation(0.25), explore: ExploreRule = .perturb(),
        retries: Int = 1, seed: UInt64 = 7
    ) -> Experiment {
        Experiment(
            name, kind: kind, objective: .maximize("score"), population: population, intervals: intervals, seed: seed,
            space: ["x": .uniform(0...1), "n": .integer(1...9), "name": .choice(["a", "b", "ü\"\\"])],
            exploit: exploit, explore: explore, decides: .early, retries: retries)
    }
}

/// Checks a condition.
func expect(
    _ fact: Bool, _ what: @autoclosure () -> String = "",
    file: StaticString = #fileID, line: Int = #line
) throws {
    guard fact else {
        throw StoreContract.Violation(description: "\(file):\(line): does not hold. \(what())")
    }
}

/// Checks that two values are equal.
func expectEqual<T: Equatable>(
    _ a: T, _ b: T, _ what: @autoclosure () -> String = "", file: StaticString = #fileID, line: Int = #line
) throws {
    guard a == b else {
        throw StoreContract.Violation(description: "\(file):\(line): \(a) is not \(b). \(what())")
    }
}

/// Checks that a call fails with a code.
func expectError(
    _ code: PBTError.Code, mentions part: String = "", file: StaticString = #fileID, line: Int = #line,
    _ body: () async throws -> Void
) async throws {
    do {
        try await body()
    } catch let error as PBTError {
        guard error.code == code, part.isEmpty || error.message.contains(part) else {
            throw StoreContract.Violation(description: "\(file):\(line): the wrong error: \(error.code): \(error)")
        }
        return
    }
    throw StoreContract.Violation(description: "\(file):\(line): there was no error")
}

extension Sequence {
    /// Maps with an asynchronous call, sequentially.
    func asyncMap<Result>(_ transform: (Element) async throws -> Result) async rethrows -> [Result] {
        var results: [Result] = []
        for element in self { results.append(try await transform(element)) }
        return results
    }
}

extension Store {
    /// Claims an interval, which must succeed.
    func take(
        _ name: String = "e", by worker: String = "w", for term: Duration = .seconds(60),
        file: StaticString = #fileID, line: Int = #line
    ) async throws -> Assignment {
        let claim = try await claim(from: name, by: worker, for: term)
        guard case .assignment(let assignment) = claim else {
            throw StoreContract.Violation(description: "\(file):\(line): nothing to claim: \(claim)")
        }
        return assignment
    }

    /// Finishes an attempt with a score and its checkpoint.
    @discardableResult
    func finish(_ assignment: Assignment, score: Double) async throws -> Finished {
        try await finish(
            assignment.lease,
            .trained(
                score: score, metrics: ["score": .number(score)],
                checkpoint: score.isFinite ? "\(assignment.lease.checkpointName)" : nil))
    }
}
