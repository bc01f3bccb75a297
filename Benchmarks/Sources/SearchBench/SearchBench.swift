// SPDX-License-Identifier: Apache-2.0

import PBT
import SystemPackage

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Runs searches, and trains their tasks for other tools: the Swift part of Scripts/search-bench.
///
/// Reads a JSON object a line and answers each with one, except `step`, which is a training program of `pbt`.
@main
struct SearchBench {
    static let usage = """
        usage: SearchBench search      a search a line: {task, population, intervals, workers, seed, rules}
               SearchBench founders    a population a line: {task, population, seed}
               SearchBench train       an interval a line: {task, load, save, seed, hyperparameters}
               SearchBench cost        the CPU time of decisions, by rule and number of members
               SearchBench step TASK   one interval, by the variables that pbt sets

        """

    static func main() async {
        do {
            let words = CommandLine.arguments.dropFirst()
            switch (words.first, words.count) {
            case ("search", 1): try await answer { try await Search($0).run() }
            case ("founders", 1): try await answer { try Search.founders($0) }
            case ("train", 1):
                var tasks = Tasks()
                try await answer { try tasks.train($0) }
            case ("cost", 1):
                try tell(DecisionCost.measurePB2())
                try await DecisionCost.measure(repetitions: 3, tell)
            case ("step", 2): try Step(task: .named(words.last ?? "")).run()
            default: throw Failure(usage)
            }
        } catch {
            _ = try? FileDescriptor.standardError.writeAll("\(error)\n".utf8)
            exit(1)
        }
    }

    private static func tell(_ value: Value) throws {
        try FileDescriptor.standardOutput.writeAll("\(value.json)\n".utf8)
    }

    /// Answers every line of standard input; an error becomes `{"error": …}`, so that the others are still answered.
    private static func answer(_ body: (Value) async throws -> Value) async throws {
        while let line = readLine() {
            let result: Value
            do {
                result = try await body(Value(json: line))
            } catch {
                result = ["error": .string("\(error)")]
            }
            try FileDescriptor.standardOutput.writeAll("\(result.json)\n".utf8)
        }
    }
}

extension Value {
    /// Returns a member of an object.
    ///
    /// - Throws: A ``Failure`` if it is missing or of another type.
    func required<T>(_ name: String, _ type: KeyPath<Value, T?>) throws -> T {
        guard let value = self[name]?[keyPath: type] else { throw Failure("\"\(name)\" is missing or of another type") }
        return value
    }
}
