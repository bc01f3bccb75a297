// SPDX-License-Identifier: Apache-2.0

import NIOSSL
import PBT
import PBTAPI

/// Why a request got no answer that is of use, and whether asking again may help.
struct RequestFailure: Error {
    /// What there is to say in the end.
    var error: PBTError
    /// Whether the same request may succeed later.
    var isRetryable: Bool
    /// How long the server asks to wait.
    var retryAfter: Duration?

    init(_ error: PBTError, isRetryable: Bool, retryAfter: Duration? = nil) {
        self.error = error
        self.isRetryable = isRetryable
        self.retryAfter = retryAfter
    }

    /// An answer that is an error.
    init(_ problem: Problem, from address: ServerAddress) {
        retryAfter = problem.retryAfter.map { .seconds($0) }
        switch (problem.status, problem.code) {
        case (429, _), (503, "storeBusy"):
            error = PBTError(.storeBusy, problem.detail)
            isRetryable = true
        case (408, _), (502...504, _):
            error = PBTError(
                .unreachable,
                "the server \(address) cannot work now: \(problem.detail) (status \(problem.status)); look at its log")
            isRetryable = true
        case (500, let code) where code != PBTError.Code.inconsistent.name:
            // What was asked for may have happened. It is asked again as long as it takes, like a server that is away:
            // a result must not be lost because of a defect that is being mended.
            error = PBTError(
                .unreachable, "the server \(address) failed: \(problem.detail) (\(code)); its log says more")
            isRetryable = true
        case (409, "inProgress"):
            error = PBTError(.storeBusy, problem.detail)
            isRetryable = true
        case (401, _):
            error = PBTError(
                .unauthorized,
                "the server \(address) wants another token: \(problem.detail); give it in PBT_TOKEN or in the client's "
                    + "file")
            isRetryable = false
        case (300..<400, _):
            error = PBTError(
                .unreachable,
                "\(address) answers that it is elsewhere (status \(problem.status)); give the address that it means")
            isRetryable = false
        default:
            error = problem.error
            isRetryable = false
        }
    }

    /// A request that got no answer.
    init(_ cause: any Error, from address: ServerAddress) {
        let reason = TransportError.reason(cause)
        if reason.contains("CERTIFICATE_VERIFY_FAILED") || cause is NIOSSLExtraError {
            error = PBTError(
                .unreachable,
                "the certificate of \(address) is not trusted: it is signed by nobody that this machine knows, is for "
                    + "another name, or has expired; name the file of the authority that signed it in PBT_CA_FILE")
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
