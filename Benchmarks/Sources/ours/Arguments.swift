// SPDX-License-Identifier: Apache-2.0

/// What is to be measured and where, as `WHAT DIR --name value …`.
struct Arguments {
    let what: String
    let directory: String
    private let options: [String: String]

    init(_ words: [String]) throws {
        guard words.count >= 2, words.count % 2 == 0 else { throw Failure(Ours.usage) }
        what = words[0]
        directory = words[1]
        var options: [String: String] = [:]
        for i in stride(from: 2, to: words.count, by: 2) {
            guard words[i].hasPrefix("--") else { throw Failure(Ours.usage) }
            options[String(words[i].dropFirst(2))] = words[i + 1]
        }
        self.options = options
    }

    func integer(_ name: String) throws -> Int? {
        guard let text = options[name] else { return nil }
        guard let number = Int(text), number > 0 else { throw Failure("--\(name) \(text): expected a number above 0") }
        return number
    }

    func text(_ name: String) -> String? {
        options[name]
    }
}
