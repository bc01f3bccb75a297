// SPDX-License-Identifier: Apache-2.0

import PBT
import Synchronization

/// The assignment of devices to the slots of a process, which takes devices that no other process of the user has.
///
/// A slot keeps its devices while nobody else has them. If all are taken, it shares those that the fewest use, and says
/// so once.
public final class DeviceAssignment: Sendable {
    private struct State {
        /// The devices that each slot had last, as the value of `CUDA_VISIBLE_DEVICES`.
        var last: [Int: String] = [:]
        var told: Set<String> = []
    }

    /// The devices on the command line, instead of those of an experiment; nil for those of the experiment.
    private let gpus: [String]?
    private let locks: DeviceLocks
    private let warn: @Sendable (String) -> Void
    private let state = Mutex(State())

    /// Creates an assignment.
    ///
    /// - Parameters:
    ///   - gpus: Groups of devices instead of those of the experiments, in the form of `Experiment.Trainer.gpus`.
    ///   - locks: The devices that processes have taken.
    ///   - warn: Called with a message when devices are shared with another process, or cannot be locked.
    public init(gpus: [String]? = nil, locks: DeviceLocks, warn: @escaping @Sendable (String) -> Void) {
        (self.gpus, self.locks, self.warn) = (gpus, locks, warn)
    }

    /// Returns a trainer with the devices of the command line.
    func applied(to trainer: Experiment.Trainer) -> Experiment.Trainer {
        guard let gpus else { return trainer }
        var trainer = trainer
        trainer.gpus = gpus
        return trainer
    }

    /// Takes the devices for a program.
    ///
    /// - Parameters:
    ///   - slot: The slot, from 0.
    ///   - trainer: The trainer of the experiment, with the devices of the command line.
    ///   - experiment: The name of the experiment, for messages.
    ///   - environment: The environment that programs inherit.
    /// - Returns: The value for `CUDA_VISIBLE_DEVICES`, and the object that holds the devices; nil if it names none.
    /// - Throws: A ``WorkerProblem`` if the devices of the slot are not on this machine.
    func take(
        for slot: Int, of trainer: Experiment.Trainer, in experiment: String, _ environment: TrainerEnvironment
    ) throws -> (devices: String, hold: DeviceHold?)? {
        let groups = trainer.gpus
        guard !groups.isEmpty else { return nil }
        let pool = environment.devicePool
        let own = try environment.device(for: slot, of: groups) ?? ""
        // Those that this machine lacks are no choice; the slot's own ones must be there.
        var choices: [String] = []
        for number in groups.indices {
            guard let devices = try? pool.devices(of: groups[(slot + number) % groups.count]) else { continue }
            if !choices.contains(devices) { choices.append(devices) }
        }
        if let last = state.withLock({ $0.last[slot] }), let place = choices.firstIndex(of: last) {
            choices.remove(at: place)
            choices.insert(last, at: 0)
        }
        let hold: DeviceHold
        do {
            hold = try locks.take(firstOf: choices.map { pool.identities(of: $0) })
        } catch let error as PBTError {
            say("cannot see which devices are in use: \(error.message); GPU \(own) is used in any case", about: own)
            return (own, nil)
        }
        let devices = choices[hold.group]
        state.withLock { $0.last[slot] = devices }
        let others = Set(hold.others.map(\.process)).subtracting([ProcessIdentity.current().number]).sorted()
        if !others.isEmpty {
            let processes = others.map { $0 > 0 ? "\($0)" : "unknown" }.joined(separator: ", ")
            say(
                "all GPUs of \(experiment) are in use, so GPU \(devices) is shared with process \(processes); choose "
                    + "others with --gpus", about: "\(experiment) \(devices)")
        }
        return (devices, hold)
    }

    private func say(_ text: String, about subject: String) {
        if state.withLock({ $0.told.insert(subject).inserted }) { warn(text) }
    }
}
