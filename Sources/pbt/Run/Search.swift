// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTReport

/// The training of one experiment and its baseline to their end, or the continuation of it, on this machine.
struct Search: Sendable {
    /// The store.
    let opened: OpenStore
    /// The trainer.
    let trainer: Experiment.Trainer
    /// The number of intervals that are trained at a time.
    let slots: Int
    /// The devices on the command line; nil for those of the definition.
    let gpus: [String]?
    /// The output.
    let shown: ProgressFlags
    /// The command that trains this experiment.
    let hint: RunHint

    /// Creates the experiment, or finds it in the store.
    ///
    /// - Throws: A ``Failure`` if it is paused; a ``PBTError`` if another definition has its name.
    func register(_ experiment: Experiment) async throws -> Registration {
        let registration = try await Registration(experiment, in: opened, retrying: true, hint: hint)
        if registration.family.main.state == .paused, !registration.isFinished {
            let resume = Hint.command("resume", experiment.name, in: opened)
            throw Failure(
                .tryLater, "\(PlainText.line(experiment.name)) is paused; resume it: \(resume) && \(hint.command())")
        }
        return registration
    }

    /// Trains until the experiment has ended.
    ///
    /// - Parameters:
    ///   - registration: The experiment.
    ///   - last: The number of the newest event before the registration.
    /// - Throws: A ``Failure`` without a message when a signal ended it.
    func train(_ registration: Registration, after last: Int64) async throws {
        let options = shown.options
        if options.style == .live || options.style == .plain {
            StartLines(registration, trainer: trainer.with(gpus: gpus), slots: slots, opened: opened)
                .print(isLive: options.style == .live)
        }
        try await Session.train(
            registration.family, in: opened, slots: slots, gpus: gpus, after: last, options: options)
    }

    /// Evaluates the best checkpoints of an experiment and of its baseline, if its definition says so and they have
    /// finished; only what is missing.
    ///
    /// - Throws: A ``Failure`` when a signal ended it, or if the program cannot be run here.
    func evaluate(_ experiment: Experiment) async throws {
        let (isQuiet, opened) = (shown.quiet, opened)
        for definition in [experiment, experiment.baseline].compactMap(\.self) where definition.evaluate != nil {
            let evaluator = Evaluator(opened: opened, experiment: definition, slots: slots, gpus: gpus) { text in
                if !isQuiet { Output.note(text) }
            }
            try await evaluator.run()
        }
    }
}

extension Registration {
    /// True if the experiment had ended before.
    var isFinished: Bool {
        if case .alreadyFinished = outcome { true } else { false }
    }
}
