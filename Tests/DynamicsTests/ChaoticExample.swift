// The example of docs/dynamics.md stands between the rules.
// ---
import Dynamics
import Tensors

/// Kuramoto–Sivashinsky on a line of length 22, one record in each unit of time.
func chaoticRecords(_ count: Int) throws -> Tensor<Double> {
  let line = try PeriodicLine.kuramotoSivashinsky(points: 64, length: 22, step: 0.025)
  let start = try Tensor((0..<64).map { 0.1 * (1 - Double($0 % 32) / 16) })
  return try line.trajectory(from: start, records: count, stepsBetween: 40)
}
// ---
