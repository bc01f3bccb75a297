// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTReport
import PBTWorker

extension Experiment.Trainer {
    /// Returns the trainer with devices of the command line, if there are any.
    func with(gpus: [String]?) -> Self {
        guard let gpus else { return self }
        var trainer = self
        trainer.gpus = gpus
        return trainer
    }

    /// Checks that this machine has the devices that the slots use, before anything is trained.
    ///
    /// - Throws: A ``Failure`` with status ``ExitStatus/cannotTrain`` that names the missing device.
    func checkDevices(of name: String, slots: Int) throws {
        guard let problem = deviceProblem(slots: slots) else { return }
        throw Failure(.cannotTrain, "\(PlainText.line(name)): \(problem)")
    }

    /// Returns the problem when this machine lacks devices that the slots use; nil when it has them, or when that is
    /// unknown.
    func deviceProblem(slots: Int) -> String? {
        gpus.isEmpty ? nil : TrainerEnvironment.current().problem(withDevices: gpus, slots: slots)
    }
}

extension DeviceAssignment {
    /// Creates the assignment of a command, which leaves the devices of this user's other processes to them.
    ///
    /// - Parameters:
    ///   - gpus: The devices on the command line; nil for those of the experiments.
    ///   - warn: Called with a message when devices are shared.
    convenience init(gpus: [String]? = nil, warn: @escaping @Sendable (String) -> Void = { Output.warn($0) }) {
        self.init(
            gpus: gpus, locks: .ofUser(runtimeDirectory: environment("PBT_RUNTIME_DIR")), warn: warn)
    }
}
