// SPDX-License-Identifier: Apache-2.0
@main struct SwiftExample { static func main() {} }
