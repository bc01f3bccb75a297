// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTAPI

/// A column of the table of members, next to the member's number.
enum MemberColumn: Hashable {
    case state, score, gain, interval, copies, from
    case hyperparameter(String)
    case metric(String)

    /// The column of a key; nil for an unknown key.
    init?(key: String) {
        switch key {
        case "state": self = .state
        case "score": self = .score
        case "gain": self = .gain
        case "interval": self = .interval
        case "copies": self = .copies
        case "from": self = .from
        default:
            guard key.hasPrefix("h.") || key.hasPrefix("m."), let name = PathSegment.decode(key.dropFirst(2)) else {
                return nil
            }
            self = key.hasPrefix("h.") ? .hyperparameter(name) : .metric(name)
        }
    }

    /// The column's name in a URL; names are percent-encoded, so it holds no comma.
    var key: String {
        switch self {
        case .state: "state"
        case .score: "score"
        case .gain: "gain"
        case .interval: "interval"
        case .copies: "copies"
        case .from: "from"
        case .hyperparameter(let name): "h.\(PathSegment.encode(name))"
        case .metric(let name): "m.\(PathSegment.encode(name))"
        }
    }

    /// A Boolean value indicating whether the cells are text.
    var isText: Bool { self == .state || self == .from }

    /// Returns whether the column sorts its greatest values first.
    func isBestFirst(_ goal: Objective.Goal) -> Bool {
        switch self {
        case .score, .gain: goal == .maximize
        case .interval, .copies: true
        case .state, .from, .hyperparameter, .metric: false
        }
    }

    /// Returns a member's value of the hyperparameter or metric; nil without one, and for other columns.
    func value(of row: MemberRow) -> Value? {
        switch self {
        case .hyperparameter(let name): row.newest.hyperparameters[name]
        case .metric(let name): row.scored?.metrics[name]
        default: nil
        }
    }
}
