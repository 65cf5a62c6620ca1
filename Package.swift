// swift-tools-version: 6.2
import PackageDescription

// The loops in `CKernels` are the hot path; at -O0 the tests of a debug build would take many times longer.
let kernelSettings: [CSetting] = [
  .unsafeFlags(["-O3", "-fno-math-errno", "-Wall", "-Wextra", "-Wno-pass-failed"])
]

// Which library does Fourier transforms: FFTW is faster and under the GPL, KissFFT is under a BSD licence (docs/licences.md).
let fourierLibrary = Context.environment["KIRCHHOFF_FFT"] ?? "fftw"
guard ["fftw", "kissfft"].contains(fourierLibrary) else {
  fatalError("KIRCHHOFF_FFT is \(fourierLibrary): set it to fftw or kissfft, or leave it out")
}
let usesFFTW = fourierLibrary == "fftw"
let fourierTarget: Target =
  usesFFTW
  ? .systemLibrary(
    name: "CFFTW", path: "Sources/Libraries/CFFTW", pkgConfig: "fftw3f", providers: [.apt(["libfftw3-dev"])])
  : .target(
    name: "CKissFFT", path: "Sources/Libraries/CKissFFT",
    // No checks for infinities in each complex product.
    cxxSettings: [.unsafeFlags(["-O3", "-fcx-limited-range", "-Wall", "-Wextra"])])

