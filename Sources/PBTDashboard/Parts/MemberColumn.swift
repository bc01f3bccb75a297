// SPDX-License-Identifier: Apache-2.0

import PBT
import PBTAPI

/// What can stand beside a member.
enum MemberColumn: Hashable {
    case state, score, gain, interval, copies, from
    case hyperparameter(String)
    case metric(String)

    /// The column of a key; none when it is none.
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

    /// What it is in an address: without a comma, whatever a name holds.
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

    /// Whether its cells are words.
    var isText: Bool { self == .state || self == .from }

    /// Whether its own order begins with the greatest.
    func isBestFirst(_ goal: Objective.Goal) -> Bool {
        switch self {
        case .score, .gain: goal == .maximize
        case .interval, .copies: true
        case .state, .from, .hyperparameter, .metric: false
        }
    }

    /// A hyperparameter or metric of a member; none when it has none.
    func value(of row: MemberRow) -> Value? {
        switch self {
        case .hyperparameter(let name): row.newest.hyperparameters[name]
        case .metric(let name): row.scored?.metrics[name]
        default: nil
        }
    }
}
