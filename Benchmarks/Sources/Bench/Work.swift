import Foundation
import Tensors

/// One piece of work: a run of it does it `repeats` times and returns how to get its figure of merit.
struct Work {
  var warmUps = 2
  var repeats = 1.0
  var run: () throws -> () -> String
}

/// Inputs that the peers make too, by the counter-based generator of their `_data.py`.
enum PeerData {
  static func uniform(_ seed: UInt64, _ count: Int) -> [Double] {
    (1...max(1, count)).prefix(count).map { i in
      var z = seed &* 0xD134_2543_DE82_EF95 &+ UInt64(i) &* 0x9E37_79B9_7F4A_7C15
      z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
      z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
      z ^= z >> 31
      return Double(z >> 11) * 0x1p-53
    }
  }

  static func normal(_ seed: UInt64, _ count: Int) -> [Double] {
    let u = uniform(seed, (count + 1) / 2 * 2)
    return (0..<count).map { i in
      let r = (-2 * log1p(-u[i / 2 * 2])).squareRoot()
      let a = 2 * Double.pi * u[i / 2 * 2 + 1]
      return i % 2 == 0 ? r * cos(a) : r * sin(a)
    }
  }

  static func floats(_ values: [Double], _ shape: [Int]) throws -> Tensor<Float> {
    try Tensor(values.map { Float($0) }, shape: shape)
  }

  /// Weights `[in, out]` and biases of a network, uniform within ±1/√in.
  static func network(_ seed: UInt64, _ sizes: [Int]) throws -> [Tensor<Float>] {
    try zip(sizes, sizes.dropFirst()).enumerated().flatMap { l, size in
      let k = 1 / Double(size.0).squareRoot()
      let s = seed + 2 * UInt64(l)
      return [
        try floats(uniform(s, size.0 * size.1).map { (2 * $0 - 1) * k }, [size.0, size.1]),
        try floats(uniform(s + 1, size.1).map { (2 * $0 - 1) * k }, [size.1]),
      ]
    }
  }
}
