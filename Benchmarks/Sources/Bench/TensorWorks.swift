import COneDNN
import COpenBLAS
import Tensors

nonisolated(unsafe) let tensorWorks: [String: () throws -> Work] = [
  "chain": {
    let w = try PeerData.floats(PeerData.normal(91, 256).map { 0.3 * $0 }, [16, 16])
    let x = try PeerData.floats(PeerData.normal(92, 256), [16, 16])
    return Work(warmUps: 20, repeats: 50) {
      var gradient = w
      for _ in 0..<50 {
        gradient = try valueAndGradient(at: w) { w in
          var h = x
          for _ in 0..<100 { h = try tanh(matmul(h, w)) }
          return try h.sum()
        }.gradient
      }
      return { "|dW|=\((try? gradient.norm().item()) ?? .nan)" }
    }
  },
  "normal": {
    var random = RandomStream(seed: 1)
    var buffer = try Tensor<Float>.zeros([1 << 24])
    return Work {
      try random.fillNormal(&buffer)
      let filled = buffer
      return { "mean=\((try? filled.mean().item()) ?? .nan)" }
    }
  },
  "gemm": {
    let (a, b) = try gemmInputs()
    return Work(warmUps: 3, repeats: 4) {
      var c = a
      for _ in 0..<4 { c = try matmul(a, b) }
      return { "c[0]=\(c.elements[0])" }
    }
  },
  "gemm-onednn": {
    let (a, b) = try gemmInputs()
    var c = try Tensor<Float>.zeros([1024, 1024])
    let x = a.elements
    let y = b.elements
    return Work(warmUps: 3, repeats: 4) {
      try c.updateElements { c in
        c.withUnsafeMutableBufferPointer { c in
          for _ in 0..<4 {
            dnnl_sgemm(
              CChar(UInt8(ascii: "N")), CChar(UInt8(ascii: "N")), 1024, 1024, 1024, 1, x, 1024, y, 1024, 0,
              c.baseAddress, 1024)
          }
        }
      }
      let done = c
      return { "c[0]=\(done.elements[0])" }
    }
  },
  "gemm-openblas": {
    let (a, b) = try gemmInputs()
    var c = try Tensor<Float>.zeros([1024, 1024])
    let x = a.elements
    let y = b.elements
    return Work(warmUps: 3, repeats: 4) {
      try c.updateElements { c in
        c.withUnsafeMutableBufferPointer { c in
          for _ in 0..<4 {
            cblas_sgemm(
              CblasRowMajor, CblasNoTrans, CblasNoTrans, 1024, 1024, 1024, 1, x, 1024, y, 1024, 0, c.baseAddress, 1024)
          }
        }
      }
      let done = c
      return { "c[0]=\(done.elements[0])" }
    }
  },
]

private func gemmInputs() throws -> (Tensor<Float>, Tensor<Float>) {
  (
    try PeerData.floats(PeerData.normal(1, 1 << 20), [1024, 1024]),
    try PeerData.floats(PeerData.normal(2, 1 << 20), [1024, 1024])
  )
}
