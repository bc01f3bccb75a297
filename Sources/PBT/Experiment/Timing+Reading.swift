// SPDX-License-Identifier: Apache-2.0

extension Experiment {
    /// The timing as read: nil for the default.
    struct TimingAsRead {
        var moment: Decides?
        var patience: Duration?
        var deadline: Duration?
    }

    /// Reads the timing.
    ///
    /// A stored definition without one was written before ``Decides/certain`` existed: it continues to decide early.
    static func readDecide(
        _ reader: ObjectReader, _ isSynchronous: Bool, isStored: Bool
    ) throws(DocumentError) -> TimingAsRead {
        guard let document = reader.document("decide") else { return TimingAsRead(moment: isStored ? .early : nil) }
        if case .object = document.content {
            let rule = try ObjectReader(document, path: "decide", known: ["certain"])
            guard let inner = rule.document("certain") else {
                throw reader.error("decide", "must be a word, or {certain: {patience: 5m, deadline: 30m}}")
            }
            let settings = try ObjectReader(inner, path: "decide.certain", known: ["patience", "deadline"])
            let patience = try settings.duration("patience", orZero: true)
            let deadline = try settings.duration("deadline")
            guard !isSynchronous else {
                throw reader.error(
                    "decide",
                    "cannot have patience or a deadline with synchronous, which waits for all; write "
                        + "synchronous: {deadline: 30m}")
            }
            return TimingAsRead(moment: .certain, patience: patience, deadline: deadline)
        }
        let word = try reader.string("decide") ?? ""
        guard let decides = Decides(rawValue: word) else {
            throw reader.error("decide", "must be certain, early, or late, not \"\(word)\"")
        }
        guard decides != .late || !isSynchronous else {
            throw reader.error(
                "decide", "late cannot be combined with synchronous, which decides when a generation is complete")
        }
        return TimingAsRead(moment: decides)
    }
}
