// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// The format of the output.
struct FormatOptions: ParsableArguments {
    @Flag(name: .long, help: "Print JSON.")
    var json = false
}
