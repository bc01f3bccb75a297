// SPDX-License-Identifier: Apache-2.0

#if os(Linux)
    import Foundation
    import Glibc
    import PBT
    import Testing

    /// What a trainer starts and leaves behind, when `pbt` runs it.
    @Suite(.timeLimit(.minutes(10))) struct DescendantTests {
        /// Whether a process runs; one that only waits to be reaped does not.
        private static func isAlive(_ text: some StringProtocol) -> Bool {
            guard let status = FileManager.default.contents(atPath: "/proc/\(text)/stat") else { return false }
            let line = String(decoding: status, as: UTF8.self)
            return !line.contains(") Z ") && !line.contains(") X ")
        }

        /// Becomes a daemon: no parent, session, environment or file of the trainer's, only its number in a file.
        ///
        /// Both members end at the same time, so that either daemon can belong to either of them.
        private static let daemon = """
            setsid env -i FILE=pid-$PBT_MEMBER sh -c \
                'sh -c "echo \\$\\$ > $FILE; exec sleep 1000" < /dev/null > /dev/null 2>&1 &'
            while [ ! -s pid-0 ] || [ ! -s pid-1 ]; do sleep 0.01; done

            """

        @Test(arguments: [
            ("echo '{\"score\": 1}' > $PBT_RESULTS; echo x > $PBT_CHECKPOINT_OUT/x", 0), ("exit 3", 1),
            ("kill -9 $$", 1),
        ])
        func `a daemon without a mark ends with its interval`(_ ending: String, _ code: Int32) async throws {
            let place = try Workplace()
            try place.write(Self.daemon + ending + "\n", to: "leave.sh")
            try place.experiment(trainer: "leave.sh", population: 2, intervals: 1, workers: 2, more: "retries: 0")
            let answer = try await place.pbt("run", "toy.yaml")
            #expect(answer.code == code, "\(answer.error)")
            for member in 0..<2 {
                let pid = try place.read("pid-\(member)").trimmingCharacters(in: .whitespacesAndNewlines)
                #expect(!pid.isEmpty && !Self.isAlive(pid))
            }
        }

        @Test func `after kill -9 the next run ends what the trainer left in a session of its own`() async throws {
            let place = try Workplace()
            try place.write(
                """
                [ -s child ] || setsid sh -c 'echo $$ > child; exec sleep 1000' &
                while [ ! -s child ]; do sleep 0.01; done
                exec sh ./gated.sh
                """, to: "leave.sh")
            try place.experiment(trainer: "leave.sh", population: 1, intervals: 1)
            let gate = try Gate(in: place)
            let here = try Gate(in: place, named: "here")
            let run = try await Command.live(["run", "toy.yaml", "--json"], in: place.directory) { _, process in
                _ = try await here.line()
                #expect(kill(process, SIGKILL) == 0)
            }
            #expect(run.code == -SIGKILL)
            let pid = try place.read("child").trimmingCharacters(in: .whitespacesAndNewlines)
            #expect(Self.isAlive(pid))
            try gate.open()
            let answer = try await place.pbt("run", "toy.yaml")
            #expect(answer.code == 0, "\(answer.error)")
            #expect(!Self.isAlive(pid))
            withExtendedLifetime(here) {}
        }

        @Test func `orphans that end while a trainer works are reaped`() async throws {
            let place = try Workplace()
            // Forty orphans that end at once; then the trainer waits until its parent has none of them any more.
            try place.write(
                """
                parent=$(awk '{ print $4 }' /proc/$$/stat)
                i=0
                while [ $i -lt 40 ]; do (setsid sh -c 'true & exit 0'); i=$((i + 1)); done
                while grep -l "^PPid:[[:space:]]*$parent\\$" /proc/[0-9]*/status 2> /dev/null \\
                    | xargs grep -lE "^State:[[:space:]]*Z" 2> /dev/null | grep -q .; do sleep 0.1; done
                echo '{"score": 1}' > $PBT_RESULTS
                echo x > $PBT_CHECKPOINT_OUT/x
                """, to: "orphans.sh")
            try place.experiment(trainer: "orphans.sh", population: 1, intervals: 1)
            let answer = try await place.pbt("run", "toy.yaml")
            #expect(answer.code == 0, "\(answer.error)")
        }
    }
#endif
