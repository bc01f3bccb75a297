// SPDX-License-Identifier: Apache-2.0

/// The definition of an experiment: search space, rules, and budget.
///
/// An experiment is a value. Two experiments with equal values and the same trainers make the same decisions.
public struct Experiment: Sendable, Hashable {
    /// The kind of search.
    public enum Kind: Sendable, Hashable {
        /// Population based training: poor members take over better ones.
        case populationBasedTraining
        /// Independent members with sampled hyperparameters that never change.
        case randomSearch
        /// Independent members with sampled hyperparameters that never change, of which the best train on.
        case successiveHalving(Halving)
        /// Independent members with hyperparameters that are queued by hand.
        case manual
        /// Independent members with different seeds that all train by one schedule, one entry per interval.
        case replay([Hyperparameters])
    }

    /// The time at which the decision about a continuing member is made.
    public enum Decides: String, Sendable, Hashable, CaseIterable {
        /// As soon as it cannot depend on missing scores, among the scores that the members have at the same index.
        case certain
        /// When its interval finishes.
        case early
        /// When a worker claims and nothing is waiting: with the scores of all intervals that have finished by then.
        case late
    }

    /// A setting, and whether the definition names it.
    ///
    /// Equal if the settings are: a definition that names the default equals one that omits it.
    private struct Setting<Value: Sendable & Hashable>: Sendable, Hashable {
        var value: Value
        var isNamed: Bool

        static func == (a: Self, b: Self) -> Bool { a.value == b.value }

        func hash(into hasher: inout Hasher) { hasher.combine(value) }
    }

    /// The number of intervals that means no limit.
    package static let withoutLimit = 1_000_000

    /// Conditions that end an experiment before its budget is spent.
    public struct Stop: Sendable, Hashable {
        /// The target score.
        public var target: Double?
        /// The time limit, from the creation of the experiment.
        public var after: Duration?

        /// Creates stop conditions; none by default.
        public init(target: Double? = nil, after: Duration? = nil) {
            self.target = target
            self.after = after
        }
    }

    /// The checkpoints that are kept in addition to those that the population needs.
    public struct Keep: Sendable, Hashable {
        /// The number of best checkpoints overall; at least 1.
        public var best: Int
        /// The number of each member's last checkpoints; at least 1.
        public var last: Int

        /// Creates a policy; by default the best one and each member's last one are kept.
        public init(best: Int = 1, last: Int = 1) {
            self.best = best
            self.last = last
        }
    }

    /// The search that runs alongside an experiment, to compare with.
    public enum Baseline: Sendable, Hashable {
        /// A random search with the same founders.
        case randomSearch
        /// A search by successive halving whose first founders are the same.
        case successiveHalving(Halving)

        /// The name, in small letters.
        package var words: String {
            switch self {
            case .randomSearch: "random search"
            case .successiveHalving: "successive halving"
            }
        }

        /// The word in a file, and the end of the baseline's name.
        package var keyword: String {
            switch self {
            case .randomSearch: "random_search"
            case .successiveHalving: "successive_halving"
            }
        }
    }

    /// The measurement of the best checkpoints at the end of a search: each of the `candidates` best is evaluated
    /// `repeats` times with fresh seeds, and the winner is the one with the best mean.
    ///
    /// The best of many noisy scores is biased: the winner of a search is partly the luckiest. Reason and measurements:
    /// `Documentation/decisions/0029-winner.md`.
    public struct Evaluate: Sendable, Hashable {
        /// The program and its arguments, with placeholders; nil for the trainer's, which is told so by
        /// `PBT_EVALUATE=1`.
        public var command: [String]?
        /// The number of best checkpoints that are evaluated; 1 to 1000.
        public var candidates: Int
        /// The number of evaluations of each; 1 to 1000.
        public var repeats: Int

        /// Creates a measurement.
        public init(command: [String]? = nil, candidates: Int = 5, repeats: Int = 3) {
            self.command = command
            self.candidates = candidates
            self.repeats = repeats
        }
    }

    /// The training program and its execution.
    public struct Trainer: Sendable, Hashable {
        /// The program and its arguments, with placeholders; run without a shell.
        public var command: [String]
        /// The working directory; absolute.
        public var directory: String
        /// The number of workers per machine.
        public var workers: Int
        /// The devices of each worker, assigned in turn; if empty, the environment is not changed.
        ///
        /// Several devices for one worker are separated by commas: `["0,1", "2,3"]`. Numbers index into
        /// `CUDA_VISIBLE_DEVICES` if that is set.
        public var gpus: [String]
        /// The number of threads of each worker; nil to divide the machine's cores among the workers.
        public var threads: Int?
        /// The maximum duration of an interval; nil for no limit.
        public var timeout: Duration?
        /// The time that a program gets to exit after SIGTERM.
        public var grace: Duration
        /// True if a program runs for many intervals, which it claims from a server itself, instead of being started
        /// for each.
        public var isPersistent: Bool
        /// Environment variables of the program, which override those that it inherits.
        public var environment: [String: String]

