// SPDX-License-Identifier: Apache-2.0

public import PBT
import SystemPackage

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The environment that training programs inherit, and what is added to it.
public struct TrainerEnvironment: Sendable, Hashable {
    /// The variables that set how many threads numeric libraries use.
    public static let threadVariables = [
        "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "VECLIB_MAXIMUM_THREADS",
    ]

    /// What is inherited, as bytes, since an environment need not be UTF-8.
    private var inherited: [String: [UInt8]]

    /// An environment with these variables.
    public init(_ variables: [String: String]) {
        inherited = variables.mapValues { Array($0.utf8) }
        drop()
    }

    /// The environment of this process, as it is now.
    public static func current() -> Self {
        var environment = Self([:])
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

    /// Drops what belongs to this process or to an attempt around it, and must not be taken for the trainer's own.
    private mutating func drop() {
        for name in inherited.keys where name.hasPrefix("PBT_") {
            inherited[name] = nil
        }
    }

    /// The inherited value of a variable.
    subscript(name: String) -> String? {
        inherited[name].map { String(decoding: $0, as: UTF8.self) }
    }

    /// The environment for an attempt, as entries `NAME=value` with a closing zero, in order of name.
    ///
    /// - Throws: A `PBTError` with code `badExperiment` when a device is not in the pool.
    func entries(
        for attempt: Attempt, trainer: Experiment.Trainer, files: AttemptFiles, threads: Int
    ) throws
        -> [[UInt8]]
    {
        let assignment = attempt.assignment
        let interval = assignment.interval
        var added: [String: String] = [
            "PBT_HYPERPARAMETERS": files.hyperparameters.string,
            "PBT_CHECKPOINT_OUT": attempt.checkpoint.string,
            "PBT_RESULTS": files.results.string,
            "PBT_EXPERIMENT": assignment.experiment.name,
            "PBT_MEMBER": String(interval.id.member),
            "PBT_INTERVAL": String(interval.id.index),
            "PBT_ATTEMPT": String(assignment.lease.attempt),
            "PBT_SEED": String(assignment.seed),
        ]
        added["PBT_CHECKPOINT_IN"] = attempt.parentCheckpoint?.string
        for (name, value) in interval.hyperparameters.values where value.isScalar && value != .null {
            added[SearchSpace.environmentName(of: name)] = value.argument
        }
        return try entries(adding: added, slot: attempt.slot, trainer: trainer, threads: threads)
    }

    /// The environment for a program, as entries `NAME=value` with a closing zero, in order of name.
    ///
    /// The trainer's own variables win over inherited ones.
    ///
    /// - Parameters:
    ///   - variables: What it is told beside its threads and its device.
    ///   - slot: Which of the worker's slots it runs in, from 0.
    ///   - trainer: How it is started.
    ///   - threads: How many threads it is told to use.
    /// - Returns: The entries.
    /// - Throws: A `PBTError` with code `badExperiment` when a device is not in the pool.
    func entries(
        adding variables: [String: String], slot: Int, trainer: Experiment.Trainer, threads: Int
    ) throws -> [[UInt8]] {
        var added = variables.merging(trainer.environment) { own, _ in own }
        for name in Self.threadVariables where inherited[name] == nil && added[name] == nil {
            added[name] = String(threads)
        }
        if let device = try device(for: slot, of: trainer.gpus) { added["CUDA_VISIBLE_DEVICES"] = device }
        // A null byte cannot stand in an environment.
        let all = inherited.merging(added.mapValues { $0.utf8.filter { $0 != 0 } }) { $1 }
        return all.sorted { $0.key < $1.key }.map { Array($0.key.utf8) + [UInt8(ascii: "=")] + $0.value + [0] }
    }

    /// The device of a slot: the slots take the devices in turn; numbers count within an inherited
    /// `CUDA_VISIBLE_DEVICES`, names such as `GPU-…` and `MIG-…` are used as they are.
    ///
    /// - Parameters:
    ///   - slot: The slot, from 0.
    ///   - devices: The experiment's devices; none: the variable is left alone.
    /// - Returns: What `CUDA_VISIBLE_DEVICES` is to be; none: it is left alone.
    /// - Throws: A `PBTError` with code `badExperiment` when a number is not in the pool.
    func device(for slot: Int, of devices: [String]) throws -> String? {
        guard !devices.isEmpty else { return nil }
        let device = devices[slot % devices.count]
        guard let index = Int(device), let pool = self["CUDA_VISIBLE_DEVICES"] else { return device }
        let entries = pool.split(separator: ",").map { String($0.filter { !$0.isWhitespace }) }
        // No device at all was asked for from outside: that holds.
        guard !entries.isEmpty, entries != ["-1"] else { return nil }
        guard entries.indices.contains(index) else {
            throw PBTError(
                .badExperiment,
                "gpus: there is no device \(index), since CUDA_VISIBLE_DEVICES is \(pool): \(entries.count) of them, "
                    + "counted from 0; change gpus, or unset CUDA_VISIBLE_DEVICES")
        }
        return entries[index]
    }

    /// How many threads each training program is told to use, where the environment does not say it already.
    ///
    /// - Parameters:
    ///   - trainer: How the program is started.
    ///   - slots: How many run at a time.
    ///   - cores: How many cores this process may use.
    /// - Returns: What `OMP_NUM_THREADS` and its kin are set to; at least 1.
    public static func threads(for trainer: Experiment.Trainer, slots: Int, cores: Int = availableCores()) -> Int {
        trainer.threads ?? max(1, cores / max(1, slots))
    }

    /// How many cores this process may use.
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
