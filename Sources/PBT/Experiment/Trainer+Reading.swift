// SPDX-License-Identifier: Apache-2.0

extension Experiment {
    /// Reads `command`; nil if it is missing.
    static func readCommand(_ reader: ObjectReader) throws(DocumentError) -> [String]? {
        if let text = reader.document("command")?.value.string {
            let words = Shell.words(in: text)
            throw reader.error(
                "command",
                words.isEmpty
                    ? "must name a program, for example [python3, train.py, \"{args}\"]"
                    : "must be a list of the program and its arguments, since no shell splits it; write: command: "
                        + words.flowList)
        }
        guard let list = try reader.list("command") else { return nil }
        var command: [String] = []
        var faults = Faults()
        for (i, part) in list.enumerated() {
            switch part.value {
            case .string(let text): command.append(text)
            // The source text: 1.10 is not 1.1 in a command.
            case .integer, .number: command.append(part.text ?? part.value.json)
            case .bool: command.append(part.value.json)
            default:
                faults.add(
                    DocumentError(
                        line: part.line, path: reader.place("command[\(i)]"),
                        problem: "must be a string, not \(part.value.kind)"))
            }
        }
        try faults.check()
        guard command.first?.isEmpty == false else {
            throw reader.error("command", "must name a program, for example [python3, train.py, \"{args}\"]")
        }
        return command
    }

    /// Reads `env`: names of variables and scalars.
    ///
    /// - Parameters:
    ///   - reader: The definition.
    ///   - hasDevices: Pass true if `gpus` sets `CUDA_VISIBLE_DEVICES`.
    /// - Returns: The variables with the source text of their values: `1.10` stays `1.10`.
    /// - Throws: A ``DocumentError`` for an invalid or reserved name, or a value that is not a scalar.
    static func readEnvironment(_ reader: ObjectReader, hasDevices: Bool) throws(DocumentError) -> [String: String] {
        guard let document = reader.document("env"), document.value != .null else { return [:] }
        guard case .object(let entries) = document.content else {
            throw reader.error(
                "env",
                "must be an object of names and values, for example {WANDB_MODE: offline}, not "
                    + document.value.kind)
        }
        var variables: [String: String] = [:]
        var faults = Faults()
        for entry in entries {
            func fault(_ problem: String) {
                faults.add(DocumentError(line: entry.line, path: "env.\(entry.name)", problem: problem))
            }
            if let problem = problem(withVariable: entry.name, hasDevices: hasDevices) {
                fault(problem)
            } else if variables[entry.name] != nil {
                fault("is duplicated; keep one")
            } else if let text = text(of: entry.content) {
                if text.utf8.contains(0) { fault("must not contain a null character") }
                variables[entry.name] = text
            } else {
                fault(
                    entry.content.value == .null
                        ? "must be a string or a number; write \"\" for an empty value"
                        : "must be a string or a number, not \(entry.content.value.kind)")
            }
        }
        try faults.check()
        return variables
    }

    private static func problem(withVariable name: String, hasDevices: Bool) -> String? {
        func isLetter(_ byte: UInt8) -> Bool {
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) || byte == UInt8(ascii: "_")
        }
        guard let first = name.utf8.first, isLetter(first),
            name.utf8.allSatisfy({ isLetter($0) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
        else {
            return "the name of a variable consists of letters, digits, and '_', and does not start with a digit"
        }
        if name.hasPrefix("PBT_") { return "names that start with PBT_ are reserved; choose another name" }
        if name == "CUDA_VISIBLE_DEVICES", hasDevices { return "is set by gpus; keep one of the two" }
        return nil
    }

    private static func text(of document: Document) -> String? {
        switch document.value {
        case .string(let text): text
        case .integer, .number, .bool: document.text ?? document.value.json
        default: nil
        }
    }
}

extension [String] {
    /// The words as a list in a YAML file: `[python3, t.py, "{lr}"]`.
    package var flowList: String {
        let words = map { word in
            let isPlain =
                word.utf8.allSatisfy { byte in
                    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
                        || (UInt8(ascii: "-")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: "_")
                        || byte == UInt8(ascii: "=")
                } && !word.isEmpty && word != "-"
            return isPlain ? word : Value.string(word).json
        }
        return "[\(words.joined(separator: ", "))]"
    }
}