        /// Creates a trainer.
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

    /// The name; unique in a store.
    public var name: String
    /// The kind of search.
    public var kind: Kind
    /// The objective.
    public var objective: Objective
    /// The number of members.
    public var population: Int
    /// The number of intervals of each member.
    public var intervals: Int
    /// The seed of every draw.
    public var seed: UInt64
    /// The search space.
    public var space: SearchSpace
    /// Hyperparameters of the first founders, given by hand; missing ones are sampled.
    public var initial: [Hyperparameters]
    /// The checkpoints that founders continue; if empty, they start with untrained models.
    public var founderCheckpoints: FounderCheckpoints
    /// The rule that chooses donors; setting it to another than ``ExploitRule/default`` names it.
    public var exploit: ExploitRule {
        get { donors.value }
        set {
            let rule = newValue.isDefault ? ExploitRule.standard(for: self) : newValue
            donors = Setting(value: rule, isNamed: !newValue.isDefault)
        }
    }
    private var donors: Setting<ExploitRule>
    /// The number of intervals that each member trains before it may be replaced; one that diverged or failed is replaced
    /// at any time.
    ///
    /// Source: `burn_in_period` of Ray Tune.
    public var burnIn: Int
    /// The conditions under which a member is replaced; nil for none.
    public var gate: ExploitGate?
    /// The best intervals of the past, to which members return when the whole population has become worse; nil to
    /// never return.
    public var elites: Elites?
    /// The rule that changes hyperparameters of members that took over a donor's; setting it to another than
    /// ``ExploreRule/default`` names it.
    public var explore: ExploreRule {
        get { changes.value }
        set { changes = Setting(value: newValue.isDefault ? .perturb() : newValue, isNamed: !newValue.isDefault) }
    }
    private var changes: Setting<ExploreRule>
    /// True if decisions are made only when all members have finished a generation.
    public var isSynchronous: Bool
    /// The maximum duration of a generation, if decisions wait for it; members that exceed it count as failed.
    public var deadline: Duration?
    /// The time at which the decision about a continuing member is made; setting it names it.
    public var decides: Decides {
        get { timing.value }
        set { timing = Setting(value: newValue, isNamed: true) }
    }
    /// The time that a finished interval waits for the scores of others while a worker has nothing else to train; nil
    /// to wait until the decision is certain.
    ///
    /// Used with ``Decides/certain`` only. A decision that is made without waiting depends on the workers' speed, so
    /// the run is not reproducible from its seed.
    public var patience: Duration?
    private var timing: Setting<Decides>
    /// True if members may come at any time, so that the experiment does not end when all of them have ended.
    ///
    /// An open random search samples a new founder whenever nothing else is left to do. A manual search is always open.
    public var isOpen: Bool
    /// The number of times that a failed interval is retried.
    public var retries: Int
    /// The conditions that end it early.
    public var stop: Stop
    /// The checkpoints that are kept.
    public var keep: Keep
    /// The search with the same founders and budget that runs alongside, as a baseline; nil for none.
    public var baselineKind: Baseline?
    /// True if a baseline runs alongside; setting it to true means a random search unless another kind is chosen.
    public var hasBaseline: Bool {
        get { baselineKind != nil }
        set { baselineKind = newValue ? baselineKind ?? .randomSearch : nil }
    }
    /// The training program; nil if trainers are written in Swift.
    public var trainer: Trainer?
    /// The metrics that are shown next to the score, in this order; nil for all that are reported, by name.
    ///
    /// Nothing but outputs depends on it.
    public var metrics: [String]?
    /// The measurement of the best checkpoints at the end of the search; nil for none.
    public var evaluate: Evaluate?

    /// Creates an experiment.
    public init(
        _ name: String, kind: Kind = .populationBasedTraining, objective: Objective, population: Int, intervals: Int,
        seed: UInt64 = 0, space: SearchSpace, initial: [Hyperparameters] = [],
        founderCheckpoints: FounderCheckpoints = FounderCheckpoints(),
        exploit: ExploitRule = .default, burnIn: Int = 0, gate: ExploitGate? = nil, elites: Elites? = nil,
        explore: ExploreRule = .default,
        isSynchronous: Bool = false, deadline: Duration? = nil, decides: Decides? = nil, patience: Duration? = nil,
        isOpen: Bool = false, retries: Int = 2,
        stop: Stop = Stop(), keep: Keep = Keep(),
        hasBaseline: Bool = false, baseline: Baseline? = nil, trainer: Trainer? = nil
    ) {
        self.name = name
        self.kind = kind
        self.objective = objective
        self.population = population
        self.intervals = intervals
        self.seed = seed
        self.space = space
        // In the space's types, as they will be read back: 1 becomes 1.0 for a real hyperparameter.
        self.initial = initial.map { given in
            Hyperparameters(
                Dictionary(uniqueKeysWithValues: given.values.map { ($0, space[$0]?.normalized($1) ?? $1) }))
        }
        self.founderCheckpoints = founderCheckpoints
        donors = Setting(value: exploit, isNamed: true)
        self.burnIn = burnIn
        self.gate = gate
        self.elites = elites
        changes = Setting(value: explore, isNamed: true)
        self.isSynchronous = isSynchronous
        self.deadline = deadline
        timing = Setting(value: decides ?? .certain, isNamed: decides != nil)
        self.patience = patience
        self.isOpen = isOpen
        self.retries = retries
        self.stop = stop
        self.keep = keep
        baselineKind = baseline ?? (hasBaseline ? .randomSearch : nil)
        self.trainer = trainer
        // Last, since the default depends on the other settings.
        self.explore = explore
        self.exploit = exploit
    }

