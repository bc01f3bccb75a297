// SPDX-License-Identifier: Apache-2.0

import LibC
public import PBT
import PBTCheckpoints
import SystemPackage

/// The environment that trainers inherit, with the variables that are added to it.
public struct TrainerEnvironment: Sendable, Hashable {
    /// The variables that set the number of threads of numeric libraries.
    public static let threadVariables = [
        "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "VECLIB_MAXIMUM_THREADS",
    ]

    /// The inherited variables as bytes, since an environment need not be UTF-8.
    private var inherited: [String: [UInt8]]

    /// The number of GPUs of the machine; nil if it is unknown.
    private var installedDevices: Int?
    /// The names of the GPUs of the machine by index, `GPU-…`; empty if they are unknown.
    private var deviceNames: [String] = []

    /// Creates an environment with variables.
    ///
    /// - Parameters:
    ///   - variables: The variables.
    ///   - installedDevices: The number of GPUs of the machine; nil if it is unknown.
    ///   - deviceNames: The names of the GPUs of the machine by index, `GPU-…`; empty if they are unknown.
    public init(_ variables: [String: String], installedDevices: Int? = nil, deviceNames: [String] = []) {
        inherited = variables.mapValues { Array($0.utf8) }
        self.installedDevices = installedDevices
        self.deviceNames = deviceNames
        drop()
    }

    /// Returns the current environment of this process.
    public static func current() -> Self {
        let installed = DevicePool.installed()
        var environment = Self(
            [:], installedDevices: installed, deviceNames: DevicePool.names(ofInstalled: installed))
        #if canImport(Darwin)
            var pointer: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = _NSGetEnviron().pointee
        #else
            var pointer: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = environ
        #endif
        while let entry = pointer?.pointee {
            let bytes = UnsafeBufferPointer(start: entry, count: strlen(entry)).map { UInt8(bitPattern: $0) }
            if let equals = bytes.dropFirst().firstIndex(of: UInt8(ascii: "=")) {
                environment.inherited[String(decoding: bytes[..<equals], as: UTF8.self)] = Array(bytes[(equals + 1)...])
            }
            pointer = pointer?.advanced(by: 1)
        }
        environment.drop()
        return environment
    }

    /// Drops `PBT_` variables of this process or of an enclosing attempt, which must not reach the trainer.
    private mutating func drop() {
        for name in inherited.keys where name.hasPrefix("PBT_") && name != ProcessScope.variable {
            inherited[name] = nil
        }
    }

    /// The inherited value of a variable.
    subscript(name: String) -> String? {
        inherited[name].map { String(decoding: $0, as: UTF8.self) }
    }

    /// Returns the environment of an attempt: entries `NAME=value` with a terminating zero, in order of name.
    ///
    /// - Parameters:
    ///   - attempt: The attempt.
    ///   - trainer: How it is started.
    ///   - files: The paths of its files.
    ///   - threads: How many threads it is told to use.
    ///   - devices: The value of `CUDA_VISIBLE_DEVICES`; nil for the devices of its slot.
    /// - Returns: The entries.
    /// - Throws: A ``WorkerProblem`` if a device is not in the pool.
    func entries(
        for attempt: Attempt, trainer: Experiment.Trainer, files: AttemptFiles, threads: Int,
        devices: String? = nil
    ) throws -> [[UInt8]] {
        let assignment = attempt.assignment
        let interval = assignment.interval
        var added: [String: String] = [
            "PBT_HYPERPARAMETERS": files.hyperparameters.string,
            "PBT_CHECKPOINT_OUT": attempt.checkpoint.string,
            "PBT_RESULTS": files.results.string,
            "PBT_EXPERIMENT": assignment.experiment.name,
            "PBT_MEMBER": String(interval.id.member),
            "PBT_INTERVAL": String(interval.id.index),
            "PBT_DEPTH": String(interval.depth),
            "PBT_ATTEMPT": String(assignment.lease.attempt),
            "PBT_SEED": String(assignment.seed),
            "PBT_INTERVAL_SEED": String(assignment.intervalSeed),
        ]
        added["PBT_CHECKPOINT_IN"] = attempt.parentCheckpoint?.string
        let space = assignment.experiment.space
        for (name, value) in space.folded(interval.hyperparameters.values)
        where value.isScalar && value != .null || space.arrays[name] != nil {
            added[SearchSpace.environmentName(of: name)] = value.argument
        }
        return try entries(
            adding: added, scope: ProcessScope(of: attempt.scratch), slot: attempt.slot, trainer: trainer,
            threads: threads, devices: devices)
    }

