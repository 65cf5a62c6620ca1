import Networks
import Substrates
import Tensors

nonisolated(unsafe) let networkWorks: [String: () throws -> Work] = [
  "resnet": {
    var random = RandomStream(seed: 0)
    let x = try PeerData.floats(PeerData.normal(71, 64 * 784), [64, 1, 28, 28])
    let y = try Tensor<Int32>(PeerData.uniform(72, 64).map { Int32($0 * 10) })
    return try training(SmallResNet(using: &random)) { try crossEntropy($0.forward(x, in: &$1), y) }
  },
  "unet": {
    var random = RandomStream(seed: 0)
    let x = try PeerData.floats(PeerData.normal(73, 8 * 4096), [8, 1, 64, 64])
    let y = try Tensor<Float>(PeerData.uniform(74, 8 * 4096).map { $0 < 0.3 ? 1 : 0 }, shape: [8, 1, 64, 64])
    return try training(UNet(using: &random)) { try binaryCrossEntropy(logits: $0.forward(x, in: &$1), y) }
  },
  "mlp": {
    let samples = 10_000
    let batch = 64
    let x = try PeerData.floats(PeerData.uniform(93, samples * 784), [samples, 784])
    let y = try Tensor<Int32>(PeerData.uniform(94, samples).map { Int32($0 * 10) })
    let first = try PeerData.network(95, [784, 256, 128, 10])
    return Work(warmUps: 1) {
      var p = first
      var optimiser = SGD(learningRate: 0.05)
      var last: Float = 0
      for start in stride(from: 0, to: samples, by: batch) {
        let part = start..<min(samples, start + batch)
        let images = try x.slice(part)
        let labels = try y.slice(part)
        let (loss, gradients) = try valueAndGradient(at: p) { p in
          var h = try linear(images, p[0], bias: p[1], activation: .sigmoid)
          h = try linear(h, p[2], bias: p[3], activation: .sigmoid)
          return try crossEntropy(linear(h, p[4], bias: p[5]), labels)
        }
        try optimiser.update(&p, along: gradients)
        last = try loss.item()
      }
      let value = last
      return { "loss=\(value)" }
    }
  },
  "rbm": {
    let visible = 784
    let hidden = 500
    let batch = 64
    let batches = 156
    let prototypes = PeerData.uniform(61, 10 * visible).map { $0 < 0.2 }
    let flips = PeerData.uniform(62, batch * batches * visible).map { $0 < 0.05 }
    let data = try Tensor<Float>(
      flips.indices.map { prototypes[$0 / visible % 10 * visible + $0 % visible] != flips[$0] ? 1 : 0 },
      shape: [batch * batches, visible])
    let first = try PeerData.floats(PeerData.normal(63, visible * hidden).map { 0.01 * $0 }, [visible, hidden])
    var random = RandomStream(seed: 1)
    return Work(warmUps: 1) {
      var w = first
      var b = try Tensor<Float>.zeros([visible])
      var c = try Tensor<Float>.zeros([hidden])
      let rate: Float = 0.05 / Float(batch)
      for k in 0..<batches {
        let v = try data.slice(k * batch..<(k + 1) * batch)
        let ph = try linear(v, w, bias: c, activation: .sigmoid)
        let pv = try linear(random.bernoulli(ph), w, bias: b, activation: .sigmoid, transposingWeight: true)
        let v1 = try random.bernoulli(pv)
        let ph1 = try linear(v1, w, bias: c, activation: .sigmoid)
        try w.addProduct(v, ph, transposingA: true, scaledBy: rate)
        try w.addProduct(v1, ph1, transposingA: true, scaledBy: -rate)
        try b.add((v - v1).sum(axes: [0]), scaledBy: rate)
        try c.add((ph - ph1).sum(axes: [0]), scaledBy: rate)
      }
      let (dw, db, dc) = (w, b, c)
      return {
        let back = try? linear(
          linear(data, dw, bias: dc, activation: .sigmoid), dw, bias: db, activation: .sigmoid, transposingWeight: true)
        return "rec=\((try? back.map { try ($0 - data).magnitude().mean().item() }) ?? .nan)"
      }
    }
  },
  "warp": { try videoNet() },
]

