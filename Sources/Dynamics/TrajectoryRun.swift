import CKernels
import Tensors

/// One batch of trajectories: how it is cut into vectors of lanes, run, and differentiated.
///
/// Every vector of lanes is one unit of work. Units do not depend on the number of threads, and their gradients are added
/// in order, so neither does any result.
struct TrajectoryRun: @unchecked Sendable {
  let field: CompiledField
  let step: Double
  let steps: Int
  let batch: Int

  /// What the way back needs from one unit: the input and hidden layers of every stage of every step.
  struct Kept: @unchecked Sendable {
    /// `[layer]`: `[step, unit, stage, lane]`.
    var activations: [Body]
  }

  /// Gradients of one batch.
  struct Result {
    var start: Body, drive: Body?
    var weights: [Body], biases: [Body]
  }

  private var units: Int { (batch + field.lanes - 1) / field.lanes }
  private var size: Int { field.type.size }

  /// A buffer of `rows` vectors.
  private func vectors(_ rows: Int) throws(TensorError) -> Body { try Body(field.type, [max(1, rows), field.lanes]) }

  /// Copies numbers `[lane, columns]` of a batch at `from` into vectors `[columns, lane]`; missing lanes repeat the last.
  private func load(_ from: UnsafeMutableRawPointer, _ columns: Int, _ unit: Int, _ to: UnsafeMutableRawPointer) {
    let lanes = field.lanes
    let first = unit * lanes
    for lane in 0..<lanes {
      let sample = min(first + lane, batch - 1)
      for c in 0..<columns {
        (to + (c * lanes + lane) * size).copyMemory(from: from + (sample * columns + c) * size, byteCount: size)
      }
    }
  }

  /// The opposite of `load`.
  private func store(_ from: UnsafeMutableRawPointer, _ columns: Int, _ unit: Int, _ to: UnsafeMutableRawPointer) {
    let lanes = field.lanes
    let first = unit * lanes
    for lane in 0..<min(lanes, batch - first) {
      for c in 0..<columns {
        (to + ((first + lane) * columns + c) * size).copyMemory(from: from + (c * lanes + lane) * size, byteCount: size)
      }
    }
  }

  /// Runs units side by side; the first error is thrown after all have ended.
  private func forEachUnit(_ body: (Int) throws(TensorError) -> Void) throws(TensorError) {
    var failures = [TensorError?](repeating: nil, count: units)
    failures.withUnsafeMutableBufferPointer { failures in
      nonisolated(unsafe) let failures = failures
      parallelFor(units) { part in
        for unit in part { do throws(TensorError) { try body(unit) } catch { failures[unit] = error } }
      }
    }
    for case let failure? in failures { throw failure }
  }

  /// Trajectories into `y`, `[steps + 1, batch, states]`.
  func forward(_ start: Body, _ drive: Body?, _ y: Body) throws(TensorError) {
    if batch * 4 <= field.lanes || batch == 1 { return try forwardSingly(start, drive, y) }
    try forEachUnit { unit throws(TensorError) in
      var scratch: [Body] = []
      for l in 0..<field.layers { scratch.append(try vectors(field.sizes[l] * 4)) }
      try run(unit, start, drive, y, scratch, perStep: 0)
    }
  }

  func forwardKeeping(_ start: Body, _ drive: Body?, _ y: Body) throws(TensorError) -> [Kept] {
    var kept: [Kept] = []
    for _ in 0..<units {
      var layers: [Body] = []
      for l in 0..<field.layers { layers.append(try vectors(steps * field.sizes[l] * 4)) }
      kept.append(Kept(activations: layers))
    }
    let all = kept
    try forEachUnit { unit throws(TensorError) in try run(unit, start, drive, y, all[unit].activations, perStep: 1) }
    return kept
  }

