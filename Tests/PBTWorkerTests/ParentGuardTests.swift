// SPDX-License-Identifier: Apache-2.0

import Foundation
import PBT
import PBTCheckpoints
import PBTTesting
import SystemPackage
import TestSupport
import Testing

@testable import PBTWorker

@Suite(.timeLimit(.minutes(10))) struct `A checkpoint that an attempt continues` {
    let experiment = Experiment.shell("true")

    private func overwrite(_ path: FilePath, _ text: String) throws {
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: path.string)
        try path.write(text)
    }

    @Test func `of an earlier version is used as it is, and watched from then on`() async throws {
        try await withData { data in
            let first = try data.begin(experiment.assignment(), slot: 0)
            try first.checkpoint.appending("s.json").write("1")
            let name = try data.publish(first)
            let path = data.checkpoint(name, of: "toy")
            try FileTree.remove(data.manifests(of: "toy"))
            try overwrite(path.appending("s.json"), "other")
            let attempt = try data.begin(experiment.assignment(member: 1, parent: name), slot: 0)
            #expect(try ParentGuard(attempt).changes() == [])
            try overwrite(path.appending("s.json"), "x")
            #expect(try ParentGuard(attempt).changes() == ["\"s.json\" has 1 bytes, not 5"])
        }
    }

    @Test func `that the trainer writes into fails the interval, and names it`() async throws {
        try await withData { data in
            let store = InMemoryStore()
            let script = """
                [ -n "$PBT_CHECKPOINT_IN" ] && { chmod u+w "$PBT_CHECKPOINT_IN/s"; echo changed > "$PBT_CHECKPOINT_IN/s"; }
                echo saved > "$PBT_CHECKPOINT_OUT/s"; echo '{"score": 1}' > "$PBT_RESULTS"
                """
            _ = try await store.create(.shell(script, intervals: 3, retries: 1))
            try await Worker(store: store, data: data, executor: CommandExecutor(), configuration: .toy()).run()
            let reasons = try await store.events(of: "toy", after: nil, limit: 100).filter {
                $0.kind == .retried || $0.kind == .failed
            }.compactMap { $0.details["reason"]?.string }
            #expect(
                reasons.first
                    == "the checkpoint m0000-i0000-a1 that it continues was changed while it was trained: \"s\" has 8 "
                    + "bytes, not 6. The trainer must only read PBT_CHECKPOINT_IN, and save into PBT_CHECKPOINT_OUT")
            #expect(reasons.dropFirst().first?.contains("m0000-i0000-a1 of \"toy\" was changed after it was") == true)
            let record = try await store.record(of: "toy")
            #expect(record.state.isOver)
            // Nothing was recorded that comes from the changed weights.
            #expect(try await store.intervals(of: "toy").filter { $0.state == .done && $0.id.index == 1 }.isEmpty)
            #expect(try await data.orphans(of: "toy", in: store) == [])
        }
    }

    @Test func `whose files may not be written is explained where a trainer fails`() {
        let hint = ParentGuard.hint(for: "exit 1: PermissionError: [Errno 13] Permission denied: '/x/model.pt'")
        #expect(hint.contains("files in PBT_CHECKPOINT_IN are read-only"))
        #expect(ParentGuard.hint(for: "exit 1: out of memory") == "")
    }
}
