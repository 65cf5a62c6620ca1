import Datasets
import Foundation
import Reports
import Runs
import Tensors

/// Pictures of letters, 12 × 12, ink 1.
struct LetterPictures {
  /// Shape `[n, 1, 12, 12]`.
  var pictures: Tensor<Float>
  /// 0 H, 1 K, 2 U.
  var labels: [Int]
  var uses: [DataUse] = []

  /// EMNIST "by class", training part, resized to 14 × 14 and cut to 12 × 12; nothing where it is not present.
  static func handwritten(in folder: String?) throws -> LetterPictures? {
    guard let folder else { return nil }
    let names = ["images-idx3", "labels-idx1"].map { "emnist-byclass-train-\($0)-ubyte.gz" }
    guard
      let place = ["\(folder)/emnist/gzip", "\(folder)/emnist"].first(where: { place in
        names.allSatisfy { FileManager.default.fileExists(atPath: "\(place)/\($0)") }
      })
    else { return nil }
    let images = try IDX.readBytes("\(place)/\(names[0])")
    let classes = try IDX.readBytes("\(place)/\(names[1])").elements
    // Classes 17, 20 and 30 are H, K and U.
    let chosen = classes.indices.filter { [17, 20, 30].contains(classes[$0]) }
    let rows = try Tensor<Int32>(chosen.map(Int32.init))
    let large = try images.selecting(rows).converted() * Float(1.0 / 255)
    // Stored transposed.
    let upright = try large.transposed().reshaped([chosen.count, 14, 2, 14, 2]).mean(axes: [2, 4])
    let cut = try upright.slice(1..<13, axis: 1).slice(1..<13, axis: 2)
    return LetterPictures(
      pictures: try cut.reshaped([chosen.count, 1, 12, 12]),
      labels: chosen.map { [17: 0, 20: 1, 30: 2][classes[$0]] ?? 0 },
      uses: try names.map { DataUse(name: $0, sha256: try Checksum.sha256(file: "\(place)/\($0)")) })
  }

  /// Strokes 3 pixels wide at 28 × 28, sheared, turned and scaled at random, blurred.
  static func rendered(_ perClass: Int, _ random: inout RandomStream) throws -> LetterPictures {
    typealias Point = (x: Double, y: Double)
    let strokes: [[[Point]]] = [
      [[(-0.6, -1), (-0.6, 1)], [(0.6, -1), (0.6, 1)], [(-0.6, 0), (0.6, 0)]],
      [[(-0.6, -1), (-0.6, 1)], [(0.6, -1), (-0.6, 0.1)], [(-0.3, -0.15), (0.6, 1)]],
      [[(-0.6, -1), (-0.6, 0.4), (-0.3, 0.9), (0.3, 0.9), (0.6, 0.4), (0.6, -1)]],
    ]
    var pixels: [Float] = []
    var labels: [Int] = []
    let draws: [Float] = try random.uniform([3 * perClass, 4], in: -1...1).elements
    for i in 0..<3 * perClass {
      let label = i % 3
      let d = draws[4 * i..<4 * i + 4].map(Double.init)
      let (turn, shear) = (d[0] * .pi / 12, tan(d[1] * .pi / 12))
      let (sx, sy) = (4 * (1 + 0.1 * d[2]), 4 * (1 + 0.1 * d[3]))
      let lines = strokes[label].map { line in
        line.map { p -> Point in
          let (x, y) = (sx * (p.x + shear * p.y), sy * p.y)
          return (cos(turn) * x - sin(turn) * y, sin(turn) * x + cos(turn) * y)
        }
      }
      for row in 0..<12 {
        for column in 0..<12 {
          let p = (x: Double(column) - 5.5, y: Double(row) - 5.5)
          var distance = Double.infinity
          for line in lines {
            for (a, b) in zip(line, line.dropFirst()) {
              let (u, v) = (b.x - a.x, b.y - a.y)
              let s = max(0, min(1, ((p.x - a.x) * u + (p.y - a.y) * v) / (u * u + v * v)))
              distance = min(distance, hypot(p.x - a.x - s * u, p.y - a.y - s * v))
            }
          }
          pixels.append(Float(exp(-pow(max(0, distance - 0.4), 2) / (2 * 0.7 * 0.7))))
        }
      }
      labels.append(label)
    }
    return LetterPictures(pictures: try Tensor(pixels, shape: [3 * perClass, 1, 12, 12]), labels: labels)
  }
}
