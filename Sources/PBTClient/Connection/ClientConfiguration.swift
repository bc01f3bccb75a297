// SPDX-License-Identifier: Apache-2.0

public import PBT

/// How a client talks to a server.
public struct ClientConfiguration: Sendable {
    /// The secret that the server asks for; none: the server asks for none.
    public var token: String?
    /// A file in PEM form with the certificates to trust instead of the system's; none: the system's.
    public var certificateAuthority: String?
    /// How long a call is made again while the server is away, busy or restarting, before it fails; 0 or more.
    public var patience: Duration
    /// How long the server may take for an answer, beside what it is asked to wait; above 0.
    public var timeout: Duration

    /// How a client talks to a server.
    public init(
        token: String? = nil, certificateAuthority: String? = nil, patience: Duration = .seconds(30),
        timeout: Duration = .seconds(30)
    ) {
        self.token = token
        self.certificateAuthority = certificateAuthority
        self.patience = patience
        self.timeout = timeout
    }

    /// What the environment says about a server: `PBT_TOKEN`, else the token of the client's file; `PBT_CA_FILE`.
    ///
    /// The token of the file goes to no other server than the one that the file names.
    ///
    /// - Parameters:
    ///   - address: The server.
    ///   - environment: The environment's variables.
    /// - Throws: A `PBTError` with code `badValue` for a file that is readable by others or is not of its form, or
    ///   `inputOutput` when it cannot be read.
    public init(for address: ServerAddress, environment: [String: String]) throws(PBTError) {
        self.init()
        func variable(_ name: String) -> String? {
            environment[name].flatMap { $0.isEmpty ? nil : $0 }
        }
        certificateAuthority = variable("PBT_CA_FILE")
        if let token = variable("PBT_TOKEN") {
            try Self.check(token, from: "PBT_TOKEN")
            self.token = token
        } else if let file = try ClientFile.find(environment: environment), file.server == address {
            try Self.check(file.token, from: "the token in \(file.path)")
            token = file.token
        }
    }

    /// What would break out of a header field, or cannot be one of ours; the text does not say what it is.
    private static func check(_ token: String, from source: String) throws(PBTError) {
        guard token.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else {
            throw PBTError(
                .badValue, "\(source) holds a space, a line break or a special character; give the token as it was made"
            )
        }
    }
}
