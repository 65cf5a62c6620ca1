import CKernels
import Foundation
import Networks
import Tensors
import Testing

@Suite("Training") struct TrainingTests {
  private let points: Tensor<Float>, labels: Tensor<Int32>

  init() throws {
    var random = RandomStream(seed: 21)
    points = try random.normal([200, 4])
    let sums = try points.sum(axes: [1]).elements
    labels = try Tensor(sums.map { $0 > 0 ? 1 : 0 })
  }

  private func network() throws -> Sequential {
    var random = RandomStream(seed: 22)
    return Sequential(
      try Dense(4, 16, using: &random), try BatchNorm(16, activation: .relu), try Dropout(0.2),
      try Dense(16, 2, using: &random))
  }

  /// Trains with everything that has a state: momentum, schedule, dropout, batch statistics, averaging, early stopping.
  private func fit(
    _ change: (inout TrainingSettings) -> Void = { _ in }, progress: (EpochRecord) -> Bool = { _ in true }
  ) throws -> (Sequential, [EpochRecord]) {
    var settings = TrainingSettings()
    settings.epochs = 6
    settings.batchSize = 32
    settings.seed = 3
    settings.schedule = .cosine(steps: 40, floor: 0.1)
    settings.clippingNorm = 1
    settings.patience = 4
    settings.averagingDecay = 0.9
    change(&settings)
    var trainer = Trainer(settings, optimiser: Adam(learningRate: 0.02))
    var model = try network()
    let history = try trainer.fit(
      &model, samples: 200,
      loss: { try crossEntropy($0.forward(points.selecting($1), in: &$2), labels.selecting($1)) },
      validation: { try crossEntropy($0(points), labels).item() }, progress: progress)
    return (model, history)
  }

  private func sameState(_ a: Sequential, _ b: Sequential) throws -> Bool {
    try zip(a.state(), b.state()).allSatisfy { $0.name == $1.name && $0.tensor == $1.tensor }
  }

  @Test("a network learns a separable problem, and its history says so")
  func learns() throws {
    let (model, history) = try fit()
    #expect(history.count == 6)
    #expect(try #require(history.last?.validationLoss) < history[0].trainingLoss)
    #expect(try accuracy(model(points), labels) > 0.9)
  }

  @Test("a run that stops after an epoch and continues ends as one that never stopped, bit for bit")
  func resumesAfterEpoch() throws {
    try withFolder { folder in
      let (whole, history) = try fit()
      let path = "\(folder)/state.safetensors"
      _ = try fit({ $0.checkpoint = path }, progress: { $0.epoch < 2 })
      let (continued, all) = try fit { $0.checkpoint = path }
      #expect(try sameState(whole, continued))
      #expect(all == history)
    }
  }

  private struct Interrupted: Error {}

