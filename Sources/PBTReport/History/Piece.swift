// SPDX-License-Identifier: Apache-2.0

import PBT

/// Consecutive intervals of one member that are inherited as a whole or not at all.
///
/// A *life* is the training of a member between two copies into it. When a donor continues after it was copied, only
/// the earlier part of its life belongs to the lineage of the copy; so a life is split into pieces at every copy out of
/// it. A lineage is then exactly a path of pieces.
public struct Piece: Sendable, Hashable, Identifiable, CustomStringConvertible {
    /// The index in ``History/pieces``.
    public let id: Int
    /// The member.
    public let member: Int
    /// The number of the member's life that it is part of, from 0.
    public let life: Int
    /// The number of the part within the life, from 0.
    public let part: Int
    /// The piece that it continues; none for a founder's first.
    public let parent: Int?
    /// The indices of its intervals.
    public let indices: ClosedRange<Int>
    /// The places of its intervals in the genealogy.
    package let places: Range<Int>

    /// `MEMBER.LIFE/PART`.
    public var description: String {
        "\(member).\(life)/\(part)"
    }

    /// True when it starts with a copy of another member.
    public var isCopy: Bool {
        part == 0 && parent != nil
    }

    static func cut(_ genealogy: Genealogy) -> (pieces: [Piece], pieceOfPlace: [Int]) {
        let intervals = genealogy.intervals
        var children = [Int](repeating: 0, count: intervals.count)
        for case let parent? in genealogy.parents {
            children[parent] += 1
        }
        var pieces: [Piece] = []
        var pieceOfPlace = [Int](repeating: 0, count: intervals.count)
        // The start of each piece; a piece ends where the next one starts.
        var starts: [(place: Int, life: Int, part: Int)] = []
        for place in intervals.indices {
            let isSameMember = place > 0 && intervals[place - 1].id.member == intervals[place].id.member
            if isSameMember, genealogy.parents[place] == place - 1 {
                if children[place - 1] > 1, let last = starts.last {
                    starts.append((place, last.life, last.part + 1))
                }
            } else {
                starts.append((place, isSameMember ? (starts.last?.life ?? -1) + 1 : 0, 0))
            }
            pieceOfPlace[place] = starts.count - 1
        }
        for (id, start) in starts.enumerated() {
            let end = id + 1 < starts.count ? starts[id + 1].place : intervals.count
            pieces.append(
                Piece(
                    id: id, member: intervals[start.place].id.member, life: start.life, part: start.part,
                    parent: genealogy.parents[start.place].map { pieceOfPlace[$0] },
                    indices: intervals[start.place].id.index...intervals[end - 1].id.index, places: start.place..<end))
        }
        return (pieces, pieceOfPlace)
    }
}
