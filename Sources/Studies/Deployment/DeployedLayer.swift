import Chips
import Networks
import Reports
import Substrates
import Tensors

/// What a node gave in exact arithmetic.
package struct NodeResult {
  var name: String
  private var values: [Tensor<Float>]

  package init(_ name: String, _ values: [Tensor<Float>]) { (self.name, self.values) = (name, values) }

  /// Root mean square deviation of other results, relative to the root mean square of these; no number where these are zero and
  /// the others are not.
  package func error(of others: [Tensor<Float>]) -> Double {
    var (deviation, size) = (0.0, 0.0)
    for (exact, other) in zip(values, others) {
      for (e, o) in zip(exact.elements, other.elements) {
        deviation += Double(o - e) * Double(o - e)
        size += Double(e) * Double(e)
      }
    }
    return deviation == 0 ? 0 : (deviation / size).squareRoot()
  }
}

/// One node of a deployed network with all that is known of it.
struct DeployedLayer {
  var name: String
  /// In words.
  var place: String
  var isStored: Bool
  var arrays: Int
  /// Of each programming draw.
  var errors: [Double]
  var energy_J: Double, latency_s: Double
  var digitalEnergy_J: Double, digitalLatency_s: Double

  /// - Parameters:
  ///   - nodes: names in the order of the graph.
  ///   - cost, digital: of one inference on the first chip and in digital logic.
  static func all(_ nodes: [String], _ outcomes: [DeploymentStudy.Outcome], _ cost: Cost, _ digital: Cost) -> [Self] {
    guard let chip = outcomes.first else { return [] }
    // Parts of a node, such as the two matrices of a recurrent one, have names below its own.
    func belongs(_ name: String, to node: String) -> Bool { name == node || name.hasPrefix("\(node).") }
    return nodes.enumerated().map { i, node in
      let parts = chip.placements.filter { belongs($0.name, to: node) }
      let stored = parts.flatMap(\.stored)
      let own = cost.byScope.filter { belongs($0.name, to: node) }
      let logic = digital.byScope.filter { belongs($0.name, to: node) }
      return DeployedLayer(
        name: node,
        place: stored.isEmpty
          ? "digital logic" + (parts.first?.staysDigital.map { ": \($0)" } ?? "")
          : "stored " + stored.map { $0.map(String.init).joined(separator: " × ") }.joined(separator: ", "),
        isStored: !stored.isEmpty, arrays: parts.reduce(0) { $0 + $1.inventory.count(.array) },
        errors: outcomes.map { $0.errors[i] }, energy_J: own.reduce(0) { $0 + $1.energy_J },
        latency_s: own.reduce(0) { $0 + $1.latency_s }, digitalEnergy_J: logic.reduce(0) { $0 + $1.energy_J },
        digitalLatency_s: logic.reduce(0) { $0 + $1.latency_s })
    }
  }

  /// A line for each node.
  ///
  /// - Parameter logic: what the digital side computes with.
  static func table(_ layers: [Self], logic: String) -> ComparisonTable {
    var rows = ComparisonTable([
      "node", "where", "arrays", "relative error", "energy", "energy, \(logic)", "latency", "latency, \(logic)",
    ])
    for layer in layers {
      let hasError = layer.errors.allSatisfy(\.isFinite)
      rows.add(
        layer.name,
        [
          .text(layer.place), .number(Double(layer.arrays)), hasError ? .sample(layer.errors) : .none,
          .number(layer.energy_J, unit: "J"), .number(layer.digitalEnergy_J, unit: "J"),
          .number(layer.latency_s, unit: "s"), .number(layer.digitalLatency_s, unit: "s"),
        ])
    }
    return rows
  }
}
