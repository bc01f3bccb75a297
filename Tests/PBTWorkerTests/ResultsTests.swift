// SPDX-License-Identifier: Apache-2.0

import PBT
import SystemPackage
import Testing

@testable import PBTCheckpoints
@testable import PBTWorker

@Suite struct `Reported results` {
    @Test(arguments: [
        ("{\"score\": 0.5}", 0.5), ("{\"score\": 3, \"x\": [1]}", 3), ("  {\"score\": -1e-3}\n", -1e-3),
        ("{\"score\": Infinity}", .infinity), ("{\"score\": \"-inf\"}", -.infinity),
        ("{\"score\": \"Inf\"}", .infinity),
    ])
    func `hold the objective's number`(_ json: String, _ score: Double) throws {
        #expect(try Results(json: Array(json.utf8), from: "it", metric: "score").score == score)
    }

    @Test(arguments: ["NaN", "null", "\"nan\"", "\"NaN\"", "\"-nan\""])
    func `take anything that stands for no number as NaN`(_ json: String) throws {
        #expect(try Results(json: Array("{\"score\": \(json)}".utf8), from: "it", metric: "score").score.isNaN)
    }

    @Test(arguments: [
        ("[1]", "the results file must be a JSON object such as {\"score\": 0.5}, not a list"),
        ("0.5", "the results file must be a JSON object such as {\"score\": 0.5}, not a number"),
        ("{\"score\": \"good\"}", "the results file: the metric \"score\" must be a number, not a string (\"good\")"),
        ("{\"score\": [1]}", "the results file: the metric \"score\" must be a number, not a list ([1])"),
        (
            "{\"Score\": 1, \"loss\": 2}",
            "the results file lacks the objective's metric \"score\"; did you mean \"Score\"? There are \"Score\", \"loss\""
        ),
        ("{\"loss\": 2}", "the results file lacks the objective's metric \"score\"; there are \"loss\""),
        ("{}", "the results file lacks the objective's metric \"score\"; the object is empty"),
        ("{\"score\": 1", "the results file cannot be read as JSON: line 1, column 12: expected ',' or '}'"),
    ])
    func `say what was found and what is missing`(_ json: String, _ message: String) {
        #expect(throws: Results.Problem(text: message)) {
            try Results(json: Array(json.utf8), from: "the results file", metric: "score")
        }
    }

    /// What a program reports that printed this, fed in pieces of some bytes.
    private func printed(_ output: String, errors: String = "", pieces: Int = .max) throws -> Double {
        // For lists of examples that are quick to compile.
        func scan(_ text: String) -> ResultsScanner.Found {
            let text = text.replacing("⟦", with: Self.begin).replacing("⟧", with: Self.end)
                .replacing("⟪", with: String(repeating: "y", count: 1_100_000))
            var scanner = ResultsScanner()
            var rest = Array(text.utf8)[...]
            while !rest.isEmpty {
                scanner.consume(rest.prefix(pieces))
                rest = rest.dropFirst(pieces)
            }
            return scanner.finish()
        }
        return try Results.read(
            file: "/no/such/file", printed: .init(output: scan(output), errors: scan(errors)), metric: "s"
        ).score
    }

    static let begin = "--- RESULTS ---\n"
    static let end = "--- END RESULTS ---\n"

    @Test(
        arguments: [
            ("⟦{\"s\": 1}\n⟧", 1), ("x\n--- RESULTS ---\r\n{\"s\": 1}\r\n--- END RESULTS ---", 1),
            ("⟦{\"s\": 1}\n⟧y\n  --- RESULTS ---  \n{\"s\": 2}\n⟧z", 2),
            ("⟦{\"s\": 1}\n⟦{\"s\": 2}\n⟧", 2),
            // A progress bar, with and without a carriage return.
            ("\r 50%|##  | 5/10\r100%|####| 10/10⟦{\"s\": 3}\n⟧", 3),
            ("step 10/10 ⟦{\"s\": 3}\n100%|####|⟧", 3),
            ("⟦\r 10%\r{\"s\": 3}\n\r100%\r⟧", 3),
            // On one line.
            ("--- RESULTS --- {\"s\": 4} --- END RESULTS ---", 4), ("⟦{\"s\": 4}--- END RESULTS ---", 4),
            // In color.
            (
                "\u{1b}[32m--- RESULTS ---\u{1b}[0m\n\u{1b}[1m{\"s\": 5}\u{1b}[0m\n\u{1b}[32m--- END RESULTS ---\u{1b}[0m\n",
                5
            ),
            // What launchers put before each line.
            ("[default0]:⟦[default0]:{\n[default0]:\"s\": 6}\n[default0]:⟧", 6),
            ("0: ⟦1: step\n0: {\"s\":\n1: step\n0: 6}\n0: ⟧", 6),
            ("[1,0]<stdout>:⟦[1,0]<stdout>:{\"s\": 6}\n[1,0]<stdout>:⟧", 6),
            (
                "[default0]:⟦[default1]:⟦[default1]:{\"s\": 9}\n[default0]:{\"s\": 6}\n[default1]:⟧"
                    + "[default0]:⟧", 6
            ),
            ("12:00:01 ⟦12:00:02 {\"s\": 6}\n12:00:03 ⟧", 6),
            // What a library says on the same stream.
            ("⟦UserWarning: old\n{\"s\": 7}\nbye\n⟧", 7),
            // A text about the marks.
            ("print it between --- RESULTS --- and --- END RESULTS --- lines\n⟦{\"s\": 8}\n⟧", 8),
        ] as [(String, Double)])
    func `are found in the output, whatever is around their marks and however it comes`(
        _ output: String, _ score: Double
    ) throws {
        for pieces in [1, 7, .max] { #expect(try printed(output, pieces: pieces) == score) }
    }

    @Test func `are found before and after much output`() throws {
        let much = String(repeating: String(repeating: "x-", count: 500) + "\n", count: 6000)
        let block = Self.begin + "{\"s\": 1}\n" + Self.end
        #expect(try printed(block + much, pieces: 1 << 16) == 1)
        #expect(try printed(much + block + much, pieces: 1 << 16) == 1)
        // A progress bar without an end of line.
        let bar = String(repeating: "\r 10%|#", count: 300_000)
        #expect(try printed(bar + block, pieces: 1 << 16) == 1)
    }

    @Test func `are those of standard output, and else those of standard error`() throws {
        let (one, two) = ("\(Self.begin){\"s\": 1}\n\(Self.end)", "\(Self.begin){\"s\": 2}\n\(Self.end)")
        #expect(try printed(one, errors: two) == 1)
        #expect(try printed("step\n", errors: two) == 2)
    }

    @Test(
        arguments: [
            (
                "a\n⟦{\"s\": 1}\n⟧b\n⟦{\"s\": 2}\n",
                "the printed results that begin on line 6 of its standard output never end: print the line --- END RESULTS --- "
                    + "after them"
            ),
            (
                "a\nb\n⟦{\"x\": \"⟪\"}\n⟧",
                "the printed results that begin on line 3 of its standard output are larger than 1 MiB; print the metrics only"
            ),
            (
                "⟦done\n⟧",
                "the printed results (line 1 of its standard output) cannot be read as JSON: line 1, column 1: expected a value"
            ),
            ("⟦⟧", "the printed results (line 1 of its standard output) cannot be read as JSON"),
            (
                "--- END RESULTS ---\n{\"s\": 1}\n",
                "it exited with 0 but wrote no results: write a JSON object such as {\"s\": 0.5} to the file named by PBT_RESULTS, "
                    + "or print it between lines --- RESULTS --- and --- END RESULTS ---"
            ),
        ] as [(String, String)])
    func `that are printed wrongly are named with their line`(_ output: String, _ message: String) throws {
        for pieces in [1000, .max] {
            let problem = #expect(throws: Results.Problem.self) { try printed(output, pieces: pieces) }
            #expect(problem?.text.hasPrefix(message) == true, "\(problem?.text ?? "")")
        }
    }
}