/// Ten training steps with momentum.
private func training<Model: Layer>(
  _ start: Model, _ loss: @escaping (inout Model, inout ForwardContext) throws -> Tensor<Float>
) throws -> Work {
  var model = start
  var optimiser = SGD(learningRate: 0.01, momentum: 0.9)
  let count = try model.parameterCount()
  return Work(warmUps: 2, repeats: 10) {
    var last: Float = 0
    for _ in 0..<10 {
      var context = ForwardContext(isTraining: true)
      let (value, gradients) = try valueAndGradient(of: &model) { try loss(&$0, &context) }
      try optimiser.update(&model, along: gradients)
      last = value
    }
    let value = last
    return { "params=\(count) loss=\(value)" }
  }
}

struct Block: Layer {
  var c1: Convolution, b1: BatchNorm, c2: Convolution, b2: BatchNorm, shortcut: Convolution?, b3: BatchNorm?

  init(_ i: Int, _ o: Int, _ stride: Int, using random: inout RandomStream) throws {
    c1 = try Convolution(i, o, window: [3, 3], stride: Window([stride]), padding: 1, bias: false, using: &random)
    b1 = try BatchNorm(o, activation: .relu)
    c2 = try Convolution(o, o, window: [3, 3], padding: 1, bias: false, using: &random)
    b2 = try BatchNorm(o, activation: .relu)
    if i != o || stride != 1 {
      shortcut = try Convolution(i, o, window: [1, 1], stride: Window([stride]), bias: false, using: &random)
      b3 = try BatchNorm(o)
    }
  }

  mutating func forward(_ x: Tensor<Float>, in context: inout ForwardContext) throws -> Tensor<Float> {
    let y = try c2.forward(b1.forward(c1.forward(x, in: &context), in: &context), in: &context)
    var rest = x
    if let shortcut { rest = try shortcut.forward(x, in: &context) }
    if b3 != nil, let moved = try b3?.forward(rest, in: &context) { rest = moved }
    return try b2.forward(y, adding: rest, in: &context)
  }

  func placed(on substrate: any Substrate, in context: inout ForwardContext) -> KeptDigital<Self> {
    keptDigital("timed in exact arithmetic alone", on: substrate)
  }

  mutating func visit(_ visitor: Visitor) throws {
    try visitor("c1", &c1)
    try visitor("b1", &b1)
    try visitor("c2", &c2)
    try visitor("b2", &b2)
    try visitor("shortcut", &shortcut)
    try visitor("b3", &b3)
  }
}

struct SmallResNet: Layer {
  var stem: Convolution, norm: BatchNorm, blocks: [Block], head: Dense

  init(using random: inout RandomStream) throws {
    stem = try Convolution(1, 16, window: [3, 3], padding: 1, bias: false, using: &random)
    norm = try BatchNorm(16, activation: .relu)
    blocks = [
      try Block(16, 16, 1, using: &random), try Block(16, 32, 2, using: &random), try Block(32, 64, 2, using: &random),
    ]
    head = try Dense(64, 10, using: &random)
  }

  mutating func forward(_ x: Tensor<Float>, in context: inout ForwardContext) throws -> Tensor<Float> {
    var y = try norm.forward(stem.forward(x, in: &context), in: &context)
    for i in blocks.indices { y = try blocks[i].forward(y, in: &context) }
    return try head.forward(y.globalAveragePooled(), in: &context)
  }

  func placed(on substrate: any Substrate, in context: inout ForwardContext) -> KeptDigital<Self> {
    keptDigital("timed in exact arithmetic alone", on: substrate)
  }

  mutating func visit(_ visitor: Visitor) throws {
    try visitor("stem", &stem)
    try visitor("norm", &norm)
    try visitor("blocks", &blocks)
    try visitor("head", &head)
  }
}

struct DoubleConvolution: Layer {
  var c1: Convolution, b1: BatchNorm, c2: Convolution, b2: BatchNorm

  init(_ i: Int, _ o: Int, using random: inout RandomStream) throws {
    c1 = try Convolution(i, o, window: [3, 3], padding: 1, bias: false, using: &random)
    b1 = try BatchNorm(o, activation: .relu)
    c2 = try Convolution(o, o, window: [3, 3], padding: 1, bias: false, using: &random)
    b2 = try BatchNorm(o, activation: .relu)
  }

  mutating func forward(_ x: Tensor<Float>, in context: inout ForwardContext) throws -> Tensor<Float> {
    try b2.forward(c2.forward(b1.forward(c1.forward(x, in: &context), in: &context), in: &context), in: &context)
  }

  func placed(on substrate: any Substrate, in context: inout ForwardContext) -> KeptDigital<Self> {
    keptDigital("timed in exact arithmetic alone", on: substrate)
  }

