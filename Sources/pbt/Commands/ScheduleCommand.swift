// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import PBT
import PBTExport
import PBTReport

/// `pbt schedule`.
struct ScheduleCommand: PagedCommand {
    static let configuration = CommandConfiguration(
        commandName: "schedule",
        abstract:
            "Print the hyperparameter schedule of the best interval, or of a member, or export it to a framework.",
        discussion: """
            The schedule can be smoothed, stretched to a longer training, and written as Python code for PyTorch, Optax, \
            Keras or Hugging Face Transformers:

              pbt schedule digits -o csv
              pbt schedule digits --smooth auto --scale 4
              pbt schedule digits --smooth 3 -o pytorch --steps-per-interval 500
            """)

    @Argument(help: "The experiment.", completion: .experiments) var experiment: String
    @Argument(help: "MEMBER or MEMBER@INTERVAL; default: the best interval.") var member: IntervalArgument?
    @Option(
        name: [.short, .customLong("output")],
        help: ArgumentHelp(
            "A file, or a format for standard output: table, json, yaml, csv, pytorch, optax, keras or transformers.",
            valueName: "output"))
    var output: String?
    @Option(help: "The format, where the output's name does not imply it.") var format: ScheduleDestination.Format?
    @OptionGroup var shape: ScheduleShape
    @Option(
        help: ArgumentHelp(
            "The steps that the framework counts in an interval of training; needed for code.", valueName: "steps"))
    var stepsPerInterval: Int?
    @Option(
        help: ArgumentHelp(
            "The hyperparameter that is the learning rate; default: the one named lr, learning_rate or similar.",
            valueName: "name"))
    var learningRate: String?
    @OptionGroup var storeOptions: StoreOptions
    @OptionGroup var jsonOption: FormatOptions
    @OptionGroup var pager: PagerOptions

    /// The greatest number of steps that all frameworks can count.
    private static let mostSteps = Int(Int32.max)

    func validate() throws {
        let framework = try place.format.framework
        if let stepsPerInterval, !(1...Self.mostSteps).contains(stepsPerInterval) {
            throw ValidationError(
                "--steps-per-interval must be between 1 and \(Self.mostSteps), not \(stepsPerInterval)")
        }
        if let framework, stepsPerInterval == nil {
            throw ValidationError(
                "\(framework.rawValue) needs --steps-per-interval: the steps that the scheduler counts while the trainer "
                    + "trains one interval")
        }
        if framework == nil, stepsPerInterval != nil || learningRate != nil {
            throw ValidationError(
                "--\(stepsPerInterval != nil ? "steps-per-interval" : "learning-rate") requires --format "
                    + ScheduleCode.Framework.allCases.map(\.rawValue).joined(separator: ", "))
        }
    }

    private var place: ScheduleDestination {
        get throws {
            let place = try ScheduleDestination(output, format)
            guard jsonOption.json else { return place }
            guard place.format == .json || output == nil && format == nil else {
                throw ValidationError("--json contradicts \(place.format.rawValue)")
            }
            return ScheduleDestination(format: .json, path: place.path)
        }
    }

    func printOutput() async throws {
        let loaded = try await storeOptions.load(experiment)
        let tip = try loaded.interval(member)
        let place = try place
        guard let framework = place.format.framework else { return try write(text(of: loaded, tip), to: place) }
        try write(code(for: framework, of: loaded, tip), to: place)
    }

    private func write(_ text: String, to place: ScheduleDestination) throws {
        guard let path = place.path else { return try Output.write(text) }
        var file = try OutputFile(path)
        try file.append(text.utf8)
        try file.finish()
    }

    private func text(of loaded: LoadedExperiment, _ tip: Interval) throws -> ScheduleText {
        let lineage = loaded.history.lineage(of: tip.id)
        guard !shape.isPlain else { return ScheduleText(lineage, of: loaded.experiment.space) }
        let schedule = shape.schedule(of: lineage, in: loaded.experiment)
        return ScheduleText(schedule.intervals(try shape.length(of: schedule)), of: loaded.experiment.space)
    }

    /// Writes the schedule to standard output, as a table fitted to the terminal, or to a file.
    private func write(_ text: ScheduleText, to place: ScheduleDestination) throws {
        switch place.format {
        case .json:
            if place.path == nil { return try Output.json(text.value) }
            try write(text.value.json + "\n", to: place)
        case .yaml: try write(text.yaml, to: place)
        case .csv: try write(text.csv, to: place)
        default:
            let constants = text.constants.isEmpty ? "" : "Constant: \(text.constants)\n"
            guard place.path == nil else { return try write(text.table.text() + constants, to: place) }
            try text.table.print()
            try Output.write(constants)
        }
    }

    private func code(
        for framework: ScheduleCode.Framework, of loaded: LoadedExperiment, _ tip: Interval
    ) throws -> String {
        let schedule = shape.schedule(of: loaded.history.lineage(of: tip.id), in: loaded.experiment)
        let steps = stepsPerInterval ?? 1
        let total = try shape.length(of: schedule, parts: steps, atMost: Self.mostSteps)
        let origin = ScheduleCode.Origin(
            experiment: loaded.experiment.name, interval: tip.id, metric: loaded.experiment.objective.metric,
            score: tip.state == .done ? tip.score : nil, version: Version.current)
        let remark =
            ["\(Words.count(schedule.length, "interval")) of \(Words.count(steps, "step"))", shape.text]
            .filter { !$0.isEmpty }.joined(separator: ", ")
        return ScheduleCode(
            schedule, total: total, learningRate: try rate(in: schedule), origin: origin, remark: remark
        ).text(for: framework)
    }

    /// Returns the name of the learning rate.
    ///
    /// - Throws: A ``Failure`` if there is none, or more than one.
    private func rate(in schedule: Schedule) throws -> String {
        if let learningRate {
            guard schedule.names.contains(learningRate) else {
                throw Failure(
                    .usage,
                    "there is no hyperparameter \(Value.string(learningRate).json); there are "
                        + schedule.names.map { Value.string($0).json }.joined(separator: ", "))
            }
            guard ScheduleCode.isNumeric(learningRate, in: schedule) else {
                throw Failure(.usage, "\(Value.string(learningRate).json) is not a number in every interval")
            }
            return learningRate
        }
        let found = ScheduleCode.learningRates(in: schedule)
        guard found.count == 1, let rate = found.first else {
            let names = (found.isEmpty ? schedule.names : found).map { Value.string($0).json }
            throw Failure(
                .usage,
                "\(found.isEmpty ? "which hyperparameter" : "which of them") is the learning rate? Name it with "
                    + "--learning-rate: \(names.joined(separator: ", "))")
        }
        return rate
    }
}
