import COneDNN

/// One convolution that oneDNN can run: which of its three products, and its extents.
struct ConvolutionKey: Hashable, Sendable {
  enum Kind: Int, Sendable { case forward, backwardData, backwardWeights }
  var kind: Kind
  /// `[batch, channels, …]` of the wide side, and of the result side.
  var source: [Int], result: [Int]
  /// `[outputs, inputs / groups, …]`.
  var weight: [Int]
  var stride: [Int], padding: [Int], dilation: [Int], groups: Int
  var bias: Bool, relu: Bool
  /// A primitive may only run on as many threads as it was made for.
  var threads: Int
}

/// A compiled convolution. oneDNN keeps nothing between runs: scratch memory is ours, so that threads may share it.
final class ConvolutionPrimitive: @unchecked Sendable {
  let primitive: dnnl_primitive_t
  let sourceMemory, resultMemory, plainWeight: dnnl_memory_desc_t
  var weightMemory, biasMemory, scratchMemory: dnnl_memory_desc_t
  let engine: dnnl_engine_t

  private static let cache = Locked<[ConvolutionKey: ConvolutionPrimitive]>([:])
  static let engine: Result<OneDNNEngine, TensorError> = OneDNNEngine.make()

  /// The primitive for `key`, compiled at first use.
  static func of(_ key: ConvolutionKey) throws(TensorError) -> ConvolutionPrimitive {
    if let known = cache.withLock({ $0[key] }) { return known }
    let made = try ConvolutionPrimitive(key, engine: try engine.get().engine)
    cache.withLock { cache in
      // A program that meets ever new shapes must not keep them all.
      if cache.count >= 512 { cache = [:] }
      cache[key] = made
    }
    return made
  }

  private init(_ key: ConvolutionKey, engine: dnnl_engine_t) throws(TensorError) {
    self.engine = engine
    let spatial = key.source.count - 2
    let groups = key.groups
    let activation = [dnnl_nwc, dnnl_nhwc, dnnl_ndhwc][spatial - 1]
    let plain = (groups == 1 ? [dnnl_oiw, dnnl_oihw, dnnl_oidhw] : [dnnl_goiw, dnnl_goihw, dnnl_goidhw])[spatial - 1]
    let weightShape = groups == 1 ? key.weight : [groups, key.weight[0] / groups] + key.weight[1...]
    plainWeight = try key.memory(weightShape, plain)
    let operands = ConvolutionOperands(
      source: try key.memory(key.source, activation), weight: try key.memory(weightShape, dnnl_format_tag_any),
      bias: try key.memory([key.weight[0]], dnnl_a), result: try key.memory(key.result, activation))
    let attributes = try key.attributes()
    defer { dnnl_primitive_attr_destroy(attributes) }
    let hint = try key.forward(operands, key.kind == .forward ? attributes : nil, engine)
    defer { dnnl_primitive_desc_destroy(hint) }
    let description = key.kind == .forward ? nil : try key.backward(operands, attributes, engine, hint)
    defer { if description != nil { dnnl_primitive_desc_destroy(description) } }
    let chosen = description ?? hint
    var made: dnnl_primitive_t?
    try key.check(dnnl_primitive_create(&made, chosen))
    guard let made else { throw .outOfMemory(bytes: 0) }
    primitive = made
    (sourceMemory, resultMemory, biasMemory) = (operands.source, operands.result, operands.bias)
    let weightQuery = key.kind == .backwardWeights ? dnnl_query_diff_weights_md : dnnl_query_weights_md
    weightMemory = dnnl_primitive_desc_query_md(chosen, weightQuery, 0)?.pointee ?? plainWeight
    scratchMemory = dnnl_primitive_desc_query_md(chosen, dnnl_query_scratchpad_md, 0)?.pointee ?? dnnl_memory_desc_t()
  }

  deinit { dnnl_primitive_destroy(primitive) }

