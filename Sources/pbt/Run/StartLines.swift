// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTReport
import PBTWorker
import SystemPackage

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// What a run says before it begins.
struct StartLines {
    private let enlistment: Enlistment
    private let trainer: Experiment.Trainer
    private let slots: Int
    private let opened: OpenStore

    /// What this run says.
    init(_ enlistment: Enlistment, trainer: Experiment.Trainer, slots: Int, opened: OpenStore) {
        self.enlistment = enlistment
        self.trainer = trainer
        self.slots = slots
        self.opened = opened
    }

    /// Writes it to standard error.
    func print() {
        let family = enlistment.family
        let experiment = family.main.experiment
        let finished = family.records.reduce(0) { $0 + $1.intervalsFinished }
        let planned = family.records.reduce(0) { $0 + $1.intervalsPlanned }
        let running = family.records.reduce(0) { $0 + ($1.counts[.running] ?? 0) }
        let manner =
            switch enlistment.manner {
            case .begins: "starts"
            case .triesAgain: "failed before and is tried again from \(finished) of \(planned) intervals"
            case .goesOn, .finds: "goes on from \(finished) of \(planned) intervals"
            }
        let beside = running > 0 ? ", beside \(Words.count(running, "interval")) in flight elsewhere" : ""
        Output.note("\(Terminal.error.styled(PlainText.line(experiment.name), .bold)) \(manner)\(beside)")
        let baseline = family.baseline == nil ? "" : ", and as many again by random search"
        Output.note(
            "  \(Words.count(experiment.population, "member")), \(Words.count(experiment.intervals, "interval")) each, "
                + "seed \(Int64(bitPattern: experiment.seed))\(baseline)")
        Output.note("  \(Words.count(slots, "worker")), \(threads)\(devices)")
        Output.note("  store \(opened.location)")
        let place = opened.data?.root.string ?? "the server's data directory"
        Output.note(
            "  checkpoints in \(place): at most \(Self.mostCheckpoints(of: family, slots: slots)) at a time\(free)"
        )
    }

    /// The most checkpoints that are on the disk at one time, those being written counted.
    ///
    /// A member needs its newest, or the donor's that it continues; the best are kept beside them.
    static func mostCheckpoints(of family: ExperimentFamily, slots: Int) -> Int {
        slots + family.records.reduce(0) { $0 + mostCheckpoints(of: $1.experiment) }
    }

    /// The most checkpoints of one experiment, those being written not counted.
    static func mostCheckpoints(of experiment: Experiment) -> Int {
        experiment.population * experiment.keep.last + experiment.keep.best
    }

    private var threads: String {
        let threads = TrainerEnvironment.threads(for: trainer, slots: slots)
        let isInherited = TrainerEnvironment.threadVariables.contains { environment($0) != nil }
        let cores = trainer.threads == nil ? " (\(Words.count(TrainerEnvironment.availableCores(), "core")))" : ""
        return isInherited
            ? "threads as the environment says" : "\(Words.count(threads, "thread")) each\(cores)"
    }

    private var devices: String {
        trainer.gpus.isEmpty ? "" : ", GPUs \(trainer.gpus.joined(separator: ", ")) in turn"
    }

    private var free: String {
        opened.data.flatMap { freeBytes(at: $0.root.removingLastComponent()) }.map { "; \(Format.bytes($0)) free" }
            ?? ""
    }
}

/// How many bytes a file system has left for this user; none when that cannot be told.
func freeBytes(at path: FilePath) -> Int64? {
    var information = statvfs()
    guard path.withPlatformString({ statvfs($0, &information) }) == 0 else { return nil }
    return Int64(clamping: UInt64(information.f_bavail) * UInt64(information.f_frsize))
}
