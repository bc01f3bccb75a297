// SPDX-License-Identifier: Apache-2.0

import PBT
import Testing

@Suite struct LookTests {
    @Test func `dump`() async throws {
        let fixture = LookFixture(directory: "/tmp/d2dump")
        try await fixture.trainDigits()
        print(try await fixture.pbt("list"))
    }
}
