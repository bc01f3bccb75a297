// SPDX-License-Identifier: Apache-2.0

/// The behavior of a server's dashboard.
public struct DashboardConfiguration: Sendable, Hashable {
    /// A Boolean value indicating whether callers with the scope `admin` can pause, resume, stop, push and delete from its
    /// pages.
    ///
    /// Otherwise pages are read-only.
    public var allowsControl: Bool

    /// The command that serves the same pages after the run that this server belongs to; none for a server of its own.
    package var afterwards: String?

    /// The store's name in commands on the pages; none for the server's address as the browser used it.
    package var store: String?

    /// The multiple of the time that it took to read a large experiment for which it is not read again.
    package var rest = 4

    /// The behavior of a dashboard.
    ///
    /// - Parameter allowsControl: Whether callers with the scope `admin` can pause, resume, stop, push and delete from its
    ///   pages.
    public init(allowsControl: Bool = false) {
        self.allowsControl = allowsControl
    }

    /// Returns the path of an experiment's page.
    public static func path(of experiment: String) -> String {
        Links.experiment(experiment)
    }
}

/// Deletes a job of an experiment that a client of another protocol has created: by the job's id, and the experiment's
/// name.
public typealias JobDeletion = @Sendable (_ job: String, _ experiment: String) async throws -> Void
