// SPDX-License-Identifier: Apache-2.0

/// What is searched, by which rules, with which budget: everything that decides what an experiment does.
///
/// An experiment is a value. Two experiments with the same values and trainers make the same decisions.
public struct Experiment: Sendable, Hashable {
    /// How configurations come about.
    public enum Kind: Sendable, Hashable {
        /// Population based training: poor members take over better ones.
        case populationBasedTraining
        /// Independent members with sampled hyperparameters that never change.
        case randomSearch
        /// Independent members with hyperparameters that are queued by hand.
        case manual
        /// Independent members that all train by one schedule, one entry an interval, with different seeds.
        case replay([Hyperparameters])
    }

    /// When the decision about a member that goes on is made.
    public enum Decides: String, Sendable, Hashable, CaseIterable {
        /// When its interval finishes.
        case early
        /// When a worker asks for work and nothing waits: with the scores of everybody who finished until then.
        case late
    }

    /// The number of intervals that stands for no limit: nobody trains as many.
    package static let withoutLimit = 1_000_000

    /// When an experiment ends before its budget is spent.
    public struct Stop: Sendable, Hashable {
        /// A score that is good enough.
        public var target: Double?
        /// The time since the experiment was created.
        public var after: Duration?

        /// Conditions to stop; none by default.
        public init(target: Double? = nil, after: Duration? = nil) {
            self.target = target
            self.after = after
        }
    }

    /// Which checkpoints are kept beside those that the population needs.
    public struct Keep: Sendable, Hashable {
        /// How many of the best ever; at least 1.
        public var best: Int
        /// How many of each member's last; at least 1.
        public var last: Int

        /// How many checkpoints are kept; one of the best and one of the last by default.
        public init(best: Int = 1, last: Int = 1) {
            self.best = best
            self.last = last
        }
    }

    /// How a training program is started.
    public struct Trainer: Sendable, Hashable {
        /// The program and its arguments, with placeholders; started without a shell.
        public var command: [String]
        /// The directory it is started in; absolute.
        public var directory: String
        /// How many run at a time on one machine.
        public var workers: Int
        /// The devices of each worker, given to them in turn; none: the environment is left alone.
        ///
        /// Several devices for one worker are separated by commas: `["0,1", "2,3"]`. A number counts within
        /// `CUDA_VISIBLE_DEVICES` where that is set.
        public var gpus: [String]
        /// Threads for each worker; none: the machine's cores divided among the workers.
        public var threads: Int?
        /// How long one interval may take; none: for ever.
        public var timeout: Duration?
        /// How long a program may take to end after it was asked to.
        public var grace: Duration
        /// Whether a program stays alive over many intervals, which it asks a server for, instead of being started for
        /// each.
        public var isPersistent: Bool
        /// Environment variables that the program is given, over those that it inherits.
        public var environment: [String: String]

        /// How a training program is started.
        public init(
            command: [String], directory: String, workers: Int = 1, gpus: [String] = [], threads: Int? = nil,
            timeout: Duration? = nil, grace: Duration = .seconds(10), isPersistent: Bool = false,
            environment: [String: String] = [:]
        ) {
            self.command = command
            self.directory = directory
            self.workers = workers
            self.gpus = gpus
            self.threads = threads
            self.timeout = timeout
            self.grace = grace
            self.isPersistent = isPersistent
            self.environment = environment
        }
    }

    /// Its name; unique in a store.
    public var name: String
    /// How configurations come about.
    public var kind: Kind
    /// What it is judged by.
    public var objective: Objective
    /// How many members there are.
    public var population: Int
    /// How many intervals each member trains.
    public var intervals: Int
    /// The seed of every draw.
    public var seed: UInt64
    /// The hyperparameters.
    public var space: SearchSpace
    /// Hyperparameters of the first founders given by hand; what is left out is sampled.
    public var initial: [Hyperparameters]
    /// The checkpoints that founders continue; none: they start with untrained models.
    public var founderCheckpoints: FounderCheckpoints
    /// Which member takes over which.
    public var exploit: ExploitRule
    /// How hyperparameters change then.
    public var explore: ExploreRule
    /// Whether all members finish an interval before any decision about it is made.
    public var isSynchronous: Bool
    /// In a synchronous experiment, how long a generation may take; members that are late then count as failed.
    public var deadline: Duration?
    /// When the decision about a member that goes on is made.
    public var decides: Decides
    /// Whether members may come at any time, so that it never ends because they have all ended.
    ///
    /// A random search that is open samples a new founder whenever nothing else is left to do. A manual search is open
    /// by its nature.
    public var isOpen: Bool
    /// How often an interval is tried again after a failure.
    public var retries: Int
    /// When it ends early.
    public var stop: Stop
    /// Which checkpoints are kept.
    public var keep: Keep
    /// Whether a random search with the same founders and budget runs beside it, to compare with.
    public var hasBaseline: Bool
    /// How the training program is started; none when trainers are written in Swift.
    public var trainer: Trainer?