  @Test("a run that breaks off within an epoch continues from its last checkpoint", arguments: [4, 9, 23])
  func resumesWithinEpoch(step: Int) throws {
    try withFolder { folder in
      let (whole, history) = try fit()
      var settings = TrainingSettings()
      settings.epochs = 6
      settings.batchSize = 32
      settings.seed = 3
      settings.schedule = .cosine(steps: 40, floor: 0.1)
      settings.clippingNorm = 1
      settings.patience = 4
      settings.averagingDecay = 0.9
      settings.checkpoint = "\(folder)/state.safetensors"
      settings.checkpointEvery = 2
      var trainer = Trainer(settings, optimiser: Adam(learningRate: 0.02))
      var model = try network()
      var steps = 0
      #expect(throws: Interrupted.self) {
        try trainer.fit(
          &model, samples: 200,
          loss: {
            steps += 1
            if steps > step { throw Interrupted() }
            return try crossEntropy($0.forward(points.selecting($1), in: &$2), labels.selecting($1))
          }, validation: { try crossEntropy($0(points), labels).item() })
      }
      let (continued, all) = try fit {
        $0.checkpoint = settings.checkpoint
        $0.checkpointEvery = 2
      }
      #expect(try sameState(whole, continued))
      #expect(all == history)
    }
  }

  @Test(
    "Python's safetensors reads a checkpoint, and training continues from one that Python wrote",
    .enabled(if: Python.path != nil, "needs Python with numpy and safetensors: run `make setup`"))
  func checkpointThroughPython() throws {
    let python = try #require(Python.path)
    try withFolder { folder in
      let (whole, _) = try fit()
      let path = "\(folder)/state.safetensors"
      _ = try fit({ $0.checkpoint = path }, progress: { $0.epoch < 2 })
      try Python.run(
        python,
        """
        from safetensors import safe_open
        from safetensors.numpy import save_file
        with safe_open("\(path)", "np") as f:
            tensors, about = {k: f.get_tensor(k) for k in f.keys()}, f.metadata()
        assert tensors["model.0.weight"].shape == (4, 16) and "optimiser.steps" in tensors and "training" in about
        save_file(tensors, "\(path)", metadata=about)
        """)
      #expect(try sameState(whole, fit { $0.checkpoint = path }.0))
    }
  }

  @Test("early stopping returns the best model")
  func earlyStopping() throws {
    var settings = TrainingSettings()
    settings.epochs = 50
    settings.patience = 2
    var trainer = Trainer(settings, optimiser: SGD(learningRate: 0.1))
    var model = try network()
    var losses: [Float] = [3, 2, 1, 4, 5, 6]
    var seen: [Sequential] = []
    let history = try trainer.fit(
      &model, samples: 200, loss: { try crossEntropy($0.forward(points.selecting($1), in: &$2), labels.selecting($1)) },
      validation: {
        seen.append($0)
        return losses.removeFirst()
      })
    #expect(history.count == 5)
    #expect(try sameState(model, seen[2]))
  }

  @Test("one or two threads give the same curve, to the rounding of the products")
  func threads() throws {
    let one = try Parallelism.withThreads(1) { try fit().1 }
    let two = try Parallelism.withThreads(2) { try fit().1 }
    // BLAS may add in another order: a few units in the last place, amplified over 42 updates.
    for (a, b) in zip(one, two) { #expect((a.trainingLoss - b.trainingLoss).magnitude <= 1e-4 * a.trainingLoss) }
    #expect(try fit().1 == fit().1)
  }

  @Test("wrong settings, other settings than the checkpoint's, and divergence are errors")
  func refusals() throws {
    #expect(throws: NetworkError.invalidSetting("batchSize", found: "0", expected: "1 or more")) {
      try fit { $0.batchSize = 0 }
    }
    #expect(throws: NetworkError.self) { try fit { $0.checkpointEvery = 5 } }
    #expect(throws: NetworkError.self) { try fit { $0.averagingDecay = 2 } }
    try withFolder { folder in
      let path = "\(folder)/state.safetensors"
      _ = try fit {
        $0.checkpoint = path
        $0.epochs = 1
      }
      #expect(throws: NetworkError.invalidSetting("seed", found: "4", expected: "3, as in the checkpoint \(path)")) {
        try fit {
          $0.checkpoint = path
          $0.seed = 4
        }
      }
      try Data("garbage".utf8).write(to: URL(fileURLWithPath: path))
      #expect(throws: NetworkError.self) { try fit { $0.checkpoint = path } }
    }
    var trainer = Trainer(optimiser: SGD(learningRate: 1e30))
    var model = try network()
    #expect(throws: NetworkError.self) {
      try trainer.fit(
        &model, samples: 200, loss: { try ($0.forward(points.selecting($1), in: &$2) * 1e20).squared().mean() })
    }
  }

  // In a process of its own, where nothing else takes memory.
  @Test(
    "memory does not grow over 100,000 training steps",
    .enabled(
      if: kk_address_sanitizer() == 0 && kk_thread_sanitizer() == 0, "sanitizers keep freed memory and records of it"))
  func memory() async {
    await #expect(processExitsWith: .success) {
      func residentMemory() throws -> Int {
        let fields = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8).split(separator: " ")
        return (Int(fields[1]) ?? 0) * 4096
      }
      var random = RandomStream(seed: 1)
      let points: Tensor<Float> = try random.normal([192, 4])
      let labels = try Tensor<Int32>((0..<192).map { $0 % 2 })
      var model = Sequential(
        try Dense(4, 16, activation: .tanh, using: &random), try Dense(16, 2, using: &random))
      var optimiser = Adam(learningRate: 0.001)
      func run(_ steps: Int) throws {
        for step in 0..<steps {
          let part = step % 12 * 16..<step % 12 * 16 + 16
          let x = try points.slice(part)
          let y = try labels.slice(part)
          var context = ForwardContext(isTraining: true)
          let (_, gradients) = try valueAndGradient(of: &model) { try crossEntropy($0.forward(x, in: &context), y) }
          try optimiser.update(&model, along: gradients)
        }
      }
      try run(1000)
      let before = try residentMemory()
      try run(100_000)
      let growth = try residentMemory() - before
      // A few pages may still settle; a leak of the smallest tensor in each step would be ten megabytes.
      try #require(growth <= 1 << 20)
    }
  }
}
