// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTExport
import PBTReport
import Testing

/// Event files; that TensorBoard itself reads them is what `Scripts/test-tensorboard` sees.
@Suite struct TensorBoardTests {
    private func values(of run: String, _ files: TensorBoardFiles) throws -> [EventReader.Value] {
        try files.paths.enumerated().filter { $0.element.hasPrefix("\(run)/events") }.flatMap {
            try EventReader.values(files.contents(at: $0.offset))
        }
    }

    private func points(
        _ tag: String, of run: String, _ files: TensorBoardFiles
    ) throws -> [(step: Int, number: Float)] {
        try values(of: run, files).filter { $0.tag == tag }.compactMap { value in
            value.number.map { (value.step, $0) }
        }
    }

    // RFC 3720, appendix B.4, and the check value of the catalog of checksums.
    @Test(
        arguments: [
            (Array("123456789".utf8), 0xE306_9283), ([UInt8](repeating: 0, count: 32), 0x8A91_36AA),
            ([UInt8](repeating: 0xff, count: 32), 0x62A8_AB43), (Array(0..<32), 0x46DD_794E),
            (Array((0..<32).reversed()), 0x113F_DB5C), ([], 0),
        ] as [([UInt8], UInt32)])
    func `the checksum is CRC-32C`(bytes: [UInt8], sum: UInt32) {
        #expect(CRC32C.checksum(of: bytes) == sum)
    }

    @Test func `a file is, byte for byte, the one that TensorBoard's own writer makes`() {
        var file = EventFile(at: Timestamp(milliseconds: 1500))
        file.append(
            [("accuracy", .scalar(0.1)), ("é/b", .scalar(-.infinity))], at: Timestamp(milliseconds: 2250), step: 300)
        file.append([], at: Timestamp(milliseconds: 3000), step: 301)
        // Of `RecordWriter` and the messages of TensorBoard 2.21.
        let wanted =
            "1800000000000000a37f4b2209000000000000f83f1a0d627261696e2e4576656e743a322a28646c2c00000000000000f4aecc45"
            + "09000000000000024010ac022a1e0a0f0a08616363757261637915cdcccc3d0a0b0a04c3a92f6215000080ff22f96e15"
        #expect(Hex.text(of: file.bytes) == wanted)
    }

    @Test func `a member's steps are its intervals, at the times when they finished`() throws {
        let files = TensorBoardFiles(Rows.copied.history())
        let found = try values(of: "members/m01", files).filter { $0.tag == "accuracy" }
        #expect(found.map(\.step) == [0, 1, 2, 3])
        let scores = Rows.copied.intervals.filter { $0.id.member == 1 }.compactMap(\.score)
        #expect(found.compactMap(\.number) == scores.map { Float($0) })
        #expect(found.map(\.time) == [1_763_000_001.85, 1_763_000_003.85, 1_763_000_005.85, 1_763_000_007.85])
        let rates = try points("hyperparameters/rate", of: "members/m01", files)
        #expect(rates.map(\.number) == [0.01, 0.01, 0.08, 0.08])
        let copies = try values(of: "members/m01", files).filter { $0.tag == "pbt/copies" }
        #expect(copies.map(\.step) == [2])
        #expect(copies.first?.text == "Continues 0@1, which scored 0.6000.\n\nrate: 0.1 ×0.8 → 0.08")
    }

