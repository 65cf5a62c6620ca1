import CKernels
import COneDNN
import COpenBLAS

/// C = α·op(A)·op(B) + β·C, all row-major; op transposes where asked. A is m×k, B is k×n after op.
package func gemm<Scalar: TensorScalar>(
  _ transposeA: Bool, _ transposeB: Bool, _ m: Int, _ n: Int, _ k: Int, _ alpha: Double,
  _ a: UnsafePointer<Scalar>, _ lda: Int, _ b: UnsafePointer<Scalar>, _ ldb: Int, _ beta: Double,
  _ c: UnsafeMutablePointer<Scalar>, _ ldc: Int
) {
  gemm(
    Scalar._elementType.type, transposeA, transposeB, m, n, k, alpha, UnsafeRawPointer(a), lda, UnsafeRawPointer(b),
    ldb, beta, UnsafeMutableRawPointer(c), ldc)
}

/// Up to this many multiplications OpenBLAS, which has kernels for small matrices, is faster than oneDNN.
private let smallProduct = 48 * 48 * 48

package func gemm(
  _ type: ElementType, _ transposeA: Bool, _ transposeB: Bool, _ m: Int, _ n: Int, _ k: Int, _ alpha: Double,
  _ a: UnsafeRawPointer, _ lda: Int, _ b: UnsafeRawPointer, _ ldb: Int, _ beta: Double,
  _ c: UnsafeMutableRawPointer, _ ldc: Int
) {
  guard m > 0, n > 0 else { return }
  if k == 0 {
    for row in 0..<(beta == 0 ? m : 0) {
      (c + row * ldc * type.size).initializeMemory(as: UInt8.self, repeating: 0, count: n * type.size)
    }
    return
  }
  _ = OneThreadPool.isKept
  let ta = transposeA ? CblasTrans : CblasNoTrans
  let tb = transposeB ? CblasTrans : CblasNoTrans
  let (m32, n32, k32) = (Int32(m), Int32(n), Int32(k))
  if type == .float64 {
    cblas_dgemm(
      CblasRowMajor, ta, tb, m32, n32, k32, alpha, a.assumingMemoryBound(to: Double.self), Int32(lda),
      b.assumingMemoryBound(to: Double.self), Int32(ldb), beta, c.assumingMemoryBound(to: Double.self), Int32(ldc))
    return
  }
  let a = a.assumingMemoryBound(to: Float.self)
  let b = b.assumingMemoryBound(to: Float.self)
  let c = c.assumingMemoryBound(to: Float.self)
  if m * n * k > smallProduct {
    let yes = CChar(UInt8(ascii: "T"))
    let no = CChar(UInt8(ascii: "N"))
    let status = dnnl_sgemm(
      transposeA ? yes : no, transposeB ? yes : no, dnnl_dim_t(m), dnnl_dim_t(n), dnnl_dim_t(k), Float(alpha), a,
      dnnl_dim_t(lda), b, dnnl_dim_t(ldb), Float(beta), c, dnnl_dim_t(ldc))
    if status == dnnl_success { return }
  }
  if transposeB, !transposeA, n * k <= 4096 {
    // OpenBLAS has small kernels for every case but this one: turning B round first is faster than its general way.
    withUnsafeTemporaryAllocation(of: Float.self, capacity: n * k) { turned in
      UnsafeRawPointer(b).withMemoryRebound(to: UInt32.self, capacity: n * k) { from in
        turned.withMemoryRebound(to: UInt32.self) { kk_transpose_w32(n, k, from, ldb, $0.baseAddress, n) }
      }
      cblas_sgemm(
        CblasRowMajor, ta, CblasNoTrans, m32, n32, k32, Float(alpha), a, Int32(lda), turned.baseAddress, n32,
        Float(beta), c,
        Int32(ldc))
    }
    return
  }
  cblas_sgemm(
    CblasRowMajor, ta, tb, m32, n32, k32, Float(alpha), a, Int32(lda), b, Int32(ldb), Float(beta), c, Int32(ldc))
}
