// SPDX-License-Identifier: Apache-2.0

package import PBT

extension Revision {
    /// The revision as a JSON object.
    package var api: Value {
        [
            "number": .integer(number), "time": .time(time), "finished_intervals": .integer(Int(after)),
            "late_decisions": .integer(Int(order)), "definition": experiment.value,
        ]
    }

    /// Decodes an object that ``api`` encoded.
    ///
    /// - Parameter fields: The object.
    /// - Throws: A `PBTError` with code `badRequest` or `badExperiment`.
    package init(api fields: Fields) throws(PBTError) {
        self.init(
            number: try fields.int("number"), time: try fields.time("time"),
            experiment: try Experiment(api: .object(try fields.object("definition"))),
            after: Int64(try fields.int("finished_intervals")), order: Int64(try fields.int("late_decisions")))
    }
}
