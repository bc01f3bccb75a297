// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import PBT
import PBTReport

/// `pbt explain`.
struct ExplainCommand: PagedCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Explain the decision that an interval came from, and re-derive it from the recorded rows.",
        discussion: """
            Every decision is a function of the recorded rows and the experiment's seed. It is re-derived here and \
            compared with the record, bit for bit; a mismatch exits with code 70.
            """)

    @Argument(help: "The experiment.", completion: .experiments) var experiment: String
    @Argument(help: "The interval: MEMBER@INTERVAL, for example 3@12, or the id of a job.") var interval:
        IntervalArgument?
    @Flag(name: .long, help: "Verify every decision of the experiment.") var all = false
    @OptionGroup var storeOptions: StoreOptions
    @OptionGroup var format: FormatOptions
    @OptionGroup var pager: PagerOptions

    func validate() throws {
        if all != (interval == nil) {
            throw ValidationError(
                all ? "give an interval or --all, not both" : "name an interval (MEMBER@INTERVAL), or give --all")
        }
    }

    func printOutput() async throws {
        let loaded = try await storeOptions.load(experiment)
        if let interval {
            try explain(loaded.intervalID(interval), in: loaded)
        } else {
            try verify(loaded)
        }
    }

    private func explain(_ id: IntervalID, in loaded: LoadedExperiment) throws {
        let before = IntervalID(member: id.member, index: id.index - 1)
        let audit = try Audit(revisions: loaded.revisions, intervals: loaded.intervals) { $0 == before || $0 == id }
        let explanation = try Explanation(of: id, in: loaded, audit: audit)
        if format.json {
            try Output.json(explanation.value)
        } else {
            try explanation.print()
        }
        if !explanation.isIdentical { throw Failure(.internalError, Self.mismatch(id.description)) }
    }

    private func verify(_ loaded: LoadedExperiment) throws {
        let audit = try Audit(revisions: loaded.revisions, intervals: loaded.intervals) { _ in false }
        let exploits = audit.findings.count { $0.recorded?.isExploit == true }
        if format.json {
            try Output.json([
                "name": .string(loaded.experiment.name), "founders": .integer(audit.founders.count),
                "decisions": .integer(audit.findings.count), "exploits": .integer(exploits),
                "revisions": .integer(audit.revisions.count),
                "identical": .bool(audit.mismatches.isEmpty),
                "mismatches": .array(
                    audit.mismatches.map { mismatch in
                        [
                            "member": .integer(mismatch.interval.member), "interval": .integer(mismatch.interval.index),
                            "problem": .string(mismatch.problem),
                        ]
                    }),
            ])
        } else {
            for mismatch in audit.mismatches { try Output.line("MISMATCH \(PlainText.line(mismatch.description))") }
            try Output.line(
                "\(Words.count(audit.founders.count, "founder")) and \(Words.count(audit.findings.count, "decision")), "
                    + "\(Words.count(exploits, "exploit")) among them, re-derived from the recorded rows"
                    + (audit.revisions.count > 1 ? " by \(audit.revisions.count) revisions: " : ": ")
                    + (audit.mismatches.isEmpty
                        ? "identical" : Words.count(audit.mismatches.count, "mismatch", "mismatches")))
        }
        if !audit.mismatches.isEmpty { throw Failure(.internalError, Self.mismatch(loaded.experiment.name)) }
    }

    private static func mismatch(_ subject: String) -> String {
        "the record of \(subject) does not match its re-derivation: the store was edited by hand or is damaged, or this is "
            + "a bug in pbt"
    }
}
