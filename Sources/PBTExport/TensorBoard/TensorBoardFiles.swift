// SPDX-License-Identifier: Apache-2.0

import PBT
package import PBTReport

/// An experiment as event files that TensorBoard reads: a pure function of its rows.
///
/// Deterministic: the same rows give the same bytes. While a run is in progress its file of numbers only grows, so that
/// an open TensorBoard follows it. Data that changes, the session of a member, is in a file of its own, and a lineage
/// that changes gets a file of another name. Files are created one at a time.
package struct TensorBoardFiles: Sendable {
    private enum Content {
        case experiment
        case session(Track)
        case numbers(Track)
    }

    /// The tracks, each a run in TensorBoard.
    package let tracks: [Track]
    /// The relative paths of the files.
    package let paths: [String]
    private let contents: [Content]
    private let history: History
    private let quantities: Quantities

    /// Creates the event files of a history.
    package init(_ history: History) {
        self.history = history
        quantities = Quantities(history)
        let tracks = Track.all(of: history)
        // TensorBoard recognizes event files by this name, and reads those of a run in the order of their names.
        let seconds = String(max(0, history.record.created.milliseconds / 1000))
        let zeros = String(repeating: "0", count: max(0, 10 - seconds.count))
        func file(_ part: String) -> String { "\(Self.prefix)\(zeros)\(seconds).\(part)\(Self.suffix)" }
        var files: [(path: String, content: Content)] = [(file("0-hparams"), .experiment)]
        for track in tracks {
            if track.isMember { files.append(("\(track.name)/\(file("0-hparams"))", .session(track))) }
            let course = track.course.isEmpty ? "" : "-\(track.course)"
            files.append(("\(track.name)/\(file("1-scalars\(course)"))", .numbers(track)))
        }
        self.tracks = tracks
        paths = files.map(\.path)
        contents = files.map(\.content)
    }

    /// The prefix of the names of event files.
    package static let prefix = "events.out.tfevents."
    /// The suffix of the names of our event files.
    package static let suffix = ".pbt"

    /// Returns the contents of the file at an index in ``paths``.
    package func contents(at place: Int) -> [UInt8] {
        switch contents[place] {
        case .experiment: experiment
        case .session(let track): session(of: track)
        case .numbers(let track): numbers(of: track)
        }
    }

    private var experiment: [UInt8] {
        let time = history.record.created
        var file = EventFile(at: time)
        let experiment = HyperparametersPlugin.experiment(history, quantities)
        file.append([(HyperparametersPlugin.experimentTag, .hyperparameters(experiment))], at: time, step: 0)
        return file.bytes
    }

    private func session(of track: Track) -> [UInt8] {
        let start = HyperparametersPlugin.start(of: track, history)
        var file = EventFile(at: start)
        let session = HyperparametersPlugin.start(track, history, quantities)
        file.append([(HyperparametersPlugin.startTag, .hyperparameters(session))], at: start, step: 0)
        if let end = HyperparametersPlugin.end(track, history) {
            let time = track.points.last?.interval.latest ?? start
            file.append([(HyperparametersPlugin.endTag, .hyperparameters(end))], at: time, step: 0)
        }
        return file.bytes
    }

    private func numbers(of track: Track) -> [UInt8] {
        var file = EventFile(at: HyperparametersPlugin.start(of: track, history))
        for point in track.points {
            let values = values(of: point.interval, isMember: track.isMember)
            file.append(values, at: point.interval.latest, step: point.step)
        }
        return file.bytes
    }

    private func values(of interval: Interval, isMember: Bool) -> [(tag: String, content: EventFile.Content)] {
        var values: [(tag: String, content: EventFile.Content)] = []
        for metric in quantities.metrics {
            if metric.kind == .text {
                if let text = interval.metrics[metric.name]?.asText { values.append((metric.tag, .text(text))) }
            } else if let number = quantities.number(metric, of: interval) {
                values.append((metric.tag, .scalar(Float(number))))
            }
        }
        for hyperparameter in quantities.hyperparameters {
            guard let value = interval.hyperparameters[hyperparameter.name] else { continue }
            if hyperparameter.kind == .text {
                if let text = value.asText { values.append((hyperparameter.tag, .text(text))) }
            } else if let number = value.asNumber {
                values.append((hyperparameter.tag, .scalar(Float(number))))
            }
        }
        if isMember {
            if let text = interval.copyText(in: history) { values.append(("pbt/copies", .text(text))) }
        } else {
            // The member of each step, since a lineage goes through many members.
            values.append(("pbt/interval", .scalar(Float(interval.id.index))))
            values.append(("pbt/member", .scalar(Float(interval.id.member))))
        }
        return values
    }
}

extension Track {
    /// True for a member's own track.
    var isMember: Bool {
        if case .member = kind { true } else { false }
    }
}
