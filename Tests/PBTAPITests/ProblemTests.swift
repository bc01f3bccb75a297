// SPDX-License-Identifier: Apache-2.0

import Foundation
import PBT
import PBTAPI
import Testing

@Suite struct ProblemTests {
    /// Codes for errors of the server itself; all others are the caller's, or pass.
    private let own: Set<String> = ["inconsistent"]

    /// Every code that the source declares, so that a new one cannot be forgotten.
    private static let codes: [String] = {
        let source = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../Sources/PBT/Values/PBTError.swift").standardizedFileURL
        // A file that is missing leaves nothing to test, which is an error below.
        let text = (try? String(contentsOf: source, encoding: .utf8)) ?? ""
        return text.matches(of: /static let \w+ = Code\("(\w+)"\)/).map { String($0.1) }
    }()

    @Test func `every code of an error has a status, and only the server's own faults are 500`() {
        #expect(Self.codes.count > 15)
        for code in Self.codes {
            let problem = Problem(PBTError(PBTError.Code(code), "because"))
            #expect((problem.status == 500) == own.contains(code), "\(code) is \(problem.status)")
            #expect((400...503).contains(problem.status))
            #expect(problem.code == code)
            #expect(problem.value["title"]?.string != "Error", "\(code): \(problem.status) has no title")
        }
    }

    @Test(arguments: [
        (PBTError.Code.inProgress, 409), (.leaseLost, 409), (.wrongState, 409), (.storeBusy, 503), (.inputOutput, 503),
        (.badValue, 422), (.badRequest, 400), (.unreachable, 502), (.inconsistent, 500),
    ])
    func `a code has this status`(code: PBTError.Code, status: Int) {
        #expect(Problem(PBTError(code, "because")).status == status)
    }

    @Test(arguments: [PBTError.Code.inProgress, .storeBusy, .unusableStore, .inputOutput])
    func `what passes says when to try again`(code: PBTError.Code) {
        #expect(Problem(PBTError(code, "because")).retryAfter != nil)
    }
}
