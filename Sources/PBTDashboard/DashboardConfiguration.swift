// SPDX-License-Identifier: Apache-2.0

/// How a server's dashboard behaves.
public struct DashboardConfiguration: Sendable, Hashable {
    /// Whether those who may manage experiments may do so from its pages: pause, resume, stop and push.
    ///
    /// Without it pages only show.
    public var allowsControl: Bool

    /// The command that shows the same pages once this server, which lasts as long as a run, is gone; none: a server that
    /// stays, or comes back.
    package var afterwards: String?

    /// The store as commands on the pages name it; none: the server itself, by the address that the browser used.
    package var store: String?

    /// For how many times as long as it took to read a large experiment it is not read again.
    package var rest = 4

    /// How a server's dashboard behaves.
    ///
    /// - Parameter allowsControl: Whether experiments can be paused, resumed, stopped and pushed to from its pages.
    public init(allowsControl: Bool = false) {
        self.allowsControl = allowsControl
    }

    /// The path of an experiment's page.
    public static func path(of experiment: String) -> String {
        Links.experiment(experiment)
    }
}
