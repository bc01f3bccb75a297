// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// The form of an answer.
struct FormatOptions: ParsableArguments {
    @Flag(name: .long, help: "Answer in JSON.")
    var json = false
}
