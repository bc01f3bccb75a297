// SPDX-License-Identifier: Apache-2.0

extension Experiment {
    /// Reads `gpus`: a list of devices, or of groups of them (`[[0, 1], [2, 3]]` or `["0,1", "2,3"]`), one for each
    /// worker.
    ///
    /// - Returns: The groups in the form of ``Trainer/gpus``.
    static func readDevices(_ reader: ObjectReader) throws(DocumentError) -> [String] {
        try devices(try reader.list("gpus") ?? [])
    }

    /// Reads the devices of each worker from a list as `gpus` in a definition has it.
    ///
    /// - Parameter document: The list.
    /// - Returns: The groups in the form of ``Trainer/gpus``.
    /// - Throws: A ``DocumentError`` with a path such as `gpus[1]`.
    package static func devices(in document: Document) throws(DocumentError) -> [String] {
        guard case .list(let items) = document.content, !items.isEmpty else {
            throw DocumentError(
                line: document.line, path: "gpus", problem: "must be a list with at least one device, such as [0, 1]")
        }
        guard items.count <= Limits.devices else {
            throw DocumentError(
                line: document.line, path: "gpus", problem: "must have at most \(Limits.devices) devices")
        }
        return try devices(items)
    }

    private static func devices(_ items: [Document]) throws(DocumentError) -> [String] {
        var groups: [String] = []
        for (i, item) in items.enumerated() {
            guard case .list(let parts) = item.content else {
                groups.append(try group(device(item, "gpus"), item, "gpus[\(i)]"))
                continue
            }
            guard !parts.isEmpty else {
                throw DocumentError(
                    line: item.line, path: "gpus[\(i)]",
                    problem: "must name the devices of one worker, for example [0, 1]")
            }
            var names: [String] = []
            for part in parts {
                let name = try device(part, "gpus[\(i)]")
                guard !name.contains(",") else {
                    throw DocumentError(
                        line: part.line, path: "gpus[\(i)]",
                        problem:
                            "must have one device per entry, not \(part.value); write [0, 1], or \"0,1\" without a list"
                    )
                }
                names.append(name)
            }
            groups.append(try group(names.joined(separator: ","), item, "gpus[\(i)]"))
        }
        return groups
    }

    private static func device(_ document: Document, _ path: String) throws(DocumentError) -> String {
        switch document.value {
        case .integer(let number) where number >= 0: return String(number)
        case .string(let text) where !text.isEmpty: return text
        default:
            throw DocumentError(
                line: document.line, path: path,
                problem: "must contain device numbers or names, or groups of them such as [[0, 1], [2, 3]], not "
                    + "\(document.value)")
        }
    }

    /// Checks a group and normalizes it: no spaces, no leading zeros.
    private static func group(_ text: String, _ document: Document, _ path: String) throws(DocumentError) -> String {
        var names: [String] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let name = String(part.filter { !$0.isWhitespace })
            guard !name.isEmpty, (Int(name) ?? 0) >= 0 else {
                throw DocumentError(
                    line: document.line, path: path,
                    problem: "must be devices separated by commas, such as \"0,1\", not \(document.value)")
            }
            let normalized = Int(name).map { String($0) } ?? name
            guard !names.contains(normalized) else {
                throw DocumentError(
                    line: document.line, path: path,
                    problem: "has device \(normalized) twice; list each device of a worker once")
            }
            names.append(normalized)
        }
        return names.joined(separator: ",")
    }
}