  /// Whether the weights have to be moved into (or out of) the order that the kernel wants.
  var reordersWeight: Bool {
    withUnsafePointer(to: weightMemory) { a in withUnsafePointer(to: plainWeight) { dnnl_memory_desc_equal(a, $0) == 0 }
    }
  }
}

/// The processor as oneDNN sees it, made once.
struct OneDNNEngine: @unchecked Sendable {
  let engine: dnnl_engine_t
  let stream: dnnl_stream_t

  static func make() -> Result<OneDNNEngine, TensorError> {
    var engine: dnnl_engine_t?
    var stream: dnnl_stream_t?
    guard dnnl_engine_create(&engine, dnnl_cpu, 0) == dnnl_success, let engine,
      dnnl_stream_create(&stream, engine, UInt32(dnnl_stream_default_flags.rawValue)) == dnnl_success, let stream
    else { return .failure(.outOfMemory(bytes: 0)) }
    return .success(OneDNNEngine(engine: engine, stream: stream))
  }

  /// Runs a primitive on the given memory.
  func execute(
    _ primitive: dnnl_primitive_t, _ arguments: [(Int32, dnnl_memory_desc_t, UnsafeMutableRawPointer)]
  ) throws(TensorError) {
    var memories: [dnnl_exec_arg_t] = []
    memories.reserveCapacity(arguments.count)
    defer { for memory in memories { dnnl_memory_destroy(memory.memory) } }
    for (name, description, pointer) in arguments {
      var memory: dnnl_memory_t?
      let made = withUnsafePointer(to: description) { dnnl_memory_create(&memory, $0, engine, pointer) }
      guard made == dnnl_success else { throw .outOfMemory(bytes: 0) }
      memories.append(dnnl_exec_arg_t(arg: name, memory: memory))
    }
    guard dnnl_primitive_execute(primitive, stream, Int32(memories.count), memories) == dnnl_success
    else { throw .outOfMemory(bytes: 0) }
    dnnl_stream_wait(stream)
  }

  /// Copies between two orders of the same extents.
  func reorder(
    _ from: dnnl_memory_desc_t, _ source: UnsafeMutableRawPointer, _ to: dnnl_memory_desc_t,
    _ target: UnsafeMutableRawPointer
  ) throws(TensorError) {
    var description: dnnl_primitive_desc_t?
    var primitive: dnnl_primitive_t?
    let made = withUnsafePointer(to: from) { from in
      withUnsafePointer(to: to) { dnnl_reorder_primitive_desc_create(&description, from, engine, $0, engine, nil) }
    }
    guard made == dnnl_success else { throw .outOfMemory(bytes: 0) }
    defer { dnnl_primitive_desc_destroy(description) }
    guard dnnl_primitive_create(&primitive, description) == dnnl_success, let primitive
    else { throw .outOfMemory(bytes: 0) }
    defer { dnnl_primitive_destroy(primitive) }
    try execute(primitive, [(Int32(DNNL_ARG_FROM), from, source), (Int32(DNNL_ARG_TO), to, target)])
  }
}

/// What a convolution reads and writes, as oneDNN describes memory.
private struct ConvolutionOperands {
  var source: dnnl_memory_desc_t, weight: dnnl_memory_desc_t, bias: dnnl_memory_desc_t, result: dnnl_memory_desc_t
}

/// Descriptions in oneDNN's terms.
extension ConvolutionKey {
  fileprivate func check(_ status: dnnl_status_t) throws(TensorError) {
    if status == dnnl_success { return }
    throw status == dnnl_out_of_memory
      ? .outOfMemory(bytes: 0)
      : .invalidArgument(
        "convolution", found: "input \(source), weight \(weight)", expected: "extents that oneDNN supports")
  }

  fileprivate func memory(_ shape: [Int], _ tag: dnnl_format_tag_t) throws(TensorError) -> dnnl_memory_desc_t {
    var memory = dnnl_memory_desc_t()
    try check(dnnl_memory_desc_init_by_tag(&memory, Int32(shape.count), shape.map(Int64.init), dnnl_f32, tag))
    return memory
  }