    @Test func `a lineage goes through the members that it was copied from, and never back`() throws {
        let files = TensorBoardFiles(Rows.copied.history())
        #expect(
            files.tracks.map(\.name) == [
                "members/m00", "members/m01", "lineages/best", "lineages/m00", "lineages/m01",
            ])
        let scores = try points("accuracy", of: "lineages/m01", files)
        #expect(scores.map(\.step) == [0, 1, 2, 3])
        let wanted: [Float] = [0.5, 0.6, 0.5, 0.7]
        #expect(scores.map(\.number) == wanted)
        #expect(try points("pbt/member", of: "lineages/m01", files).map(\.number) == [0, 0, 1, 1])
        #expect(try points("pbt/interval", of: "lineages/m01", files).map(\.number) == [0, 1, 2, 3])
        #expect(try points("hyperparameters/rate", of: "lineages/m01", files).map(\.number) == [0.1, 0.1, 0.08, 0.08])
    }

    @Test func `without copies there are no lineages but the best's`() {
        var rows = Rows()
        rows.add(0, 0, score: 0.1)
        rows.add(1, 0, score: 0.2)
        #expect(
            TensorBoardFiles(rows.history()).tracks.map(\.name) == ["members/m00", "members/m01", "lineages/best"])
    }

    @Test func `what diverged is not a number, what failed or is missing has no point, and what waits none yet`() throws
    {
        var rows = Rows()
        rows.add(0, 0, score: 0.1, metrics: ["loss": 2])
        rows.add(0, 1, parent: (0, 0), score: .nan, metrics: ["loss": .null])
        rows.add(0, 2, score: nil)
        rows.add(0, 3, parent: (0, 0), score: 0.4, metrics: ["loss": 1e300, "flag": true])
        rows.addWaiting(0, 4, parent: (0, 3))
        let files = TensorBoardFiles(rows.history())
        let scores = try points("accuracy", of: "members/m00", files)
        #expect(scores.map(\.step) == [0, 1, 3])
        #expect(scores[1].number.isNaN && scores[2].number == 0.4)
        let losses = try points("loss", of: "members/m00", files)
        #expect(losses.map(\.step) == [0, 3] && losses.map(\.number) == [2, .infinity])
        #expect(try points("flag", of: "members/m00", files).map(\.number) == [1])
        #expect(try points("hyperparameters/rate", of: "members/m00", files).map(\.step) == [0, 1, 2, 3])
    }

    @Test func `names that would mean something else, and names of any text, stay apart`() throws {
        var rows = Rows(metric: "<script>\"é\u{202e}")
        let metrics: [String: Value] = [
            "hyperparameters/rate": 7, "metrics/hyperparameters/rate": 8, "_hparams_/experiment": 9, "": 10,
            "pbt/member": 11,
        ]
        rows.add(0, 0, score: 0.5, metrics: metrics)
        let files = TensorBoardFiles(rows.history())
        let found = try values(of: "members/m00", files).filter { $0.number != nil }
        let tags = Dictionary(grouping: found, by: \.tag).mapValues { $0.map(\.number) }
        #expect(
            tags == [
                "<script>\"é\u{202e}": [0.5], "hyperparameters/rate": [0.1], "metrics/hyperparameters/rate": [7],
                "metrics/metrics/hyperparameters/rate": [8], "metrics/_hparams_/experiment": [9], "metrics/": [10],
                "metrics/pbt/member": [11],
            ])
    }

    @Test func `what is sometimes no number is text at all steps`() throws {
        var rows = Rows(space: ["kind": .choice(["relu", 1]), "on": .boolean])
        rows.add(0, 0, score: 0.5, ["kind": 1, "on": true], metrics: ["note": "a", "shape": [1, 2]])
        rows.add(0, 1, parent: (0, 0), score: 0.5, ["kind": "relu", "on": false], metrics: ["note": 3])
        let found = try values(of: "members/m00", TensorBoardFiles(rows.history()))
        #expect(found.filter { $0.tag == "hyperparameters/kind" }.map(\.text) == ["1", "relu"])
        #expect(found.filter { $0.tag == "note" }.map(\.text) == ["a", "3"])
        #expect(found.filter { $0.tag == "shape" }.map(\.text) == ["[1,2]"])
        #expect(found.filter { $0.tag == "hyperparameters/on" }.map(\.number) == [1, 0])
        #expect(found.filter { $0.text != nil }.allSatisfy { $0.plugin?.name == "text" })
    }

    @Test(arguments: [(2, "members/m01"), (100, "members/m01"), (101, "members/m001"), (1001, "members/m0001")])
    func `names of members have as many digits as the greatest`(members: Int, name: String) {
        var rows = Rows()
        for member in 0..<members { rows.add(member, 0, score: 0.1) }
        let names = TensorBoardFiles(rows.history()).tracks.map(\.name).filter { $0.hasPrefix("members/") }
        #expect(names[1] == name)
        #expect(names == names.sorted())
    }

    @Test func `the same rows give the same bytes, in whatever order they come`() {
        let rows = Rows.copied
        let one = TensorBoardFiles(rows.history())
        let other = TensorBoardFiles(History(rows.history().record, intervals: rows.intervals.reversed()))
        #expect(one.paths == other.paths)
        #expect(one.paths.indices.allSatisfy { one.contents(at: $0) == other.contents(at: $0) })
    }

    @Test func `a file of numbers only gets longer, and an ancestry that becomes another gets another file`() throws {
        var rows = Rows.copied
        rows.state = .running
        rows.add(0, 4, parent: (1, 3), score: 0.9)
        var last: [String: [UInt8]] = [:]
        var gone: Set<String> = []
        for count in 1...rows.intervals.count {
            let files = TensorBoardFiles(rows.history(count))
            var now: [String: [UInt8]] = [:]
            for (place, path) in files.paths.enumerated() where path.contains(".1-scalars") {
                now[path] = files.contents(at: place)
            }
            for (path, bytes) in last {
                if let found = now[path] { #expect(found.starts(with: bytes), "\(path)") } else { gone.insert(path) }
            }
            last = now
        }
        // Member 0, the best until then, takes over member 1 at the end.
        let file = "events.out.tfevents.1763000000.1-scalars-m00-0.pbt"
        #expect(gone == ["lineages/best/\(file)", "lineages/m00/\(file)"])
    }

    @Test func `no interval is an experiment without runs`() throws {
        let files = TensorBoardFiles(Rows().history())
        #expect(files.paths == ["events.out.tfevents.1763000000.0-hparams.pbt"])
        let found = try EventReader.values(files.contents(at: 0))
        #expect(found.map(\.tag) == ["_hparams_/experiment"])
        #expect(found.first?.plugin?.name == "hparams")
    }
}
