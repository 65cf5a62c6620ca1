import Foundation
import Tensors

func time(_ name: String, _ n: Int = 30, _ f: () throws -> Void) rethrows {
  for _ in 0..<3 { try f() }
  var best = 1e9
  for _ in 0..<n { let t = DispatchTime.now().uptimeNanoseconds; try f(); best = min(best, Double(DispatchTime.now().uptimeNanoseconds - t)) }
  print(name, best * 1e-6, "ms")
}
var r = RandomStream(seed: 1)
let w: Tensor<Float> = try r.normal([16, 16], standardDeviation: 0.3), x: Tensor<Float> = try r.normal([16, 16])
try time("chain") {
  _ = try valueAndGradient(at: w) { w in var h = x; for _ in 0..<100 { h = try tanh(matmul(h, w)) }; return try h.sum() }
}
try time("chain fwd") { var h = x; for _ in 0..<100 { h = try tanh(matmul(h, w)) } }
try time("matmul100") { for _ in 0..<100 { _ = try matmul(x, w) } }
try time("tanh100") { for _ in 0..<100 { _ = try tanh(x) } }
var big: Tensor<Float> = try Tensor.zeros([1 << 24])
try time("normal 16M", 10) { try r.fillNormal(&big) }
