// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTReport

/// The messages of TensorBoard's hyperparameters plugin: its `api.proto` and `plugin_data.proto`.
enum HyperparametersPlugin {
    /// The tag of the experiment.
    static let experimentTag = "_hparams_/experiment"
    /// The tag of a session's start.
    static let startTag = "_hparams_/session_start_info"
    /// The tag of a session's end.
    static let endTag = "_hparams_/session_end_info"

    private static func pluginData(field: UInt64, _ body: (inout ProtobufWriter) -> Void) -> [UInt8] {
        ProtobufWriter.message { data in
            data.integer(0, field: 1)
            data.message(field: field, body)
        }
    }

    /// Returns the experiment: the domains of its hyperparameters, and the metrics of a session.
    static func experiment(_ history: History, _ quantities: Quantities) -> [UInt8] {
        let record = history.record
        return pluginData(field: 2) { experiment in
            let objective = record.experiment.objective
            experiment.string(record.experiment.name, field: 6)
            let goal = objective.goal == .maximize ? "Maximizes" : "Minimizes"
            experiment.string(objective.isDeclared ? "\(goal) \(objective.metric)." : "No objective.", field: 1)
            experiment.double(record.created.seconds, field: 3)
            for quantity in quantities.hyperparameters {
                experiment.message(field: 4) { info in
                    info.string(quantity.name, field: 1)
                    info.integer(quantity.kind.dataType, field: 4)
                    write(record.experiment.space[quantity.name], as: quantity.kind, to: &info)
                }
            }
            let others = quantities.metrics.filter { $0.kind != .text && $0 != quantities.objective }
            for quantity in [quantities.objective].compactMap(\.self) + others {
                experiment.message(field: 5) { info in
                    info.message(field: 1) { name in
                        name.string("", field: 1)
                        name.string(quantity.tag, field: 2)
                    }
                    info.string(quantity.name, field: 3)
                }
            }
        }
    }

    /// Writes the domain of a hyperparameter, if it is a range or a list.
    private static func write(_ dimension: Dimension?, as kind: Quantities.Kind, to info: inout ProtobufWriter) {
        func list(_ values: [Value]) {
            info.message(field: 5) { list in
                for value in values {
                    list.message(field: 1) { write(value, as: kind, to: &$0) }
                }
            }
        }
        func range(_ least: Double, _ greatest: Double) {
            guard kind == .number, least > -.greatestFiniteMagnitude, greatest < .greatestFiniteMagnitude else {
                return
            }
            info.message(field: 6) { interval in
                interval.double(least, field: 1)
                interval.double(greatest, field: 2)
            }
        }
        switch dimension?.domain {
        case .real(let real): range(real.bounds.lowerBound, real.bounds.upperBound)
        case .integer(let integers): range(Double(integers.bounds.lowerBound), Double(integers.bounds.upperBound))
        case .choice(let choice): list(choice.values)
        case .constant(let value): list([value])
        case .boolean, .free, nil: break
        }
    }

    /// Writes a `google.protobuf.Value` of a hyperparameter's kind.
    private static func write(_ value: Value, as kind: Quantities.Kind, to message: inout ProtobufWriter) {
        switch (kind, value.asNumber) {
        case (.truth, let number?): message.bool(number != 0, field: 4)
        case (.number, let number?): message.double(number, field: 2)
        default: message.string(value.asText ?? "null", field: 3)
        }
    }

    /// Returns the start of a session: a member, with the hyperparameters of its last score.
    ///
    /// The plugin does not support schedules: a session has one value for each hyperparameter.
    static func start(_ track: Track, _ history: History, _ quantities: Quantities) -> [UInt8] {
        let points = track.points
        let last = points.last { $0.interval.state == .done } ?? points.last
        return pluginData(field: 3) { session in
            for quantity in quantities.hyperparameters {
                guard let value = last?.interval.hyperparameters[quantity.name], value != .null else { continue }
                session.message(field: 1) { entry in
                    entry.string(quantity.name, field: 1)
                    entry.message(field: 2) { write(value, as: quantity.kind, to: &$0) }
                }
            }
            session.string(track.name, field: 4)
            session.double(start(of: track, history).seconds, field: 5)
        }
    }

    /// Returns the start of a track's first interval.
    static func start(of track: Track, _ history: History) -> Timestamp {
        track.points.first.map { $0.interval.started ?? $0.interval.created } ?? history.record.created
    }

    /// Returns the end of a session; none while its experiment is running.
    static func end(_ track: Track, _ history: History) -> [UInt8]? {
        guard history.record.state.isOver else { return nil }
        return pluginData(field: 4) { session in
            // Succeeded (1) or failed (2).
            session.integer(track.points.last?.interval.state == .done ? 1 : 2, field: 1)
            let end = track.points.last?.interval.latest ?? history.record.ended ?? history.record.created
            session.double(end.seconds, field: 2)
        }
    }
}

extension Quantities.Kind {
    /// The plugin's number for it.
    fileprivate var dataType: Int64 {
        switch self {
        case .text: 1
        case .truth: 2
        case .number: 3
        }
    }
}