    /// True if the definition names ``decides``, so that an edit changes it.
    package var namesTiming: Bool { timing.isNamed }

    /// True if the definition names ``exploit``, so that an edit changes it.
    package var namesExploit: Bool { donors.isNamed }

    /// True if the definition names ``explore``, so that an edit changes it.
    package var namesExplore: Bool { changes.isNamed }

    /// The experiment with its defaults named, so that a later version with other defaults does not change it.
    package var withNamedDefaults: Experiment {
        var result = self
        result.decides = decides
        result.exploit = exploit
        result.explore = explore
        return result
    }

    /// Returns the experiment with the settings of an earlier definition that it does not name: exploit and explore
    /// rules, the assignment of members to sub-populations, timing, and patience.
    package func withDefaults(of earlier: Experiment) -> Experiment {
        var result = self
        result.exploit = namesExploit ? exploit.withDealing(of: earlier.exploit) : earlier.exploit
        if !namesExplore { result.explore = earlier.explore }
        guard !namesTiming else { return result }
        result.decides = earlier.decides
        result.patience = earlier.patience
        if !isSynchronous, !earlier.isSynchronous { result.deadline = earlier.deadline }
        return result
    }

    /// Returns the hyperparameters that a founder starts with.
    ///
    /// - Parameter member: The member, from 0.
    /// - Returns: Sampled hyperparameters, or those given by hand.
    public func founder(_ member: Int) -> Hyperparameters {
        if case .replay(let schedule) = kind, let first = schedule.first { return first }
        guard space.isIndependent else { return founderWithDependencies(member).hyperparameters }
        var sampled = space.sample(seed: seed, member: member, index: 0)
        if initial.indices.contains(member) {
            sampled.values.merge(initial[member].values) { $1 }
        }
        return sampled
    }

    /// Returns true if a member that trained an interval of this index keeps its own weights, since its burn-in is not
    /// over.
    ///
    /// One that diverged or failed is replaced regardless.
    package func isBurningIn(after index: Int) -> Bool {
        index + 1 < burnIn
    }

    /// True if members may come at any time.
    package var takesMembers: Bool {
        isOpen || kind == .manual
    }

    /// True if the intervals of members have no limit, so that there is no budget.
    package var isEndless: Bool {
        intervals >= Self.withoutLimit
    }

    /// Returns true if a member is retired, since an edit reduced the population: it ends after its present interval
    /// and is not a donor.
    package func isRetired(_ member: Int) -> Bool {
        !takesMembers && member >= population
    }

    /// Returns true if a finished interval is its member's last one, regardless of the scores of others.
    package func ends(after interval: Interval) -> Bool {
        guard interval.id.index + 1 < intervals, !isRetired(interval.id.member) else { return true }
        guard interval.state != .done else { return false }
        return kind == .populationBasedTraining ? !exploit.hasDonors : true
    }

    /// Returns the first interval of a member.
    package func firstInterval(of member: Int, hyperparameters: Hyperparameters? = nil, at now: Timestamp) -> Interval {
        Interval(
            id: IntervalID(member: member, index: 0), parent: nil,
            hyperparameters: hyperparameters ?? founder(member), depth: 1, created: now)
    }

    /// Returns the seed for a trainer at an interval: 31 bits, which every framework accepts.
    public func trainerSeed(for interval: IntervalID) -> Int {
        var random = RandomStream(seed: seed, .trainer, member: interval.member, index: interval.index)
        return Int(random.next() >> 33)
    }

    /// Returns the seed that all members share at the interval of an index: 31 bits, a function of the experiment's seed
    /// and the index alone.
    ///
    /// For what must not differ between members, such as the order of the training data: their scores then differ by
    /// their hyperparameters, not by the data that each one saw. For all else use ``trainerSeed(for:)``.
    ///
    /// - Parameter index: The index of the interval, from 0.
    /// - Returns: The seed.
    public func intervalSeed(at index: Int) -> Int {
        var random = RandomStream(seed: seed, .trainer, member: 0, index: index, name: "interval")
        return Int(random.next() >> 33)
    }
}
