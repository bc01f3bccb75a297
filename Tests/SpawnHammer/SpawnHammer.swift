// SPDX-License-Identifier: Apache-2.0

import Dispatch
import LibC
import PBT
import PBTCheckpoints
import PBTWorker
import SystemPackage

/// Trains by a command while its own process group is sent signals as fast as they go: `SpawnHammer DIRECTORY`.
///
/// As when somebody presses Ctrl-C or Ctrl-Z at the very moment at which a trainer starts. Prints one JSON line: how
/// many intervals of how many are done, and the reasons of those that are not.
@main
struct SpawnHammer {
    static let signals = [SIGINT, SIGQUIT, SIGTSTP, SIGHUP, SIGTERM, SIGUSR1, SIGALRM]

    static func main() async throws {
        guard CommandLine.arguments.count == 2 else {
            print("usage: SpawnHammer DIRECTORY")
            return
        }
        for number in signals { signal(number, SIG_IGN) }
        guard setpgid(0, 0) == 0 else { throw Errno(rawValue: errno) }
        let directory = CommandLine.arguments[1]
        let store = InMemoryStore()
        var experiment = Experiment(
            "toy", objective: .maximize("score"), population: 2, intervals: 100, seed: 1,
            space: ["x": .uniform(0...1)], retries: 0)
        experiment.trainer = Experiment.Trainer(
            command: ["/bin/sh", "-c", #"echo '{{"score": 1}}' > "$PBT_RESULTS""#], directory: directory)
        _ = try await store.create(experiment)
        DispatchQueue(label: "storm").async {
            while true {
                for number in signals { kill(0, number) }
            }
        }
        try await Worker(
            store: store, data: DataDirectory(FilePath(directory)), executor: CommandExecutor(),
            configuration: WorkerConfiguration(experiments: .named(["toy"]), slots: 2)
        ).run()
        let intervals = try await store.intervals(of: "toy")
        print(
            Value.object([
                "done": .integer(intervals.count { $0.state == .done }), "planned": .integer(200),
                "reasons": .array(intervals.compactMap(\.reason).map { .string($0) }),
            ]).json)
    }
}