    /// The environment for a program, as entries `NAME=value` with a closing zero, in order of name.
    ///
    /// The trainer's own variables win over inherited ones.
    ///
    /// - Parameters:
    ///   - variables: What it is told besides its threads and its device.
    ///   - scope: What marks its processes.
    ///   - slot: Which of the worker's slots it runs in, from 0.
    ///   - trainer: How it is started.
    ///   - threads: How many threads it is told to use.
    ///   - devices: The value of `CUDA_VISIBLE_DEVICES`; nil for the devices of its slot.
    /// - Returns: The entries.
    /// - Throws: A ``WorkerProblem`` when a device is not in the pool.
    func entries(
        adding variables: [String: String], scope: ProcessScope, slot: Int, trainer: Experiment.Trainer, threads: Int,
        devices: String? = nil
    ) throws -> [[UInt8]] {
        var added = variables.merging(trainer.environment) { own, _ in own }
        for name in Self.threadVariables where inherited[name] == nil && added[name] == nil {
            added[name] = String(threads)
        }
        if let device = try devices ?? device(for: slot, of: trainer.gpus) { added["CUDA_VISIBLE_DEVICES"] = device }
        added[ProcessScope.variable] = scope.value(inside: self[ProcessScope.variable])
        // An environment cannot contain null bytes.
        let all = inherited.merging(added.mapValues { $0.utf8.filter { $0 != 0 } }) { $1 }
        return all.sorted { $0.key < $1.key }.map { Array($0.key.utf8) + [UInt8(ascii: "=")] + $0.value + [0] }
    }

    /// Returns the devices of a slot: the groups of the experiment are assigned to slots in rotation.
    ///
    /// Numbers are indexes into an inherited `CUDA_VISIBLE_DEVICES`; names such as `GPU-…` and `MIG-…` are used
    /// unchanged.
    ///
    /// - Parameters:
    ///   - slot: The slot, from 0.
    ///   - groups: The experiment's devices (`Experiment.Trainer.gpus`); if empty, the variable is left unchanged.
    /// - Returns: The value for `CUDA_VISIBLE_DEVICES`; nil to leave it unchanged.
    /// - Throws: A ``WorkerProblem`` if a device is not in the pool.
    func device(for slot: Int, of groups: [String]) throws -> String? {
        guard !groups.isEmpty else { return nil }
        do {
            return try devicePool.devices(of: groups[slot % groups.count])
        } catch {
            throw WorkerProblem(error.text, isTransient: false)
        }
    }

    /// Returns the reason why the devices of an experiment cannot be used on this machine; nil if they can, or if that
    /// is unknown.
    ///
    /// - Parameters:
    ///   - groups: The experiment's devices (`Experiment.Trainer.gpus`).
    ///   - slots: The number of concurrent programs; groups without a slot are not checked.
    /// - Returns: The problem with a remedy; nil if every device exists.
    public func problem(withDevices groups: [String], slots: Int) -> String? {
        devicePool.problem(with: groups, slots: slots)
    }

    var devicePool: DevicePool {
        DevicePool(visible: self["CUDA_VISIBLE_DEVICES"], installed: installedDevices, names: deviceNames)
    }

    /// Returns the number of threads of each trainer, where the environment does not set it.
    ///
    /// - Parameters:
    ///   - trainer: The trainer of the experiment.
    ///   - slots: The number of concurrent programs.
    ///   - cores: The number of cores that this process may use.
    /// - Returns: The value for `OMP_NUM_THREADS` and similar variables; at least 1.
    public static func threads(for trainer: Experiment.Trainer, slots: Int, cores: Int = availableCores()) -> Int {
        trainer.threads ?? max(1, cores / max(1, slots))
    }

    /// Returns the number of cores that this process may use.
    public static func availableCores() -> Int {
        #if os(Linux)
            // The affinity, which batch systems and containers set: `Cpus_allowed: ff,ffffffff`.
            if let status = ProcessIdentity.text(of: "/proc/self/status"),
                let line = status.split(separator: "\n").first(where: { $0.hasPrefix("Cpus_allowed:") })
            {
                let cores = line.dropFirst("Cpus_allowed:".count).compactMap(\.hexDigitValue)
                    .reduce(0) { $0 + $1.nonzeroBitCount }
                if cores > 0 { return min(cores, max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))) }
            }
        #endif
        return max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
    }
}
