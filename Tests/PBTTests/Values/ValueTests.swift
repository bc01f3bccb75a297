// SPDX-License-Identifier: Apache-2.0

import PBT
import Testing

@Suite("Values") struct ValueTests {
    @Test func `a number is what it is, whole or not`() {
        #expect(Value.integer(3).double == 3 && Value.number(3.5).double == 3.5)
        #expect(Value.integer(3).int == 3 && Value.number(3).int == 3 && Value.number(3.5).int == nil)
        #expect(Value.number(.nan).int == nil && Value.number(.infinity).int == nil && Value.number(1e19).int == nil)
    }

    @Test func `truth values and text are no numbers`() {
        for value: Value in [true, "1", nil, [1], ["a": 1]] {
            #expect(value.double == nil && value.int == nil)
        }
        #expect(Value.integer(1).bool == nil && Value.string("true").bool == nil)
    }

    @Test func `each kind has a name for messages`() {
        #expect(
            ([nil, true, 1, 1.5, "a", [], [:]] as [Value]).map(\.kind) == [
                "null", "a boolean", "a number", "a number", "a string", "a list", "an object",
            ])
    }

    @Test func `1 and 1 point 0 are the same choice, but different values`() {
        #expect(Value.integer(1) != .number(1))
        #expect(Value.integer(1).isSame(as: .number(1)))
        #expect(!Value.integer(1).isSame(as: true) && !Value.integer(1).isSame(as: "1"))
        #expect(Value.string("a").isSame(as: "a") && Value.null.isSame(as: .null))
    }

    @Test func `a hyperparameter is asked for by name and kind`() throws {
        let hyperparameters: Hyperparameters = ["rate": 0.1, "size": 32, "kind": "relu"]
        #expect(try hyperparameters.double("rate") == 0.1)
        #expect(try hyperparameters.double("size") == 32)
        #expect(hyperparameters.names == ["kind", "rate", "size"])
        #expect(
            throws: PBTError(.badValue, #"there is no hyperparameter "lr"; there are "kind", "rate", "size""#)
        ) { try hyperparameters.double("lr") }
        #expect(throws: PBTError(.badValue, #"hyperparameter "kind" is a string, not a number"#)) {
            try hyperparameters.double("kind")
        }
        #expect(hyperparameters.description == #"{"kind":"relu","rate":0.1,"size":32}"#)
    }

    @Test(arguments: [
        (0.0, "0"), (1, "1"), (0.8, "0.8"), (1.25, "1.25"), (0.123456, "0.1235"), (123456, "123500"), (1e-5, "1e-5"),
        (1.5e-7, "1.5e-7"), (9.9999e-6, "1e-5"), (12_345_678, "1.235e7"), (-0.25, "-0.25"), (1e300, "1e300"),
        (.leastNonzeroMagnitude, "4.941e-324"), (.infinity, "inf"), (.nan, "nan"),
    ])
    func `a number is short in labels`(number: Double, text: String) {
        #expect(number.short == text)
    }
}

@Suite("Nearest name") struct NearestNameTests {
    private let known = ["population", "intervals", "objective", "seed", "space", "exploit", "explore", "stop"]

    @Test(arguments: [
        ("populaton", "population"), ("Population", "population"), ("interval", "intervals"),
        ("objektive", "objective"),
        ("sede", "seed"), ("sapce", "space"), ("exploits", "exploit"), ("expolre", "explore"), ("stpo", "stop"),
    ])
    func `a mistyped name finds the one that was meant`(typed: String, meant: String) {
        #expect(nearest(to: typed, among: known) == meant)
    }

    @Test(arguments: ["", "x", "learning_rate", "zzzz", "metric"])
    func `a name that is near to none finds none`(typed: String) {
        #expect(nearest(to: typed, among: known) == nil)
    }

    @Test func `among no names there is none, and of equally near ones the first`() {
        #expect(nearest(to: "a", among: [String]()) == nil)
        #expect(nearest(to: "cat", among: ["bat", "rat"]) == "bat")
    }
}

@Suite("Interval names") struct IntervalNameTests {
    @Test func `an interval is named MEMBER@INDEX and read back`() {
        let id = IntervalID(member: 12, index: 3)
        #expect(id.description == "12@3" && IntervalID("12@3") == id)
        #expect(id.value.json == #"{"interval":3,"member":12}"#)
    }

    @Test(arguments: ["", "1", "1@", "@1", "1@2@3", "-1@2", "1@-2", "a@b", "1 @2"])
    func `anything else is no interval`(text: String) {
        #expect(IntervalID(text) == nil)
    }

    @Test func `intervals are ordered by member, then index`() {
        let ids = ["2@0", "0@10", "0@9", "1@0"].compactMap { IntervalID($0) }
        #expect(ids.sorted().map(\.description) == ["0@9", "0@10", "1@0", "2@0"])
    }
}
