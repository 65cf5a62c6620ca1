import Chips
import Reports
import Runs
import Substrates
import Tensors

extension RunContext {
  /// The same computation on chips of one kind, each made and written anew.
  ///
  /// - Parameters:
  ///   - choice: the kind; the run's own if missing.
  ///   - name: of the streams of randomness, `name 0`, `name 1` and so on: two calls with one name get the same chips.
  ///   - part: of the run's progress that this is; none is told if missing.
  /// - Returns: an outcome for each programming draw; one where nothing is drawn.
  public func overDraws<Outcome>(
    of choice: SubstrateChoice? = nil, named name: String, progress part: ClosedRange<Double>? = nil,
    _ body: (any Substrate, RandomStream) throws -> Outcome
  ) throws -> [Outcome] {
    let choice = choice ?? substrate
    return try (0..<choice.drawCount).map { draw in
      try checkCancellation()
      let outcome = try body(choice.make(), random.split("\(name) \(draw)"))
      if let part {
        let done = Double(draw + 1) / Double(choice.drawCount)
        try progress(
          part.lowerBound + done * (part.upperBound - part.lowerBound), "\(name), draw \(draw + 1)")
      }
      return outcome
    }
  }
}

extension Report {
  /// Adds the mean over draws, with their spread as uncertainty.
  public mutating func figure(
    _ name: String, overDraws values: [Double], unit: String = "", how origin: Origin = .simulated, data: String = ""
  ) {
    let (mean, spread) = meanAndSpread(values)
    figure(name, mean, unit: unit, how: origin, data: data, uncertainty: spread)
  }
}