    /// An experiment.
    public init(
        _ name: String, kind: Kind = .populationBasedTraining, objective: Objective, population: Int, intervals: Int,
        seed: UInt64 = 0, space: SearchSpace, initial: [Hyperparameters] = [],
        founderCheckpoints: FounderCheckpoints = FounderCheckpoints(),
        exploit: ExploitRule = .truncation(), explore: ExploreRule = .perturb(), isSynchronous: Bool = false,
        deadline: Duration? = nil, decides: Decides = .early, isOpen: Bool = false, retries: Int = 2,
        stop: Stop = Stop(), keep: Keep = Keep(),
        hasBaseline: Bool = false, trainer: Trainer? = nil
    ) {
        self.name = name
        self.kind = kind
        self.objective = objective
        self.population = population
        self.intervals = intervals
        self.seed = seed
        self.space = space
        // In the space's types, as they will be read back: a 1 for a real hyperparameter is 1.0.
        self.initial = initial.map { given in
            Hyperparameters(
                Dictionary(uniqueKeysWithValues: given.values.map { ($0, space[$0]?.normalized($1) ?? $1) }))
        }
        self.founderCheckpoints = founderCheckpoints
        self.exploit = exploit
        self.explore = explore
        self.isSynchronous = isSynchronous
        self.deadline = deadline
        self.decides = decides
        self.isOpen = isOpen
        self.retries = retries
        self.stop = stop
        self.keep = keep
        self.hasBaseline = hasBaseline
        self.trainer = trainer
    }

    /// The name of a baseline beside an experiment of that name.
    package static func baselineName(of name: String) -> String {
        "\(name).random_search"
    }

    /// A random search with the same founders, trainer and budget; none when the experiment has no baseline.
    public var baseline: Experiment? {
        guard hasBaseline else { return nil }
        var baseline = self
        baseline.name = Self.baselineName(of: name)
        baseline.kind = .randomSearch
        baseline.exploit = .none
        baseline.explore = .none
        baseline.isSynchronous = false
        baseline.deadline = nil
        baseline.decides = .early
        baseline.hasBaseline = false
        return baseline
    }

    /// Members that train once more from scratch by a schedule, one a seed.
    ///
    /// - Parameters:
    ///   - name: The new experiment's name.
    ///   - schedule: The hyperparameters of each interval.
    ///   - seeds: How many members.
    ///   - checkpoint: What all of them continue; none for untrained models.
    /// - Returns: An experiment of kind ``Kind/replay(_:)``.
    public func replay(
        named name: String, schedule: [Hyperparameters], seeds: Int, continuing checkpoint: FounderCheckpoint? = nil
    ) -> Experiment {
        var replay = self
        replay.name = name
        replay.kind = .replay(schedule)
        replay.population = seeds
        replay.intervals = schedule.count
        replay.initial = []
        replay.founderCheckpoints = FounderCheckpoints(shared: checkpoint)
        replay.exploit = .none
        replay.explore = .none
        replay.isSynchronous = false
        replay.deadline = nil
        replay.decides = .early
        replay.isOpen = false
        replay.stop = Stop()
        replay.hasBaseline = false
        return replay
    }

    /// The hyperparameters that a founder starts with.
    ///
    /// - Parameter member: The member, from 0.
    /// - Returns: Sampled hyperparameters, or those given by hand.
    public func founder(_ member: Int) -> Hyperparameters {
        if case .replay(let schedule) = kind, let first = schedule.first { return first }
        var sampled = space.sample(seed: seed, member: member, index: 0)
        if initial.indices.contains(member) {
            sampled.values.merge(initial[member].values) { $1 }
        }
        return sampled
    }

    /// Whether members may come at any time.
    package var takesMembers: Bool {
        isOpen || kind == .manual
    }

    /// Whether no member's intervals are limited, so that there is no budget to measure by.
    package var isEndless: Bool {
        intervals >= Self.withoutLimit
    }

    /// Whether a member trains no more since an edit left the population with fewer members: it ends after the interval
    /// that it has, and is no donor.
    package func isRetired(_ member: Int) -> Bool {
        !takesMembers && member >= population
    }

    /// Whether a finished interval is its member's last one, whatever the others' scores.
    package func ends(after interval: Interval) -> Bool {
        guard interval.id.index + 1 < intervals, !isRetired(interval.id.member) else { return true }
        guard interval.state != .done else { return false }
        return kind == .populationBasedTraining ? exploit == .none : true
    }

    /// The first interval of a member.
    package func firstInterval(of member: Int, hyperparameters: Hyperparameters? = nil, at now: Timestamp) -> Interval {
        Interval(
            id: IntervalID(member: member, index: 0), parent: nil,
            hyperparameters: hyperparameters ?? founder(member), depth: 1, created: now)
    }

    /// The seed that a trainer gets for an interval: 31 bits, as every framework takes.
    public func trainerSeed(for interval: IntervalID) -> Int {
        var random = RandomStream(seed: seed, .trainer, member: interval.member, index: interval.index)
        return Int(random.next() >> 33)
    }
}
