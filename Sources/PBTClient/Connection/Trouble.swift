// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import NIOCore
import NIOPosix
import NIOSSL
import PBT
import PBTAPI

/// Why a request got no answer that is of use, and whether asking again may help.
struct Trouble: Error {
    /// What there is to say in the end.
    var error: PBTError
    /// Whether the same request may succeed later.
    var isPassing: Bool
    /// How long the server asks to wait.
    var retryAfter: Duration?

    init(_ error: PBTError, isPassing: Bool, retryAfter: Duration? = nil) {
        self.error = error
        self.isPassing = isPassing
        self.retryAfter = retryAfter
    }

    /// An answer that is an error.
    init(_ problem: Problem, from address: ServerAddress) {
        retryAfter = problem.retryAfter.map { .seconds($0) }
        switch (problem.status, problem.code) {
        case (429, _), (503, "storeBusy"):
            error = PBTError(.storeBusy, problem.detail)
            isPassing = true
        case (408, _), (502...504, _):
            error = PBTError(
                .unreachable,
                "the server \(address) cannot work now: \(problem.detail) (status \(problem.status)); look at its log")
            isPassing = true
        case (500, let code) where code != PBTError.Code.inconsistent.name:
            // What was asked for may have happened. It is asked again as long as it takes, like a server that is away:
            // a result must not be lost because of a defect that is being mended.
            error = PBTError(
                .unreachable, "the server \(address) failed: \(problem.detail) (\(code)); its log says more")
            isPassing = true
        case (409, "inProgress"):
            error = PBTError(.storeBusy, problem.detail)
            isPassing = true
        case (401, _):
            error = PBTError(
                .unauthorized,
                "the server \(address) wants another token: \(problem.detail); give it in PBT_TOKEN or in the client's "
                    + "file")
            isPassing = false
        case (300..<400, _):
            error = PBTError(
                .unreachable,
                "\(address) answers that it is elsewhere (status \(problem.status)); give the address that it means")
            isPassing = false
        default:
            error = problem.error
            isPassing = false
        }
    }

    /// A request that got no answer.
    init(_ cause: any Error, from address: ServerAddress) {
        let reason = NoAnswer.reason(cause)
        if reason.contains("CERTIFICATE_VERIFY_FAILED") || cause is NIOSSLExtraError {
            error = PBTError(
                .unreachable,
                "the certificate of \(address) is not trusted: it is signed by nobody that this machine knows, is for "
                    + "another name, or has expired; name the file of the authority that signed it in PBT_CA_FILE")
            isPassing = false
        } else if reason.contains("WRONG_VERSION_NUMBER") {
            error = PBTError(.unreachable, "\(address) does not speak TLS; is it http://?")
            isPassing = false
        } else {
            error = PBTError(
                .unreachable,
                "cannot reach the server \(address): \(reason); is it running, and is this its address?")
            isPassing = true
        }
    }
}

/// Why a request got no answer at all.
package enum NoAnswer {
    /// The reason in words, as a clause: "connection refused".
    ///
    /// - Parameter cause: What the HTTP client threw.
    /// - Returns: A clause without a full stop.
    package static func reason(_ cause: any Error) -> String {
        switch cause {
        case let error as HTTPClientError where error == .connectTimeout: return "it does not answer"
        case let error as HTTPClientError where error == .deadlineExceeded || error == .readTimeout:
            return "it took too long to answer"
        case let error as HTTPClientError where error == .remoteConnectionClosed: return "it closed the connection"
        case let error as NIOConnectionError:
            if let dns = error.dnsAError ?? error.dnsAAAAError, error.connectionErrors.isEmpty {
                return "its name is not known (\(dns))"
            }
            return error.connectionErrors.first.map { reason($0.error) } ?? "no connection"
        case let error as IOError:
            return error.errnoCode == 111 || error.errnoCode == 61 ? "connection refused" : error.description
        case let error as HTTPClientError: return error.shortDescription
        default: return "\(cause)"
        }
    }
}
