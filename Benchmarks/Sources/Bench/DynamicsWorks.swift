import Dynamics
import Foundation
import Networks
import Tensors

nonisolated(unsafe) let dynamicsWorks: [String: () throws -> Work] = [
  "node-hp": { try neuralODE(NodeProblem.memristor()) },
  "node-l96": { try neuralODE(NodeProblem.lorenz96()) },
  "trajectory-hp": { try trajectory(NodeProblem.memristor()) },
  "trajectory-l96": { try trajectory(NodeProblem.lorenz96()) },
]

/// The data and first weights of the peers' item 1.
struct NodeProblem {
  var start: Tensor<Float>, target: Tensor<Float>
  /// Amplitudes of the drive, one for each trajectory.
  var amplitudes: [Double]?
  var step: Double, rate: Float
  var parameters: [Tensor<Float>]

  static let points = 500, batch = 32

  /// Amplitude·sin 2πt at starts, middles and ends of `steps` steps.
  func drive(_ steps: Int, _ batch: Int) throws -> Tensor<Float>? {
    guard let amplitudes else { return nil }
    return try PeerData.floats(
      (0...2 * steps).flatMap { i in
        let s = Foundation.sin(2 * Double.pi * Double(i) * step / 2)
        return amplitudes.prefix(batch).map { $0 * s }
      }, [2 * steps + 1, batch, 1])
  }

  private static func rk4(_ x: [Double], _ dt: Double, _ steps: Int, _ f: (Double, [Double]) -> [Double]) -> [[Double]]
  {
    var x = x
    var all = [x]
    func moved(_ k: [Double], _ h: Double) -> [Double] { zip(x, k).map { $0 + h * $1 } }
    for n in 0..<steps {
      let t = Double(n) * dt
      let k1 = f(t, x)
      let k2 = f(t + dt / 2, moved(k1, dt / 2))
      let k3 = f(t + dt / 2, moved(k2, dt / 2))
      let k4 = f(t + dt, moved(k3, dt))
      x = x.indices.map { x[$0] + dt / 6 * (k1[$0] + 2 * k2[$0] + 2 * k3[$0] + k4[$0]) }
      all.append(x)
    }
    return all
  }

  static func memristor() throws -> NodeProblem {
    let a = PeerData.uniform(11, batch).map { 0.5 + $0 }
    let x0 = PeerData.uniform(12, batch).map { 0.1 + 0.4 * $0 }
    let dt = 0.004
    let r = 100.0 / 16000
    let y = rk4(x0, dt, points - 1) { t, x in
      x.indices.map { a[$0] * Foundation.sin(2 * Double.pi * t) / (r * x[$0] + 1 - x[$0]) * 4 * x[$0] * (1 - x[$0]) }
    }
    return NodeProblem(
      start: try PeerData.floats(x0, [batch, 1]), target: try PeerData.floats(Array(y.joined()), [points, batch, 1]),
      amplitudes: a, step: dt, rate: 1e-2, parameters: try PeerData.network(100, [2, 14, 14, 1]))
  }

  static func lorenz96() throws -> NodeProblem {
    let d = 6
    let dt = 0.005
    let f = { (_: Double, x: [Double]) -> [Double] in
      x.indices.map { i in
        let row = i / d * d
        let k = i % d
        return (x[row + (k + 1) % d] - x[row + (k + d - 2) % d]) * x[row + (k + d - 1) % d] - x[i] + 8
      }
    }
    var x0 = PeerData.normal(21, batch * d).map { 8 + $0 }
    x0 = rk4(x0, 0.01, 500, f).last ?? x0
    let y = rk4(x0, dt, points - 1, f).joined().map { $0 / 8 }
    return NodeProblem(
      start: try PeerData.floats(x0.map { $0 / 8 }, [batch, d]),
      target: try PeerData.floats(Array(y), [points, batch, d]),
      amplitudes: nil, step: dt, rate: 1e-3, parameters: try PeerData.network(200, [6, 64, 64, 6]))
  }
}

private func neuralODE(_ problem: NodeProblem) throws -> Work {
  var parameters = problem.parameters
  var optimiser = Adam(learningRate: problem.rate)
  let steps = NodeProblem.points - 1
  let drive = try problem.drive(steps, NodeProblem.batch)
  var count = 0
  // As many steps before the first timed one as the peers' worker takes, so that the losses compare.
  return Work(warmUps: 2, repeats: 10) {
    var last: Float = 0
    for _ in 0..<10 {
      let (loss, gradients) = try valueAndGradient(at: parameters) { parameters in
        let field = try NeuralField(parameters: parameters)
        let path = try field.trajectory(from: problem.start, step: Float(problem.step), steps: steps, drive: drive)
        return try meanSquaredError(path, problem.target)
      }
      try optimiser.update(&parameters, along: gradients)
      last = try loss.item()
      count += 1
    }
    let (value, n) = (last, count)
    return { "loss[\(n) steps]=\(value)" }
  }
}

private func trajectory(_ problem: NodeProblem) throws -> Work {
  let steps = 10_000
  let field = try NeuralField(parameters: problem.parameters)
  let start = try problem.start.slice(0..<1)
  return Work {
    let path = try field.trajectory(
      from: start, step: Float(problem.step), steps: steps, drive: problem.drive(steps, 1))
    return { "|x_1000|=\((try? path.at(1000).norm().item()) ?? .nan)" }
  }
}
