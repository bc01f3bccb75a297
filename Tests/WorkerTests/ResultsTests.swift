// SPDX-License-Identifier: Apache-2.0

import PBT
import SystemPackage
import Testing

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
        ("{\"score\": \"good\"}", "the results file: the metric \"score\" must be a number, not text (\"good\")"),
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

    @Test(
        arguments: [
            ("--- RESULTS ---\n{\"a\": 1}\n--- END RESULTS ---\n", "{\"a\": 1}\n"),
            ("x\n--- RESULTS ---\r\n1\r\n--- END RESULTS ---", "1\r\n"),
            ("--- RESULTS ---\n1\n--- END RESULTS ---\ny\n  --- RESULTS ---  \n2\n--- END RESULTS ---\nz", "2\n"),
            ("--- RESULTS ---\n1\n--- END RESULTS ---\n--- RESULTS ---\n2\n", "1\n"),
            ("--- RESULTS ---\n--- END RESULTS ---\n", ""),
            ("--- RESULTS ---\n1\n--- RESULTS ---\n2\n--- END RESULTS ---\n", "2\n"),
            ("say --- RESULTS ---\n1\n--- END RESULTS ---\n", nil),
            ("--- END RESULTS ---\n--- RESULTS ---", nil), ("", nil),
        ] as [(String, String?)])
    func `are the last whole block of the output`(_ output: String, _ block: String?) {
        #expect(Results.lastBlock(in: Array(output.utf8)).map { String(decoding: $0, as: UTF8.self) } == block)
    }

    @Test(arguments: [
        ("a\nb\n\n  \n", "b"), ("10%\r20%\r", "20%"), ("\u{1b}[31mred\u{1b}[0m!\u{7}\n", "red!"), ("a\tb \n", "a b"),
        ("\u{1b}]0\n", "0"), (String(repeating: "x", count: 300), String(repeating: "x", count: 199) + "…"),
    ])
    func `quote the last line that says something`(_ output: String, _ line: String) {
        #expect(LogTail.lastLine(in: Array(output.utf8)) == line)
    }
}
