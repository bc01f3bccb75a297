// SPDX-License-Identifier: Apache-2.0

import PBT
import SystemPackage
import Testing

@testable import PBTWorker

@Suite struct `The trainer's own variables` {
    private static func text(_ entries: [[UInt8]]) -> [String] {
        entries.map { String(decoding: $0.dropLast(), as: UTF8.self) }
    }

    @Test func `win over inherited ones and over the threads, and not over what pbt says`() throws {
        let environment = TrainerEnvironment(["A": "inherited", "B": "inherited"])
        let trainer = Experiment.Trainer(
            command: ["t"], directory: "/", environment: ["A": "own", "OMP_NUM_THREADS": "7", "PBT_SEED": "x"])
        let entries = Self.text(
            try environment.entries(
                adding: ["PBT_SEED": "3"], scope: ProcessScope(of: "/scratch"), slot: 0, trainer: trainer, threads: 2))
        #expect(entries.contains("A=own") && entries.contains("B=inherited") && entries.contains("PBT_SEED=3"))
        #expect(entries.contains("OMP_NUM_THREADS=7") && entries.contains("MKL_NUM_THREADS=2"))
    }
}
