// SPDX-License-Identifier: Apache-2.0

import Foundation
import PBT
import Testing

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The devices of several processes on one machine, which need not exist: trainers only say which they were given.
@Suite(.timeLimit(.minutes(10))) struct DeviceTests {
    /// Tells whoever listens which device it has, and waits at the gate.
    private static let trainer = """
        echo "$PBT_EXPERIMENT $CUDA_VISIBLE_DEVICES" > here
        read -r _ < gate
        exec sh sum.sh
        """

    /// Devices that are visible to a process, whatever the machine has.
    private static let visible = ["CUDA_VISIBLE_DEVICES": "0,1,2,3,4,5,6,7"]

    private static func place(_ names: String..., more: String = "gpus: [0, 1]") throws -> Workplace {
        let place = try Workplace()
        try place.write(trainer, to: "devices.sh")
        for name in names {
            try place.experiment(name, trainer: "devices.sh", population: 1, intervals: 1, more: more)
        }
        return place
    }

    @Test func `a second run takes the device that is free, and a third shares the first and says so`() async throws {
        let place = try Self.place("a", "b", "c")
        let (gate, here) = (try Gate(in: place), try Gate(in: place, named: "here"))
        let first = try await Command.live(["run", "a.yaml"], in: place.directory, environment: Self.visible) { _, a in
            #expect(try await here.line() == "a 0")
            let second = try await Command.live(["run", "b.yaml"], in: place.directory, environment: Self.visible) {
                _, _ in
                #expect(try await here.line() == "b 1")
                let third = try await Command.live(["run", "c.yaml"], in: place.directory, environment: Self.visible) {
                    lines, _ in
                    #expect(try await here.line() == "c 0")
                    try await lines.wait(
                        for: "all GPUs of c are in use, so GPU 0 is shared with process \(a); choose others with --gpus"
                    )
                    try gate.open()
                }
                #expect(third.code == 0)
            }
            #expect(second.code == 0)
            #expect(!second.lines.contains { $0.contains("in use") })
        }
        #expect(first.code == 0)
    }

    @Test func `kill -9 frees a device, and a name under another list of devices is the same one`() async throws {
        let place = try Self.place("a", "b", "c")
        let (gate, here) = (try Gate(in: place), try Gate(in: place, named: "here"))
        let names = ["CUDA_VISIBLE_DEVICES": "GPU-a,GPU-b"]
        let run = try await Command.live(["run", "b.yaml", "--gpu", "GPU-a"], in: place.directory) { _, _ in
            #expect(try await here.line() == "b GPU-a")
            let killed = try await Command.live(["run", "a.yaml"], in: place.directory, environment: names) { _, a in
                let line = try await here.line()
                #expect(line == "a GPU-b")
                #expect(kill(a, SIGKILL) == 0)
            }
            #expect(killed.code == -SIGKILL)
            let next = try await Command.live(["run", "c.yaml"], in: place.directory, environment: names) { _, _ in
                #expect(try await here.line() == "c GPU-b")
                try gate.open()
            }
            #expect(next.code == 0)
            #expect(!next.lines.contains { $0.contains("in use") })
        }
        #expect(run.code == 0)
    }

    @Test func `devices on the command line are used instead of those in the file, one worker for each`()
        async throws
    {
        let place = try Self.place("a", more: "gpus: [7]")
        let (gate, here) = (try Gate(in: place), try Gate(in: place, named: "here"))
        try gate.open()
        let run = try await Command.live(
            ["run", "a.yaml", "--gpus", "[[4, 5], [6, 7]]"], in: place.directory, environment: Self.visible
        ) { _, _ in
            let line = try await here.line()
            #expect(line == "a 4,5")
        }
        #expect(run.code == 0)
        #expect(run.lines.contains { $0.contains(" workers=2 ") && $0.contains(" gpus=4+5,6+7 ") })
    }

    @Test func `a worker takes --gpu too, for each experiment of the store`() async throws {
        let place = try Self.place("a", "b", more: "")
        let (gate, here) = (try Gate(in: place), try Gate(in: place, named: "here"))
        try gate.open()
        for name in ["a", "b"] { #expect(try await place.pbt("create", "\(name).yaml").code == 0) }
        let worker = try await Command.live(
            ["worker", "pbt.sqlite", "--gpu", "3"], in: place.directory, environment: Self.visible
        ) { _, _ in
            let lines = [try await here.line(), try await here.line()]
            #expect(Set(lines) == ["a 3", "b 3"])
        }
        #expect(worker.code == 0)
    }

    @Test(
        arguments: [
            (["--gpus", "0,0,GPU-x"], nil),
            (
                ["--gpus=-1"],
                "--gpus: must contain device numbers or names, or groups of them such as [[0, 1], [2, 3]], not -1"
            ),
            (["--gpus", "[]"], "--gpus: must be a list with at least one device, such as [0, 1]"),
            (["--gpus", "[0"], "--gpus: must be a list of devices, such as 0,1 or [[0, 1], [2, 3]], not [0"),
            (["--gpu", "0,0"], "--gpus[0]: has device 0 twice; list each device of a worker once"),
            (["--gpu", "0,"], "--gpus[0]: must be devices separated by commas, such as \"0,1\", not \"0,\""),
            (
                ["--gpu", "0", "--gpus", "1"],
                "--gpu and --gpus say the same; give --gpu for each worker, or one list: --gpus 0,1"
            ),
        ] as [([String], String?)])
    func `devices that a file could not have are refused`(_ options: [String], _ message: String?) async throws {
        let place = try Workplace()
        try place.experiment()
        let answer = try await Command.run(
            ["run", "toy.yaml"] + options, in: place.directory, environment: Self.visible)
        guard let message else { return #expect(answer.code == 0, "\(answer.error)") }
        #expect(answer.code == 64)
        #expect(answer.error.hasPrefix("error: \(message)\n"), "\(answer.error)")
        #expect(!place.has("pbt.sqlite"))
    }
}