  mutating func visit(_ visitor: Visitor) throws {
    try visitor("c1", &c1)
    try visitor("b1", &b1)
    try visitor("c2", &c2)
    try visitor("b2", &b2)
  }
}

struct UNet: Layer {
  var e1: DoubleConvolution, e2: DoubleConvolution, m: DoubleConvolution, d2: DoubleConvolution, d1: DoubleConvolution
  var u2: TransposedConvolution, u1: TransposedConvolution, out: Convolution

  init(using random: inout RandomStream) throws {
    e1 = try DoubleConvolution(1, 16, using: &random)
    e2 = try DoubleConvolution(16, 32, using: &random)
    m = try DoubleConvolution(32, 64, using: &random)
    d2 = try DoubleConvolution(64, 32, using: &random)
    d1 = try DoubleConvolution(32, 16, using: &random)
    u2 = try TransposedConvolution(64, 32, window: [2, 2], stride: 2, using: &random)
    u1 = try TransposedConvolution(32, 16, window: [2, 2], stride: 2, using: &random)
    out = try Convolution(16, 1, window: [1, 1], using: &random)
  }

  mutating func forward(_ x: Tensor<Float>, in context: inout ForwardContext) throws -> Tensor<Float> {
    let a = try e1.forward(x, in: &context)
    let b = try e2.forward(a.maxPooled(2), in: &context)
    let c = try m.forward(b.maxPooled(2), in: &context)
    let b2 = try d2.forward(Tensor.concatenate([u2.forward(c, in: &context), b], axis: 1), in: &context)
    let a2 = try d1.forward(Tensor.concatenate([u1.forward(b2, in: &context), a], axis: 1), in: &context)
    return try out.forward(a2, in: &context)
  }

  func placed(on substrate: any Substrate, in context: inout ForwardContext) -> KeptDigital<Self> {
    keptDigital("timed in exact arithmetic alone", on: substrate)
  }

  mutating func visit(_ visitor: Visitor) throws {
    try visitor("e1", &e1)
    try visitor("e2", &e2)
    try visitor("m", &m)
    try visitor("d2", &d2)
    try visitor("d1", &d1)
    try visitor("u2", &u2)
    try visitor("u1", &u1)
    try visitor("out", &out)
  }
}

/// Alignment by twelve warps with attention over proposals, then five convolutions, as in the peers' item 7.
private func videoNet() throws -> Work {
  let (h, w) = (256, 448)
  let frames = try PeerData.floats(PeerData.uniform(81, 5 * 3 * h * w), [5, 3, h, w])
  let coarse = try PeerData.floats(PeerData.normal(82, 24 * 28).map { 3 * $0 }, [12, 2, 4, 7])
  let flow = try coarse.resized(height: h, width: w)
  var random = RandomStream(seed: 0)
  var layers: [Convolution] = []
  for (i, o) in [(15, 32), (32, 32), (32, 32), (32, 32), (32, 3)] {
    layers.append(
      try Convolution(i, o, window: [3, 3], padding: 1, activation: o == 3 ? .identity : .relu, using: &random))
  }
  let gx = try Tensor<Float>.range(w).broadcast(to: [h, w])
  let gy = try Tensor<Float>.range(h).reshaped([h, 1]).broadcast(to: [h, w])
  let base = try Tensor.stack([gx, gy], axis: -1)
  let scale = try Tensor<Float>([2 / Float(w - 1), 2 / Float(h - 1)])
  let neighbours = try frames.selecting(Tensor<Int32>([0, 1, 3, 4]))
  let centre = try frames.slice(2..<3)
  let repeated = try Tensor<Int32>((0..<12).map { Int32($0 / 3) })
  return Work {
    let grid = try (base + flow.permuted([0, 2, 3, 1])) * scale - 1
    let warped = try gridSample(neighbours.selecting(repeated), at: grid, alignCorners: true)
    let distance = try (warped - centre).squared().sum(axes: [1]).reshaped([4, 3, 1, h, w])
    let share = try (distance * -10).softmax(axis: 1)
    let aligned = try (share * warped.reshaped([4, 3, 3, h, w])).sum(axes: [1])
    var context = ForwardContext()
    var y = try Tensor.concatenate([aligned.reshaped([1, 12, h, w]), centre], axis: 1)
    for layer in layers { y = try layer.forward(y, in: &context) }
    let result = try centre + y
    return { "mean=\((try? result.mean().item()) ?? .nan)" }
  }
}
