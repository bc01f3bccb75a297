// SPDX-License-Identifier: Apache-2.0

import LibC
import PBT
import PBTCheckpoints
import PBTReport
import PBTWorker
import SystemPackage

/// The lines that a run prints when it starts.
struct StartLines {
    private let registration: Registration
    private let trainer: Experiment.Trainer
    private let slots: Int
    private let opened: OpenStore

    /// Creates the lines of a run.
    init(_ registration: Registration, trainer: Experiment.Trainer, slots: Int, opened: OpenStore) {
        self.registration = registration
        self.trainer = trainer
        self.slots = slots
        self.opened = opened
    }

    /// Prints them to standard error: a few lines on a terminal, or one line with the time in a log.
    func print(isLive: Bool) {
        guard isLive else { return Output.note(line) }
        let status = StatusLines(isLive: true)
        for line in lines { status.print(line) }
    }

    /// The line for a log: `TIME start experiment=toy members=2 intervals=3 workers=1 seed=7 …`.
    private var line: String {
        let family = registration.family
        let experiment = family.main.experiment
        let finished = family.records.reduce(0) { $0 + $1.intervalsFinished }
        let running = family.records.reduce(0) { $0 + ($1.counts[.running] ?? 0) }
        var verb = "start"
        switch registration.outcome {
        case .created: break
        case .retried: verb = "retry"
        case .resumed, .alreadyFinished: verb = "resume"
        }
        var line = "\(StoreClock.system.now()) \(verb) experiment=\(PlainText.line(experiment.name))"
        if verb != "start" {
            let planned = family.records.reduce(0) { $0 + $1.intervalsPlanned }
            line += " finished=\(finished)/\(planned)"
        }
        if running > 0 { line += " running_elsewhere=\(running)" }
        line += " members=\(experiment.population) intervals=\(experiment.intervals) workers=\(slots)"
        line += " seed=\(Int64(bitPattern: experiment.seed))"
        if !isThreadsInherited { line += " threads=\(TrainerEnvironment.threads(for: trainer, slots: slots))" }
        if !trainer.gpus.isEmpty { line += " gpus=\(devicesText(","))" }
        if let baseline = family.baseline { line += " baseline=\(PlainText.line(baseline.experiment.name))" }
        line += " store=\(opened.location)"
        if let data = opened.data {
            line += " data=\(data.root)"
            line += " most_checkpoints=\(Self.mostCheckpoints(of: family, slots: slots))"
        }
        return line
    }

    private var lines: [StyledLine] {
        let family = registration.family
        let experiment = family.main.experiment
        let finished = family.records.reduce(0) { $0 + $1.intervalsFinished }
        let planned = family.records.reduce(0) { $0 + $1.intervalsPlanned }
        let running = family.records.reduce(0) { $0 + ($1.counts[.running] ?? 0) }
        let start =
            switch registration.outcome {
            case .created: "starts"
            case .retried: "failed before, and is retried from \(finished) of \(planned) intervals"
            case .resumed, .alreadyFinished: "resumes from \(finished) of \(planned) intervals"
            }
        let elsewhere = running > 0 ? ", with \(Words.count(running, "interval")) running elsewhere" : ""
        var title = StyledLine(experiment.name, .bold)
        title.append(" \(start)\(elsewhere)")
        let baseline =
            family.baseline.map { record in
                record.experiment.halving == nil
                    ? ", plus the same number by random search"
                    : ", plus \(record.intervalsPlanned) by successive halving of "
                        + Words.count(record.experiment.population, "member")
            } ?? ""
        var location = opened.location.description
        if case .file(let path) = opened.location { location = near(path) }
        let place = opened.data.map { near($0.root) } ?? "the server's data directory"
        let members = Words.count(experiment.population, "member")
        let intervals = Words.count(experiment.intervals, "interval")
        return [
            title,
            "  \(members), \(experiment.halving == nil ? "" : "up to ")\(intervals) each, seed \(Int64(bitPattern: experiment.seed))\(baseline)",
            "  \(Words.count(slots, "worker")), \(threads)\(devices)", "  store \(location)",
            "  checkpoints in \(place): at most \(Self.mostCheckpoints(of: family, slots: slots)) at a time\(free)",
        ]
    }

    /// Returns the maximum number of checkpoints on the disk at a time, including those being written.
    ///
    /// A member needs its latest one, or that of the donor that it continues; the best ones are kept too, and possible
    /// donors of generations that are not complete.
    static func mostCheckpoints(of family: ExperimentFamily, slots: Int) -> Int {
        family.records.reduce(slots) { $0.adding(saturating: mostCheckpoints(of: $1.experiment)) }
    }

    /// Returns the maximum number of checkpoints of one experiment, without those being written.
    static func mostCheckpoints(of experiment: Experiment) -> Int {
        experiment.population.multiplied(saturatingBy: experiment.keep.last)
            .adding(saturating: experiment.bestKept).adding(saturating: experiment.possibleDonors)
    }

    private var isThreadsInherited: Bool {
        TrainerEnvironment.threadVariables.contains { environment($0) != nil }
    }

    private var threads: String {
        let threads = TrainerEnvironment.threads(for: trainer, slots: slots)
        let cores = trainer.threads == nil ? " (\(Words.count(TrainerEnvironment.availableCores(), "core")))" : ""
        return isThreadsInherited
            ? "threads as set in the environment" : "\(Words.count(threads, "thread")) each\(cores)"
    }

    private var devices: String {
        trainer.gpus.isEmpty ? "" : ", GPUs \(devicesText(", ")) in turn"
    }

    /// Returns the devices of each worker; those of one worker are joined by `+`.
    private func devicesText(_ separator: String) -> String {
        trainer.gpus.map { $0.replacing(",", with: "+") }.joined(separator: separator)
    }

    private var free: String {
        opened.data.flatMap { freeBytes(at: $0.root.removingLastComponent()) }.map { "; \(Format.bytes($0)) free" }
            ?? ""
    }
}

/// Returns the free space of a file system for this user, in bytes; nil when it is unknown.
func freeBytes(at path: FilePath) -> Int64? {
    var information = statvfs()
    guard path.withPlatformString({ statvfs($0, &information) }) == 0 else { return nil }
    return Int64(clamping: UInt64(information.f_bavail).multiplied(saturatingBy: UInt64(information.f_frsize)))
}