  /// Scratch memory of the caller, and the rectifier where it follows; the caller destroys them.
  fileprivate func attributes() throws(TensorError) -> dnnl_primitive_attr_t? {
    var attributes: dnnl_primitive_attr_t?
    try check(dnnl_primitive_attr_create(&attributes))
    try check(dnnl_primitive_attr_set_scratchpad_mode(attributes, dnnl_scratchpad_mode_user))
    if relu {
      var operations: dnnl_post_ops_t?
      try check(dnnl_post_ops_create(&operations))
      defer { dnnl_post_ops_destroy(operations) }
      try check(dnnl_post_ops_append_eltwise(operations, 1, dnnl_eltwise_relu, 0, 0))
      try check(dnnl_primitive_attr_set_post_ops(attributes, operations))
    }
    return attributes
  }

  /// Steps, gaps and borders along the axes of space.
  private var window: (stride: [Int64], dilation: [Int64], before: [Int64], after: [Int64]) {
    let after = (0..<source.count - 2).map { i -> Int64 in
      let reach = (weight[i + 2] - 1) * dilation[i] + 1
      return Int64((result[i + 2] - 1) * stride[i] + reach - source[i + 2] - padding[i])
    }
    return (stride.map(Int64.init), dilation.map { Int64($0 - 1) }, padding.map(Int64.init), after)
  }

  /// The convolution itself, which gradients need as a hint. Training and inference differ only in what is kept, which for
  /// convolutions is nothing.
  fileprivate func forward(
    _ operands: ConvolutionOperands, _ attributes: dnnl_primitive_attr_t?, _ engine: dnnl_engine_t
  ) throws(TensorError) -> dnnl_primitive_desc_t? {
    var (o, w) = (operands, window)
    var forward = dnnl_convolution_desc_t()
    let hasBias = bias
    try withUnsafePointer(to: &o.bias) {
      [source = o.source, weight = o.weight, result = o.result] bias throws(TensorError) in
      var (source, weight, result) = (source, weight, result)
      try check(
        dnnl_dilated_convolution_forward_desc_init(
          &forward, dnnl_forward_training, dnnl_convolution_direct, &source, &weight, hasBias ? bias : nil, &result,
          &w.stride, &w.dilation, &w.before, &w.after))
    }
    var description: dnnl_primitive_desc_t?
    try check(dnnl_primitive_desc_create(&description, &forward, attributes, engine, nil))
    return description
  }

  /// The gradient to the source, or to weight and bias.
  fileprivate func backward(
    _ operands: ConvolutionOperands, _ attributes: dnnl_primitive_attr_t?, _ engine: dnnl_engine_t,
    _ hint: dnnl_primitive_desc_t?
  ) throws(TensorError) -> dnnl_primitive_desc_t? {
    var (o, w) = (operands, window)
    var backward = dnnl_convolution_desc_t()
    if kind == .backwardData {
      try check(
        dnnl_dilated_convolution_backward_data_desc_init(
          &backward, dnnl_convolution_direct, &o.source, &o.weight, &o.result, &w.stride, &w.dilation, &w.before,
          &w.after))
    } else {
      let hasBias = bias
      try withUnsafePointer(to: &o.bias) {
        [source = o.source, weight = o.weight, result = o.result] bias throws(TensorError) in
        var (source, weight, result) = (source, weight, result)
        try check(
          dnnl_dilated_convolution_backward_weights_desc_init(
            &backward, dnnl_convolution_direct, &source, &weight, hasBias ? bias : nil, &result, &w.stride,
            &w.dilation, &w.before, &w.after))
      }
    }
    var description: dnnl_primitive_desc_t?
    try check(dnnl_primitive_desc_create(&description, &backward, attributes, engine, hint))
    return description
  }
}
