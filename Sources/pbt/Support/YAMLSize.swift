// SPDX-License-Identifier: Apache-2.0

import CYaml
import PBT

/// The size of YAML once its aliases are expanded, computed without expanding them.
///
/// A few hundred bytes of nested aliases expand to more than fits in memory ("billion laughs"). Yams expands aliases
/// while it composes the document, and hashes names that are lists or objects, so limiting its result is too late.
enum YAMLSize {
    /// Counts the scalars, lists and objects of a document, an alias as often as its anchor's.
    ///
    /// - Parameters:
    ///   - most: The limit.
    ///   - text: The YAML text.
    /// - Returns: The line, from 1, at which the limit is exceeded; nil when it is not, and for invalid YAML, which the
    ///   real parser reports better.
    static func lineBeyond(_ most: Int, in text: String) -> Int? {
        var parser = yaml_parser_t()
        guard yaml_parser_initialize(&parser) == 1 else { return nil }
        defer { yaml_parser_delete(&parser) }
        var text = text
        return text.withUTF8 { bytes in
            yaml_parser_set_input_string(&parser, bytes.baseAddress, bytes.count)
            return lineBeyond(most, &parser)
        }
    }

    private static func lineBeyond(_ most: Int, _ parser: inout yaml_parser_t) -> Int? {
        /// The lists and objects that are open, with their anchors and the total before them.
        var open: [(anchor: String?, before: Int)] = []
        var sizes: [String: Int] = [:]
        var total = 0
        while true {
            var event = yaml_event_t()
            guard yaml_parser_parse(&parser, &event) == 1 else { return nil }
            defer { yaml_event_delete(&event) }
            switch event.type {
            case YAML_STREAM_END_EVENT, YAML_NO_EVENT: return nil
            case YAML_ALIAS_EVENT: total += name(event.data.alias.anchor).flatMap { sizes[$0] } ?? 1
            case YAML_SCALAR_EVENT:
                total += 1
                if let anchor = name(event.data.scalar.anchor) { sizes[anchor] = 1 }
            case YAML_SEQUENCE_START_EVENT:
                open.append((name(event.data.sequence_start.anchor), total))
                total += 1
            case YAML_MAPPING_START_EVENT:
                open.append((name(event.data.mapping_start.anchor), total))
                total += 1
            case YAML_SEQUENCE_END_EVENT, YAML_MAPPING_END_EVENT:
                guard let ended = open.popLast() else { break }
                if let anchor = ended.anchor { sizes[anchor] = total - ended.before }
            default: break
            }
            // Each summand is at most the total before it, so this cannot overflow.
            if total > most { return Int(clamping: event.start_mark.line).adding(saturating: 1) }
        }
    }

    private static func name(_ anchor: UnsafeMutablePointer<yaml_char_t>?) -> String? {
        anchor.map { String(cString: $0) }
    }
}
