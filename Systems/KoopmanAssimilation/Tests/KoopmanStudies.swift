import Runs
import Chips
import KoopmanAssimilation
import Circuits
import Dynamics
import Foundation
import Networks
import Reports
import Substrates
import Tensors
import Testing

/// Checks (c) and (e) of the specification, on networks that are trained once for all tests.
@Suite("Koopman assimilation, trained") struct KoopmanStudies {
  static let line = Result { try trained(KoopmanKuramotoSivashinsky.configuration(.quick)) }
  static let square = Result { try trained(KoopmanNavierStokes.configuration(.quick)) }

  private static func trained(_ c: KoopmanConfiguration) throws -> (study: KoopmanStudy, result: KoopmanStudy.Trained) {
    let study = KoopmanStudy(c, RunContext())
    return (study, try study.trained(progress: 0...1))
  }

  private func forecasts(_ model: KoopmanModel, _ records: FlowRecords, _ leads: [Int]) throws -> ForecastScores {
    var context = ForwardContext()
    var forecaster = try KoopmanForecaster(
      PlacedKoopman(model.network, on: Digital(), in: &context), records, context: context)
    return try ForecastScores(&forecaster, records, leads: leads)
  }

  @Test("(c) Kuramoto–Sivashinsky: forecasts and filter reach the specification's thresholds")
  func kuramotoSivashinsky() throws {
    let (study, t) = try Self.line.get()
    let scores = try forecasts(t.networks.second, t.records, [1, 10])
    #expect(try #require(scores.errors[1]) <= 0.004)
    #expect(try #require(scores.errors[10]) <= 0.15)
    let first = try study.error(study.estimates(t.networks.first, t.records), t.records)
    let second = try study.error(study.estimates(t.networks.second, t.records), t.records)
    #expect(second <= 0.010)
    #expect(second < first)
  }

  /// The specification names this preset and gives no thresholds; these are its full-scale ones.
  @Test("(c) Navier–Stokes: the filter knows more than climatology and interpolation")
  func navierStokes() throws {
    let (study, t) = try Self.square.get()
    let found = try study.estimates(t.networks.second, t.records)
    let error = try study.error(found, t.records)
    #expect(error < 0.3)
    let scores = try forecasts(t.networks.second, t.records, [1])
    #expect(try #require(scores.errors[1]) < error)
  }

  @Test(
    "(e) the settled filter on arrays: 2 % write error and 1 % read noise cost less than 10 %, 8 bits less than 5 %")
  func arrays() throws {
    let (study, t) = try Self.square.get()
    let exact = try study.error(study.estimates(t.networks.second, t.records), t.records)
    let ideal = KoopmanNavierStokes.substrate.choosing(.analog).withoutFaults
    let cells = try ideal.setting("device.relativeResidue=0.02", "device.readNoise=0.01")
    let converters = try ideal.setting("macro.input.bits=8", "macro.output.bits=8")
    for (choice, limit) in [(cells, 1.1), (converters, 1.05)] {
      let errors = try (0..<3).map { draw in
        try study.error(
          study.estimates(
            t.networks.second, t.records, on: choice.make(), random: RandomStream(seed: 9).split("chip \(draw)")),
          t.records)
      }
      #expect(errors.reduce(0, +) / 3 < limit * exact)
    }
    // The stored recursion is stable.
    var context = ForwardContext(random: RandomStream(seed: 10))
    let product = try cells.make().matrix(
      KoopmanFilter.steadyMatrix(KoopmanFilter(model: t.networks.second).steady()), in: &context)
    #expect(try KoopmanFilter.spectralRadius(of: product, in: &context) < 1)
  }
}
