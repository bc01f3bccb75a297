// SPDX-License-Identifier: Apache-2.0

import Foundation
import PBT
import Testing

/// Pictures and data in files.
@Suite struct LookFilesTests {
    @Test(arguments: ["curves", "schedule", "lineage", "scatter", "share", "timeline", "comparison", "overview"])
    func `a picture is SVG that an XML parser takes`(kind: String) async throws {
        try await LookFixture.with { fixture in
            try await fixture.trainDigits()
            let answer = try await fixture.pbt(
                "plot", kind, "digits", "-o", "a.svg", "--theme", "dark", "--width", "960")
            #expect(answer.code == 0, "\(answer)")
            #expect(answer.output == "" && answer.error == "")
            let data = try Data(contentsOf: URL(filePath: fixture.directory + "/a.svg"))
            #expect(
                String(decoding: data, as: UTF8.self).hasPrefix(
                    "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"960\""))
            // The same on standard output, and nothing left beside the file.
            let piped = try await fixture.pbt("plot", kind, "digits", "-o", "-", "--theme", "dark", "--width", "960")
            #expect(Data(piped.output.utf8) == data)
            let names = try FileManager.default.contentsOfDirectory(atPath: fixture.directory)
            #expect(names.allSatisfy { $0 == "a.svg" || $0.hasPrefix("pbt.") }, "\(names)")
        }
    }

    @Test(arguments: [
        ("curves", ["--y", "log"]), ("curves", ["--y", "error"]), ("curves", ["--tip", "3"]),
        ("curves", ["--tip", "3@1"]), ("curves", ["--no-baseline"]), ("curves", ["--color-by", "founder"]),
        ("curves", ["--color-by", "score"]), ("curves", ["--color-by", "rate"]), ("curves", ["--top", "2"]),
        ("curves", ["--x", "time"]), ("lineage", ["--show", "path"]), ("comparison", ["--no-baseline"]),
        ("share", ["--color-by", "founder"]),
    ])
    func `options of a picture change it`(kind: String, options: [String]) async throws {
        try await LookFixture.with { fixture in
            try await fixture.trainDigits()
            let plain = try await fixture.pbt("plot", kind, "digits", "-o", "-")
            let other = try await fixture.pbt(["plot", kind, "digits", "-o", "-"] + options)
            #expect(other.code == 0)
            #expect(other.output.hasPrefix("<svg "))
            #expect(other.output != plain.output)
        }
    }

    @Test(arguments: [
        (["-o", "a.pdf"], 64, "\"a.pdf\" must end in .svg or .png, or be - for SVG on standard output"),
        (["-o", "no/a.svg"], 73, "cannot write no/a.svg: there is no directory DIRECTORY/no; create it first"),
        (["-o", "there.svg"], 73, "cannot write there.svg: it is a directory; name a file in it"),
        (["-o", "a.svg", "--width", "0"], 64, "--width must be at least 1, not 0"),
        (["-o", "a.svg", "--bound", "1"], 64, "--bound requires --y error"),
        (["-o", "a.svg", "--axis", "rate"], 64, "--axis is for scatter, which takes two: --axis NAME --axis NAME"),
        (["-o", "a.svg", "--top", "0"], 64, "--top must be at least 1, not 0"),
        (["-o", "a.svg", "--show", "path"], 64, "--show is for lineage only"),
        (["-o", "a.svg", "other"], 64, "only comparison and scatter take several experiments; name one for curves"),
        (
            ["-o", "a.svg", "--color-by", "rat"], 64,
            "there is no hyperparameter \"rat\"; did you mean \"rate\"?"
        ),
        (["-o", "a.svg", "--tip", "17"], 66, "experiment \"digits\" has no member 17; members are 0 to 5"),
    ])
    func `a picture that cannot be made says why`(options: [String], code: Int32, message: String) async throws {
        try await LookFixture.with { fixture in
            try await fixture.train(.looked(baseline: false), limit: 6) { Double($0.id.member) }
            try FileManager.default.createDirectory(
                atPath: fixture.directory + "/there.svg", withIntermediateDirectories: false)
            let answer = try await fixture.pbt(["plot", "curves", "digits"] + options)
            let directory = try #require(
                fixture.directory.hasSuffix("/") ? fixture.directory.dropLast() : fixture.directory[...])
            let text = message.replacing("DIRECTORY", with: directory)
            #expect(answer.code == code)
            #expect(answer.error.hasPrefix("error: \(text)\n"), "\(answer.error)")
            #expect(!FileManager.default.fileExists(atPath: fixture.directory + "/a.svg"))
        }
    }

    @Test func `a misspelt axis, and a bound that cannot be guessed, are said`() async throws {
        try await LookFixture.with { fixture in
            try await fixture.train(.looked(baseline: false), limit: 6) { Double($0.id.member) }
            let axis = try await fixture.pbt(
                "plot", "scatter", "digits", "-o", "-", "--axis", "rat", "--axis", "momentum")
            #expect(axis.code == 64)
            #expect(axis.error == "error: there is no hyperparameter or metric \"rat\"; did you mean \"rate\"?\n")
            let bound = try await fixture.pbt("plot", "curves", "digits", "-o", "-", "--y", "error")
            #expect(bound.code == 64)
            #expect(bound.error == "error: the best possible score cannot be guessed from 5.0; give it with --bound\n")
            #expect(
                try await fixture.pbt("plot", "curves", "digits", "-o", "-", "--y", "error", "--bound", "6").code == 0)
        }
    }

    @Test func `PNG is made by rsvg-convert from PATH, and without it the way out is named`() async throws {
        try await LookFixture.with { fixture in
            try await fixture.trainDigits()
            // A stand-in that hands back what it was given, so that the test needs no outside program.
            let bin = fixture.directory + "/bin"
            try FileManager.default.createDirectory(atPath: bin, withIntermediateDirectories: false)
            let program = bin + "/rsvg-convert"
            try "#!/bin/sh\necho \"$@\"\ncat\n".write(toFile: program, atomically: true, encoding: .utf8)
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: program)
            let made = try await fixture.pbt(
                "plot", "curves", "digits", "-o", "a.png", environment: ["PATH": bin + ":/usr/bin:/bin"])
            #expect(made.code == 0, "\(made)")
            let text = try String(contentsOfFile: fixture.directory + "/a.png", encoding: .utf8)
            #expect(text.hasPrefix("--format=png --zoom=2\n<svg "))

            try "#!/bin/sh\necho broken >&2\nexit 3\n".write(toFile: program, atomically: true, encoding: .utf8)
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: program)
            let failed = try await fixture.pbt(
                "plot", "curves", "digits", "-o", "a.png", environment: ["PATH": bin + ":/usr/bin:/bin"])
            #expect(failed.code == 70)
            #expect(failed.error.contains(": broken; write SVG: -o FILE.svg\n"), "\(failed.error)")
            // The picture that was there is as it was.
            #expect(try String(contentsOfFile: fixture.directory + "/a.png", encoding: .utf8) == text)

            let missing = try await fixture.pbt(
                "plot", "curves", "digits", "-o", "b.png", environment: ["PATH": fixture.directory])
            #expect(missing.code == 69)
            #expect(
                missing.error.hasPrefix(
                    "error: PNG output needs rsvg-convert, which is not in PATH; install it"))
            #expect(missing.error.contains("librsvg2-bin"))
            let names = try FileManager.default.contentsOfDirectory(atPath: fixture.directory)
            #expect(!names.contains { $0.hasPrefix("b.png") || $0.hasSuffix(".part") }, "\(names)")
        }
    }

    @Test func `CSV and JSON hold every interval, to the last bit`() async throws {
        try await LookFixture.with { fixture in
            try await fixture.trainDigits()
            let store = try fixture.store()
            let intervals = try await store.intervals(of: "digits")
            #expect(try await fixture.pbt("export", "digits", "-o", "a.csv").code == 0)
            let csv = try String(contentsOfFile: fixture.directory + "/a.csv", encoding: .utf8)
            #expect(csv.split(separator: "\r\n").count == intervals.count + 1)
            #expect(try await fixture.pbt("export", "digits", "-o", "csv").output == csv)
            #expect(try await fixture.pbt("export", "digits", "-o", "-").output == csv)

            #expect(try await fixture.pbt("export", "digits", "-o", "a.json").code == 0)
            let text = try String(contentsOfFile: fixture.directory + "/a.json", encoding: .utf8)
            #expect(try await fixture.pbt("export", "digits", "-o", "json").output == text)
            let json = try Value(json: text)
            #expect(json["experiment"]?["name"] == "digits")
            #expect(json["record"]?["state"] == "finished")
            let rows = try #require(json["intervals"]?.array)
            #expect(rows.count == intervals.count)
            for (row, interval) in zip(rows, intervals) {
                #expect(row["member"] == .integer(interval.id.member))
                #expect(row["interval"] == .integer(interval.id.index))
                #expect(row["hyperparameters"] == interval.hyperparameters.value)
                #expect(row["score"] == interval.score.map { .number($0) } ?? .null)
                #expect(row["changes"]?.array?.count == interval.changes.count)
                #expect(row["reason"] == interval.reason.map { .string($0) } ?? .null)
                #expect(row["sequence"]?.int == interval.sequence.map { Int($0) })
            }
        }
    }

    @Test(arguments: [["-o", "tensorboard:logs/digits"], ["--format", "tensorboard", "-o", "logs/digits"]])
    func `TensorBoard's files are in the directory that is named`(options: [String]) async throws {
        try await LookFixture.with { fixture in
            try await fixture.trainDigits()
            let answer = try await fixture.pbt(["export", "digits"] + options)
            #expect(answer.code == 0 && answer.output == "" && answer.error == "", "\(answer)")
            let members = try FileManager.default.contentsOfDirectory(
                atPath: fixture.directory + "/logs/digits/members")
            #expect(members.sorted() == ["m00", "m01", "m02", "m03", "m04", "m05"])
            let other = try await fixture.pbt(["export", "digits.random_search"] + options)
            #expect(
                other.code == 73 && other.error.contains("contains the export of experiment \"digits\""), "\(other)")
        }
    }

    @Test(arguments: [
        ([], "name the output: -o FILE.csv, FILE.json, tensorboard:DIRECTORY or mlflow"),
        (["--format", "tensorboard"], "--format tensorboard needs a directory: -o DIRECTORY"),
        (["-o", "tensorboard"], "\"tensorboard\" names no directory; write it as tensorboard:DIRECTORY"),
        (["-o", "tensorboard:"], "\"tensorboard:\" names no directory; write it as tensorboard:DIRECTORY"),
        (["-o", "a.csv", "--format", "json"], "\"a.csv\" is csv, but --format says json"),
        (
            ["-o", "runs", "--format", "mlflow"],
            "MLflow is a server, not a file: give --tracking-uri instead of \"-o runs\""
        ),
        (["-o", "csv", "--tracking-uri", "x"], "--tracking-uri requires -o mlflow"),
    ])
    func `what to export is said once and whole`(options: [String], text: String) async throws {
        try await LookFixture.with { fixture in
            let answer = try await fixture.pbt(["export", "digits"] + options)
            #expect(answer.code == 64 && answer.error.hasPrefix("error: \(text)\n"), "\(answer)")
        }
    }

    @Test func `a report is one file, of one experiment or of several`() async throws {
        try await LookFixture.with { fixture in
            try await fixture.trainDigits()
            let one = try await fixture.pbt("report", "digits", "-o", "one.html")
            #expect(one.code == 0 && one.output == "" && one.error == "", "\(one)")
            let page = try String(contentsOfFile: fixture.directory + "/one.html", encoding: .utf8)
            #expect(page.hasPrefix("<!DOCTYPE html>") && page.contains("<title>digits · PBT</title>"))
            #expect(try await fixture.pbt("report", "digits", "-o", "-").output == page)
            let two = try await fixture.pbt("report", "digits", "digits.random_search", "-o", "-")
            #expect(two.code == 0 && two.output.contains("Comparison of 2 experiments"))
            var other = Experiment.looked("other", baseline: false)
            other.objective = .minimize("loss")
            try await fixture.train(other) { Double($0.id.member) }
            let mixed = try await fixture.pbt("report", "digits", "other", "-o", "two.html")
            #expect(mixed.code == 64)
            #expect(
                mixed.error
                    == "error: experiments with different objectives cannot be compared (digits: accuracy, other: loss); "
                    + "write a report of each\n")
            let twice = try await fixture.pbt("report", "digits", "digits", "-o", "two.html")
            #expect(twice.code == 64 && twice.error.hasPrefix("error: \"digits\" is named twice\n"))
            let form = try await fixture.pbt("report", "digits", "-o", "two.pdf")
            #expect(form.error.hasPrefix("error: \"two.pdf\" must end in .html, or be - for standard output\n"))
            #expect(!FileManager.default.fileExists(atPath: fixture.directory + "/two.html"))
        }
    }

    @Test func `the format may be named apart from the file`() async throws {
        try await LookFixture.with { fixture in
            try await fixture.trainDigits()
            let json = try await fixture.pbt("export", "digits", "-o", "json").output
            #expect(try await fixture.pbt("export", "digits", "--format", "json").output == json)
            #expect(try await fixture.pbt("export", "digits", "--format", "json", "-o", "-").output == json)
            #expect(try await fixture.pbt("export", "digits", "--format", "json", "-o", "rows.txt").code == 0)
            #expect(try String(contentsOfFile: fixture.directory + "/rows.txt", encoding: .utf8) == json)
        }
    }

    @Test func `what cannot be exported says why`() async throws {
        try await LookFixture.with { fixture in
            try await fixture.train(.looked(baseline: false), limit: 6) { Double($0.id.member) }
            let form = try await fixture.pbt("export", "digits", "-o", "a.xlsx")
            #expect(form.code == 64)
            #expect(
                form.error.hasPrefix(
                    "error: \"a.xlsx\" must be FILE.csv or FILE.json, csv or json, - for CSV on standard output, "
                        + "tensorboard:DIRECTORY, or mlflow; or give --format\n"))
            let full = fixture.directory + "/full.csv"
            guard FileManager.default.fileExists(atPath: "/dev/full") else { return }
            try FileManager.default.createSymbolicLink(atPath: full, withDestinationPath: "/dev/full")
            let disk = try await fixture.pbt("export", "digits", "-o", "full.csv")
            #expect(disk.code == 73)
            #expect(disk.error == "error: cannot write full.csv: No space left on device\n")
        }
    }
}
