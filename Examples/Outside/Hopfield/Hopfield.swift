import Reports
import Runs
import Settings

/// Recall of stored patterns by a network of two-state neurons (Hopfield, PNAS 79, 2554, 1982).
enum Hopfield: System {
  struct Configuration: Codable {
    /// Neurons, each connected with all others.
    var neurons = 1000
    /// Networks with other patterns, over which exact figures are averaged.
    var networks = 4
    /// Patterns in one network, as fractions of the number of neurons.
    var loads = [0.05, 0.105, 0.138, 0.185, 0.37, 0.61]
  }

  static let card = Card(
    name: "hopfield", title: "Recall in a Hopfield network",
    source: "Hertz, Krogh and Palmer, Introduction to the Theory of Neural Computation (1991), section 2.2",
    summary: "Random patterns are stored by Hebb's rule; one step from a stored pattern turns some of its bits.",
    claims: [(0.138, 0.0036), (0.185, 0.01), (0.37, 0.05)].map { load, share in
      Claim(RecallStudy.name(load), published: share, within: .relative(0.15), at: "table of capacities")
    })

  static func configuration(_ scale: Scale) -> Configuration {
    scale == .smallest ? Configuration(neurons: 100, networks: 2) : Configuration()
  }

  static func validate(_ c: Configuration) throws {
    let check = SettingCheck<ConfigurationError>()
    try check.within(c.neurons, 10...10_000, "neurons")
    try check.within(c.networks, 1...1000, "networks")
    for load in c.loads { try check.within(load, 0.001...1, "loads") }
  }

  static func run(_ c: Configuration, in context: RunContext) throws -> Report {
    try RecallStudy(c, context).report()
  }
}