let package = Package(
  name: "kirchhoff",
  products: [
    .library(
      name: "Kirchhoff",
      targets: [
        "Tensors", "Networks", "Dynamics", "Datasets", "Substrates", "Devices", "Circuits", "Chips", "Reports",
        "Settings", "Systems",
      ]),
    .executable(name: "kirchhoff", targets: ["kirchhoff"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
    .package(url: "https://github.com/hummingbird-project/swift-mustache", from: "2.1.1"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
  ],
  targets: [
    .systemLibrary(
      name: "COpenBLAS", path: "Sources/Libraries/COpenBLAS", pkgConfig: "openblas",
      providers: [.apt(["libopenblas-openmp-dev", "liblapacke-dev"])]),
    fourierTarget,
    .systemLibrary(name: "COneDNN", path: "Sources/Libraries/COneDNN", providers: [.apt(["libdnnl-dev"])]),
    .systemLibrary(
      name: "CSuiteSparse", path: "Sources/Libraries/CSuiteSparse", providers: [.apt(["libsuitesparse-dev"])]),
    .systemLibrary(
      name: "CZip", path: "Sources/Libraries/CZip", pkgConfig: "libzip", providers: [.apt(["libzip-dev"])]),
    .systemLibrary(
      name: "CZlib", path: "Sources/Libraries/CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(
      name: "CPNG", path: "Sources/Libraries/CPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"])]),
    .systemLibrary(
      name: "CTurboJPEG", path: "Sources/Libraries/CTurboJPEG", pkgConfig: "libturbojpeg",
      providers: [.apt(["libturbojpeg0-dev"])]),
    .systemLibrary(
      name: "CHDF5", path: "Sources/Libraries/CHDF5", pkgConfig: "hdf5", providers: [.apt(["libhdf5-dev"])]),
    .target(name: "CHDF5Reader", dependencies: ["CHDF5"], path: "Sources/Libraries/CHDF5Reader"),
    .systemLibrary(
      name: "CCrypto", path: "Sources/Libraries/CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
    .target(name: "CKernels", cSettings: kernelSettings),
    .target(
      name: "Tensors",
      dependencies: ["CKernels", "COpenBLAS", "COneDNN", "CSuiteSparse", .target(name: fourierTarget.name)],
      exclude: [usesFFTW ? "Fourier/KissFFTPlan.swift" : "Fourier/FFTWPlan.swift"]),
    .target(name: "Substrates", dependencies: ["Tensors", "CKernels"]),
    .target(
      name: "Networks",
      dependencies: ["Substrates", "Tensors", "CZip", .product(name: "SwiftProtobuf", package: "swift-protobuf")],
      exclude: ["ONNX/onnx.proto"]),
    .target(name: "Dynamics", dependencies: ["Substrates", "Tensors", "CKernels", "COpenBLAS"]),
    .target(name: "Settings", dependencies: [.product(name: "Yams", package: "Yams")]),
    .target(name: "Devices", dependencies: ["Tensors", "Settings", "Substrates"]),
    .target(name: "Circuits", dependencies: ["Settings", "CKernels", "Devices", "Substrates", "Tensors"]),
    .target(name: "Chips", dependencies: ["Circuits", "Settings", "Substrates"]),
    .target(name: "Datasets", dependencies: ["Tensors", "CZlib", "CPNG", "CTurboJPEG", "CHDF5Reader", "CCrypto"]),
    .target(
      name: "Reports",
      dependencies: [
        "Settings", "Chips", "Circuits", "Devices", "Substrates", "Datasets", "Tensors",
        .product(name: "GRDB", package: "GRDB.swift"),
        .product(name: "Mustache", package: "swift-mustache"), "Yams",
      ],
      resources: [.embedInCode("Report/page.mustache")]),
    // Loops of the link alone; `clones.h` is what all kernels are compiled with.
    .target(
      name: "MIMOOFDMKernels", path: "Sources/Systems/MIMOOFDM/Kernels",
      cSettings: kernelSettings + [.headerSearchPath("../../../CKernels")]),
    .target(
      name: "Systems",
      dependencies: [
        "Reports", "Networks", "Dynamics", "Datasets", "Chips", "Circuits", "Devices", "Substrates", "Settings",
        "Tensors", "MIMOOFDMKernels",
      ],
      exclude: ["Deployment", "DiffusionSolver", "KoopmanAssimilation", "MIMOOFDM", "Spirals"].map { "\($0)/README.md" }
        + ["MIMOOFDM/Kernels"]),
    .executableTarget(
      name: "kirchhoff",
      dependencies: [
        "Systems", "Reports", "Settings", "Datasets", "Tensors",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Hummingbird", package: "hummingbird"),
        .product(name: "HummingbirdCore", package: "hummingbird"),
        .product(name: "HTTPTypes", package: "swift-http-types"), .product(name: "Logging", package: "swift-log"),
      ],
      resources: [.embedInCode("Serve/page.html")]),
    .testTarget(name: "TensorsTests", dependencies: ["Networks", "Tensors", "CKernels"]),
    .testTarget(name: "SubstratesTests", dependencies: ["Substrates", "Tensors"]),
    .testTarget(name: "NetworksTests", dependencies: ["Networks", "Substrates", "CKernels"]),
    .testTarget(name: "DatasetsTests", dependencies: ["Datasets", "Networks", "CZlib"]),
    .testTarget(name: "DynamicsTests", dependencies: ["Dynamics", "Networks", "Substrates", "Tensors"]),
    .testTarget(name: "SettingsTests", dependencies: ["Settings"]),
    .testTarget(name: "DevicesTests", dependencies: ["Devices", "Settings", "Substrates", "Tensors"]),
    .testTarget(name: "CircuitsTests", dependencies: ["Chips", "Circuits", "Devices", "Settings", "Substrates"]),
    .testTarget(name: "ChipsTests", dependencies: ["Chips", "Circuits", "Devices", "Settings", "Substrates"]),
    .testTarget(
      name: "ReportsTests", dependencies: ["Reports", "Settings", .product(name: "GRDB", package: "GRDB.swift")]),
    .testTarget(
      name: "SystemsTests",
      dependencies: ["Systems", "Reports", "Dynamics", "Circuits", "Devices", "Substrates", "Settings", "Tensors"]),
    .testTarget(name: "KirchhoffTests", dependencies: ["kirchhoff", "Networks", "Reports"]),
  ],
  swiftLanguageModes: [.v6]
)
