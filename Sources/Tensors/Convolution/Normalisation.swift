import CKernels

/// Rows of one block of statistics: blocks, not threads, decide how sums are made, so that results do not depend on the
/// number of threads.
private let statisticsBlock = 256

/// Mean and variance of each channel over a batch.
public struct BatchStatistics<Element: TensorScalar>: Sendable {
  /// Shape `[channels]`.
  public var mean: Tensor<Element>
  /// Shape `[channels]`; divided by the number of samples.
  public var variance: Tensor<Element>

  public init(mean: Tensor<Element>, variance: Tensor<Element>) {
    (self.mean, self.variance) = (mean, variance)
  }
}

private func blocks(_ rows: Int) -> Int { (rows + statisticsBlock - 1) / statisticsBlock }

/// Statistics of the columns of a row-major `[rows, columns]`, in Double, from blocks joined by Chan et al. (1979).
private func columnMoments(_ x: Body, _ rows: Int, _ columns: Int) throws(TensorError) -> (
  mean: [Double], variance: [Double]
) {
  let count = blocks(rows)
  let means = try Body(x.type, [count, columns])
  let moments = try Body(x.type, [count, columns])
  parallelFor(count, grain: max(1, elementwiseGrain / (statisticsBlock * columns))) { part in
    for block in part {
      let first = block * statisticsBlock
      let n = min(statisticsBlock, rows - first)
      let at = block * columns
      if x.type == .float32 {
        kk_column_moments_f32(n, columns, x.f32 + first * columns, means.f32 + at, moments.f32 + at)
      } else {
        kk_column_moments_f64(n, columns, x.f64 + first * columns, means.f64 + at, moments.f64 + at)
      }
    }
  }
  var mean = [Double](repeating: 0, count: columns)
  var moment = [Double](repeating: 0, count: columns)
  var seen = 0.0
  for block in 0..<count {
    let n = Double(min(statisticsBlock, rows - block * statisticsBlock))
    let share = n / (seen + n)
    for c in 0..<columns {
      let at = block * columns + c
      let m = x.type == .float32 ? Double(means.f32[at]) : means.f64[at]
      let s = x.type == .float32 ? Double(moments.f32[at]) : moments.f64[at]
      let distance = m - mean[c]
      mean[c] += distance * share
      moment[c] += s + distance * distance * seen * share
    }
    seen += n
  }
  return (mean, moment.map { $0 / Double(max(1, rows)) })
}

/// Sums over rows of the upstream gradient, and of it times the distance from the mean.
private func gradientSums(
  _ g: Body, _ x: Body, _ y: Body?, _ mean: Body, _ rows: Int, _ columns: Int
) throws(TensorError) -> (sum: [Double], dot: [Double]) {
  let count = blocks(rows)
  let sums = try Body(x.type, [count, columns])
  let dots = try Body(x.type, [count, columns])
  parallelFor(count, grain: max(1, elementwiseGrain / (statisticsBlock * columns))) { part in
    for block in part {
      let first = block * statisticsBlock
      let n = min(statisticsBlock, rows - first)
      let from = first * columns
      let to = block * columns
      if x.type == .float32 {
        kk_column_gradient_sums_f32(
          n, columns, g.f32 + from, x.f32 + from, y.map { $0.f32 + from }, mean.f32, sums.f32 + to, dots.f32 + to)
      } else {
        kk_column_gradient_sums_f64(
          n, columns, g.f64 + from, x.f64 + from, y.map { $0.f64 + from }, mean.f64, sums.f64 + to, dots.f64 + to)
      }
    }
  }
  func total(_ parts: Body) -> [Double] {
    (0..<columns).map { c in
      (0..<count).reduce(0) {
        $0 + (x.type == .float32 ? Double(parts.f32[$1 * columns + c]) : parts.f64[$1 * columns + c])
      }
    }
  }
  return (total(sums), total(dots))
}

/// Numbers for each channel, repeated so that loops over few channels are still long.
private func periodic(_ values: [Double], _ type: ElementType) throws(TensorError) -> Body {
  let repeats = max(1, (127 + values.count) / max(1, values.count))
  let body = try Body(type, [values.count * repeats])
  for i in 0..<body.count {
    if type == .float32 {
      body.f32[i] = Float(values[i % values.count])
    } else {
      body.f64[i] = values[i % values.count]
    }
  }
  return body
}

private func applyAffine(_ x: Body, _ scale: Body, _ shift: Body, _ residual: Body?, relu: Bool, _ y: Body) {
  let period = scale.count
  let relu: Int32 = relu ? 1 : 0
  parallelFor((x.count + period - 1) / period, grain: max(1, elementwiseGrain / period)) { part in
    let at = part.lowerBound * period
    let n = min(x.count - at, part.count * period)
    if x.type == .float32 {
      kk_affine_f32(relu, n, period, scale.f32, shift.f32, x.f32 + at, residual.map { $0.f32 + at }, y.f32 + at)
    } else {
      kk_affine_f64(relu, n, period, scale.f64, shift.f64, x.f64 + at, residual.map { $0.f64 + at }, y.f64 + at)
    }
  }
}

