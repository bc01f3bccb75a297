// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTReport
import PBTWorker

extension Experiment.Trainer {
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