  /// One unit; activations of step t go to `activations` at step `t · perStep`.
  private func run(
    _ unit: Int, _ start: Body, _ drive: Body?, _ y: Body, _ activations: [Body], perStep: Int
  ) throws(TensorError) {
    let n = field.states
    let m = field.drives
    let x = try vectors(n)
    let u = try vectors(3 * m)
    load(start.pointer, n, unit, x.pointer)
    store(x.pointer, n, unit, y.pointer)
    for t in 0..<steps {
      if let drive, m > 0 {
        for instant in 0..<3 {
          load(
            drive.pointer + (2 * t + instant) * batch * m * size, m, unit, u.pointer + instant * m * field.lanes * size)
        }
      }
      if field.type == .float32 {
        var places = activations.enumerated().map { Optional($1.f32 + t * perStep * field.sizes[$0] * 4 * field.lanes) }
        field.with32 { kk_field_step_f32($0, Float(step), u.f32, x.f32, &places) }
      } else {
        var places = activations.enumerated().map { Optional($1.f64 + t * perStep * field.sizes[$0] * 4 * field.lanes) }
        field.with64 { kk_field_step_f64($0, step, u.f64, x.f64, &places) }
      }
      store(x.pointer, n, unit, y.pointer + (t + 1) * batch * n * size)
    }
  }

  /// Few trajectories, one after the other, each with the units of a layer in the lanes.
  private func forwardSingly(_ start: Body, _ drive: Body?, _ y: Body) throws(TensorError) {
    let n = field.states
    let m = field.drives
    let line = try Body(field.type, [steps + 1, n])
    let work = try Body(field.type, [4, field.room])
    let own = try drive.map { drive throws(TensorError) in
      batch == 1 ? drive : try Body(field.type, [2 * steps + 1, m])
    }
    for sample in 0..<batch {
      line.pointer.copyMemory(from: start.pointer + sample * n * size, byteCount: n * size)
      if let own, let drive, batch > 1 {
        for t in 0...2 * steps {
          (own.pointer + t * m * size).copyMemory(
            from: drive.pointer + (t * batch + sample) * m * size, byteCount: m * size)
        }
      }
      if field.type == .float32 {
        field.with32 { kk_field_trajectory_f32($0, Float(step), steps, own?.f32, line.f32, work.f32) }
      } else {
        field.with64 { kk_field_trajectory_f64($0, step, steps, own?.f64, line.f64, work.f64) }
      }
      for t in 0...steps {
        (y.pointer + (t * batch + sample) * n * size).copyMemory(from: line.pointer + t * n * size, byteCount: n * size)
      }
    }
  }

  /// Gradients from that of the trajectories, `[steps + 1, batch, states]`.
  func backward(_ upstream: Body, _ kept: [Kept], driveNeeded: Bool) throws(TensorError) -> Result {
    let n = field.states
    let m = field.drives
    let type = field.type
    let start = try Body(type, [batch, n])
    let drive = driveNeeded ? try zeros([2 * steps + 1, batch, m]) : nil
    var partial: [[Body]] = []
    for _ in 0..<units {
      var gradients: [Body] = []
      for l in 0..<field.layers {
        gradients.append(try zeros([field.sizes[l + 1], field.sizes[l]]))
        gradients.append(try zeros([field.sizes[l + 1]]))
      }
      partial.append(gradients)
    }
    let sums = partial
    try forEachUnit { unit throws(TensorError) in
      try backward(unit, upstream, kept[unit].activations, start, drive, sums[unit])
    }
    for other in partial.dropFirst() {
      for (sum, more) in zip(partial[0], other) { accumulate(more, into: sum) }
    }
    var weights: [Body] = []
    var biases: [Body] = []
    for l in 0..<field.layers {
      weights.append(try transposed(partial[0][2 * l]))
      biases.append(partial[0][2 * l + 1])
    }
    return Result(start: start, drive: drive, weights: weights, biases: biases)
  }

  private func transposed(_ x: Body) throws(TensorError) -> Body {
    x.type == .float32 ? try Tensor<Float>(body: x).transposed().body : try Tensor<Double>(body: x).transposed().body
  }

  private func zeros(_ shape: [Int]) throws(TensorError) -> Body {
    let body = try Body(field.type, shape)
    body.pointer.initializeMemory(as: UInt8.self, repeating: 0, count: body.count * size)
    return body
  }