/// Batch normalisation with the batch's own statistics (Ioffe & Szegedy 2015), with what usually follows it.
///
///     y = activation((x − mean)/√(variance + ε)·scale + shift + residual)
///
/// - Parameters:
///   - x: shape `[batch, channels, …]`.
///   - scale, shift: shape `[channels]`.
///   - residual: the shape of x; added before the activation.
///   - activation: `.identity` or `.relu`.
/// - Returns: the result, and the statistics for a running average.
/// - Throws: `TensorError` when the shapes do not fit, or there are not at least two numbers for each channel.
public func batchNormalisation<E: TensorScalar>(
  _ x: Tensor<E>, scale: Tensor<E>, shift: Tensor<E>, epsilon: E = 1e-5, adding residual: Tensor<E>? = nil,
  activation: Activation = .identity
) throws(TensorError) -> (result: Tensor<E>, statistics: BatchStatistics<E>) {
  let channels = try checkChannels(x, [("scale", scale), ("shift", shift)], residual, activation)
  let rows = x.count / max(1, channels)
  guard rows > 1
  else { throw .wrongShape(argument: "x", found: x.shape, expected: "at least two numbers for each channel") }
  let input = try x.body.in(.channelsLast)
  let rest = try residual?.body.in(.channelsLast)
  let (mean, variance) = try columnMoments(input, rows, channels)
  let inverse = variance.map { 1 / ($0 + Double(epsilon)).squareRoot() }
  let gamma = scale.elements.map(Double.init)
  let beta = shift.elements.map(Double.init)
  let slope = zip(gamma, inverse).map(*)
  let y = try Body(input.type, x.shape, input.layout)
  applyAffine(
    input, try periodic(slope, input.type),
    try periodic((0..<channels).map { beta[$0] - mean[$0] * slope[$0] }, input.type), rest, relu: activation == .relu, y
  )
  let statistics = BatchStatistics<E>(
    mean: try Tensor(mean.map { E($0) }), variance: try Tensor(variance.map { E($0) }))
  let output = activation == .relu ? Body(viewing: y, shape: y.shape) : nil
  let center = statistics.mean.body
  let result = try Tensor<E>(body: y).recorded(from: [x, scale, shift] + (residual.map { [$0] } ?? [])) {
    upstream, needed in
    let g = try upstream.body.in(input.layout)
    let (sum, dot) = try gradientSums(g, input, output, center, rows, channels)
    var masked: Body?
    if needed.count > 3, needed[3] { masked = output == nil ? g : try Body(g.type, g.shape, g.layout) }
    let d = try Body(g.type, g.shape, g.layout)
    // dx = slope·(g − mean(g) − x̂·mean(g·x̂)), with x̂ = (x − mean)·inverse.
    let n = Double(rows)
    let b = (0..<channels).map { -slope[$0] * inverse[$0] * inverse[$0] * dot[$0] / n }
    let k = (0..<channels).map { -slope[$0] * sum[$0] / n - b[$0] * mean[$0] }
    let (pa, pb, pk) = (try periodic(slope, g.type), try periodic(b, g.type), try periodic(k, g.type))
    let period = pa.count
    parallelFor((g.count + period - 1) / period, grain: max(1, elementwiseGrain / period)) { part in
      let at = part.lowerBound * period
      let n = min(g.count - at, part.count * period)
      let kept = output == nil ? nil : masked
      if g.type == .float32 {
        kk_affine_gradient_f32(
          n, period, pa.f32, pb.f32, pk.f32, g.f32 + at, input.f32 + at, output.map { $0.f32 + at }, d.f32 + at,
          kept.map { $0.f32 + at })
      } else {
        kk_affine_gradient_f64(
          n, period, pa.f64, pb.f64, pk.f64, g.f64 + at, input.f64 + at, output.map { $0.f64 + at }, d.f64 + at,
          kept.map { $0.f64 + at })
      }
    }
    let all: [Tensor<E>?] = [
      Tensor(body: d), try Tensor((0..<channels).map { E(dot[$0] * inverse[$0]) }), try Tensor(sum.map { E($0) }),
      masked.map { Tensor(body: $0) },
    ]
    return Array(all.prefix(needed.count))
  }
  return (result, statistics)
}

