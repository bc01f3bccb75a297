// SPDX-License-Identifier: Apache-2.0

/// The rungs of successive halving: many founders train briefly, and the best part of them continues, repeatedly.
///
/// With factor η and a first rung of r intervals, members are compared after r, rη, rη², … intervals, at each depth
/// below the budget R. Of n founders max(1, ⌊n/ηⁱ⁾⌋) reach the i-th rung; those that do not end there. The last ones
/// train for R intervals.
///
/// Source: Jamieson & Talwalkar 2016, "Non-stochastic Best Arm Identification and Hyperparameter Optimization", and
/// Li et al. 2020, "A System for Massively Parallel Hyperparameter Tuning" (section 3, algorithm 1).
public struct Halving: Sendable, Hashable {
    /// The reduction factor η: one in η members continues beyond a rung; 2 to 1000.
    public var factor: Int
    /// The number of intervals that every founder trains; 1 to 1,000,000.
    public var first: Int

    /// Creates rungs; by default one of 3 continues, after 1, 3, 9, … intervals.
    public init(factor: Int = 3, first: Int = 1) {
        self.factor = factor
        self.first = first
    }

    /// Returns the depths of the rungs, in intervals: those that are less than the budget of a member.
    package func rungs(below intervals: Int) -> [Int] {
        var rungs: [Int] = []
        var depth = max(1, first)
        while depth < intervals {
            rungs.append(depth)
            depth = depth.multiplied(saturatingBy: max(2, factor))
        }
        return rungs
    }

    /// Returns the number of members that train towards a rung, from 0; beyond the last rung, towards the budget.
    package func members(of founders: Int, towards rung: Int) -> Int {
        var members = founders
        for _ in 0..<rung { members /= max(2, factor) }
        return max(1, members)
    }

    /// Returns the number of intervals that all members train, if none diverges or fails.
    ///
    /// - Parameters:
    ///   - founders: The number of founders.
    ///   - intervals: The budget of a member.
    /// - Returns: The sum over the rungs; saturated.
    public func planned(founders: Int, intervals: Int) -> Int {
        var (sum, before) = (0, 0)
        for (rung, depth) in (rungs(below: intervals) + [intervals]).enumerated() {
            let members = members(of: founders, towards: rung)
            sum = sum.adding(saturating: members.multiplied(saturatingBy: depth - before))
            before = depth
        }
        return sum
    }

    /// Returns the greatest number of founders whose search trains at most a number of intervals; at least 1.
    ///
    /// - Parameters:
    ///   - total: The number of intervals of all members.
    ///   - intervals: The budget of a member.
    /// - Returns: The number of founders, at most 1,000,000.
    public func founders(total: Int, intervals: Int) -> Int {
        // More founders never need less.
        var (low, high) = (1, Limits.members)
        while low < high {
            let middle = (low + high + 1) / 2
            if planned(founders: middle, intervals: intervals) <= total { low = middle } else { high = middle - 1 }
        }
        return low
    }
}

extension Halving {
    /// The rungs as in an experiment file.
    package var value: Value {
        ["factor": .integer(factor), "first": .integer(first)]
    }
}
