// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTAPI
import PBTCheckpoints
import PBTReport
import SystemPackage

extension Target {
    static let wire = Target(name: "wire") { recorder in
        { source in
            let history = Runs.history(&source, name: "wire")
            // Extreme scores are for charts: no store has a row that is done without a finite score.
            let intervals = history.genealogy.intervals.filter { $0.limitComplaint == nil }
            guard let interval = intervals.isEmpty ? nil : source.pick(intervals) else { return }
            let experiment = history.record.experiment
            let lease = Lease(
                experiment: "wire", interval: interval.id, attempt: 1, token: source.text(), worker: source.text(),
                expires: interval.created)
            let assignment = Assignment(
                lease: lease, interval: interval, parentCheckpoint: source.chance(2) ? source.text() : nil,
                experiment: experiment, garbage: (0..<source.below(3)).map { _ in source.text() })
            let event = Event(
                id: Int64(source.below(99)), experiment: "wire", time: interval.created,
                kind: source.pick(Event.Kind.allCases), interval: interval.id,
                details: source.object().mapValues(\.finite))
            let outcome: Outcome =
                source.chance(4)
                ? .failed(reason: source.text())
                : .trained(score: source.number(), metrics: interval.metrics, checkpoint: source.text())
            let decision = Decision(
                interval: interval.id, outcome: source.pick([.continues, .restarts, .ends, .exploits(interval.id)]),
                next: source.chance(2) ? interval : nil)
            let messages: [(Value, Value.Reading)] = [
                (lease.api, { try Lease(api: $0).api }), (interval.api, { try Interval(api: $0).api }),
                (
                    history.record.api(version: "1"),
                    { try ExperimentRecord(api: $0, experiment: experiment).api(version: "1") }
                ),
                (
                    assignment.api(definition: nil, version: "1"),
                    { try Assignment(api: $0, experiment: experiment).api(definition: nil, version: "1") }
                ), (event.api, { try Event(api: $0)?.api }), (decision.api, { try Decision(api: $0).api }),
                (.object(outcome.api), { .object(try Outcome(api: $0).api) }),
            ]
            let (message, read) = source.pick(messages)
            for round in 0..<4 {
                // The first round unchanged: written data can be read.
                let value = round == 0 ? message : source.mutated(source.mutated(message))
                try recorder.note(value.json)
                let sent = try Value(json: value.json)
                let again: Value?
                do {
                    again = try read(Fields(sent))
                } catch let error as PBTError {
                    try expect(round > 0, "written data cannot be read: \(error)")
                    continue
                }
                guard let again else { continue }
                let once = try read(Fields(Value(json: again.json)))
                try expect(once?.json == again.json, "the round trip changed: \(again.json)")
            }
        }
    }

    static let manifest = Target(name: "manifest") { recorder in
        { source in
            let sha = String(repeating: "0a", count: 32)
            var files: [Value] = []
            for _ in 0..<source.below(5) {
                files.append([
                    "path": .string(source.chance(2) ? source.text() : "d/f\(source.below(4))"),
                    "size": .integer(source.integer()), "sha256": .string(sha), "executable": .bool(source.chance(2)),
                ])
            }
            var value: Value = [
                "files": .array(files),
                "directories": .array((0..<source.below(3)).map { _ in .string(source.text()) }),
                "lease": .null,
            ]
            if source.chance(2) { value = source.mutated(value) }
            try recorder.note(value.json)
            for most in [Manifest.maximumBytes, .max] {
                do {
                    let manifest = try Manifest(api: Fields(value), maximumBytes: most)
                    try expect(manifest.bytes >= 0 && manifest.bytes <= most, "\(manifest.bytes) bytes")
                    let again = try Manifest(api: Fields(.object(manifest.api)), maximumBytes: most)
                    try expect(again == manifest, "the round trip changed the value")
                } catch is PBTError {
                    continue
                }
            }
        }
    }

    static let names = Target(name: "names") { recorder in
        { source in
            let samples = ["m0003-i0012-a1", "3@12", "12-345", "a%2Fb", "d/e/f", "experiment", "bytes=5-"]
            let text =
                source.chance(2)
                ? source.text() : String(decoding: source.mutated(Array(source.pick(samples).utf8)), as: UTF8.self)
            try recorder.note(Value.string(text).json)
            if let cursor = ChangeCursor(text) {
                try expect(ChangeCursor(cursor.description) == cursor, "the cursor \(text)")
            }
            if let id = IntervalID(text) { try expect(IntervalID(id.description) == id, "the interval \(text)") }
            let encoded = PathSegment.encode(text)
            try expect(encoded.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "/") }, "\(encoded)")
            if !text.utf8.contains(0) { try expect(PathSegment.decode(encoded) == text, "the segment \(text)") }
            _ = PathSegment.decode(text)
            if let name = CheckpointName(text) {
                try expect(name.description == text, "the checkpoint \(text) became \(name)")
            }
            do {
                let path = try TransferPath(text)
                let below = path.below("/root").string
                let names = below.pathNames()
                try expect(names.starts(with: ["", "root"]) && !names.contains(".."), "\(below) leads elsewhere")
                try expect("\(path)" == text, "the path \(text) became \(path)")
                _ = path.parents
            } catch is PBTError {
                // It is not a path.
            }
            _ = Duration(value: .string(text))?.milliseconds
            _ = Duration(value: .number(source.number()))?.value
            if let duration = Duration(value: source.value(depth: 0)) {
                try expect(Duration(value: duration.value) == duration, "the duration \(duration)")
            }
        }
    }

    static let stream = Target(name: "stream") { recorder in
        { source in
            var bytes: [UInt8] = []
            for _ in 0..<source.below(4) {
                bytes += Array(
                    EventStream.Frame(id: source.chance(2) ? "7" : nil, event: "done", data: source.value().json).text
                        .utf8)
                if source.chance(3) { bytes += Array(EventStream.comment.utf8) }
            }
            let frames = bytes
            if source.chance(2) { bytes = source.mutated(bytes) }
            try recorder.note(String(decoding: bytes, as: UTF8.self))
            var whole = EventStream.Parser()
            let expected = whole.take(bytes)
            if bytes == frames {
                let text = expected.map { EventStream.Frame(id: $0.id, event: $0.event, data: $0.data).text }.joined()
                var again = EventStream.Parser()
                try expect(again.take(Array(text.utf8)) == expected, "the round trip changed the value")
            }
            // However it is cut, the same comes out.
            var cut = EventStream.Parser()
            var found: [EventStream.Frame] = []
            var rest = bytes[...]
            while !rest.isEmpty {
                let part = rest.prefix(1 + source.below(7))
                found += cut.take(part)
                rest = rest.dropFirst(part.count)
            }
            try expect(found == expected, "cut in pieces it is read otherwise")
        }
    }
}

extension Value {
    /// Reads a message, and writes it again.
    typealias Reading = (Fields) throws -> Value?
}
