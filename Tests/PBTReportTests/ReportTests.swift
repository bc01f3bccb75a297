// SPDX-License-Identifier: Apache-2.0

import PBT
import Testing

@testable import PBTReport

@Suite struct ReportTests {
    // FIPS 180-4's examples, and lengths about the edges of a block.
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
        (String(repeating: "a", count: 55), "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318"),
        (String(repeating: "a", count: 64), "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb"),
        (String(repeating: "a", count: 1000), "41edece42d63e8d9bf515a9ba6932e1c20cbc9f5a5d134645adb5db1b9737ea3"),
    ])
    func `the digest is SHA-256`(text: String, digest: String) {
        #expect(Hex.text(of: SecureHash.sha256(Array(text.utf8))) == digest)
    }

    @Test(arguments: [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy"), ("\u{ff}", "w78="),
    ])
    func `Base64 is RFC 4648's`(text: String, wanted: String) {
        #expect(Base64.text(of: text.utf8) == wanted)
    }

    @Test func `a report has every picture in two widths, their data, and all that is to be said`() throws {
        let history = HandMadeRun.small
        let page = Report.html(of: [history])
        let markup = try Markup(page)
        let pictures = markup.elements.filter { $0.name == "svg" }
        #expect(pictures.count == 12)
        #expect(pictures.allSatisfy { $0.attributes["role"] == "img" })
        #expect(pictures.count { $0.attributes["width"] == "640" } == 6)
        #expect(pictures.count { $0.attributes["width"] == "360" } == 6)
        let titles = [
            "Learning curves", "Schedule of the winner", "Lineage", "Founders", "Hyperparameters", "Workers",
            "Winner", "Effect of exploration", "Members", "Failures", "Settings",
        ]
        for title in titles { #expect(page.contains("<h3>\(title)</h3>"), "\(title)") }
        #expect(markup.text.contains("Interval 1@4 scored 0.8000 after 5 intervals of training"))
        #expect(markup.text.contains("through 1 copy from the founder 0@0"))
        #expect(page.contains("<title>small · PBT</title>"))
        // Every link leads somewhere, and every name is there once.
        let ids = markup.elements.compactMap { $0.attributes["id"] }
        #expect(Set(ids).count == ids.count)
        let links = markup.elements.filter { $0.name == "a" }.compactMap { $0.attributes["href"] }
        #expect(links.count == titles.count && links.allSatisfy { ids.contains(String($0.dropFirst())) })
    }

    @Test func `a report asks nobody for anything, and its policy allows its style sheet and nothing else`() throws {
        let page = Report.html(of: [HandMadeRun.small, HandMadeRun.donorLivesOn.history()])
        let markup = try Markup(page)
        let forbidden: Set<String> = [
            "script", "link", "img", "image", "iframe", "object", "embed", "form", "base", "use",
        ]
        #expect(markup.elements.allSatisfy { !forbidden.contains($0.name) })
        for element in markup.elements {
            for (name, value) in element.attributes {
                #expect(!name.hasPrefix("on") && name != "style" && name != "src", "\(element)")
                #expect(name != "href" || value.hasPrefix("#"), "\(element)")
                #expect(!value.contains("url(") && !value.contains("//"), "\(element)")
            }
        }
        #expect(!markup.style.contains("url(") && !markup.style.contains("@import") && !markup.style.contains("//"))
        let digest = Base64.text(of: SecureHash.sha256(Array(markup.style.utf8)))
        let policy = markup.elements.first { $0.attributes["http-equiv"] == "Content-Security-Policy" }
        #expect(
            policy?.attributes["content"]
                == "default-src 'none'; style-src 'sha256-\(digest)'; base-uri 'none'; form-action 'none'")
        // Before the policy only the encoding is said.
        #expect(markup.elements.prefix(4).map(\.name) == ["html", "head", "meta", "meta"])
    }

    @Test func `every color that a picture asks for is in the style sheet, light and dark`() throws {
        let page = Report.html(of: [HandMadeRun.small])
        let style = try Markup(page).style
        let asked = Set(page.matches(of: /var\(--([a-z0-9]+)\)/).map { String($0.1) })
        #expect(asked.count > 8)
        for name in asked { #expect(style.matches(of: try Regex("--\(name):")).count == 2, "\(name)") }
    }

    @Test func `names of any text are text`() throws {
        let hostile = "</style><script>alert(\"1\")</script>&amp;\u{202e}\u{0}'\n<b>"
        var run = HandMadeRun(
            hostile, objective: .maximize(hostile), population: 2, intervals: 2,
            space: [hostile: .choice([.string(hostile), "b"])])
        for member in 0..<2 {
            for index in 0..<2 {
                run.add(
                    IntervalID(member: member, index: index),
                    parent: index == 0 ? nil : IntervalID(member: index == 1 ? 0 : member, index: 0),
                    score: Double(member + index), [hostile: .string(member == 0 ? hostile : "b")],
                    changes: index == 1
                        ? [Change(name: hostile, old: .string(hostile), operation: hostile, new: "b")] : [])
            }
        }
        run.add(IntervalID(member: 0, index: 2), parent: IntervalID(member: 0, index: 1), score: .nan, [hostile: "b"])
        let page = Report.html(of: [run.history(), HandMadeRun.small])
        let markup = try Markup(page)
        let known: Set<String> = [
            "html", "head", "meta", "title", "style", "body", "header", "h1", "h2", "h3", "nav", "a", "main", "section",
            "div", "p", "strong", "code", "dl", "dt", "dd", "details", "summary", "table", "caption", "thead", "tbody",
            "tr", "th", "td", "svg", "desc", "g", "path", "line", "rect", "circle", "text", "tspan", "polyline",
            "polygon",
            "ellipse",
        ]
        #expect(Set(markup.elements.map(\.name)).subtracting(known) == [])
        #expect(!page.contains("<script") && !page.unicodeScalars.contains("\u{202e}") && !page.contains("\u{0}"))
        #expect(markup.text.contains("</style><script>alert(\"1\")</script>&amp;"))
    }

    @Test func `the same rows give the same bytes, in whatever order they come`() throws {
        let history = try SimulatedRun().history()
        let again = History(
            history.record, intervals: history.genealogy.intervals.reversed(),
            baseline: history.baseline?.intervals.reversed())
        #expect(Report.html(of: [history]) == Report.html(of: [again]))
    }

    @Test func `a report of 200 members and 400 intervals is less than a megabyte`() throws {
        let page = Report.html(of: [HandMadeRun.large(members: 200, intervals: 400)])
        #expect(page.utf8.count < 1_000_000, "\(page.utf8.count) bytes")
        let markup = try Markup(page)
        #expect(markup.text.contains("showing the first 500 of"))
    }

    @Test func `several experiments are compared before each has its part`() throws {
        var other = HandMadeRun.donorLivesOn
        other.experiment.seed = 99
        let page = Report.html(of: [HandMadeRun.small, other.history()])
        let markup = try Markup(page)
        let ids = markup.elements.compactMap { $0.attributes["id"] }
        #expect(ids.first == "comparison" && ids.contains("e1") && ids.contains("e2-curves"))
        #expect(markup.text.contains("Comparison of 2 experiments"))
        #expect(page.contains("<td>seed</td>") && page.contains("<td>99</td>"))
        // What is the same in both is no difference.
        let differences = ReportTables.differences(of: [HandMadeRun.small, other.history()])
        #expect(differences.rows.map { $0[0] }.contains("population"))
        #expect(!differences.rows.map { $0[0] }.contains("objective"))
        #expect(ReportTables.differences(of: [HandMadeRun.small, HandMadeRun.small]).note == "settings are identical")
    }

    @Test func `a random search that is named is compared once, and has nothing about copies`() throws {
        let run = SimulatedRun(finishing: 60)
        let history = try run.history()
        let definition = try #require(history.record.experiment.baseline)
        let intervals = try #require(history.baseline).intervals
        let baseline = History(SimulatedRun.record(definition, intervals), intervals: intervals)
        let page = Report.html(of: [history, baseline])
        let table = ChartTable.comparison(of: [history, baseline], showsBaseline: false).html
        #expect(page.contains(table) && !page.contains(ChartTable.comparison(of: [history, baseline]).html))
        let ids = try Markup(page).elements.compactMap { $0.attributes["id"] }
        #expect(ids.contains("e1-lineage") && ids.contains("e1-explore") && ids.contains("e2-curves"))
        #expect(!ids.contains("e2-lineage") && !ids.contains("e2-explore") && !ids.contains("e2-share"))
    }

    @Test func `an experiment that nobody has begun is a report too`() throws {
        let run = HandMadeRun("empty", population: 2, intervals: 2)
        let markup = try Markup(Report.html(of: [run.history()]))
        #expect(markup.text.contains("No interval has finished with a score yet."))
        #expect(!markup.text.contains("Failures"))
    }

    @Test func `a command to be copied is one command, whatever the name`() throws {
        let run = HandMadeRun("a'; rm -rf $HOME", population: 1, intervals: 1)
        var other = run
        other.add(IntervalID(member: 0, index: 0), parent: nil, score: 1)
        let markup = try Markup(Report.html(of: [other.history()]))
        #expect(markup.text.contains("pbt replay 'a'\\''; rm -rf $HOME'"))
    }

    @Test func `the settings of a trainer are in it, and the directory it stands in is not`() throws {
        var run = HandMadeRun.donorLivesOn
        run.experiment.trainer = Experiment.Trainer(command: ["python3", "train.py"], directory: "/home/somebody/work")
        let page = Report.html(of: [run.history()])
        #expect(page.contains("[&quot;python3&quot;,&quot;train.py&quot;]") && !page.contains("somebody"))
    }
}
