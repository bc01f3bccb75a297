// SPDX-License-Identifier: Apache-2.0

import NIOSSL
import PBT
import PBTAPI

/// The failure of a request: an error response, or no response.
struct RequestFailure: Error {
    /// The error to throw when the request is not retried.
    var error: PBTError
    /// True if the same request can succeed later.
    var isRetryable: Bool
    /// The value of `Retry-After`, if the server sent it.
    var retryAfter: Duration?

    init(_ error: PBTError, isRetryable: Bool, retryAfter: Duration? = nil) {
        self.error = error
        self.isRetryable = isRetryable
        self.retryAfter = retryAfter
    }

    /// Creates the failure for an error response.
    init(_ problem: Problem, from address: ServerAddress) {
        retryAfter = problem.retryAfter.map { .seconds($0) }
        switch (problem.status, problem.code) {
        case (429, _), (503, "storeBusy"):
            error = PBTError(.storeBusy, problem.detail)
            isRetryable = true
        case (408, _), (502...504, _):
            error = PBTError(
                .unreachable,
                "the server \(address) is unavailable: \(problem.detail) (status \(problem.status)); see the server log"
            )
            isRetryable = true
        case (500, let code) where code != PBTError.Code.inconsistent.name:
            // The request can have taken effect. It is retried like one to an unreachable server: a result must not be
            // lost because of a defect in the server.
            error = PBTError(
                .unreachable, "the server \(address) failed: \(problem.detail) (\(code)); see the server log")
            isRetryable = true
        case (409, "inProgress"):
            error = PBTError(.storeBusy, problem.detail)
            isRetryable = true
        case (401, _):
            error = PBTError(
                .unauthorized,
                "the server \(address) requires a valid token: \(problem.detail); set PBT_TOKEN, or put it into the "
                    + "client's file")
            isRetryable = false
        case (300..<400, _):
            error = PBTError(
                .unreachable,
                "\(address) redirects (status \(problem.status)); use the address that it redirects to")
            isRetryable = false
        default:
            error = problem.error
            isRetryable = false
        }
    }

    /// Creates the failure for a request without a response.
    init(_ cause: any Error, from address: ServerAddress) {
        let reason = TransportError.reason(cause)
        if reason.contains("CERTIFICATE_VERIFY_FAILED") || cause is NIOSSLExtraError {
            error = PBTError(
                .unreachable,
                "the certificate of \(address) is not trusted: its issuer is unknown, it is for another "
                    + "name, or it has expired; set PBT_CA_FILE to the file of the authority that issued it")
            isRetryable = false
        } else if reason.contains("WRONG_VERSION_NUMBER") {
            error = PBTError(.unreachable, "\(address) does not speak TLS; is it http://?")
            isRetryable = false
        } else {
            error = PBTError(
                .unreachable,
                "cannot reach the server \(address): \(reason); is it running, and is this its address?")
            isRetryable = true
        }
    }
}
