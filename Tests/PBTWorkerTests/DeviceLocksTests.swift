// SPDX-License-Identifier: Apache-2.0

import LibC
import PBT
import PBTCheckpoints
import PBTTesting
import Synchronization
import SystemPackage
import TestSupport
import Testing

@testable import PBTWorker

@Suite struct DeviceLocksTests {
    @Test func `the devices that the fewest use are taken, and are free again with their holder`() async throws {
        try await withTemporaryDirectory { directory in
            let locks = DeviceLocks(directory: FilePath(directory).appending("run/devices"))
            let groups = [["0"], ["1"]]
            var first: DeviceHold? = try locks.take(firstOf: groups)
            let second = try locks.take(firstOf: groups)
            let third = try locks.take(firstOf: groups)
            let fourth = try locks.take(firstOf: groups)
            #expect([first?.group, second.group, third.group, fourth.group] == [0, 1, 0, 1])
            #expect(first?.others == [])
            #expect(second.others == [])
            let me = ProcessIdentity.current().number
            #expect(third.others == [DeviceLocks.Taker(device: "0", process: me)])
            #expect(fourth.others == [DeviceLocks.Taker(device: "1", process: me)])
            withExtendedLifetime((second, third, fourth)) {
                first = nil
                let fifth = try? locks.take(firstOf: groups)
                #expect(fifth?.group == 0)
                #expect(fifth?.others.count == 1)
            }
        }
    }

    @Test func `a group is as much in use as its most used device, and all of it is taken`() async throws {
        try await withTemporaryDirectory { directory in
            let locks = DeviceLocks(directory: FilePath(directory).appending("run/devices"))
            let one = try locks.take(firstOf: [["1"]])
            let group = try locks.take(firstOf: [["0", "1"], ["2", "GPU-a/b"]])
            #expect(group.group == 1)
            #expect(try locks.take(firstOf: [["2"]]).others.count == 1)
            #expect(try locks.take(firstOf: [["GPU-a/b"]]).others.count == 1)
            #expect(try locks.take(firstOf: [["0"]]).others.isEmpty)
            withExtendedLifetime((one, group)) {}
        }
    }

    @Test func `a directory that others can write to is refused`() async throws {
        try await withTemporaryDirectory { directory in
            let parent = FilePath(directory).appending("run")
            try FileSystem.makeDirectory(parent)
            let set = parent.withPlatformString { chmod($0, 0o777) }
            #expect(set == 0)
            let error = #expect(throws: PBTError.self) {
                try DeviceLocks(directory: parent.appending("devices")).take(firstOf: [["0"]])
            }
            #expect(
                error?.message
                    == "\(parent) is not a directory to which only this user can write; delete it, or set "
                    + "PBT_RUNTIME_DIR to another directory")
        }
    }

    @Test(
        arguments: [
            ("0", ["GPU-aa"]), ("1,0", ["GPU-ab", "GPU-aa"]), ("GPU-ab", ["GPU-ab"]), ("GPU-a", ["GPU-a"]),
            ("GPU-b", ["GPU-bb"]), ("7", ["7"]), ("MIG-x", ["MIG-x"]),
        ])
    func `an index, a name and its beginning are the same device`(_ devices: String, _ names: [String]) {
        let pool = DevicePool(visible: nil, installed: 3, names: ["GPU-aa", "GPU-ab", "GPU-bb"])
        #expect(pool.identities(of: devices) == names)
        #expect(DevicePool(visible: nil, installed: nil).identities(of: "0,GPU-a") == ["0", "GPU-a"])
    }

    @Test func `the driver names devices in the order of the bus, if this process sees all of them`() async throws {
        try await withTemporaryDirectory { directory in
            for (place, name) in [("0000:b1:00.0", "GPU-b"), ("0000:17:00.0", "GPU-a")] {
                let folder = FilePath(directory).appending(place)
                try FileSystem.makeDirectory(folder)
                try FileSystem.write(
                    "Model: \t\t NVIDIA H100\nGPU UUID: \t \(name)\nDevice Minor: \t 0\n",
                    to: folder.appending("information"))
            }
            #expect(DevicePool.names(ofInstalled: 2, in: FilePath(directory)) == ["GPU-a", "GPU-b"])
            #expect(DevicePool.names(ofInstalled: 1, in: FilePath(directory)) == [])
            #expect(DevicePool.names(ofInstalled: nil, in: FilePath(directory)) == [])
        }
    }

    @Test func `a slot keeps its device, takes a free one when another has it, and says when it shares`() async throws {
        try await withTemporaryDirectory { directory in
            let locks = DeviceLocks(directory: FilePath(directory).appending("run/devices"))
            let told = Mutex<[String]>([])
            let assignment = DeviceAssignment(locks: locks) { text in told.withLock { $0.append(text) } }
            let environment = TrainerEnvironment(["CUDA_VISIBLE_DEVICES": "4,5"])
            let trainer = try #require(Experiment.shell("true", gpus: ["0", "1", "2"]).trainer)
            func take() throws -> (devices: String, hold: DeviceHold?) {
                try #require(try assignment.take(for: 0, of: trainer, in: "toy", environment))
            }
            #expect(try take().devices == "4")
            let other = try locks.take(firstOf: [["4"]])
            #expect(try take().devices == "5")
            withExtendedLifetime(other) {}
            // The third does not exist here, and is no choice; nor does the slot go back as soon as its first is free.
            #expect(try take().devices == "5")
            #expect(told.withLock { $0 } == [])
            #expect(
                try assignment.take(for: 0, of: Experiment.shell("true").trainer ?? trainer, in: "toy", environment)
                    == nil)
        }
    }
}
