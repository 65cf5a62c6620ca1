import Foundation
import Studies
import Tensors

/// Points in the plane, and how near two sets of them are.
public enum Cloud {
  /// The ring: radius 0.7 ± 0.04, any angle. Shape `[count, 2]`.
  public static func ring(_ count: Int, _ random: inout RandomStream) throws -> Tensor<Float> {
    let radius: Tensor<Float> = try random.normal([count], mean: 0.7, standardDeviation: 0.04)
    let angle: Tensor<Float> = try random.uniform([count], in: 0...(2 * Float.pi))
    return try Tensor.stack([radius * cos(angle), radius * sin(angle)], axis: 1)
  }

  /// Centres of the letters' latents as the score network sees them: divided by 8, axes swapped.
  public static let letterCentres: [(x: Double, y: Double)] = [
    (2 / 8, 2 * 3.0.squareRoot() / 8), (2 / 8, -2 * 3.0.squareRoot() / 8), (-4 / 8, 0),
  ]

  /// The stand-in for encoded letters: unit normals at the centres, divided by 8, classes in turn. Shape `[count, 2]`.
  public static func letters(_ count: Int, _ random: inout RandomStream) throws -> (Tensor<Float>, labels: [Int]) {
    let spread: Tensor<Float> = try random.normal([count, 2], standardDeviation: 1 / 8)
    let labels = (0..<count).map { $0 % 3 }
    let centres = try Tensor(
      labels.flatMap { [Float(letterCentres[$0].x), Float(letterCentres[$0].y)] }, shape: [count, 2])
    return (try spread + centres, labels)
  }

  /// The part of points nearest to the centre of a class.
  public static func share(_ points: Tensor<Float>, nearestTo label: Int) -> Double {
    let p = points.elements
    let count = points.shape[0]
    let hits = (0..<count).count { i in
      let distances = letterCentres.map { pow(Double(p[2 * i]) - $0.x, 2) + pow(Double(p[2 * i + 1]) - $0.y, 2) }
      return distances.indices.min { distances[$0] < distances[$1] } == label
    }
    return Double(hits) / Double(max(1, count))
  }

  /// D(points‖reference) of histograms with 20 × 20 bins on [−1.2, 1.2]², 1e-9 added to each bin, in nats.
  public static func divergence(_ points: Tensor<Float>, from reference: Tensor<Float>) -> Double {
    PlaneHistogram(points, bins: 20, reach: 1.2).divergence(from: PlaneHistogram(reference, bins: 20, reach: 1.2))
  }

  /// The authors' first measure: the divergence of all coordinates in one histogram, 50 bins on [−4, 4], 1e-10 added.
  public static func coordinateDivergence(_ points: Tensor<Float>, from reference: Tensor<Float>) -> Double {
    func bins(_ x: Tensor<Float>) -> [Double] {
      var counts = [Double](repeating: 0, count: 50)
      for value in x.elements where value >= -4 && value < 4 { counts[Int((Double(value) + 4) / 8 * 50)] += 1 }
      return counts.map { $0 / Double(max(1, x.count)) + 1e-10 }
    }
    let (p, q) = (bins(points), bins(reference))
    return zip(p, q).reduce(0) { $0 + $1.0 * log($1.0 / $1.1) }
  }

  /// The authors' second measure: root of the sum of squared differences of histograms, 100 × 100 bins on [−1, 1]².
  public static func histogramDistance(_ points: Tensor<Float>, from reference: Tensor<Float>) -> Double {
    PlaneHistogram(points, bins: 100, reach: 1).distance(to: PlaneHistogram(reference, bins: 100, reach: 1))
  }

  /// How good a ring is.
  public struct Ring: Sendable {
    public var radius = 0.0, deviation = 0.0
    /// Part of the points within 0.15 of the radius 0.7.
    public var share = 0.0
    /// See `divergence`.
    public var divergence = 0.0
    /// Emptiest and fullest of 12 sectors, as multiples of the mean.
    public var emptiest = 0.0, fullest = 0.0

    public init(_ points: Tensor<Float>, reference: Tensor<Float>) {
      let p = points.elements
      let count = points.shape[0]
      var sectors = [Double](repeating: 0, count: 12)
      var (sum, square, hits) = (0.0, 0.0, 0.0)
      for i in 0..<count {
        let (x, y) = (Double(p[2 * i]), Double(p[2 * i + 1]))
        let r = (x * x + y * y).squareRoot()
        sum += r
        square += r * r
        if abs(r - 0.7) < 0.15 { hits += 1 }
        if x.isFinite, y.isFinite { sectors[min(11, Int((atan2(y, x) / (2 * .pi) + 0.5) * 12))] += 1 }
      }
      let n = Double(max(1, count))
      (radius, share) = (sum / n, hits / n)
      deviation = max(0, square / n - radius * radius).squareRoot()
      divergence = Cloud.divergence(points, from: reference)
      (emptiest, fullest) = ((sectors.min() ?? 0) / n * 12, (sectors.max() ?? 0) / n * 12)
    }
  }
}

/// Whether samples are as good as those of a reference: not worse by more than chance.
struct EqualQuality {
  private let leastShare: Double, mostDivergence: Double

  /// - Parameters:
  ///   - count: samples behind a share. The bound is three standard errors of the difference of two shares.
  ///   - chance: the divergence of other data, as many, from the data: what a perfect solver has.
  init(as share: Double, divergence: Double, count: Int, chance: Double) {
    // Laplace's rule, so that a share of 1 has an error too.
    let p = (share * Double(count) + 1) / Double(count + 2)
    leastShare = share - 3 * (2 * p * (1 - p) / Double(max(1, count))).squareRoot()
    mostDivergence = divergence + chance
  }

  func holds(share: Double, divergence: Double) -> Bool { share >= leastShare && divergence <= mostDivergence }
}