  private func backward(
    _ unit: Int, _ upstream: Body, _ activations: [Body], _ start: Body, _ drive: Body?, _ sums: [Body]
  ) throws(TensorError) {
    let n = field.states
    let m = field.drives
    let lanes = field.lanes
    let sizes = field.sizes
    let g = try vectors(n)
    let more = try vectors(n)
    let du = drive == nil ? nil : try vectors(3 * m)
    var deltas: [Body] = []
    for l in 0..<field.layers { deltas.append(try vectors(sizes[l + 1] * 4)) }
    loadGradient(upstream, steps, unit, g)
    for t in stride(from: steps - 1, through: 0, by: -1) {
      du?.pointer.initializeMemory(as: UInt8.self, repeating: 0, count: 3 * m * lanes * size)
      if field.type == .float32 {
        let places = activations.enumerated().map { Optional(UnsafePointer($1.f32 + t * sizes[$0] * 4 * lanes)) }
        var targets = deltas.map { Optional($0.f32) }
        field.with32 { kk_field_step_gradient_f32($0, Float(step), places, g.f32, &targets, du?.f32) }
      } else {
        let places = activations.enumerated().map { Optional(UnsafePointer($1.f64 + t * sizes[$0] * 4 * lanes)) }
        var targets = deltas.map { Optional($0.f64) }
        field.with64 { kk_field_step_gradient_f64($0, step, places, g.f64, &targets, du?.f64) }
      }
      for l in 0..<field.layers {
        // Every stage and lane is one sample: dW += δ·aᵀ.
        let samples = 4 * lanes
        gemm(
          field.type, false, true, sizes[l + 1], sizes[l], samples, 1, deltas[l].pointer, samples,
          activations[l].pointer + t * sizes[l] * samples * size, samples, 1, sums[2 * l].pointer, sizes[l])
        addRowSums(deltas[l], sizes[l + 1], samples, into: sums[2 * l + 1])
      }
      if let drive, let du {
        for instant in 0..<3 {
          addStored(du.pointer + instant * m * lanes * size, m, unit, drive, at: (2 * t + instant) * batch * m)
        }
      }
      loadGradient(upstream, t, unit, more)
      accumulate(more, into: g)
    }
    store(g.pointer, n, unit, start.pointer)
  }

  /// The upstream gradient at one time; lanes beyond the batch have none.
  private func loadGradient(_ upstream: Body, _ t: Int, _ unit: Int, _ to: Body) {
    let n = field.states
    let lanes = field.lanes
    load(upstream.pointer + t * batch * n * size, n, unit, to.pointer)
    for lane in min(lanes, batch - unit * lanes)..<lanes {
      for c in 0..<n {
        (to.pointer + (c * lanes + lane) * size).initializeMemory(as: UInt8.self, repeating: 0, count: size)
      }
    }
  }

  private func addRowSums(_ x: Body, _ rows: Int, _ columns: Int, into y: Body) {
    for r in 0..<rows {
      if x.type == .float32 {
        var sum: Float = 0
        kk_reduce_f32(sumCode, 1, columns, 1, x.f32 + r * columns, &sum)
        y.f32[r] += sum
      } else {
        var sum = 0.0
        kk_reduce_f64(sumCode, 1, columns, 1, x.f64 + r * columns, &sum)
        y.f64[r] += sum
      }
    }
  }

  private func addStored(_ from: UnsafeMutableRawPointer, _ columns: Int, _ unit: Int, _ to: Body, at offset: Int) {
    let lanes = field.lanes
    let first = unit * lanes
    for lane in 0..<min(lanes, batch - first) {
      for c in 0..<columns {
        let place = offset + (first + lane) * columns + c
        if to.type == .float32 {
          to.f32[place] += from.assumingMemoryBound(to: Float.self)[c * lanes + lane]
        } else {
          to.f64[place] += from.assumingMemoryBound(to: Double.self)[c * lanes + lane]
        }
      }
    }
  }
}

/// The kernels' number for a sum.
private let sumCode = Reduction.sum.rawValue
