// swift-tools-version: 6.2
import PackageDescription

// The loops in `CKernels` are the hot path; at -O0 the tests of a debug build would take many times longer.
let kernelSettings: [CSetting] = [
  .unsafeFlags(["-O3", "-fno-math-errno", "-Wall", "-Wextra", "-Wno-pass-failed"])
]

let package = Package(
  name: "kirchhoff",
  products: [
    .library(name: "Kirchhoff", targets: ["Tensors", "Networks", "Dynamics", "Datasets"]),
    .executable(name: "kirchhoff", targets: ["kirchhoff"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2")
  ],
  targets: [
    .systemLibrary(
      name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-openmp-dev", "liblapacke-dev"])]),
    .systemLibrary(name: "CFFTW", pkgConfig: "fftw3f", providers: [.apt(["libfftw3-dev"])]),
    .systemLibrary(name: "COneDNN", providers: [.apt(["libdnnl-dev"])]),
    .systemLibrary(name: "CSuiteSparse", providers: [.apt(["libsuitesparse-dev"])]),
    .systemLibrary(name: "CZip", pkgConfig: "libzip", providers: [.apt(["libzip-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .target(name: "CKernels", cSettings: kernelSettings),
    .target(name: "Tensors", dependencies: ["CKernels", "COpenBLAS", "CFFTW", "COneDNN", "CSuiteSparse"]),
    .target(name: "Networks", dependencies: ["Tensors", "CZip"]),
    .target(name: "Dynamics", dependencies: ["Tensors", "CKernels"]),
    .target(name: "Datasets", dependencies: ["Tensors", "CZlib"]),
    .executableTarget(
      name: "kirchhoff",
      dependencies: ["Networks", .product(name: "ArgumentParser", package: "swift-argument-parser")]),
    .testTarget(name: "TensorsTests", dependencies: ["Networks", "Tensors", "CKernels"]),
    .testTarget(name: "NetworksTests", dependencies: ["Networks", "CKernels"]),
    .testTarget(name: "DatasetsTests", dependencies: ["Datasets", "Networks", "CZlib"]),
    .testTarget(name: "KirchhoffTests", dependencies: ["kirchhoff"]),
    .testTarget(name: "DynamicsTests", dependencies: ["Dynamics", "Networks"]),
  ],
  swiftLanguageModes: [.v6]
)
