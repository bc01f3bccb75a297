// SPDX-License-Identifier: Apache-2.0

package import PBT
package import SystemPackage

extension Experiment {
    /// A small experiment with one hyperparameter, trained by a shell script.
    package static func shell(
        _ script: String, named name: String = "toy", population: Int = 1, intervals: Int = 1, retries: Int = 0,
        workers: Int = 1, gpus: [String] = [], threads: Int? = nil, timeout: Duration? = nil,
        grace: Duration = .seconds(10), in directory: FilePath = "/tmp"
    ) -> Experiment {
        Experiment(
            name, objective: .maximize("score"), population: population, intervals: intervals, seed: 7,
            space: ["rate": .uniform(0...1)], retries: retries,
            trainer: Trainer(
                command: ["/bin/sh", "-c", script.escapingBraces], directory: directory.string, workers: workers,
                gpus: gpus, threads: threads, timeout: timeout, grace: grace))
    }

    /// The first interval of a member, as a store would hand it out.
    package func assignment(
        member: Int = 0, attempt: Int = 1, hyperparameters: Hyperparameters? = nil, parent: String? = nil
    ) -> Assignment {
        let now = Timestamp(milliseconds: 0)
        var interval = firstInterval(of: member, hyperparameters: hyperparameters, at: now)
        interval.attempts = attempt
        return Assignment(
            lease: Lease(
                experiment: name, interval: interval.id, attempt: attempt, token: "token", worker: "worker",
                expires: now),
            interval: interval, parentCheckpoint: parent, experiment: self)
    }
}

extension String {
    /// The text with its braces doubled, so that they are no placeholders.
    package var escapingBraces: String {
        String(flatMap { $0 == "{" || $0 == "}" ? [$0, $0] : [$0] })
    }
}

/// Restores, adds to, saves and reports a number: a whole trainer in a few lines of shell.
package let countingScript = """
    set -e
    count=0
    if [ -n "$PBT_CHECKPOINT_IN" ]; then count=$(cat "$PBT_CHECKPOINT_IN/count"); fi
    count=$((count + 1))
    echo "$count" > "$PBT_CHECKPOINT_OUT/count"
    echo "{\\"score\\": $count.$PBT_MEMBER}" > "$PBT_RESULTS"
    """
