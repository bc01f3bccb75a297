// SPDX-License-Identifier: Apache-2.0

import PBTCheckpoints
import PBTTesting
import SystemPackage
import Testing

@testable import pbt

@Suite struct BackupStageTests {
    @Test func `what a killed backup left in the data directory is deleted, and that of one that runs is not`()
        async throws
    {
        try await withTemporaryDirectory { root in
            let data = DataDirectory(FilePath(root))
            let own = data.backupStage()
            try FileSystem.makeDirectory(own)
            // The same process number, but started at another time: it is dead.
            let parts = (own.lastComponent?.string ?? "").split(separator: ",")
            let dead = data.root.appending("\(parts[0]),\(parts[1]),1,\(parts[3])")
            try FileSystem.makeDirectory(dead)
            #expect(try data.removeStaleStages() == 1)
            #expect(try FileSystem.exists(own) && !FileSystem.exists(dead))
        }
    }
}
