// SPDX-License-Identifier: Apache-2.0

/// The settings of Schedy's service.
package struct SchedySettings: Sendable {
    /// The time for which a job that was handed out is reserved, until its worker sets it to `RUNNING`.
    package var reservation: Duration
    /// The time that a job may run without an update from its worker; none for no limit.
    package var timeout: Duration?
    /// The number of experiments or jobs per page.
    package var pageSize: Int
    /// A source of 64 random bits, for names and seeds.
    package var random: @Sendable () -> UInt64

    package init(
        reservation: Duration = .seconds(30), timeout: Duration? = nil, pageSize: Int = 100,
        random: @escaping @Sendable () -> UInt64 = { UInt64.random(in: .min ... .max) }
    ) {
        self.reservation = reservation
        self.timeout = timeout
        self.pageSize = pageSize
        self.random = random
    }
}
