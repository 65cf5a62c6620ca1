import Dynamics
import Foundation
import Tensors

/// The peers' items 11 and 12.
nonisolated(unsafe) let flowWorks: [String: () throws -> Work] = [
  "ks": {
    let n = 256
    let length = 32 * Double.pi
    let start = try Tensor<Double>(
      (0..<n).map { i in
        let x = length * Double(i) / Double(n) / 16
        return cos(x) * (1 + sin(x))
      })
    let line = try PeriodicLine.kuramotoSivashinsky(
      points: n, length: length, step: 0.25, scheme: .exponentialRungeKutta4, dealiased: true)
    return Work {
      let end = try line.trajectory(from: start, records: 1, stepsBetween: 10_000).at(1)
      return { "rms=\((try? end.squared().mean().squareRoot().item()) ?? .nan)" }
    }
  },
  "ns": {
    let n = 64
    let noise = try Tensor<Double>(PeerData.normal(111, n * n), shape: [n, n])
    // Waves up to 4, scaled to a root mean square of 3.
    var spectrum = try noise.realFourierTransformed(axes: 2).interleaved.elements
    let half = n / 2 + 1
    for at in 0..<n * half {
      let (i, y) = (at / half, at % half)
      let x = i < n / 2 ? i : i - n
      if x * x + y * y > 16 || x * x + y * y == 0 { (spectrum[2 * at], spectrum[2 * at + 1]) = (0, 0) }
    }
    let field = try ComplexTensor(pairs: Tensor(spectrum, shape: [n, half, 2])).inverseRealFourierTransformed(
      last: n, axes: 2)
    let start = try field * (3 / field.squared().mean().squareRoot().item())
    let flow = try PeriodicVorticity(points: n, length: 2 * .pi, viscosity: 1e-3, step: 0.005)
    return Work {
      let end = try flow.trajectory(from: start, records: 1, stepsBetween: 1000).at(1)
      return { "rms=\((try? end.squared().mean().squareRoot().item()) ?? .nan)" }
    }
  },
  "etkf": { try assimilation(.squareRoot) },
  "letkf": { try assimilation(.localSquareRoot(halfWidth: 4)) },
]

private func assimilation(_ kind: EnsembleFilter.Kind) throws -> Work {
  let (n, cycles) = (40, 1000)
  let model = Lorenz96()
  var truth = try Tensor<Double>(PeerData.normal(121, n).map { 8 + 0.01 * $0 }, shape: [n, 1])
  try model.advance(&truth, step: 0.05, steps: 1000)
  let members = PeerData.normal(123, n * n)
  let first = truth.elements
  // The peers have one member after the other.
  let start = try Tensor<Double>((0..<n * n).map { first[$0 / n] + members[$0 % n * n + $0 / n] }, shape: [n, n])
  var truths: [[Double]] = []
  for _ in 0..<cycles {
    try model.advance(&truth, step: 0.05)
    truths.append(truth.elements)
  }
  let noise = PeerData.normal(122, cycles * n)
  let observations = truths.enumerated().map { k, x in x.indices.map { x[$0] + noise[k * n + $0] } }
  let states = truths
  return Work {
    let filter = try EnsembleFilter(
      variables: n, members: n, observed: Array(0..<n), variance: 1, kind: kind, inflation: 1.02)
    var random = RandomStream(seed: 1)
    var x = start
    var sum = 0.0
    for k in 0..<cycles {
      try model.advance(&x, step: 0.05)
      let mean = try filter.analyse(&x, observations[k], random: &random)
      if k >= 100 { sum += (mean.indices.reduce(0) { $0 + pow(mean[$1] - states[k][$1], 2) } / Double(n)).squareRoot() }
    }
    let score = sum / Double(cycles - 100)
    return { "rmse.a=\(score)" }
  }
}