/// Batch normalisation with given statistics, for inference; not followed by a tape through them.
public func batchNormalisation<E: TensorScalar>(
  _ x: Tensor<E>, scale: Tensor<E>, shift: Tensor<E>, statistics: BatchStatistics<E>, epsilon: E = 1e-5,
  adding residual: Tensor<E>? = nil, activation: Activation = .identity
) throws(TensorError) -> Tensor<E> {
  let channels = try checkChannels(
    x, [("scale", scale), ("shift", shift), ("mean", statistics.mean), ("variance", statistics.variance)], residual,
    activation)
  let wide = [channels] + [Int](repeating: 1, count: x.rank - 2)
  if x.body.tape != nil || scale.body.tape != nil || shift.body.tape != nil || residual?.body.tape != nil {
    let inverse = try (statistics.variance + epsilon).reciprocalSquareRoot()
    let slope = try (scale * inverse).reshaped(wide)
    var y = try (x - statistics.mean.reshaped(wide)) * slope + shift.reshaped(wide)
    if let residual { y = try y + residual }
    return activation == .relu ? try relu(y) : y
  }
  let input = try x.body.in(.channelsLast)
  let mean = statistics.mean.elements.map(Double.init)
  let variance = statistics.variance.elements.map(Double.init)
  let gamma = scale.elements.map(Double.init)
  let beta = shift.elements.map(Double.init)
  let slope = (0..<channels).map { gamma[$0] / (variance[$0] + Double(epsilon)).squareRoot() }
  let y = try Body(input.type, x.shape, input.layout)
  applyAffine(
    input, try periodic(slope, input.type),
    try periodic((0..<channels).map { beta[$0] - mean[$0] * slope[$0] }, input.type),
    try residual?.body.in(.channelsLast), relu: activation == .relu, y)
  return Tensor(body: y)
}

private func checkChannels<E: TensorScalar>(
  _ x: Tensor<E>, _ parameters: [(String, Tensor<E>)], _ residual: Tensor<E>?, _ activation: Activation
) throws(TensorError) -> Int {
  guard x.rank >= 2, x.shape[1] > 0
  else { throw .wrongShape(argument: "x", found: x.shape, expected: "[batch, channels, …]") }
  for (name, parameter) in parameters where parameter.shape != [x.shape[1]] {
    throw .wrongShape(argument: name, found: parameter.shape, expected: "[\(x.shape[1])], one for each channel")
  }
  if let residual, residual.shape != x.shape {
    throw .incompatibleShapes(operation: "batchNormalisation, adding", left: x.shape, right: residual.shape)
  }
  guard activation == .identity || activation == .relu
  else { throw .invalidArgument("activation", found: "\(activation)", expected: ".identity or .relu") }
  return x.shape[1]
}

extension Tensor where Element: TensorScalar {
  /// The last `axes` axes as one row each, to zero mean and unit variance: layer normalisation without its affine part
  /// (Ba et al. 2016).
  public func rowNormalised(axes: Int = 1, epsilon: Element = 1e-5) throws(TensorError) -> Tensor {
    guard axes >= 1, axes <= rank else { throw .invalidArgument("axes", found: "\(axes)", expected: "1...\(rank)") }
    let columns = shape[(rank - axes)...].reduce(1, *)
    guard columns > 0 else { throw .wrongShape(argument: "self", found: shape, expected: "extents above 0") }
    let rows = count / columns
    let x = try rowMajor().body
    let y = try Tensor.uninitialized(shape)
    let inverse = try Tensor.uninitialized([rows])
    parallelFor(rows, grain: Swift.max(1, elementwiseGrain / columns)) { part in
      let at = part.lowerBound * columns
      if x.type == .float32 {
        kk_row_normalise_f32(
          part.count, columns, Float(epsilon), x.f32 + at, y.body.f32 + at, inverse.body.f32 + part.lowerBound)
      } else {
        kk_row_normalise_f64(
          part.count, columns, Double(epsilon), x.f64 + at, y.body.f64 + at, inverse.body.f64 + part.lowerBound)
      }
    }
    let kept = Body(viewing: y.body, shape: shape)
    return y.recorded(from: self) { upstream in
      let g = try upstream.rowMajor().body
      let d = try Tensor.uninitialized(kept.shape)
      parallelFor(rows, grain: Swift.max(1, elementwiseGrain / columns)) { part in
        let at = part.lowerBound * columns
        if g.type == .float32 {
          kk_row_normalise_gradient_f32(
            part.count, columns, g.f32 + at, kept.f32 + at, inverse.body.f32 + part.lowerBound, d.body.f32 + at)
        } else {
          kk_row_normalise_gradient_f64(
            part.count, columns, g.f64 + at, kept.f64 + at, inverse.body.f64 + part.lowerBound, d.body.f64 + at)
        }
      }
      return d
    }
  }

  /// Each group of channels of each sample to zero mean and unit variance (Wu & He 2018), without the affine part. One
  /// group is layer normalisation over everything, as many groups as channels is instance normalisation.
  public func groupNormalised(groups: Int, epsilon: Element = 1e-5) throws(TensorError) -> Tensor {
    guard rank >= 2, groups >= 1, shape[1] % groups == 0 else {
      throw .invalidArgument("groups", found: "\(groups)", expected: "a divisor of the channels of \(shape)")
    }
    return try reshaped([shape[0], groups, nil]).rowNormalised(epsilon: epsilon).reshaped(shape)
  }
}
