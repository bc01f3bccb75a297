// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTReport
import PBTWorker

extension Experiment.Trainer {
    /// Checks that this machine has the devices that the slots get, before anything is trained.
    ///
    /// - Throws: A ``Failure`` with status ``ExitStatus/cannotTrain`` that says which device is missing.
    func checkDevices(of name: String, slots: Int) throws {
        guard let problem = deviceProblem(slots: slots) else { return }
        throw Failure(.cannotTrain, "\(PlainText.line(name)): \(problem)")
    }

    /// Why this machine lacks devices that the slots get; none when it has them, or when that cannot be told.
    func deviceProblem(slots: Int) -> String? {
        gpus.isEmpty ? nil : TrainerEnvironment.current().problem(withDevices: gpus, slots: slots)
    }
}
